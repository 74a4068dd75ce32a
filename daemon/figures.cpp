#include "daemon/figures.h"

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/segment.h"

namespace tabd_daemon {
namespace {

namespace core = ledger::core;
using ops::MetricFamily;
using ops::MetricKind;

MetricFamily single(std::string name, std::string help, MetricKind kind, std::uint64_t value) {
  return {std::move(name), std::move(help), kind, {{{}, static_cast<double>(value)}}};
}

// One sample for each rail.
template <typename Value>
MetricFamily by_rail(const settlers::DispatcherStatus& status, std::string name, std::string help, MetricKind kind,
                     Value value) {
  MetricFamily family{std::move(name), std::move(help), kind, {}};
  for (const settlers::RailStatus& rail : status.rails)
    family.samples.push_back({{{"rail", rail.rail}}, static_cast<double>(value(rail))});
  return family;
}

MetricFamily breakers(const settlers::DispatcherStatus& status) {
  MetricFamily family{"tabd_rail_breaker", "1 for the state of the rail's circuit breaker.", MetricKind::gauge, {}};
  for (const settlers::RailStatus& rail : status.rails)
    for (const auto state :
         {settlers::BreakerState::closed, settlers::BreakerState::open, settlers::BreakerState::half_open})
      family.samples.push_back(
          {{{"rail", rail.rail}, {"state", std::string(settlers::name(state))}}, rail.breaker == state ? 1.0 : 0.0});
  return family;
}

// What the settlers tell: signer balance, chain lag. A name that several rails share becomes one family.
void add_settler_gauges(const settlers::DispatcherStatus& status, std::vector<MetricFamily>& families) {
  const std::size_t first = families.size();
  for (const settlers::RailStatus& rail : status.rails) {
    for (const settlers::Gauge& gauge : rail.gauges) {
      const std::string name = "tabd_rail_" + gauge.name;
      std::size_t at = first;
      while (at < families.size() && families[at].name != name) ++at;
      if (at == families.size()) {
        const MetricKind kind = name.ends_with("_total") ? MetricKind::counter : MetricKind::gauge;
        families.push_back({name, "Told by the rail's settler, in the unit of the name.", kind, {}});
      }
      families[at].samples.push_back({{{"rail", rail.rail}}, static_cast<double>(gauge.value)});
    }
  }
}

}  // namespace

void Figures::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment,
                           const ledger::api::CommitTimings& timings) {
  ++segments_;
  entries_ += segment->header.count;
  bytes_ += segment->body.size();
  queue_us_ = timings.queue_ns / 1000;
  apply_us_ = timings.apply_ns / 1000;
  write_us_ = timings.write_ns / 1000;
  commit_items_ = timings.items;
  const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment->body);
  if (!entries) return;
  std::uint64_t charges = 0;
  for (const base::ByteView bytes : *entries) {
    const std::uint8_t kind = bytes.empty() ? std::uint8_t{0} : bytes[0];
    const bool channel = kind == core::kind_of(core::ChannelCharged{});
    const bool tab = kind >= core::kind_of(core::Charged{}) && kind <= core::kind_of(core::VoucherCharged{});
    if (!tab && !channel) continue;
    ++items_;
    if (kind == core::kind_of(core::Charged{}) || kind == core::kind_of(core::HoldCaptured{}) || channel) ++charges;
    if (kind != core::kind_of(core::VoucherCharged{})) continue;
    const base::Result<core::Entry> entry = core::decode_entry(bytes);
    if (entry) charges += std::get<core::VoucherCharged>(*entry).usages.size();
  }
  charges_ += charges;
  if (charges != 0) rate_.add(segment->header.time, charges);
}

void Figures::on_refused(base::Status, std::size_t count) { refused_ += count; }

void Figures::on_queue_depth(std::string_view queue, std::size_t items) {
  (queue == "verify" ? verify_queue_ : writer_queue_) = items;
}

std::vector<rpc::Figure> Figures::figures(const rpc::RpcCounters& rpc,
                                          const ledger::store::LedgerStore::Stats& store) const {
  const std::pair<const char*, std::uint64_t> values[] = {{"items_accepted_total", items_},
                                                          {"charges_total", charges_},
                                                          {"refused_total", refused_},
                                                          {"entries_total", entries_},
                                                          {"segments_total", segments_},
                                                          {"journal_bytes_total", bytes_},
                                                          {"verify_together", verify_->together ? 1u : 0u},
                                                          {"verify_checks_total", verify_->checks},
                                                          {"verify_failed_checks_total", verify_->failed_checks},
                                                          {"verify_together_total", verify_->together_items},
                                                          {"verify_single_total", verify_->single_items},
                                                          {"verify_singled_out", verify_->singled_out},
                                                          {"queue_verify_items", verify_queue_},
                                                          {"queue_writer_items", writer_queue_},
                                                          {"commit_queue_us", queue_us_},
                                                          {"commit_apply_us", apply_us_},
                                                          {"commit_write_us", write_us_},
                                                          {"commit_items", commit_items_},
                                                          {"rpc_batches_total", rpc.batches_total},
                                                          {"rpc_items_total", rpc.items_total},
                                                          {"rpc_connections", rpc.connections},
                                                          {"rpc_subscribers", rpc.subscribers},
                                                          {"rpc_calls_in_flight", rpc.calls_in_flight},
                                                          {"disk_bytes", store.disk_bytes}};
  std::vector<rpc::Figure> result;
  for (const auto& [name, value] : values) result.push_back({name, static_cast<std::int64_t>(value)});
  return result;
}

ops::PageHealth Figures::page_health(const rpc::RpcCounters& rpc,
                                     const ledger::store::LedgerStore::Stats& store) const {
  ops::PageHealth health;
  health.queues = {{"verify", verify_queue_, base::limits::kIngestQueueItemsMax},
                   {"writer", writer_queue_, base::limits::kIngestQueueItemsMax}};
  health.charges = charges_;
  health.refused = refused_;
  health.commit_queue_us = queue_us_;
  health.commit_write_us = write_us_;
  health.connections = rpc.connections;
  health.subscribers = rpc.subscribers;
  health.disk_bytes = store.disk_bytes;
  return health;
}

std::vector<ops::PageRail> page_rails(const settlers::DispatcherStatus& status) {
  std::vector<ops::PageRail> rails;
  for (const settlers::RailStatus& rail : status.rails)
    rails.push_back({rail.rail, rail.description, rail.enabled, rail.dry_run, std::string(settlers::name(rail.breaker)),
                     rail.in_flight, rail.in_flight_max, rail.sent, rail.faults, rail.last_error,
                     rail.last_error_time});
  return rails;
}

std::vector<MetricFamily> metrics_of(const settlers::DispatcherStatus& status) {
  using settlers::RailStatus;
  std::vector<MetricFamily> families;
  families.push_back(by_rail(status, "tabd_rail_enabled", "0 when the rail's kill switch is on.", MetricKind::gauge,
                             [](const RailStatus& rail) { return rail.enabled; }));
  families.push_back(by_rail(status, "tabd_rail_available", "0 when the rail's settler is another process and away.",
                             MetricKind::gauge, [](const RailStatus& rail) { return rail.available; }));
  families.push_back(by_rail(status, "tabd_rail_in_flight", "Settlements on the rail without an outcome.",
                             MetricKind::gauge, [](const RailStatus& rail) { return rail.in_flight; }));
  families.push_back(by_rail(status, "tabd_rail_in_flight_limit", "Most settlements on the rail at a time.",
                             MetricKind::gauge, [](const RailStatus& rail) { return rail.in_flight_max; }));
  families.push_back(by_rail(status, "tabd_rail_sends_total", "Requests sent since start.", MetricKind::counter,
                             [](const RailStatus& rail) { return rail.sent; }));
  families.push_back(by_rail(status, "tabd_rail_probes_total", "Questions asked since start.", MetricKind::counter,
                             [](const RailStatus& rail) { return rail.probed; }));
  families.push_back(by_rail(status, "tabd_rail_faults_total", "Faults and technical failures since start.",
                             MetricKind::counter, [](const RailStatus& rail) { return rail.faults; }));
  families.push_back(breakers(status));
  add_settler_gauges(status, families);
  families.push_back(
      single("tabd_settlements_scheduled", "Probes waiting in memory.", MetricKind::gauge, status.scheduled));
  families.push_back(single("tabd_rails_missing", "Rails that due settlements name and nobody serves.",
                            MetricKind::gauge, status.missing_rails.size()));
  return families;
}

// Every rail and kind, also those without a difference: an alert ends when there is a zero.
std::vector<MetricFamily> metrics_of(const ledger::api::Reconciliation& last, const std::vector<std::string>& rails,
                                     base::Time now) {
  using ledger::api::DifferenceKind;
  static constexpr std::pair<DifferenceKind, const char*> kKinds[] = {{DifferenceKind::not_in_books, "not_in_books"},
                                                                      {DifferenceKind::not_at_rail, "not_at_rail"},
                                                                      {DifferenceKind::amount, "amount"},
                                                                      {DifferenceKind::stuck, "stuck"},
                                                                      {DifferenceKind::clearing, "clearing"},
                                                                      {DifferenceKind::suspense, "suspense"}};
  MetricFamily differences{
      "tabd_reconciliation_differences", "Found by the last reconciliation.", MetricKind::gauge, {}};
  const auto add = [&](const std::string& rail, DifferenceKind kind, const char* name) {
    double count = 0;
    for (const ledger::api::DifferenceCount& one : last.counts)
      if (one.rail == rail && one.kind == kind) count = static_cast<double>(one.count);
    differences.samples.push_back({{{"rail", rail}, {"kind", name}}, count});
  };
  for (const std::string& rail : rails)
    for (const auto& [kind, name] : kKinds)
      if (kind != DifferenceKind::clearing) add(rail, kind, name);
  add("", DifferenceKind::clearing, "clearing");
  const auto unread =
      std::count_if(last.rails.begin(), last.rails.end(), [](const auto& rail) { return !rail.problem.empty(); });
  const std::uint64_t oldest_s = last.oldest.us == 0 || last.oldest > now ? 0 : (now.us - last.oldest.us) / 1'000'000;
  return {std::move(differences),
          single("tabd_reconciliation_oldest_difference_seconds", "Age of the oldest difference of the last run.",
                 MetricKind::gauge, oldest_s),
          single("tabd_reconciliation_rails_unread", "Rails that the last run could not read.", MetricKind::gauge,
                 static_cast<std::uint64_t>(unread)),
          single("tabd_reconciliation_last_run_timestamp_seconds", "When the last run ended.", MetricKind::gauge,
                 last.finished.seconds())};
}

std::vector<MetricFamily> metrics_of(const rpc::RpcCounters& rpc) {
  const auto counter = MetricKind::counter;
  const auto gauge = MetricKind::gauge;
  return {
      single("tabd_rpc_connections", "Open connections.", gauge, rpc.connections),
      single("tabd_rpc_accepted_connections_total", "Connections since start.", counter, rpc.connections_total),
      single("tabd_rpc_refused_connections_total", "Connections over the limit or without a TLS handshake.", counter,
             rpc.connections_refused_total),
      single("tabd_rpc_closed_connections_total", "Connections that we closed for a reason: see the log.", counter,
             rpc.connections_closed_total),
      single("tabd_rpc_logins_total", "Successful logins.", counter, rpc.logins_total),
      single("tabd_rpc_login_failures_total", "Refused logins.", counter, rpc.login_failures_total),
      single("tabd_rpc_batches_total", "Batches received.", counter, rpc.batches_total),
      single("tabd_rpc_items_total", "Items received.", counter, rpc.items_total),
      single("tabd_rpc_malformed_items_total", "Items that could not be read.", counter, rpc.items_malformed_total),
      single("tabd_rpc_calls_in_flight", "Calls that wait for an answer.", gauge, rpc.calls_in_flight),
      single("tabd_rpc_overloaded_total", "Reads refused because the queue was full.", counter, rpc.overloaded_total),
      single("tabd_rpc_subscribers", "Subscriptions and followers.", gauge, rpc.subscribers),
      single("tabd_rpc_dropped_subscribers_total", "Subscribers that fell behind.", counter,
             rpc.subscribers_dropped_total),
  };
}

std::vector<MetricFamily> metrics_of(const rpc::http::Counters& x402) {
  const auto counter = MetricKind::counter;
  const auto gauge = MetricKind::gauge;
  MetricFamily answers{"tabd_x402_answers_total", "HTTP answers, by route and class of status.", counter, {}};
  for (std::size_t route = 0; route < rpc::http::kRoutes; ++route)
    for (std::size_t of = 0; of < rpc::http::kStatusClasses; ++of)
      answers.samples.push_back({{{"route", std::string(rpc::http::name(static_cast<rpc::http::Route>(route)))},
                                  {"status", rpc::http::kStatusClassNames[of]}},
                                 static_cast<double>(x402.answers[route][of])});
  MetricFamily seconds{"tabd_x402_request_seconds_total",
                       "Time from whole requests to their answers, added up; divide by the answers.",
                       counter,
                       {{{}, static_cast<double>(x402.request_us_total) / 1e6}}};
  return {
      std::move(answers),
      std::move(seconds),
      single("tabd_x402_payments_total", "Payments to verify or settle, those in batches included.", counter,
             x402.payments_total),
      single("tabd_x402_connections", "Open connections.", gauge, x402.connections),
      single("tabd_x402_accepted_connections_total", "Connections since start.", counter, x402.connections_total),
      single("tabd_x402_refused_connections_total", "Connections over a limit.", counter,
             x402.connections_refused_total),
      single("tabd_x402_tls_failures_total", "Connections without a TLS handshake.", counter, x402.tls_failures_total),
      single("tabd_x402_timeouts_total", "Connections that a deadline ended.", counter, x402.timeouts_total),
      single("tabd_x402_bad_requests_total", "Bytes that were no acceptable HTTP request.", counter,
             x402.bad_requests_total),
      single("tabd_x402_unauthorised_total", "Requests without a known API key.", counter, x402.unauthorised_total),
      single("tabd_x402_requests_in_flight", "Requests that wait for an answer.", gauge, x402.in_flight),
  };
}

std::vector<MetricFamily> metrics_of(const ledger::store::LedgerStore::Stats& stats) {
  MetricFamily open{"tabd_store_open_seconds",
                    "How long opening the ledger took.",
                    MetricKind::gauge,
                    {{{}, static_cast<double>(stats.open_ms) / 1000.0}}};
  return {
      single("tabd_store_disk_bytes", "Size of the ledger's files.", MetricKind::gauge, stats.disk_bytes),
      single("tabd_store_replayed_entries", "Journal entries read at start.", MetricKind::gauge,
             stats.replayed_entries),
      single("tabd_store_queued_batches", "Batches that wait for the writer.", MetricKind::gauge, stats.queued_batches),
      std::move(open)};
}

std::vector<MetricFamily> metrics_of(const ledger::ingest::VerifyFigures& verify) {
  constexpr MetricKind counter = MetricKind::counter;
  MetricFamily signatures{"tabd_verify_signatures_total",
                          "Signatures of items checked since start, by how: together with others, or alone.",
                          counter,
                          {{{{"how", "together"}}, static_cast<double>(verify.together_items)},
                           {{{"how", "single"}}, static_cast<double>(verify.single_items)}}};
  return {std::move(signatures),
          single("tabd_verify_batches_total", "Checks of many signatures at once.", counter, verify.checks),
          single("tabd_verify_failed_batches_total", "Checks of many signatures that found a wrong one among them.",
                 counter, verify.failed_checks),
          single("tabd_verify_singled_out_total", "How often a submitter of wrong signatures was singled out.", counter,
                 verify.singled_out_total),
          single("tabd_verify_singled_out", "Submitters whose signatures are checked one by one now.",
                 MetricKind::gauge, verify.singled_out)};
}

std::vector<std::string> degraded_causes(const settlers::DispatcherStatus& status) {
  std::vector<std::string> causes;
  for (const settlers::RailStatus& rail : status.rails) {
    if (!rail.enabled) causes.push_back("rail " + rail.rail + ": the kill switch is on, nothing is sent");
    if (!rail.available) causes.push_back("rail " + rail.rail + ": no settler is connected, its settlements wait");
    if (rail.breaker != settlers::BreakerState::closed)
      causes.push_back("rail " + rail.rail + ": the circuit breaker is " + std::string(settlers::name(rail.breaker)) +
                       ": " + rail.last_error);
  }
  for (const std::string& rail : status.missing_rails)
    causes.push_back("rail " + rail + ": settlements wait for it and it is not configured");
  return causes;
}

}  // namespace tabd_daemon
