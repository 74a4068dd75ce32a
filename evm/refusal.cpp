#include "evm/refusal.h"

#include <algorithm>
#include <cctype>

namespace evm {

namespace {

struct Pattern {
  std::string_view text;  // in lower case
  Refusal refusal;
};
// The first match decides. Selectors are those of ERC-6093, of OpenZeppelin's Pausable and of the settlement contract.
constexpr Pattern kPatterns[] = {
    {"exceeds balance", Refusal::insufficient_balance},
    {"insufficient balance", Refusal::insufficient_balance},
    {"0xe450d38c", Refusal::insufficient_balance},  // ERC20InsufficientBalance(address,uint256,uint256)
    {"exceeds allowance", Refusal::insufficient_allowance},
    {"insufficient allowance", Refusal::insufficient_allowance},
    {"0xfb8f41b2", Refusal::insufficient_allowance},  // ERC20InsufficientAllowance(address,uint256,uint256)
    {"authorization is used", Refusal::authorization_used},
    {"authorization is expired", Refusal::authorization_expired},
    {"authorization is not yet valid", Refusal::authorization_not_yet_valid},
    {"permit is expired", Refusal::permit_expired},
    {"invalid signature", Refusal::signature_invalid},
    {"0x8baa579f", Refusal::signature_invalid},  // InvalidSignature()
    {"caller must be the payee", Refusal::caller_wrong},
    {"blacklist", Refusal::not_permitted},
    {"blocklist", Refusal::not_permitted},
    {"paused", Refusal::not_permitted},
    {"0xd93c0665", Refusal::not_permitted},  // EnforcedPause()
    {"zero address", Refusal::not_permitted},
};

constexpr std::string_view kNames[] = {
    "other",
    "insufficient_balance",
    "insufficient_allowance",
    "authorization_used",
    "authorization_expired",
    "authorization_not_yet_valid",
    "signature_invalid",
    "permit_expired",
    "caller_wrong",
    "not_permitted",
};

bool contains(std::string_view text, std::string_view wanted) noexcept {
  const auto same = [](char a, char b) { return static_cast<char>(std::tolower(static_cast<unsigned char>(a))) == b; };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end();
}

}  // namespace

Refusal refusal_of(std::string_view reason) noexcept {
  for (const Pattern& pattern : kPatterns) {
    if (contains(reason, pattern.text)) return pattern.refusal;
  }
  return Refusal::other;
}

std::string_view name(Refusal refusal) noexcept { return kNames[static_cast<std::size_t>(refusal)]; }

Refusal refusal_in_detail(std::string_view detail) noexcept {
  const std::string_view word = detail.substr(0, detail.find(':'));
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (word == kNames[i]) return static_cast<Refusal>(i);
  }
  return Refusal::other;
}

}  // namespace evm
