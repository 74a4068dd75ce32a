// Payers: their own account, statements, charges, proofs and mandates.

#include "base/limits.h"
#include "commitments/tab/verify.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;
namespace tab = commitments::tab;
using base::Status;

class PayerSessionImpl final : public schema::PayerSession::Server, public SessionBase {
 public:
  PayerSessionImpl(Context& context, Connection& connection, const core::Payer& payer)
      : SessionBase(context, connection, Audience{false, payer.address, {}}), id_(payer.id), address_(payer.address) {}

  kj::Promise<void> account(AccountContext call) override {
    return read<PayerAccount>([&books = reader(), address = address_] { return read_payer_account(books, address); })
        .then([call](Reply<PayerAccount> reply) mutable {
          check(reply);
          auto results = call.getResults();
          encode(reply.value.payer, results.initPayer());
          encode_list(reply.value.tallies, results.initTallies(list_size(reply.value.tallies.size())));
        });
  }

  kj::Promise<void> statements(StatementsContext call) override {
    const Page page = decode(call.getParams().getPage());
    return read<PageOf<core::Statement>>(
               [&books = reader(), id = id_, page] { return read_statements(books, id, page); })
        .then([call](Reply<PageOf<core::Statement>> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setNext(reply.value.next);
          encode_list(reply.value.items, results.initStatements(list_size(reply.value.items.size())), Detail::brief);
        });
  }

  kj::Promise<void> statement(StatementContext call) override {
    const core::StatementId wanted(call.getParams().getId());
    return read<core::Statement>(
               [&books = reader(), wanted] { return Reply<core::Statement>::of(books.statement(wanted)); })
        .then([this, call](Reply<core::Statement> reply) mutable {
          check(reply);
          auto results = call.getResults();
          if (reply.status == Status::ok && reply.value.payer != id_) reply.status = Status::not_found;
          results.setStatus(number(reply.status));
          if (reply.status == Status::ok) encode(reply.value, Detail::full, results.initStatement());
        });
  }

  kj::Promise<void> charges(ChargesContext call) override {
    const Page page = decode(call.getParams().getPage());
    return read<PageOf<ChargeRecord>>([&books = reader(), id = id_, page] { return read_charges(books, id, page); })
        .then([call](Reply<PageOf<ChargeRecord>> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setNext(reply.value.next);
          encode_list(reply.value.items, results.initCharges(list_size(reply.value.items.size())));
        });
  }

  kj::Promise<void> proof(ProofContext call) override {
    const core::Sequence sequence(call.getParams().getSequence());
    return read<core::Bytes>([this_id = id_, &books = reader(), &hooks = context_.deps.hooks, sequence] {
             return own_proof(books, hooks, this_id, sequence);
           })
        .then([call](Reply<core::Bytes> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setStatus(number(reply.status));
          if (reply.status == Status::ok) results.setProof(data(base::ByteView(reply.value)));
        });
  }

  kj::Promise<void> mandates(MandatesContext call) override {
    const Page page = decode(call.getParams().getPage());
    return read<PageOf<core::MandateState>>(
               [&books = reader(), id = id_, page] { return read_mandates(books, id, page); })
        .then([call](Reply<PageOf<core::MandateState>> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setNext(reply.value.next);
          encode_list(reply.value.items, results.initMandates(list_size(reply.value.items.size())));
        });
  }

  kj::Promise<void> creditNotes(CreditNotesContext call) override {
    const Page page = decode(call.getParams().getPage());
    return read<PageOf<core::CreditNote>>(
               [&books = reader(), id = id_, page] { return read_credit_notes(books, id, page); })
        .then([call](Reply<PageOf<core::CreditNote>> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setNext(reply.value.next);
          encode_list(reply.value.items, results.initNotes(list_size(reply.value.items.size())));
        });
  }

  kj::Promise<void> creditNoteById(CreditNoteByIdContext call) override {
    const core::CreditNoteId wanted(call.getParams().getId());
    return read<core::CreditNote>(
               [&books = reader(), wanted] { return Reply<core::CreditNote>::of(books.credit_note(wanted)); })
        .then([this, call](Reply<core::CreditNote> reply) mutable {
          check(reply);
          if (reply.status == Status::ok && reply.value.payer != id_) reply.status = Status::not_found;
          call.getResults().setStatus(number(reply.status));
          if (reply.status == Status::ok) encode(reply.value, call.getResults().initNote());
        });
  }

  kj::Promise<void> setMandate(SetMandateContext call) override {
    const auto params = call.getParams();
    core::SetMandate wanted;
    if (!decode(params.getMandate(), wanted.mandate)) return refuse(Status::item_malformed, kMandateRule, call);
    if (!decode_fixed(params.getSignature(), wanted.signature)) return refuse(Status::signature_length, {}, call);
    if (wanted.mandate.payer != address_) return refuse(Status::not_permitted, kOtherPayer, call);
    auto verify = [domain = &context_.deps.ingest.domain(), wanted](const tab::AssetTable& assets) {
      return tab::verify_mandate(*domain, assets, wanted.mandate, wanted.signature);
    };
    return verified_command(std::move(verify), wanted, call);
  }

  kj::Promise<void> revokeMandate(RevokeMandateContext call) override {
    const auto params = call.getParams();
    core::RevokeMandate wanted;
    if (!decode(params.getRevocation(), wanted.revocation)) return refuse(Status::item_malformed, kMandateRule, call);
    if (!decode_fixed(params.getSignature(), wanted.signature)) return refuse(Status::signature_length, {}, call);
    if (wanted.revocation.payer != address_) return refuse(Status::not_permitted, kOtherPayer, call);
    auto verify = [domain = &context_.deps.ingest.domain(), wanted](const tab::AssetTable& assets) {
      return tab::verify_revocation(*domain, assets, wanted.revocation, wanted.signature);
    };
    return verified_command(std::move(verify), wanted, call);
  }

  kj::Promise<void> setRailMandate(SetRailMandateContext call) override {
    core::SetRailMandate wanted;
    wanted.payer = address_;
    if (!decode_rail_mandate(call.getParams().getRail(), call.getParams().getRailMandate(), wanted))
      return refuse(Status::value_invalid, kRailMandateRule, call);
    return command(std::move(wanted), call);
  }

  kj::Promise<void> settlements(SettlementsContext call) override {
    const Page page = decode(call.getParams().getPage());
    return read<PageOf<core::Settlement>>(
               [&books = reader(), id = id_, page] { return read_settlements(books, id, page); })
        .then([call](Reply<PageOf<core::Settlement>> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setNext(reply.value.next);
          encode_list(reply.value.items, results.initSettlements(list_size(reply.value.items.size())), Detail::brief);
        });
  }

  kj::Promise<void> retryCollection(RetryCollectionContext call) override {
    const core::SettlementId wanted(call.getParams().getSettlement());
    return read<core::Settlement>(
               [&books = reader(), wanted] { return Reply<core::Settlement>::of(books.settlement(wanted)); })
        .then([this, call, wanted](Reply<core::Settlement> reply) mutable -> kj::Promise<void> {
          check(reply);
          const bool own = reply.status == Status::ok && reply.value.kind == core::SettlementKind::collection &&
                           reply.value.payer == id_;
          if (!own) return refuse(Status::not_found, {}, call);
          return command(core::RetrySettlement{wanted}, call);
        });
  }

  kj::Promise<void> payees(PayeesContext call) override {
    const auto wanted = call.getParams().getIds();
    if (wanted.size() > limits::kPageItemsMax) throw_invalid("payees: at most 1,000 ids in one call");
    std::vector<core::PayeeId> ids;
    for (const std::uint32_t id : wanted) ids.emplace_back(id);
    return read<std::vector<core::Payee>>(
               [&books = reader(), ids = std::move(ids)] { return read_payees(books, ids, /*names_only=*/true); })
        .then([call](Reply<std::vector<core::Payee>> reply) mutable {
          check(reply);
          encode_list(reply.value, call.getResults().initPayees(list_size(reply.value.size())));
        });
  }

 private:
  static constexpr const char* kMandateRule = "an address has 20 bytes, the cap is below 2^127, at most 64 payees";
  static constexpr const char* kOtherPayer = "the payer is not this session's";

  // An entry of another payer is as good as none.
  static Reply<core::Bytes> own_proof(const Reader& books, OperatorHooks& hooks, core::PayerId id,
                                      core::Sequence sequence) {
    if (!sequence.valid()) return Reply<core::Bytes>::refused(Status::not_found);
    const auto entries = books.payer_entries(id, core::Sequence(sequence.value - 1), 1);
    if (!entries) return Reply<core::Bytes>::of(tl::unexpected(entries.error()));
    if (entries->empty() || entries->front().sequence != sequence) {  // no charge of his: a credit note?
      const auto entry = books.entry(sequence);
      if (!entry) return Reply<core::Bytes>::of(tl::unexpected(entry.error()));
      const auto* noted = std::get_if<core::CreditNoted>(&entry->entry);
      if (noted == nullptr || noted->note.payer != id) return Reply<core::Bytes>::refused(Status::not_found);
    }
    return Reply<core::Bytes>::of(hooks.proof(sequence));
  }

  // The signature is checked on the worker; only then the ledger sees the command.
  template <typename Verify, typename Command, typename Call>
  kj::Promise<void> verified_command(Verify verify, Command wanted, Call call) {
    return read<Status>([&books = reader(), verify = std::move(verify)]() -> Reply<Status> {
             const auto assets = read_asset_table(books);
             if (!assets) return Reply<Status>::of(tl::unexpected(assets.error()));
             return Reply<Status>::of(verify(*assets));
           })
        .then([this, wanted = std::move(wanted), call](Reply<Status> reply) mutable -> kj::Promise<void> {
          check(reply);
          if (reply.value != Status::ok) return refuse(reply.value, {}, call);
          return command(std::move(wanted), call);
        });
  }

  const core::PayerId id_;
  const core::Address address_;
};

}  // namespace

schema::PayerSession::Client make_payer_session(Context& context, Connection& connection, core::Payer payer) {
  return kj::heap<PayerSessionImpl>(context, connection, payer);
}

}  // namespace rpc
