#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/unit/ledger_store/store_world.h"

namespace ledger::store {
namespace {

using base::ErrorCode;

class Reader : public testing::Test {
 protected:
  Reader() {
    StoreOptions options = world.options();
    options.recent_replay_keys = 8;  // so that the indexes are partly on disk
    store = world.open(options);
    world.set_up(*store, 5);
    world.live(*store);
  }
  const api::LedgerReader& reader() const { return store->reader(); }

  World world;
  std::unique_ptr<LedgerStore> store;
};

TEST_F(Reader, FindsSingleObjectsByNumberAndByAddress) {
  EXPECT_EQ(reader().payer(core::PayerId(2)).value().address, world.actors.payer(1));
  EXPECT_EQ(reader().payer(world.actors.payer(1)).value().id, core::PayerId(2));
  EXPECT_EQ(reader().payee(world.actors.payee(1)).value().id, core::PayeeId(2));
  EXPECT_EQ(reader().payee(core::PayeeId(1)).value().label, "payee 0");
  EXPECT_EQ(reader().server(world.actors.server(0)).value().payees.size(), 2u);
  EXPECT_EQ(reader().server(core::ServerId(1)).value().key, world.actors.server(0));
  EXPECT_EQ(reader().plan(core::PlanId(1)).value().label, "day");
  EXPECT_EQ(reader().asset(kUsdc).value().symbol, "USDC");
  EXPECT_TRUE(reader().mandate(core::MandateId(1)).value().revoked);
  EXPECT_EQ(reader().tab(core::TabId(1)).value().charged, base::Amount(65));
  EXPECT_EQ(reader().operator_balance(kUsdc).value().asset, kUsdc);
  EXPECT_EQ(reader().payee_balance(core::PayeeId(1), kUsdc).value().payee, core::PayeeId(1));
  const core::Settlement settlement = reader().settlement(core::SettlementId(1)).value();
  EXPECT_EQ(settlement.state, core::SettlementState::sending);
  EXPECT_EQ(settlement.request, (core::Bytes{1, 2, 3}));
}

TEST_F(Reader, SaysWhatThereIsNot) {
  const auto payer = reader().payer(core::PayerId(99));
  ASSERT_FALSE(payer.has_value());
  EXPECT_EQ(payer.error().code, ErrorCode::not_found);
  EXPECT_EQ(payer.error().message, "there is no payer 99");
  EXPECT_EQ(reader().payee(world.actors.payer(0)).error().code, ErrorCode::not_found);
  EXPECT_EQ(reader().tally(core::PayerId(5), kUsdc).error().code, ErrorCode::not_found);
  EXPECT_EQ(reader().entry(core::Sequence(1'000'000)).error().code, ErrorCode::not_found);
  EXPECT_EQ(reader().entry(core::Sequence(0)).error().code, ErrorCode::not_found);
  EXPECT_EQ(reader().segment(core::SegmentId(1'000'000)).error().code, ErrorCode::not_found);
}

TEST_F(Reader, AStatementHasWhatHappenedToItSince) {
  const core::Statement statement = reader().statement(core::StatementId(2)).value();
  EXPECT_EQ(statement.payer, core::PayerId(2));
  EXPECT_EQ(statement.net, base::Amount(65));
  EXPECT_EQ(statement.mark.credited, base::Amount(5));
  EXPECT_EQ(statement.due_amount(), base::Amount(60));
  EXPECT_EQ(reader().statement(core::StatementId(1)).value().mark.credited, base::Amount(0));
}

TEST_F(Reader, ATallyHasItsLines) {
  const core::Tally tally = reader().tally(core::PayerId(1), kUsdc).value();
  EXPECT_EQ(tally.unbilled, base::Amount(30));
  ASSERT_EQ(tally.lines.lines().size(), 1u);
  EXPECT_EQ(tally.lines.lines()[0].charges, 3u);
  EXPECT_EQ(tally.lines.lines()[0].amount, base::Amount(30));
  ASSERT_EQ(reader().tallies(core::PayerId(1)).value().size(), 1u);
}

TEST_F(Reader, ListsGoOnWhereTheLastPageEnded) {
  std::vector<std::uint32_t> ids;
  core::PayerId after;
  for (;;) {
    const auto page = reader().payers(after, 2).value();
    if (page.empty()) break;
    EXPECT_LE(page.size(), 2u);
    for (const core::Payer& payer : page) ids.push_back(payer.id.value);
    after = page.back().id;
  }
  EXPECT_EQ(ids, (std::vector<std::uint32_t>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(reader().payers(core::PayerId(0), 0).value().empty());
  EXPECT_TRUE(reader().payers(core::PayerId(UINT32_MAX), 5).value().empty());
  EXPECT_EQ(reader().payees(core::PayeeId(1), 10).value().size(), 1u);
  EXPECT_EQ(reader().servers(core::ServerId(), 10).value().size(), 1u);
  EXPECT_EQ(reader().assets().value().size(), 1u);
  EXPECT_EQ(reader().plans().value().size(), 1u);
  EXPECT_EQ(reader().mandates(core::PayerId(1), core::MandateId(), 10).value().size(), 1u);
  EXPECT_TRUE(reader().mandates(core::PayerId(2), core::MandateId(), 10).value().empty());
  EXPECT_EQ(reader().statements(core::StatementId(), 10).value().size(), 2u);
  EXPECT_EQ(reader().statements_of(core::PayerId(2), core::StatementId(), 10).value().size(), 1u);
  EXPECT_TRUE(reader().statements_of(core::PayerId(2), core::StatementId(2), 10).value().empty());
  EXPECT_EQ(reader().payee_balances(core::PayeeId(1)).value().size(), 1u);
}

TEST_F(Reader, ListsSettlementsByStateAndByTime) {
  EXPECT_EQ(reader().settlements(core::SettlementId(), 10).value().size(), 2u);
  const auto sending = reader().settlements_in(core::SettlementState::sending, core::SettlementId(), 10).value();
  ASSERT_EQ(sending.size(), 1u);
  EXPECT_EQ(sending[0].id, core::SettlementId(1));
  EXPECT_TRUE(reader().settlements_in(core::SettlementState::sending, core::SettlementId(1), 10).value().empty());
  EXPECT_EQ(reader().settlements_in(core::SettlementState::ready, core::SettlementId(), 10).value().size(), 1u);
  const auto due = reader().due_settlements(base::Time{UINT64_MAX}, 10).value();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_LE(due[0].next_action, due[1].next_action);
  EXPECT_TRUE(reader().due_settlements(base::Time{0}, 10).value().size() <= 1);  // step() left next_action at zero
  EXPECT_EQ(reader().due_settlements(base::Time{UINT64_MAX}, 1).value().size(), 1u);
}

TEST_F(Reader, EntriesAreTheWholeJournalInOrder) {
  const core::LedgerHead head = reader().head().value();
  const auto all = reader().entries(core::Sequence(1), 100'000).value();
  ASSERT_EQ(all.size(), head.last_sequence.value);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].sequence.value, i + 1);
    const api::StoredEntry one = reader().entry(all[i].sequence).value();
    EXPECT_EQ(one.bytes, all[i].bytes);
    EXPECT_EQ(one.index, all[i].index);
    EXPECT_EQ(one.segment, all[i].segment);
  }
  EXPECT_EQ(reader().entries(core::Sequence(3), 4).value().size(), 4u);
  EXPECT_EQ(reader().entries(core::Sequence(3), 4).value()[0].sequence, core::Sequence(3));
  EXPECT_TRUE(reader().entries(core::Sequence(head.last_sequence.value + 1), 4).value().empty());
}

TEST_F(Reader, SegmentsCanBeFoundByNumberAndByEntry) {
  const core::LedgerHead head = reader().head().value();
  const auto hashes = reader().segment_hashes(core::SegmentId(1), 100'000).value();
  ASSERT_EQ(hashes.size(), head.last_segment.value);
  core::Hash previous;
  for (std::uint64_t number = 1; number <= head.last_segment.value; ++number) {
    const core::Segment segment = reader().segment(core::SegmentId(number)).value();
    EXPECT_EQ(segment.header.number.value, number);
    EXPECT_EQ(segment.header.previous, previous);
    EXPECT_EQ(core::hash_of(segment.header), hashes[number - 1]);
    EXPECT_EQ(reader().segment_of(segment.header.first_sequence).value().header, segment.header);
    previous = hashes[number - 1];
  }
  EXPECT_EQ(previous, head.last_segment_hash);
  EXPECT_EQ(reader().segment_hashes(core::SegmentId(3), 2).value(), (std::vector<core::Hash>{hashes[2], hashes[3]}));
}

// The same from the journal, the slow way.
std::vector<std::uint64_t> charging_of(const api::LedgerReader& reader, core::PayerId payer) {
  std::vector<std::uint64_t> found;
  const std::vector<api::StoredEntry> journal = reader.entries(core::Sequence(1), 100'000).value();
  for (const api::StoredEntry& entry : journal) {
    if (const auto* charged = std::get_if<core::Charged>(&entry.entry)) {
      if (charged->commitment.payer == payer) found.push_back(entry.sequence.value);
    } else if (const auto* hold = std::get_if<core::HoldMade>(&entry.entry)) {
      if (hold->commitment.payer == payer) found.push_back(entry.sequence.value);
    } else if (const auto* captured = std::get_if<core::HoldCaptured>(&entry.entry)) {
      if (captured->payer == payer) found.push_back(entry.sequence.value);
    } else if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry.entry)) {
      if (reader.tab(voucher->tab).value().payer == payer) found.push_back(entry.sequence.value);
    }
  }
  return found;
}

std::vector<std::uint64_t> history_of(const api::LedgerReader& reader, core::PayerId payer, std::size_t page_size) {
  std::vector<std::uint64_t> found;
  core::Sequence after;
  for (;;) {
    const auto page = reader.payer_entries(payer, after, page_size).value();
    for (const api::StoredEntry& entry : page) found.push_back(entry.sequence.value);
    if (page.size() < page_size) return found;
    after = page.back().sequence;
  }
}

// The history may lag by moments: waits until it has as many entries as the journal.
void wait_for_history(const api::LedgerReader& reader, core::PayerId payer, std::size_t count) {
  for (int i = 0; i < 500 && history_of(reader, payer, 1000).size() < count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST_F(Reader, APayersHistoryIsCompleteOnDiskAndInMemory) {
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t id = 1; id <= 3; ++id) {
      const core::PayerId payer(id);
      const std::vector<std::uint64_t> expected = charging_of(reader(), payer);
      wait_for_history(reader(), payer, expected.size());
      EXPECT_EQ(history_of(reader(), payer, 1000), expected);
      EXPECT_EQ(history_of(reader(), payer, 2), expected);
    }
    ASSERT_EQ(world.submit(*store, world.charges(5, 0)).status, Status::ok);
    ASSERT_EQ(world.submit(*store, world.charges(4, 2)).items.at(0).status, Status::payer_suspended);
    if (round == 1) {
      store.reset();
      store = world.open();
    }
  }
  const auto windows = reader().payer_windows(core::PayerId(1), core::Sequence(), 10).value();
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(std::get<core::WindowClosed>(windows[0].entry).statement, core::StatementId(1));
}

}  // namespace
}  // namespace ledger::store
