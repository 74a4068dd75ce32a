// Deciding on payers' limits, mandates, standing and write-offs.

#include <algorithm>

#include "ledger/core/decide.h"
#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::Status;
namespace limits = base::limits;

CommandResult no_payer(const Address& address) {
  return refuse(Status::payer_unknown, "there is no payer " + base::to_hex(address));
}
CommandResult no_asset(AssetId asset) {
  return refuse(Status::asset_unknown, "there is no asset " + std::to_string(asset.value));
}

bool same(const commitments::tab::Mandate& a, const commitments::tab::Mandate& b) {
  return a.payer == b.payer && a.agent == b.agent && a.asset == b.asset && a.cap == b.cap && a.period == b.period &&
         a.payees == b.payees && a.valid_after == b.valid_after && a.valid_before == b.valid_before &&
         a.nonce == b.nonce;
}

std::string check_agent(const Address& payer, const Address& agent) {
  if (agent.is_zero()) return "agent: it is zero";
  return agent == payer ? "agent: it is the payer, who needs no mandate" : std::string();
}

std::string check_mandate(const commitments::tab::Mandate& mandate) {
  if (std::string wrong = check_agent(mandate.payer, mandate.agent); !wrong.empty()) return wrong;
  if (mandate.payees.size() > limits::kMandatePayeesMax) {
    return "payees: at most " + std::to_string(limits::kMandatePayeesMax);
  }
  if (std::adjacent_find(mandate.payees.begin(), mandate.payees.end(), std::greater_equal<>()) !=
      mandate.payees.end()) {
    return "payees: they must be strictly ascending";
  }
  if (mandate.period > commitments::tab::Period::month) return "period: it is not one of total, hour, day, week, month";
  if (mandate.valid_before != 0 && mandate.valid_before <= mandate.valid_after) {
    return "validBefore: it is not after validAfter";
  }
  return {};
}

}  // namespace

CommandResult StateMachine::State::decide(const SetCreditLimit& command, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return no_payer(command.payer);
  if (find_asset(command.asset) == nullptr) return no_asset(command.asset);
  const TallyRecord* record = find_tally(payer, command.asset);
  const Amount present = record != nullptr && record->extra ? record->extra->limit_override : Amount{};
  if (present == command.limit) return unchanged(payer.value);
  return changed(commit(CreditLimitSet{payer, command.asset, command.limit}, out), payer.value);
}

CommandResult StateMachine::State::decide(const SetMandate& command, SegmentBuilder& out) {
  const commitments::tab::Mandate& mandate = command.mandate;
  const PayerId payer = find_payer(mandate.payer);
  if (!payer.valid()) return no_payer(mandate.payer);
  if (find_asset(mandate.asset) == nullptr) return no_asset(mandate.asset);
  if (std::string wrong = check_mandate(mandate); !wrong.empty())
    return refuse(Status::value_invalid, std::move(wrong));
  const MandateRecord* present = find_mandate(payer, mandate.agent, mandate.asset);
  MandateId id(head.mandates + 1);
  if (present != nullptr) {
    id = present->state.id;
    if (!present->state.revoked && same(present->state.mandate, mandate)) return unchanged(id.value);
    if (mandate.nonce <= present->state.nonce_floor) {
      return refuse(Status::mandate_nonce_old, "nonce: " + std::to_string(mandate.nonce) + " is not above " +
                                                   std::to_string(present->state.nonce_floor));
    }
  } else if (head.mandates == UINT32_MAX) {
    return refuse(Status::limit_reached, "no mandate numbers are left");
  }
  if (mandate.valid_before != 0 && out.time().seconds() >= mandate.valid_before) {
    return refuse(Status::expired, "validBefore: " + std::to_string(mandate.valid_before) + " has passed");
  }
  return changed(commit(MandateSet{id, mandate, command.signature}, out), id.value);
}

CommandResult StateMachine::State::decide(const RevokeMandate& command, SegmentBuilder& out) {
  const commitments::tab::MandateRevocation& revocation = command.revocation;
  const PayerId payer = find_payer(revocation.payer);
  if (!payer.valid()) return no_payer(revocation.payer);
  if (find_asset(revocation.asset) == nullptr) return no_asset(revocation.asset);
  if (std::string wrong = check_agent(revocation.payer, revocation.agent); !wrong.empty())
    return refuse(Status::value_invalid, std::move(wrong));
  const MandateRecord* present = find_mandate(payer, revocation.agent, revocation.asset);
  const bool by_operator = command.signature.is_zero();
  if (present == nullptr) {
    // One that was signed may still be on its way: it must find the revocation.
    if (by_operator && revocation.nonce == 0) {
      return refuse(Status::not_found, "the payer has no mandate for agent " + base::to_hex(revocation.agent) +
                                           " and asset " + std::to_string(revocation.asset.value));
    }
    if (head.mandates == UINT32_MAX) return refuse(Status::limit_reached, "no mandate numbers are left");
    const MandateId id(head.mandates + 1);
    return changed(commit(MandateRevoked{id, revocation, command.signature}, out), id.value);
  }
  const MandateState& state = present->state;
  if (state.revoked && (by_operator || revocation.nonce == state.nonce_floor)) return unchanged(state.id.value);
  // The operator's revocation leaves the payer free to sign the next mandate with any higher nonce.
  const std::uint64_t nonce = by_operator ? std::max(revocation.nonce, state.nonce_floor) : revocation.nonce;
  if (!by_operator && nonce <= state.nonce_floor) {
    return refuse(Status::mandate_nonce_old,
                  "nonce: " + std::to_string(nonce) + " is not above " + std::to_string(state.nonce_floor));
  }
  MandateRevoked entry{state.id, revocation, command.signature};
  entry.revocation.nonce = nonce;
  return changed(commit(entry, out), entry.id.value);
}

CommandResult StateMachine::State::decide(const SetRailMandate& command, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return no_payer(command.payer);
  if (command.rail.view().empty()) return refuse(Status::value_invalid, "rail: it is empty");
  if (command.mandate.size() > limits::kRailMandateBytesMax) {
    return refuse(Status::value_invalid, "mandate: at most " + std::to_string(limits::kRailMandateBytesMax) + " bytes");
  }
  const std::vector<RailMandate> known = unpack(payer).rail_mandates;
  const auto present =
      std::find_if(known.begin(), known.end(), [&](const RailMandate& one) { return one.rail == command.rail; });
  if (present == known.end() ? command.mandate.empty() : present->mandate == command.mandate) {
    return unchanged(payer.value);
  }
  if (present == known.end() && known.size() >= limits::kRailMandatesPerPayerMax) {
    return refuse(Status::limit_reached,
                  "a payer has mandates for at most " + std::to_string(limits::kRailMandatesPerPayerMax) + " rails");
  }
  return changed(commit(RailMandateSet{payer, command.rail, command.mandate}, out), payer.value);
}

CommandResult StateMachine::State::decide(const SetStanding& command, SegmentBuilder& out) {
  const PayerId payer = find_payer(command.payer);
  if (!payer.valid()) return no_payer(command.payer);
  if (command.standing == Standing::suspended_by_dunning || command.standing > Standing::suspended_by_dunning) {
    return refuse(Status::value_invalid, "standing: an operator sets active or suspended_by_operator");
  }
  if (std::string wrong = check_text("reason", command.reason, kDetailBytesMax); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (find_payer(payer)->standing == command.standing) return unchanged(payer.value);
  return changed(commit(StandingSet{payer, command.standing, command.reason}, out), payer.value);
}

void StateMachine::State::lift_suspension(PayerId payer, std::string_view reason, SegmentBuilder& out) {
  const PayerRecord& record = *find_payer(payer);
  if (record.standing != Standing::suspended_by_dunning || record.overdue != 0) return;
  commit(StandingSet{payer, Standing::active, std::string(reason)}, out);
}

CommandResult StateMachine::State::decide(const WriteOff& command, SegmentBuilder& out) {
  SettlementId id;
  const SettlementRecord* settlement = find_collection(command.statement, id);
  const std::string statement = "statement " + std::to_string(command.statement.value);
  if (std::string wrong = check_text("reason", command.reason, kDetailBytesMax); !wrong.empty()) {
    return refuse(Status::value_invalid, std::move(wrong));
  }
  if (settlement == nullptr || settlement->finished) {
    if (!command.statement.valid() || command.statement.value > head.statements) {
      return refuse(Status::not_found, "there is no " + statement);
    }
    return refuse(Status::wrong_state, statement + " has nothing due: it is paid or closed");
  }
  if (!can_change_amount(settlement->state)) {
    return refuse(Status::wrong_state, "the collection of " + statement + " is " +
                                           std::string(name(settlement->state)) +
                                           "; it can be written off before it is sent or after it failed");
  }
  return changed(commit(StatementClosed{command.statement, StatementState::written_off, command.reason}, out),
                 command.statement.value);
}

}  // namespace ledger::core
