#pragma once

// A real ledger in a temporary folder with one payer, one payee and one server on a rail, that can be reopened.

#include <filesystem>
#include <future>

#include "aggregator/calendar.h"
#include "base/check.h"
#include "base/limits.h"
#include "ledger/store/ledger_store.h"
#include "tests/support/actors.h"

namespace support {

class RealLedger {
 public:
  RealLedger(const base::Clock& clock, std::filesystem::path directory, std::string rail, std::string payout_account,
             std::vector<std::uint64_t> dunning_s = {}, ledger::api::Observer* observer = nullptr)
      : clock_(clock), directory_(std::move(directory)), now_s_(clock.now().seconds()), observer_(observer) {
    open();
    namespace core = ledger::core;
    core::Asset usdc;
    usdc.id = kUsdc;
    usdc.text = std::string(kUsdcText);
    usdc.symbol = "USDC";
    must(core::SetAsset{usdc});
    core::Plan plan;
    plan.label = "day";
    plan.asset = kUsdc;
    plan.credit_limit = base::Amount(1'000'000'000);
    plan.rails = {*base::RailName::parse(rail)};
    plan.dunning_s = std::move(dunning_s);
    must(core::SetPlan{plan});
    core::Payee payee;
    payee.address = actors.payee(0);
    payee.fee_basis_points = 1'000;  // 10 %
    payee.payout_rail = *base::RailName::parse(rail);
    payee.payout_account = std::move(payout_account);
    must(core::SetPayee{payee});
    must(core::SetServer{actors.server(0), "server", {actors.payee(0)}, true});
    must(core::SetPayer{actors.payer(0), "payer", {"day"}});
  }
  ~RealLedger() { close(); }

  void open() {
    ledger::store::StoreOptions options;
    options.path = directory_ / "ledger";
    options.network = std::string(kNetwork);
    options.memory_bytes = 8u << 20;
    auto opened = ledger::store::LedgerStore::open(options, clock_, *calendar_, operator_key_, observer_);
    CHECK_MSG(opened.has_value(), opened ? "" : opened.error().message.c_str());
    store_ = std::move(*opened);
  }
  void close() {
    if (store_) store_->stop();
    store_.reset();
  }

  ledger::api::LedgerService& service() { return store_->service(); }
  const ledger::api::LedgerReader& reader() const { return store_->reader(); }

  ledger::core::CommandResult must(ledger::core::Command command) {
    const ledger::api::CommandReceipt receipt = service().submit_and_wait(std::move(command));
    CHECK_MSG(base::accepted(receipt.result.status), receipt.result.detail.c_str());
    return receipt.result;
  }
  // One charge of the payer, in a statement of its own; gives the collection.
  ledger::core::SettlementId bill(std::uint64_t amount) {
    SingleSpec spec;
    spec.maximum = amount;
    spec.amount = amount;
    spec.nonce = ++nonce_;
    spec.valid_before = now_s_ + 3'600;
    std::promise<ledger::api::BatchReceipt> answer;
    service().submit(actors.verified(0, static_cast<std::uint64_t>(nonce_), {actors.charge(spec)}),
                     [&answer](ledger::api::BatchReceipt receipt) { answer.set_value(std::move(receipt)); });
    const ledger::api::BatchReceipt receipt = answer.get_future().get();
    CHECK(receipt.status == base::Status::ok && receipt.items.at(0).status == base::Status::ok);
    must(ledger::core::CloseNow{actors.payer(0), kUsdc});
    return ledger::core::SettlementId(reader().head()->settlements);
  }
  // Plans what can be paid out; gives the newest settlement.
  ledger::core::SettlementId plan_payouts() {
    must(ledger::core::PlanPayouts{16});
    return ledger::core::SettlementId(reader().head()->settlements);
  }
  ledger::core::Settlement settlement(ledger::core::SettlementId id) const { return reader().settlement(id).value(); }
  ledger::core::Standing standing() const { return reader().payer(actors.payer(0))->standing; }

  Actors actors;

 private:
  const base::Clock& clock_;
  const std::filesystem::path directory_;
  const std::uint64_t now_s_;
  ledger::api::Observer* const observer_;
  const std::unique_ptr<aggregator::Calendar> calendar_ = aggregator::make_calendar();
  const crypto::SecretKey operator_key_ = secret_key(Role::keeper, 0);
  std::unique_ptr<ledger::store::LedgerStore> store_;
  base::u128 nonce_ = 0;
};

}  // namespace support
