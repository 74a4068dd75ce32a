#include "commitments/tab/verify_parts.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

namespace limits = base::limits;
using base::Status;

class Parts : public testing::Test {
 protected:
  // `wrong` items of the batch get the other v.
  std::unique_ptr<BatchVerifier> batch(std::uint64_t server, std::size_t items, std::vector<std::size_t> wrong = {},
                                       std::vector<std::uint64_t> clients = {}) {
    std::vector<Item> list;
    for (std::size_t i = 0; i < items; ++i) list.push_back(actors.charge({.payer = i % 5, .nonce = next_nonce++}));
    UnverifiedBatch made = actors.batch(server, next_number++, std::move(list));
    for (const std::size_t i : wrong) made.items[i].signature.bytes[64] ^= 27 ^ 28;
    made.clients = std::move(clients);
    return std::make_unique<BatchVerifier>(actors.domain(), actors.assets(), actors.key_cache(), std::move(made));
  }
  // Indexes that were refused with signature_wrong; every other item must be good.
  std::vector<std::size_t> refused(BatchVerifier& verifier) {
    const VerifiedBatch done = verifier.finish();
    EXPECT_EQ(done.status(), Status::ok);
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < done.items().size(); ++i) {
      if (done.items()[i].status() == Status::ok) continue;
      EXPECT_EQ(done.items()[i].status(), Status::signature_wrong);
      indexes.push_back(i);
    }
    return indexes;
  }
  void learn_keys() {
    const auto first = batch(0, 5);
    first->verify_items(0, 5);
  }
  Submitter server(std::uint64_t index) { return {actors.server(index), 0}; }

  support::Actors actors;
  SubmitterWatch watch;
  base::u128 next_nonce = 1;
  std::uint64_t next_number = 1;
};

TEST_F(Parts, SeveralBatchesAreOneCheckAndEachItemHasItsAnswer) {
  learn_keys();
  PartVerifier verifier(&watch);
  const auto a = batch(0, 40, {7});
  const auto b = batch(1, 30);
  const auto c = batch(2, 64, {0, 63});
  const std::vector<BatchPart> first = {{a.get(), 0, 40}, {b.get(), 10, 30}, {c.get(), 0, 1}};
  const std::vector<BatchPart> second = {{c.get(), 1, 64}, {b.get(), 0, 10}, {b.get(), 10, 10}};
  verifier.verify(first);
  verifier.verify(second);
  EXPECT_EQ(refused(*a), (std::vector<std::size_t>{7}));
  EXPECT_EQ(refused(*b), std::vector<std::size_t>{});
  EXPECT_EQ(refused(*c), (std::vector<std::size_t>{0, 63}));
  EXPECT_EQ(watch.company(server(1)), Company::all) << "the company of others costs it nothing";
  EXPECT_EQ(watch.company(server(0)), Company::own);
  EXPECT_EQ(verifier.tally().batches, crypto::batch_verification_built() ? 3u : 0u) << "one; then one, and c by itself";
}

TEST_F(Parts, WithoutAWatchEachAlone) {
  learn_keys();
  PartVerifier verifier(nullptr);
  const auto a = batch(0, 40, {7});
  const BatchPart part{a.get(), 0, 40};
  verifier.verify({&part, 1});
  EXPECT_EQ(refused(*a), (std::vector<std::size_t>{7}));
  EXPECT_EQ(verifier.tally().batches, 0u);
  EXPECT_EQ(verifier.tally().single_items, 40u + 1u) << "and the server's";
}

TEST_F(Parts, ClientsOfOneServerAreToldApart) {
  learn_keys();
  PartVerifier verifier(&watch);
  std::vector<std::uint64_t> clients(40, 5);
  for (std::size_t i = 0; i < 40; i += 4) clients[i] = 9;
  const auto a = batch(0, 40, {0, 4, 8, 12, 16}, clients);
  const BatchPart part{a.get(), 0, 40};
  verifier.verify({&part, 1});
  EXPECT_EQ(refused(*a), (std::vector<std::size_t>{0, 4, 8, 12, 16}));
  EXPECT_EQ(watch.company({actors.server(0), 9}), Company::single);
  EXPECT_EQ(watch.company({actors.server(0), 5}), Company::all);
  EXPECT_EQ(watch.company(server(0)), Company::all);
  // The next time the two are checked apart, and the answers are the same.
  const crypto::BatchTally before = verifier.tally();
  const auto b = batch(0, 40, {20}, clients);
  const BatchPart next{b.get(), 0, 40};
  verifier.verify({&next, 1});
  EXPECT_EQ(refused(*b), (std::vector<std::size_t>{20}));
  EXPECT_EQ(verifier.tally().failed_batches, before.failed_batches) << "the wrong one was checked alone";
}

TEST_F(Parts, TheServersSignaturesAreCheckedWithTheItems) {
  learn_keys();
  PartVerifier verifier(&watch);
  std::vector<std::unique_ptr<BatchVerifier>> batches;
  std::vector<BatchPart> parts;
  for (std::size_t i = 0; i < 20; ++i) {
    batches.push_back(batch(0, 1));
    parts.push_back({batches.back().get(), 0, 1});
  }
  verifier.verify(parts);
  for (const auto& each : batches) EXPECT_EQ(each->finish().status(), Status::ok);
  if (!crypto::batch_verification_built()) return;
  EXPECT_EQ(verifier.tally().batches, 1u);
  EXPECT_EQ(verifier.tally().items, 40u);
}

TEST_F(Parts, AWrongSignatureOfTheServerRefusesItsBatchAlone) {
  learn_keys();
  PartVerifier verifier(&watch);
  UnverifiedBatch wrong = actors.batch(1, 1, {actors.charge({.nonce = 1000}), actors.charge({.nonce = 1001})});
  wrong.header.signature.bytes[64] ^= 27 ^ 28;
  BatchVerifier refused(actors.domain(), actors.assets(), actors.key_cache(), std::move(wrong));
  const auto good = batch(2, 30);
  const std::vector<BatchPart> parts = {{&refused, 0, 2}, {good.get(), 0, 30}};
  verifier.verify(parts);
  EXPECT_EQ(refused.finish().status(), Status::batch_signature_wrong);
  EXPECT_EQ(good->finish().status(), Status::ok);
  EXPECT_EQ(watch.company(server(1)), Company::own) << "it pays for it";
  EXPECT_EQ(watch.company(server(2)), Company::all);
}

TEST_F(Parts, ABatchThatIsRefusedAsAWholeIsNotLookedAt) {
  PartVerifier verifier(&watch);
  std::vector<Item> items = {actors.charge({})};
  UnverifiedBatch other = actors.batch(0, 1, items);
  other.network = "other:tab";
  BatchVerifier batch(actors.domain(), actors.assets(), actors.key_cache(), std::move(other));
  const BatchPart part{&batch, 0, 1};
  verifier.verify({&part, 1});
  verifier.verify({});
  EXPECT_EQ(batch.finish().status(), Status::domain_wrong);
  EXPECT_EQ(verifier.tally().single_items, 0u);
}

TEST(Watch, DebtIsEarnedBackByGoodSignatures) {
  SubmitterWatch watch;
  const Submitter one{base::Address{{1}}, 0};
  watch.record(one, 1000, 0);
  EXPECT_EQ(watch.company(one), Company::all);
  watch.record(one, 0, 1);
  EXPECT_EQ(watch.company(one), Company::own);
  watch.record(one, limits::kSubmitterWrongDebt - 1, 0);
  EXPECT_EQ(watch.company(one), Company::own);
  watch.record(one, 1, 0);
  EXPECT_EQ(watch.company(one), Company::all);

  watch.record(one, 0, 5);
  EXPECT_EQ(watch.company(one), Company::single);
  EXPECT_EQ(watch.singled_out(), 1u);
  watch.record(one, 0, 1'000'000);
  watch.record(one, limits::kSubmitterDebtMax - limits::kSubmitterSinglyDebt - 1, 0);
  EXPECT_EQ(watch.company(one), Company::single);
  watch.record(one, 1, 0);
  EXPECT_EQ(watch.company(one), Company::own);
  EXPECT_EQ(watch.singled_out(), 0u);
  EXPECT_EQ(watch.singled_out_total(), 1u);
}

TEST(Watch, RemembersABoundedNumberAndTheWorst) {
  SubmitterWatch watch;
  const Submitter worst{base::Address{{9}}, 0};
  watch.record(worst, 0, 100);
  for (std::uint64_t i = 1; i <= 2 * limits::kSubmittersWatchedMax; ++i) watch.record({base::Address{{1}}, i}, 0, 1);
  EXPECT_EQ(watch.company(worst), Company::single);
  EXPECT_EQ(watch.company({base::Address{{1}}, 2 * limits::kSubmittersWatchedMax}), Company::own);
  EXPECT_EQ(watch.singled_out(), 1u);
}

}  // namespace
}  // namespace commitments::tab
