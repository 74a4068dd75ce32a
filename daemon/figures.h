#pragma once

// The figures of the running daemon: the few that `tabctl status` and `tabctl top` show, and the metric families of the
// parts that do not know Prometheus (rails, RPC, store).
//
// Names of figures: items_accepted_total, charges_total, refused_total, entries_total, segments_total,
// journal_bytes_total, queue_verify_items, queue_writer_items, commit_queue_us, commit_apply_us, commit_write_us (of
// the last group commit), commit_items, rpc_batches_total, rpc_items_total, rpc_connections, rpc_subscribers,
// rpc_calls_in_flight, disk_bytes, verify_together (1: signatures are checked together), verify_checks_total (of many
// at once), verify_failed_checks_total, verify_together_total, verify_single_total, verify_singled_out.

#include <array>
#include <atomic>
#include <memory>
#include <vector>

#include "ledger/api/observer.h"
#include "ledger/api/reconciliation.h"
#include "ledger/ingest/verify_pool.h"
#include "ledger/store/ledger_store.h"
#include "ops/charge_rate.h"
#include "ops/metrics.h"
#include "ops/page.h"
#include "rpc/capnp/server.h"
#include "rpc/http/counters.h"
#include "settlers/dispatcher.h"

namespace tabd_daemon {

// Counts what the ledger reports. Observer calls come from ledger threads; figures() from any.
class Figures final : public ledger::api::Observer {
 public:
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override;
  void on_refused(base::Status status, std::size_t count) override;
  void on_queue_depth(std::string_view queue, std::size_t items) override;

  std::vector<rpc::Figure> figures(const rpc::RpcCounters& rpc, const ledger::store::LedgerStore::Stats& store) const;
  // The same for the web page; its rails, start and causes are left to the caller.
  ops::PageHealth page_health(const rpc::RpcCounters& rpc, const ledger::store::LedgerStore::Stats& store) const;
  const ops::ChargeRate& charge_rate() const noexcept { return rate_; }
  // Filled by the verifying threads.
  const std::shared_ptr<ledger::ingest::VerifyFigures>& verify() const noexcept { return verify_; }

 private:
  using Number = std::atomic<std::uint64_t>;
  Number items_{0}, charges_{0}, refused_{0}, entries_{0}, segments_{0}, bytes_{0}, verify_queue_{0}, writer_queue_{0},
      queue_us_{0}, apply_us_{0}, write_us_{0}, commit_items_{0};
  ops::ChargeRate rate_;
  const std::shared_ptr<ledger::ingest::VerifyFigures> verify_ = std::make_shared<ledger::ingest::VerifyFigures>();
};

std::vector<ops::MetricFamily> metrics_of(const settlers::DispatcherStatus& status);
std::vector<ops::MetricFamily> metrics_of(const ledger::api::Reconciliation& last,
                                          const std::vector<std::string>& rails, base::Time now);
std::vector<ops::MetricFamily> metrics_of(const rpc::RpcCounters& counters);
std::vector<ops::MetricFamily> metrics_of(const rpc::http::Counters& counters);
std::vector<ops::MetricFamily> metrics_of(const ledger::store::LedgerStore::Stats& stats);
std::vector<ops::MetricFamily> metrics_of(const ledger::ingest::VerifyFigures& verify);

// For the web page.
std::vector<ops::PageRail> page_rails(const settlers::DispatcherStatus& status);

// Why the daemon is not at its best, a sentence each; empty when all is well.
std::vector<std::string> degraded_causes(const settlers::DispatcherStatus& status);

}  // namespace tabd_daemon
