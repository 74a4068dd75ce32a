// The signer's nonces: gaps are filled in order, and the transaction that everything waits for gets higher fees.

#include <boost/system/error_code.hpp>
#include <chrono>

#include "crypto/sha256.h"
#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kPlainTransferGas = 21'000;
// Slots kept beyond the newest block's nonce count, so that a reorganisation still finds every variant.
constexpr std::uint64_t kSlotsKept = 1024;
// Replacements of one nonce; each is 12.5 % dearer, so after 24 of them the fees are 17 times the first.
constexpr std::size_t kVariantsMax = 24;
constexpr base::u128 kTipDefaultWei = 100'000'000;

}  // namespace

void StablecoinSettler::schedule_watch() {
  watch_timer_.expires_after(std::chrono::milliseconds(options_.poll_ms));
  watch_timer_.async_wait([this, alive = alive_](const boost::system::error_code& cancelled) {
    if (!cancelled && *alive) watch();
  });
}

void StablecoinSettler::watch() {
  if (checked_ == Checked::not_yet) {
    return check_chain([this](const base::Result<void>&) { schedule_watch(); });
  }
  const std::string account = base::to_hex(account_);
  std::vector<RpcCall> calls;
  calls.push_back({"eth_getBlockByNumber", {"latest", false}});
  calls.push_back({"eth_getTransactionCount", {account, "latest"}});
  calls.push_back({"eth_getTransactionCount", {account, "pending"}});
  calls.push_back({"eth_getBalance", {account, "latest"}});
  calls.push_back({"eth_maxPriorityFeePerGas", {}});
  client_->batch(std::move(calls), [this](const std::vector<RpcResult>& results) {
    judge_watch(results);
    schedule_watch();
  });
}

void StablecoinSettler::judge_watch(const std::vector<RpcResult>& results) {
  const auto head = results[0] ? parse_block(*results[0]) : std::nullopt;
  const auto mined = results[1] ? quantity64(*results[1]) : std::nullopt;
  const auto pending = results[2] ? quantity64(*results[2]) : std::nullopt;
  const auto balance = results[3] ? quantity128(*results[3]) : std::nullopt;
  if (!head || !mined || !pending || !balance) {
    for (const RpcResult& result : results) {
      if (!result) return note_problem(result.error().message);
    }
    return note_problem("the node's answers cannot be read");
  }
  view_.head = *head;
  view_.mined_nonces = *mined;
  view_.gas_balance_wei = *balance;
  view_.seen = true;
  if (checked_ == Checked::passed) view_.problem.clear();
  if (checked_ == Checked::passed && sending_allowed_)
    tend_nonces(*pending, results[4] ? quantity128(*results[4]).value_or(kTipDefaultWei) : kTipDefaultWei);
  forget_old();
  show();
}

void StablecoinSettler::tend_nonces(std::uint64_t pending_nonces, base::u128 tip_wei) {
  const std::uint64_t now = now_ns();
  for (std::uint64_t nonce = view_.mined_nonces; nonce < nonces_->next(); ++nonce) {
    if (preparing_.count(nonce) != 0) return;  // the ledger is being asked; what follows waits for it
    Age& age = ages_[nonce];
    if (age.first_ns == 0) age = {now, now};
    const Slot* slot = nonces_->find(nonce);
    const bool armed = slot != nullptr && slot->state == SlotState::armed;
    if (!armed) {
      // Nobody will ever send it. A nonce that the store does not know may be another's transaction in the pool.
      const bool foreign = slot == nullptr && pending_nonces > nonce;
      if (!foreign && now - age.first_ns >= options_.gap_after_ms * kNsPerMs) fill(nonce, tip_wei);
      continue;
    }
    // Only the first one can be stuck; those behind it wait for it.
    if (nonce == view_.mined_nonces && now - age.last_ns >= options_.stuck_after_ms * kNsPerMs) bump(*slot, tip_wei);
  }
}

void StablecoinSettler::bump(const Slot& slot, base::u128 tip_wei) {
  ages_[slot.nonce].last_ns = now_ns();
  const SignedTransaction newest = slot.variants.back();
  const auto decoded = decode_transaction(newest.raw);
  if (!decoded) return note_problem(decoded.error().message);
  Transaction transaction = decoded->transaction;
  Fees old{transaction.max_fee_wei, transaction.max_priority_fee_wei};
  const std::optional<Fees> fees = bumped_fees(old, view_.head.base_fee_wei, caps());
  if (!fees || slot.variants.size() >= kVariantsMax) {
    view_.problem = "nonce " + std::to_string(slot.nonce) + " is stuck at the highest allowed fee; raise " +
                    "max_fee_per_gas_wei or max_priority_fee_per_gas_wei";
    return push(newest, "stuck");
  }
  transaction.max_fee_wei = fees->max_fee_wei;
  transaction.max_priority_fee_wei = fees->max_priority_fee_wei;
  static_cast<void>(tip_wei);
  Slot changed = slot;
  changed.variants.push_back(sign(transaction, signer_));
  const base::Result<void> put = nonces_->put({changed});  // durable first: every hash of a nonce is watched
  if (!put) return note_problem(put.error().to_string());
  ++view_.bumps;
  push(changed.variants.back(), "replacement");
}

void StablecoinSettler::fill(std::uint64_t nonce, base::u128 tip_wei) {
  Slot slot;
  if (const Slot* known = nonces_->find(nonce)) slot = *known;
  const auto newest = slot.variants.empty() ? base::Result<DecodedTransaction>(DecodedTransaction{})
                                            : decode_transaction(slot.variants.back().raw);
  const bool filled = newest && !slot.variants.empty() && newest->transaction.to == account_;
  if (filled && now_ns() - ages_[nonce].last_ns < options_.stuck_after_ms * kNsPerMs) return;
  const std::optional<Fees> fees =
      filled ? bumped_fees({newest->transaction.max_fee_wei, newest->transaction.max_priority_fee_wei},
                           view_.head.base_fee_wei, caps())
             : initial_fees(view_.head.base_fee_wei, tip_wei, caps());
  ages_[nonce].last_ns = now_ns();
  if (!fees || slot.variants.size() >= kVariantsMax) {
    if (filled) push(slot.variants.back(), "filler");
    return;
  }
  Transaction transaction;
  transaction.chain_id = options_.chain_id;
  transaction.nonce = nonce;
  transaction.max_fee_wei = fees->max_fee_wei;
  transaction.max_priority_fee_wei = fees->max_priority_fee_wei;
  transaction.gas_limit = kPlainTransferGas;
  transaction.to = account_;
  slot.nonce = nonce;
  slot.state = SlotState::abandoned;
  slot.variants.push_back(sign(transaction, signer_));
  const base::Result<void> put = nonces_->put({slot});
  if (!put) return note_problem(put.error().to_string());
  if (!filled) ++view_.fillers;
  push(slot.variants.back(), "filler");
}

void StablecoinSettler::push(const SignedTransaction& transaction, const char* what) {
  client_->call("eth_sendRawTransaction", {base::to_hex(transaction.raw)}, [this, what](const RpcResult& result) {
    if (result || result.error().transport || broadcast_reply(result.error().message) != BroadcastReply::refused)
      return;
    note_problem(std::string(what) + " transaction refused: " + result.error().message);
  });
}

void StablecoinSettler::forget_old() {
  for (auto it = ages_.begin(); it != ages_.end() && it->first < view_.mined_nonces;) it = ages_.erase(it);
  if (view_.mined_nonces <= kSlotsKept) return;
  const std::uint64_t below = view_.mined_nonces - kSlotsKept;
  last_block_.erase(last_block_.begin(), last_block_.lower_bound(below));
  const base::Result<void> forgotten = nonces_->forget_below(below);
  if (!forgotten) note_problem(forgotten.error().to_string());
}

}  // namespace settlers::stablecoin
