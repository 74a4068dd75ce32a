// Channels that the daemon keeps: reserve and capture on a real ledger.

#include <gmock/gmock.h>

#include "facilitator/unfunded_channels.h"
#include "tests/unit/facilitator/channel_world.h"

namespace facilitator {
namespace {

using support::channel_key;
using support::ChannelWorld;
using support::deposit_json;
using support::escrow;
using support::Message;
using support::request_json;
using ::testing::HasSubstr;
using S = ledger::core::SettlementState;
namespace core = ledger::core;

constexpr const char* kP = "invalid_batch_settlement_evm_";

class ChannelStoreTest : public ChannelWorld {
 protected:
  ChannelStoreTest() : ChannelWorld("channel-store") { chain.put(0, escrow(10'000)); }
  core::Channel kept(std::uint64_t n = 0) const { return world.ledger->reader().channel(channel_key(n)).value(); }
  static std::uint64_t reservation_of(const VerifyResponse& response) {
    const std::string mark = "\"reservation\":\"";
    const std::size_t at = response.extra.find(mark);
    return at == std::string::npos ? 0 : std::stoull(response.extra.substr(at + mark.size()));
  }
};

TEST_F(ChannelStoreTest, AVoucherIsReservedAndCharged) {
  const VerifyResponse reserved = reserve({.maximum = 1'000});
  ASSERT_TRUE(reserved.valid) << reserved.reason << " " << reserved.message;
  EXPECT_THAT(reserved.extra,
              HasSubstr(R"("balance":"10000","totalClaimed":"0","withdrawRequestedAt":0,"refundNonce":"0",)"
                        R"("chargedCumulativeAmount":"0","reservation":")"));
  EXPECT_THAT(reserved.extra, HasSubstr("\"expiresAt\":" + std::to_string(support::kNow + 60)));
  const SettleResponse captured = capture({.maximum = 1'000, .price = "400"}, reservation_of(reserved));
  EXPECT_TRUE(captured.success) << captured.reason << " " << captured.message;
  EXPECT_EQ(captured.transaction, "");
  EXPECT_EQ(captured.amount, "");
  EXPECT_THAT(captured.extra, HasSubstr(R"("chargedCumulativeAmount":"400"},"chargedAmount":"400","commitmentId":")"));
  EXPECT_EQ(kept().charged, 400u);
  EXPECT_EQ(kept().signed_maximum, 1'000u);
  EXPECT_TRUE(reserve({.maximum = 1'400}).valid);
  EXPECT_EQ(to_json(capture({.maximum = 1'000, .price = "400"}, reservation_of(reserved))), to_json(captured))
      << "asked for again it is the same charge";
  EXPECT_EQ(capture({.maximum = 1'000, .price = "401"}, reservation_of(reserved)).reason,
            std::string(kP) + "reservation_conflict");
  EXPECT_EQ(kept().charged, 400u);
}

TEST_F(ChannelStoreTest, OfCopiesAtOnceOneIsReserved) {
  std::vector<Answer> answers;
  for (int i = 0; i < 50; ++i) world.ask(Operation::reserve, request_json({.maximum = 1'000}), answers, payees);
  world.run_until([&] { return answers.size() == 50; });
  std::size_t valid = 0;
  for (const Answer& answer : answers) {
    const auto& response = std::get<VerifyResponse>(answer);
    valid += response.valid;
    EXPECT_EQ(response.reason, response.valid ? "" : std::string(kP) + "channel_busy");
  }
  EXPECT_EQ(valid, 1u);
}

TEST_F(ChannelStoreTest, ARequestHasOneAnswer) {
  const std::string id = R"(,"requestId":"000102030405060708090a0b0c0d0e0f")";
  const VerifyResponse first = reserve({.maximum = 1'000, .envelope = id});
  const VerifyResponse again = reserve({.maximum = 1'000, .envelope = id});
  EXPECT_EQ(reservation_of(again), reservation_of(first));
  EXPECT_THAT(again.extra, HasSubstr("\"repeated\":true"));
  EXPECT_EQ(reserve({.maximum = 2'000, .price = "2000", .envelope = id}).reason, std::string(kP) + "channel_busy");
}

TEST_F(ChannelStoreTest, AReplayedVoucherHearsWhereTheChannelIs) {
  const VerifyResponse first = reserve({.maximum = 1'000});
  capture({.maximum = 1'000}, reservation_of(first));
  const VerifyResponse replayed = reserve({.maximum = 1'000});
  EXPECT_EQ(replayed.reason, std::string(kP) + "cumulative_amount_mismatch");
  EXPECT_THAT(replayed.extra, HasSubstr(R"("channelState":{"channelId":)"));
  EXPECT_THAT(replayed.extra, HasSubstr(R"("chargedCumulativeAmount":"1000"})"));
  EXPECT_THAT(replayed.extra, HasSubstr(R"("voucherState":{"signedMaxClaimable":"1000","signature":")" +
                                        base::to_hex(support::voucher_signature(0, 1'000).view())));
}

TEST_F(ChannelStoreTest, NothingUsedGivesTheReservationBack) {
  const VerifyResponse first = reserve({.maximum = 1'000});
  const SettleResponse released = capture({.maximum = 1'000, .price = "0"}, reservation_of(first));
  EXPECT_TRUE(released.success) << released.message;
  EXPECT_THAT(released.extra, HasSubstr(R"("chargedAmount":"0")"));
  EXPECT_TRUE(reserve({.maximum = 1'000}).valid);
  EXPECT_EQ(capture({.maximum = 1'000}, reservation_of(first)).reason, std::string(kP) + "reservation_ended");
}

TEST_F(ChannelStoreTest, OnlyTheReceiverSideCapturesAndOnlyItsOwnKeyIsKept) {
  const VerifyResponse first = reserve({.maximum = 1'000});
  const std::string other = base::to_hex(support::secret_key(support::Role::payee, 1).address());
  EXPECT_EQ(capture({.maximum = 1'000, .pay_to = other}, reservation_of(first)).reason,
            std::string(kP) + "receiver_mismatch");
  const Answer missing = world.answer_to(Operation::capture, request_json({.maximum = 1'000}), payees);
  EXPECT_EQ(std::get<Refusal>(missing).http_status, 400u);
  make(false);
  EXPECT_EQ(reserve({.maximum = 1'000}).reason, std::string(kP) + "authorizer_not_configured");
}

TEST_F(ChannelStoreTest, AnUnconfirmedDepositCountsForNothing) {
  chain.newest[channel_key(2)] = escrow(5'000);
  EXPECT_EQ(reserve({.n = 2, .maximum = 1'000}).reason, std::string(kP) + "channel_not_found");
  EXPECT_FALSE(world.ledger->reader().channel(channel_key(2)).has_value()) << "no row for a channel without money";
  chain.newest[channel_key(0)] = escrow(90'000);
  EXPECT_EQ(reserve({.maximum = 20'000, .price = "20000"}).reason, std::string(kP) + "cumulative_exceeds_balance");
}

TEST_F(ChannelStoreTest, MoneyThatCameMeanwhileIsSeen) {
  ASSERT_TRUE(capture({.maximum = 1'000}, reservation_of(reserve({.maximum = 1'000}))).success);
  in_step = true;
  const std::size_t reads = chain.reads;
  ASSERT_TRUE(capture({.maximum = 2'000}, reservation_of(reserve({.maximum = 2'000}))).success);
  EXPECT_EQ(chain.reads, reads) << "the ledger knows the channel";
  chain.put(0, escrow(50'000));
  EXPECT_TRUE(reserve({.maximum = 22'000, .price = "20000"}).valid) << "one more look before it is refused";
}

TEST_F(ChannelStoreTest, ADepositIsMadeAtTheCapture) {
  const Message message{.n = 2, .type = "deposit", .more = deposit_json(2, 5'000)};
  const VerifyResponse reserved = reserve(message);
  ASSERT_TRUE(reserved.valid) << reserved.reason << " " << reserved.message;
  EXPECT_EQ(world.settlements(), 0u);
  Message captured = message;
  captured.price = "600";
  captured.envelope = ",\"reservation\":\"" + std::to_string(reservation_of(reserved)) + "\"";
  std::vector<Answer> answers;
  for (int i = 0; i < 10; ++i) world.ask(Operation::capture, request_json(captured), answers, payees);
  world.run_until([&] { return world.timers.size() == 10; });
  EXPECT_EQ(world.settlements(), 1u);
  world.time_is_up();
  world.run_until([&] { return answers.size() == 10; });
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, "settlement_pending");
  chain.put(2, escrow(5'000));
  world.confirm();
  const SettleResponse done = capture(captured, reservation_of(reserved));
  EXPECT_TRUE(done.success) << done.reason << " " << done.message;
  EXPECT_EQ(done.transaction, "0xhash");
  EXPECT_EQ(done.amount, "5000");
  EXPECT_THAT(done.extra, HasSubstr(R"("balance":"5000")"));
  EXPECT_THAT(done.extra, HasSubstr(R"("chargedCumulativeAmount":"600"},"chargedAmount":"600")"));
  EXPECT_EQ(kept(2).charged, 600u);
}

TEST_F(ChannelStoreTest, OneWalletCannotFillTheLedgerWithChannelsThatHaveNoMoney) {
  const auto open = [this](std::uint64_t n) {
    return reserve({.n = n, .type = "deposit", .more = deposit_json(n, 5'000)});
  };
  const std::uint64_t first = 1'000'000, most = base::limits::kUnfundedChannelsMax;
  for (std::uint64_t n = first; n < first + most; ++n) ASSERT_TRUE(open(n).valid) << n;
  const VerifyResponse refused = open(first + most);
  EXPECT_EQ(refused.reason, std::string(kP) + "limit_reached");
  EXPECT_THAT(refused.message, HasSubstr("pay on one of them"));
  EXPECT_FALSE(world.ledger->reader().channel(channel_key(first + most)));
  EXPECT_EQ(open(first).reason, std::string(kP) + "channel_busy") << "one of them goes on";
  EXPECT_TRUE(open(2).valid) << "another payer";
  chain.put(first, escrow(5'000));
  world.ledger->must(support::sync_channel(first, escrow(5'000), 101));
  EXPECT_TRUE(open(first + most).valid) << "a deposit has come";
}

TEST_F(ChannelStoreTest, ADepositThatFailsEndsTheReservation) {
  const Message message{.n = 2, .type = "deposit", .more = deposit_json(2, 5'000)};
  const std::uint64_t reservation = reservation_of(reserve(message));
  Message captured = message;
  captured.envelope = ",\"reservation\":\"" + std::to_string(reservation) + "\"";
  std::vector<Answer> answers;
  world.ask(Operation::capture, request_json(captured), answers, payees);
  world.run_until([&] { return world.timers.size() == 1; });
  world.step(S::failed, 1, core::FailureClass::insufficient_funds, "insufficient_balance: the simulation says no");
  world.run_until([&] { return answers.size() == 1; });
  EXPECT_EQ(std::get<SettleResponse>(answers[0]).reason, std::string(kP) + "insufficient_balance");
  world.run_until([&] { return !kept(2).reservation.sequence.valid(); });
}

TEST_F(ChannelStoreTest, ARefundClaimsWhatIsOwedAndGivesTheRestBack) {
  ASSERT_TRUE(capture({.maximum = 1'000}, reservation_of(reserve({.maximum = 1'000}))).success);
  const Message message{.type = "refund", .maximum = 1'000};
  const VerifyResponse reserved = reserve(message);
  ASSERT_TRUE(reserved.valid) << reserved.reason << " " << reserved.message;
  EXPECT_EQ(kept().reservation.amount, 9'000u);
  EXPECT_EQ(reserve({.maximum = 2'000}).reason, std::string(kP) + "channel_busy") << "nothing is charged meanwhile";
  Message captured = message;
  captured.envelope = ",\"reservation\":\"" + std::to_string(reservation_of(reserved)) + "\"";
  std::vector<Answer> answers;
  for (int i = 0; i < 10; ++i) world.ask(Operation::capture, request_json(captured), answers, payees);
  world.run_until([&] { return world.timers.size() == 10; });
  EXPECT_EQ(world.settlements(), 1u);
  chain.put(0, escrow(1'000, 1'000, 1));
  world.confirm();
  world.run_until([&] { return answers.size() == 10; });
  const auto& response = std::get<SettleResponse>(answers[0]);
  EXPECT_TRUE(response.success) << response.reason << " " << response.message;
  EXPECT_EQ(response.amount, "9000");
  EXPECT_THAT(response.extra,
              HasSubstr(R"("balance":"1000","totalClaimed":"1000","withdrawRequestedAt":0,"refundNonce":"1")"));
  for (const Answer& answer : answers) EXPECT_EQ(to_http(answer), to_http(answers[0]));
  EXPECT_FALSE(kept().reservation.sequence.valid());
  EXPECT_EQ(capture(message, reservation_of(reserved)).transaction, "0xhash");
  EXPECT_EQ(reserve(message).reason, std::string(kP) + "refund_no_balance");
}

}  // namespace
}  // namespace facilitator
