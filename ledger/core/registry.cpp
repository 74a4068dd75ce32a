// Effects of the entries that register and configure: assets, plans, payers, payees, servers, mandates, tabs.

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/period.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

// Ids are given in order: an object that is not there must be the next one.
Outcome check_next_id(std::uint64_t id, std::uint64_t last, std::string_view kind) {
  if (id == last + 1) return {};
  return mismatch(std::string(kind) + " " + std::to_string(id) + " is new, but the next number is " +
                  std::to_string(last + 1));
}

Amount power_of_ten(unsigned exponent) {
  std::uint64_t value = 1;
  for (unsigned i = 0; i < exponent; ++i) value *= 10;
  return Amount(value);
}

void set_rail_mandate(std::vector<RailMandate>& mandates, const RailName& rail, const Bytes& mandate) {
  const auto at = std::lower_bound(mandates.begin(), mandates.end(), rail,
                                   [](const RailMandate& a, const RailName& b) { return a.rail.view() < b.view(); });
  const bool present = at != mandates.end() && at->rail == rail;
  if (mandate.empty()) {
    if (present) mandates.erase(at);
  } else if (present) {
    at->mandate = mandate;
  } else {
    mandates.insert(at, RailMandate{rail, mandate});
  }
}

}  // namespace

Outcome StateMachine::State::apply(const Genesis& entry, const At& at) {
  if (at.sequence.value != 1) return mismatch("only the first entry can be a genesis");
  head.network = entry.network;
  head.operator_key = entry.operator_key;
  domain.emplace(entry.network);
  head_dirty = true;
  return {};
}

Outcome StateMachine::State::apply(const AssetSet& entry, const At&) {
  const Asset& asset = entry.asset;
  if (!asset.id.valid()) return mismatch("an asset has no number");
  if (asset.scale > 18 || asset.rail_scale > asset.scale) {
    return mismatch("asset " + std::to_string(asset.id.value) + " has impossible scales");
  }
  AssetRecord* record = find_asset(asset.id);
  if (record != nullptr) {
    if (record->asset.text != asset.text || record->asset.scale != asset.scale ||
        record->asset.rail_scale != asset.rail_scale) {
      return mismatch("text or scale of asset " + std::to_string(asset.id.value) + " changes");
    }
  } else {
    record = assets.emplace_back(std::make_unique<AssetRecord>()).get();
    asset_slots[asset.id.value] = static_cast<std::uint16_t>(assets.size());
    record->operators.asset = asset.id;
    touch_operators(*record);
  }
  record->asset = asset;
  record->rounding_unit = power_of_ten(static_cast<unsigned>(asset.scale - asset.rail_scale));
  touch(*record);

  auto table = std::make_shared<commitments::tab::AssetTable>();
  for (const auto& present : assets) table->add(present->asset.id, present->asset.text);
  record->text_hash = *table->text_hash(asset.id);
  asset_table = std::move(table);
  return {};
}

Outcome StateMachine::State::apply(const PlanSet& entry, const At&) {
  const Plan& plan = entry.plan;
  if (find_asset(plan.asset) == nullptr) return mismatch("the plan's asset is unknown");
  if (plan.rails.empty()) return mismatch("the plan has no rail");
  PlanRecord* record = find_plan(plan.id);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(plan.id.value, head.plans, "plan"));
    record = &plans.emplace_back();
    ++head.plans;
    head_dirty = true;
  } else {
    if (record->plan.asset != plan.asset) return mismatch("the plan's asset changes");
    plan_labels.erase(record->plan.label);
  }
  record->plan = plan;
  plan_labels[plan.label] = plan.id;
  for (const RailName& rail : plan.rails) rail_index(rail);
  touch(*record);
  return {};
}

Outcome StateMachine::State::apply(const PayerSet& entry, const At&) {
  const Payer& payer = entry.payer;
  if (payer.plans.size() > base::limits::kPlansPerPayerMax) return mismatch("the payer has too many plans");
  for (const PlanId plan : payer.plans) {
    if (find_plan(plan) == nullptr) return mismatch("plan " + std::to_string(plan.value) + " is unknown");
  }
  PayerRecord* record = find_payer(payer.id);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(payer.id.value, head.payers, "payer"));
    if (find_payer(payer.address).valid()) return mismatch("the payer's address is registered");
    record = &payers.emplace_back();
    record->fresh = true;
    ++head.payers;
    head_dirty = true;
    payer_index.insert(hash(payer.address), payer.id.value,
                       [this](std::uint32_t number) { return hash(payers[number - 1].address); });
  } else if (record->address != payer.address || record->standing != payer.standing || tax_of(payer.id) != payer.tax) {
    return mismatch("address, standing or tax of payer " + std::to_string(payer.id.value) + " changes");
  }
  pack(payer, *record);
  touch(*record, payer.id);
  return {};
}

Outcome StateMachine::State::apply(const PayeeSet& entry, const At&) {
  const Payee& payee = entry.payee;
  if (payee.fee_basis_points > 10'000) return mismatch("the payee's fee is above 10,000 basis points");
  PayeeRecord* record = find_payee(payee.id);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(payee.id.value, head.payees, "payee"));
    if (find_payee(payee.address).valid()) return mismatch("the payee's address is registered");
    record = &payees.emplace_back();
    record->present = true;
    record->fresh = true;
    ++head.payees;
    head_dirty = true;
    payee_index.insert(hash(payee.address), payee.id.value,
                       [this](std::uint32_t number) { return hash(payees[number - 1].payee.address); });
  } else if (record->payee.address != payee.address) {
    return mismatch("the address of payee " + std::to_string(payee.id.value) + " changes");
  }
  const bool rescheduled =
      record->payee.own_terms != payee.own_terms || record->payee.payout_every != payee.payout_every;
  record->payee = payee;
  if (rescheduled) reschedule(*record);
  if (!payee.payout_rail.view().empty()) rail_index(payee.payout_rail);
  for (const auto& balance : record->balances) review_payout(*record, balance->balance);
  touch(*record);
  return {};
}

Outcome StateMachine::State::apply(const ServerSet& entry, const At&) {
  const Server& server = entry.server;
  for (const PayeeId payee : server.payees) {
    if (find_payee(payee) == nullptr) return mismatch("payee " + std::to_string(payee.value) + " is unknown");
  }
  if (!std::is_sorted(server.payees.begin(), server.payees.end()))
    return mismatch("the server's payees are not sorted");
  ServerRecord* record = find_server(server.id);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(server.id.value, head.servers, "server"));
    if (find_server(server.key).valid()) return mismatch("the server's key is registered");
    record = &servers.emplace_back();
    record->fresh = true;
    ++head.servers;
    head_dirty = true;
    server_index.insert(hash(server.key), server.id.value,
                        [this](std::uint32_t number) { return hash(servers[number - 1].server.key); });
  } else if (record->server.key != server.key) {
    return mismatch("the key of server " + std::to_string(server.id.value) + " changes");
  }
  record->server = server;
  touch(*record);
  return {};
}

Outcome StateMachine::State::apply(const CreditLimitSet& entry, const At&) {
  if (find_payer(entry.payer) == nullptr) return mismatch("the payer is unknown");
  if (find_asset(entry.asset) == nullptr) return mismatch("the asset is unknown");
  TallyRecord& record = tally(entry.payer, entry.asset);
  if (!record.extra) record.extra = std::make_unique<TallyExtra>();
  record.extra->limit_override = entry.limit;
  touch(record);
  return {};
}

MandateRecord& StateMachine::State::add_mandate(MandateId id, PayerId payer, const Address& address,
                                                const Address& agent, AssetId asset) {
  MandateRecord& record = mandates.emplace_back();
  record.present = true;
  record.fresh = true;
  record.payer = payer;
  record.state.id = id;
  record.state.mandate.payer = address;
  record.state.mandate.agent = agent;
  record.state.mandate.asset = asset;
  ++head.mandates;
  head_dirty = true;
  mandate_index.insert(hash_mandate(payer, agent, asset), id.value, [this](std::uint32_t number) {
    const MandateRecord& present = mandates[number - 1];
    return hash_mandate(present.payer, present.state.mandate.agent, present.state.mandate.asset);
  });
  return record;
}

Outcome StateMachine::State::apply(const MandateSet& entry, const At& at) {
  const commitments::tab::Mandate& mandate = entry.mandate;
  const PayerId payer = find_payer(mandate.payer);
  if (!payer.valid()) return mismatch("the mandate's payer is unknown");
  if (find_asset(mandate.asset) == nullptr) return mismatch("the mandate's asset is unknown");
  MandateRecord* record = find_mandate(payer, mandate.agent, mandate.asset);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(entry.id.value, head.mandates, "mandate"));
    record = &add_mandate(entry.id, payer, mandate.payer, mandate.agent, mandate.asset);
  } else if (record->state.id != entry.id || mandate.nonce <= record->state.nonce_floor) {
    return mismatch("the mandate does not replace the one in force");
  }
  MandateState& state = record->state;
  state.mandate = mandate;
  state.signature = entry.signature;
  state.revoked = false;
  state.nonce_floor = mandate.nonce;
  roll_periods(state, at.time);
  touch(*record);
  return {};
}

Outcome StateMachine::State::apply(const MandateRevoked& entry, const At& at) {
  const commitments::tab::MandateRevocation& revocation = entry.revocation;
  const PayerId payer = find_payer(revocation.payer);
  if (!payer.valid()) return mismatch("the revocation's payer is unknown");
  if (find_asset(revocation.asset) == nullptr) return mismatch("the revocation's asset is unknown");
  MandateRecord* record = find_mandate(payer, revocation.agent, revocation.asset);
  if (record == nullptr) {
    RETURN_IF_ERROR(check_next_id(entry.id.value, head.mandates, "mandate"));
    record = &add_mandate(entry.id, payer, revocation.payer, revocation.agent, revocation.asset);
    record->state.counted_at = at.time;
  } else if (record->state.id != entry.id || revocation.nonce < record->state.nonce_floor) {
    return mismatch("the revocation is older than the mandate");
  }
  record->state.revoked = true;
  record->state.nonce_floor = revocation.nonce;
  touch(*record);
  return {};
}

Outcome StateMachine::State::apply(const RailMandateSet& entry, const At&) {
  PayerRecord* record = find_payer(entry.payer);
  if (record == nullptr) return mismatch("the payer is unknown");
  if (entry.rail.view().empty()) return mismatch("the rail is empty");
  Payer payer = unpack(entry.payer);
  set_rail_mandate(payer.rail_mandates, entry.rail, entry.mandate);
  if (payer.rail_mandates.size() > base::limits::kRailMandatesPerPayerMax) {
    return mismatch("the payer has too many rail mandates");
  }
  pack(payer, *record);
  touch(*record, entry.payer);
  return {};
}

Outcome StateMachine::State::apply(const StandingSet& entry, const At&) {
  PayerRecord* record = find_payer(entry.payer);
  if (record == nullptr) return mismatch("the payer is unknown");
  record->standing = entry.standing;
  touch(*record, entry.payer);
  return {};
}

Outcome StateMachine::State::apply(const TabOpened& entry, const At&) {
  RETURN_IF_ERROR(check_next_id(entry.id.value, head.tabs, "tab"));
  const PayerRecord* payer = find_payer(entry.payer);
  const PayeeRecord* payee = find_payee(entry.payee);
  const AssetRecord* asset = find_asset(entry.asset);
  if (payer == nullptr || payee == nullptr || asset == nullptr) return mismatch("payer, payee or asset is unknown");
  if (find_tab(entry.payer, entry.payee, entry.asset, entry.salt) != nullptr) return mismatch("the tab is open");
  commitments::tab::Voucher voucher;
  voucher.payer = payer->address;
  voucher.payee = payee->payee.address;
  voucher.asset = entry.asset;
  voucher.salt = entry.salt;
  TabRecord& record = tabs.emplace_back();
  record.present = true;
  record.fresh = true;
  record.tab.id = entry.id;
  record.tab.key = commitments::tab::tab_key(voucher, asset->text_hash);
  record.tab.payer = entry.payer;
  record.tab.payee = entry.payee;
  record.tab.asset = entry.asset;
  record.tab.salt = entry.salt;
  tab_index.insert(hash_tab(entry.payer, entry.payee, entry.asset, entry.salt),
                   static_cast<std::uint32_t>(entry.id.value), [this](std::uint32_t number) {
                     const Tab& tab = tabs[number - 1].tab;
                     return hash_tab(tab.payer, tab.payee, tab.asset, tab.salt);
                   });
  ++head.tabs;
  head_dirty = true;
  touch(record);
  return {};
}

}  // namespace ledger::core
