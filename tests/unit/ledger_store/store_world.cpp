#include "tests/unit/ledger_store/store_world.h"

#include <stdlib.h>

#include <filesystem>

#include "base/check.h"

namespace ledger::store {

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "tabd-test-XXXXXX").string();
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

World::World() = default;

StoreOptions World::options() const {
  StoreOptions options;
  options.path = directory / "ledger";
  options.network = std::string(support::kNetwork);
  options.memory_bytes = 16u << 20;
  options.recent_replay_keys = 1024;
  return options;
}

base::Result<std::unique_ptr<LedgerStore>> World::try_open(StoreOptions options, api::Observer* observer,
                                                           Failure::Action on_failure) {
  return open_store(std::move(options), clock, *calendar, operator_key, observer, {}, std::move(on_failure));
}

std::unique_ptr<LedgerStore> World::open(StoreOptions options, api::Observer* observer, Failure::Action on_failure) {
  auto store = try_open(std::move(options), observer, std::move(on_failure));
  CHECK_MSG(store.has_value(), store ? nullptr : store.error().message.c_str());
  return std::move(*store);
}

core::CommandResult World::must(LedgerStore& store, core::Command command) {
  const api::CommandReceipt receipt = store.service().submit_and_wait(std::move(command));
  CHECK_MSG(receipt.result.status == Status::ok, receipt.result.detail.c_str());
  return receipt.result;
}

void World::set_up(LedgerStore& store, std::uint64_t payers) {
  must(store, core::SetAsset{{kUsdc, std::string(support::kUsdcText), "USDC", 6, 6}});
  core::Plan plan;
  plan.label = "day";
  plan.asset = kUsdc;
  plan.window.kind = aggregator::WindowKind::day;
  plan.credit_limit = base::Amount(1'000'000'000);
  plan.rails = {*base::RailName::parse("sandbox")};
  plan.dunning_s = {60};
  must(store, core::SetPlan{plan});
  for (std::uint64_t i = 0; i < 2; ++i) {
    core::Payee payee;
    payee.address = actors.payee(i);
    payee.label = "payee " + std::to_string(i);
    payee.payout_rail = *base::RailName::parse("sandbox");
    payee.payout_account = "account";
    must(store, core::SetPayee{payee});
  }
  must(store, core::SetServer{actors.server(0), "server 0", {actors.payee(0), actors.payee(1)}, true});
  for (std::uint64_t i = 0; i + 1 < payers; ++i) {
    store.service().submit(core::SetPayer{actors.payer(i), "payer " + std::to_string(i), {"day"}},
                           [](api::CommandReceipt receipt) { CHECK(receipt.result.status == Status::ok); });
  }
  must(store, core::SetPayer{actors.payer(payers - 1), "payer " + std::to_string(payers - 1), {"day"}});
}

std::vector<commitments::tab::Item> World::charges(std::size_t count, std::uint64_t payer, bool with_signature) {
  std::vector<commitments::tab::Item> items;
  for (std::size_t i = 0; i < count; ++i) {
    SingleSpec spec;
    spec.payer = payer;
    spec.maximum = 100;
    spec.amount = 10;
    spec.nonce = next_nonce++;
    spec.valid_before = clock.now().seconds() + 3600;
    items.push_back(with_signature ? actors.charge(spec) : actors.unsigned_charge(spec));
  }
  return items;
}

std::future<api::BatchReceipt> World::send(LedgerStore& store, commitments::tab::VerifiedBatch batch) {
  auto promise = std::make_shared<std::promise<api::BatchReceipt>>();
  std::future<api::BatchReceipt> future = promise->get_future();
  store.service().submit(std::move(batch),
                         [promise](api::BatchReceipt receipt) { promise->set_value(std::move(receipt)); });
  return future;
}

api::BatchReceipt World::submit(LedgerStore& store, std::vector<commitments::tab::Item> items) {
  return send(store, actors.verified(0, next_batch++, std::move(items))).get();
}

api::BatchReceipt World::submit_trusted(LedgerStore& store, std::vector<commitments::tab::Item> items) {
  return send(store, actors.trusted(0, next_batch++, std::move(items))).get();
}

namespace {

commitments::tab::Mandate mandate_of(const World& world) {
  commitments::tab::Mandate mandate;
  mandate.payer = world.actors.payer(0);
  mandate.agent = world.actors.agent(0);
  mandate.asset = kUsdc;
  mandate.cap = base::Amount(10'000);
  mandate.period = commitments::tab::Period::day;
  mandate.nonce = 1;
  return mandate;
}

void expect(const api::BatchReceipt& receipt, const std::vector<Status>& statuses) {
  CHECK(receipt.status == Status::ok && receipt.items.size() == statuses.size());
  for (std::size_t i = 0; i < statuses.size(); ++i)
    CHECK_MSG(receipt.items[i].status == statuses[i], std::string(base::name(receipt.items[i].status)).c_str());
}

}  // namespace

void World::live(LedgerStore& store) {
  const commitments::tab::Mandate mandate = mandate_of(*this);
  must(store, core::SetMandate{mandate, actors.sign_mandate(mandate, 0)});
  const auto spec = [this] {
    SingleSpec made;
    made.nonce = next_nonce++;
    made.valid_before = clock.now().seconds() + 3600;
    return made;
  };
  SingleSpec by_agent = spec();
  by_agent.agent = 0;
  SingleSpec too_much = spec();
  too_much.amount = too_much.maximum + 1;
  VoucherSpec voucher;
  voucher.payer = 1;
  voucher.payee = 1;
  voucher.amounts = {10, 20, 30};
  VoucherSpec more = voucher;
  more.first_index = 3;
  more.amounts = {5};
  expect(submit(store, {actors.charge(by_agent), actors.charge(too_much), actors.voucher(voucher),
                        actors.charge(spec()), actors.voucher(more)}),
         {Status::ok, Status::charge_above_maximum, Status::ok, Status::ok, Status::ok});
  SingleSpec held = spec(), freed = spec(), forgotten = spec();
  forgotten.valid_before = clock.now().seconds() + 5;
  expect(submit(store, {actors.hold(held), actors.hold(freed), actors.hold(forgotten)}),
         {Status::ok, Status::ok, Status::ok});
  clock.advance(1);
  held.amount = 700;
  expect(submit(store, {actors.capture(held), actors.charge(by_agent), actors.release(freed)}),
         {Status::ok, Status::already_accepted, Status::ok});
  clock.advance(10);
  must(store, core::ExpireHolds{10});
  const commitments::tab::MandateRevocation revocation{mandate.payer, mandate.agent, mandate.asset, 2};
  must(store, core::RevokeMandate{revocation, actors.sign_revocation(revocation, 0)});
  must(store, core::CloseNow{actors.payer(0), kUsdc});
  must(store, core::CloseNow{actors.payer(1), kUsdc});
  core::StepSettlement step;
  step.id = core::SettlementId(1);
  step.attempt = 1;
  step.to = core::SettlementState::sending;
  step.idempotency_key = support::test_hash(1);
  step.request = {1, 2, 3};
  must(store, step);
  expect(submit(store, charges(3, 0)), {Status::ok, Status::ok, Status::ok});
  must(store, core::CreateCreditNote{actors.payer(1), kUsdc, core::StatementId(2), base::Amount(5), "sorry", "note 1"});
  must(store, core::SetStanding{actors.payer(2), core::Standing::suspended_by_operator, "test"});
}

}  // namespace ledger::store
