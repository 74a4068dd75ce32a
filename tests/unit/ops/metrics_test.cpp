#include "ops/metrics.h"

#include <gtest/gtest.h>

#include "ledger/core/segment.h"

namespace {

namespace core = ledger::core;

std::shared_ptr<const ledger::api::CommittedSegment> segment_of(const std::vector<core::Entry>& entries) {
  core::SegmentBuilder builder(core::SegmentId(1), core::Sequence(1), core::Time{1});
  for (const core::Entry& entry : entries) builder.append(entry);
  const core::Segment segment = builder.finish({}, {});
  auto committed = std::make_shared<ledger::api::CommittedSegment>();
  committed->header = segment.header;
  committed->body = segment.body;
  return committed;
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsCommittedEntriesByKindAndCharges) {
  ops::Metrics metrics;
  core::VoucherCharged voucher;
  voucher.usages.resize(100);
  core::WindowClosed carried;
  carried.reason = core::CloseReason::threshold;
  core::WindowClosed closed;
  closed.statement = core::StatementId(1);
  metrics.on_committed(segment_of({core::Charged{}, core::Charged{}, voucher, carried, closed, core::ChannelCharged{}}),
                       {1'000'000, 2'000'000, 3'000'000, 4});
  const std::string text = metrics.render();
  EXPECT_TRUE(has_line(text, "tabd_journal_entries_total{kind=\"charged\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "tabd_charges_total 103")) << text;
  EXPECT_TRUE(has_line(text, "tabd_windows_closed_total{reason=\"threshold\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tabd_statements_issued_total 1")) << text;
  EXPECT_TRUE(has_line(text, "tabd_segments_total 1")) << text;
  EXPECT_TRUE(has_line(text, "tabd_commit_write_seconds_sum 0.002")) << text;
  EXPECT_TRUE(has_line(text, "tabd_commit_queue_seconds_bucket{le=\"0.0025\"} 0")) << text;
  EXPECT_TRUE(has_line(text, "tabd_commit_queue_seconds_bucket{le=\"0.005\"} 1")) << text;
}

TEST(Metrics, CountsNoticesAndChangesOfRailByRail) {
  ops::Metrics metrics;
  core::NoticeRecorded refused, stray;
  refused.notice.rail = stray.notice.rail = *base::RailName::parse("bank");
  refused.notice.recorded_as = core::NoticeState::refused;
  stray.notice.recorded_as = core::NoticeState::suspense;
  core::SettlementStepped failed, other_rail;
  failed.to = other_rail.to = core::SettlementState::ready;
  other_rail.rail = *base::RailName::parse("card");
  metrics.on_committed(segment_of({refused, refused, stray, failed, other_rail}), {});
  const std::string text = metrics.render();
  EXPECT_TRUE(has_line(text, "tabd_notices_total{rail=\"bank\",state=\"refused\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "tabd_notices_total{rail=\"bank\",state=\"suspense\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tabd_settlement_fallbacks_total{rail=\"card\"} 1")) << text;
}

TEST(Metrics, CountsRefusalsByStatus) {
  ops::Metrics metrics;
  metrics.on_refused(base::Status::signature_wrong, 3);
  metrics.on_refused(base::Status::overloaded, 1);
  const std::string text = metrics.render();
  EXPECT_TRUE(has_line(text, "tabd_refused_total{status=\"signature_wrong\"} 3")) << text;
  EXPECT_TRUE(has_line(text, "tabd_refused_total{status=\"overloaded\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tabd_refused_total{status=\"expired\"} 0")) << text;
}

TEST(Metrics, ShowsQueuesStepsAndSources) {
  ops::Metrics metrics;
  metrics.on_queue_depth("verify", 7);
  metrics.on_queue_depth("writer", 3);
  metrics.on_settlement_step("sandbox", core::SettlementKind::payout, core::SettlementState::final);
  metrics.add_source([] {
    return std::vector<ops::MetricFamily>{
        {"tabd_test_things", "Things.", ops::MetricKind::gauge, {{{{"kind", "a\"b"}}, 2.5}}}};
  });
  const std::string text = metrics.render();
  EXPECT_TRUE(has_line(text, "tabd_queue_items{queue=\"verify\"} 7")) << text;
  EXPECT_TRUE(has_line(text, "tabd_queue_items{queue=\"writer\"} 3")) << text;
  EXPECT_NE(text.find("rail=\"sandbox\""), std::string::npos) << text;
  EXPECT_TRUE(has_line(text, "tabd_test_things{kind=\"a\\\"b\"} 2.5")) << text;
}

TEST(Metrics, ProcessMetricsHavePlausibleValues) {
  for (const ops::MetricFamily& family : ops::process_metrics()()) {
    ASSERT_EQ(family.samples.size(), 1u);
    if (family.name == "process_resident_memory_bytes") {
      EXPECT_GT(family.samples[0].value, 1e6);
    }
    if (family.name == "process_start_time_seconds") {
      EXPECT_GT(family.samples[0].value, 1.6e9);
    }
    if (family.name == "process_open_fds") {
      EXPECT_GE(family.samples[0].value, 3);
    }
    if (family.name == "process_threads") {
      EXPECT_GE(family.samples[0].value, 1);
    }
  }
}

TEST(Metrics, EveryStateAndKindHasAName) {
  for (std::uint8_t state = 1; state <= 12; ++state)
    EXPECT_NE(ops::name(static_cast<core::SettlementState>(state)), "invalid");
  for (std::uint8_t kind = 1; kind <= 3; ++kind)
    EXPECT_NE(ops::name(static_cast<core::SettlementKind>(kind)), "invalid");
  EXPECT_EQ(ops::name(core::SettlementKind::relay), "relay");
}

}  // namespace
