#pragma once

// The capabilities that clients hold. Each is an object of one connection and lives no longer; KJ thread only.

#include <capnp/capability.h>

#include <memory>

#include "rpc/capnp/connection.h"
#include "rpc/capnp/context.h"
#include "rpc/capnp/convert.h"
#include "rpc/capnp/reads.h"

namespace rpc {

schema::Tabd::Client make_bootstrap(Context& context, Connection& connection);

// Sessions, after a login. The reads behind their arguments have been made.
schema::ServerSession::Client make_server_session(Context& context, Connection& connection, ServerAccount account);
schema::PayerSession::Client make_payer_session(Context& context, Connection& connection, core::Payer payer);
schema::OperatorSession::Client make_operator_session(Context& context, Connection& connection);
schema::AuditorSession::Client make_auditor_session(Context& context, Connection& connection);
schema::RailSession::Client make_rail_session(Context& context, Connection& connection, std::string rail);

// Throws (as KJ does) when a read failed; a refusal stays in `status`.
template <typename T>
void check(const Reply<T>& reply) {
  if (reply.failure) kj::throwFatalException(to_exception(*reply.failure));
}

// For input that breaks the manual: the caller sees an exception that says where.
[[noreturn]] void throw_invalid(const char* what);

// Counts an object against its connection as long as it lives.
class Share {
 public:
  Share(std::size_t& counter, std::size_t max, const char* what) : counter_(counter) {
    if (counter >= max) throw_invalid(what);
    ++counter_;
  }
  ~Share() { --counter_; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  std::size_t& counter_;
};

// What all sessions have in common.
class SessionBase : public virtual schema::Events::Server {
 public:
  SessionBase(Context& context, Connection& connection, Audience audience)
      : context_(context), connection_(connection), audience_(std::move(audience)) {}

  kj::Promise<void> subscribe(SubscribeContext call) override;

 protected:
  const Reader& reader() const { return context_.deps.reader; }
  // Runs a read on the worker thread; `job` captures values only (and the reader).
  template <typename T, typename Job>
  kj::Promise<Reply<T>> read(Job job) {
    return context_.read<Reply<T>>(std::function<Reply<T>()>(std::move(job)));
  }
  // Submits a command and answers the call with its receipt.
  template <typename Call>
  kj::Promise<void> command(core::Command command, Call call) {
    return context_.command(std::move(command)).then([call](ledger::api::CommandReceipt receipt) mutable {
      encode(receipt, call.getResults().initReceipt());
    });
  }
  // Answers a command that was refused before it reached the ledger.
  template <typename Call>
  kj::Promise<void> refuse(base::Status status, std::string detail, Call call) {
    ledger::api::CommandReceipt receipt;
    receipt.result.status = status;
    receipt.result.detail = std::move(detail);
    encode(receipt, call.getResults().initReceipt());
    return kj::READY_NOW;
  }

  Context& context_;
  Connection& connection_;
  const Audience audience_;
};

// The reads of operator and auditor.
class BooksImpl : public virtual schema::Books::Server, public SessionBase {
 public:
  BooksImpl(Context& context, Connection& connection) : SessionBase(context, connection, Audience{true, {}, {}}) {}

  kj::Promise<void> payer(PayerContext call) override;
  kj::Promise<void> payers(PayersContext call) override;
  kj::Promise<void> payerById(PayerByIdContext call) override;
  kj::Promise<void> tally(TallyContext call) override;
  kj::Promise<void> payee(PayeeContext call) override;
  kj::Promise<void> payees(PayeesContext call) override;
  kj::Promise<void> payeeById(PayeeByIdContext call) override;
  kj::Promise<void> server(ServerContext call) override;
  kj::Promise<void> servers(ServersContext call) override;
  kj::Promise<void> assets(AssetsContext call) override;
  kj::Promise<void> plans(PlansContext call) override;
  kj::Promise<void> mandates(MandatesContext call) override;
  kj::Promise<void> statements(StatementsContext call) override;
  kj::Promise<void> statement(StatementContext call) override;
  kj::Promise<void> settlements(SettlementsContext call) override;
  kj::Promise<void> settlement(SettlementContext call) override;
  kj::Promise<void> charges(ChargesContext call) override;
  kj::Promise<void> operatorBalances(OperatorBalancesContext call) override;
  kj::Promise<void> head(HeadContext call) override;
  kj::Promise<void> proof(ProofContext call) override;
  kj::Promise<void> status(StatusContext call) override;
  kj::Promise<void> rails(RailsContext call) override;
  kj::Promise<void> relay(RelayContext call) override;
  kj::Promise<void> channels(ChannelsContext call) override;
  kj::Promise<void> channel(ChannelContext call) override;
  kj::Promise<void> earnings(EarningsContext call) override;
  kj::Promise<void> notices(NoticesContext call) override;
  kj::Promise<void> notice(NoticeContext call) override;
  kj::Promise<void> noticesOf(NoticesOfContext call) override;
  kj::Promise<void> reconciliation(ReconciliationContext call) override;
  kj::Promise<void> bankFiles(BankFilesContext call) override;
  // session_billing.cpp
  kj::Promise<void> creditNotes(CreditNotesContext call) override;
  kj::Promise<void> creditNotesOn(CreditNotesOnContext call) override;
  kj::Promise<void> creditNoteById(CreditNoteByIdContext call) override;
  kj::Promise<void> payments(PaymentsContext call) override;
  kj::Promise<void> releaseDefaults(ReleaseDefaultsContext call) override;
};

// A rail's mandate out of a call's parameters; false if the name or the size is wrong.
bool decode_rail_mandate(capnp::Text::Reader rail, capnp::Data::Reader mandate, core::SetRailMandate& out);
inline constexpr const char* kRailMandateRule =
    "a rail's name has 1 to 16 printable ASCII characters, its mandate at most 4,096 bytes";

// An address out of a call's parameters; throws on another length.
core::Address address_param(capnp::Data::Reader in, const char* what);

// As address_param; empty gives the zero address.
core::Address optional_address(capnp::Data::Reader in, const char* what);
// The id of a payer by address; none for the zero address.
Reply<core::PayerId> payer_id(const Reader& books, const core::Address& address);

// Reads a page of one payer's, or of all with the zero address. payer_unknown.
template <typename T, typename Read>
Reply<T> with_payer(const Reader& books, const core::Address& address, Read read_page) {
  const Reply<core::PayerId> id = payer_id(books, address);
  if (id.failure || id.status != base::Status::ok) {
    Reply<T> reply;
    reply.failure = id.failure;
    reply.status = id.status;
    return reply;
  }
  return read_page(id.value);
}

}  // namespace rpc
