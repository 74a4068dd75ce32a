// The nonce of a payment is in a block, and none of the hashes that we watch has a receipt. Either the node lags behind
// itself, or a replacement is not known here (a lost nonce file), or somebody else used the key. A payment is only
// called dead when the transaction that took its nonce has been seen, in a final block, and does something else: a
// guess here would pay twice.

#include <algorithm>

#include "settlers/stablecoin/probing.h"

namespace settlers::stablecoin {

namespace json = boost::json;

// First the newest block that is final, then backwards in growing steps: nodes keep the states of recent blocks only.
void StablecoinSettler::nonce_taken(const std::shared_ptr<Probing>& work) {
  const BlockRule& rule = options_.finality;
  std::optional<std::uint64_t> final_block;
  if (rule.kind == BlockRule::Kind::depth) {
    if (work->head.number + 1 >= rule.depth) final_block = work->head.number + 1 - rule.depth;
  } else if (work->tagged(rule)) {
    final_block = work->tagged(rule)->number;
  }
  const std::string waiting =
      "nonce " + std::to_string(work->payment.nonce) + " is in a block, and not by a known hash";
  if (!final_block) return work->answer(SettlementState::unknown, waiting, options_.poll_ms);
  ask_count(work, *final_block, [this, work, waiting, final_block](bool used) {
    if (!used) return work->answer(SettlementState::unknown, waiting + "; not final yet", options_.poll_ms);
    work->used = *final_block;
    find_block(work);
  });
}

void StablecoinSettler::ask_count(const std::shared_ptr<Probing>& work, std::uint64_t block,
                                  std::function<void(bool used)> done) {
  client_->call("eth_getTransactionCount", {base::to_hex(account_), to_quantity(block)},
                [this, work, block, done = std::move(done)](const RpcResult& result) {
                  const auto count = result ? quantity64(*result) : std::nullopt;
                  if (count) return done(*count > work->payment.nonce);
                  work->answer(SettlementState::unknown,
                               "the node does not tell the signer's nonce at block " + std::to_string(block) +
                                   (result ? std::string() : ": " + result.error().message),
                               options_.poll_ms * 10, !result && result.error().transport);
                });
}

void StablecoinSettler::find_block(const std::shared_ptr<Probing>& work) {
  if (work->used == 0 || (work->bounded && work->unused + 1 == work->used)) return read_block(work);
  const std::uint64_t at =
      work->bounded ? work->unused + (work->used - work->unused) / 2 : work->used - std::min(work->step, work->used);
  ask_count(work, at, [this, work, at](bool used) {
    if (used) {
      work->used = at;
      work->step *= 2;
    } else {
      work->unused = at;
      work->bounded = true;
    }
    find_block(work);
  });
}

void StablecoinSettler::read_block(const std::shared_ptr<Probing>& work) {
  client_->call("eth_getBlockByNumber", {to_quantity(work->used), true}, [this, work](const RpcResult& result) {
    if (!result) return work->answer(SettlementState::unknown, result.error().message, options_.poll_ms, true);
    judge_taker(work, *result);
  });
}

void StablecoinSettler::judge_taker(const std::shared_ptr<Probing>& work, const json::value& block) {
  const json::value* transactions = member(block, "transactions");
  const json::array* list = transactions == nullptr ? nullptr : transactions->if_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const json::value& taker = (*list)[i];
    const json::value* from = member(taker, "from");
    const json::value* nonce = member(taker, "nonce");
    const json::value* hash = member(taker, "hash");
    const json::value* to = member(taker, "to");
    const json::value* input = member(taker, "input");
    if (from == nullptr || nonce == nullptr || hash == nullptr || to == nullptr || input == nullptr) continue;
    if (data_fixed<base::Address>(*from) != account_ || quantity64(*nonce) != work->payment.nonce) continue;
    const auto taker_hash = data_fixed<base::Hash>(*hash);
    if (!taker_hash) break;
    Outcome outcome;
    if (data_fixed<base::Address>(*to) == work->payment.to && data_bytes(*input) == work->payment.data) {
      // Ours, a replacement that was forgotten: watched from now on by the ledger's reference.
      outcome.state = SettlementState::accepted;
      outcome.reference = base::to_hex(*taker_hash);
      outcome.next_probe_ms = options_.poll_ms;
      return work->done(outcome);
    }
    outcome.state = SettlementState::failed;
    outcome.failure = FailureClass::technical;
    outcome.detail = "nonce " + std::to_string(work->payment.nonce) + " was used by another transaction, " +
                     base::to_hex(*taker_hash) + ", in block " + std::to_string(work->used) +
                     ": this payment cannot happen any more";
    return work->done(outcome);
  }
  work->answer(SettlementState::unknown,
               "the node does not show the transaction with nonce " + std::to_string(work->payment.nonce) +
                   " in block " + std::to_string(work->used),
               options_.poll_ms * 10);
}

}  // namespace settlers::stablecoin
