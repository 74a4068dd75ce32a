#include "tests/unit/ledger_core/fixture.h"

#include "base/check.h"
#include "crypto/merkle.h"

namespace ledger::core {

std::optional<ReplayHit> MapReplay::find(const ReplayKey& key) {
  const auto at = hits.find(key);
  return at == hits.end() ? std::nullopt : std::optional<ReplayHit>(at->second);
}

void MapReplay::insert(const ReplayKey& key, const ReplayHit& hit) {
  EXPECT_TRUE(hits.emplace(key, hit).second) << "a replay key was inserted twice";
}

void MapRows::put(base::ByteView key, base::ByteView value) {
  rows[Bytes(key.begin(), key.end())] = Bytes(value.begin(), value.end());
  ++touched[Bytes(key.begin(), key.end())];
}

void MapRows::erase(base::ByteView key) {
  rows.erase(Bytes(key.begin(), key.end()));
  ++touched[Bytes(key.begin(), key.end())];
}

std::map<Bytes, Bytes> live_rows(const std::map<Bytes, Bytes>& rows) {
  std::map<Bytes, Bytes> live;
  for (const auto& [key, value] : rows) {
    const auto table = static_cast<Table>(key[0]);
    if (table == Table::statement || table == Table::statement_mark || table == Table::statement_by_payer) continue;
    if (table == Table::relay || table == Table::notice || table == Table::notice_mark) continue;
    if (table == Table::notice_by_settlement || table == Table::credit_note || table == Table::payment) continue;
    if (table == Table::credit_note_by_payer || table == Table::credit_note_by_statement) continue;
    if (table == Table::payment_by_payer || table == Table::settlement_by_payer) continue;
    if (table == Table::notice_by_state) {
      Bytes open = table_prefix(Table::open_notice);
      open.insert(open.end(), key.end() - 8, key.end());
      if (!rows.contains(open)) continue;
    }
    if (table == Table::settlement || table == Table::settlement_by_state) {
      // The last eight bytes are the settlement's number.
      const Bytes number(key.end() - 8, key.end());
      Bytes open = table_prefix(Table::open_settlement);
      open.insert(open.end(), number.begin(), number.end());
      if (!rows.contains(open)) continue;
    }
    live.emplace(key, value);
  }
  return live;
}

std::string difference(const std::map<Bytes, Bytes>& left, const std::map<Bytes, Bytes>& right) {
  for (const auto& [key, value] : left) {
    const auto at = right.find(key);
    if (at == right.end()) return "only left: " + base::to_hex(base::ByteView(key));
    if (at->second != value) {
      return "row " + base::to_hex(base::ByteView(key)) + ": " + base::to_hex(base::ByteView(value)) + " and " +
             base::to_hex(base::ByteView(at->second));
    }
  }
  for (const auto& [key, value] : right) {
    if (!left.contains(key)) return "only right: " + base::to_hex(base::ByteView(key));
  }
  return "";
}

MapRows dump(const StateMachine& machine) {
  MapRows rows;
  machine.dump_rows(rows);
  return rows;
}

LedgerTest::LedgerTest() { restart(); }

void LedgerTest::restart() {
  machine_ = std::make_unique<StateMachine>(*calendar_);
  replay_.hits.clear();
  rows_.rows.clear();
  journal_.clear();
  segments_.clear();
  now_ = Time::from_seconds(kNow);
  SegmentBuilder first = builder();
  machine_->create(std::string(support::kNetwork), actors_.address(support::Role::keeper, 0), first);
  finish(first);
}

void LedgerTest::TearDown() {
  const base::Result<void> books = machine_->check_books();
  EXPECT_TRUE(books.has_value()) << (books ? "" : books.error().message);
  EXPECT_EQ(difference(live_rows(rows_.rows), dump(*machine_).rows), "");

  StateMachine replayed(*calendar_, 7);
  MapReplay index;
  MapRows replayed_rows;
  const base::Result<void> applied = replay_into(replayed, index, replayed_rows);
  ASSERT_TRUE(applied.has_value()) << applied.error().message;
  EXPECT_EQ(difference(rows_.rows, replayed_rows.rows), "");
  ASSERT_EQ(index.hits.size(), replay_.hits.size());
  for (const auto& [key, hit] : replay_.hits) {
    EXPECT_EQ(index.hits[key].sequence, hit.sequence);
    EXPECT_EQ(index.hits[key].content, hit.content);
  }

  StateMachine loaded(*calendar_, 8);
  for (auto at = rows_.rows.rbegin(); at != rows_.rows.rend(); ++at) {  // the order that needs most care
    const base::Result<void> result = loaded.load_row(at->first, at->second);
    ASSERT_TRUE(result.has_value()) << result.error().message;
  }
  const base::Result<void> finished = loaded.finish_load();
  ASSERT_TRUE(finished.has_value()) << finished.error().message;
  EXPECT_EQ(difference(dump(*machine_).rows, dump(loaded).rows), "");
  MapRows nothing;
  loaded.drain_changes(nothing);
  EXPECT_TRUE(nothing.rows.empty()) << "loading is not a change";
  EXPECT_EQ(loaded.next_window_end(), machine_->next_window_end());
  EXPECT_EQ(loaded.next_hold_expiry(), machine_->next_hold_expiry());
  EXPECT_EQ(loaded.payouts_waiting(), machine_->payouts_waiting());
}

SegmentBuilder LedgerTest::builder() const {
  const LedgerHead& head = machine_->head();
  return SegmentBuilder(SegmentId(head.last_segment.value + 1), Sequence(head.last_sequence.value + 1), now_);
}

void LedgerTest::finish(SegmentBuilder& builder) {
  first_new_ = static_cast<std::ptrdiff_t>(journal_.size());
  rows_.touched.clear();
  if (!builder.empty()) {
    const LedgerHead& head = machine_->head();
    const Segment segment = builder.finish(head.last_segment_hash, head.segments.root());
    const base::Result<std::vector<base::ByteView>> entries = entries_of(segment.body);
    CHECK(entries.has_value());
    std::uint64_t sequence = segment.header.first_sequence.value;
    for (const base::ByteView bytes : *entries) {
      base::Result<Entry> entry = decode_entry(bytes);
      CHECK(entry.has_value());
      journal_.push_back({Sequence(sequence++), std::move(*entry), crypto::merkle_leaf(bytes), now_});
    }
    machine_->segment_done(segment.header, hash_of(segment.header));
    segments_.push_back(segment.header);
  }
  machine_->drain_changes(rows_);
  for (const auto& [key, count] : rows_.touched) {
    EXPECT_EQ(count, 1) << "row " << base::to_hex(base::ByteView(key)) << " was given more than once";
  }
}

void LedgerTest::set_up_world() {
  must(SetAsset{{kUsdc, std::string(support::kUsdcText), "USDC", 6, 6}});
  must(SetAsset{{kUsd, std::string(support::kUsdText), "USD", 9, 6}});
  must(SetPlan{plan("day")});
  Plan fine = plan("fine");
  fine.asset = kUsd;
  must(SetPlan{fine});
  for (std::uint64_t i = 0; i < 2; ++i) {
    Payee payee;
    payee.address = actors_.payee(i);
    payee.label = "payee " + std::to_string(i);
    payee.fee_basis_points = 250;
    payee.payout_rail = *RailName::parse("sandbox");
    payee.payout_account = "account " + std::to_string(i);
    must(SetPayee{payee});
  }
  must(SetServer{actors_.server(0), "server 0", {actors_.payee(0), actors_.payee(1)}, true});
  must(SetPayer{actors_.payer(0), "payer 0", {"day", "fine"}});
}

Plan LedgerTest::plan(std::string_view label) const {
  Plan plan;
  plan.label = label;
  plan.asset = kUsdc;
  plan.window.kind = aggregator::WindowKind::day;
  plan.credit_limit = Amount(1'000'000);
  plan.rails = {*RailName::parse("sandbox")};
  plan.dunning_s = {60, 3600};
  return plan;
}

// As the store does before a command about a closed statement.
void LedgerTest::recall(Command& command) const {
  const StatementId id = machine_->recalls(command);
  if (!id.valid()) return;
  const Statement closed = statement(id.value);
  std::optional<Settlement> collection;
  if (closed.settlement.valid()) collection = settlement(closed.settlement.value);
  const ClosedStatement facts = closed_of(closed, collection ? &*collection : nullptr);
  if (auto* note = std::get_if<CreateCreditNote>(&command)) note->closed = facts;
  if (auto* refund = std::get_if<RefundPayer>(&command)) refund->closed = facts;
}

CommandResult LedgerTest::run(Command command) {
  recall(command);
  SegmentBuilder segment = builder();
  const CommandResult result = machine_->execute(command, replay_, segment);
  finish(segment);
  return result;
}

CommandResult LedgerTest::must(const Command& command) {
  CommandResult result = run(command);
  EXPECT_EQ(base::name(result.status), "ok") << result.detail;
  return result;
}

std::vector<ItemResult> LedgerTest::submit(std::vector<commitments::tab::Item> items, std::uint64_t server) {
  const commitments::tab::VerifiedBatch batch = actors_.trusted(server, next_batch_++, std::move(items));
  std::vector<ItemResult> results(batch.items().size());
  SegmentBuilder segment = builder();
  machine_->execute_batch(batch, replay_, segment, results);
  finish(segment);
  return results;
}

ItemResult LedgerTest::submit_one(const commitments::tab::Item& item, std::uint64_t server) {
  return submit({item}, server).front();
}

commitments::tab::Item LedgerTest::charge_item(std::uint64_t amount, SingleSpec spec) {
  spec.amount = amount;
  if (spec.maximum < amount) spec.maximum = amount;
  if (spec.nonce == SingleSpec{}.nonce) spec.nonce = next_nonce_++;
  if (spec.valid_before == SingleSpec{}.valid_before) spec.valid_before = now_.seconds() + 3600;
  return actors_.unsigned_charge(spec);
}

Sequence LedgerTest::charge(std::uint64_t amount, SingleSpec spec) {
  const ItemResult result = submit_one(charge_item(amount, spec));
  EXPECT_EQ(base::name(result.status), "ok");
  return result.sequence;
}

Tally LedgerTest::tally(AssetId asset, std::uint32_t payer) const {
  std::optional<Tally> tally = row<Tally>(row_key(Table::tally, payer, asset.value));
  if (!tally) return Tally{};
  for (std::uint64_t line = 0;; ++line) {
    const auto stored = row<aggregator::Line>(row_key(Table::line, payer, asset.value, line));
    if (!stored) break;
    tally->lines.restore(*stored);
  }
  return *tally;
}

Statement LedgerTest::statement(std::uint64_t id) const {
  std::optional<Statement> statement = row<Statement>(row_key(Table::statement, id));
  EXPECT_TRUE(statement.has_value()) << "no statement " << id;
  if (!statement) return {};
  statement->mark = row<StatementMark>(row_key(Table::statement_mark, id)).value_or(StatementMark{});
  return *statement;
}

Settlement LedgerTest::settlement(std::uint64_t id) const {
  const std::optional<Settlement> settlement = row<Settlement>(row_key(Table::settlement, id));
  EXPECT_TRUE(settlement.has_value()) << "no settlement " << id;
  return settlement.value_or(Settlement{});
}

PayeeBalance LedgerTest::payee_balance(std::uint32_t payee, AssetId asset) const {
  return row<PayeeBalance>(row_key(Table::payee_balance, payee, asset.value)).value_or(PayeeBalance{});
}

OperatorBalance LedgerTest::operators(AssetId asset) const {
  return row<OperatorBalance>(row_key(Table::operator_balance, asset.value)).value_or(OperatorBalance{});
}

Payer LedgerTest::payer(std::uint32_t id) const { return row<Payer>(row_key(Table::payer, id)).value_or(Payer{}); }

MandateState LedgerTest::mandate(std::uint32_t id) const {
  return row<MandateState>(row_key(Table::mandate, id)).value_or(MandateState{});
}

std::vector<std::string> LedgerTest::last_kinds() const {
  std::vector<std::string> kinds;
  for (const JournalEntry& one : last()) kinds.emplace_back(kind_name(kind_of(one.entry)));
  return kinds;
}

base::Result<void> LedgerTest::replay_into(StateMachine& machine, MapReplay& index, MapRows& rows) const {
  std::size_t at = 0;
  for (const SegmentHeader& segment : segments_) {
    for (std::uint32_t i = 0; i < segment.count; ++i) {
      const JournalEntry& one = journal_[at++];
      RETURN_IF_ERROR(machine.apply(one.entry, one.sequence, one.leaf, one.time, index));
    }
    machine.segment_done(segment, hash_of(segment));
    machine.drain_changes(rows);
  }
  return machine.check_books();
}

CommandResult LedgerTest::step(std::uint64_t id, SettlementState to, FailureClass failure, std::uint64_t wait_s) {
  StepSettlement command;
  command.id = SettlementId(id);
  command.attempt = settlement(id).attempt;
  command.to = to;
  command.failure = failure;
  command.next_action = Time{now_.us + wait_s * 1'000'000};
  if (to == SettlementState::sending) {
    command.idempotency_key = support::test_hash(next_key_++);
    command.request = {1, 2, 3};
  }
  return run(command);
}

void LedgerTest::bring(std::uint64_t id, SettlementState to) {
  using S = SettlementState;
  if (to == S::ready) return;
  EXPECT_EQ(step(id, S::sending).status, Status::ok);
  if (to == S::sending) return;
  if (to == S::returned || to == S::disputed) {
    EXPECT_EQ(step(id, S::confirmed).status, Status::ok);
  }
  EXPECT_EQ(step(id, to, to == S::failed ? FailureClass::rejected : FailureClass::none).status, Status::ok);
}

}  // namespace ledger::core
