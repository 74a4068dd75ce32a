#pragma once

// Client library for tabd's remote interface (rpc/schema/tabd.capnp).
//
//   auto client = tabd::Client::connect(tabd::Endpoint::unix_socket("/run/tabd/tabd.sock"));
//   auto session = (*client)->login_server(key);
//   auto answer = session->submit(batch);
//
// Threads: a Client, its sessions and their streams belong to the thread that made them; several clients in one thread
// share its event loop. Calls wait for their answer and run the loop meanwhile, so callbacks (events, submit_async)
// run inside other calls or inside Client::run_for(), always in that thread. A callback must not call back into a
// method that waits.
//
// Errors: io and unavailable (connection refused or lost), timeout, permission (login refused), not_found (a read's
// object does not exist), invalid_argument (the daemon could not use the message). Refused items and commands are
// values: BatchAnswer and CommandReceipt carry a base::Status.

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "commitments/tab/sign.h"
#include "commitments/tab/types.h"
#include "commitments/tab/verify.h"
#include "crypto/secp256k1.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reconciliation.h"
#include "ledger/core/segment.h"
#include "rpc/capnp/views.h"

namespace tabd {

using base::Result;
using commitments::tab::UnverifiedBatch;
using ledger::api::CommandReceipt;
namespace core = ledger::core;

struct Endpoint {
  std::string unix_path;  // used when not empty
  std::string host;       // otherwise TLS over TCP; must match the server's certificate
  std::uint16_t port = 0;
  std::string ca_file;           // PEM; empty: the system's trust store
  std::string certificate_file;  // PEM, with key_file: the client's own certificate, where the server asks for one
  std::string key_file;
  std::uint64_t connect_timeout_ms = 5'000;
  std::uint64_t call_timeout_ms = 60'000;  // for each waiting call; 0 = none

  static Endpoint unix_socket(std::string path);
  static Endpoint tls(std::string host, std::uint16_t port, std::string ca_file);
  // "unix:/path", "/path" or "host:port". invalid_argument otherwise.
  static Result<Endpoint> parse(const std::string& text);
  std::string to_string() const;
};

namespace detail {
struct Connection;  // socket, RPC system and the thread's event loop
struct SessionState;
struct StreamState;
struct SubscriptionState;
}  // namespace detail

// Ends when destroyed.
class Subscription {
 public:
  Subscription(Subscription&&) noexcept;
  Subscription& operator=(Subscription&&) noexcept;
  ~Subscription();
  bool active() const;  // false after `dropped` or `ended`
 private:
  friend struct detail::SessionState;
  explicit Subscription(std::unique_ptr<detail::SubscriptionState> state);
  std::unique_ptr<detail::SubscriptionState> state_;
};

struct EventHandler {
  std::function<void(const rpc::Event&)> event;
  std::function<void(const std::string& reason)> dropped;  // may be null; nothing follows it
};
struct FollowHandler {
  std::function<void(core::Segment)> segment;            // whole, roots checked, signature not
  std::function<void(const std::string& reason)> ended;  // may be null; nothing follows it
};

// What all sessions share.
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();
  Result<Subscription> subscribe(const rpc::EventFilter& filter, EventHandler handler);

 protected:
  friend class Client;
  explicit Session(std::unique_ptr<detail::SessionState> state);
  std::unique_ptr<detail::SessionState> state_;
};

// Batches without waiting for each answer: send() waits only for flow control. Belongs to its session's connection.
class SubmitStream {
 public:
  SubmitStream(SubmitStream&&) noexcept;
  SubmitStream& operator=(SubmitStream&&) noexcept;
  ~SubmitStream();
  Result<void> send(const UnverifiedBatch& batch);
  // Waits until everything sent is decided; what was refused since the last done().
  Result<rpc::StreamSummary> done();

 private:
  friend class ServerSession;
  explicit SubmitStream(std::unique_ptr<detail::StreamState> state);
  std::unique_ptr<detail::StreamState> state_;
};

class ServerSession : public Session {
 public:
  using Session::Session;
  Result<rpc::BatchAnswer> submit(const UnverifiedBatch& batch);
  // Sends at once; `done` runs later, in this thread. Any number may be in flight; the caller bounds it. Batches are
  // decided in the order of the calls. The batch is encoded before the call returns.
  void submit_async(const UnverifiedBatch& batch, std::function<void(Result<rpc::BatchAnswer>)> done);
  std::size_t in_flight() const;  // submit_async calls without an answer
  Result<SubmitStream> open_stream();
  Result<rpc::Exposure> exposure(const core::Address& payer, core::AssetId asset);
  Result<rpc::ServerAccount> account();
  Result<core::Bytes> proof(core::Sequence sequence);  // of an entry of one of its payees
};

class PayerSession : public Session {
 public:
  using Session::Session;
  Result<rpc::PayerAccount> account();
  Result<rpc::PageOf<core::Statement>> statements(rpc::Page page);  // without lines and shares
  Result<core::Statement> statement(core::StatementId id);
  Result<rpc::PageOf<rpc::ChargeRecord>> charges(rpc::Page page);
  Result<core::Bytes> proof(core::Sequence sequence);
  Result<rpc::PageOf<core::MandateState>> mandates(rpc::Page page);
  Result<CommandReceipt> set_mandate(const commitments::tab::Mandate& mandate, const core::Signature& signature);
  Result<CommandReceipt> revoke_mandate(const commitments::tab::MandateRevocation& revocation,
                                        const core::Signature& signature);
  // `mandate` empty: takes the rail's away.
  Result<CommandReceipt> set_rail_mandate(const std::string& rail, const core::Bytes& mandate);
  Result<rpc::PageOf<core::Settlement>> settlements(rpc::Page page);  // collections and refunds, without request bytes
  Result<CommandReceipt> retry_collection(core::SettlementId id);
  Result<std::vector<core::Payee>> payees(const std::vector<core::PayeeId>& ids);  // id, address, label
  Result<rpc::PageOf<core::CreditNote>> credit_notes(rpc::Page page);
  Result<core::CreditNote> credit_note_by_id(core::CreditNoteId id);
};

// Reads of operator and auditor.
class BooksSession : public Session {
 public:
  using Session::Session;
  Result<rpc::PayerAccount> payer(const core::Address& address);
  Result<core::Payer> payer(core::PayerId id);
  Result<rpc::PageOf<core::Payer>> payers(rpc::Page page);
  Result<rpc::TallyView> tally(const core::Address& payer, core::AssetId asset);  // with lines
  Result<rpc::PayeeAccount> payee(const core::Address& address);
  Result<core::Payee> payee(core::PayeeId id);
  Result<rpc::PageOf<core::Payee>> payees(rpc::Page page);
  Result<core::Server> server(const core::Address& key);
  Result<rpc::PageOf<core::Server>> servers(rpc::Page page);
  Result<std::vector<core::Asset>> assets();
  Result<std::vector<core::Plan>> plans();
  Result<rpc::PageOf<core::MandateState>> mandates(const core::Address& payer, rpc::Page page);
  // `payer` zero: of all payers. Without lines and shares.
  Result<rpc::PageOf<core::Statement>> statements(const core::Address& payer, rpc::Page page);
  Result<core::Statement> statement(core::StatementId id);
  // All states, or one. Without request bytes.
  Result<rpc::PageOf<core::Settlement>> settlements(rpc::Page page);
  Result<rpc::PageOf<core::Settlement>> settlements(core::SettlementState state, rpc::Page page);
  Result<core::Settlement> settlement(core::SettlementId id);
  Result<core::Relay> relay(core::SettlementId id);  // not_found for settlements of other kinds
  Result<rpc::PageOf<core::Channel>> channels(rpc::Page page);
  Result<core::Channel> channel(const core::Hash& key);  // by its channelId on the chain
  Result<std::vector<core::Earnings>> earnings(std::uint32_t limit);
  // What rails said on their own: all, or in one state, or the last `limit` of a settlement. Without bodies.
  Result<rpc::PageOf<core::Notice>> notices(rpc::Page page);
  Result<rpc::PageOf<core::Notice>> notices(core::NoticeState state, rpc::Page page);
  Result<std::vector<core::Notice>> notices_of(core::SettlementId settlement, std::uint32_t limit);
  Result<core::Notice> notice(core::NoticeId id);
  // `payer` zero: of all payers.
  Result<rpc::PageOf<core::CreditNote>> credit_notes(const core::Address& payer, rpc::Page page);
  Result<std::vector<core::CreditNote>> credit_notes_on(core::StatementId statement);
  Result<core::CreditNote> credit_note_by_id(core::CreditNoteId id);
  Result<rpc::PageOf<core::Payment>> payments(const core::Address& payer, rpc::Page page);
  Result<core::ReleaseDefaults> release_defaults();
  Result<rpc::PageOf<rpc::ChargeRecord>> charges(const core::Address& payer, rpc::Page page);
  Result<std::vector<core::OperatorBalance>> operator_balances();
  Result<rpc::Head> head();
  Result<core::Bytes> proof(core::Sequence sequence);
  Result<rpc::DaemonStatus> status();
  Result<std::vector<rpc::RailStatus>> rails();
  // The last one that ended; number zero: there is none.
  Result<ledger::api::Reconciliation> reconciliation();
  Result<rpc::BankFiles> bank_files();  // not_found if there is no bank rail
};

class OperatorSession : public BooksSession {
 public:
  using BooksSession::BooksSession;
  Result<CommandReceipt> set_asset(const core::Asset& asset);
  Result<CommandReceipt> set_plan(const core::Plan& plan);
  Result<CommandReceipt> set_payer(const core::SetPayer& payer);
  Result<CommandReceipt> set_payee(const core::Payee& payee);
  Result<CommandReceipt> set_server(const core::SetServer& server);
  Result<CommandReceipt> set_credit_limit(const core::SetCreditLimit& limit);
  Result<CommandReceipt> suspend(const core::Address& payer, const std::string& reason);
  Result<CommandReceipt> resume(const core::Address& payer, const std::string& reason);
  Result<CommandReceipt> revoke_mandate(const commitments::tab::MandateRevocation& revocation);
  Result<CommandReceipt> credit_note(const core::CreateCreditNote& note);
  Result<CommandReceipt> set_tax(const core::SetTax& tax);
  Result<CommandReceipt> refund(const core::RefundPayer& refund);
  Result<CommandReceipt> record_payment(const core::RecordPayment& payment);
  Result<CommandReceipt> write_off(core::StatementId statement, const std::string& reason);
  Result<CommandReceipt> close_now(const core::Address& payer, core::AssetId asset);
  Result<CommandReceipt> retry_settlement(core::SettlementId id);
  Result<CommandReceipt> cancel_settlement(core::SettlementId id, const std::string& reason);
  Result<CommandReceipt> release_reservation(const core::Hash& channel, core::Sequence reservation);
  Result<CommandReceipt> put_channel_aside(const core::Hash& channel,
                                           const std::string& reason);  // empty: take it back
  Result<CommandReceipt> resolve_notice(const core::ResolveNotice& resolve);
  Result<CommandReceipt> set_rail_mandate(const core::SetRailMandate& mandate);
  Result<void> set_rail(const std::string& name, bool enabled);
  // The number of the run that reconciliation() will show; not_found if there is no such rail.
  Result<std::uint64_t> reconcile(const ledger::api::ReconcileRequest& request);
  // The status says whether it is taken, the text why not.
  Result<std::pair<base::Status, std::string>> answer_bank(const std::string& file, rpc::FileAnswer answer);
  Result<std::string> checkpoint(const std::string& name);  // the directory that was made
};

class AuditorSession : public BooksSession {
 public:
  using BooksSession::BooksSession;
  Result<std::vector<rpc::RawEntry>> entries(core::Sequence from, std::uint32_t limit);
  Result<std::vector<core::Segment>> segments(core::SegmentId from, std::uint32_t limit);
  Result<Subscription> follow(core::Sequence from, FollowHandler handler);
  Result<core::Bytes> extension_proof(core::SegmentId from, core::SegmentId to);  // `to` none: the newest
};

class Client {
 public:
  // Connects and reads info(). `unavailable` if nobody listens there.
  static Result<std::unique_ptr<Client>> connect(const Endpoint& endpoint);
  ~Client();  // sessions stay usable; the connection closes with the last of them
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const rpc::NetworkInfo& info() const;
  const commitments::tab::Domain& domain() const;
  const commitments::tab::AssetTable& assets() const;  // as of the last (refresh_)info
  Result<void> refresh_info();
  // The asset with this symbol ("USDC"), text or decimal id. not_found names what there is.
  Result<core::Asset> find_asset(const std::string& text) const;

  Result<ServerSession> login_server(const crypto::SecretKey& key);
  Result<PayerSession> login_payer(const crypto::SecretKey& key);
  Result<OperatorSession> login_operator(const crypto::SecretKey& key);
  Result<AuditorSession> login_auditor(const crypto::SecretKey& key);

  // Signs the items as one batch of this server, ready for submit(). Assets must be known (see refresh_info).
  UnverifiedBatch make_batch(const crypto::SecretKey& server, std::uint64_t number,
                             std::vector<commitments::tab::Item> items) const;

  // Runs the thread's event loop: returns after `timeout_us`, or at once when at least one callback has run (true).
  static bool run_for(std::uint64_t timeout_us);

 private:
  explicit Client(std::shared_ptr<detail::Connection> connection);
  std::shared_ptr<detail::Connection> connection_;
};

// Reads all pages of a list: collect<core::Payer>([&](rpc::Page page) { return session.payers(page); }).
template <typename T, typename ReadPage>
Result<std::vector<T>> collect(ReadPage read_page) {
  std::vector<T> all;
  rpc::Page page;
  do {
    Result<rpc::PageOf<T>> part = read_page(page);
    if (!part) return tl::unexpected<base::Error>(std::move(part).error());
    all.insert(all.end(), std::make_move_iterator(part->items.begin()), std::make_move_iterator(part->items.end()));
    page.after = part->next;
  } while (page.after != 0);
  return all;
}

}  // namespace tabd
