#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "ledger/proof/proof.h"
#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

namespace wire = schema;
namespace tab = commitments::tab;

using Patch = std::function<void(wire::Batch::Builder)>;

// A server session of which the encoded batch can be changed before it is sent.
class RawServer {
 public:
  explicit RawServer(RpcWorld& world) : client_(world), session_(client_.server_session(world)) {}

  BatchAnswer submit(const tabd::UnverifiedBatch& batch, const Patch& patch) {
    auto request = session_.submitRequest();
    encode(batch, request.initBatch());
    patch(request.getBatch());
    auto response = request.send().wait(client_.loop->io.waitScope);
    return decode(response.getReceipt());
  }

 private:
  RawClient client_;
  wire::ServerSession::Client session_;
};

base::Bytes zeros(std::size_t size) { return base::Bytes(size, 0); }
capnp::Data::Reader bytes(const base::Bytes& from) { return data(base::ByteView(from)); }

TEST(RpcSubmit, ResultsInTheOrderOfTheItems) {
  RpcWorld world;
  auto session = world.server_session();
  std::vector<tab::Item> items = world.charges(3);
  items[1].usages[0].amount = base::Amount(101);  // above the maximum of 100
  items[2].signature.bytes[40] ^= 1;
  items.push_back(items[0]);  // the same again
  SingleSpec elsewhere;
  elsewhere.payee = 1;
  elsewhere.nonce = world.next_nonce++;
  items.push_back(world.actors.charge(elsewhere));
  const auto answer = session.submit(world.batch(items));
  ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
  ASSERT_EQ(answer->status, Status::ok);
  ASSERT_EQ(answer->items.size(), 5u);
  EXPECT_EQ(answer->items[0].status, Status::ok);
  EXPECT_TRUE(answer->items[0].sequence.valid());
  EXPECT_EQ(answer->items[1].status, Status::charge_above_maximum);
  EXPECT_EQ(answer->items[1].limit, base::Amount(100));
  EXPECT_EQ(answer->items[1].allowed, base::Amount(100));
  EXPECT_EQ(answer->items[2].status, Status::signature_wrong);
  EXPECT_EQ(answer->items[3].status, Status::already_accepted);
  EXPECT_EQ(answer->items[3].sequence, answer->items[0].sequence);
  EXPECT_EQ(answer->items[4].status, Status::server_not_for_payee);
  EXPECT_TRUE(answer->segment.valid());
  EXPECT_EQ(answer->time, world.clock.now());
}

TEST(RpcSubmit, TheReceiptGivesThePositionInTheLedger) {
  RpcWorld world;
  auto session = world.server_session();
  for (int batch = 0; batch < 3; ++batch) {
    const auto answer = session.submit(world.batch(world.charges(3)));
    ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
    for (const core::ItemResult& item : answer->items) {
      const auto proof = ledger::proof::decode(*world.auditor_session().proof(item.sequence));
      ASSERT_TRUE(proof.has_value());
      EXPECT_EQ(answer->segment, proof->inclusion.header.number);
      EXPECT_EQ(item.sequence.value - answer->segment_first.value, proof->inclusion.index);
    }
  }
  const auto nothing = session.submit(world.batch({world.actors.charge({.maximum = 1, .amount = 2})}));
  EXPECT_FALSE(nothing->segment.valid());
  EXPECT_FALSE(nothing->segment_first.valid());
}

TEST(RpcSubmit, EveryKindOfItem) {
  RpcWorld world;
  auto session = world.server_session();
  SingleSpec hold;
  hold.nonce = 900;
  hold.maximum = 500;
  hold.amount = 300;
  SingleSpec other = hold;
  other.nonce = 901;
  VoucherSpec voucher;
  voucher.maximum = 1000;
  voucher.amounts = {1, 2, 3};
  const auto made =
      session.submit(world.batch({world.actors.hold(hold), world.actors.hold(other), world.actors.voucher(voucher)}));
  ASSERT_TRUE(made.has_value());
  for (const core::ItemResult& result : made->items) EXPECT_EQ(result.status, Status::ok);
  VoucherSpec gap = voucher;
  gap.first_index = 7;
  const auto used =
      session.submit(world.batch({world.actors.capture(hold), world.actors.release(other), world.actors.voucher(gap)}));
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->items.at(0).status, Status::ok);
  EXPECT_EQ(used->items.at(1).status, Status::ok);
  EXPECT_EQ(used->items.at(2).status, Status::tab_out_of_order);
  EXPECT_EQ(used->items.at(2).expected_index, 3u);
  const auto exposure = session.exposure(world.actors.payer(0), kUsdc);
  ASSERT_TRUE(exposure.has_value());
  EXPECT_EQ(exposure->exposure, base::Amount(306));
  EXPECT_EQ(exposure->limit, base::Amount(1'000'000));
  EXPECT_EQ(exposure->available, base::Amount(1'000'000 - 306));
}

TEST(RpcSubmit, ALargeBatchAndManyCallsInFlight) {
  RpcWorld world;
  auto session = world.server_session();
  const auto large = session.submit(world.batch(world.charges(base::limits::kBatchItemsMax)));
  ASSERT_TRUE(large.has_value()) << large.error().to_string();
  ASSERT_EQ(large->items.size(), base::limits::kBatchItemsMax);
  for (const core::ItemResult& result : large->items) ASSERT_EQ(result.status, Status::ok);
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 20; ++i) {
    session.submit_async(world.batch(world.charges(5)), [&](tabd::Result<BatchAnswer> answer) {
      ASSERT_TRUE(answer.has_value());
      order.push_back(answer->items.at(0).sequence.value);
    });
  }
  EXPECT_EQ(session.in_flight(), 20u);
  while (session.in_flight() > 0) tabd::Client::run_for(1'000'000);
  ASSERT_EQ(order.size(), 20u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << "batches are decided in the order of the calls";
}

TEST(RpcSubmit, BatchesRefusedAsAWhole) {
  RpcWorld world;
  auto session = world.server_session();
  tabd::UnverifiedBatch wrong_network = world.batch(world.charges(1));
  wrong_network.network = "other:tab";
  EXPECT_EQ(session.submit(wrong_network)->status, Status::domain_wrong);
  tabd::UnverifiedBatch wrong_root = world.batch(world.charges(1));
  wrong_root.items[0].usages[0].quantity = 99;
  EXPECT_EQ(session.submit(wrong_root)->status, Status::batch_signature_wrong);
  EXPECT_EQ(session.submit(world.batch(world.charges(1), /*server=*/1))->status, Status::batch_signature_wrong)
      << "another server's signature";
  tabd::UnverifiedBatch empty = world.batch(world.charges(1));
  empty.items.clear();
  EXPECT_EQ(session.submit(empty)->status, Status::batch_too_large);
  tabd::UnverifiedBatch large = world.batch(world.charges(1));
  large.items.resize(base::limits::kBatchItemsMax + 1, large.items[0]);
  const auto answer = session.submit(large);
  EXPECT_EQ(answer->status, Status::batch_too_large);
  EXPECT_NE(answer->detail.find("1025"), std::string::npos) << answer->detail;
  EXPECT_EQ(world.store->reader().head()->tabs, 0u);
  world.expect_alive();
}

TEST(RpcSubmit, AMalformedItemHarmsNoOther) {
  RpcWorld world;
  RawServer server(world);
  const auto patch_item = [&](const std::function<void(wire::Item::Builder)>& patch, bool payer_zero,
                              const std::function<void(tab::Item&)>& as_signed = {}) {
    std::vector<tab::Item> items = world.charges(3);
    if (payer_zero) items[1].single.payer = {};
    if (as_signed) as_signed(items[1]);
    tabd::UnverifiedBatch batch = world.batch(items);
    return server.submit(batch, [&](wire::Batch::Builder out) { patch(out.getItems()[1]); });
  };
  const auto expect_only = [](const BatchAnswer& answer, Status status, const char* detail) {
    ASSERT_EQ(answer.status, Status::ok) << answer.detail;
    ASSERT_EQ(answer.items.size(), 3u);
    EXPECT_EQ(answer.items[0].status, Status::ok);
    EXPECT_EQ(answer.items[1].status, status);
    EXPECT_FALSE(answer.items[1].sequence.valid());
    EXPECT_EQ(answer.items[2].status, Status::ok);
    EXPECT_NE(answer.detail.find(detail), std::string::npos) << answer.detail;
  };
  for (const std::size_t length : {0u, 64u, 66u, 1000u}) {
    expect_only(patch_item([&](wire::Item::Builder item) { item.setSignature(bytes(zeros(length))); }, false),
                Status::signature_length, "");
  }
  for (const std::size_t length : {0u, 19u, 21u}) {
    expect_only(
        patch_item([&](wire::Item::Builder item) { item.getCharge().getCommitment().setPayer(bytes(zeros(length))); },
                   true),
        Status::item_malformed, "item 1: payer");
    expect_only(
        patch_item([&](wire::Item::Builder item) { item.getCharge().getCommitment().setPayee(bytes(zeros(length))); },
                   true, [](tab::Item& item) { item.single.payee = {}; }),
        Status::item_malformed, "item 1: payee");
  }
  expect_only(patch_item([&](wire::Item::Builder item) { item.setSigner(bytes(zeros(3))); }, true),
              Status::item_malformed, "item 1: signer");
  expect_only(
      patch_item([&](wire::Item::Builder item) { item.getCharge().getCommitment().setResource(bytes(zeros(31))); },
                 true),
      Status::item_malformed, "item 1: resource");
  expect_only(patch_item([&](wire::Item::Builder item) { item.getCharge().getUsage().setUnit("much too long"); }, true,
                         [](tab::Item& item) { item.usages[0].unit = {}; }),
              Status::item_malformed, "item 1: unit");
  expect_only(
      patch_item([&](wire::Item::Builder item) { item.getCharge().getUsage().initAmount().setHigh(UINT64_C(1) << 63); },
                 true, [](tab::Item& item) { item.usages[0].amount = {}; }),
      Status::item_malformed, "item 1: amount");
  EXPECT_GE(world.server->counters().items_malformed_total, 10u);
}

TEST(RpcSubmit, AMalformedBatchIsNamed) {
  RpcWorld world;
  RawServer server(world);
  const tabd::UnverifiedBatch batch = world.batch(world.charges(1));
  EXPECT_EQ(server.submit(batch, [](wire::Batch::Builder out) { out.setSignature(bytes(zeros(64))); }).status,
            Status::batch_signature_wrong);
  EXPECT_EQ(server.submit(batch, [](wire::Batch::Builder out) { out.setRoot(bytes(zeros(31))); }).status,
            Status::batch_signature_wrong);
  EXPECT_EQ(server.submit(batch, [](wire::Batch::Builder out) { out.initItems(0); }).status, Status::batch_too_large);
  EXPECT_EQ(
      server.submit(batch, [](wire::Batch::Builder out) { out.setNetwork(std::string(5000, 'x').c_str()); }).status,
      Status::domain_wrong);
}

TEST(RpcSubmit, TooManyUsagesAreRefusedBeforeTheyAreRead) {
  RpcWorld world;
  RawServer server(world);
  const auto answer = server.submit(world.batch(world.charges(1)), [](wire::Batch::Builder out) {
    out.initItems(1)[0].initVoucher().initUsages(base::limits::kBatchChargesMax + 1);
  });
  EXPECT_EQ(answer.status, Status::batch_too_large);
  EXPECT_NE(answer.detail.find("131073"), std::string::npos) << answer.detail;
}

TEST(RpcSubmit, OverloadedAtOnceWithAHint) {
  RpcWorld world;
  auto session = world.server_session();
  world.ingest->set(SwitchedIngest::Mode::overloaded);
  const auto answer = session.submit(world.batch(world.charges(3)));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, Status::overloaded);
  EXPECT_EQ(answer->retry_after_ms, 25u);
  EXPECT_TRUE(answer->items.empty());
  world.ingest->set(SwitchedIngest::Mode::pass);
  EXPECT_EQ(session.submit(world.batch(world.charges(1)))->status, Status::ok);
}

TEST(RpcSubmit, AnAnswerThatNobodyWaitsForIsDropped) {
  RpcWorld world;
  world.ingest->set(SwitchedIngest::Mode::hold);
  {
    auto session = world.server_session();
    session.submit_async(world.batch(world.charges(1)), [](tabd::Result<BatchAnswer>) {});
    tabd::Client::run_for(1000);
    world.ingest->wait_until_held(1);
  }
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.connections == 0; }));
  world.ingest->set(SwitchedIngest::Mode::pass);
  EXPECT_TRUE(world.eventually([](const RpcCounters& now) { return now.calls_in_flight == 0; }));
  world.expect_alive();
}

TEST(RpcSubmit, AStreamReportsWhatWasRefused) {
  RpcWorld world;
  auto session = world.server_session();
  auto stream = session.open_stream();
  ASSERT_TRUE(stream.has_value());
  for (int i = 0; i < 30; ++i) {
    std::vector<tab::Item> items = world.charges(10);
    if (i == 7) items[3].signature.bytes[1] ^= 1;
    tabd::UnverifiedBatch batch = world.batch(items);
    if (i == 9) batch.network = "other:tab";
    ASSERT_TRUE(stream->send(batch).has_value());
  }
  auto summary = stream->done();
  ASSERT_TRUE(summary.has_value()) << summary.error().to_string();
  EXPECT_EQ(summary->batches, 30u);
  EXPECT_EQ(summary->items, 300u);
  EXPECT_EQ(summary->accepted, 289u);
  EXPECT_EQ(summary->refused_count, 11u);
  ASSERT_EQ(summary->refused.size(), 11u);
  std::stable_sort(summary->refused.begin(), summary->refused.end(),  // in the order of the decisions until here
                   [](const auto& a, const auto& b) { return a.batch_number < b.batch_number; });
  EXPECT_EQ(summary->refused[0].batch_number, 8u);
  EXPECT_EQ(summary->refused[0].index, 3u);
  EXPECT_EQ(summary->refused[0].result.status, Status::signature_wrong);
  for (std::size_t i = 1; i < 11; ++i) {
    EXPECT_EQ(summary->refused[i].batch_number, 10u);
    EXPECT_EQ(summary->refused[i].result.status, Status::domain_wrong);
  }
  EXPECT_EQ(stream->done()->batches, 0u) << "since the last done()";
  ASSERT_TRUE(stream->send(world.batch(world.charges(2))).has_value());
  EXPECT_EQ(stream->done()->accepted, 2u);
}

TEST(RpcSubmit, AStreamHoldsTheClientBack) {
  RpcWorld world;
  auto session = world.server_session();
  auto stream = session.open_stream();
  ASSERT_TRUE(stream.has_value());
  world.ingest->set(SwitchedIngest::Mode::hold);
  const std::vector<tabd::UnverifiedBatch> batches = [&] {
    std::vector<tabd::UnverifiedBatch> made;
    for (int i = 0; i < 64; ++i) made.push_back(world.batch(world.charges(100)));
    return made;
  }();
  std::atomic<bool> opened{false};
  std::size_t at_most = 0;
  std::thread door([&] {
    world.ingest->wait_until_held(base::limits::kStreamBatchesMax);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    at_most = world.ingest->held();
    opened = true;
    world.ingest->set(SwitchedIngest::Mode::pass);
  });
  bool waited = false;
  for (const tabd::UnverifiedBatch& batch : batches) {
    const bool before = opened;
    ASSERT_TRUE(stream->send(batch).has_value());
    waited = waited || (!before && opened);
  }
  door.join();
  EXPECT_TRUE(waited) << "send() returned without waiting for flow control";
  EXPECT_GE(at_most, base::limits::kStreamBatchesMax);
  EXPECT_LT(at_most, batches.size()) << "everything was taken although nothing was decided";
  const auto summary = stream->done();
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->accepted, 6400u);
}

TEST(RpcSubmit, ExposureOfStrangers) {
  RpcWorld world;
  auto session = world.server_session();
  EXPECT_NE(session.exposure(world.actors.payer(9), kUsdc).error().message.find("payer_unknown"), std::string::npos);
  EXPECT_NE(session.exposure(world.actors.payer(0), base::AssetId(9)).error().message.find("asset_unknown"),
            std::string::npos);
  EXPECT_EQ(session.exposure(world.actors.payer(2), kUsdc)->exposure, base::Amount(0)) << "never charged";
  const auto account = session.account();
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(account->server.key, world.actors.server(0));
  ASSERT_EQ(account->payees.size(), 1u);
  EXPECT_EQ(account->payees[0].address, world.actors.payee(0));
}

}  // namespace
}  // namespace rpc
