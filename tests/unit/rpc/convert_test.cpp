#include "rpc/capnp/convert.h"

#include <capnp/any.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/limits.h"
#include "rpc/capnp/convert_rail.h"
#include "tests/support/actors.h"

namespace rpc {
namespace {

using base::Status;
using support::test_hash;

core::Amount amount(std::uint64_t high, std::uint64_t low) {
  return *core::Amount::from_units(static_cast<base::u128>(high) << 64 | low);
}
core::Address address(std::uint64_t number) {
  core::Address out;
  std::copy_n(test_hash(number).bytes.begin(), 20, out.bytes.begin());
  return out;
}
core::Signature signature(std::uint64_t number) {
  core::Signature out;
  std::copy_n(test_hash(number).bytes.begin(), 32, out.bytes.begin());
  out.bytes[64] = 27;
  return out;
}
const base::i128 kWide = (static_cast<base::i128>(5) << 64) + 7;

// Encodes, decodes, and encodes again: the same bytes, so nothing was lost on the way. For types without ==.
template <typename Wire, typename T, typename... Extra>
T round_trip(const T& value, Extra... extra) {
  capnp::MallocMessageBuilder first;
  encode(value, extra..., first.initRoot<Wire>());
  T decoded;
  EXPECT_TRUE(decode(first.getRoot<Wire>().asReader(), decoded));
  capnp::MallocMessageBuilder second;
  encode(decoded, extra..., second.initRoot<Wire>());
  EXPECT_TRUE(capnp::AnyStruct::Reader(first.getRoot<Wire>().asReader()) ==
              capnp::AnyStruct::Reader(second.getRoot<Wire>().asReader()));
  return decoded;
}

TEST(Convert, ObjectsRoundTrip) {
  core::Asset asset{base::AssetId(3), "eip155:1/erc20:0xabc", "USDC", 6, 2};
  EXPECT_EQ(round_trip<schema::Asset>(asset), asset);
  core::Plan plan;
  plan.id = base::PlanId(9);
  plan.label = "monthly";
  plan.asset = asset.id;
  plan.window = {aggregator::WindowKind::month, 0, "Europe/Berlin"};
  plan.settle_threshold = amount(1, 2);
  plan.minimum = amount(0, 3);
  plan.credit_limit = *core::Amount::from_units(core::Amount::kUnitsMax);
  plan.terms_s = 86400;
  plan.rails = {*base::RailName::parse("stablecoin"), *base::RailName::parse("sandbox")};
  plan.dunning_s = {60, 3600};
  plan.series = *core::SeriesName::parse("A-2026");
  plan.credit_note_series = *core::SeriesName::parse("B");
  EXPECT_EQ(round_trip<schema::Plan>(plan), plan);
  core::Payer payer{base::PayerId(4),
                    address(1),
                    "a label",
                    {plan.id},
                    core::Standing::suspended_by_dunning,
                    base::Time{123},
                    {{*base::RailName::parse("card"), {1, 2, 3}}},
                    {190'000, "VAT 19 %", "reverse charge"}};
  EXPECT_EQ(round_trip<schema::Payer>(payer), payer);
  core::Payee payee;
  payee.id = base::PayeeId(8);
  payee.address = address(2);
  payee.label = "shop";
  payee.fee_basis_points = 250;
  payee.fee_fixed = amount(0, 30);
  payee.payout_rail = *base::RailName::parse("bank");
  payee.payout_account = "DE00";
  payee.payout_minimum = amount(2, 0);
  payee.active = false;
  payee.registered = base::Time{99};
  payee.own_terms = true;
  payee.release = {{*base::RailName::parse("card"), 86'400, 500}};
  payee.payout_every = {aggregator::WindowKind::week, 0, "Europe/Berlin"};
  EXPECT_EQ(round_trip<schema::Payee>(payee), payee);
  core::Server server{base::ServerId(5), address(3), "api", {payee.id}, false};
  EXPECT_EQ(round_trip<schema::Server>(server), server);
}

TEST(Convert, BalancesKeepTheirSigns) {
  core::PayeeBalance balance;
  balance.payee = base::PayeeId(1);
  balance.asset = base::AssetId(2);
  balance.accrued = {-kWide, kWide};
  balance.payable = {-1, 1};
  balance.payable_now = amount(3, 4);
  balance.paid_out = amount(5, 6);
  balance.fees = amount(7, 8);
  balance.open_payout = base::SettlementId(9);
  balance.reserve = {-3, 0};
  balance.recoverable = {kWide, 1};
  balance.payout_from = base::Time{10};
  EXPECT_EQ(round_trip<schema::PayeeBalance>(balance), balance);
  core::OperatorBalance books;
  books.asset = base::AssetId(2);
  const base::i128 lowest = static_cast<base::i128>(static_cast<base::u128>(1) << 127);
  books.in_transit = {lowest, static_cast<base::i128>(core::Amount::kUnitsMax)};
  books.cash = {kWide, 0};
  books.revenue = {-kWide, -2};
  books.bad_debt = {0, 3};
  books.rounding = {-1, 0};
  books.out_transit = {1, 1};
  books.rail_fees = {kWide, 1};
  books.suspense = {-5, 0};
  books.tax = {-6, 0};
  books.refunds = {-7, 7};
  EXPECT_EQ(round_trip<schema::OperatorBalance>(books), books);
}

TEST(Convert, StatementsAndSettlements) {
  core::Statement statement;
  statement.id = base::StatementId(11);
  statement.payer = base::PayerId(1);
  statement.asset = base::AssetId(2);
  statement.plan = base::PlanId(3);
  statement.window_number = 4;
  statement.window = {base::Time{5}, base::Time{6}};
  statement.issued = base::Time{7};
  statement.due = base::Time{8};
  statement.total = amount(9, 10);
  statement.net = amount(9, 9);
  statement.tax = amount(1, 2);
  statement.tax_terms = {70'000, "VAT 7 %", ""};
  statement.series = *core::SeriesName::parse("INV");
  statement.number = 42;
  statement.credit_applied = amount(0, 1);
  statement.lines = {{base::PayeeId(1), test_hash(1), amount(0, 5), 6, 7}};
  statement.carried_in = {{base::PayeeId(1), amount(0, 1)}};
  statement.shares = {{base::PayeeId(1), amount(1, 0)}, {base::PayeeId(2), amount(2, 0)}};
  statement.carried_out = {{base::PayeeId(2), amount(0, 2)}};
  statement.entries = 12;
  statement.root = test_hash(2);
  statement.closed_by = base::Sequence(13);
  statement.settlement = base::SettlementId(14);
  statement.mark = {core::StatementState::credited, amount(0, 4), amount(0, 3), amount(0, 2), amount(0, 1),
                    {amount(0, 1), amount(0, 2)}};
  const core::Statement decoded = round_trip<schema::Statement>(statement, Detail::full);
  EXPECT_EQ(decoded.net, statement.net);
  EXPECT_EQ(decoded.tax, statement.tax);
  EXPECT_EQ(decoded.tax_terms, statement.tax_terms);
  EXPECT_EQ(decoded.series, statement.series);
  EXPECT_EQ(decoded.number, statement.number);
  EXPECT_EQ(decoded.mark, statement.mark);
  EXPECT_EQ(decoded.lines, statement.lines);
  EXPECT_EQ(decoded.shares, statement.shares);
  EXPECT_TRUE(round_trip<schema::Statement>(statement, Detail::brief).lines.empty());
  core::Settlement settlement;
  settlement.id = base::SettlementId(1);
  settlement.kind = core::SettlementKind::payout;
  settlement.payer = base::PayerId(2);
  settlement.payee = base::PayeeId(3);
  settlement.statement = base::StatementId(4);
  settlement.asset = base::AssetId(5);
  settlement.amount = amount(6, 7);
  settlement.fee = amount(0, 8);
  settlement.rail = *base::RailName::parse("stablecoin");
  settlement.state = core::SettlementState::unknown;
  settlement.attempt = 9;
  settlement.technical_retries = 10;
  settlement.dunning_step = 11;
  settlement.next_action = base::Time{12};
  settlement.idempotency_key = test_hash(3);
  settlement.request = {1, 2, 3};
  settlement.reference = "0xhash";
  settlement.failure = core::FailureClass::technical;
  settlement.detail = "why";
  settlement.created = base::Time{13};
  settlement.submitted = base::Time{14};
  settlement.confirmed = base::Time{15};
  settlement.finalized = base::Time{16};
  settlement.code = "card_declined";
  settlement.rail_fee = amount(0, 17);
  settlement.refusals = {{*base::RailName::parse("card"), core::FailureClass::needs_action}};
  EXPECT_EQ(round_trip<schema::Settlement>(settlement, Detail::full), settlement);
  EXPECT_TRUE(round_trip<schema::Settlement>(settlement, Detail::brief).request.empty());
  const core::Relay relay{base::SettlementId(1), test_hash(4), "exact", {4, 5, 6}};
  EXPECT_EQ(round_trip<schema::Relay>(relay), relay);
}

TEST(Convert, BillingDocuments) {
  core::CreditNote note;
  note.id = base::CreditNoteId(1);
  note.series = *core::SeriesName::parse("CN");
  note.number = 2;
  note.payer = base::PayerId(3);
  note.asset = base::AssetId(4);
  note.statement = base::StatementId(5);
  note.amount = amount(1, 19);
  note.net = amount(1, 10);
  note.tax = amount(0, 9);
  note.reduced_due = amount(0, 19);
  note.credited = amount(1, 0);
  note.reason = "sorry";
  note.time = base::Time{6};
  EXPECT_EQ(round_trip<schema::CreditNote>(note), note);
  core::Payment payment;
  payment.id = base::PaymentId(7);
  payment.payer = base::PayerId(8);
  payment.asset = base::AssetId(9);
  payment.amount = amount(1, 1);
  payment.reference = "wire";
  payment.received = base::Time{10};
  payment.parts = {{base::StatementId(11), amount(1, 0)}};
  payment.credited = amount(0, 1);
  payment.time = base::Time{12};
  EXPECT_EQ(round_trip<schema::Payment>(payment), payment);
  const core::ReleaseDefaults terms{{{*base::RailName::parse("card"), 60, 100}},
                                    {aggregator::WindowKind::week, 0, "Europe/Berlin"}};
  EXPECT_EQ(round_trip<schema::ReleaseDefaults>(terms), terms);
  EXPECT_EQ(round_trip<schema::ReleaseDefaults>(core::ReleaseDefaults{}), core::ReleaseDefaults{});
}

TEST(Convert, Notices) {
  core::Notice notice;
  notice.id = base::NoticeId(1);
  notice.rail = *base::RailName::parse("bank");
  notice.key = test_hash(2);
  notice.source = "camt053 2026-11-20.xml entry 17";
  notice.external_id = "E2E-3";
  notice.kind = core::NoticeKind::returned;
  notice.settlement = base::SettlementId(4);
  notice.asset = base::AssetId(5);
  notice.amount = amount(0, 6);
  notice.direction = core::Direction::out;
  notice.recorded_as = core::NoticeState::waiting;
  notice.detail = "AC04";
  notice.body = {7, 8};
  notice.received = base::Time{9};
  notice.mark = {core::NoticeState::resolved, core::Resolution::payer_credit, base::PayerId(10), "why", base::Time{11}};
  EXPECT_EQ(round_trip<schema::Notice>(notice, Detail::full), notice);
  EXPECT_TRUE(round_trip<schema::Notice>(notice, Detail::brief).body.empty());
}

TEST(Convert, Channels) {
  const base::u128 wide = static_cast<base::u128>(7) << 100;
  core::Channel channel;
  channel.id = base::ChannelId(1);
  channel.key = test_hash(1);
  channel.chain_id = 84532;
  channel.contract = address(2);
  channel.config = {address(3), address(4), address(5), address(6), address(7), 900, test_hash(8)};
  EXPECT_EQ(round_trip<schema::Channel>(channel), channel);  // nothing was charged, nothing is reserved
  channel.charged = wide + 1;
  channel.captured = wide;
  channel.charges = 2;
  channel.signed_maximum = wide + 3;
  channel.signature = signature(9);
  channel.chain = {wide + 4, wide + 5, wide + 6, 10, base::Uint256::from_word(test_hash(11))};
  channel.block = 12;
  channel.reservation = {core::Sequence(13), {}, false, wide + 7, signature(14), wide + 8, wide + 9, {15}};
  channel.reservation.request.bytes.fill(16);
  channel.put_aside = "why";
  channel.opened.us = 17;
  channel.charged_at.us = 18;
  EXPECT_EQ(round_trip<schema::Channel>(channel), channel);
  channel.reservation.refund = true;
  channel.reservation.request = {};
  EXPECT_EQ(round_trip<schema::Channel>(channel), channel);
  const core::Earnings earnings{1, address(2), address(3), address(4), wide, wide + 1, wide + 2, 5};
  EXPECT_EQ(round_trip<schema::Earnings>(earnings), earnings);
}

TEST(Convert, MandatesEventsAndTheRest) {
  core::MandateState mandate;
  mandate.id = base::MandateId(1);
  mandate.mandate = {address(1),
                     address(2),
                     base::AssetId(3),
                     amount(4, 5),
                     commitments::tab::Period::week,
                     {address(6), address(7)},
                     8,
                     9,
                     10};
  mandate.signature = signature(11);
  mandate.revoked = true;
  mandate.nonce_floor = 12;
  mandate.counted_at = base::Time::from_seconds(1'893'715'200);
  mandate.spent_by_period[static_cast<std::size_t>(commitments::tab::Period::week)] = amount(0, 14);
  mandate.held = amount(0, 15);
  const core::MandateState same = round_trip<schema::MandateState>(mandate);
  EXPECT_EQ(same.mandate.payees, mandate.mandate.payees);
  EXPECT_EQ(same.spent(), mandate.spent());
  EXPECT_EQ(same.period_start(), mandate.period_start());
  Event event{base::Sequence(1),
              base::Time{2},
              EventKind::settled,
              address(3),
              address(4),
              base::AssetId(5),
              amount(6, 7),
              8,
              base::StatementId(9),
              base::SettlementId(10),
              core::SettlementState::confirmed,
              "text",
              test_hash(11)};
  EXPECT_EQ(round_trip<schema::Event>(event).text, "text");
  EXPECT_EQ(round_trip<schema::Event>(event).channel, test_hash(11));
  EXPECT_EQ(round_trip<schema::Event>(Event{}).payer, core::Address{});
  EventFilter filter{bit(EventKind::accepted), address(1), {}};
  EXPECT_EQ(round_trip<schema::EventFilter>(filter).payer, address(1));
  RailStatus rail{"sandbox", false, true, true, false, 3, 4, "fine", false};
  EXPECT_EQ(round_trip<schema::RailStatus>(rail).description, "fine");
  EXPECT_FALSE(round_trip<schema::RailStatus>(rail).available);
  TallyView tally;
  tally.payer = base::PayerId(1);
  tally.asset = base::AssetId(2);
  tally.plan = base::PlanId(3);
  tally.credit_limit = amount(1, 1);
  tally.credit_limit_override = amount(1, 1);
  tally.held = amount(0, 1);
  tally.unbilled = amount(0, 2);
  tally.billed = amount(0, 3);
  tally.credit = amount(0, 4);
  tally.window = {base::Time{5}, base::Time{6}};
  tally.window_number = 7;
  tally.entries = 8;
  tally.account_unbilled = {-1, 2};
  tally.account_receivable = {kWide, 0};
  tally.account_credit = {0, -kWide};
  EXPECT_EQ(round_trip<schema::Tally>(tally).exposure(), amount(0, 6));
  ChargeRecord record;
  record.entry = {base::Sequence(1), base::SegmentId(2), 3, base::Time{4}, {5, 6}};
  record.kind = ChargeKind::voucher;
  record.payee = base::PayeeId(7);
  record.asset = base::AssetId(8);
  record.amount = amount(0, 9);
  record.usages = {{amount(0, 9), 2, *base::Unit::parse("tokens"), test_hash(1)}};
  EXPECT_EQ(round_trip<schema::ChargeRecord>(record).usages[0].unit.view(), "tokens");
}

TEST(Convert, EveryItemKindRoundTrips) {
  const support::Actors actors;
  support::SingleSpec single;
  single.agent = 3;
  single.nonce = (static_cast<base::u128>(7) << 64) | 9;
  single.resource = test_hash(5);
  support::SingleSpec delivered = single;
  delivered.nonce = 2;
  delivered.resource = {};
  delivered.delivered = test_hash(6);
  support::VoucherSpec voucher;
  voucher.salt = test_hash(7);
  voucher.first_index = 40;
  voucher.amounts = {1, 2, 3};
  const commitments::tab::UnverifiedBatch batch =
      actors.batch(2, 77,
                   {actors.charge(single), actors.charge(delivered), actors.hold(single), actors.capture(delivered),
                    actors.release(single), actors.voucher(voucher)});
  capnp::MallocMessageBuilder message;
  encode(batch, message.initRoot<schema::Batch>());
  const DecodedBatch decoded =
      decode_batch(message.getRoot<schema::Batch>().asReader(), actors.server(2), support::kNetwork);
  ASSERT_EQ(decoded.status, Status::ok) << decoded.detail;
  EXPECT_TRUE(decoded.malformed.empty());
  EXPECT_EQ(decoded.batch.header.number, 77u);
  const commitments::tab::VerifiedBatch verified = actors.verify(decoded.batch);
  ASSERT_EQ(verified.status(), Status::ok) << "the root or the server's signature no longer fits";
  ASSERT_EQ(verified.items().size(), 6u);
  for (const auto& item : verified.items()) EXPECT_EQ(item.status(), Status::ok);
  EXPECT_EQ(decoded.batch.items[1].usages[0].resource, test_hash(6));
  EXPECT_EQ(decoded.batch.items[0].usages[0].resource, test_hash(5)) << "left out on the wire: the commitment's own";
}

TEST(Convert, AnUnknownKindIsMalformed) {
  const support::Actors actors;
  capnp::MallocMessageBuilder message;
  encode(actors.batch(0, 1, {actors.charge({})}), message.initRoot<schema::Batch>());
  auto item = message.getRoot<schema::Batch>().getItems()[0];
  capnp::AnyStruct::Builder any = capnp::toAny(item);
  any.getDataSection()[0] = 99;  // the union's discriminant
  const DecodedBatch decoded =
      decode_batch(message.getRoot<schema::Batch>().asReader(), actors.server(0), support::kNetwork);
  ASSERT_EQ(decoded.malformed.size(), 1u);
  EXPECT_NE(describe(decoded.malformed).find("item 0: kind"), std::string::npos);
}

TEST(Convert, DescribesTheFirstFew) {
  std::vector<MalformedItem> malformed;
  for (std::uint32_t i = 0; i < 20; ++i) malformed.push_back({i, "rule"});
  const std::string text = describe(malformed);
  EXPECT_NE(text.find("item 7: rule; and 12 more"), std::string::npos) << text;
}

TEST(Convert, LengthsAreExact) {
  core::Address out = address(1);
  const base::Bytes bytes(64, 0);
  for (std::size_t size = 0; size <= 64; ++size)
    EXPECT_EQ(decode_fixed(data(base::ByteView(bytes).first(size)), out), size == 20) << size;
  EXPECT_TRUE(decode_optional(data(base::ByteView{}), out));
  EXPECT_TRUE(out.is_zero());
  EXPECT_EQ(page_limit({0, 0}), base::limits::kPageItemsMax);
  EXPECT_EQ(page_limit({0, 1'000'000}), base::limits::kPageItemsMax);
  EXPECT_EQ(page_limit({0, 7}), 7u);
}

// status.capnp is what clients in other languages read: it must say what base/status.h says.
TEST(Schema, StatusesAreThoseOfTheCode) {
  std::ifstream file(TABD_STATUS_SCHEMA);
  ASSERT_TRUE(file.good());
  const std::string text(std::istreambuf_iterator<char>(file), {});
  int found = 0;
  for (int i = 0; i < base::kStatusCount; ++i) {
    const base::StatusInfo& row = base::all_statuses()[i];
    std::string camel = "status";
    bool upper = true;
    for (const char c : row.name) {
      if (c == '_') {
        upper = true;
        continue;
      }
      camel += upper ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
    const std::string line =
        "const " + camel + " :UInt16 = " + std::to_string(number(row.status)) + ";\n# " + std::string(row.sentence);
    if (text.find(line) != std::string::npos) {
      ++found;
    } else {
      ADD_FAILURE() << "status.capnp lacks: " << line;
    }
  }
  std::size_t constants = 0;
  for (std::size_t at = text.find("\nconst "); at != std::string::npos; at = text.find("\nconst ", at + 1)) ++constants;
  EXPECT_EQ(constants, static_cast<std::size_t>(found)) << "status.capnp has constants that the code has not";
}

// Enumerants have 16 bits on the wire and 8 in the ledger: 263 must not become 7, `failed`.
TEST(ConvertRail, ANumberThatNobodyKnowsStaysOne) {
  capnp::MallocMessageBuilder message;
  auto said = message.initRoot<schema::RailOutcome>();
  said.setState(static_cast<schema::SettlementState>(256 + 7));
  said.setFailure(static_cast<schema::FailureClass>(256 + 3));
  rail::Outcome outcome;
  EXPECT_EQ(decode(said.asReader(), outcome), nullptr);
  EXPECT_EQ(static_cast<int>(outcome.state), 255);
  EXPECT_EQ(static_cast<int>(outcome.failure), 255);
}

TEST(ConvertRail, WhatIsTooLongIsRefusedAndWhatOnlyPeopleReadIsCut) {
  capnp::MallocMessageBuilder message;
  auto said = message.initRoot<schema::RailOutcome>();
  said.setState(schema::SettlementState::ACCEPTED);
  said.setDetail(text(std::string(10'000, 'd')));
  said.setReference(text(std::string(256, 'r')));
  rail::Outcome outcome;
  EXPECT_EQ(decode(said.asReader(), outcome), nullptr);
  EXPECT_EQ(outcome.detail.size(), 512u);
  EXPECT_FALSE(outcome.fee || outcome.moved);
  said.setReference(text(std::string(257, 'r')));
  EXPECT_STREQ(decode(said.asReader(), outcome), "the reference is longer than 256 bytes");

  auto prepared = message.initRoot<schema::RailPrepared>();
  const core::Bytes long_request(base::limits::kSettlementRequestBytesMax + 1);
  prepared.setRequest(data(base::ByteView(long_request)));
  rail::Prepared own;
  EXPECT_STREQ(decode(prepared.asReader(), own), "the request is longer than 192 KiB");
  prepared.setRequest(data(base::ByteView(long_request).subspan(1)));
  prepared.setIdempotencyKey(data(base::ByteView(long_request).first(31)));
  EXPECT_STREQ(decode(prepared.asReader(), own), "an idempotency key has 32 bytes");

  auto notice = message.initRoot<schema::RailNotice>();
  core::Notice kept;
  EXPECT_STREQ(decode(notice.asReader(), kept), "a key has 32 bytes");
}

}  // namespace
}  // namespace rpc
