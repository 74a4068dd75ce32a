#include "ops/metrics.h"

#include <array>
#include <map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "ledger/core/segment.h"

namespace ops {
namespace {

namespace core = ledger::core;

constexpr std::size_t kKinds = std::variant_size_v<core::Entry>;
constexpr double kNanosecondsPerSecond = 1e9;

// 100 us to 10 s: a group commit on a good disk takes less than a millisecond.
prometheus::Histogram::BucketBoundaries latency_buckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

prometheus::Histogram::BucketBoundaries size_buckets() { return {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536}; }

double seconds(std::uint64_t ns) { return static_cast<double>(ns) / kNanosecondsPerSecond; }

prometheus::MetricFamily convert(const MetricFamily& family) {
  prometheus::MetricFamily result;
  result.name = family.name;
  result.help = family.help;
  result.type = family.kind == MetricKind::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  for (const MetricSample& sample : family.samples) {
    prometheus::ClientMetric metric;
    for (const auto& [label, value] : sample.labels) metric.label.push_back({label, value});
    metric.counter.value = sample.value;
    metric.gauge.value = sample.value;
    result.metric.push_back(std::move(metric));
  }
  return result;
}

const char* state_name(core::NoticeState state) {
  switch (state) {
    case core::NoticeState::applied: return "applied";
    case core::NoticeState::waiting: return "waiting";
    case core::NoticeState::refused: return "refused";
    case core::NoticeState::suspense: return "suspense";
    case core::NoticeState::resolved: return "resolved";
  }
  return "unknown";
}

std::string_view reason_name(core::CloseReason reason) {
  switch (reason) {
    case core::CloseReason::time: return "time";
    case core::CloseReason::threshold: return "threshold";
    case core::CloseReason::operator_asked: return "operator";
  }
  return "unknown";
}

constexpr std::array kCloseReasons = {core::CloseReason::time, core::CloseReason::threshold,
                                      core::CloseReason::operator_asked};

}  // namespace

std::string_view name(core::SettlementState state) noexcept {
  switch (state) {
    case core::SettlementState::ready: return "ready";
    case core::SettlementState::sending: return "sending";
    case core::SettlementState::accepted: return "accepted";
    case core::SettlementState::confirmed: return "confirmed";
    case core::SettlementState::settled: return "settled";
    case core::SettlementState::final: return "final";
    case core::SettlementState::failed: return "failed";
    case core::SettlementState::unknown: return "unknown";
    case core::SettlementState::returned: return "returned";
    case core::SettlementState::disputed: return "disputed";
    case core::SettlementState::written_off: return "written_off";
    case core::SettlementState::cancelled: return "cancelled";
  }
  return "invalid";
}

std::string_view name(core::SettlementKind kind) noexcept {
  switch (kind) {
    case core::SettlementKind::collection: return "collection";
    case core::SettlementKind::payout: return "payout";
    case core::SettlementKind::relay: return "relay";
    case core::SettlementKind::refund: return "refund";
  }
  return "invalid";
}

struct Metrics::Families {
  using CounterFamily = prometheus::Family<prometheus::Counter>;
  prometheus::Registry registry;
  std::vector<MetricSource> sources;

  std::array<prometheus::Counter*, kKinds> entries{};
  std::map<base::Status, prometheus::Counter*> refused;
  std::map<core::CloseReason, prometheus::Counter*> windows;
  prometheus::Counter* charges = nullptr;
  prometheus::Counter* statements = nullptr;
  prometheus::Counter* segments = nullptr;
  prometheus::Counter* bytes = nullptr;
  prometheus::Histogram* queue_seconds = nullptr;
  prometheus::Histogram* apply_seconds = nullptr;
  prometheus::Histogram* write_seconds = nullptr;
  prometheus::Histogram* segment_entries = nullptr;
  prometheus::Gauge* verify_queue = nullptr;
  prometheus::Gauge* writer_queue = nullptr;
  CounterFamily* settlement_steps = nullptr;
  CounterFamily* fallbacks = nullptr;
  CounterFamily* notices = nullptr;

  Families() {
    make_counters();
    make_histograms();
    auto& queue = prometheus::BuildGauge()
                      .Name("tabd_queue_items")
                      .Help("Items that wait, by queue; beyond the limit callers get overloaded.")
                      .Register(registry);
    verify_queue = &queue.Add({{"queue", "verify"}});
    writer_queue = &queue.Add({{"queue", "writer"}});
  }

  prometheus::Counter& step(std::string_view rail, core::SettlementKind kind, core::SettlementState to) {
    return settlement_steps->Add(
        {{"rail", std::string(rail)}, {"kind", std::string(name(kind))}, {"state", std::string(name(to))}});
  }

  prometheus::Counter& counter(const std::string& metric, const std::string& help) {
    return prometheus::BuildCounter().Name(metric).Help(help).Register(registry).Add({});
  }

  void make_counters() {
    auto& by_kind = prometheus::BuildCounter()
                        .Name("tabd_journal_entries_total")
                        .Help("Durable journal entries since start, by kind.")
                        .Register(registry);
    for (std::size_t i = 0; i < kKinds; ++i)
      entries[i] = &by_kind.Add({{"kind", std::string(core::kind_name(static_cast<std::uint8_t>(i + 1)))}});
    auto& by_status = prometheus::BuildCounter()
                          .Name("tabd_refused_total")
                          .Help("Items and commands that were not recorded, by status; see base/status.h.")
                          .Register(registry);
    for (int i = 0; i < base::kStatusCount; ++i) {
      const base::StatusInfo& info = base::all_statuses()[i];
      if (info.status != base::Status::ok) refused[info.status] = &by_status.Add({{"status", std::string(info.name)}});
    }
    auto& closed = prometheus::BuildCounter()
                       .Name("tabd_windows_closed_total")
                       .Help("Billing windows closed since start, by reason.")
                       .Register(registry);
    for (const core::CloseReason reason : kCloseReasons)
      windows[reason] = &closed.Add({{"reason", std::string(reason_name(reason))}});
    settlement_steps = &prometheus::BuildCounter()
                            .Name("tabd_settlement_steps_total")
                            .Help("Durable steps of settlements since start, by rail, kind and the state reached.")
                            .Register(registry);
    fallbacks = &prometheus::BuildCounter()
                     .Name("tabd_settlement_fallbacks_total")
                     .Help("Collections that went on with another rail since start, by that rail.")
                     .Register(registry);
    notices = &prometheus::BuildCounter()
                   .Name("tabd_notices_total")
                   .Help("What rails said on their own since start, by rail and by what it was recorded as.")
                   .Register(registry);
    charges = &counter("tabd_charges_total",
                       "Charges recorded since start, on tabs and channels: vouchers count each of theirs.");
    statements = &counter("tabd_statements_issued_total", "Statements issued since start.");
    segments = &counter("tabd_segments_total", "Group commits (journal segments) since start.");
    bytes = &counter("tabd_journal_bytes_total", "Bytes of journal entries written since start.");
  }

  prometheus::Histogram& histogram(const std::string& metric, const std::string& help,
                                   const prometheus::Histogram::BucketBoundaries& buckets) {
    return prometheus::BuildHistogram().Name(metric).Help(help).Register(registry).Add({}, buckets);
  }

  void make_histograms() {
    queue_seconds = &histogram("tabd_commit_queue_seconds",
                               "Wait of a group commit's oldest item before it is applied.", latency_buckets());
    apply_seconds =
        &histogram("tabd_commit_apply_seconds", "Deciding and applying one group commit.", latency_buckets());
    write_seconds = &histogram("tabd_commit_write_seconds", "Writing and syncing one group commit.", latency_buckets());
    segment_entries = &histogram("tabd_segment_entries", "Entries in one group commit.", size_buckets());
  }

  // Entries that count more than their kind. A body that cannot be read was CHECKed by the store before.
  void count_entry(base::ByteView bytes_of_entry) {
    const std::uint8_t kind = bytes_of_entry[0];
    if (kind == 0 || kind > kKinds) return;
    entries[kind - 1u]->Increment();
    static const std::uint8_t charged = core::kind_of(core::Charged{});
    static const std::uint8_t captured = core::kind_of(core::HoldCaptured{});
    static const std::uint8_t voucher = core::kind_of(core::VoucherCharged{});
    static const std::uint8_t closed = core::kind_of(core::WindowClosed{});
    static const std::uint8_t channel = core::kind_of(core::ChannelCharged{});
    if (kind == charged || kind == captured || kind == channel) charges->Increment();
    static const std::uint8_t stepped = core::kind_of(core::SettlementStepped{});
    static const std::uint8_t noticed = core::kind_of(core::NoticeRecorded{});
    if (kind != voucher && kind != closed && kind != stepped && kind != noticed) return;
    const base::Result<core::Entry> entry = core::decode_entry(bytes_of_entry);
    if (!entry) return;
    if (const auto* charge = std::get_if<core::VoucherCharged>(&*entry))
      charges->Increment(static_cast<double>(charge->usages.size()));
    if (const auto* window = std::get_if<core::WindowClosed>(&*entry)) {
      windows[window->reason]->Increment();
      if (window->statement.valid()) statements->Increment();
    }
    if (const auto* step = std::get_if<core::SettlementStepped>(&*entry); step != nullptr && !step->rail.view().empty())
      fallbacks->Add({{"rail", std::string(step->rail.view())}}).Increment();
    if (const auto* notice = std::get_if<core::NoticeRecorded>(&*entry))
      notices
          ->Add({{"rail", std::string(notice->notice.rail.view())}, {"state", state_name(notice->notice.recorded_as)}})
          .Increment();
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                           const ledger::api::CommitTimings& timings) {
  families_->segments->Increment();
  families_->bytes->Increment(static_cast<double>(segment->body.size()));
  families_->segment_entries->Observe(segment->header.count);
  families_->queue_seconds->Observe(seconds(timings.queue_ns));
  families_->apply_seconds->Observe(seconds(timings.apply_ns));
  families_->write_seconds->Observe(seconds(timings.write_ns));
  const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment->body);
  if (!entries) return;
  for (const base::ByteView entry : *entries)
    if (!entry.empty()) families_->count_entry(entry);
}

void Metrics::on_refused(base::Status status, std::size_t count) {
  const auto counter = families_->refused.find(status);
  if (counter != families_->refused.end()) counter->second->Increment(static_cast<double>(count));
}

void Metrics::on_queue_depth(std::string_view queue, std::size_t items) {
  (queue == "verify" ? families_->verify_queue : families_->writer_queue)->Set(static_cast<double>(items));
}

void Metrics::on_settlement_step(std::string_view rail, core::SettlementKind kind, core::SettlementState to) {
  families_->step(rail, kind, to).Increment();
}

void Metrics::add_rail(std::string_view rail) {
  for (const core::SettlementKind kind : {core::SettlementKind::collection, core::SettlementKind::payout,
                                          core::SettlementKind::relay, core::SettlementKind::refund})
    for (std::uint8_t state = 1; state <= static_cast<std::uint8_t>(core::SettlementState::cancelled); ++state)
      families_->step(rail, kind, static_cast<core::SettlementState>(state));
}

void Metrics::add_source(MetricSource source) { families_->sources.push_back(std::move(source)); }

std::string Metrics::render() const {
  std::vector<prometheus::MetricFamily> all = families_->registry.Collect();
  for (const MetricSource& source : families_->sources)
    for (const MetricFamily& family : source()) all.push_back(convert(family));
  return prometheus::TextSerializer().Serialize(all);
}

std::string_view Metrics::content_type() { return "text/plain; version=0.0.4; charset=utf-8"; }

}  // namespace ops
