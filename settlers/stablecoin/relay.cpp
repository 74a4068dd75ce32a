// Relays: a call that somebody else authorised, sent by our account. It is simulated first; what the contract refuses
// is a definite failure that starts with the refusal's name (evm/refusal.h), unless somebody else has sent the same
// before: then that transaction is followed and nothing is sent.

#include <algorithm>

#include "evm/refusal.h"
#include "settlers/stablecoin/probing.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using evm::Refusal;

constexpr std::size_t kSelectorBytes = 4;

// What a failure leads to is the asker's business: nothing is tried again by itself.
FailureClass class_of(Refusal refusal, std::string_view reason) {
  if (refusal == Refusal::other) return FailureClass::rejected;
  const FailureClass failure = classify_revert(reason);
  return failure == FailureClass::technical ? FailureClass::no_mandate : failure;
}

std::string detail_of(Refusal refusal, std::string_view text) {
  return std::string(name(refusal)) + ": " + std::string(text);
}

std::string reason_of(const RpcError& error) {
  std::string reason = revert_reason(error.data);
  return reason.empty() ? error.message : reason;
}

Prepared refused(Refusal refusal, FailureClass failure, std::string_view text) {
  Prepared prepared;
  prepared.failure = failure;
  prepared.detail = detail_of(refusal, text);
  return prepared;
}

}  // namespace

struct StablecoinSettler::Relaying {
  Instruction instruction;
  Done<base::Result<Prepared>> done;
  evm::RelayOrder order;
  base::Hash key;
};

// "" or what is wrong: it will never be sent.
std::string StablecoinSettler::check_order(const evm::RelayOrder& order) const {
  if (order.chain_id != options_.chain_id)
    return "the order is for chain " + std::to_string(order.chain_id) + ", this rail is on chain " +
           std::to_string(options_.chain_id);
  const bool is_token = std::any_of(options_.tokens.begin(), options_.tokens.end(),
                                    [&](const Token& token) { return token.address == order.to; });
  const bool is_contract =
      std::find(options_.contracts.begin(), options_.contracts.end(), order.to) != options_.contracts.end();
  if (!is_token && !is_contract) return base::to_hex(order.to) + " is not on the allow-list of this rail";
  if (order.data.size() < kSelectorBytes) return "the order calls no function";
  return {};
}

void StablecoinSettler::prepare_relay(const Instruction& instruction, Done<base::Result<Prepared>> done) {
  auto work = std::make_shared<Relaying>();
  base::Result<evm::RelayOrder> order = evm::decode_order(instruction.relay_order);
  const std::string wrong = order ? check_order(*order) : order.error().message;
  if (!wrong.empty()) return done(refused(Refusal::other, FailureClass::rejected, wrong));
  work->order = std::move(*order);
  work->key = key_of(instruction.settlement);
  if (!instruction.dry_run) {
    const auto is_meant = [&](const Transaction& transaction) {
      return transaction.to == work->order.to && transaction.data == work->order.data;
    };
    if (std::optional<Prepared> before = prepared_before(work->key, is_meant)) return done(std::move(*before));
  }
  work->instruction = instruction;
  work->done = std::move(done);
  json::object transaction;
  transaction["from"] = base::to_hex(account_);
  transaction["to"] = base::to_hex(work->order.to);
  transaction["data"] = base::to_hex(work->order.data);
  std::vector<RpcCall> calls;
  calls.push_back({"eth_getBlockByNumber", {"latest", false}});
  calls.push_back(eth_call(work->order.to, work->order.data));
  calls.push_back({"eth_estimateGas", {std::move(transaction)}});
  calls.push_back({"eth_getBalance", {base::to_hex(account_), "latest"}});
  calls.push_back({"eth_maxPriorityFeePerGas", {}});
  client_->batch(std::move(calls), [this, work](const std::vector<RpcResult>& results) { judge_relay(work, results); });
}

void StablecoinSettler::judge_relay(const std::shared_ptr<Relaying>& work, const std::vector<RpcResult>& results) {
  const auto head = results[0] ? parse_block(*results[0]) : std::nullopt;
  const RpcResult& call = results[1];
  const auto gas_money = results[3] ? quantity128(*results[3]) : std::nullopt;
  if (!head || !gas_money || (!call && call.error().transport)) {
    for (const RpcResult& result : results) {
      if (!result) return work->done(base::error(ErrorCode::unavailable, result.error().message));
    }
    return work->done(base::error(ErrorCode::unavailable, "the node's answers cannot be read"));
  }
  const evm::RelayOrder& order = work->order;
  if (order.deadline_s != 0 && head->timestamp_s >= order.deadline_s)
    return relay_refused(work, *head, Refusal::authorization_expired,
                         "its time ended at " + std::to_string(order.deadline_s) + ", the newest block is of " +
                             std::to_string(head->timestamp_s));
  if (!call) {
    const std::string reason = reason_of(call.error());
    return relay_refused(work, *head, evm::refusal_of(reason), "the simulation says: " + reason);
  }
  const auto estimate = results[2] ? quantity64(*results[2]) : std::nullopt;
  if (!estimate)
    return work->done(
        base::error(ErrorCode::unavailable,
                    "no gas estimate: " + (results[2] ? std::string("not a number") : results[2].error().message)));
  const std::uint64_t gas_limit = *estimate + *estimate / 5;
  const std::uint64_t relay_cap =
      options_.relay_gas_limit_max == 0 ? options_.gas_limit_max : options_.relay_gas_limit_max;
  const std::uint64_t gas_limit_max =
      order.gas_limit_max == 0 ? options_.gas_limit_max : std::min(order.gas_limit_max, relay_cap);
  if (*estimate > gas_limit_max || gas_limit > gas_limit_max)
    return work->done(refused(Refusal::other, FailureClass::rejected,
                              "the call needs " + std::to_string(gas_limit) + " gas and at most " +
                                  std::to_string(gas_limit_max) + " is allowed"));
  const std::optional<Fees> fees = affordable(market_of(*head, *gas_money, results[4]), gas_limit, work->done);
  if (!fees) return;
  base::Result<Prepared> prepared =
      sign_and_reserve(work->key, {{order.to, order.data, gas_limit}}, *fees, work->instruction.dry_run);
  if (prepared)
    prepared->detail = "a call of " + base::to_hex(order.to) + " with " + std::to_string(order.data.size()) + " bytes";
  work->done(std::move(prepared));
}

// Refused, unless somebody else has done it. A refusal for want of money or too early says that nobody has.
void StablecoinSettler::relay_refused(const std::shared_ptr<Relaying>& work, const Block& head, Refusal refusal,
                                      const std::string& text) {
  const auto refuse = [work, refusal, text] { work->done(refused(refusal, class_of(refusal, text), text)); };
  const bool nobody_can = refusal == Refusal::insufficient_balance || refusal == Refusal::authorization_not_yet_valid;
  if (work->order.elsewhere.empty() || nobody_can) return refuse();
  seek(work->order, head.number, [work, refuse](const Sought& sought) {
    switch (sought.kind) {
      case Sought::Kind::unanswered: return work->done(base::error(ErrorCode::unavailable, sought.detail));
      case Sought::Kind::nothing: return refuse();
      case Sought::Kind::otherwise:
        return work->done(refused(Refusal::authorization_used, FailureClass::no_mandate,
                                  "transaction " + base::to_hex(sought.transaction) + " used it for something else"));
      case Sought::Kind::done: break;
    }
    Prepared prepared;
    prepared.idempotency_key = work->key;
    prepared.request = encode_seen(sought.transaction);
    prepared.reference = base::to_hex(sought.transaction);
    prepared.detail = "done by transaction " + prepared.reference + " of somebody else; nothing is sent";
    work->done(std::move(prepared));
  });
}

void StablecoinSettler::begin_relay_probe(const std::shared_ptr<Probing>& work) {
  base::Result<evm::RelayOrder> order = evm::decode_order(work->instruction.relay_order);
  if (!order) return work->answer(SettlementState::unknown, order.error().message, options_.poll_ms * 10);
  work->relay = std::move(*order);
  const base::Bytes& request = work->instruction.settlement.request;
  if (const auto seen = decode_seen(request)) {
    work->foreign = true;
    work->watched = {*seen};
    return ask_receipts(work);
  }
  auto transactions = decode_request(request);
  const auto decoded = transactions
                           ? decode_transaction(transactions->back().raw)
                           : base::Result<DecodedTransaction>(tl::unexpected<base::Error>(transactions.error()));
  if (!decoded) return work->answer(SettlementState::unknown, decoded.error().message, options_.poll_ms * 10);
  watch_variants(work, std::move(*transactions), decoded->transaction);
}

// A transaction is in a block that counts, and what was asked for did not happen in it. It may have happened in
// another.
void StablecoinSettler::relay_unproved(const std::shared_ptr<Probing>& work, std::string reason) {
  const auto fail = [this, work](Refusal refusal, FailureClass failure, const std::string& text) {
    Outcome outcome;
    outcome.state = SettlementState::failed;
    outcome.failure = work->foreign ? FailureClass::technical : failure;  // nothing of ours was sent: once more
    outcome.reference = base::to_hex(work->receipt.transaction);
    outcome.detail = detail_of(refusal, text);
    outcome.next_probe_ms = options_.poll_ms;
    work->done(outcome);
  };
  const auto say_why = [this, work, reason, fail] {
    const std::string where = "in block " + std::to_string(work->receipt.block_number);
    if (!reason.empty()) return fail(Refusal::other, FailureClass::rejected, where + " " + reason);
    client_->batch({eth_call(work->relay->to, work->relay->data)},
                   [this, work, where, fail](const std::vector<RpcResult>& results) {
                     const RpcResult& call = results[0];
                     if (!call && call.error().transport)
                       return work->answer(SettlementState::accepted, call.error().message, options_.poll_ms, true);
                     const std::string said = call ? std::string() : reason_of(call.error());
                     const Refusal refusal = evm::refusal_of(said);
                     fail(refusal, class_of(refusal, said),
                          "it reverted " + where + (said.empty() ? "" : "; now it would say: " + said));
                   });
  };
  if (work->relay->elsewhere.empty() || work->sought) return say_why();
  work->sought = true;
  seek(*work->relay, work->head.number, [this, work, say_why, fail](const Sought& sought) {
    switch (sought.kind) {
      case Sought::Kind::unanswered:
        return work->answer(SettlementState::accepted, sought.detail, options_.poll_ms, true);
      case Sought::Kind::nothing: return say_why();
      case Sought::Kind::otherwise:
        return fail(Refusal::authorization_used, FailureClass::no_mandate,
                    "transaction " + base::to_hex(sought.transaction) + " used it for something else");
      case Sought::Kind::done: break;
    }
    work->watched = {sought.transaction};
    ask_receipts(work);
  });
}

// Somebody else's transaction was undone by a reorganisation, and the node has no receipt of it now.
void StablecoinSettler::seen_is_gone(const std::shared_ptr<Probing>& work) {
  const SettlementState state = work->instruction.settlement.state;
  if (state == SettlementState::confirmed || state == SettlementState::settled)
    return work->answer(SettlementState::accepted, "its block was undone", options_.poll_ms);
  Outcome outcome;
  outcome.state = SettlementState::failed;
  outcome.failure = FailureClass::technical;  // nothing of ours was sent: it is looked at again from the beginning
  outcome.detail = "the transaction of somebody else, " + base::to_hex(work->watched.front()) + ", is gone";
  work->done(outcome);
}

}  // namespace settlers::stablecoin
