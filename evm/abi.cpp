#include "evm/abi.h"

#include <algorithm>

#include "crypto/keccak.h"

namespace evm {

namespace {

using base::ByteView;
using base::u128;

constexpr std::size_t kWord = 32;
constexpr std::size_t kSelector = 4;
// A reason is shown to people and stored in the journal.
constexpr std::size_t kReasonBytesMax = 200;

base::Hash keccak_of(std::string_view text) {
  return crypto::keccak256(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

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

}  // namespace evm
