#include "commitments/exact/verify.h"

#include <array>

#include "base/check.h"
#include "base/limits.h"

namespace commitments::exact {
namespace {

using crypto::SignatureCheck;

Code check_terms(const Item& item, std::uint64_t now_s) {
  const crypto::Authorization& authorization = item.payment.authorization;
  if (authorization.to != item.terms.pay_to) return Code::recipient_mismatch;
  const base::u128 now = now_s;
  if (authorization.valid_before < base::Uint256(now + base::limits::kAuthorizationMarginSeconds))
    return Code::valid_before;
  if (authorization.valid_after > base::Uint256(now)) return Code::valid_after;
  if (authorization.value != item.terms.amount) return Code::value_mismatch;
  return Code::ok;
}

void verify_block(std::span<const Item> items, std::uint64_t now_s, std::span<Answer> answers) {
  std::array<crypto::VerifyItem, base::limits::kVerifyChunkItems> questions;
  std::array<crypto::VerifyAnswer, base::limits::kVerifyChunkItems> checks;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    CHECK(item.terms.token != nullptr);
    // Without a known key: the signer is recovered, which also proves v, and a chain looks at v.
    questions[i] = {crypto::transfer_authorization_digest(item.terms.token->separator, item.payment.authorization),
                    item.payment.signature, item.payment.authorization.from, nullptr};
  }
  crypto::verify(std::span(questions).first(items.size()), std::span(checks).first(items.size()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    const SignatureCheck signature = items[i].payment.signature_length_ok ? checks[i].check : SignatureCheck::wrong;
    answers[i] = {signature == SignatureCheck::ok ? check_terms(items[i], now_s) : Code::signature, signature};
  }
}

}  // namespace

std::string_view text(Code code) noexcept {
  switch (code) {
#define TABD_EXACT_TEXT(name, text, sentence) \
  case Code::name: return text;
    TABD_EXACT_CODES(TABD_EXACT_TEXT)
#undef TABD_EXACT_TEXT
  }
  return {};
}

std::string_view sentence(Code code) noexcept {
  switch (code) {
#define TABD_EXACT_SENTENCE(name, text, sentence) \
  case Code::name: return sentence;
    TABD_EXACT_CODES(TABD_EXACT_SENTENCE)
#undef TABD_EXACT_SENTENCE
  }
  return {};
}

void verify(std::span<const Item> items, std::uint64_t now_s, std::span<Answer> answers) {
  CHECK(items.size() == answers.size());
  for (std::size_t begin = 0; begin < items.size(); begin += base::limits::kVerifyChunkItems) {
    const std::size_t count = std::min(base::limits::kVerifyChunkItems, items.size() - begin);
    verify_block(items.subspan(begin, count), now_s, answers.subspan(begin, count));
  }
}

}  // namespace commitments::exact
