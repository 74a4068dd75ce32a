#pragma once

// The Cap'n Proto server: one KJ event loop on its own thread, one worker thread for reads, one for events.
//
// Order of life: construct (it is then an Observer that the ledger can be opened with), start(), stop().
// Submitted batches never wait for a read: they are decoded on the KJ thread and handed to IngestService.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/observer.h"
#include "ledger/api/rail.h"
#include "ledger/api/reader.h"
#include "ledger/api/reconciliation.h"
#include "rpc/capnp/views.h"

namespace rpc {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// What the server needs of the daemon beside the ledger. Calls come from the worker thread, one at a time, and may
// block it (not for long: all reads wait behind them).
class OperatorHooks {
 public:
  virtual ~OperatorHooks() = default;
  // A consistent copy under the checkpoint root; `name` has been checked to be one plain path component. Returns the
  // directory. invalid_argument if it exists.
  virtual base::Result<std::string> checkpoint(const std::string& name) = 0;
  virtual std::vector<RailStatus> rails() = 0;
  // not_found if there is no such rail.
  virtual base::Result<void> set_rail(const std::string& name, bool enabled) = 0;
  // Everything but `now` and `head`, which the server fills in.
  virtual DaemonStatus status() = 0;
  // settlers::Reconciler. reconcile(): not_found if there is no such rail.
  virtual base::Result<std::uint64_t> reconcile(ledger::api::ReconcileRequest /*request*/) {
    return base::error(base::ErrorCode::unsupported, "nothing is reconciled here");
  }
  virtual std::shared_ptr<const ledger::api::Reconciliation> reconciliation() {
    return std::make_shared<const ledger::api::Reconciliation>();
  }
  // not_found: there is no bank rail, or no such file; invalid_argument: the answer makes no sense now.
  virtual base::Result<BankFiles> bank_files() {
    return base::error(base::ErrorCode::not_found, "there is no bank rail here");
  }
  virtual base::Result<void> answer_bank(const std::string& /*file*/, FileAnswer /*answer*/) {
    return base::error(base::ErrorCode::not_found, "there is no bank rail here");
  }
  // ledger::proof::encode(make_proof(...)) and encode(make_extension(...)); errors pass through.
  virtual base::Result<core::Bytes> proof(core::Sequence sequence) = 0;
  virtual base::Result<core::Bytes> extension(core::SegmentId older, core::SegmentId newer) = 0;
};

struct RpcServerOptions {
  std::string unix_path;                 // empty: no unix socket. Made with mode 0600; a stale one is replaced
  std::string tcp_host;                  // empty: no TCP. An address to bind, such as "127.0.0.1" or "::"
  std::uint16_t tcp_port = 0;            // 0: any free one, see tcp_port()
  std::string certificate_file;          // PEM, required for TCP: leaf first
  std::string key_file;                  // PEM, required for TCP
  std::string client_ca_file;            // PEM; not empty: clients must present a certificate of this CA
  std::vector<core::Address> operators;  // who may log in as operator
  std::vector<core::Address> auditors;
  std::string version;                                  // shown by info()
  std::function<void(LogLevel, std::string_view)> log;  // may be null; called from the KJ thread
  std::size_t connections_max = base::limits::kRpcConnectionsMax;
  std::uint64_t login_ms = base::limits::kRpcLoginMs;
  std::uint64_t stall_ms = base::limits::kRpcStallMs;
  std::uint64_t shutdown_grace_ms = base::limits::kShutdownGraceMs;
  std::size_t subscriber_queue_events = base::limits::kSubscriberQueueEvents;
};

// All must outlive the server's stop().
struct RpcDependencies {
  ledger::api::IngestService& ingest;
  ledger::api::LedgerService& ledger;
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  OperatorHooks& hooks;
  ledger::api::rail::Desk* rails = nullptr;  // null: no rail is served from outside
};

// A snapshot, for metrics. Names as in Prometheus: totals only grow.
struct RpcCounters {
  std::uint64_t connections = 0;  // open now
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused_total = 0;  // over the limit, or TLS handshake failed
  std::uint64_t connections_closed_total = 0;   // by us, with a reason: hostile message, stall, no login
  std::uint64_t logins_total = 0;
  std::uint64_t login_failures_total = 0;
  std::uint64_t batches_total = 0;
  std::uint64_t items_total = 0;
  std::uint64_t items_malformed_total = 0;
  std::uint64_t calls_in_flight = 0;   // waiting for ingest, ledger or worker
  std::uint64_t overloaded_total = 0;  // reads refused because the worker's queue was full
  std::uint64_t subscribers = 0;       // subscriptions and followers now
  std::uint64_t subscribers_dropped_total = 0;
};

class RpcServer final : public ledger::api::Observer {
 public:
  explicit RpcServer(RpcServerOptions options);
  ~RpcServer() override;  // stops
  RpcServer(const RpcServer&) = delete;
  RpcServer& operator=(const RpcServer&) = delete;

  // Binds and serves. invalid_argument (certificate, paths), io (address in use, ...): then nothing runs.
  base::Result<void> start(const RpcDependencies& dependencies);
  // Accepts nothing new, answers shutting_down, finishes calls in flight within the grace, ends subscriptions, closes
  // all connections, joins the threads. Idempotent. Call it before the ledger stops.
  void stop();

  std::uint16_t tcp_port() const;  // the bound port; 0 without TCP
  RpcCounters counters() const;    // any thread

  // Observer: any thread, at any time, also before start() and after stop().
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rpc
