// Replay: stored entries give the same state, and every false derived value is found. (Every test of this program also
// replays its journal and loads its rows; see LedgerTest::TearDown.)

#include <functional>

#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

class ReplayTest : public LedgerTest {
 protected:
  ReplayTest() {
    set_up_world();
    SingleSpec spec;
    charge(1'000, spec);
    spec.nonce = 1;
    spec.maximum = 50;
    EXPECT_EQ(submit_one(actors_.unsigned_hold(spec)).status, Status::ok);
    spec.amount = 20;
    EXPECT_EQ(submit_one(actors_.capture(spec)).status, Status::ok);
    EXPECT_EQ(submit_one(actors_.unsigned_voucher(VoucherSpec{})).status, Status::ok);
    advance(24 * 3600);
    must(CloseDue{1});
    bring(1, SettlementState::final);
    must(PlanPayouts{10});
  }

  // Replays with one entry changed; the message that names what is wrong.
  template <typename T>
  std::string changed(const std::function<void(T&)>& change) {
    std::vector<JournalEntry> kept = journal_;
    for (JournalEntry& one : journal_) {
      if (T* entry = std::get_if<T>(&one.entry)) {
        change(*entry);
        break;
      }
    }
    StateMachine machine(*calendar_);
    MapReplay index;
    MapRows rows;
    const base::Result<void> result = replay_into(machine, index, rows);
    journal_ = std::move(kept);
    if (result) return "";
    EXPECT_EQ(result.error().code, base::ErrorCode::corruption);
    return result.error().message;
  }
  static testing::Matcher<const std::string&> says(const std::string& text) { return testing::HasSubstr(text); }
};

TEST_F(ReplayTest, FindsFalseClosings) {
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.root.bytes[0] ^= 1; }),
              says("(window_closed): root is 0x"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.total = Amount(7); }),
              says("total is 7 in the journal, 1030 by its entries"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.net = Amount(7); }), says("net is 7"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.entries = 9; }), says("entries is 9"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.statement = StatementId(2); }), says("statement is 2"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.settlement = SettlementId(); }), says("settlement is 0"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.number = 2; }), says("number is 2"));
  EXPECT_THAT(changed<WindowClosed>([](WindowClosed& e) { e.due.us += 1; }), says("due is"));
}

// Labels are checked when they are set: what an older version took is read as it was written.
TEST_F(ReplayTest, ReadsLabelsThatAreRefusedToday) {
  EXPECT_EQ(changed<PayerSet>([](PayerSet& e) { e.payer.label = "a\xe2\x80\xaez\xff"; }), "");
}

TEST_F(ReplayTest, FindsFalseCharges) {
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.usage.amount = Amount(1'001); }), says("above the commitment"));
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.usage.amount = Amount(999); }), says("total is"));
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.commitment.payer = PayerId(9); }), says("payer 9 is unknown"));
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.commitment.payee = PayeeId(9); }), says("payee 9 is unknown"));
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.commitment.mandate = MandateId(1); }), says("mandate 1 is not"));
  EXPECT_THAT(changed<Charged>([](Charged& e) { e.server = ServerId(9); }), says("server is unknown"));
  EXPECT_THAT(changed<Charged>([](Charged& e) {
                e.usage.amount = Amount(2'000'000);
                e.commitment.maximum = Amount(2'000'000);
              }),
              says("above its limit 1000000"));
  EXPECT_THAT(changed<HoldCaptured>([](HoldCaptured& e) { e.usage.amount = Amount(51); }), says("hold's maximum"));
  EXPECT_THAT(changed<HoldCaptured>([](HoldCaptured& e) { e.nonce = 99; }), says("no such open hold"));
  EXPECT_THAT(changed<HoldCaptured>([](HoldCaptured& e) { e.hold = Sequence(2); }), says("no such open hold"));
  EXPECT_THAT(changed<VoucherCharged>([](VoucherCharged& e) { e.first_index = 1; }), says("tab's next is 0"));
  EXPECT_THAT(changed<VoucherCharged>([](VoucherCharged& e) { e.maximum = Amount(1); }), says("voucher's maximum"));
  EXPECT_THAT(changed<TabOpened>([](TabOpened& e) { e.id = TabId(4); }), says("tab 4 is new"));
  EXPECT_THAT(changed<WindowOpened>([](WindowOpened& e) { e.number = 3; }), says("number is 3"));
  EXPECT_THAT(changed<WindowOpened>([](WindowOpened& e) { e.bounds.end = e.bounds.start; }), says("does not contain"));
}

TEST_F(ReplayTest, FindsFalseSettlements) {
  EXPECT_THAT(changed<SettlementStepped>([](SettlementStepped& e) { e.from = SettlementState::accepted; }),
              says("is ready, not accepted"));
  EXPECT_THAT(changed<SettlementStepped>([](SettlementStepped& e) { e.to = SettlementState::settled; }),
              says("cannot go from ready to settled"));
  EXPECT_THAT(changed<SettlementStepped>([](SettlementStepped& e) { e.attempt = 4; }), says("attempt is 4"));
  EXPECT_THAT(changed<SettlementPlanned>([](SettlementPlanned& e) { e.settlement.amount = Amount(1); }),
              says("payout is 1 in the journal"));
  EXPECT_THAT(changed<SettlementPlanned>([](SettlementPlanned& e) { e.settlement.id = SettlementId(5); }),
              says("settlement is 5"));
}

TEST_F(ReplayTest, FindsEntriesOutOfPlace) {
  StateMachine machine(*calendar_);
  MapReplay index;
  const JournalEntry& second = journal_[1];
  base::Result<void> result = machine.apply(second.entry, second.sequence, second.leaf, second.time, index);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, says("entry 2 (asset_set): it does not follow entry 0"));
  result = machine.apply(second.entry, Sequence(1), second.leaf, second.time, index);
  ASSERT_FALSE(result.has_value());
  const JournalEntry& first = journal_[0];
  ASSERT_TRUE(machine.apply(first.entry, first.sequence, first.leaf, first.time, index).has_value());
  result = machine.apply(second.entry, second.sequence, second.leaf, Time{first.time.us - 1}, index);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, says("before the previous"));
}

TEST_F(ReplayTest, FindsTheSameCommitmentTwice) {
  const Charged charged = entries_of_kind<Charged>().front();
  const base::Result<void> result =
      machine_->apply(charged, Sequence(machine_->head().last_sequence.value + 1), {}, now_, replay_);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, says("recorded before"));
}

TEST_F(ReplayTest, RebuildsTheSignedItems) {
  std::size_t items = 0;
  for (const JournalEntry& one : journal_) {
    const auto item = machine_->item_of(one.entry);
    const auto record = machine_->replay_record(one.entry, one.sequence);
    EXPECT_EQ(item.has_value(), record.has_value());
    if (!item) continue;
    ++items;
    EXPECT_EQ(item->payer(), actors_.payer(0));
    ASSERT_TRUE(replay_.hits.contains(record->key));
    EXPECT_EQ(replay_.hits[record->key].content, record->hit.content);
  }
  EXPECT_EQ(items, 4u);
}

TEST_F(ReplayTest, DamagedRowsAreRefused) {
  const auto load = [this](const std::function<void(std::map<Bytes, Bytes>&)>& damage) -> std::string {
    std::map<Bytes, Bytes> rows = rows_.rows;
    damage(rows);
    StateMachine machine(*calendar_);
    for (const auto& [key, value] : rows) {
      const base::Result<void> result = machine.load_row(key, value);
      if (!result) return result.error().message;
    }
    const base::Result<void> result = machine.finish_load();
    return result ? "" : result.error().message;
  };
  EXPECT_EQ(load([](auto&) {}), "");
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::payer, 1)); }), says("payer 1 is missing"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::plan, 2)); }), says("plan 2 is missing"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::tab, 1)); }), says("tab 1 is missing"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(table_prefix(Table::head)); }), says("no head row"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::operator_balance, kUsdc.value)); }), says("sum to"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::open_settlement, 2)); }), says("payable and payouts"));
  EXPECT_THAT(load([](auto& rows) { rows[row_key(Table::payer, 1)].pop_back(); }), says("row 0x04"));
  EXPECT_THAT(load([](auto& rows) { rows[row_key(Table::tally, 1)] = rows[row_key(Table::tally, 1, 1)]; }),
              says("key is malformed"));
}

}  // namespace
}  // namespace ledger::core
