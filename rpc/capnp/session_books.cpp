// What operator and auditor read.

#include "base/limits.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

using base::Status;

// Empty: no address (zero).
// A page of a list whose reader takes an id to start after.
template <typename T, typename IdType, typename ReadAfter>
Reply<PageOf<T>> plain_page(const Page& page, ReadAfter read_after) {
  const std::size_t limit = page_limit(page);
  auto items = read_after(IdType(static_cast<typename IdType::Value>(page.after)), limit + 1);
  if (!items) return Reply<PageOf<T>>::of(tl::unexpected(items.error()));
  Reply<PageOf<T>> reply;
  reply.value = cut_page<T>(std::move(*items), limit, [](const T& item) { return std::uint64_t{item.id.value}; });
  return reply;
}

}  // namespace

kj::Promise<void> BooksImpl::payer(PayerContext call) {
  const core::Address address = address_param(call.getParams().getAddress(), "payer: address");
  return read<PayerAccount>([&books = reader(), address] { return read_payer_account(books, address); })
      .then([call](Reply<PayerAccount> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        if (reply.status != Status::ok) return;
        encode(reply.value.payer, results.initPayer());
        encode_list(reply.value.tallies, results.initTallies(list_size(reply.value.tallies.size())));
      });
}

kj::Promise<void> BooksImpl::payers(PayersContext call) {
  const Page page = decode(call.getParams().getPage());
  return read<PageOf<core::Payer>>([&books = reader(), page] {
           return plain_page<core::Payer, core::PayerId>(
               page, [&](core::PayerId after, std::size_t limit) { return books.payers(after, limit); });
         })
      .then([call](Reply<PageOf<core::Payer>> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initPayers(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::payerById(PayerByIdContext call) {
  const core::PayerId id(call.getParams().getId());
  return read<core::Payer>([&books = reader(), id] { return Reply<core::Payer>::of(books.payer(id)); })
      .then([call](Reply<core::Payer> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initPayer());
      });
}

kj::Promise<void> BooksImpl::tally(TallyContext call) {
  const auto params = call.getParams();
  const core::Address payer = address_param(params.getPayer(), "tally: payer");
  const core::AssetId asset(params.getAsset());
  return read<TallyView>([&books = reader(), payer, asset] { return read_tally(books, payer, asset); })
      .then([call](Reply<TallyView> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initTally());
      });
}

kj::Promise<void> BooksImpl::payee(PayeeContext call) {
  const core::Address address = address_param(call.getParams().getAddress(), "payee: address");
  return read<PayeeAccount>([&books = reader(), address] { return read_payee_account(books, address); })
      .then([call](Reply<PayeeAccount> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        if (reply.status != Status::ok) return;
        encode(reply.value.payee, results.initPayee());
        encode_list(reply.value.balances, results.initBalances(list_size(reply.value.balances.size())));
      });
}

kj::Promise<void> BooksImpl::payees(PayeesContext call) {
  const Page page = decode(call.getParams().getPage());
  return read<PageOf<core::Payee>>([&books = reader(), page] {
           return plain_page<core::Payee, core::PayeeId>(
               page, [&](core::PayeeId after, std::size_t limit) { return books.payees(after, limit); });
         })
      .then([call](Reply<PageOf<core::Payee>> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initPayees(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::payeeById(PayeeByIdContext call) {
  const core::PayeeId id(call.getParams().getId());
  return read<core::Payee>([&books = reader(), id] { return Reply<core::Payee>::of(books.payee(id)); })
      .then([call](Reply<core::Payee> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initPayee());
      });
}

kj::Promise<void> BooksImpl::server(ServerContext call) {
  const core::Address key = address_param(call.getParams().getKey(), "server: key");
  return read<core::Server>([&books = reader(), key] { return Reply<core::Server>::of(books.server(key)); })
      .then([call](Reply<core::Server> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initServer());
      });
}

kj::Promise<void> BooksImpl::servers(ServersContext call) {
  const Page page = decode(call.getParams().getPage());
  return read<PageOf<core::Server>>([&books = reader(), page] {
           return plain_page<core::Server, core::ServerId>(
               page, [&](core::ServerId after, std::size_t limit) { return books.servers(after, limit); });
         })
      .then([call](Reply<PageOf<core::Server>> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initServers(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::assets(AssetsContext call) {
  using Assets = std::vector<core::Asset>;
  return read<Assets>([&books = reader()] { return Reply<Assets>::of(books.assets()); })
      .then([call](Reply<Assets> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initAssets(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::plans(PlansContext call) {
  using Plans = std::vector<core::Plan>;
  return read<Plans>([&books = reader()] { return Reply<Plans>::of(books.plans()); })
      .then([call](Reply<Plans> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initPlans(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::mandates(MandatesContext call) {
  using Mandates = PageOf<core::MandateState>;
  const core::Address payer = address_param(call.getParams().getPayer(), "mandates: payer");
  const Page page = decode(call.getParams().getPage());
  return read<Mandates>([&books = reader(), payer, page] {
           return with_payer<Mandates>(books, payer, [&](core::PayerId id) { return read_mandates(books, id, page); });
         })
      .then([call](Reply<Mandates> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initMandates(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::statements(StatementsContext call) {
  using Statements = PageOf<core::Statement>;
  const core::Address payer = optional_address(call.getParams().getPayer(), "statements: payer");
  const Page page = decode(call.getParams().getPage());
  return read<Statements>([&books = reader(), payer, page] {
           return with_payer<Statements>(books, payer,
                                         [&](core::PayerId id) { return read_statements(books, id, page); });
         })
      .then([call](Reply<Statements> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initStatements(list_size(reply.value.items.size())), Detail::brief);
      });
}

kj::Promise<void> BooksImpl::statement(StatementContext call) {
  const core::StatementId id(call.getParams().getId());
  return read<core::Statement>([&books = reader(), id] { return Reply<core::Statement>::of(books.statement(id)); })
      .then([call](Reply<core::Statement> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, Detail::full, call.getResults().initStatement());
      });
}

kj::Promise<void> BooksImpl::settlements(SettlementsContext call) {
  using Settlements = PageOf<core::Settlement>;
  const auto params = call.getParams();
  const schema::SettlementState wanted = params.getState();
  if (wanted > schema::SettlementState::CANCELLED) throw_invalid("settlements: the state is unknown to this version");
  const Page page = decode(params.getPage());
  return read<Settlements>([&books = reader(), wanted, page] {
           return plain_page<core::Settlement, core::SettlementId>(
               page, [&](core::SettlementId after, std::size_t limit) {
                 if (wanted == schema::SettlementState::UNSPECIFIED) return books.settlements(after, limit);
                 return books.settlements_in(static_cast<core::SettlementState>(wanted), after, limit);
               });
         })
      .then([call](Reply<Settlements> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initSettlements(list_size(reply.value.items.size())), Detail::brief);
      });
}

kj::Promise<void> BooksImpl::settlement(SettlementContext call) {
  const core::SettlementId id(call.getParams().getId());
  return read<core::Settlement>([&books = reader(), id] { return Reply<core::Settlement>::of(books.settlement(id)); })
      .then([call](Reply<core::Settlement> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, Detail::full, call.getResults().initSettlement());
      });
}

kj::Promise<void> BooksImpl::channels(ChannelsContext call) {
  const Page page = decode(call.getParams().getPage());
  return read<PageOf<core::Channel>>([&books = reader(), page] {
           return plain_page<core::Channel, core::ChannelId>(
               page, [&](core::ChannelId after, std::size_t limit) { return books.channels(after, limit); });
         })
      .then([call](Reply<PageOf<core::Channel>> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initChannels(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::channel(ChannelContext call) {
  core::Hash key;
  if (!decode_fixed(call.getParams().getKey(), key)) throw_invalid("channel: key: it has 32 bytes");
  return read<core::Channel>([&books = reader(), key] { return Reply<core::Channel>::of(books.channel(key)); })
      .then([call](Reply<core::Channel> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initChannel());
      });
}

kj::Promise<void> BooksImpl::earnings(EarningsContext call) {
  using All = std::vector<core::Earnings>;
  const std::size_t limit = page_limit({0, call.getParams().getLimit()});
  return read<All>([&books = reader(), limit] { return Reply<All>::of(books.earnings(limit)); })
      .then([call](Reply<All> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initEarnings(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::notices(NoticesContext call) {
  using Notices = PageOf<core::Notice>;
  const schema::NoticeState wanted = call.getParams().getState();
  if (wanted > schema::NoticeState::RESOLVED) throw_invalid("notices: the state is unknown to this version");
  const Page page = decode(call.getParams().getPage());
  return read<Notices>([&books = reader(), wanted, page] {
           return plain_page<core::Notice, core::NoticeId>(page, [&](core::NoticeId after, std::size_t limit) {
             if (wanted == schema::NoticeState::UNSPECIFIED) return books.notices(after, limit);
             return books.notices_in(static_cast<core::NoticeState>(wanted), after, limit);
           });
         })
      .then([call](Reply<Notices> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initNotices(list_size(reply.value.items.size())), Detail::brief);
      });
}

kj::Promise<void> BooksImpl::notice(NoticeContext call) {
  const core::NoticeId id(call.getParams().getId());
  return read<core::Notice>([&books = reader(), id] { return Reply<core::Notice>::of(books.notice(id)); })
      .then([call](Reply<core::Notice> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, Detail::full, call.getResults().initNotice());
      });
}

kj::Promise<void> BooksImpl::noticesOf(NoticesOfContext call) {
  using Notices = std::vector<core::Notice>;
  const core::SettlementId id(call.getParams().getSettlement());
  const std::size_t limit = page_limit({0, call.getParams().getLimit()});
  return read<Notices>([&books = reader(), id, limit] { return Reply<Notices>::of(books.notices_of(id, limit)); })
      .then([call](Reply<Notices> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initNotices(list_size(reply.value.size())), Detail::brief);
      });
}

kj::Promise<void> BooksImpl::relay(RelayContext call) {
  const core::SettlementId id(call.getParams().getSettlement());
  return read<core::Relay>([&books = reader(), id] { return Reply<core::Relay>::of(books.relay(id)); })
      .then([call](Reply<core::Relay> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) encode(reply.value, call.getResults().initRelay());
      });
}

kj::Promise<void> BooksImpl::charges(ChargesContext call) {
  using Charges = PageOf<ChargeRecord>;
  const core::Address payer = address_param(call.getParams().getPayer(), "charges: payer");
  const Page page = decode(call.getParams().getPage());
  return read<Charges>([&books = reader(), payer, page] {
           return with_payer<Charges>(books, payer, [&](core::PayerId id) { return read_charges(books, id, page); });
         })
      .then([call](Reply<Charges> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setNext(reply.value.next);
        encode_list(reply.value.items, results.initCharges(list_size(reply.value.items.size())));
      });
}

kj::Promise<void> BooksImpl::operatorBalances(OperatorBalancesContext call) {
  using Balances = std::vector<core::OperatorBalance>;
  return read<Balances>([&books = reader()] { return read_operator_balances(books); })
      .then([call](Reply<Balances> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initBalances(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::head(HeadContext call) {
  return read<Head>([&books = reader()] { return read_head(books); }).then([call](Reply<Head> reply) mutable {
    check(reply);
    encode(reply.value, call.getResults().initHead());
  });
}

kj::Promise<void> BooksImpl::proof(ProofContext call) {
  const core::Sequence sequence(call.getParams().getSequence());
  return read<core::Bytes>(
             [&hooks = context_.deps.hooks, sequence] { return Reply<core::Bytes>::of(hooks.proof(sequence)); })
      .then([call](Reply<core::Bytes> reply) mutable {
        check(reply);
        call.getResults().setStatus(number(reply.status));
        if (reply.status == Status::ok) call.getResults().setProof(data(base::ByteView(reply.value)));
      });
}

kj::Promise<void> BooksImpl::status(StatusContext call) {
  return read<DaemonStatus>([&books = reader(), &hooks = context_.deps.hooks, &clock = context_.deps.clock] {
           Reply<DaemonStatus> reply;
           reply.value = hooks.status();
           reply.value.now = clock.now();
           Reply<Head> head = read_head(books);
           reply.failure = std::move(head.failure);
           reply.value.head = std::move(head.value);
           return reply;
         })
      .then([call](Reply<DaemonStatus> reply) mutable {
        check(reply);
        encode(reply.value, call.getResults().initStatus());
      });
}

kj::Promise<void> BooksImpl::rails(RailsContext call) {
  using Rails = std::vector<RailStatus>;
  return read<Rails>([&hooks = context_.deps.hooks] {
           Reply<Rails> reply;
           reply.value = hooks.rails();
           return reply;
         })
      .then([call](Reply<Rails> reply) mutable {
        check(reply);
        encode_list(reply.value, call.getResults().initRails(list_size(reply.value.size())));
      });
}

kj::Promise<void> BooksImpl::reconciliation(ReconciliationContext call) {
  using Made = std::shared_ptr<const ledger::api::Reconciliation>;
  return read<Made>([&hooks = context_.deps.hooks] {
           Reply<Made> reply;
           reply.value = hooks.reconciliation();
           return reply;
         })
      .then([call](Reply<Made> reply) mutable {
        check(reply);
        encode(*reply.value, call.getResults().initReconciliation());
      });
}

kj::Promise<void> BooksImpl::bankFiles(BankFilesContext call) {
  return read<BankFiles>([&hooks = context_.deps.hooks] { return Reply<BankFiles>::of(hooks.bank_files()); })
      .then([call](Reply<BankFiles> reply) mutable {
        check(reply);
        auto results = call.getResults();
        results.setStatus(number(reply.status));
        results.setAlarm(text(reply.value.alarm));
        encode_list(reply.value.files, results.initFiles(list_size(reply.value.files.size())));
      });
}

}  // namespace rpc
