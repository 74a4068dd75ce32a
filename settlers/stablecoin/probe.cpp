// What became of a payment: receipts of every variant of its nonce, and what they prove. Without a receipt the same
// bytes are broadcast again, which can only ever make the same payment happen.

#include <algorithm>

#include "settlers/stablecoin/probing.h"

namespace settlers::stablecoin {

namespace {

using base::u128;

// How many looks may be left out until a block can be final.
std::uint64_t blocks_to_wait(const BlockRule& rule, std::uint64_t block_number, std::uint64_t latest) {
  constexpr std::uint64_t kMost = 10;
  if (rule.kind != BlockRule::Kind::depth) return kMost;
  const std::uint64_t depth = latest >= block_number ? latest - block_number + 1 : 0;
  return depth >= rule.depth ? 1 : std::min(kMost, rule.depth - depth);
}

std::optional<Block> block_of(const RpcResult& result) { return result ? parse_block(*result) : std::nullopt; }

}  // namespace

void StablecoinSettler::probe(const Instruction& instruction, Done<Outcome> done) {
  auto work = std::make_shared<Probing>();
  work->instruction = instruction;
  work->done = std::move(done);
  if (checked_ != Checked::passed) {
    return work->answer(SettlementState::unknown,
                        checked_ == Checked::refused ? refusal_ : "the node is not checked yet", options_.poll_ms,
                        true);
  }
  if (instruction.settlement.kind == SettlementKind::relay) return begin_relay_probe(work);
  auto request = decode_request(instruction.settlement.request);
  const auto decoded = request ? decode_transaction(request->back().raw)
                               : base::Result<DecodedTransaction>(tl::unexpected<base::Error>(request.error()));
  const auto movement = decoded ? movement_of(decoded->transaction, account_) : std::nullopt;
  if (!movement) {
    return work->answer(SettlementState::unknown,
                        decoded ? "the request is not a token transfer" : decoded.error().message, 60'000);
  }
  work->movement = *movement;
  watch_variants(work, std::move(*request), decoded->transaction);
}

void StablecoinSettler::watch_variants(const std::shared_ptr<Probing>& work, std::vector<SignedTransaction> request,
                                       const Transaction& payment) {
  work->request = std::move(request);
  work->payment = payment;
  const Settlement& settlement = work->instruction.settlement;
  const Slot* slot = nonces_->find(work->payment.nonce);
  if (slot != nullptr && slot->key == settlement.idempotency_key) work->variants = slot->variants;
  if (work->variants.empty()) work->variants = {work->request.back()};
  for (const SignedTransaction& variant : work->variants) work->watched.push_back(variant.hash);
  const auto reference = base::hash_from_hex(settlement.reference);
  if (reference && std::find(work->watched.begin(), work->watched.end(), *reference) == work->watched.end())
    work->watched.push_back(*reference);
  ask_receipts(work);
}

void StablecoinSettler::ask_receipts(const std::shared_ptr<Probing>& work) {
  std::vector<RpcCall> calls;
  calls.push_back({"eth_getBlockByNumber", {"latest", false}});
  calls.push_back({"eth_getTransactionCount", {base::to_hex(account_), "latest"}});
  for (const base::Hash& hash : work->watched) calls.push_back({"eth_getTransactionReceipt", {base::to_hex(hash)}});
  bool tags = false;
  for (const BlockRule& rule : {options_.confirmed, options_.finality}) tags |= rule.kind != BlockRule::Kind::depth;
  if (tags) {
    calls.push_back({"eth_getBlockByNumber", {"safe", false}});
    calls.push_back({"eth_getBlockByNumber", {"finalized", false}});
  }
  client_->batch(std::move(calls), [this, work, tags](const std::vector<RpcResult>& results) {
    if (tags) {
      work->safe = block_of(results[results.size() - 2]);
      work->finalized = block_of(results[results.size() - 1]);
    }
    judge_receipts(work, results);
  });
}

void StablecoinSettler::judge_receipts(const std::shared_ptr<Probing>& work, const std::vector<RpcResult>& results) {
  const auto head = block_of(results[0]);
  const auto mined = results[1] ? quantity64(*results[1]) : std::nullopt;
  bool found = false;
  for (std::size_t i = 0; i < work->watched.size(); ++i) {
    const RpcResult& result = results[2 + i];
    if (!result) {
      return work->answer(SettlementState::unknown, "no receipt answer: " + result.error().message, options_.poll_ms,
                          true);
    }
    const auto receipt = parse_receipt(*result);
    if (!receipt || receipt->transaction != work->watched[i]) continue;
    work->receipt = *receipt;
    work->receipt_json = *result;
    found = true;
  }
  if (!head || !mined)
    return work->answer(SettlementState::unknown, "the node does not tell its newest block", options_.poll_ms, true);
  work->head = *head;
  work->mined_nonces = *mined;
  found ? in_block(work) : not_in_block(work);
}

// A receipt counts only while its block is the one at that height.
void StablecoinSettler::in_block(const std::shared_ptr<Probing>& work) {
  client_->call(
      "eth_getBlockByNumber", {to_quantity(work->receipt.block_number), false}, [this, work](const RpcResult& result) {
        const auto block = block_of(result);
        const Receipt& receipt = work->receipt;
        if (!block || block->hash != receipt.block_hash)
          return work->answer(SettlementState::accepted, "its block is being reorganised", options_.poll_ms);
        if (work->is_ours(receipt.transaction)) note_block(work->payment.nonce, receipt.block_hash);
        Outcome outcome;
        outcome.reference = base::to_hex(receipt.transaction);
        outcome.next_probe_ms = options_.poll_ms;
        outcome.detail = "in block " + std::to_string(receipt.block_number);
        const bool confirmed =
            counts(options_.confirmed, receipt.block_number, work->head.number, work->tagged(options_.confirmed));
        if (!confirmed) {
          outcome.state = SettlementState::accepted;
          if (!receipt.success) outcome.detail += ", reverted";
          return work->done(outcome);
        }
        if (work->relay && !(receipt.success && work->proved()))
          return relay_unproved(work, receipt.success ? "the events that prove it are missing" : "");
        if (!receipt.success) return reverted(work);
        if (!work->proved()) {
          outcome.state = SettlementState::failed;
          outcome.failure = FailureClass::rejected;
          outcome.detail += ", and it moved nothing: the token's Transfer event is missing";
          return work->done(outcome);
        }
        const bool final =
            counts(options_.finality, receipt.block_number, work->head.number, work->tagged(options_.finality));
        outcome.state = final ? SettlementState::final : SettlementState::confirmed;
        outcome.next_probe_ms =
            options_.poll_ms * blocks_to_wait(options_.finality, receipt.block_number, work->head.number);
        work->done(outcome);
      });
}

void StablecoinSettler::note_block(std::uint64_t nonce, const base::Hash& block) {
  const auto [seen, is_new] = last_block_.try_emplace(nonce, block);
  if (!is_new && seen->second != block) {
    seen->second = block;
    ++view_.reorganisations;
  }
  ages_.erase(nonce);
}

// The transaction is in a block that counts, and it failed there: nothing moved, and it cannot move any more.
void StablecoinSettler::reverted(const std::shared_ptr<Probing>& work) {
  const Movement& movement = work->movement;
  std::vector<RpcCall> calls;
  calls.push_back(eth_call(movement.token, call_balance_of(movement.from)));
  calls.push_back(eth_call(movement.token, call_allowance(movement.from, account_)));
  calls.push_back(eth_call(movement.token, work->payment.data));
  client_->batch(std::move(calls), [work, payout = movement.from == account_](const std::vector<RpcResult>& results) {
    const auto number = [&results](std::size_t i) {
      const auto bytes = results[i] ? data_bytes(*results[i]) : std::nullopt;
      return bytes ? number_from_word(*bytes) : std::nullopt;
    };
    const auto balance = number(0);
    const auto allowance = number(1);
    Outcome outcome;
    outcome.reference = base::to_hex(work->receipt.transaction);
    if (!balance || !allowance) {  // the class decides what follows: not without knowing it
      outcome.detail = "it reverted, and the node does not tell why";
      outcome.rail_fault = true;
      return work->done(outcome);
    }
    outcome.state = SettlementState::failed;
    std::string reason;
    if (!results[2]) reason = revert_reason(results[2].error().data);
    outcome.failure = reason.empty() ? FailureClass::technical : classify_revert(reason);
    if (*balance < work->movement.value)
      outcome.failure = FailureClass::insufficient_funds;
    else if (work->movement.by_allowance && *allowance < work->movement.value)
      outcome.failure = FailureClass::no_mandate;
    if (payout && outcome.failure == FailureClass::insufficient_funds) outcome.failure = FailureClass::technical;
    outcome.detail = "it reverted in block " + std::to_string(work->receipt.block_number) +
                     (reason.empty() ? "" : "; now it would say: " + reason);
    work->done(outcome);
  });
}

void StablecoinSettler::not_in_block(const std::shared_ptr<Probing>& work) {
  if (work->foreign) return seen_is_gone(work);
  if (last_block_.erase(work->payment.nonce) > 0) ++view_.reorganisations;
  if (work->mined_nonces <= work->payment.nonce) {
    std::vector<RpcCall> calls;
    for (const SignedTransaction& variant : work->variants)
      calls.push_back({"eth_getTransactionByHash", {base::to_hex(variant.hash)}});
    return client_->batch(std::move(calls), [this, work](const std::vector<RpcResult>& results) {
      for (const RpcResult& result : results) {
        if (!result) return work->answer(SettlementState::unknown, result.error().message, options_.poll_ms, true);
        if (result->is_object()) return work->waiting("waiting for a block", options_.poll_ms);
      }
      rebroadcast(work);
    });
  }
  nonce_taken(work);
}

// The node does not have it: a reply or the node's memory was lost, or a block was undone.
void StablecoinSettler::rebroadcast(const std::shared_ptr<Probing>& work) {
  if (!sending_allowed_)
    return work->answer(SettlementState::unknown, "not with the node; sending is switched off", options_.poll_ms);
  std::vector<SignedTransaction> transactions = work->request;
  transactions.back() = work->variants.back();
  auto again = std::make_shared<std::vector<SignedTransaction>>(std::move(transactions));
  const std::size_t count = again->size();
  ages_[work->payment.nonce].last_ns = now_ns();
  const auto last = [this, work](const RpcResult& result) {
    const bool known =
        result || (!result.error().transport && broadcast_reply(result.error().message) == BroadcastReply::known);
    if (known) return work->waiting("broadcast again", options_.poll_ms);
    work->answer(SettlementState::unknown, "broadcast again: " + result.error().message, options_.poll_ms, true);
  };
  if (count == 1) return client_->call("eth_sendRawTransaction", {base::to_hex(again->front().raw)}, last);
  client_->call("eth_sendRawTransaction", {base::to_hex(again->front().raw)},
                [this, again, last](const RpcResult&) {  // the permit; it may be in a block already
                  client_->call("eth_sendRawTransaction", {base::to_hex(again->back().raw)}, last);
                });
}

}  // namespace settlers::stablecoin
