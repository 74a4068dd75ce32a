#include "facilitator/channel_settle.h"

#include <algorithm>

#include "base/uint256.h"
#include "crypto/keccak.h"
#include "evm/refusal.h"
#include "facilitator/channel_verify.h"
#include "facilitator/json_text.h"

namespace facilitator {

namespace channel = commitments::channel;
using base::Result;
using channel::Code;
using channel::Snapshot;

namespace {

constexpr std::size_t kPendingSettlesMax = 10'000;

bool is_payee(std::span<const base::Address> payees, const base::Address& receiver) {
  return std::binary_search(payees.begin(), payees.end(), receiver);
}

Code failure_of(ChannelAction action, const RelayAnswer& answer) {
  if (action == ChannelAction::deposit) {
    switch (evm::refusal_in_detail(answer.settlement.detail)) {
      case evm::Refusal::insufficient_balance: return Code::insufficient_balance;
      case evm::Refusal::authorization_expired: return Code::payload_authorization_valid_before;
      case evm::Refusal::authorization_not_yet_valid: return Code::payload_authorization_valid_after;
      case evm::Refusal::signature_invalid: return Code::receive_authorization_signature;
      default: break;
    }
  }
  const bool sent = !answer.settlement.reference.empty();
  switch (action) {
    case ChannelAction::claim: return sent ? Code::claim_transaction_failed : Code::claim_simulation_failed;
    case ChannelAction::settle: return sent ? Code::settle_transaction_failed : Code::settle_simulation_failed;
    case ChannelAction::refund: return sent ? Code::refund_transaction_failed : Code::refund_simulation_failed;
    case ChannelAction::deposit:
    case ChannelAction::voucher: break;
  }
  return sent ? Code::deposit_transaction_failed : Code::deposit_simulation_failed;
}

// Every row by itself, and the batch. For a verifying thread.
void check_rows(ChannelJob& job, const channel::Domain& domain) {
  const std::vector<channel::Claim>& rows = job.payload.claims;
  job.code = channel::check_claim_batch(rows);
  if (job.code != Code::ok) return;
  std::vector<channel::Answer> answers(rows.size());
  channel::verify_claims(domain, rows, answers);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (answers[i].code == Code::ok) continue;
    job.code = answers[i].code;
    job.why = "claims[" + std::to_string(i) + "]";
    return;
  }
  if (job.payload.claim_signature) job.code = channel::verify_claim_batch(domain, rows, *job.payload.claim_signature);
}

// `now_s`, or the last moment at which the deposit was still good.
std::uint64_t time_within(const channel::Deposit& deposit, std::uint64_t now_s) {
  const std::optional<base::u128> before = deposit.valid_before.to_u128();
  const base::u128 margin = base::limits::kAuthorizationMarginSeconds;
  if (!before || *before < margin || *before - margin >= now_s) return now_s;
  return static_cast<std::uint64_t>(*before - margin);
}

}  // namespace

bool ChannelSettle::first(const base::Hash& key, const SharedJob& job) {
  std::vector<SharedJob>& all = under_way_[key];
  all.push_back(job);
  return all.size() == 1;
}

void ChannelSettle::answer_all(const base::Hash& key, const Answer& answer) {
  const auto found = under_way_.find(key);
  if (found == under_way_.end()) return;
  const std::vector<SharedJob> all = std::move(found->second);
  under_way_.erase(found);
  for (const SharedJob& job : all) job->done(answer);
}

Answer ChannelSettle::unfinished(const ChannelJob& job, const RelayAnswer& answer) const {
  SettleResponse response = desk_.settle_response(job, answer);
  if (answer.kind == RelayAnswer::Kind::pending) return pending_answer(std::move(response));
  if (answer.kind == RelayAnswer::Kind::refused) return refusal_of(answer);
  const Code code = failure_of(job.payload.action, answer);
  response.reason = std::string(channel::text(code));
  response.message = std::string(channel::sentence(code)) + " (" + answer.settlement.detail + ")";
  return response;
}

// ---- Deposits.

void ChannelSettle::send_deposit(const SharedJob& job, RelayDone done) {
  // Who asks again when the time is over must hear of the transaction: the rail looks at the window.
  const std::uint64_t now = time_within(job->payload.deposit, desk_.parts().clock.now().seconds());
  const auto check = [collector = desk_.parts().collector, now](ChannelJob& one) {
    check_deposit_signatures(one, collector, now);
  };
  desk_.check(job, 2, check, [this, job, done = std::move(done)] {
    const ChannelPayload& payload = job->payload;
    const evm::ChannelOrder order =
        evm::deposit_order(payload.item, payload.deposit, *job->token, desk_.parts().collector);
    desk_.parts().relays.run(
        desk_.plan(order), desk_.parts().settle_wait_ms, [this, job, done](const RelayAnswer& answer) {
          const bool conflict =
              answer.kind == RelayAnswer::Kind::refused && answer.status == base::Status::relay_conflict;
          if (!conflict) return done(answer);
          job->done(desk_.refuse(*job, Code::deposit_payload,
                                 "this authorisation was settled before with other terms or another signature"));
        });
  });
}

void ChannelSettle::deposit(const SharedJob& job) {
  send_deposit(job, [this, job](const RelayAnswer& answer) { deposited(job, answer); });
}

void ChannelSettle::deposited(const SharedJob& job, const RelayAnswer& answer) {
  if (answer.kind != RelayAnswer::Kind::done) return job->done(unfinished(*job, answer));
  SettleResponse response = desk_.settle_response(*job, answer);
  const base::Hash& id = job->payload.item.voucher.channel_id;
  const auto has_money = [](const Snapshot& state) { return state.balance != 0; };
  desk_.ask_chain_until(id, has_money, [this, job, response](const Result<Snapshot>& state) mutable {
    if (!state) return job->done(pending_answer(std::move(response)));
    response.success = true;
    response.amount = base::to_decimal_string(job->payload.deposit.amount);
    JsonObject extra;
    extra.raw("channelState", channel_state_json(job->payload.item.voucher.channel_id, *state));
    response.extra = std::move(extra).done();
    job->done(std::move(response));
  });
}

// ---- Claims.

void ChannelSettle::claim(const SharedJob& job, std::span<const base::Address> payees) {
  const Rows& rows = job->payload.claims;
  for (const channel::Claim& row : rows) {
    if (!is_payee(payees, row.config.receiver))
      return job->done(desk_.refuse(*job, Code::receiver_mismatch,
                                    "this API key may not claim for " + base::to_hex(row.config.receiver)));
    if (desk_.token(row.config.token) == nullptr)
      return job->done(
          desk_.refuse(*job, Code::token_mismatch, base::to_hex(row.config.token) + " is not served here"));
  }
  if (!job->payload.claim_signature && !rows.empty()) {
    if (desk_.parts().authorizer == nullptr) return job->done(desk_.refuse(*job, Code::authorizer_not_configured));
    if (!desk_.is_authorizer(rows.front().config.receiver_authorizer))
      return job->done(desk_.refuse(*job, Code::authorizer_address_mismatch));
  }
  desk_.check(
      job, rows.size() + 1, [&domain = desk_.domain()](ChannelJob& one) { check_rows(one, domain); },
      [this, job] {
        const base::Hash key = evm::claim_key(desk_.domain(), job->payload.claims);
        if (first(key, job)) look_at_rows(job, key);
      });
}

void ChannelSettle::look_at_rows(const SharedJob& job, const base::Hash& key) {
  std::vector<base::Hash> ids;
  for (const channel::Claim& row : job->payload.claims) ids.push_back(channel::channel_id(desk_.domain(), row.config));
  const auto look = [this, job, key](const Result<std::vector<evm::ChannelState>>& states) {
    if (!states) return answer_all(key, chain_unavailable(states.error().message));
    claim_rows(job, key, *states);
  };
  desk_.parts().chain.channels(desk_.parts().contract, std::move(ids), evm::Depth::newest,
                               desk_.here<std::vector<evm::ChannelState>>(look));
}

// Leaves out what is claimed already, which would cost gas for nothing; unless the server signed for all rows together.
void ChannelSettle::claim_rows(const SharedJob& job, const base::Hash& key,
                               const std::vector<evm::ChannelState>& states) {
  const Rows& rows = job->payload.claims;
  Rows left;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Code code = channel::check_claim(rows[i].total_claimed, states.at(i).channel);
    if (code == Code::cumulative_exceeds_balance)
      return answer_all(key, desk_.refuse(*job, code, "claims[" + std::to_string(i) + "]"));
    if (code == Code::ok) left.push_back(rows[i]);
  }
  if (left.empty()) return nothing_to_claim(job, key);
  base::Signature signature;
  if (job->payload.claim_signature) {
    signature = *job->payload.claim_signature;
    left = rows;
  } else {
    signature = desk_.parts().authorizer->sign(evm::claim_key(desk_.domain(), left));
  }
  const evm::ChannelOrder order = evm::claim_order(desk_.domain(), left, signature, desk_.parts().claim_gas_max);
  desk_.parts().relays.run(desk_.plan(order), Relays::Same::key, desk_.parts().settle_wait_ms,
                           [this, job, key](const RelayAnswer& answer) {
                             if (answer.kind != RelayAnswer::Kind::done)
                               return answer_all(key, unfinished(*job, answer));
                             SettleResponse response = desk_.settle_response(*job, answer);
                             response.success = true;
                             answer_all(key, response);
                           });
}

// The transaction that did it, if it was ours for the very same rows.
void ChannelSettle::nothing_to_claim(const SharedJob& job, const base::Hash& key) {
  desk_.parts().relays.find(key, desk_.parts().settle_wait_ms, [this, job, key](const RelayAnswer& answer) {
    if (answer.kind == RelayAnswer::Kind::pending) return answer_all(key, unfinished(*job, answer));
    SettleResponse response = desk_.settle_response(*job, {});
    response.success = true;
    if (answer.kind == RelayAnswer::Kind::done) {
      response.transaction = answer.settlement.reference;
    } else {
      response.extra = "{\"alreadyClaimed\":true}";
    }
    answer_all(key, response);
  });
}

// ---- Settles.

void ChannelSettle::settle(const SharedJob& job, std::span<const base::Address> payees) {
  const base::Address receiver = job->payload.receiver, token = job->payload.token;
  if (!is_payee(payees, receiver))
    return job->done(
        desk_.refuse(*job, Code::receiver_mismatch, "this API key may not settle for " + base::to_hex(receiver)));
  if (desk_.token(token) == nullptr)
    return job->done(desk_.refuse(*job, Code::token_mismatch, base::to_hex(token) + " is not served here"));
  const base::Hash key = evm::settle_order(desk_.domain(), receiver, token, 0).key;
  if (!first(key, job)) return;
  const auto look = [this, job, key](const Result<evm::EarningsState>& earned) {
    if (!earned) return answer_all(key, chain_unavailable(earned.error().message));
    send_settle(job, key, earned->earnings);
  };
  desk_.parts().chain.earnings(desk_.parts().contract, receiver, token, evm::Depth::newest,
                               desk_.here<evm::EarningsState>(look));
}

void ChannelSettle::send_settle(const SharedJob& job, const base::Hash& key, const evm::Earnings& earned) {
  const evm::ChannelOrder order =
      evm::settle_order(desk_.domain(), job->payload.receiver, job->payload.token, earned.total_claimed);
  if (earned.total_claimed <= earned.total_settled) return nothing_to_settle(job, key, order.key);
  const base::u128 due = earned.total_claimed - earned.total_settled;
  desk_.parts().relays.run(
      desk_.plan(order), Relays::Same::key, desk_.parts().settle_wait_ms,
      [this, job, key, relay = order.key, due](const RelayAnswer& answer) {
        if (answer.kind == RelayAnswer::Kind::pending && pending_settles_.size() < kPendingSettlesMax)
          pending_settles_.insert(relay);
        if (answer.kind != RelayAnswer::Kind::done) return answer_all(key, unfinished(*job, answer));
        pending_settles_.erase(relay);
        SettleResponse response = desk_.settle_response(*job, answer);
        response.success = true;
        response.amount = base::to_decimal_string(due);
        answer_all(key, response);
      });
}

// Whoever was told to ask again hears of that transaction; for others there is nothing to do.
void ChannelSettle::nothing_to_settle(const SharedJob& job, const base::Hash& key, const base::Hash& relay) {
  if (!pending_settles_.contains(relay)) return answer_all(key, desk_.refuse(*job, Code::nothing_to_settle));
  desk_.parts().relays.find(relay, desk_.parts().settle_wait_ms, [this, job, key, relay](const RelayAnswer& answer) {
    if (answer.kind == RelayAnswer::Kind::pending) return answer_all(key, unfinished(*job, answer));
    pending_settles_.erase(relay);
    if (answer.kind != RelayAnswer::Kind::done) return answer_all(key, desk_.refuse(*job, Code::nothing_to_settle));
    SettleResponse response = desk_.settle_response(*job, answer);
    response.success = true;
    answer_all(key, response);
  });
}

// ---- Refunds.

// For the server of the channel's receiver alone: its API key was checked for payTo, which is the receiver; the payer's
// voucher and, unless we sign, the receiver authorizer's signatures are checked here.
void ChannelSettle::refund(const SharedJob& job) {
  const ChannelPayload& payload = job->payload;
  if (!payload.refund_nonce || !payload.amount)
    return job->done(desk_.refuse(*job, Code::refund_payload,
                                  "amount, refundNonce and claims are missing: the receiver's server adds them"));
  const bool signs = !payload.refund_signature || (!payload.claims.empty() && !payload.claim_signature);
  if (signs && desk_.parts().authorizer == nullptr)
    return job->done(desk_.refuse(*job, Code::authorizer_not_configured));
  if (signs && !desk_.is_authorizer(payload.item.config.receiver_authorizer))
    return job->done(desk_.refuse(*job, Code::authorizer_address_mismatch));
  const auto check = [&domain = desk_.domain()](ChannelJob& one) {
    check_voucher_signature(one);
    const ChannelPayload& read = one.payload;
    for (const channel::Claim& row : read.claims)
      if (one.code == Code::ok && row.config != read.item.config) {
        one.code = Code::refund_payload;
        one.why = "claims: a row is of another channel";
      }
    if (one.code == Code::ok && !read.claims.empty()) check_rows(one, domain);
    if (one.code == Code::ok && read.refund_signature)
      one.code =
          channel::verify_refund(domain, read.item.config, *read.refund_nonce, *read.amount, *read.refund_signature);
  };
  desk_.check(job, payload.claims.size() + 3, check, [this, job] {
    const ChannelPayload& read = job->payload;
    const base::Hash key = evm::refund_key(desk_.domain(), {read.item.config, read.item.voucher.channel_id,
                                                            *read.amount, *read.refund_nonce, read.claims});
    if (first(key, job)) check_refund(job, key);
  });
}

void ChannelSettle::check_refund(const SharedJob& job, const base::Hash& key) {
  desk_.parts().relays.find(key, desk_.parts().settle_wait_ms, [this, job, key](const RelayAnswer& answer) {
    if (answer.kind == RelayAnswer::Kind::done || answer.kind == RelayAnswer::Kind::pending)
      return refunded(job, key, *job->payload.amount, answer);
    const auto look = [this, job, key](const Result<evm::ChannelState>& state) {
      if (!state) return answer_all(key, chain_unavailable(state.error().message));
      send_refund(job, key, state->channel);
    };
    desk_.ask_chain(job->payload.item.voucher.channel_id, evm::Depth::newest, look);
  });
}

void ChannelSettle::send_refund(const SharedJob& job, const base::Hash& key, const Snapshot& state) {
  const ChannelPayload& payload = job->payload;
  evm::ChannelRefund refund{
      payload.item.config, payload.item.voucher.channel_id, *payload.amount, *payload.refund_nonce, {}};
  base::u128 claimed = state.total_claimed;
  for (const channel::Claim& row : payload.claims) claimed = std::max(claimed, row.total_claimed);
  if (claimed > state.balance) return answer_all(key, desk_.refuse(*job, Code::cumulative_exceeds_balance));
  const Code code = channel::check_refund(refund.amount, refund.nonce, claimed, state);
  if (code != Code::ok) return answer_all(key, desk_.refuse(*job, code));
  if (claimed > state.total_claimed) refund.claims = payload.claims;
  const base::u128 amount = std::min(refund.amount, state.balance - claimed);  // the contract gives no more
  base::Signature claim_signature, refund_signature;
  if (payload.refund_signature) {
    refund_signature = *payload.refund_signature;
  } else {
    refund.amount = amount;
    refund_signature = desk_.parts().authorizer->sign(
        channel::refund_digest(desk_.domain(), refund.channel_id, refund.nonce, refund.amount));
  }
  if (payload.claim_signature) {
    claim_signature = *payload.claim_signature;
  } else if (!refund.claims.empty()) {
    claim_signature = desk_.parts().authorizer->sign(evm::claim_key(desk_.domain(), refund.claims));
  }
  const evm::ChannelOrder order =
      evm::refund_order(desk_.domain(), key, refund, refund_signature, claim_signature, desk_.parts().claim_gas_max);
  desk_.parts().relays.run(desk_.plan(order), Relays::Same::key, desk_.parts().settle_wait_ms,
                           [this, job, key, amount](const RelayAnswer& answer) { refunded(job, key, amount, answer); });
}

void ChannelSettle::refunded(const SharedJob& job, const base::Hash& key, base::u128 amount,
                             const RelayAnswer& answer) {
  if (answer.kind != RelayAnswer::Kind::done) return answer_all(key, unfinished(*job, answer));
  SettleResponse response = desk_.settle_response(*job, answer);
  const auto refund_seen = [nonce = *job->payload.refund_nonce](const Snapshot& state) {
    return state.refund_nonce > nonce;
  };
  const base::Hash& id = job->payload.item.voucher.channel_id;
  desk_.ask_chain_until(id, refund_seen, [this, job, key, amount, response](const Result<Snapshot>& state) mutable {
    if (!state) return answer_all(key, pending_answer(std::move(response)));
    response.success = true;
    response.amount = base::to_decimal_string(amount);
    JsonObject extra;
    extra.raw("channelState", channel_state_json(job->payload.item.voucher.channel_id, *state));
    response.extra = std::move(extra).done();
    answer_all(key, response);
  });
}

}  // namespace facilitator
