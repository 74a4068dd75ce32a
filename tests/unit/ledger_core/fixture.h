#pragma once

// A ledger in memory for the tests of the core: every command and batch is one segment, drained into a map of rows.
// Whatever a test did, at its end the journal is replayed and the rows are loaded, and both must give the same state.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/core/state_machine.h"
#include "tests/support/actors.h"

namespace ledger::core {

using base::Status;
using support::kNow;
using support::kUsd;
using support::kUsdc;
using support::SingleSpec;
using support::VoucherSpec;

class MapReplay final : public ReplayIndex {
 public:
  std::optional<ReplayHit> find(const ReplayKey& key) override;
  void insert(const ReplayKey& key, const ReplayHit& hit) override;
  std::map<ReplayKey, ReplayHit> hits;
};

class MapRows final : public RowSink {
 public:
  void put(base::ByteView key, base::ByteView value) override;
  void erase(base::ByteView key) override;
  std::map<Bytes, Bytes> rows;
  std::map<Bytes, int> touched;  // puts and erasures of each key; cleared by the test
};

// The rows that the state machine keeps in memory: what dump_rows() must give.
std::map<Bytes, Bytes> live_rows(const std::map<Bytes, Bytes>& rows);
// "" or the first difference.
std::string difference(const std::map<Bytes, Bytes>& left, const std::map<Bytes, Bytes>& right);
MapRows dump(const StateMachine& machine);

class LedgerTest : public testing::Test {
 protected:
  LedgerTest();
  // Replays, loads and adds up. In TearDown so that every test proves it.
  void TearDown() override;

  // Registers payee 0 and 1 (250 basis points, payouts on "sandbox"), server 0 for both, plans "day" (asset kUsdc) and
  // "fine" (kUsd, scale 9, rail scale 6), payer 0 with both plans. Credit limits 1,000,000 units.
  void set_up_world();
  Plan plan(std::string_view label) const;  // as set_up_world() makes "day", under another label

  // Begins again with an empty ledger.
  void restart();

  // Of a credit note or refund: another one each time.
  std::string next_reference() { return "reference " + std::to_string(++references_); }
  CommandResult run(Command command);
  void recall(Command& command) const;
  // run() and EXPECT that it is ok.
  CommandResult must(const Command& command);
  std::vector<ItemResult> submit(std::vector<commitments::tab::Item> items, std::uint64_t server = 0);
  ItemResult submit_one(const commitments::tab::Item& item, std::uint64_t server = 0);
  // A charge of payer 0 at payee 0 with the next nonce. EXPECTs that it is accepted.
  Sequence charge(std::uint64_t amount, SingleSpec spec = {});
  commitments::tab::Item charge_item(std::uint64_t amount, SingleSpec spec = {});
  void advance(std::uint64_t seconds) { now_.us += seconds * 1'000'000; }

  // Rows as stored.
  template <typename T>
  std::optional<T> row(const Bytes& key) const {
    const auto at = rows_.rows.find(key);
    if (at == rows_.rows.end()) return std::nullopt;
    base::Result<T> value = decode_row<T>(at->second);
    EXPECT_TRUE(value.has_value());
    return value ? std::optional<T>(*value) : std::nullopt;
  }
  Tally tally(AssetId asset = kUsdc, std::uint32_t payer = 1) const;  // with its lines
  Statement statement(std::uint64_t id) const;                        // with its mark
  Settlement settlement(std::uint64_t id) const;
  PayeeBalance payee_balance(std::uint32_t payee, AssetId asset = kUsdc) const;
  OperatorBalance operators(AssetId asset = kUsdc) const;
  Payer payer(std::uint32_t id = 1) const;
  MandateState mandate(std::uint32_t id) const;
  bool has_row(const Bytes& key) const { return rows_.rows.contains(key); }

  // The entries of the last segment, and of the whole journal.
  struct JournalEntry {
    Sequence sequence;
    Entry entry;
    Hash leaf;
    Time time;
  };
  std::vector<JournalEntry> last() const { return {journal_.begin() + first_new_, journal_.end()}; }
  std::vector<std::string> last_kinds() const;
  template <typename T>
  std::vector<T> entries_of_kind() const {
    std::vector<T> found;
    for (const JournalEntry& one : journal_) {
      if (const T* entry = std::get_if<T>(&one.entry)) found.push_back(*entry);
    }
    return found;
  }
  // Applies the journal to a fresh machine; the error of the first entry that does not fit.
  base::Result<void> replay_into(StateMachine& machine, MapReplay& index, MapRows& rows) const;

  // One step of a settlement, at the current attempt.
  CommandResult step(std::uint64_t id, SettlementState to, FailureClass failure = FailureClass::none,
                     std::uint64_t wait_s = 1);
  // Brings settlement `id` from ready to `to` by the shortest way.
  void bring(std::uint64_t id, SettlementState to);

  std::unique_ptr<aggregator::Calendar> calendar_ = aggregator::make_calendar();
  support::Actors actors_;
  std::unique_ptr<StateMachine> machine_;
  MapReplay replay_;
  MapRows rows_;
  std::vector<JournalEntry> journal_;
  std::vector<SegmentHeader> segments_;
  std::ptrdiff_t first_new_ = 0;
  Time now_ = Time::from_seconds(kNow);
  base::u128 next_nonce_ = 1000;
  std::uint64_t next_batch_ = 1;
  std::uint64_t next_key_ = 1;
  std::uint64_t references_ = 0;

 private:
  void finish(SegmentBuilder& builder);
  SegmentBuilder builder() const;
};

}  // namespace ledger::core
