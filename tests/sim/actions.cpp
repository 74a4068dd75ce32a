#include <algorithm>

#include "crypto/merkle.h"
#include "tests/sim/world.h"

// What can happen: mostly things that make sense, and of each kind some that do not.

namespace sim {
namespace {

using commitments::tab::ItemKind;
using core::SettlementState;

// More than a world here ever has to work on: nothing may be left after it.
constexpr std::size_t kWholeSlice = 1000;

const char* kind_name(ItemKind kind) {
  switch (kind) {
    case ItemKind::charge: return "charge";
    case ItemKind::hold: return "hold";
    case ItemKind::capture: return "capture";
    case ItemKind::release: return "release";
    case ItemKind::voucher: return "voucher";
  }
  return "?";
}

std::string text(base::Status status) { return std::string(base::name(status)); }

std::string describe(const core::Command& command) {
  if (const auto* step = std::get_if<core::StepSettlement>(&command)) {
    return "step settlement " + std::to_string(step->id.value) + " to state " +
           std::to_string(static_cast<int>(step->to)) + ", failure " + std::to_string(static_cast<int>(step->failure));
  }
  if (const auto* retry = std::get_if<core::RetrySettlement>(&command)) {
    return "retry settlement " + std::to_string(retry->id.value);
  }
  if (const auto* cancel = std::get_if<core::CancelSettlement>(&command)) {
    return "cancel settlement " + std::to_string(cancel->id.value);
  }
  if (const auto* relay = std::get_if<core::PlanRelay>(&command)) {
    return "relay with key " + base::to_hex(relay->key).substr(0, 8);
  }
  if (const auto* note = std::get_if<core::CreateCreditNote>(&command)) {
    return "credit note of " + note->amount.to_units_string() + " on statement " +
           std::to_string(note->statement.value);
  }
  if (const auto* off = std::get_if<core::WriteOff>(&command)) {
    return "write statement " + std::to_string(off->statement.value) + " off";
  }
  return "command kind " + std::to_string(command.index());
}

std::string describe(const commitments::tab::Item& item, const Expected& expected) {
  Money total = 0;
  for (const auto& usage : item.usages) total += money(usage.amount);
  return std::string(kind_name(item.kind)) + " of " + base::to_string(total) + " by " +
         base::to_hex(item.payer()).substr(0, 8) + ": " + text(expected.status);
}

}  // namespace

core::Plan World::random_plan(std::uint16_t asset, std::uint64_t number) {
  core::Plan plan;
  plan.label = "plan-" + std::to_string(number);
  plan.asset = core::AssetId(asset);
  static const char* const kZones[] = {"UTC", "Europe/Berlin", "America/New_York"};
  plan.window.kind = static_cast<aggregator::WindowKind>(chance(70) ? 0 : below(4));
  plan.window.duration_s = plan.window.kind == aggregator::WindowKind::duration ? 1 + below(chance(50) ? 10 : 7200) : 0;
  plan.window.time_zone = kZones[below(3)];
  if (chance(40)) plan.settle_threshold = core::Amount(2000 + below(20'000));
  if (chance(40)) plan.minimum = core::Amount(below(10'000));
  plan.credit_limit = core::Amount(5000 + below(60'000));
  plan.terms_s = chance(50) ? 0 : below(3600);
  static const char* const kRails[] = {"card", "sandbox", "bank", "card"};
  const std::uint64_t first = below(3);
  for (std::uint64_t i = 0; i < 1 + below(2) + below(2); ++i)
    plan.rails.push_back(*core::RailName::parse(kRails[(first + i) % 3]));
  for (std::uint64_t i = below(4); i > 0; --i) plan.dunning_s.push_back(below(100));
  if (chance(30)) plan.series = *core::SeriesName::parse("A-" + std::to_string(below(2)));
  if (chance(30)) plan.credit_note_series = *core::SeriesName::parse(chance(50) ? "A-0" : "B");
  return plan;
}

core::Payee World::random_payee(std::uint64_t number) {
  core::Payee payee;
  payee.address = actors_.payee(number);
  payee.label = "payee";
  payee.fee_basis_points = static_cast<std::uint32_t>(chance(30) ? 0 : below(1000));
  payee.fee_fixed = core::Amount(chance(50) ? 0 : below(300));
  payee.payout_rail = *core::RailName::parse("sandbox");
  payee.payout_account = "account";
  payee.payout_minimum = core::Amount(chance(50) ? 0 : below(5000));
  payee.active = !chance(5);
  payee.own_terms = chance(60);
  if (payee.own_terms) {
    const core::ReleaseDefaults own = random_terms();
    payee.release = own.release;
    payee.payout_every = own.payout_every;
  }
  return payee;
}

// Mostly one that the server works for.
std::uint64_t World::random_payee_for(std::uint64_t server) {
  const auto at = model_.servers.find(actors_.server(server));
  if (chance(10) || at == model_.servers.end() || at->second.payees.empty()) return below(4);
  return at->second.payees[below(at->second.payees.size())].value - 1;  // payees were registered in this order
}

commitments::tab::Item World::random_single(std::uint64_t server, bool hold) {
  support::SingleSpec spec;
  const std::uint64_t now = ledger_.now().seconds();
  spec.payer = below(chance(5) ? 5 : 4);
  spec.payee = random_payee_for(server);
  if (chance(30)) spec.agent = below(2);
  spec.asset = core::AssetId(static_cast<std::uint16_t>(chance(70) ? 1 : 2));
  spec.maximum = below(chance(90) ? 3000 : 40'000);
  spec.amount = chance(5) ? spec.maximum + below(3) : below(spec.maximum + 1);
  spec.nonce = chance(4) && nonces_ > 0 ? below(nonces_) : nonces_++;
  if (chance(40)) spec.resource = support::test_hash(below(6));
  if (spec.resource.is_zero()) spec.delivered = support::test_hash(below(6));
  spec.quantity = below(100);
  if (chance(5)) spec.valid_after = now + below(3);
  spec.valid_before = now + (hold ? below(chance(80) ? 200 : 4000) : below(4000));
  if (chance(2)) spec.valid_before = now + 30 * 86'400 + below(3);
  return hold ? actors_.unsigned_hold(spec) : actors_.unsigned_charge(spec);
}

commitments::tab::Item World::random_voucher(std::uint64_t server) {
  support::VoucherSpec spec;
  spec.payer = below(chance(5) ? 5 : 4);
  spec.payee = random_payee_for(server);
  if (chance(30)) spec.agent = below(2);
  spec.asset = core::AssetId(static_cast<std::uint16_t>(chance(70) ? 1 : 2));
  spec.salt = support::test_hash(below(2));
  Money charged = 0;
  for (const auto& [key, known] : model_.tabs) {
    const auto& [payer, payee, asset, salt] = key;
    if (model_.payers.at(payer).address == actors_.payer(spec.payer) && asset == spec.asset.value &&
        salt == spec.salt && model_.payees.at(payee).address == actors_.payee(spec.payee)) {
      spec.first_index = known.charges;
      charged = known.charged;
    }
  }
  if (chance(4)) spec.first_index += 1 + below(2);
  if (chance(4)) spec.first_index -= std::min<std::uint64_t>(spec.first_index, 1 + below(3));
  spec.amounts.resize(1 + below(5));
  std::uint64_t sum = 0;
  for (std::uint64_t& amount : spec.amounts) sum += amount = below(600);
  spec.maximum = static_cast<std::uint64_t>(charged) + sum + below(5000);
  if (chance(5)) spec.maximum -= std::min(spec.maximum, 1 + below(6000));
  if (chance(50)) spec.valid_before = ledger_.now().seconds() + below(1000);
  spec.resource = support::test_hash(below(6));
  return actors_.unsigned_voucher(spec);
}

commitments::tab::Item World::random_finish() {
  support::SingleSpec spec;
  Item item = chance(75) ? actors_.capture(spec) : actors_.release(spec);
  item.single.payer = actors_.payer(below(4));
  item.single.nonce = below(nonces_ + 1);
  if (!model_.holds.empty() && chance(95)) {
    auto at = model_.holds.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(model_.holds.size())));
    for (int i = 0; i < 6 && at->second.state != core::HoldState::open; ++i) {
      at = model_.holds.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(below(model_.holds.size())));
    }
    item.single.payer = model_.payers.at(at->first.first).address;
    item.single.nonce = at->first.second;
    for (commitments::tab::Usage& usage : item.usages) {
      usage.amount = core::Amount(below(static_cast<std::uint64_t>(at->second.maximum) + (chance(5) ? 100 : 1)));
      usage.resource = at->second.resource.is_zero() || chance(3) ? support::test_hash(below(6)) : at->second.resource;
    }
  }
  return item;
}

commitments::tab::Item World::random_item(std::uint64_t server) {
  if (!sent_.empty() && chance(8)) return sent_[below(sent_.size())];
  const std::uint64_t what = below(100);
  if (what < 45) return random_single(server, false);
  if (what < 60) return random_single(server, true);
  if (what < 80) return random_voucher(server);
  return random_finish();
}

std::string World::submit_batch() {
  std::vector<commitments::tab::VerifiedItem> items;
  const std::uint64_t server = chance(90) ? below(2) : below(4);
  commitments::tab::BatchHeader header;
  header.server = actors_.server(server);
  header.number = below(1000);
  std::vector<base::Hash> leaves;
  for (std::uint64_t i = 1 + below(chance(80) ? 4 : 20); i > 0; --i) {
    const base::Status stateless = chance(2) ? base::Status::signature_wrong : base::Status::ok;
    items.push_back(commitments::tab::VerifiedTestAccess::item(actors_.domain(), *actors_.assets(), random_item(server),
                                                               stateless));
    leaves.push_back(items.back().leaf());
  }
  header.count = static_cast<std::uint32_t>(items.size());
  header.root = crypto::merkle_root(leaves);
  const commitments::tab::VerifiedBatch batch = commitments::tab::VerifiedTestAccess::batch(header, std::move(items));

  const std::vector<core::ItemResult> results = ledger_.submit(batch);
  items_ += results.size();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Item& item = batch.items()[i].item();
    const Expected expected = model_.item(ledger_.now(), header.server, item, batch.items()[i].status());
    const core::ItemResult& result = results[i];
    trace_.push_back(describe(item, expected));
    ++statuses_[expected.status];
    if (result.status != expected.status)
      return "item " + std::to_string(i) + ": the ledger says " + text(result.status);
    if (money(result.limit) != expected.limit || money(result.allowed) != expected.allowed ||
        result.expected_index != expected.index) {
      return "item " + std::to_string(i) + ": the ledger says limit " + result.limit.to_units_string() + ", allowed " +
             result.allowed.to_units_string() + ", index " + std::to_string(result.expected_index) + "; the model " +
             base::to_string(expected.limit) + ", " + base::to_string(expected.allowed) + ", " +
             std::to_string(expected.index);
    }
    const std::string leaf = base::to_hex(batch.items()[i].leaf());
    if (expected.status == base::Status::ok) {
      sequences_[leaf] = result.sequence.value;
      sent_.push_back(item);
    } else if (base::accepted(expected.status) ? result.sequence.value != sequences_[leaf] : result.sequence.valid()) {
      return "item " + std::to_string(i) + ": the ledger says sequence " + std::to_string(result.sequence.value);
    }
  }
  return "";
}

std::string World::run_command(const core::Command& command) {
  model_.next_sequence = ledger_.journal().size() + 1;
  const core::CommandResult result = ledger_.execute(command);
  const auto ask_model = [&](const auto& one) {
    if constexpr (requires { model_.run(ledger_.now(), one); }) return model_.run(ledger_.now(), one);
    return base::Status::ok;
  };
  base::Status expected = std::visit(ask_model, command);
  learn_configuration(command);
  // The rules of mandates' nonces are not the model's.
  const bool mandate =
      std::holds_alternative<core::SetMandate>(command) || std::holds_alternative<core::RevokeMandate>(command);
  if (mandate) expected = result.status;
  trace_.push_back(describe(command) + ": " + text(expected));
  ++statuses_[expected];
  if (result.status != expected) return "the ledger says " + text(result.status) + " (" + result.detail + ")";
  const auto* relay = std::get_if<core::PlanRelay>(&command);
  if (relay != nullptr && base::accepted(expected) && result.id != model_.relays.at(relay->key).settlement)
    return "the ledger says that the relay is settlement " + std::to_string(result.id);
  if (std::holds_alternative<core::RecordNotices>(command)) {
    if (std::string wrong = judge_answers(result); !wrong.empty()) return wrong;
  }
  const bool channel = command.index() > core::Command(core::PlanRelay{}).index() &&
                       command.index() < core::Command(core::RecordNotices{}).index();
  if (channel && base::accepted(expected) && result.sequence.value != model_.replied)
    return "the ledger says sequence " + std::to_string(result.sequence.value);
  if (std::holds_alternative<core::ReserveVoucher>(command) && expected == base::Status::ok)
    reservations_.push_back(model_.replied);
  return "";
}

// Configuration is the ledger's own, as it wrote it down.
void World::learn_configuration(const core::Command& command) {
  for (std::size_t i = ledger_.first_new(); i < ledger_.journal().size(); ++i) {
    const core::Entry& entry = ledger_.journal()[i].entry;
    if (const auto* asset = std::get_if<core::AssetSet>(&entry)) model_.assets[asset->asset.id.value] = asset->asset;
    if (const auto* plan = std::get_if<core::PlanSet>(&entry)) model_.plans[plan->plan.id.value] = plan->plan;
    if (const auto* payee = std::get_if<core::PayeeSet>(&entry)) {
      core::Payee& known = model_.payees[payee->payee.id.value];
      const bool other = known.own_terms != payee->payee.own_terms || known.payout_every != payee->payee.payout_every;
      known = payee->payee;
      if (other) reschedule(payee->payee.id.value);
    }
    if (const auto* server = std::get_if<core::ServerSet>(&entry)) model_.servers[server->server.key] = server->server;
    if (const auto* payer = std::get_if<core::PayerSet>(&entry)) {
      core::Payer& known = model_.payers[payer->payer.id.value];
      const core::Standing standing = known.standing;  // is not changed by registration
      known = payer->payer;
      known.standing = standing;
    }
    if (const auto* limit = std::get_if<core::CreditLimitSet>(&entry)) {
      model_.accounts[{limit->payer.value, limit->asset.value}].limit_override = money(limit->limit);
    }
    if (const auto* tax = std::get_if<core::TaxSet>(&entry)) model_.payers.at(tax->payer.value).tax = tax->tax;
    if (const auto* set = std::get_if<core::ReleaseDefaultsSet>(&entry)) {
      model_.release_defaults = set->defaults;
      for (const auto& [payee, one] : model_.payees) {
        if (!one.own_terms) reschedule(payee);
      }
    }
    const auto* standing = std::get_if<core::StandingSet>(&entry);  // others are the ledger's decisions: predicted
    if (standing != nullptr && std::holds_alternative<core::SetStanding>(command)) {
      model_.payers.at(standing->payer.value).standing = standing->standing;
    }
    if (const auto* set = std::get_if<core::MandateSet>(&entry)) learn_mandate(set->mandate);
    if (std::holds_alternative<core::MandateRevoked>(entry)) {
      const commitments::tab::MandateRevocation& revoked = std::get<core::RevokeMandate>(command).revocation;
      const std::uint32_t payer = find_address(model_.payers, revoked.payer)->first;
      model_.mandates[{payer, revoked.agent, revoked.asset.value}].revoked = true;
    }
  }
}

// What was spent in the running period counts on, whatever the kind of period under which it was spent.
void World::learn_mandate(const commitments::tab::Mandate& mandate) {
  const std::uint32_t payer = find_address(model_.payers, mandate.payer)->first;
  ModelMandate& known = model_.mandates[{payer, mandate.agent, mandate.asset.value}];
  known.mandate = mandate;
  known.revoked = false;
}

std::string World::run_timer() {
  const std::size_t max = chance(50) ? kWholeSlice : 1 + below(3);
  const std::uint64_t which = below(4);
  core::Command command = core::PlanPayouts{max};
  if (which == 3) command = core::ReleaseDue{max};
  if (which == 0) command = core::CloseDue{max};
  if (which == 1) command = core::ExpireHolds{max};
  const core::CommandResult result = ledger_.execute(command);
  const base::Time now = ledger_.now();
  std::size_t done = 0;
  base::Time last_end;
  for (std::size_t i = ledger_.first_new(); i < ledger_.journal().size(); ++i, ++done) {
    const core::Entry& entry = ledger_.journal()[i].entry;
    if (const auto* closed = std::get_if<core::WindowClosed>(&entry)) {
      const AccountKey key{closed->payer.value, closed->asset.value};
      const base::Time end = model_.accounts[key].window.end;
      if (!model_.close_due(now, key)) return "closed a window that is not due";
      if (end < last_end) return "closed a later window before an earlier one";
      last_end = end;
    } else if (const auto* planned = std::get_if<core::SettlementPlanned>(&entry)) {
      const AccountKey key{planned->settlement.payee.value, planned->settlement.asset.value};
      if (!model_.plan_payout(now, key)) return "planned a payout that is not due";
    } else if (const auto* scheduled = std::get_if<core::PayoutScheduled>(&entry)) {
      const AccountKey key{scheduled->payee.value, scheduled->asset.value};
      if (!model_.schedule_payout(now, key, scheduled->from)) return "gave a payout another time than its window's end";
    } else if (const auto* shares = std::get_if<core::SharesReleased>(&entry)) {
      if (!model_.release_due(now, shares->settlement.value)) return "released shares that are not due";
    } else if (const auto* released = std::get_if<core::HoldReleased>(&entry)) {
      if (!model_.expire(now, {released->payer.value, released->nonce})) return "expired a hold that is not due";
    } else {
      return "a timer wrote something else";
    }
  }
  trace_.push_back("timer " + std::to_string(which) + ", " + std::to_string(done) + " done");
  if (result.status != base::Status::ok || result.count != done || done > max) return "the timer's answer is wrong";
  return judge_what_is_left(which, result.more && max < kWholeSlice, last_end);
}

// A timer may stop early only when its slice was small, and must say so.
std::string World::judge_what_is_left(std::uint64_t which, bool more, base::Time last_end) const {
  const base::Time now = ledger_.now();
  bool left = false;
  for (const auto& [key, account] : model_.accounts) {
    if (which != 0 || !account.open) continue;
    if (account.window.end < last_end) return "left a window that ended before one that was closed";
    left = left || account.window.end <= now;
  }
  for (const auto& [key, hold] : model_.holds) {
    left = left || (which == 1 && hold.state == core::HoldState::open && hold.expires <= now);
  }
  for (const auto& [key, earning] : model_.earnings) {
    const bool scheduled = earning.payout_from.us != 0 && earning.payout_from > now;
    left = left || (which == 2 && model_.payout_amount(key) > 0 && !scheduled);
  }
  for (const auto& [id, settlement] : model_.settlements) left = left || (which == 3 && model_.is_release_due(now, id));
  return left && !more ? "left something that is due without saying so" : "";
}

core::Command World::random_command() {
  const base::Address payer = actors_.payer(below(4));
  const core::AssetId asset(static_cast<std::uint16_t>(1 + below(2)));
  switch (below(12)) {
    case 8:
    case 9:
    case 10:
    case 11: return random_billing_command();
    case 0: return core::SetCreditLimit{payer, asset, core::Amount(chance(50) ? 0 : below(60'000))};
    case 1:
    case 2: {
      commitments::tab::Mandate mandate{payer,
                                        actors_.agent(below(2)),
                                        asset,
                                        core::Amount(below(20'000)),
                                        static_cast<commitments::tab::Period>(below(5)),
                                        {},
                                        0,
                                        0,
                                        0};
      mandate.nonce = chance(85) ? ++mandate_nonce_ : below(mandate_nonce_ + 1);
      for (std::uint64_t i = 0; i < 3; ++i) {
        if (chance(30)) mandate.payees.push_back(actors_.payee(i));
      }
      std::sort(mandate.payees.begin(), mandate.payees.end());
      if (chance(20)) mandate.valid_after = ledger_.now().seconds() + below(20);
      if (chance(50)) mandate.valid_before = mandate.valid_after + ledger_.now().seconds() + 1 + below(100'000);
      return core::SetMandate{mandate, {}};
    }
    case 3: {
      const std::uint64_t nonce = chance(85) ? ++mandate_nonce_ : below(mandate_nonce_ + 1);
      core::RevokeMandate revoke{{payer, actors_.agent(below(2)), asset, nonce}, {}};
      if (chance(50)) revoke.signature.bytes[0] = 1;  // by the payer; all zero would be by the operator
      return revoke;
    }
    case 4: return core::SetStanding{payer, static_cast<core::Standing>(chance(80) ? 0 : 1), "test"};
    case 5: {
      if (chance(10) && last_note_) return *last_note_;
      core::CreateCreditNote note{payer, asset, {}, core::Amount(chance(10) ? 0 : below(4000)), "test", ""};
      note.reference = chance(1) ? "" : "note " + std::to_string(below(40 + 4 * model_.notes.size()));
      if (chance(70) && !model_.statements.empty()) {
        note.statement = core::StatementId(1 + below(model_.statements.size() + (chance(10) ? 1 : 0)));
        const auto at = model_.statements.find(note.statement.value);
        if (at != model_.statements.end()) {
          note.payer = model_.payers.at(at->second.account.first).address;
          note.asset = core::AssetId(at->second.account.second);
          const ModelStatement& of = at->second;
          const Money most = chance(50) ? of.due_amount() : of.net + of.tax - of.credited;
          const std::uint64_t due = static_cast<std::uint64_t>(std::max<Money>(0, most));
          note.amount = core::Amount(chance(40) ? due : below(due + 2));
          if (note.asset == support::kUsd && chance(80))
            note.amount = core::Amount(static_cast<std::uint64_t>(note.amount.units() / 10'000 * 10'000));
        }
      }
      last_note_ = note;
      return note;
    }
    case 6: return core::WriteOff{core::StatementId(1 + below(model_.statements.size() + 1)), "test"};
    default: return core::CloseNow{payer, asset};
  }
}

// Mostly keys that were used before, mostly with the same order.
core::PlanRelay World::random_relay() {
  core::PlanRelay relay;
  relay.rail = *base::RailName::parse(chance(95) ? "sandbox" : "stablecoin");
  const std::uint64_t key = below(2 + model_.relays.size() + model_.relays.size() / 4);
  if (!chance(2)) relay.key = support::test_hash(key);
  if (!chance(2)) relay.order = {static_cast<std::uint8_t>(key), static_cast<std::uint8_t>(chance(90) ? 0 : below(3))};
  if (chance(50)) relay.asset = core::AssetId(static_cast<std::uint16_t>(1 + below(chance(95) ? 2 : 3)));
  if (relay.asset.valid()) relay.amount = core::Amount(below(1000));
  relay.label = "relay";
  return relay;
}

core::Command World::random_settlement_command() {
  if (chance(8)) return random_relay();
  core::SettlementId id(1 + below(model_.settlements.size() + (chance(3) ? 2 : 1)));
  // Mostly one that is not finished.
  for (int i = 0; i < 8; ++i) {
    const auto at = model_.settlements.find(id.value);
    if (at != model_.settlements.end() && at->second.state < SettlementState::final) break;
    id = core::SettlementId(1 + below(model_.settlements.size() + 1));
  }
  if (chance(6)) {
    const auto at = model_.settlements.find(id.value);
    const bool current = chance(80) && at != model_.settlements.end();
    return core::RetrySettlement{id, current ? at->second.attempt : static_cast<std::uint32_t>(below(3))};
  }
  if (chance(4)) return core::CancelSettlement{id, "test"};
  core::StepSettlement step;
  step.id = id;
  const auto at = model_.settlements.find(id.value);
  if (at != model_.settlements.end()) step.attempt = at->second.attempt;
  if (chance(3)) step.attempt += 1;
  const SettlementState now = at == model_.settlements.end() ? SettlementState::ready : at->second.state;
  step.to = static_cast<SettlementState>(1 + below(12));
  if (chance(70)) {  // the way that things go
    if (now == SettlementState::ready) step.to = chance(90) ? SettlementState::sending : SettlementState::failed;
    if (now == SettlementState::sending || now == SettlementState::unknown) {
      step.to = chance(50)   ? SettlementState::accepted
                : chance(70) ? SettlementState::failed
                             : SettlementState::unknown;
    }
    if (now == SettlementState::accepted) step.to = chance(70) ? SettlementState::confirmed : SettlementState::failed;
    if (now == SettlementState::confirmed) step.to = SettlementState::settled;
    if (now == SettlementState::settled) step.to = SettlementState::final;
  }
  if (step.to == SettlementState::failed) step.failure = static_cast<core::FailureClass>(1 + below(5));
  if (step.to == SettlementState::sending) {
    step.idempotency_key = support::test_hash(random_());
    step.request = {1, 2, 3};
    const std::uint64_t due = at == model_.settlements.end() ? 0 : static_cast<std::uint64_t>(at->second.amount);
    if (chance(60)) step.amount = core::Amount(chance(95) ? due : below(due + 2));
  }
  step.reference = "reference";
  step.detail = "detail";
  step.code = chance(30) ? "code" : "";
  const bool relay = at != model_.settlements.end() && at->second.kind == core::SettlementKind::relay;
  if (chance(20) && !(relay && chance(90))) step.rail_fee = core::Amount(below(50));
  if (chance(15) && (stage(step.to) >= 2 || chance(5))) {
    const std::uint64_t asked = at == model_.settlements.end() ? 0 : static_cast<std::uint64_t>(at->second.amount);
    step.moved = core::Amount(chance(60) ? below(asked + 1) : asked + below(500));
  }
  for (const auto& [number, notice] : model_.notices) {
    if (notice.state == core::NoticeState::waiting && notice.settlement == id.value && chance(50))
      step.explained.push_back(core::NoticeId(number));
  }
  if (chance(70)) step.notices_read = core::NoticeId(model_.notices.size() - below(2));
  step.next_action = base::Time{ledger_.now().us + below(10'000'000)};
  return step;
}

core::Command World::random_configuration() {
  const std::uint64_t number = below(5);
  switch (below(4)) {
    case 0: return core::SetPlan{random_plan(number < 3 ? 1 : 2, number)};
    case 1: return core::SetPayee{random_payee(below(3))};
    case 2: {
      core::SetServer server{actors_.server(below(3)), "server", {}, chance(95)};
      for (std::uint64_t payee = 0; payee < 3; ++payee) {
        if (chance(90)) server.payees.push_back(actors_.payee(payee));
      }
      return server;
    }
    default: {
      core::SetPayer payer{actors_.payer(below(4)), "payer", {}};
      if (chance(90)) payer.plans.push_back("plan-" + std::to_string(below(3)));
      if (chance(70)) payer.plans.push_back("plan-" + std::to_string(3 + below(2)));
      return payer;
    }
  }
}

}  // namespace sim
