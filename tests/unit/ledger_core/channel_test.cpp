// Channels: what was charged only grows, is covered by a voucher and the chain's balance, and each reservation is
// captured once for ever.

#include <limits>

#include "base/limits.h"
#include "tests/support/channels.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using base::u128;
using support::capture;
using support::escrow;
using support::reserve_charge;
using support::reserve_refund;
using support::sync_channel;
using support::sync_earnings;
using testing::HasSubstr;

constexpr u128 kMost = std::numeric_limits<u128>::max();

class ChannelTest : public LedgerTest {
 protected:
  Channel channel(std::uint64_t id = 1) const {
    const auto found = row<Channel>(row_key(Table::channel, id));
    EXPECT_TRUE(found.has_value()) << "no channel " << id;
    return found.value_or(Channel{});
  }
  Earnings earnings(std::uint64_t number = 1) const {
    return row<Earnings>(row_key(Table::earnings, number)).value_or(Earnings{});
  }
  void open(std::uint64_t n = 0, u128 balance = 1'000, u128 claimed = 0) {
    must(sync_channel(n, escrow(balance, claimed), 100));
  }
  Sequence reserve(std::uint64_t n, u128 maximum, u128 amount) {
    return must(reserve_charge(n, maximum, amount)).sequence;
  }
  void charge_once(std::uint64_t n, u128 maximum, std::uint64_t amount) {
    must(capture(n, reserve(n, maximum, amount), amount));
  }
  // State machine and rows as after a restart.
  void reload() {
    auto machine = std::make_unique<StateMachine>(*calendar_);
    for (const auto& [key, value] : rows_.rows) ASSERT_TRUE(machine->load_row(key, value).has_value());
    const base::Result<void> loaded = machine->finish_load();
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    machine_ = std::move(machine);
  }
  // What the machine says about an entry that is not the next of this journal.
  std::string apply_next(const Entry& entry) {
    const base::Result<void> result =
        machine_->apply(entry, Sequence(machine_->head().last_sequence.value + 1), {}, now_, replay_);
    return result ? "" : result.error().message;
  }
};

TEST_F(ChannelTest, IsOpenedByTheFirstSync) {
  const CommandResult opened = must(sync_channel(0, escrow(1'000, 300), 100));
  EXPECT_EQ(opened.id, 1u);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_opened"}));
  const Channel made = channel();
  EXPECT_EQ(made.key, support::channel_key(0));
  EXPECT_EQ(made.chain_id, support::kChannelChain);
  EXPECT_EQ(made.contract, support::channel_contract());
  EXPECT_EQ(made.config, support::channel_config(0));
  EXPECT_TRUE(made.charged == 300 && made.captured == 0 && made.charges == 0);
  EXPECT_EQ(made.chain, escrow(1'000, 300));
  EXPECT_EQ(made.block, 100u);
  EXPECT_EQ(made.opened, now_);
  EXPECT_EQ(made.reservation, ChannelReservation{});
  EXPECT_TRUE(has_row(row_key(Table::channel_by_key, support::channel_key(0))));
  EXPECT_EQ(earnings().receiver, actors_.payee(0));
  EXPECT_TRUE(earnings().charged == 0);
  EXPECT_EQ(must(sync_channel(2, escrow(5), 101)).id, 2u);  // the same receiver
  EXPECT_FALSE(has_row(row_key(Table::earnings, 2)));
  EXPECT_EQ(must(sync_channel(1, escrow(5), 101)).id, 3u);  // another
  EXPECT_EQ(earnings(2).receiver, actors_.payee(1));
  EXPECT_EQ(row<ChannelCounts>(table_prefix(Table::channel_counts)), (ChannelCounts{3, 2}));
  EXPECT_EQ(machine_->counts().channels, 3u);
}

TEST_F(ChannelTest, TheKeyMustBeTheConfigurations) {
  SyncChannel command = sync_channel(0, escrow(1), 1);
  command.key.bytes[0] ^= 1;
  EXPECT_EQ(run(command).status, Status::value_invalid);
  command = sync_channel(0, escrow(1), 1);
  command.chain_id = 1;  // the same configuration on another chain is another channel
  EXPECT_EQ(run(command).status, Status::value_invalid);
  command.chain_id = 0;
  EXPECT_EQ(run(command).status, Status::value_invalid);
  EXPECT_EQ(run(SyncEarnings{}).status, Status::value_invalid);
}

TEST_F(ChannelTest, SyncsSayOnlyWhatIsNew) {
  open();
  EXPECT_FALSE(must(sync_channel(0, escrow(1'000), 200)).sequence.valid());  // the same figures later
  EXPECT_EQ(channel().block, 100u);
  EXPECT_FALSE(must(sync_channel(0, escrow(1), 99)).sequence.valid());  // older than what is known
  EXPECT_TRUE(must(sync_channel(0, escrow(1'500), 300)).sequence.valid());
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_synced"}));
  EXPECT_EQ(channel().chain, escrow(1'500));
  EXPECT_EQ(channel().block, 300u);
  EXPECT_TRUE(must(sync_channel(0, escrow(1'400), 250, true)).sequence.valid());
  EXPECT_EQ(channel().block, 250u);
  EXPECT_TRUE(must(sync_channel(0, escrow(1'400), 240, true)).sequence.valid());  // only the block
  EXPECT_EQ(channel().block, 240u);
  EXPECT_FALSE(must(sync_channel(0, escrow(1'400), 240, true)).sequence.valid());
}

TEST_F(ChannelTest, ClaimsElsewhereRaiseWhatWasCharged) {
  open();
  charge_once(0, 100, 100);
  must(sync_channel(0, escrow(1'000, 60), 101));  // our own claim
  EXPECT_TRUE(channel().charged == 100);
  must(sync_channel(0, escrow(1'000, 250), 102));
  EXPECT_TRUE(channel().charged == 250 && channel().captured == 100 && channel().signed_maximum == 100);
  must(sync_channel(0, escrow(1'000, 60), 101, true));  // and were reorganised away
  EXPECT_TRUE(channel().charged == 250);
  EXPECT_TRUE(earnings().charged == 100);
  reload();
  EXPECT_EQ(run(reserve_charge(0, 150, 50)).status, Status::channel_amount_mismatch);
  must(capture(0, reserve(0, 300, 50), 40));
  EXPECT_TRUE(channel().charged == 290 && channel().signed_maximum == 300 && earnings().charged == 140);
}

TEST_F(ChannelTest, EarningsAreMirrored) {
  const CommandResult first = must(sync_earnings(0, 0, 0, 50));
  EXPECT_TRUE(first.sequence.valid());
  EXPECT_EQ(first.id, 1u);
  EXPECT_FALSE(must(sync_earnings(0, 0, 0, 60)).sequence.valid());
  must(sync_earnings(0, 70, 20, 61));
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"earnings_synced"}));
  EXPECT_FALSE(must(sync_earnings(0, 9, 9, 60)).sequence.valid());
  EXPECT_TRUE(earnings().claimed == 70 && earnings().settled == 20);
  must(sync_earnings(0, 60, 20, 55, true));
  EXPECT_TRUE(earnings().claimed == 60 && earnings().block == 55u);
  open();  // its earnings are there
  EXPECT_FALSE(has_row(row_key(Table::earnings, 2)));
  charge_once(0, 10, 10);
  EXPECT_TRUE(earnings().charged == 10 && earnings().claimed == 60);
  EXPECT_EQ(must(sync_earnings(1, 1, 0, 1)).id, 2u);
}

TEST_F(ChannelTest, AReservationIsCapturedWithWhatWasUsed) {
  open(0, 1'000, 100);
  const CommandResult reserved = must(reserve_charge(0, 300, 200));
  EXPECT_EQ(reserved.id, 1u);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_reserved"}));
  EXPECT_EQ(channel().reservation.sequence, reserved.sequence);
  EXPECT_EQ(channel().reservation.expires.us, now_.us + 60'000'000);
  EXPECT_TRUE(channel().charged == 100);
  advance(5);
  const CommandResult captured = must(capture(0, reserved.sequence, 150));
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_charged"}));
  EXPECT_EQ(captured.id, 1u);
  const Channel after = channel();
  EXPECT_TRUE(after.charged == 250 && after.captured == 150 && after.charges == 1 && after.signed_maximum == 300);
  EXPECT_EQ(after.signature, reserve_charge(0, 300, 200).signature);
  EXPECT_EQ(after.charged_at, now_);
  EXPECT_EQ(after.reservation, ChannelReservation{});
  EXPECT_TRUE(earnings().charged == 150);
}

TEST_F(ChannelTest, ACaptureIsAnsweredTheSameForEver) {
  open();
  const Sequence reservation = reserve(0, 200, 200);
  const CommandResult first = must(capture(0, reservation, 150));
  advance(10ULL * 366 * 86'400);
  reload();
  charge_once(0, 160, 10);
  CommandResult again = run(capture(0, reservation, 150));
  EXPECT_EQ(again.status, Status::already_accepted);
  EXPECT_EQ(again.sequence, first.sequence);
  EXPECT_EQ(again.id, 1u);
  EXPECT_EQ(run(capture(0, reservation, 151)).status, Status::reservation_conflict);
  CaptureReservation other = capture(0, reservation, 150);
  other.usage.quantity = 2;
  EXPECT_EQ(run(other).status, Status::reservation_conflict);
  other = capture(0, reservation, 150);
  other.usage.resource = support::test_hash(1);
  EXPECT_EQ(run(other).status, Status::reservation_conflict);
  EXPECT_TRUE(channel().charged == 160);
}

TEST_F(ChannelTest, ARequestIsReservedOnce) {
  open();
  ReserveVoucher command = reserve_charge(0, 100, 100);
  command.request.bytes.fill(7);
  const CommandResult first = must(command);
  command.ttl_s = 5;  // not a part of what is reserved
  CommandResult again = run(command);
  EXPECT_EQ(again.status, Status::already_accepted);
  EXPECT_EQ(again.sequence, first.sequence);
  EXPECT_EQ(again.id, 1u);
  ReserveVoucher other = reserve_charge(0, 90, 90);
  other.request = command.request;
  EXPECT_EQ(run(other).status, Status::channel_busy);
  advance(61);  // its time has come, and it is still the same request
  EXPECT_EQ(run(command).sequence, first.sequence);
  EXPECT_EQ(run(other).status, Status::channel_busy);
  ReserveVoucher unnamed = reserve_charge(0, 100, 100);
  EXPECT_NE(must(unnamed).sequence, first.sequence);
  EXPECT_EQ(run(unnamed).status, Status::channel_busy);  // no name: another request
}

TEST_F(ChannelTest, AnExpiredReservationMakesRoomAndCanBeCapturedUntilThen) {
  open();
  const Sequence first = reserve(0, 100, 100);
  advance(59);
  const CommandResult busy = run(reserve_charge(0, 50, 50));
  EXPECT_EQ(busy.status, Status::channel_busy);
  EXPECT_THAT(busy.detail, HasSubstr("reservation " + std::to_string(first.value) + " holds until"));
  advance(1);
  const Sequence second = reserve(0, 50, 50);
  EXPECT_EQ(run(capture(0, first, 10)).status, Status::reservation_ended);
  advance(86'400);  // long expired, and nobody took its place
  must(capture(0, second, 50));
  EXPECT_TRUE(channel().charged == 50);
}

TEST_F(ChannelTest, VouchersMustFitTheFigures) {
  EXPECT_EQ(run(reserve_charge(0, 1, 1)).status, Status::channel_unknown);
  open(0, 1'000, 100);
  EXPECT_EQ(run(reserve_charge(0, 199, 100)).status, Status::channel_amount_mismatch);
  EXPECT_EQ(run(reserve_charge(0, 201, 100)).status, Status::channel_amount_mismatch);
  EXPECT_EQ(run(reserve_charge(0, 100, 0)).status, Status::value_invalid);
  EXPECT_EQ(run(reserve_charge(0, 99, kMost)).status, Status::channel_amount_mismatch);  // no wrap
  EXPECT_EQ(run(reserve_charge(0, 1'001, 901)).status, Status::channel_exceeds_balance);
  EXPECT_EQ(run(reserve_charge(0, 200, 100, 0)).status, Status::value_invalid);
  EXPECT_EQ(run(reserve_charge(0, 200, 100, base::limits::kReservationSecondsMax + 1)).status, Status::value_invalid);
  must(reserve_charge(0, 1'000, 900, base::limits::kReservationSecondsMax));
}

TEST_F(ChannelTest, AWithdrawalStopsNewVouchersAndNoCapture) {
  open();
  const Sequence reservation = reserve(0, 600, 600);
  commitments::channel::Snapshot leaving = escrow(1'000);
  leaving.withdrawal = 900;
  leaving.withdraw_requested_at_s = now_.seconds();
  must(sync_channel(0, leaving, 101));
  must(capture(0, reservation, 500));
  const CommandResult refused = run(reserve_charge(0, 501, 1));
  EXPECT_EQ(refused.status, Status::channel_exceeds_balance);
  EXPECT_THAT(refused.detail, HasSubstr("a withdrawal of 900"));
  leaving.withdrawal = kMost;  // more than there is
  must(sync_channel(0, leaving, 102));
  EXPECT_EQ(run(reserve_charge(0, 501, 1)).status, Status::channel_exceeds_balance);
  must(sync_channel(0, escrow(1'000), 103));
  must(reserve_charge(0, 501, 1));
}

// The payer took out what was charged and not claimed in time: nothing is forgotten, and nothing more is given.
TEST_F(ChannelTest, ABalanceBelowWhatWasChargedKeepsTheCharge) {
  open();
  charge_once(0, 500, 500);
  const Sequence reservation = reserve(0, 600, 100);
  must(sync_channel(0, escrow(300), 101));
  EXPECT_TRUE(channel().charged == 500 && channel().signed_maximum == 500 && earnings().charged == 500);
  EXPECT_EQ(run(capture(0, reservation, 100)).status, Status::channel_exceeds_balance);
  EXPECT_EQ(channel().reservation.sequence, reservation);
  must(ReleaseReservation{support::channel_key(0), reservation});
  EXPECT_EQ(run(reserve_charge(0, 501, 1)).status, Status::channel_exceeds_balance);
  EXPECT_EQ(run(reserve_refund(0, 500, 1)).status, Status::channel_exceeds_balance);
  reload();
  EXPECT_TRUE(machine_->check_books().has_value());
  must(sync_channel(0, escrow(800), 102));  // topped up again
  charge_once(0, 501, 1);
}

TEST_F(ChannelTest, ADepositCountsForTheReservationAndNotForTheCapture) {
  open(0, 0);
  ReserveVoucher command = reserve_charge(0, 100, 100);
  EXPECT_EQ(run(command).status, Status::channel_exceeds_balance);
  command.deposit = 99;
  EXPECT_EQ(run(command).status, Status::channel_exceeds_balance);
  command.deposit = kMost;
  const Sequence reservation = must(command).sequence;
  EXPECT_EQ(run(capture(0, reservation, 50)).status, Status::channel_exceeds_balance);
  must(sync_channel(0, escrow(60), 101));
  EXPECT_EQ(run(capture(0, reservation, 61)).status, Status::channel_exceeds_balance);
  must(capture(0, reservation, 60));
}

TEST_F(ChannelTest, ACaptureTakesAtMostWhatWasReservedAndSigned) {
  open();
  const Sequence reservation = reserve(0, 100, 100);
  EXPECT_EQ(run(capture(0, reservation, 0)).status, Status::value_invalid);
  EXPECT_EQ(run(capture(0, reservation, 101)).status, Status::charge_above_maximum);
  EXPECT_EQ(run(capture(1, reservation, 1)).status, Status::channel_unknown);
  EXPECT_EQ(run(capture(0, Sequence(reservation.value + 1), 1)).status, Status::reservation_ended);
  EXPECT_EQ(run(capture(0, Sequence{}, 1)).status, Status::reservation_ended);
  must(sync_channel(0, escrow(1'000, 30), 101));  // another voucher was claimed meanwhile
  EXPECT_EQ(run(capture(0, reservation, 71)).status, Status::channel_amount_mismatch);
  must(capture(0, reservation, 70));
  EXPECT_TRUE(channel().charged == 100);
}

TEST_F(ChannelTest, SumsOfEarningsDoNotWrap) {
  const u128 most = Amount::kUnitsMax;
  for (const std::uint64_t n : {0u, 2u, 4u}) must(sync_channel(n, escrow(kMost), 1));
  CaptureReservation all{support::channel_key(0), reserve(0, most, most), {*Amount::from_units(most), 1, {}, {}}};
  must(all);
  all = {support::channel_key(2), reserve(2, most, most), all.usage};
  must(all);
  const Sequence last = reserve(4, 2, 2);
  EXPECT_EQ(run(capture(4, last, 2)).status, Status::amount_overflow);
  must(capture(4, last, 1));
  EXPECT_TRUE(earnings().charged == kMost);
}

TEST_F(ChannelTest, ReleasingIsIdempotent) {
  open();
  const Sequence reservation = reserve(0, 100, 100);
  const ReleaseReservation release{support::channel_key(0), reservation};
  EXPECT_TRUE(must(release).sequence.valid());
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_released"}));
  EXPECT_FALSE(must(release).sequence.valid());
  EXPECT_EQ(run(capture(0, reservation, 1)).status, Status::reservation_ended);
  const Sequence next = reserve(0, 100, 100);
  EXPECT_FALSE(must(release).sequence.valid());  // the old name does not end the new one
  EXPECT_EQ(channel().reservation.sequence, next);
  EXPECT_EQ(run(ReleaseReservation{support::channel_key(1), next}).status, Status::channel_unknown);
}

TEST_F(ChannelTest, ARefundHoldsTheChannelUntilTheChainHasIt) {
  open();
  charge_once(0, 400, 400);
  EXPECT_EQ(run(reserve_refund(0, 399, 1)).status, Status::channel_amount_mismatch);
  EXPECT_EQ(run(reserve_refund(0, 400, 0)).status, Status::value_invalid);
  EXPECT_EQ(run(reserve_refund(0, 400, 601)).status, Status::channel_refund_too_high);
  ReserveVoucher with_deposit = reserve_refund(0, 400, 1);
  with_deposit.deposit = 1;
  EXPECT_EQ(run(with_deposit).status, Status::value_invalid);
  const Sequence refund = must(reserve_refund(0, 400, 600)).sequence;
  EXPECT_EQ(channel().reservation.expires.us, 0u);
  advance(365ULL * 86'400);
  reload();
  EXPECT_EQ(run(reserve_charge(0, 401, 1)).status, Status::channel_busy);
  EXPECT_EQ(run(capture(0, refund, 1)).status, Status::reservation_ended);
  must(sync_channel(0, escrow(1'000, 400), 101));  // the claim before it
  EXPECT_EQ(channel().reservation.sequence, refund);
  must(sync_channel(0, escrow(400, 400, 1), 102));
  EXPECT_EQ(channel().reservation, ChannelReservation{});
  EXPECT_EQ(entries_of_kind<ChannelSynced>().back().ended, refund);
  EXPECT_EQ(run(reserve_refund(0, 400, 1)).status, Status::channel_refund_too_high);
  must(sync_channel(0, escrow(500, 400, 1), 103));  // used again
  const Sequence reservation = reserve(0, 450, 50);
  must(sync_channel(0, escrow(480, 400, 2), 104));  // somebody else's refund ends no charge
  must(capture(0, reservation, 50));
}

TEST_F(ChannelTest, PutAsideUntilItIsMended) {
  open();
  const Sequence reservation = reserve(0, 100, 100);
  const PutChannelAside aside{support::channel_key(0), "the claim reverts"};
  EXPECT_TRUE(must(aside).sequence.valid());
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"channel_put_aside"}));
  EXPECT_FALSE(must(aside).sequence.valid());
  EXPECT_EQ(channel().put_aside, "the claim reverts");
  must(capture(0, reservation, 100));  // what was promised is kept
  reload();
  const CommandResult refused = run(reserve_charge(0, 200, 100));
  EXPECT_EQ(refused.status, Status::channel_put_aside);
  EXPECT_THAT(refused.detail, HasSubstr("the claim reverts"));
  must(sync_channel(0, escrow(1'000, 40), 101));  // a claim alone mends nothing
  EXPECT_EQ(channel().put_aside, "the claim reverts");
  must(sync_channel(0, escrow(2'000, 40), 102));
  EXPECT_EQ(channel().put_aside, "");
  must(PutChannelAside{support::channel_key(0), std::string(600, 'x')});
  EXPECT_EQ(channel().put_aside.size(), 512u);
  must(sync_channel(0, escrow(2'000, 40, 1), 103));
  EXPECT_EQ(channel().put_aside, "");
  must(aside);
  must(PutChannelAside{support::channel_key(0), ""});
  EXPECT_EQ(channel().put_aside, "");
  reserve(0, 200, 100);
  EXPECT_EQ(run(PutChannelAside{support::channel_key(9), "?"}).status, Status::channel_unknown);
}

TEST_F(ChannelTest, ReplayFindsFalseEntries) {
  open();
  const Sequence reservation = reserve(0, 100, 100);
  ChannelOpened opened = entries_of_kind<ChannelOpened>().front();
  EXPECT_THAT(apply_next(opened), HasSubstr("the next number is 2"));
  opened.id = ChannelId(2);
  EXPECT_THAT(apply_next(opened), HasSubstr("opened before"));
  opened.config.salt.bytes[0] ^= 1;
  EXPECT_THAT(apply_next(opened), HasSubstr("its configuration gives"));
  ChannelSynced synced{ChannelId(1), escrow(1'000), 200, false, 0, {}, false};
  EXPECT_THAT(apply_next(synced), HasSubstr("no news"));
  synced.chain = escrow(1'000, 50);
  EXPECT_THAT(apply_next(synced), HasSubstr("charged is 0 in the journal, the replay gives 50"));
  synced.charged = 50;
  synced.ended = reservation;
  EXPECT_THAT(apply_next(synced), HasSubstr("another reservation ends"));
  synced.ended = {};
  synced.taken_back = true;
  EXPECT_THAT(apply_next(synced), HasSubstr("put aside differs"));
  ChannelReserved reserved = entries_of_kind<ChannelReserved>().front();
  EXPECT_THAT(apply_next(reserved), HasSubstr("holds until"));
  reserved.expires = now_;
  EXPECT_THAT(apply_next(reserved), HasSubstr("its end"));
  reserved.amount = 0;
  EXPECT_THAT(apply_next(reserved), HasSubstr("amount is zero"));
  ChannelCharged charged{ChannelId(1), reservation, {Amount(100), 1, {}, {}}, 99};
  EXPECT_THAT(apply_next(charged), HasSubstr("charged is 99 in the journal, the replay gives 100"));
  charged.usage.amount = Amount(101);
  EXPECT_THAT(apply_next(charged), HasSubstr("reserved is 100"));
  EXPECT_THAT(apply_next(ChannelReleased{ChannelId(1), Sequence(1)}), HasSubstr("is not the channel's"));
  EXPECT_THAT(apply_next(EarningsSynced{}), HasSubstr("no news"));
  for (const Entry& entry : {Entry(ChannelSynced{}), Entry(ChannelReserved{}), Entry(ChannelCharged{}),
                             Entry(ChannelReleased{}), Entry(ChannelPutAside{})}) {
    EXPECT_THAT(apply_next(entry), HasSubstr("the channel is unknown")) << kind_name(kind_of(entry));
  }
}

TEST_F(ChannelTest, RowsThatDoNotFitAreRefused) {
  open();
  charge_once(0, 100, 100);
  reserve(0, 200, 100);
  const auto load = [this](const auto& change) {
    std::map<Bytes, Bytes> rows = rows_.rows;
    change(rows);
    StateMachine machine(*calendar_);
    for (const auto& [key, value] : rows) {
      if (const base::Result<void> loaded = machine.load_row(key, value); !loaded) return loaded.error().message;
    }
    const base::Result<void> finished = machine.finish_load();
    return finished ? std::string() : finished.error().message;
  };
  const auto with_channel = [&](const auto& change) {
    return load([&](std::map<Bytes, Bytes>& rows) {
      Channel changed = channel();
      change(changed);
      rows[row_key(Table::channel, 1)] = encode_row(changed);
    });
  };
  EXPECT_EQ(load([](auto&) {}), "");
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::channel, 1)); }), HasSubstr("channel 1 is missing"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(row_key(Table::earnings, 1)); }), HasSubstr("no earnings"));
  EXPECT_THAT(load([](auto& rows) { rows.erase(table_prefix(Table::channel_counts)); }),
              HasSubstr("not one that was given"));
  EXPECT_THAT(load([](auto& rows) { rows[row_key(Table::earnings, 2)] = rows[row_key(Table::earnings, 1)]; }),
              HasSubstr("not one that was given"));
  EXPECT_THAT(with_channel([](Channel& c) { c.captured = 99; }), HasSubstr("captures of its channels differ"));
  EXPECT_THAT(with_channel([](Channel& c) { c.captured = 101; }), HasSubstr("below what was captured"));
  EXPECT_THAT(with_channel([](Channel& c) { c.chain.total_claimed = 101; }), HasSubstr("below what was claimed"));
  EXPECT_THAT(with_channel([](Channel& c) { c.signed_maximum = 99; }), HasSubstr("above what the payer signed"));
  EXPECT_THAT(with_channel([](Channel& c) { c.charges = 0; }), HasSubstr("voucher differ"));
  EXPECT_THAT(with_channel([](Channel& c) { c.reservation.amount = 0; }), HasSubstr("its reservation"));
  EXPECT_THAT(with_channel([](Channel& c) { c.reservation.refund = true; }), HasSubstr("its reservation"));
  EXPECT_THAT(with_channel([](Channel& c) { c.id = ChannelId(2); }), HasSubstr("not one that was given"));
}

}  // namespace
}  // namespace ledger::core
