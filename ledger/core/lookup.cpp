// Finding objects, and marking those that change.

#include <algorithm>

#include "base/limits.h"
#include "ledger/core/fields.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

// A small key, laid out without padding, for mix_bytes.
template <std::size_t N>
struct KeyBytes {
  std::array<std::uint8_t, N> bytes{};
  std::size_t used = 0;
  template <typename T>
  void add(T number) {
    std::memcpy(bytes.data() + used, &number, sizeof number);
    used += sizeof number;
  }
  void add_bytes(base::ByteView view) {
    std::memcpy(bytes.data() + used, view.data(), view.size());
    used += view.size();
  }
  std::uint64_t hash(std::uint64_t seed) const { return base::mix_bytes({bytes.data(), used}, seed); }
};

}  // namespace

std::size_t HoldKeyHash::operator()(const HoldKey& key) const noexcept {
  KeyBytes<20> bytes;
  bytes.add(key.payer.value);
  bytes.add(static_cast<std::uint64_t>(key.nonce));
  bytes.add(static_cast<std::uint64_t>(key.nonce >> 64));
  return bytes.hash(seed);
}

StateMachine::State::State(const aggregator::Calendar& calendar_in, std::uint64_t hash_seed)
    : calendar(calendar_in),
      seed(hash_seed),
      asset_slots(std::size_t{1} << 16),
      asset_table(std::make_shared<const commitments::tab::AssetTable>()),
      hold_index(0, HoldKeyHash{hash_seed}) {}

std::uint64_t StateMachine::State::hash(const Address& address) const { return base::mix_bytes(address.view(), seed); }

std::uint64_t StateMachine::State::hash_mandate(PayerId payer, const Address& agent, AssetId asset) const {
  KeyBytes<26> bytes;
  bytes.add(payer.value);
  bytes.add_bytes(agent.view());
  bytes.add(asset.value);
  return bytes.hash(seed);
}

std::uint64_t StateMachine::State::hash_tab(PayerId payer, PayeeId payee, AssetId asset, const Hash& salt) const {
  KeyBytes<42> bytes;
  bytes.add(payer.value);
  bytes.add(payee.value);
  bytes.add(asset.value);
  bytes.add_bytes(salt.view());
  return bytes.hash(seed);
}

std::uint64_t StateMachine::State::hash(const Hash& key) const { return base::mix_bytes(key.view(), seed); }

std::uint64_t StateMachine::State::hash_earnings(const Earnings& of) const {
  KeyBytes<68> bytes;
  bytes.add(of.chain_id);
  bytes.add_bytes(of.contract.view());
  bytes.add_bytes(of.receiver.view());
  bytes.add_bytes(of.token.view());
  return bytes.hash(seed);
}

AssetRecord* StateMachine::State::find_asset(AssetId id) {
  const std::uint16_t slot = asset_slots[id.value];
  return slot == 0 ? nullptr : assets[slot - 1u].get();
}

PlanRecord* StateMachine::State::find_plan(PlanId id) {
  if (!id.valid() || id.value > plans.size() || !plans[id.value - 1].plan.id.valid()) return nullptr;
  return &plans[id.value - 1];
}

PlanRecord* StateMachine::State::find_plan(std::string_view label) {
  const auto at = plan_labels.find(label);
  return at == plan_labels.end() ? nullptr : find_plan(at->second);
}

PayerRecord* StateMachine::State::find_payer(PayerId id) {
  if (!id.valid() || id.value > payers.size() || !payers[id.value - 1].present) return nullptr;
  return &payers[id.value - 1];
}

PayerId StateMachine::State::find_payer(const Address& address) const {
  return PayerId(
      payer_index.find(hash(address), [&](std::uint32_t number) { return payers[number - 1].address == address; }));
}

PayeeRecord* StateMachine::State::find_payee(PayeeId id) {
  if (!id.valid() || id.value > payees.size() || !payees[id.value - 1].present) return nullptr;
  return &payees[id.value - 1];
}

PayeeId StateMachine::State::find_payee(const Address& address) const {
  return PayeeId(payee_index.find(hash(address),
                                  [&](std::uint32_t number) { return payees[number - 1].payee.address == address; }));
}

ServerRecord* StateMachine::State::find_server(ServerId id) {
  if (!id.valid() || id.value > servers.size() || !servers[id.value - 1].server.id.valid()) return nullptr;
  return &servers[id.value - 1];
}

ServerId StateMachine::State::find_server(const Address& key) const {
  return ServerId(
      server_index.find(hash(key), [&](std::uint32_t number) { return servers[number - 1].server.key == key; }));
}

MandateRecord* StateMachine::State::find_mandate(MandateId id) {
  if (!id.valid() || id.value > mandates.size() || !mandates[id.value - 1].present) return nullptr;
  return &mandates[id.value - 1];
}

MandateRecord* StateMachine::State::find_mandate(PayerId payer, const Address& agent, AssetId asset) {
  return find_mandate(MandateId(mandate_index.find(hash_mandate(payer, agent, asset), [&](std::uint32_t number) {
    const MandateRecord& record = mandates[number - 1];
    return record.payer == payer && record.state.mandate.agent == agent && record.state.mandate.asset == asset;
  })));
}

TabRecord* StateMachine::State::find_tab(TabId id) {
  if (!id.valid() || id.value > tabs.size() || !tabs[id.value - 1].present) return nullptr;
  return &tabs[id.value - 1];
}

TabRecord* StateMachine::State::find_tab(PayerId payer, PayeeId payee, AssetId asset, const Hash& salt) {
  return find_tab(TabId(tab_index.find(hash_tab(payer, payee, asset, salt), [&](std::uint32_t number) {
    const Tab& tab = tabs[number - 1].tab;
    return tab.payer == payer && tab.payee == payee && tab.asset == asset && tab.salt == salt;
  })));
}

TallyRecord* StateMachine::State::find_tally(PayerId payer, AssetId asset) {
  if (!payer.valid() || payer.value > payers.size()) return nullptr;
  std::uint32_t number = payers[payer.value - 1].first_tally;
  while (number != 0) {
    TallyRecord& record = tallies[number - 1];
    if (record.asset == asset) return &record;
    number = record.next_of_payer;
  }
  return nullptr;
}

SettlementRecord* StateMachine::State::find_collection(StatementId statement, SettlementId& id) {
  const std::uint64_t* settlement = collections.find(statement.value);
  if (settlement == nullptr) return nullptr;
  id = SettlementId(*settlement);
  return find_settlement(id);
}

Hold* StateMachine::State::find_hold(const HoldKey& key) {
  const auto at = hold_index.find(key);
  if (at == hold_index.end()) return nullptr;
  const auto hold = holds.find(at->second);
  CHECK(hold != holds.end());
  return &hold->second;
}

ChannelRecord* StateMachine::State::find_channel(ChannelId id) {
  if (!id.valid() || id.value > channels.size() || !channels[id.value - 1].present) return nullptr;
  return &channels[id.value - 1];
}

ChannelId StateMachine::State::find_channel(const Hash& key) const {
  return ChannelId(
      channel_index.find(hash(key), [&](std::uint32_t number) { return channels[number - 1].key == key; }));
}

std::uint32_t StateMachine::State::find_earnings(const Earnings& of) const {
  return earnings_index.find(hash_earnings(of), [&](std::uint32_t number) {
    const Earnings& present = earnings[number - 1].earnings;
    return present.chain_id == of.chain_id && present.contract == of.contract && present.receiver == of.receiver &&
           present.token == of.token;
  });
}

std::uint32_t StateMachine::State::ensure_earnings(const Earnings& of) {
  if (const std::uint32_t number = find_earnings(of)) return number;
  EarningsRecord& record = earnings.emplace_back();
  CHECK(earnings.size() <= UINT32_MAX);
  const auto number = static_cast<std::uint32_t>(earnings.size());
  record.present = true;
  record.earnings.chain_id = of.chain_id;
  record.earnings.contract = of.contract;
  record.earnings.receiver = of.receiver;
  record.earnings.token = of.token;
  earnings_index.insert(hash_earnings(of), number,
                        [this](std::uint32_t present) { return hash_earnings(earnings[present - 1].earnings); });
  channel_counts_dirty = true;
  touch_earnings(number);
  return number;
}

PlanId StateMachine::State::plan_of(PayerId payer, AssetId asset) const {
  const PayerRecord& record = payers[payer.value - 1];
  if (record.plan_count == 0) return PlanId{};
  const PlanRecord* first = find_plan(record.first_plan);
  if (first != nullptr && first->plan.asset == asset) return record.first_plan;
  if (record.plan_count == 1) return PlanId{};
  for (const PlanId id : unpack(payer).plans) {
    const PlanRecord* plan = find_plan(id);
    if (plan != nullptr && plan->plan.asset == asset) return id;
  }
  return PlanId{};
}

TallyRecord& StateMachine::State::tally(PayerId payer, AssetId asset) {
  if (TallyRecord* present = find_tally(payer, asset)) return *present;
  TallyRecord& record = tallies.emplace_back();
  CHECK(tallies.size() <= UINT32_MAX);
  record.number = static_cast<std::uint32_t>(tallies.size());
  record.payer = payer;
  record.asset = asset;
  record.plan = plan_of(payer, asset);
  PayerRecord& owner = payers[payer.value - 1];
  record.next_of_payer = owner.first_tally;
  owner.first_tally = record.number;
  return record;
}

PayeeBalanceRecord& StateMachine::State::payee_balance(PayeeId payee, AssetId asset) {
  PayeeRecord& owner = payees[payee.value - 1];
  for (const auto& record : owner.balances) {
    if (record->balance.asset == asset) return *record;
  }
  PayeeBalanceRecord& record = *owner.balances.emplace_back(std::make_unique<PayeeBalanceRecord>());
  record.balance.payee = payee;
  record.balance.asset = asset;
  return record;
}

u128 StateMachine::State::limit_of(const TallyRecord* tally, PlanId plan) const {
  u128 limit = 0;
  if (tally != nullptr && tally->extra && !tally->extra->limit_override.is_zero()) {
    limit = tally->extra->limit_override.units();
  } else if (const PlanRecord* record = find_plan(plan)) {
    limit = record->plan.credit_limit.units();
  }
  return limit + (tally == nullptr ? 0 : tally->credit_units());
}

Payer StateMachine::State::unpack(PayerId id) const {
  const PayerRecord& record = payers[id.value - 1];
  Payer payer;
  payer.id = id;
  payer.address = record.address;
  payer.standing = record.standing;
  payer.registered = record.registered;
  Reader reader(record.packed);
  reader(payer.label, payer.plans, payer.rail_mandates);
  if (record.taxed) reader(payer.tax);
  CHECK(reader.complete());
  return payer;
}

void StateMachine::State::pack(const Payer& payer, PayerRecord& record) {
  record.present = true;
  record.address = payer.address;
  record.standing = payer.standing;
  record.registered = payer.registered;
  record.plan_count = static_cast<std::uint8_t>(payer.plans.size());
  record.first_plan = payer.plans.empty() ? PlanId{} : payer.plans.front();
  Bytes packed;
  base::Encoder out(packed);
  Writer writer(out);
  record.taxed = payer.tax != Tax{};
  writer(payer.label, payer.plans, payer.rail_mandates);
  if (record.taxed) writer(payer.tax);
  record.packed = Bytes(packed.begin(), packed.end());  // without spare capacity
}

void StateMachine::State::touch(AssetRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_assets.push_back(&record);
}
void StateMachine::State::touch_operators(AssetRecord& record) {
  ++changes;
  if (!std::exchange(record.operators_dirty, true)) dirty_operators.push_back(&record);
}
void StateMachine::State::touch(PlanRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_plans.push_back(&record);
}
void StateMachine::State::touch(PayerRecord& record, PayerId id) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_payers.push_back(id);
}
void StateMachine::State::touch(TallyRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_tallies.push_back(&record);
}
void StateMachine::State::touch_line(const TallyRecord& record, std::size_t line) {
  const std::uint32_t index = static_cast<std::uint32_t>(line);
  // Charges come in runs; drain() removes the repetitions that remain.
  if (!dirty_lines.empty() && dirty_lines.back().tally == &record && dirty_lines.back().line == index) return;
  dirty_lines.push_back({&record, index});
}
void StateMachine::State::touch(PayeeRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_payees.push_back(&record);
}
void StateMachine::State::touch(PayeeBalanceRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_balances.push_back(&record);
}
void StateMachine::State::touch(ServerRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_servers.push_back(&record);
}
void StateMachine::State::touch(MandateRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_mandates.push_back(&record);
}
void StateMachine::State::touch(TabRecord& record) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_tabs.push_back(&record);
}
void StateMachine::State::touch(SettlementRecord& record, SettlementId id) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_settlements.push_back(id);
}
void StateMachine::State::touch(ChannelRecord& record, ChannelId id) {
  ++changes;
  if (!std::exchange(record.dirty, true)) dirty_channels.push_back(id);
}
void StateMachine::State::touch_earnings(std::uint32_t number) {
  ++changes;
  if (!std::exchange(earnings[number - 1].dirty, true)) dirty_earnings.push_back(number);
}
void StateMachine::State::touch_mark(SettlementRecord& record, SettlementId id) {
  record.mark_dirty = true;
  touch(record, id);
}

}  // namespace ledger::core
