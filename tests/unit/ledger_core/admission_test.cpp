// Every answer that the ladder of checks can give, and their order.

#include <functional>

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

using commitments::tab::Item;
using commitments::tab::VerifiedTestAccess;

class AdmissionTest : public LedgerTest {
 protected:
  AdmissionTest() { set_up_world(); }
};

TEST_F(AdmissionTest, AcceptsAChargeAndWritesItsEntries) {
  const ItemResult result = submit_one(charge_item(400));
  EXPECT_EQ(result.status, Status::ok);
  EXPECT_EQ(last_kinds(), (std::vector<std::string>{"window_opened", "charged", "batch_signed"}));
  EXPECT_EQ(result.sequence, last()[1].sequence);
  const Tally tally = this->tally();
  EXPECT_EQ(tally.unbilled, Amount(400));
  EXPECT_EQ(tally.exposure(), Amount(400));
  ASSERT_EQ(tally.lines.lines().size(), 1u);
  EXPECT_EQ(tally.lines.lines()[0].charges, 1u);
  EXPECT_EQ(tally.account_unbilled, (Balance{0, 400}));
  EXPECT_EQ(payee_balance(1).accrued, (Balance{0, -400}));
  EXPECT_EQ(operators().volume, Amount(400));
  const BatchSigned batch = std::get<BatchSigned>(last()[2].entry);
  EXPECT_EQ(batch.first, result.sequence);
  EXPECT_TRUE(batch.refused.empty());
}

TEST_F(AdmissionTest, AcceptsAChargeOfNothingAndUsesItsNonce) {
  SingleSpec spec;
  spec.nonce = 5;
  EXPECT_EQ(submit_one(charge_item(0, spec)).status, Status::ok);
  EXPECT_EQ(submit_one(charge_item(1, spec)).status, Status::nonce_conflict);
  EXPECT_EQ(tally().unbilled, Amount(0));
}

TEST_F(AdmissionTest, SameItemGetsTheFirstResultAndAnotherBodyIsAConflict) {
  const Item item = charge_item(10);
  const ItemResult first = submit_one(item);
  advance(40 * 24 * 3600);  // long after it expired, and in another window
  const std::size_t entries = journal_.size();
  const ItemResult again = submit_one(item);
  EXPECT_EQ(again.status, Status::already_accepted);
  EXPECT_EQ(again.sequence, first.sequence);
  Item other = item;
  other.usages[0].amount = Amount(9);
  EXPECT_EQ(submit_one(other).status, Status::nonce_conflict);
  Item as_hold = item;
  as_hold.kind = commitments::tab::ItemKind::hold;
  as_hold.usages.clear();
  EXPECT_EQ(submit_one(as_hold).status, Status::nonce_conflict);
  EXPECT_EQ(journal_.size(), entries);
  EXPECT_EQ(tally().unbilled, Amount(10));
}

TEST_F(AdmissionTest, ARefusedBatchRefusesEachItem) {
  using commitments::tab::VerifiedBatch;
  for (const Status status : {Status::domain_wrong, Status::batch_too_large, Status::batch_signature_wrong}) {
    std::vector<commitments::tab::VerifiedItem> items;
    items.push_back(VerifiedTestAccess::item(actors_.domain(), *actors_.assets(), charge_item(1)));
    commitments::tab::BatchHeader header;
    header.server = actors_.server(0);
    const VerifiedBatch batch = VerifiedTestAccess::batch(header, std::move(items), status);
    std::vector<ItemResult> results(1);
    SegmentBuilder builder(SegmentId(machine_->head().last_segment.value + 1),
                           Sequence(machine_->head().last_sequence.value + 1), now_);
    machine_->execute_batch(batch, replay_, builder, results);
    EXPECT_EQ(results[0].status, status);
    EXPECT_TRUE(builder.empty());
  }
}

TEST_F(AdmissionTest, RefusedItemsAreListedInTheBatchEntry) {
  SingleSpec unknown;
  unknown.payer = 99;
  const std::vector<ItemResult> results =
      submit({charge_item(1, unknown), charge_item(2), charge_item(3, unknown), charge_item(4)});
  EXPECT_EQ(results[0].status, Status::payer_unknown);
  EXPECT_EQ(results[1].status, Status::ok);
  EXPECT_EQ(results[3].status, Status::ok);
  const BatchSigned batch = entries_of_kind<BatchSigned>().back();
  EXPECT_EQ(batch.count, 4u);
  EXPECT_EQ(batch.first, results[1].sequence);
  ASSERT_EQ(batch.refused.size(), 2u);
  EXPECT_EQ(batch.refused[0].index, 0u);
  EXPECT_EQ(batch.refused[1].index, 2u);
}

TEST_F(AdmissionTest, ABatchWithNothingNewWritesNothing) {
  const Item item = charge_item(10);
  submit_one(item);
  const std::size_t entries = journal_.size();
  EXPECT_EQ(submit_one(item).status, Status::already_accepted);
  EXPECT_EQ(journal_.size(), entries);
}

class LadderTest : public AdmissionTest {
 public:
  using LedgerTest::actors_;
  using LedgerTest::advance;
  using LedgerTest::charge;
  using LedgerTest::must;
  using LedgerTest::now_;
  using LedgerTest::plan;

  void set_mandate(std::uint64_t cap, std::uint64_t valid_after = 0, std::uint64_t valid_before = 0,
                   std::vector<base::Address> payees = {}) {
    commitments::tab::Mandate mandate;
    mandate.payer = actors_.payer(0);
    mandate.agent = actors_.agent(0);
    mandate.asset = kUsdc;
    mandate.cap = Amount(cap);
    mandate.valid_after = valid_after;
    mandate.valid_before = valid_before;
    mandate.payees = std::move(payees);
    mandate.nonce = 1;
    must(SetMandate{mandate, {}});
  }
};

// One row for each refusal of the ladder: how to make it happen, and what is answered.
using Arrange = std::function<void(LadderTest&, SingleSpec&)>;

struct Rung {
  Status status;
  Arrange arrange;
  std::uint64_t amount = 100;
  std::uint64_t server = 0;
  std::uint64_t limit = 0;
  std::uint64_t allowed = 0;
};

std::vector<Rung> rungs_of_parties() {
  return {
      {Status::server_unknown, [](LadderTest&, SingleSpec&) {}, 100, 7},
      {Status::server_suspended,
       [](LadderTest& t, SingleSpec&) {
         t.must(SetServer{t.actors_.server(0), "server 0", {t.actors_.payee(0)}, false});
       }},
      {Status::payer_unknown, [](LadderTest&, SingleSpec& s) { s.payer = 42; }},
      {Status::payee_unknown, [](LadderTest&, SingleSpec& s) { s.payee = 42; }},
      {Status::payee_unknown,
       [](LadderTest& t, SingleSpec&) {
         Payee payee;
         payee.address = t.actors_.payee(0);
         payee.active = false;
         t.must(SetPayee{payee});
       }},
      {Status::server_not_for_payee,
       [](LadderTest& t, SingleSpec&) {
         t.must(SetServer{t.actors_.server(0), "server 0", {t.actors_.payee(1)}, true});
       }},
      {Status::asset_not_enabled,
       [](LadderTest& t, SingleSpec&) {
         t.must(SetPayer{t.actors_.payer(0), "payer 0", {"fine"}});
       }},
      {Status::expired, [](LadderTest& t, SingleSpec& s) { s.valid_before = t.now_.seconds(); }},
      {Status::not_yet_valid, [](LadderTest& t, SingleSpec& s) { s.valid_after = t.now_.seconds() + 1; }},
      {Status::validity_too_long,
       [](LadderTest& t, SingleSpec& s) { s.valid_before = t.now_.seconds() + base::limits::kValiditySecondsMax + 1; }},
  };
}

std::vector<Rung> rungs_of_signers_and_funds() {
  const auto by_agent = [](SingleSpec& spec) { spec.agent = 0; };
  return {
      {Status::signer_not_authorised, [=](LadderTest&, SingleSpec& s) { by_agent(s); }},
      {Status::mandate_revoked,
       [=](LadderTest& t, SingleSpec& s) {
         by_agent(s);
         t.set_mandate(1000);
         t.must(RevokeMandate{{t.actors_.payer(0), t.actors_.agent(0), kUsdc, 0}, {}});
       }},
      {Status::mandate_expired,
       [=](LadderTest& t, SingleSpec& s) {
         by_agent(s);
         t.set_mandate(1000, 0, t.now_.seconds() + 10);
         t.advance(10);
       }},
      {Status::mandate_not_yet_valid,
       [=](LadderTest& t, SingleSpec& s) {
         by_agent(s);
         t.set_mandate(1000, t.now_.seconds() + 1);
       }},
      {Status::mandate_payee_not_listed,
       [=](LadderTest& t, SingleSpec& s) {
         by_agent(s);
         t.set_mandate(1000, 0, 0, {t.actors_.payee(1)});
       }},
      {Status::item_malformed,
       [](LadderTest&, SingleSpec& s) {
         s.resource = support::test_hash(1);
         s.delivered = support::test_hash(2);
       }},
      {Status::charge_above_maximum, [](LadderTest&, SingleSpec& s) { s.maximum = 99; }, 100, 0, 99, 99},
      {Status::payer_suspended,
       [](LadderTest& t, SingleSpec&) {
         t.must(SetStanding{t.actors_.payer(0), Standing::suspended_by_operator, "test"});
       }},
      {Status::mandate_cap_exceeded,
       [=](LadderTest& t, SingleSpec& s) {
         by_agent(s);
         t.set_mandate(150);
         t.charge(60, s);
       },
       100, 0, 150, 90},
      {Status::credit_limit_exceeded,
       [](LadderTest& t, SingleSpec&) {
         t.charge(60);
         t.must(SetCreditLimit{t.actors_.payer(0), kUsdc, Amount(150)});
       },
       100, 0, 150, 90},
  };
}

TEST_F(LadderTest, EveryRefusalOfTheLadder) {
  std::vector<Rung> rungs = rungs_of_parties();
  for (Rung& rung : rungs_of_signers_and_funds()) rungs.push_back(std::move(rung));
  for (const Rung& rung : rungs) {
    SCOPED_TRACE(std::string(base::name(rung.status)));
    restart();  // a ledger of its own: arranging one refusal must not disturb another
    set_up_world();
    SingleSpec spec;
    rung.arrange(*this, spec);
    const std::size_t entries = journal_.size();
    const std::map<Bytes, Bytes> rows = rows_.rows;
    Item item = charge_item(rung.amount, spec);
    if (rung.status == Status::charge_above_maximum) item.single.maximum = Amount(spec.maximum);
    const ItemResult result = submit_one(item, rung.server);
    EXPECT_EQ(base::name(result.status), base::name(rung.status));
    EXPECT_EQ(result.limit, Amount(rung.limit));
    EXPECT_EQ(result.allowed, Amount(rung.allowed));
    EXPECT_EQ(journal_.size(), entries) << "a refusal writes nothing";
    EXPECT_EQ(difference(rows, rows_.rows), "") << "a refusal changes nothing";
    const base::Result<void> books = machine_->check_books();
    EXPECT_TRUE(books.has_value());
    if (rung.allowed != 0) {
      EXPECT_EQ(submit_one(charge_item(rung.allowed, spec)).status, Status::ok) << "`allowed` is allowed";
    }
  }
}

// A later check never answers before an earlier one: with two things wrong, the one that is first in the ladder wins.
TEST_F(AdmissionTest, TheFirstCheckThatFailsAnswers) {
  SingleSpec spec;
  spec.payee = 42;
  spec.valid_before = now_.seconds() - 1;
  EXPECT_EQ(submit_one(charge_item(1, spec)).status, Status::payee_unknown);
  spec.payee = 0;
  EXPECT_EQ(submit_one(charge_item(1, spec)).status, Status::expired);
  must(SetStanding{actors_.payer(0), Standing::suspended_by_operator, ""});
  spec.valid_before = now_.seconds() + 10;
  spec.agent = 3;
  EXPECT_EQ(submit_one(charge_item(1, spec)).status, Status::signer_not_authorised);
  spec.agent.reset();
  EXPECT_EQ(submit_one(charge_item(10'000'000, spec)).status, Status::payer_suspended);
}

TEST_F(AdmissionTest, AmountsThatCannotBeRepresentedAreRefused) {
  must(SetCreditLimit{actors_.payer(0), kUsdc, *Amount::from_units(Amount::kUnitsMax)});
  Item item = charge_item(1);
  item.single.maximum = *Amount::from_units(Amount::kUnitsMax);
  item.usages[0].amount = *Amount::from_units(kVolumeMax + 1);
  EXPECT_EQ(submit_one(item).status, Status::amount_overflow);
  item.usages[0].amount = *Amount::from_units(kVolumeMax);
  EXPECT_EQ(submit_one(item).status, Status::ok);
  EXPECT_EQ(submit_one(charge_item(1)).status, Status::amount_overflow);
  EXPECT_EQ(submit_one(charge_item(0)).status, Status::ok);
}

TEST_F(AdmissionTest, TheLedgerDoesNotRelyOnTheVerifier) {
  Item foreign = charge_item(1);
  foreign.single.asset = AssetId(77);
  Item empty = charge_item(1);
  empty.usages.clear();
  std::vector<commitments::tab::VerifiedItem> items;
  items.push_back(VerifiedTestAccess::item(foreign, support::test_hash(1), support::test_hash(1)));
  items.push_back(VerifiedTestAccess::item(empty, support::test_hash(2), support::test_hash(2)));
  commitments::tab::BatchHeader header;
  header.server = actors_.server(0);
  const auto batch = VerifiedTestAccess::batch(header, std::move(items));
  std::vector<ItemResult> results(2);
  SegmentBuilder builder(SegmentId(machine_->head().last_segment.value + 1),
                         Sequence(machine_->head().last_sequence.value + 1), now_);
  machine_->execute_batch(batch, replay_, builder, results);
  EXPECT_EQ(results[0].status, Status::asset_unknown);
  EXPECT_EQ(results[1].status, Status::item_malformed);
}

TEST_F(AdmissionTest, StatelessRefusalsComeFirst) {
  std::vector<commitments::tab::VerifiedItem> items;
  items.push_back(
      VerifiedTestAccess::item(actors_.domain(), *actors_.assets(), charge_item(1), Status::signature_high_s));
  commitments::tab::BatchHeader header;
  header.server = actors_.server(9);  // unknown
  const auto batch = VerifiedTestAccess::batch(header, std::move(items));
  std::vector<ItemResult> results(1);
  SegmentBuilder builder(SegmentId(machine_->head().last_segment.value + 1),
                         Sequence(machine_->head().last_sequence.value + 1), now_);
  machine_->execute_batch(batch, replay_, builder, results);
  EXPECT_EQ(results[0].status, Status::signature_high_s);
}

}  // namespace
}  // namespace ledger::core
