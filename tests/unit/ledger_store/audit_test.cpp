#include "ledger/store/audit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <thread>

#include <rocksdb/db.h>

#include "base/codec.h"
#include "crypto/merkle.h"
#include "ledger/core/row.h"
#include "ledger/store/database.h"
#include "ledger/store/rows.h"
#include "tests/support/channels.h"
#include "tests/unit/ledger_store/store_world.h"

namespace ledger::store {
namespace {

using base::ErrorCode;

AuditReport must_audit(const World& world, const std::string& path) {
  AuditOptions options;
  options.threads = 2;
  base::Result<AuditReport> report = audit(path, *world.calendar, options);
  EXPECT_TRUE(report.has_value()) << report.error().to_string();
  return report.value_or(AuditReport{});
}

TEST(Audit, AWholeLedgerIsClean) {
  World world;
  core::LedgerHead head;
  for (const std::size_t recent : {4u, 1024u}) {  // indexes on disk, indexes to be rebuilt
    StoreOptions options = world.options();
    options.recent_replay_keys = recent;
    options.path += std::to_string(recent);
    {
      const auto store = world.open(options);
      world.set_up(*store);
      world.live(*store);
      head = store->reader().head().value();
    }
    const AuditReport report = must_audit(world, options.path);
    EXPECT_TRUE(report.clean()) << report.difference->to_string();
    EXPECT_EQ(report.network, support::kNetwork);
    EXPECT_EQ(report.entries, head.last_sequence.value);
    EXPECT_EQ(report.segments, head.last_segment.value);
    EXPECT_EQ(report.last_segment_hash, head.last_segment_hash);
    EXPECT_EQ(report.operator_signatures, head.last_segment.value);
    EXPECT_EQ(report.server_signatures, 4u);
    EXPECT_EQ(report.payer_signatures, 2u + 4u + 3u + 3u);
    EXPECT_EQ(report.statements, 2u);
    EXPECT_GT(report.rows, 20u);
    world.clock.set(base::Time::from_seconds(kNow));
    world.next_nonce = 1;
  }
}

TEST(Audit, RelaysAreOneForEverAndAreAudited) {
  World world;
  StoreOptions options = world.options();
  options.recent_replay_keys = 4;  // most keys are on disk
  const auto plan = [](LedgerStore& store, std::uint64_t key, std::uint8_t order) {
    core::PlanRelay relay;
    relay.rail = *base::RailName::parse("sandbox");
    relay.key = support::test_hash(key);
    relay.order = {order};
    return store.service().submit_and_wait(relay).result;
  };
  constexpr std::uint64_t kRelays = 40;
  std::uint64_t first = 0;
  {
    const auto store = world.open(options);
    world.set_up(*store);
    world.live(*store);
    first = store->reader().head()->settlements + 1;
    for (std::uint64_t i = 0; i < kRelays; ++i) {
      const core::CommandResult result = plan(*store, i + 1, 7);
      ASSERT_EQ(result.status, Status::ok) << result.detail;
      EXPECT_EQ(result.id, first + i);
    }
    EXPECT_EQ(store->reader().relay(core::SettlementId(first + 3)).value().key, support::test_hash(4));
    EXPECT_EQ(store->reader().relay(core::SettlementId(1)).error().code, ErrorCode::not_found);
  }
  {
    const auto store = world.open(options);
    for (std::uint64_t i = 0; i < kRelays; ++i) {
      EXPECT_EQ(plan(*store, i + 1, 7).status, Status::already_accepted);
      EXPECT_EQ(plan(*store, i + 1, 7).id, first + i);
      EXPECT_EQ(plan(*store, i + 1, 8).status, Status::relay_conflict);
    }
    EXPECT_EQ(store->reader().head()->settlements, first + kRelays - 1);
  }
  const AuditReport report = must_audit(world, options.path);
  EXPECT_TRUE(report.clean()) << report.difference->to_string();
}

TEST(Audit, NoticesAreKeptOnceForEverAndAreAudited) {
  World world;
  StoreOptions options = world.options();
  options.recent_replay_keys = 4;  // most keys are on disk
  constexpr std::uint64_t kNotices = 40;
  core::RecordNotices record;
  for (std::uint64_t i = 1; i <= kNotices; ++i) {
    core::Notice notice;
    notice.rail = *base::RailName::parse("bank");
    notice.key = support::test_hash(i);
    notice.source = "camt053 entry " + std::to_string(i);
    notice.body = {static_cast<std::uint8_t>(i)};
    if (i <= 10) notice.settlement = core::SettlementId(1);  // it is under way
    if (i % 2 == 0) {
      notice.kind = core::NoticeKind::booked;
      notice.asset = kUsdc;
      notice.amount = base::Amount(i);
      notice.direction = core::Direction::in;
    }
    record.notices.push_back(notice);
  }
  const auto ids = [](const base::Result<std::vector<core::Notice>>& notices) {
    std::vector<std::uint64_t> numbers;
    for (const core::Notice& notice : notices.value()) numbers.push_back(notice.id.value);
    return numbers;
  };
  {
    const auto store = world.open(options);
    world.set_up(*store);
    world.live(*store);
    EXPECT_EQ(store->service().submit_and_wait(record).result.count, kNotices);
    const core::ResolveNotice resolve{core::NoticeId(12), core::Resolution::operators, {}, "a gift"};
    EXPECT_EQ(store->service().submit_and_wait(resolve).result.status, Status::ok);
  }
  {
    const auto store = world.open(options);
    const core::CommandResult again = store->service().submit_and_wait(record).result;
    EXPECT_FALSE(again.sequence.valid());
    for (std::uint64_t i = 0; i < kNotices; ++i) {
      EXPECT_EQ(again.notices.at(i).status, Status::already_accepted);
      EXPECT_EQ(again.notices.at(i).id, core::NoticeId(i + 1));
    }
    const api::LedgerReader& reader = store->reader();
    EXPECT_EQ(ids(reader.notices(core::NoticeId(37), 10)), (std::vector<std::uint64_t>{38, 39, 40}));
    EXPECT_EQ(ids(reader.notices_in(core::NoticeState::suspense, core::NoticeId(12), 2)),
              (std::vector<std::uint64_t>{14, 16}));
    EXPECT_EQ(ids(reader.notices_in(core::NoticeState::resolved, {}, 9)), (std::vector<std::uint64_t>{12}));
    EXPECT_EQ(ids(reader.notices_of(core::SettlementId(1), 3)), (std::vector<std::uint64_t>{8, 9, 10}));
    EXPECT_EQ(reader.notice(core::NoticeId(12))->mark.reason, "a gift");
    EXPECT_EQ(reader.notice(core::NoticeId(14))->mark.state, core::NoticeState::suspense);
    EXPECT_EQ(reader.notice(core::NoticeId(99)).error().code, ErrorCode::not_found);
    EXPECT_EQ(reader.head()->notices, kNotices);
  }
  const AuditReport report = must_audit(world, options.path);
  EXPECT_TRUE(report.clean()) << report.difference->to_string();
}

TEST(Audit, ChannelsAreKeptAndTheirVouchersAreAudited) {
  World world;
  StoreOptions options = world.options();
  options.recent_replay_keys = 4;  // most keys are on disk
  const auto ask = [](LedgerStore& store, const core::Command& command) {
    return store.service().submit_and_wait(command).result;
  };
  constexpr std::uint64_t kCharges = 20;
  std::vector<core::CaptureReservation> captures;
  {
    const auto store = world.open(options);
    for (const std::uint64_t n : {0u, 1u, 2u}) ask(*store, support::sync_channel(n, support::escrow(1'000), 10));
    for (std::uint64_t i = 1; i <= kCharges; ++i) {
      const core::CommandResult reserved = ask(*store, support::reserve_charge(1, 10 * i, 10));
      ASSERT_EQ(reserved.status, Status::ok) << reserved.detail;
      captures.push_back(support::capture(1, reserved.sequence, 10));
      ASSERT_EQ(ask(*store, captures.back()).status, Status::ok);
    }
    ask(*store, support::sync_earnings(1, 50, 20, 11));
  }
  {
    const auto store = world.open(options);
    EXPECT_EQ(ask(*store, captures.front()).status, Status::already_accepted);
    ++captures.front().usage.quantity;
    EXPECT_EQ(ask(*store, captures.front()).status, Status::reservation_conflict);
    const api::LedgerReader& reader = store->reader();
    const core::Channel channel = reader.channel(support::channel_key(1)).value();
    EXPECT_EQ(channel, reader.channel(core::ChannelId(2)).value());
    EXPECT_TRUE(channel.charged == 10 * kCharges && channel.charges == kCharges);
    EXPECT_EQ(reader.channel(support::channel_key(7)).error().code, ErrorCode::not_found);
    EXPECT_EQ(reader.channel(core::ChannelId(4)).error().code, ErrorCode::not_found);
    EXPECT_EQ(reader.channels(core::ChannelId(1), 10).value().size(), 2u);
    EXPECT_EQ(reader.channels({}, 1).value().front().key, support::channel_key(0));
    const std::vector<core::Earnings> earnings = reader.earnings(10).value();
    ASSERT_EQ(earnings.size(), 2u);
    EXPECT_TRUE(earnings[1].charged == 10 * kCharges && earnings[1].claimed == 50 && earnings[1].settled == 20);
    EXPECT_EQ(reader.earnings(1).value().size(), 1u);
  }
  AuditReport report = must_audit(world, options.path);
  EXPECT_TRUE(report.clean()) << report.difference->to_string();
  EXPECT_EQ(report.payer_signatures, kCharges);

  // Signatures are checked before the ledger is asked. One that was not is found.
  core::ReserveVoucher forged = support::reserve_charge(0, 10, 10);
  forged.signature.bytes[64] ^= 27 ^ 28;  // the contract wants the right v
  const core::Sequence sequence = ask(*world.open(options), forged).sequence;
  report = must_audit(world, options.path);
  ASSERT_FALSE(report.clean());
  EXPECT_EQ(report.difference->sequence, sequence);
  EXPECT_EQ(report.difference->kind, "channel_reserved");
  EXPECT_EQ(report.difference->field, "voucher signature");
}

TEST(Audit, RefusesWhatItCannotRead) {
  World world;
  const auto store = world.open();
  const auto running = audit(world.options().path, *world.calendar, {});
  ASSERT_FALSE(running.has_value());
  EXPECT_EQ(running.error().code, ErrorCode::unavailable) << running.error().message;
  store->stop();
  EXPECT_EQ(audit(world.directory / "nothing", *world.calendar, {}).error().code, ErrorCode::not_found);
}

TEST(Audit, RefusesAnotherNetworkOrKeyThanAskedFor) {
  World world;
  world.open()->stop();
  AuditOptions options;
  options.network = "other:tab";
  EXPECT_EQ(audit(world.options().path, *world.calendar, options).error().code, ErrorCode::invalid_argument);
  options.network = std::string(support::kNetwork);
  options.operator_key = world.actors.payer(0);
  EXPECT_EQ(audit(world.options().path, *world.calendar, options).error().code, ErrorCode::invalid_argument);
  options.operator_key = world.operator_key.address();
  EXPECT_TRUE(audit(world.options().path, *world.calendar, options).value().clean());
}

// Somebody with the operator's key and write access changes what is stored.
class Damage : public testing::Test {
 protected:
  Damage() {
    StoreOptions options = world.options();
    options.recent_replay_keys = 4;
    {
      const auto store = world.open(options);
      world.set_up(*store);
      world.live(*store);
      EXPECT_EQ(world.submit(*store, world.charges(2, 1)).status, Status::ok);
    }
    base::Result<std::unique_ptr<Database>> opened = Database::open({.path = options.path});
    EXPECT_TRUE(opened.has_value());
    database = std::move(*opened);
  }

  AuditDifference first_difference() {
    database.reset();
    const AuditReport report = must_audit(world, world.options().path);
    EXPECT_FALSE(report.clean()) << "the damage was not found";
    return report.difference.value_or(AuditDifference{});
  }

  void put(Family family, base::ByteView key, base::ByteView value) {
    ASSERT_TRUE(database->db().Put({}, database->family(family), slice(key), slice(value)).ok());
  }
  void erase(Family family, base::ByteView key) {
    ASSERT_TRUE(database->db().Delete({}, database->family(family), slice(key)).ok());
  }
  base::Bytes value_of(Family family, base::ByteView key) { return get(*database, family, key, "row").value(); }
  // The first row of a family under a prefix.
  std::pair<base::Bytes, base::Bytes> first_row(Family family, base::ByteView prefix = {}) {
    std::pair<base::Bytes, base::Bytes> row;
    EXPECT_TRUE(scan(*database, family, prefix, {}, [&](base::ByteView key, base::ByteView value) {
                  row = {base::Bytes(key.begin(), key.end()), base::Bytes(value.begin(), value.end())};
                  return base::Result<bool>(false);
                }).has_value());
    return row;
  }

  core::Segment segment_with(core::Sequence sequence) {
    return core::decode_segment(segment_bytes(*database, sequence).value()).value();
  }
  void store_segment(const core::Segment& segment) {
    put(Family::journal, journal_key(segment.header.first_sequence).view(), core::encode(segment));
  }
  core::LedgerHead head() {
    return core::decode_row<core::LedgerHead>(value_of(Family::state, core::table_prefix(core::Table::head))).value();
  }
  // Changes the entries of the last segment and makes everything around them right again: roots, hash, signature, place
  // and head rows.
  void rewrite_last_segment(const std::function<void(std::vector<core::Entry>&)>& change) {
    core::LedgerHead last = head();
    core::Segment segment = segment_with(last.last_sequence);
    std::vector<core::Entry> entries;
    const std::vector<base::ByteView> stored = core::entries_of(segment.body).value();
    for (const base::ByteView bytes : stored) entries.push_back(core::decode_entry(bytes).value());
    change(entries);
    core::SegmentBuilder builder(segment.header.number, segment.header.first_sequence, segment.header.time);
    for (const core::Entry& entry : entries) builder.append(entry);
    finish(segment, builder.finish(segment.header.previous, segment.header.segments_root), last);
  }
  void finish(const core::Segment& before, core::Segment segment, core::LedgerHead& last) {
    const core::Hash hash = core::hash_of(segment.header);
    segment.signature = world.operator_key.sign(
        commitments::tab::segment_digest(world.actors.domain(), segment.header.number.value, hash));
    store_segment(segment);
    put(Family::meta, meta_segment_key(segment.header.number).view(),
        encode(SegmentPlace{segment.header.first_sequence, hash}).view());
    EXPECT_EQ(before.header.number, segment.header.number);
    last.last_segment_hash = hash;
    put(Family::state, core::table_prefix(core::Table::head), core::encode_row(last));
  }
  static core::Charged& charge(std::vector<core::Entry>& entries) {
    for (core::Entry& entry : entries) {
      if (auto* charged = std::get_if<core::Charged>(&entry)) return *charged;
    }
    throw std::runtime_error("no charge");
  }

  World world;
  std::unique_ptr<Database> database;
};

TEST_F(Damage, AByteOfAnEntry) {
  core::Segment segment = segment_with(core::Sequence(3));
  segment.body.back() ^= 1;
  store_segment(segment);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.segment, segment.header.number);
  EXPECT_EQ(found.field, "entries_root");
}

TEST_F(Damage, AnOperatorSignature) {
  core::Segment segment = segment_with(core::Sequence(3));
  segment.signature.bytes[40] ^= 1;
  store_segment(segment);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.segment, segment.header.number);
  EXPECT_EQ(found.field, "operator signature");
  EXPECT_EQ(found.stored, base::to_hex(segment.signature));
}

// All right in itself: entries, roots, signature. Only the next segment does not follow it any more.
TEST_F(Damage, ABrokenChain) {
  core::Segment segment = segment_with(core::Sequence(4));
  const std::vector<base::ByteView> stored = core::entries_of(segment.body).value();
  core::SegmentBuilder builder(segment.header.number, segment.header.first_sequence, segment.header.time);
  for (const base::ByteView bytes : stored) {
    core::Entry entry = core::decode_entry(bytes).value();
    std::get<core::PayeeSet>(entry).payee.payout_account = "somebody else's";
    builder.append(entry);
  }
  core::LedgerHead last = head();
  const core::LedgerHead unchanged = last;
  finish(segment, builder.finish(segment.header.previous, segment.header.segments_root), last);
  put(Family::state, core::table_prefix(core::Table::head), core::encode_row(unchanged));
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.segment.value, segment.header.number.value + 1);
  EXPECT_EQ(found.field, "previous");
}

TEST_F(Damage, AMissingSegment) {
  const core::Segment segment = segment_with(core::Sequence(3));
  erase(Family::journal, journal_key(segment.header.first_sequence).view());
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.field, "number");
  EXPECT_EQ(found.computed, std::to_string(segment.header.number.value));
}

TEST_F(Damage, TheLastSegmentIsMissing) {
  const core::Segment segment = segment_with(head().last_sequence);
  erase(Family::journal, journal_key(segment.header.first_sequence).view());
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: head");
}

TEST_F(Damage, ACommitmentThatThePayerDidNotSign) {
  rewrite_last_segment([](auto& entries) { charge(entries).commitment.maximum = base::Amount(101); });
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.field, "payer signature");
  EXPECT_EQ(found.kind, "charged");
}

TEST_F(Damage, AnAmountThatTheServerDidNotSign) {
  rewrite_last_segment([](auto& entries) { charge(entries).usage.amount = base::Amount(11); });
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "batch_signed");
  EXPECT_EQ(found.field, "root");
}

TEST_F(Damage, ABatchThatAnotherServerSigned) {
  rewrite_last_segment([&](auto& entries) {
    auto& batch = std::get<core::BatchSigned>(entries.back());
    const commitments::tab::BatchHeader header{world.actors.server(0), batch.number, batch.count, batch.root, {}};
    batch.signature = world.actors.key(support::Role::server, 1).sign(digest(world.actors.domain(), header));
  });
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.field, "server signature");
}

TEST_F(Damage, AChargeThatIsCountedTwice) {
  rewrite_last_segment([](auto& entries) {
    const core::Charged again = charge(entries);
    entries.insert(entries.end() - 1, again);
    std::get<core::BatchSigned>(entries.back()).count += 1;
  });
  const AuditDifference found = first_difference();
  // Whichever of the two records is looked at first, it is this charge.
  EXPECT_TRUE(found.kind == "charged" || found.kind == "row: replay index" || found.field == "root")
      << found.to_string();
}

TEST_F(Damage, AChargeBeyondItsMaximum) {
  rewrite_last_segment([](auto& entries) { charge(entries).usage.amount = base::Amount(500); });
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "charged");
  EXPECT_EQ(found.field, "effect");
  EXPECT_NE(found.computed.find("maximum"), std::string::npos) << found.computed;
}

TEST_F(Damage, ABalance) {
  const base::Bytes key = core::row_key(core::Table::tally, 1, kUsdc.value);
  core::Tally tally = core::decode_row<core::Tally>(value_of(Family::state, key)).value();
  tally.unbilled = base::Amount(1);
  tally.account_unbilled.pending = 1;
  put(Family::state, key, core::encode_row(tally));
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: tally");
  EXPECT_EQ(found.field, base::to_hex(key));
  EXPECT_EQ(found.stored, base::to_hex(core::encode_row(tally)));
}

TEST_F(Damage, AStatement) {
  const base::Bytes key = core::row_key(core::Table::statement, 1);
  core::Statement statement = core::decode_row<core::Statement>(value_of(Family::state, key)).value();
  statement.net = base::Amount(1);
  put(Family::state, key, core::encode_row(statement));
  EXPECT_EQ(first_difference().kind, "row: statement");
}

TEST_F(Damage, ARowTooMany) {
  const base::Bytes key = core::row_key(core::Table::payer, 99);
  put(Family::state, key, first_row(Family::state, core::table_prefix(core::Table::payer)).second);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: payer");
  EXPECT_EQ(found.computed, "no such row");
}

TEST_F(Damage, AMissingRow) {
  erase(Family::state, core::row_key(core::Table::settlement, 2));
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: settlement");
  EXPECT_EQ(found.stored, "no such row");
}

TEST_F(Damage, AMissingReplayKey) {
  const auto row = first_row(Family::replay);
  ASSERT_FALSE(row.first.empty());
  erase(Family::replay, row.first);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: replay index");
  EXPECT_EQ(found.field, base::to_hex(row.first));
}

TEST_F(Damage, AReplayKeyTooMany) {
  const auto row = first_row(Family::replay);
  base::Bytes other = row.first;
  other.back() ^= 0x55;
  put(Family::replay, other, row.second);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: replay index");
  EXPECT_EQ(found.field, "number of rows");
}

TEST_F(Damage, AReplayKeyWithOtherContent) {
  auto row = first_row(Family::replay);
  row.second.back() ^= 1;
  put(Family::replay, row.first, row.second);
  EXPECT_EQ(first_difference().kind, "row: replay index");
}

TEST_F(Damage, AMissingHistoryRow) {
  const auto row = first_row(Family::history);
  ASSERT_FALSE(row.first.empty());
  erase(Family::history, row.first);
  EXPECT_EQ(first_difference().kind, "row: history index");
}

TEST_F(Damage, ASegmentPlace) {
  auto key = meta_segment_key(core::SegmentId(2));
  base::Bytes value = value_of(Family::meta, key.view());
  value.back() ^= 1;
  put(Family::meta, key.view(), value);
  const AuditDifference found = first_difference();
  EXPECT_EQ(found.kind, "row: segment place");
  EXPECT_EQ(found.segment, core::SegmentId(2));
}

// The store itself looks at its end when it opens.
class DamagedEnd : public Damage {
 protected:
  std::string refusal() {
    database.reset();
    const auto store = world.try_open(world.options());
    EXPECT_FALSE(store.has_value());
    if (store) return "";
    EXPECT_EQ(store.error().code, ErrorCode::corruption);
    EXPECT_NE(store.error().message.find("tabctl restore"), std::string::npos) << store.error().message;
    return store.error().message;
  }
};

TEST_F(DamagedEnd, AByteOfTheLastSegment) {
  core::Segment segment = segment_with(head().last_sequence);
  segment.body.back() ^= 1;
  store_segment(segment);
  EXPECT_NE(refusal().find("segment " + std::to_string(segment.header.number.value)), std::string::npos);
}

TEST_F(DamagedEnd, TheSignatureOfTheLastSegment) {
  core::Segment segment = segment_with(head().last_sequence);
  segment.signature.bytes[40] ^= 1;
  store_segment(segment);
  EXPECT_NE(refusal().find("not signed by the operator"), std::string::npos);
}

TEST_F(DamagedEnd, ALostSegment) {
  erase(Family::journal, journal_key(segment_with(head().last_sequence).header.first_sequence).view());
  EXPECT_NE(refusal().find("the journal ends with segment"), std::string::npos);
}

TEST_F(DamagedEnd, AnOlderHeadRow) {
  core::LedgerHead older = head();
  older.last_segment_hash.bytes[0] ^= 1;
  put(Family::state, core::table_prefix(core::Table::head), core::encode_row(older));
  EXPECT_NE(refusal().find("its hash is"), std::string::npos);
}

TEST_F(DamagedEnd, AHeadRowThatCannotBeRead) {
  put(Family::state, core::table_prefix(core::Table::head), base::Bytes{1, 2, 3});
  EXPECT_NE(refusal().find("head row"), std::string::npos);
}

TEST_F(DamagedEnd, AnOlderFormat) {
  put(Family::meta, kMetaFormat.view(), base::Bytes{1, 0});
  database.reset();
  const auto store = world.try_open(world.options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::unsupported);
  EXPECT_NE(store.error().message.find("store format 1"), std::string::npos) << store.error().message;
  EXPECT_NE(store.error().message.find("the build that made it"), std::string::npos) << store.error().message;
}

TEST_F(DamagedEnd, ANewerFormat) {
  put(Family::meta, kMetaFormat.view(), base::Bytes{9, 0});
  database.reset();
  const auto store = world.try_open(world.options());
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::unsupported);
}

}  // namespace
}  // namespace ledger::store
