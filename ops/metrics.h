#pragma once

// What Prometheus can ask about: counters and histograms fed by the ledger's observer calls, and families that other
// parts compute at each scrape. Names follow the Prometheus conventions; `promtool check metrics` is a test. Labels
// have few values by construction: kinds, statuses, queues, assets, rails and states; never a payer or a payee.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/api/observer.h"

namespace ops {

enum class MetricKind : std::uint8_t { counter, gauge };

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// One metric with all its label combinations.
struct MetricFamily {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::gauge;
  std::vector<MetricSample> samples;
};

// Called at each scrape, on the scraper's thread; must be safe against the thread that changes what it reads.
using MetricSource = std::function<std::vector<MetricFamily>()>;

// Observer calls come from ledger threads; everything else is safe from any thread.
class Metrics final : public ledger::api::Observer {
 public:
  Metrics();
  ~Metrics() override;

  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                    const ledger::api::CommitTimings& timings) override;
  void on_refused(base::Status status, std::size_t count) override;
  void on_queue_depth(std::string_view queue, std::size_t items) override;
  // One durable step of a settlement.
  void on_settlement_step(std::string_view rail, ledger::core::SettlementKind kind, ledger::core::SettlementState to);

  // Shows a rail's steps from zero on, so that the first one is an increase.
  void add_rail(std::string_view rail);

  // Before the first scrape.
  void add_source(MetricSource source);
  // The text exposition format, version 0.0.4.
  std::string render() const;
  static std::string_view content_type();

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

// tabd_build_info.
MetricSource build_metrics();
// process_*: CPU, memory, descriptors, start, as the official client libraries name them. Linux.
MetricSource process_metrics();

// "ready", "sending", ...; "collection", "payout", "relay", "refund".
std::string_view name(ledger::core::SettlementState state) noexcept;
std::string_view name(ledger::core::SettlementKind kind) noexcept;

}  // namespace ops
