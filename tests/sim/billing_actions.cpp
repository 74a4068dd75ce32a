#include "tests/sim/world.h"

// What finance teams do: taxes, refunds, payments that came by themselves, terms of payees.

namespace sim {

core::ReleaseDefaults World::random_terms() {
  core::ReleaseDefaults terms;
  for (const char* rail : {"card", "sandbox", "bank"}) {
    if (!chance(60)) continue;
    const std::uint64_t hold = chance(30) ? 0 : below(600);
    terms.release.push_back(
        {*core::RailName::parse(rail), hold, static_cast<std::uint32_t>(chance(30) ? 0 : below(10'001))});
  }
  if (chance(30)) terms.payout_every = {aggregator::WindowKind::duration, 1 + below(3600), "UTC"};
  if (chance(10)) terms.payout_every = {aggregator::WindowKind::week, 0, "Europe/Berlin"};
  return terms;
}

// When the next payout is due is found out again.
void World::reschedule(std::uint32_t payee) {
  for (auto& [key, earning] : model_.earnings) {
    if (key.first == payee) earning.payout_from = {};
  }
}

core::Command World::random_billing_command() {
  const base::Address payer = actors_.payer(below(4));
  const core::AssetId asset(static_cast<std::uint16_t>(1 + below(2)));
  switch (below(8)) {
    case 0: {
      static constexpr std::uint32_t kRates[] = {0, 190'000, 70'000, 82'500, 1'000'000, 1};
      return core::SetTax{payer, {kRates[below(6)], "VAT", chance(20) ? "reverse charge" : ""}};
    }
    case 1: return core::SetReleaseDefaults{random_terms()};
    case 2:
    case 3:
    case 4: {
      if (chance(10) && last_refund_) return *last_refund_;
      core::RefundPayer refund{payer, asset, {}, core::Amount(chance(5) ? 0 : below(3000)), "test", ""};
      refund.reference = chance(1) ? "" : "refund " + std::to_string(below(40 + 4 * model_.refunds.size()));
      if (model_.statements.empty()) return refund;
      refund.statement = core::StatementId(1 + below(model_.statements.size() + (chance(5) ? 1 : 0)));
      const auto at = model_.statements.find(refund.statement.value);
      if (at == model_.statements.end()) return refund;
      refund.payer = model_.payers.at(at->second.account.first).address;
      refund.asset = core::AssetId(at->second.account.second);
      const auto account = model_.accounts.find(at->second.account);
      const Money credit = account == model_.accounts.end() ? 0 : account->second.credit;
      if (chance(70)) refund.amount = core::Amount(static_cast<std::uint64_t>(chance(40) ? credit : credit / 2));
      if (chance(80))
        refund.amount = *core::Amount::from_units(
            static_cast<base::u128>(whole_rail_units(money(refund.amount), model_.assets.at(refund.asset.value))));
      last_refund_ = refund;
      return refund;
    }
    default: {
      core::RecordPayment payment{payer, asset, {}, core::Amount(chance(5) ? 0 : below(6000)), "", {}, {}};
      payment.reference = "wire " + std::to_string(below(2 + model_.payments.size()));
      const AccountKey key{find_address(model_.payers, payer)->first, asset.value};
      for (const auto& [id, statement] : model_.statements) {
        const bool open = statement.account == key && statement.state == StatementState::open;
        if ((open || chance(1)) && payment.oldest_first.size() < 60) payment.oldest_first.emplace_back(id);
      }
      if (chance(30) && !payment.oldest_first.empty()) {
        payment.statement = payment.oldest_first.front();
        const ModelStatement& of = model_.statements.at(payment.statement.value);
        if (chance(60) && of.due_amount() > 0)
          payment.amount = core::Amount(static_cast<std::uint64_t>(of.due_amount()) + (chance(30) ? below(100) : 0));
      }
      return payment;
    }
  }
}

}  // namespace sim
