#include "commitments/channel/verify.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/limits.h"
#include "commitments/channel/verify_known.h"

namespace commitments::channel {
namespace {

using base::limits::kVerifyChunkItems;
using crypto::SignatureCheck;

const Address& voucher_signer(const ChannelConfig& config) noexcept {
  return config.payer_authorizer.is_zero() ? config.payer : config.payer_authorizer;
}

// Without a known key: the signer is recovered.
crypto::VerifyItem question(const Hash& digest, const Signature& signature, const Address& signer) {
  return {digest, signature, signer, nullptr};
}

Answer voucher_answer(const ChannelConfig& config, SignatureCheck check, bool length_ok) {
  Answer answer;
  answer.signature = length_ok ? check : SignatureCheck::wrong;
  answer.code = answer.signature == SignatureCheck::ok ? Code::ok : Code::voucher_signature;
  answer.payer_must_have_no_code = answer.code == Code::ok && config.payer_authorizer.is_zero();
  return answer;
}

SignatureCheck check_signature(const Hash& digest, const Signature& signature, const Address& signer) {
  const crypto::VerifyItem item = question(digest, signature, signer);
  crypto::VerifyAnswer answer;
  crypto::verify(std::span(&item, 1), std::span(&answer, 1));
  return answer.check;
}

// Asks and answers in blocks. `make(i)` gives a question, or sets answers[i] and gives none; `take(i, check)` answers.
template <typename Make, typename Take>
void verify_all(std::size_t count, const Make& make, const Take& take, const CheckSignatures& check = {}) {
  std::array<crypto::VerifyItem, kVerifyChunkItems> questions;
  std::array<crypto::VerifyAnswer, kVerifyChunkItems> checks;
  std::array<std::size_t, kVerifyChunkItems> places;
  std::size_t asked = 0;
  const auto ask = [&] {
    if (check) {
      check(std::span(questions).first(asked), std::span(checks).first(asked));
    } else {
      crypto::verify(std::span(questions).first(asked), std::span(checks).first(asked));
    }
    for (std::size_t i = 0; i < asked; ++i) take(places[i], checks[i].check);
    asked = 0;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const std::optional<crypto::VerifyItem> next = make(i);
    if (!next) continue;
    places[asked] = i;
    questions[asked++] = *next;
    if (asked == kVerifyChunkItems) ask();
  }
  ask();
}

Answer refusal(Code code) { return {code, SignatureCheck::ok, false}; }

Code check_window(const Deposit& deposit, std::uint64_t now_s) {
  const u128 now = now_s;
  if (deposit.valid_before < Uint256(now + base::limits::kAuthorizationMarginSeconds))
    return Code::payload_authorization_valid_before;
  if (deposit.valid_after > Uint256(now)) return Code::payload_authorization_valid_after;
  return Code::ok;
}

}  // namespace

std::string_view text(Code code) noexcept {
  switch (code) {
    case Code::ok: return "";
#define TABD_CHANNEL_TEXT(name, sentence) \
  case Code::name: return "invalid_batch_settlement_evm_" #name;
      TABD_CHANNEL_CODES(TABD_CHANNEL_TEXT)
#undef TABD_CHANNEL_TEXT
  }
  return {};
}

std::string_view sentence(Code code) noexcept {
  switch (code) {
    case Code::ok: return "The payment is good.";
#define TABD_CHANNEL_SENTENCE(name, sentence) \
  case Code::name: return sentence;
      TABD_CHANNEL_CODES(TABD_CHANNEL_SENTENCE)
#undef TABD_CHANNEL_SENTENCE
  }
  return {};
}

Code check_config(const Domain& domain, const ChannelConfig& config, const Hash& claimed_id, const Terms& terms) {
  if (channel_id(domain, config) != claimed_id) return Code::channel_id_mismatch;
  if (config.receiver != terms.pay_to) return Code::receiver_mismatch;
  if (config.receiver_authorizer.is_zero() || config.receiver_authorizer != terms.receiver_authorizer)
    return Code::receiver_authorizer_mismatch;
  if (config.token != terms.asset) return Code::token_mismatch;
  if (terms.withdraw_delay_s && config.withdraw_delay_s != *terms.withdraw_delay_s)
    return Code::withdraw_delay_mismatch;
  if (config.withdraw_delay_s < kWithdrawDelaySecondsMin || config.withdraw_delay_s > kWithdrawDelaySecondsMax)
    return Code::withdraw_delay_out_of_range;
  return Code::ok;
}

void verify_vouchers(std::span<const VoucherItem> items, std::span<Answer> answers, const CheckSignatures& check) {
  CHECK(items.size() == answers.size());
  const auto make = [&](std::size_t i) -> std::optional<crypto::VerifyItem> {
    const VoucherItem& item = items[i];
    CHECK(item.domain != nullptr);
    const Code code = check_config(*item.domain, item.config, item.voucher.channel_id, item.terms);
    if (code != Code::ok) {
      answers[i] = refusal(code);
      return std::nullopt;
    }
    const Hash digest = voucher_digest(*item.domain, item.voucher.channel_id, item.voucher.maximum);
    return question(digest, item.voucher.signature, voucher_signer(item.config));
  };
  const auto take = [&](std::size_t i, SignatureCheck answer) {
    answers[i] = voucher_answer(items[i].config, answer, items[i].voucher.signature_length_ok);
  };
  verify_all(items.size(), make, take, check);
}

void verify_vouchers(std::span<const VoucherItem> items, std::span<Answer> answers) {
  verify_vouchers(items, answers, {});
}

Code check_voucher(u128 maximum, Purpose purpose, u128 deposit, const Snapshot& snapshot) {
  if (snapshot.balance == 0 && deposit == 0) return Code::channel_not_found;
  // Written so that no sum can wrap.
  if (maximum > snapshot.balance && maximum - snapshot.balance > deposit) return Code::cumulative_exceeds_balance;
  if (maximum < snapshot.total_claimed) return Code::cumulative_below_claimed;
  if (maximum == snapshot.total_claimed && purpose != Purpose::refund) return Code::cumulative_below_claimed;
  return Code::ok;
}

crypto::Authorization deposit_authorization(const ChannelConfig& config, const Hash& channel_id, const Deposit& deposit,
                                            const Address& collector) {
  return {config.payer,
          collector,
          Uint256(deposit.amount),
          deposit.valid_after,
          deposit.valid_before,
          deposit_nonce(channel_id, deposit.salt)};
}

Answer verify_deposit(const VoucherItem& item, const Deposit& deposit, const crypto::TokenDomain& token,
                      const Address& collector, std::uint64_t now_s) {
  CHECK(item.domain != nullptr);
  const Hash& id = item.voucher.channel_id;
  const Code config = check_config(*item.domain, item.config, id, item.terms);
  if (config != Code::ok) return refusal(config);
  if (token.token != item.config.token) return refusal(Code::token_mismatch);
  if (deposit.amount == 0) return refusal(Code::deposit_payload);
  const Code window = check_window(deposit, now_s);
  if (window != Code::ok) return refusal(window);
  const Hash digest =
      crypto::receive_authorization_digest(token.separator, deposit_authorization(item.config, id, deposit, collector));
  const SignatureCheck signature = deposit.signature_length_ok
                                       ? check_signature(digest, deposit.signature, item.config.payer)
                                       : SignatureCheck::wrong;
  if (signature != SignatureCheck::ok) return {Code::receive_authorization_signature, signature, false};
  const Hash voucher = voucher_digest(*item.domain, id, item.voucher.maximum);
  return voucher_answer(item.config, check_signature(voucher, item.voucher.signature, voucher_signer(item.config)),
                        item.voucher.signature_length_ok);
}

Code check_deposit(const Deposit& deposit, u128 maximum, u128 payer_balance, const Snapshot& snapshot) {
  if (payer_balance < deposit.amount) return Code::insufficient_balance;
  if (deposit.amount > ~u128{0} - snapshot.balance) return Code::deposit_payload;  // the contract's balance would wrap
  return check_voucher(maximum, Purpose::charge, deposit.amount, snapshot);
}

void verify_claims(const Domain& domain, std::span<const Claim> claims, std::span<Answer> answers) {
  CHECK(claims.size() == answers.size());
  const auto make = [&](std::size_t i) -> std::optional<crypto::VerifyItem> {
    const Claim& claim = claims[i];
    if (claim.total_claimed > claim.maximum) {
      answers[i] = refusal(Code::claim_payload);
      return std::nullopt;
    }
    const Hash digest = voucher_digest(domain, channel_id(domain, claim.config), claim.maximum);
    return question(digest, claim.signature, voucher_signer(claim.config));
  };
  verify_all(claims.size(), make, [&](std::size_t i, SignatureCheck check) {
    answers[i] = voucher_answer(claims[i].config, check, claims[i].signature_length_ok);
  });
}

Code check_claim_batch(std::span<const Claim> claims) {
  if (claims.empty() || claims.size() > base::limits::kClaimRowsMax) return Code::claim_payload;
  const Address& authorizer = claims.front().config.receiver_authorizer;
  const bool shared = std::all_of(claims.begin(), claims.end(), [&authorizer](const Claim& claim) {
    return claim.config.receiver_authorizer == authorizer;
  });
  return shared && !authorizer.is_zero() ? Code::ok : Code::authorizer_address_mismatch;
}

std::vector<ClaimEntry> claim_entries(const Domain& domain, std::span<const Claim> claims) {
  std::vector<ClaimEntry> entries;
  entries.reserve(claims.size());
  for (const Claim& claim : claims) {
    entries.push_back({channel_id(domain, claim.config), claim.maximum, claim.total_claimed});
  }
  return entries;
}

Code verify_claim_batch(const Domain& domain, std::span<const Claim> claims, const Signature& authorizer_signature) {
  const Code batch = check_claim_batch(claims);
  if (batch != Code::ok) return batch;
  const Hash digest = claim_batch_digest(domain, claim_entries(domain, claims));
  const bool good =
      check_signature(digest, authorizer_signature, claims.front().config.receiver_authorizer) == SignatureCheck::ok;
  return good ? Code::ok : Code::authorizer_address_mismatch;
}

Code check_claim(u128 total_claimed, const Snapshot& snapshot) {
  if (total_claimed <= snapshot.total_claimed) return Code::cumulative_below_claimed;
  return total_claimed > snapshot.balance ? Code::cumulative_exceeds_balance : Code::ok;
}

Code verify_refund(const Domain& domain, const ChannelConfig& config, const Uint256& nonce, u128 amount,
                   const Signature& authorizer_signature) {
  if (amount == 0) return Code::refund_amount_invalid;
  const Hash digest = refund_digest(domain, channel_id(domain, config), nonce, amount);
  const bool good = check_signature(digest, authorizer_signature, config.receiver_authorizer) == SignatureCheck::ok;
  return good ? Code::ok : Code::authorizer_address_mismatch;
}

Code check_refund(u128 amount, const Uint256& nonce, u128 total_claimed, const Snapshot& snapshot) {
  if (amount == 0) return Code::refund_amount_invalid;
  if (std::max(total_claimed, snapshot.total_claimed) >= snapshot.balance) return Code::refund_no_balance;
  return nonce == snapshot.refund_nonce ? Code::ok : Code::refund_simulation_failed;
}

}  // namespace commitments::channel
