// Deciding what registers and configures. Setting the same thing again changes nothing.

#include <algorithm>

#include "base/text.h"
#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
namespace limits = base::limits;

std::string check_asset(const Asset& asset) {
  if (!asset.id.valid()) return "id: an asset's number is 1 to 65535";
  if (asset.text.empty()) return "text: a CAIP-19 asset type or an ISO 4217 code is needed";
  if (std::string wrong = check_text("text", asset.text, kAssetTextBytesMax); !wrong.empty()) return wrong;
  if (std::string wrong = check_text("symbol", asset.symbol, kSymbolBytesMax); !wrong.empty()) return wrong;
  if (asset.scale > 18) return "scale: " + std::to_string(asset.scale) + " is above 18";
  if (asset.rail_scale > asset.scale) {
    return "rail_scale: " + std::to_string(asset.rail_scale) + " is above the scale " + std::to_string(asset.scale);
  }
  return {};
}

std::string check_plan(const Plan& plan, const aggregator::Calendar& calendar) {
  if (plan.label.empty()) return "label: a plan needs one";
  if (std::string wrong = check_label(plan.label); !wrong.empty()) return wrong;
  if (const base::Result<void> window = calendar.check(plan.window); !window)
    return "window: " + window.error().message;
  if (plan.terms_s > kPlanSecondsMax) return "terms_s: above ten years";
  if (plan.rails.empty() || plan.rails.size() > limits::kRailsPerPlanMax) {
    return "rails: a plan has 1 to " + std::to_string(limits::kRailsPerPlanMax);
  }
  for (std::size_t i = 0; i < plan.rails.size(); ++i) {
    if (plan.rails[i].view().empty()) return "rails: a name is empty";
    if (std::find(plan.rails.begin(), plan.rails.begin() + static_cast<std::ptrdiff_t>(i), plan.rails[i]) !=
        plan.rails.begin() + static_cast<std::ptrdiff_t>(i)) {
      return "rails: " + std::string(plan.rails[i].view()) + " is named twice";
    }
  }
  if (plan.dunning_s.size() > limits::kDunningStepsMax) {
    return "dunning_s: more than " + std::to_string(limits::kDunningStepsMax) + " steps";
  }
  for (const std::uint64_t wait : plan.dunning_s) {
    if (wait > kPlanSecondsMax) return "dunning_s: a wait is above ten years";
  }
  if (std::string wrong = check_series("series", plan.series); !wrong.empty()) return wrong;
  return check_series("credit_note_series", plan.credit_note_series);
}

std::string check_payee(const Payee& payee, const aggregator::Calendar& calendar) {
  if (payee.address.is_zero()) return "address: it is zero";
  if (std::string wrong = check_label(payee.label); !wrong.empty()) return wrong;
  if (payee.fee_basis_points > 10'000) {
    return "fee_basis_points: " + std::to_string(payee.fee_basis_points) + " is above 10,000";
  }
  if (!payee.own_terms && (!payee.release.empty() || is_scheduled(payee.payout_every))) {
    return "own_terms: release and payout_every are only of a payee with own terms";
  }
  if (std::string wrong = check_terms({payee.release, payee.payout_every}, calendar); !wrong.empty()) return wrong;
  return check_text("payout_account", payee.payout_account, kAccountBytesMax);
}

}  // namespace

std::string check_text(std::string_view field, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return std::string(field) + ": " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max) +
           " are allowed";
  }
  const std::string_view flaw = base::flaw_of_text(text);
  return flaw.empty() ? std::string() : std::string(field) + ": " + std::string(flaw);
}

std::string cleaned(std::string_view text, std::size_t bytes_max) {
  std::string result(text.substr(0, bytes_max));
  std::replace_if(
      result.begin(), result.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
      },
      '?');
  return result;
}

std::string check_label(std::string_view label) { return check_text("label", label, limits::kLabelBytesMax); }

std::string check_reference(std::string_view reference) {
  if (reference.empty()) return "reference: it is empty; one of your own makes it harmless to ask twice";
  return check_text("reference", reference, kReferenceBytesMax);
}

CommandResult StateMachine::State::decide(const SetAsset& command, SegmentBuilder& out) {
  const Asset& asset = command.asset;
  if (std::string wrong = check_asset(asset); !wrong.empty()) return refuse(Status::value_invalid, std::move(wrong));
  if (const AssetRecord* present = find_asset(asset.id)) {
    if (present->asset == asset) return unchanged(asset.id.value);
    if (present->asset.text != asset.text || present->asset.scale != asset.scale ||
        present->asset.rail_scale != asset.rail_scale) {
      return refuse(Status::already_exists, "asset " + std::to_string(asset.id.value) + " is " + present->asset.text +
                                                " with scale " + std::to_string(present->asset.scale) +
                                                " and rail_scale " + std::to_string(present->asset.rail_scale) +
                                                "; only its symbol can change");
    }
  } else {
    for (const auto& other : assets) {
      if (other->asset.text == asset.text) {
        return refuse(Status::already_exists, asset.text + " is asset " + std::to_string(other->asset.id.value));
      }
    }
  }
  return changed(commit(AssetSet{asset}, out), asset.id.value);
}

CommandResult StateMachine::State::decide(const SetPlan& command, SegmentBuilder& out) {
  Plan plan = command.plan;
  if (std::string wrong = check_plan(plan, calendar); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (find_asset(plan.asset) == nullptr) {
    return refuse(Status::asset_unknown, "asset: there is no asset " + std::to_string(plan.asset.value));
  }
  const PlanRecord* same_label = find_plan(plan.label);
  const PlanRecord* present = plan.id.valid() ? find_plan(plan.id) : same_label;
  if (plan.id.valid() && present == nullptr) {
    return refuse(Status::not_found, "there is no plan " + std::to_string(plan.id.value));
  }
  if (same_label != nullptr && same_label != present) {
    return refuse(Status::already_exists, "label: plan " + std::to_string(same_label->plan.id.value) + " has it");
  }
  if (present == nullptr) {
    if (head.plans == UINT32_MAX) return refuse(Status::limit_reached, "no plan numbers are left");
    plan.id = PlanId(head.plans + 1);
  } else {
    plan.id = present->plan.id;
    if (present->plan == plan) return unchanged(plan.id.value);
    if (present->plan.asset != plan.asset) {
      return refuse(Status::already_exists, "asset: the plan is for asset " +
                                                std::to_string(present->plan.asset.value) + "; make another plan");
    }
  }
  return changed(commit(PlanSet{plan}, out), plan.id.value);
}

CommandResult StateMachine::State::decide(const SetPayer& command, SegmentBuilder& out) {
  if (command.address.is_zero()) return refuse(Status::value_invalid, "address: it is zero");
  if (std::string wrong = check_label(command.label); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (command.plans.size() > limits::kPlansPerPayerMax) {
    return refuse(Status::limit_reached, "plans: at most " + std::to_string(limits::kPlansPerPayerMax));
  }
  std::vector<PlanId> wanted;
  for (const std::string& label : command.plans) {
    const PlanRecord* plan = find_plan(label);
    if (plan == nullptr) return refuse(Status::not_found, "plans: there is no plan \"" + label + "\"");
    for (const PlanId other : wanted) {
      if (find_plan(other)->plan.asset == plan->plan.asset) {
        return refuse(Status::value_invalid,
                      "plans: \"" + find_plan(other)->plan.label + "\" and \"" + label + "\" are for the same asset");
      }
    }
    wanted.push_back(plan->plan.id);
  }
  Payer payer;
  const PayerId present = find_payer(command.address);
  if (present.valid()) {
    payer = unpack(present);
  } else {
    if (head.payers == UINT32_MAX) return refuse(Status::limit_reached, "no payer numbers are left");
    payer.id = PayerId(head.payers + 1);
    payer.address = command.address;
    payer.registered = out.time();
  }
  const bool same = present.valid() && payer.label == command.label && payer.plans == wanted;
  if (same) return unchanged(present.value);
  payer.label = command.label;
  payer.plans = std::move(wanted);
  return changed(commit(PayerSet{payer}, out), payer.id.value);
}

CommandResult StateMachine::State::decide(const SetPayee& command, SegmentBuilder& out) {
  Payee payee = command.payee;
  if (std::string wrong = check_payee(payee, calendar); !wrong.empty())
    return refuse(Status::value_invalid, std::move(wrong));
  const PayeeId present = find_payee(payee.address);
  if (present.valid()) {
    const Payee& old = find_payee(present)->payee;
    payee.id = present;
    payee.registered = old.registered;
    if (old == payee) return unchanged(present.value);
  } else {
    if (head.payees == UINT32_MAX) return refuse(Status::limit_reached, "no payee numbers are left");
    payee.id = PayeeId(head.payees + 1);
    payee.registered = out.time();
  }
  return changed(commit(PayeeSet{payee}, out), payee.id.value);
}

CommandResult StateMachine::State::decide(const SetServer& command, SegmentBuilder& out) {
  if (command.key.is_zero()) return refuse(Status::value_invalid, "key: it is zero");
  if (std::string wrong = check_label(command.label); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (command.payees.size() > limits::kServerPayeesMax) {
    return refuse(Status::limit_reached, "payees: at most " + std::to_string(limits::kServerPayeesMax));
  }
  Server server;
  server.key = command.key;
  server.label = command.label;
  server.active = command.active;
  for (const Address& address : command.payees) {
    const PayeeId payee = find_payee(address);
    if (!payee.valid()) return refuse(Status::not_found, "payees: there is no payee " + base::to_hex(address));
    server.payees.push_back(payee);
  }
  std::sort(server.payees.begin(), server.payees.end());
  server.payees.erase(std::unique(server.payees.begin(), server.payees.end()), server.payees.end());
  const ServerId present = find_server(command.key);
  if (present.valid()) {
    server.id = present;
    if (find_server(present)->server == server) return unchanged(present.value);
  } else {
    if (head.servers == UINT32_MAX) return refuse(Status::limit_reached, "no server numbers are left");
    server.id = ServerId(head.servers + 1);
  }
  return changed(commit(ServerSet{server}, out), server.id.value);
}

}  // namespace ledger::core
