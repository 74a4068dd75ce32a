// Commands that register and configure.

#include "base/limits.h"
#include "tests/unit/ledger_core/fixture.h"

namespace ledger::core {
namespace {

class RegistryTest : public LedgerTest {
 protected:
  RegistryTest() { set_up_world(); }
  void expect(const Command& command, Status status) {
    const std::size_t entries = journal_.size();
    const CommandResult result = run(command);
    EXPECT_EQ(base::name(result.status), base::name(status));
    EXPECT_FALSE(result.detail.empty()) << "says what is wrong";
    EXPECT_EQ(journal_.size(), entries);
  }
  void expect_unchanged(const Command& command) {
    const std::size_t entries = journal_.size();
    EXPECT_EQ(run(command).status, Status::ok);
    EXPECT_EQ(journal_.size(), entries) << "setting the same again writes nothing";
  }
};

TEST_F(RegistryTest, Assets) {
  const Asset usdc{kUsdc, std::string(support::kUsdcText), "USDC", 6, 6};
  expect_unchanged(SetAsset{usdc});
  Asset renamed = usdc;
  renamed.symbol = "USDC.e";
  EXPECT_EQ(must(SetAsset{renamed}).id, kUsdc.value);
  Asset other = usdc;
  other.scale = 7;
  expect(SetAsset{other}, Status::already_exists);
  other = usdc;
  other.rail_scale = 5;
  expect(SetAsset{other}, Status::already_exists);
  other = usdc;
  other.text = "EUR";
  expect(SetAsset{other}, Status::already_exists);
  other = usdc;
  other.id = AssetId(3);
  expect(SetAsset{other}, Status::already_exists);
  expect(SetAsset{{AssetId(0), "EUR", "EUR", 2, 2}}, Status::value_invalid);
  expect(SetAsset{{AssetId(3), "", "EUR", 2, 2}}, Status::value_invalid);
  expect(SetAsset{{AssetId(3), "EUR", "EUR", 19, 2}}, Status::value_invalid);
  expect(SetAsset{{AssetId(3), "EUR", "EUR", 2, 3}}, Status::value_invalid);
  expect(SetAsset{{AssetId(3), std::string(300, 'x'), "EUR", 2, 2}}, Status::value_invalid);
  const auto before = machine_->asset_table();
  must(SetAsset{{AssetId(65535), "EUR", "EUR", 18, 0}});
  EXPECT_NE(machine_->asset_table(), before) << "a new table";
  EXPECT_EQ(before->text_hash(AssetId(65535)), nullptr);
  EXPECT_NE(machine_->asset_table()->text_hash(AssetId(65535)), nullptr);
}

TEST_F(RegistryTest, Plans) {
  expect_unchanged(SetPlan{plan("day")});
  Plan changed = plan("day");
  changed.minimum = Amount(5);
  EXPECT_EQ(must(SetPlan{changed}).id, 1u);
  changed.id = PlanId(1);
  changed.label = "daily";
  EXPECT_EQ(must(SetPlan{changed}).id, 1u) << "an id finds it, so it can be renamed";
  expect(SetPayer{actors_.payer(0), "payer 0", {"day"}}, Status::not_found);
  changed.label = "fine";
  expect(SetPlan{changed}, Status::already_exists);
  changed.id = PlanId(77);
  expect(SetPlan{changed}, Status::not_found);
  Plan bad = plan("");
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("x");
  bad.asset = AssetId(9);
  expect(SetPlan{bad}, Status::asset_unknown);
  bad = plan("daily");
  bad.asset = kUsd;
  expect(SetPlan{bad}, Status::already_exists);
  bad = plan("x");
  bad.window.time_zone = "Mars/Olympus";
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("x");
  bad.window.kind = aggregator::WindowKind::duration;
  bad.window.duration_s = 0;
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("x");
  bad.rails.clear();
  expect(SetPlan{bad}, Status::value_invalid);
  bad.rails.assign(base::limits::kRailsPerPlanMax + 1, *RailName::parse("a"));
  expect(SetPlan{bad}, Status::value_invalid);
  bad.rails.assign(2, *RailName::parse("a"));
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("x");
  bad.dunning_s.assign(base::limits::kDunningStepsMax + 1, 1);
  expect(SetPlan{bad}, Status::value_invalid);
  bad.dunning_s = {~std::uint64_t{0}};
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("x");
  bad.terms_s = ~std::uint64_t{0};
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan(std::string(base::limits::kLabelBytesMax + 1, 'x'));
  expect(SetPlan{bad}, Status::value_invalid);
  bad = plan("bell\a");
  expect(SetPlan{bad}, Status::value_invalid);
}

TEST_F(RegistryTest, Payers) {
  expect_unchanged(SetPayer{actors_.payer(0), "payer 0", {"day", "fine"}});
  EXPECT_EQ(must(SetPayer{actors_.payer(0), "renamed", {"fine"}}).id, 1u);
  EXPECT_EQ(payer().label, "renamed");
  EXPECT_EQ(payer().plans, std::vector<PlanId>{PlanId(2)});
  EXPECT_EQ(payer().registered, now_);
  EXPECT_TRUE(has_row(row_key(Table::payer_by_address, actors_.payer(0))));
  const CommandResult missing = run(SetPayer{actors_.payer(1), "", {"day", "nope"}});
  EXPECT_EQ(missing.status, Status::not_found);
  EXPECT_NE(missing.detail.find("nope"), std::string::npos);
  must(SetPlan{plan("other")});
  expect(SetPayer{actors_.payer(1), "", {"day", "other"}}, Status::value_invalid);
  expect(SetPayer{actors_.payer(1), "", std::vector<std::string>(20, "day")}, Status::limit_reached);
  expect(SetPayer{{}, "", {}}, Status::value_invalid);
  expect(SetPayer{actors_.payer(1), std::string(200, 'x'), {}}, Status::value_invalid);
  EXPECT_EQ(must(SetPayer{actors_.payer(1), "", {}}).id, 2u);
}

TEST_F(RegistryTest, LabelsThatCouldDeceiveAreRefusedByName) {
  const auto refused = [this](const auto& command) {
    const CommandResult result = run(command);
    EXPECT_EQ(result.status, Status::value_invalid);
    return result.detail;
  };
  EXPECT_EQ(refused(SetPayer{actors_.payer(0), "gpj\xe2\x80\xaezip", {"day"}}),
            "label: it has a character that turns the direction of text");
  EXPECT_EQ(refused(SetPayer{actors_.payer(0), "a\xff", {"day"}}), "label: it is not UTF-8");
  EXPECT_EQ(refused(SetPlan{plan("da\xe2\x80\x8by")}), "label: it has an invisible character");
  Payee payee;
  payee.address = actors_.payee(0);
  payee.payout_account = "x\xc2\x9b";
  EXPECT_EQ(refused(SetPayee{payee}), "payout_account: it has a control character");
  SetServer server;
  server.key = actors_.payee(0);
  server.label = "\xe2\x81\xa6";
  EXPECT_EQ(refused(server), "label: it has a character that turns the direction of text");
  EXPECT_EQ(refused(SetStanding{actors_.payer(0), Standing::suspended_by_operator, "\xff"}), "reason: it is not UTF-8");
  must(SetPayer{actors_.payer(0), "Caf\xc3\xa9", {"day"}});
  EXPECT_EQ(payer().label, "Caf\xc3\xa9");
}

TEST_F(RegistryTest, PayersHaveAMandateForEachRail) {
  const RailName card = *RailName::parse("card"), bank = *RailName::parse("bank");
  expect(SetRailMandate{actors_.payer(9), card, {1}}, Status::payer_unknown);
  expect(SetRailMandate{actors_.payer(0), {}, {1}}, Status::value_invalid);
  expect(SetRailMandate{actors_.payer(0), card, Bytes(70'000)}, Status::value_invalid);
  expect_unchanged(SetRailMandate{actors_.payer(0), card, {}});
  must(SetRailMandate{actors_.payer(0), card, {1}});
  must(SetRailMandate{actors_.payer(0), bank, {2}});
  EXPECT_EQ(payer().rail_mandates, (std::vector<RailMandate>{{bank, {2}}, {card, {1}}})) << "ascending";
  must(SetRailMandate{actors_.payer(0), bank, {3}});
  must(SetRailMandate{actors_.payer(0), card, {}});
  EXPECT_EQ(payer().rail_mandates, (std::vector<RailMandate>{{bank, {3}}}));
  for (std::size_t i = 1; i < base::limits::kRailMandatesPerPayerMax; ++i)
    must(SetRailMandate{actors_.payer(0), *RailName::parse("rail" + std::to_string(i)), {1}});
  expect(SetRailMandate{actors_.payer(0), card, {1}}, Status::limit_reached);
  must(SetRailMandate{actors_.payer(0), bank, {4}});
}

TEST_F(RegistryTest, PayersKeepTheirRailMandateAndStanding) {
  const RailName card = *RailName::parse("card");
  must(SetRailMandate{actors_.payer(0), card, {1, 2, 3}});
  expect_unchanged(SetRailMandate{actors_.payer(0), card, {1, 2, 3}});
  must(SetStanding{actors_.payer(0), Standing::suspended_by_operator, "late"});
  expect_unchanged(SetStanding{actors_.payer(0), Standing::suspended_by_operator, "late"});
  must(SetPayer{actors_.payer(0), "new label", {"day"}});
  EXPECT_EQ(payer().rail_mandates, (std::vector<RailMandate>{{card, {1, 2, 3}}}));
  EXPECT_EQ(payer().standing, Standing::suspended_by_operator);
  expect(SetStanding{actors_.payer(0), Standing::suspended_by_dunning, ""}, Status::value_invalid);
  expect(SetStanding{actors_.payer(9), Standing::active, ""}, Status::payer_unknown);
}

TEST_F(RegistryTest, Payees) {
  Payee payee;
  payee.address = actors_.payee(5);
  payee.fee_basis_points = 10'001;
  expect(SetPayee{payee}, Status::value_invalid);
  payee.fee_basis_points = 10'000;
  EXPECT_EQ(must(SetPayee{payee}).id, 3u);
  expect_unchanged(SetPayee{payee});
  payee.id = PayeeId(77);
  expect_unchanged(SetPayee{payee});  // the address finds it; the id is ignored
  payee.payout_account = std::string(300, 'x');
  expect(SetPayee{payee}, Status::value_invalid);
  payee = {};
  expect(SetPayee{payee}, Status::value_invalid);
}

TEST_F(RegistryTest, Servers) {
  expect_unchanged(SetServer{actors_.server(0), "server 0", {actors_.payee(1), actors_.payee(0)}, true});
  const CommandResult missing = run(SetServer{actors_.server(1), "", {actors_.payee(8)}, true});
  EXPECT_EQ(missing.status, Status::not_found);
  EXPECT_NE(missing.detail.find(base::to_hex(actors_.payee(8))), std::string::npos);
  expect(SetServer{{}, "", {}, true}, Status::value_invalid);
  expect(SetServer{actors_.server(1), "", std::vector<Address>(1025), true}, Status::limit_reached);
  EXPECT_EQ(must(SetServer{actors_.server(1), "", {}, true}).id, 2u);
}

TEST_F(RegistryTest, CreditLimits) {
  expect(SetCreditLimit{actors_.payer(9), kUsdc, Amount(1)}, Status::payer_unknown);
  expect(SetCreditLimit{actors_.payer(0), AssetId(9), Amount(1)}, Status::asset_unknown);
  expect_unchanged(SetCreditLimit{actors_.payer(0), kUsdc, Amount(0)});
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(5)});
  expect_unchanged(SetCreditLimit{actors_.payer(0), kUsdc, Amount(5)});
  EXPECT_EQ(submit_one(charge_item(6)).status, Status::credit_limit_exceeded);
  must(SetCreditLimit{actors_.payer(0), kUsdc, Amount(0)});
  EXPECT_EQ(submit_one(charge_item(6)).status, Status::ok) << "zero is the plan's limit again";
}

}  // namespace
}  // namespace ledger::core
