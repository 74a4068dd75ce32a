// From an instruction to signed bytes: who moves what, is it possible now (balances, a simulation), what may it cost,
// and only then a nonce.

#include <algorithm>

#include "base/check.h"
#include "base/codec.h"
#include "crypto/keccak.h"
#include "crypto/sha256.h"
#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::u128;

// A transferFrom whose permit is not in a block yet cannot be estimated: twice what such calls use.
constexpr std::uint64_t kGasAfterPermit = 150'000;
// When the node does not suggest a tip.
constexpr u128 kTipDefaultWei = 100'000'000;

Prepared cannot(FailureClass failure, std::string detail) {
  Prepared prepared;
  prepared.failure = failure;
  prepared.detail = std::move(detail);
  return prepared;
}

// The amount in the token's units. Empty if the ledger's amount has more decimals than the token, or does not fit.
std::optional<u128> to_token_units(base::Amount amount, unsigned scale, unsigned decimals) {
  u128 factor = 1;
  for (unsigned i = std::min(scale, decimals); i < std::max(scale, decimals); ++i) factor *= 10;
  if (scale >= decimals) {
    if (amount.units() % factor != 0) return std::nullopt;
    return amount.units() / factor;
  }
  const auto scaled = amount.multiply_divide(factor, 1, base::Rounding::down);
  if (!scaled) return std::nullopt;
  return scaled->units();
}

std::optional<u128> number_of(const RpcResult& result) {
  if (!result) return std::nullopt;
  const auto bytes = data_bytes(*result);
  return bytes ? number_from_word(*bytes) : std::nullopt;
}

std::string in_tokens(u128 value, const Token& token) {
  return base::Amount::from_units(value).value_or(base::Amount{}).to_decimal_string(token.decimals);
}

base::Hash intent_of(const Transaction& transaction) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.fixed(transaction.to);
  out.wide(transaction.value_wei);
  out.bytes(transaction.data);
  return crypto::sha256(bytes);
}

}  // namespace

struct StablecoinSettler::Preparing {
  Instruction instruction;
  Done<base::Result<Prepared>> done;
  GasMarket market;
  const Token* token = nullptr;
  Movement movement;
  std::vector<MandateItem> mandate;  // of this token and payer
  base::Hash key;
  base::Bytes permit_data;  // empty: no permit is needed
  base::Bytes payment_data;
};

base::Hash StablecoinSettler::key_of(const Settlement& settlement) const {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string("tabd stablecoin settlement 1");
  out.u64(options_.chain_id);
  out.fixed(account_);
  out.id(settlement.id);
  out.u32(settlement.attempt);
  out.u32(settlement.technical_retries);
  return crypto::sha256(bytes);
}

base::Result<Movement> StablecoinSettler::intended(const Instruction& instruction, const Token& token) const {
  const Settlement& settlement = instruction.settlement;
  Movement movement;
  movement.token = token.address;
  const auto value = to_token_units(settlement.amount, instruction.asset.scale, token.decimals);
  if (!value || *value == 0)
    return base::error(ErrorCode::invalid_argument,
                       "the amount " + settlement.amount.to_decimal_string(instruction.asset.scale) +
                           " cannot be moved in units of 10^-" + std::to_string(token.decimals));
  movement.value = *value;
  if (settlement.kind == SettlementKind::collection) {
    movement.from = instruction.payer_address;
    movement.to = account_;
    movement.by_allowance = true;
  } else if (settlement.kind == SettlementKind::refund) {
    movement.from = account_;
    movement.to = instruction.payer_address;
  } else {
    const auto account = base::address_from_hex(instruction.payee_account);
    if (!account || account->is_zero())
      return base::error(ErrorCode::invalid_argument, "the payee's payout account \"" + instruction.payee_account +
                                                          "\" is not an address (0x and 40 "
                                                          "hexadecimal digits)");
    movement.from = account_;
    movement.to = *account;
  }
  if (movement.from == movement.to)
    return base::error(ErrorCode::invalid_argument,
                       "payer and payee are the operator's own account " + base::to_hex(account_));
  return movement;
}

// The same attempt was signed before, and the ledger did not learn of it (a crash in between, or a restored backup).
// The same bytes then, so that whatever happened to them is the outcome.
std::optional<Prepared> StablecoinSettler::prepared_before(const base::Hash& key,
                                                           const std::function<bool(const Transaction&)>& is_meant) {
  if (nonces_->find_key(key) == nullptr) return std::nullopt;
  std::vector<SignedTransaction> transactions;
  for (const auto& [nonce, slot] : nonces_->slots()) {
    if (slot.key == key && slot.state != SlotState::abandoned) transactions.push_back(slot.variants.front());
  }
  const auto decoded = decode_transaction(transactions.back().raw);
  if (!decoded || !is_meant(decoded->transaction)) {
    return cannot(FailureClass::technical, "this attempt was signed before for something else (nonce " +
                                               std::to_string(decoded ? decoded->transaction.nonce : 0) +
                                               "): ask the operator");
  }
  for (const auto& [nonce, slot] : nonces_->slots()) {
    if (slot.key == key && slot.state == SlotState::reserved) preparing_.insert(nonce);
  }
  Prepared prepared;
  prepared.idempotency_key = key;
  prepared.request = encode_request(transactions);
  prepared.reference = base::to_hex(transactions.back().hash);
  return prepared;
}

void StablecoinSettler::prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) {
  if (checked_ == Checked::refused) return done(base::error(ErrorCode::unavailable, refusal_));
  if (checked_ == Checked::not_yet || !nonces_)
    return done(base::error(ErrorCode::unavailable, "the node at " + url_.host_header + " has not been checked yet"));
  if (instruction.settlement.kind == SettlementKind::relay) return prepare_relay(instruction, std::move(done));
  const Token* token = token_of(instruction.settlement.asset);
  if (token == nullptr)
    return done(base::error(ErrorCode::invalid_argument,
                            "asset " + instruction.asset.text + " has no token on the allow-list of this rail"));
  base::Result<Movement> movement = intended(instruction, *token);
  if (!movement) return done(tl::unexpected<base::Error>(std::move(movement).error()));
  auto work = std::make_shared<Preparing>();
  work->key = key_of(instruction.settlement);
  if (!instruction.dry_run) {
    const auto is_meant = [&](const Transaction& transaction) {
      const auto known = movement_of(transaction, account_);
      return known && known->token == movement->token && known->from == movement->from && known->to == movement->to &&
             known->value == movement->value;
    };
    if (std::optional<Prepared> before = prepared_before(work->key, is_meant)) return done(std::move(*before));
  }
  if (instruction.settlement.kind == SettlementKind::collection) {
    base::Result<std::vector<MandateItem>> mandate = decode_mandate(instruction.payer_rail_mandate);
    if (!mandate) return done(tl::unexpected<base::Error>(std::move(mandate).error()));
    for (const MandateItem& item : *mandate) {
      if (item.token == token->address && item.owner == instruction.payer_address) work->mandate.push_back(item);
    }
  }
  work->instruction = instruction;
  work->done = std::move(done);
  work->token = token;
  work->movement = *movement;
  ask_balances(work);
}

void StablecoinSettler::ask_balances(const std::shared_ptr<Preparing>& work) {
  const Movement& movement = work->movement;
  std::vector<RpcCall> calls;
  calls.push_back({"eth_getBlockByNumber", {"latest", false}});
  calls.push_back(eth_call(movement.token, call_balance_of(movement.from)));
  calls.push_back(eth_call(movement.token, call_allowance(movement.from, account_)));
  calls.push_back({"eth_getBalance", {base::to_hex(account_), "latest"}});
  calls.push_back({"eth_maxPriorityFeePerGas", {}});
  client_->batch(std::move(calls), [this, work](const std::vector<RpcResult>& results) { choose(work, results); });
}

// How to move it: an authorisation of exactly this value, else the allowance, else a permit.
void StablecoinSettler::choose(const std::shared_ptr<Preparing>& work, const std::vector<RpcResult>& results) {
  const auto head = results[0] ? parse_block(*results[0]) : std::nullopt;
  const auto balance = number_of(results[1]);
  const auto allowance = number_of(results[2]);
  const auto gas_money = results[3] ? quantity128(*results[3]) : std::nullopt;
  if (!head || !balance || !allowance || !gas_money) {
    for (const RpcResult& result : results) {
      if (!result) return work->done(base::error(ErrorCode::unavailable, result.error().message));
    }
    return work->done(base::error(ErrorCode::unavailable, "the node's answers cannot be read"));
  }
  work->market = market_of(*head, *gas_money, results[4]);
  const Movement& movement = work->movement;
  const Token& token = *work->token;
  const std::string has = base::to_hex(movement.from) + " has " + in_tokens(*balance, token) + " and needs " +
                          in_tokens(movement.value, token);
  if (movement.from == account_) {  // a payout or a refund
    // Our own treasury is short: collections on their way may fill it.
    if (*balance < movement.value) return work->done(cannot(FailureClass::technical, "the operator's account " + has));
    work->payment_data = call_transfer(movement.to, movement.value);
    return simulate(work);
  }
  if (*balance < movement.value) return work->done(cannot(FailureClass::insufficient_funds, has));
  const MandateItem* permit = nullptr;
  for (const MandateItem& item : work->mandate) {
    const u128 value = number_from_word(item.value.view()).value_or(0);
    const bool exact = item.kind == MandateItem::Kind::receive_authorization && value == movement.value;
    if (exact && work->payment_data.empty()) {
      work->payment_data = call_receive_with_authorization(item, account_);
      work->movement.by_allowance = false;
    }
    if (item.kind == MandateItem::Kind::permit && value >= movement.value && permit == nullptr) permit = &item;
  }
  if (work->payment_data.empty()) {
    work->payment_data = call_transfer_from(movement.from, movement.to, movement.value);
    if (*allowance < movement.value && permit == nullptr)
      return work->done(
          cannot(FailureClass::no_mandate, base::to_hex(movement.from) + " allows the operator's account " +
                                               base::to_hex(account_) + " " + in_tokens(*allowance, token) + " and " +
                                               in_tokens(movement.value, token) + " is needed"));
    if (*allowance < movement.value) work->permit_data = call_permit(*permit, account_);
  }
  simulate(work);
}

void StablecoinSettler::simulate(const std::shared_ptr<Preparing>& work) {
  const base::Bytes& data = work->permit_data.empty() ? work->payment_data : work->permit_data;
  json::object transaction;
  transaction["from"] = base::to_hex(account_);
  transaction["to"] = base::to_hex(work->movement.token);
  transaction["data"] = base::to_hex(data);
  std::vector<RpcCall> calls;
  calls.push_back(eth_call(work->movement.token, data));
  calls.push_back({"eth_estimateGas", {std::move(transaction)}});
  client_->batch(std::move(calls),
                 [this, work](const std::vector<RpcResult>& results) { judge_simulation(work, results); });
}

void StablecoinSettler::judge_simulation(const std::shared_ptr<Preparing>& work,
                                         const std::vector<RpcResult>& results) {
  const RpcResult& call = results[0];
  if (!call && call.error().transport) return work->done(base::error(ErrorCode::unavailable, call.error().message));
  if (!call) {
    std::string reason = revert_reason(call.error().data);
    if (reason.empty()) reason = call.error().message;
    FailureClass failure = classify_revert(reason);
    // A payout or refund that fails for want of funds fails for want of ours.
    if (work->movement.from == account_ && failure == FailureClass::insufficient_funds)
      failure = FailureClass::technical;
    return work->done(cannot(failure, "the simulation says: " + reason));
  }
  const auto estimate = results[1] ? quantity64(*results[1]) : std::nullopt;
  if (!estimate)
    return work->done(
        base::error(ErrorCode::unavailable,
                    "no gas estimate: " + (results[1] ? std::string("not a number") : results[1].error().message)));
  const std::uint64_t gas_limit = *estimate + *estimate / 5;
  if (*estimate > options_.gas_limit_max || gas_limit > options_.gas_limit_max)
    return work->done(cannot(FailureClass::rejected, "the call needs " + std::to_string(gas_limit) +
                                                         " gas and gas_limit_max is " +
                                                         std::to_string(options_.gas_limit_max)));
  const u128 gas_total = gas_limit + (work->permit_data.empty() ? 0 : kGasAfterPermit);
  const std::optional<Fees> fees = affordable(work->market, gas_total, work->done);
  if (!fees) return;
  std::vector<Call> calls;
  if (!work->permit_data.empty()) calls.push_back({work->movement.token, work->permit_data, gas_limit});
  calls.push_back({work->movement.token, work->payment_data,
                   work->permit_data.empty() ? gas_limit : std::min(kGasAfterPermit, options_.gas_limit_max)});
  Transaction payment;
  payment.to = calls.back().to;
  payment.data = calls.back().data;
  CHECK(movement_of(payment, account_) == work->movement);
  base::Result<Prepared> prepared = sign_and_reserve(work->key, calls, *fees, work->instruction.dry_run);
  if (prepared) {
    const Movement& movement = work->movement;
    prepared->detail = in_tokens(movement.value, *work->token) + " of " + base::to_hex(movement.token) + " from " +
                       base::to_hex(movement.from) + " to " + base::to_hex(movement.to) +
                       (work->permit_data.empty() ? "" : " after its permit");
  }
  work->done(std::move(prepared));
}

StablecoinSettler::GasMarket StablecoinSettler::market_of(const Block& head, u128 gas_money_wei,
                                                          const RpcResult& tip) const {
  GasMarket market{head.base_fee_wei, kTipDefaultWei, gas_money_wei};
  if (tip) market.tip_wei = quantity128(*tip).value_or(kTipDefaultWei);
  return market;
}

// The fees, or nothing after telling `done` why this cannot be sent now.
std::optional<Fees> StablecoinSettler::affordable(const GasMarket& market, u128 gas_total,
                                                  const Done<base::Result<Prepared>>& done) const {
  const std::optional<Fees> fees = initial_fees(market.base_fee_wei, market.tip_wei, caps());
  if (!fees) {
    done(cannot(FailureClass::technical, "the chain's base fee is above max_fee_per_gas_wei"));
    return std::nullopt;
  }
  if (market.gas_money_wei / gas_total < fees->max_fee_wei) {  // the rail cannot move anything: nobody else's fault
    done(base::error(ErrorCode::unavailable, "the signer " + base::to_hex(account_) + " has too little money for gas"));
    return std::nullopt;
  }
  return fees;
}

base::Result<Prepared> StablecoinSettler::sign_and_reserve(const base::Hash& key, const std::vector<Call>& calls,
                                                           const Fees& fees, bool dry_run) {
  Transaction transaction;
  transaction.chain_id = options_.chain_id;
  transaction.nonce = nonces_->next();
  transaction.max_fee_wei = fees.max_fee_wei;
  transaction.max_priority_fee_wei = fees.max_priority_fee_wei;
  std::vector<SignedTransaction> transactions;
  std::vector<Slot> slots;
  for (const Call& call : calls) {
    transaction.to = call.to;
    transaction.data = call.data;
    transaction.gas_limit = call.gas_limit;
    transactions.push_back(sign(transaction, signer_));
    slots.push_back({transaction.nonce, SlotState::reserved, key, intent_of(transaction), {transactions.back()}});
    ++transaction.nonce;
  }
  if (!dry_run) {
    RETURN_IF_ERROR(nonces_->put(slots));
    for (const Slot& slot : slots) preparing_.insert(slot.nonce);
    show();
  }
  Prepared prepared;
  prepared.idempotency_key = key;
  prepared.request = encode_request(transactions);
  prepared.reference = base::to_hex(transactions.back().hash);
  return prepared;
}

}  // namespace settlers::stablecoin
