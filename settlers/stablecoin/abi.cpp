#include "settlers/stablecoin/abi.h"

#include <algorithm>
#include <cctype>

#include "crypto/keccak.h"

namespace settlers::stablecoin {

namespace {

using base::ByteView;
using base::u128;
using ledger::core::FailureClass;

constexpr std::size_t kWord = 32;
constexpr std::size_t kSelector = 4;
// A reason is shown to people and stored in the journal.
constexpr std::size_t kReasonBytesMax = 200;

base::Hash keccak_of(std::string_view text) {
  return crypto::keccak256(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

struct Pattern {
  std::string_view text;  // in lower case
  FailureClass failure;
};
// The first match decides. Selectors are those of ERC-6093 and of OpenZeppelin's Pausable.
constexpr Pattern kPatterns[] = {
    {"exceeds balance", FailureClass::insufficient_funds},
    {"insufficient balance", FailureClass::insufficient_funds},
    {"0xe450d38c", FailureClass::insufficient_funds},  // ERC20InsufficientBalance(address,uint256,uint256)
    {"exceeds allowance", FailureClass::no_mandate},
    {"insufficient allowance", FailureClass::no_mandate},
    {"0xfb8f41b2", FailureClass::no_mandate},        // ERC20InsufficientAllowance(address,uint256,uint256)
    {"authorization is", FailureClass::no_mandate},  // not yet valid, expired, used or canceled
    {"permit is expired", FailureClass::no_mandate},
    {"invalid signature", FailureClass::no_mandate},
    {"caller must be the payee", FailureClass::no_mandate},
    {"blacklist", FailureClass::rejected},
    {"blocklist", FailureClass::rejected},
    {"paused", FailureClass::rejected},
    {"0xd93c0665", FailureClass::rejected},  // EnforcedPause()
    {"zero address", FailureClass::rejected},
};

}  // namespace

Word word_of(u128 number) {
  Word word;
  for (std::size_t i = 0; i < 16; ++i) word.bytes[kWord - 1 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return word;
}

Word word_of(const base::Address& address) {
  Word word;
  std::copy(address.bytes.begin(), address.bytes.end(), word.bytes.begin() + 12);
  return word;
}

base::Bytes call_data(std::string_view signature, std::initializer_list<Word> arguments) {
  const base::Hash hash = keccak_of(signature);
  base::Bytes data(hash.bytes.begin(), hash.bytes.begin() + kSelector);
  for (const Word& word : arguments) data.insert(data.end(), word.bytes.begin(), word.bytes.end());
  return data;
}

base::Hash event_topic(std::string_view signature) { return keccak_of(signature); }

std::optional<u128> number_from_word(ByteView bytes) {
  if (bytes.size() != kWord) return std::nullopt;
  const ByteView high = bytes.first(16);
  u128 value = 0;
  for (const std::uint8_t byte : bytes.subspan(16)) value = (value << 8) | byte;
  const bool large = std::any_of(high.begin(), high.end(), [](std::uint8_t byte) { return byte != 0; });
  return large ? base::Amount::kUnitsMax : std::min(value, base::Amount::kUnitsMax);
}

std::string revert_reason(ByteView data) {
  if (data.size() < kSelector) return {};
  const std::string selector = base::to_hex(data.first(kSelector));
  const ByteView rest = data.subspan(kSelector);
  if (selector == "0x08c379a0" && rest.size() >= 2 * kWord) {  // Error(string): offset, length, bytes
    const u128 length = number_from_word(rest.subspan(kWord, kWord)).value_or(0);
    const std::size_t present = rest.size() - 2 * kWord;
    const std::size_t shown = std::min({static_cast<std::size_t>(std::min<u128>(length, present)), kReasonBytesMax});
    std::string reason(rest.begin() + 2 * kWord, rest.begin() + 2 * kWord + static_cast<std::ptrdiff_t>(shown));
    for (char& c : reason) {
      if (c < ' ' || c > '~') c = '?';
    }
    return reason;
  }
  if (selector == "0x4e487b71" && rest.size() >= kWord) {  // Panic(uint256)
    const std::uint8_t code = rest[kWord - 1];
    return "panic " + base::to_hex(ByteView(&code, 1));
  }
  return "error " + selector;
}

FailureClass classify_revert(std::string_view reason) {
  std::string lower(reason);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const Pattern& pattern : kPatterns) {
    if (lower.find(pattern.text) != std::string::npos) return pattern.failure;
  }
  return FailureClass::technical;
}

}  // namespace settlers::stablecoin
