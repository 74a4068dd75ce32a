#include "evm/abi.h"

#include <algorithm>

#include "base/uint256.h"
#include "crypto/keccak.h"

namespace evm {

namespace {

using base::ByteView;
using base::u128;

constexpr std::size_t kWord = 32;
constexpr std::size_t kSelector = 4;

base::Hash keccak_of(std::string_view text) {
  return crypto::keccak256(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void append(base::Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

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
  for (const Word& word : arguments) append(data, word.view());
  return data;
}

base::Bytes call_data(std::string_view signature, ByteView arguments) {
  base::Bytes data = call_data(signature, {});
  append(data, arguments);
  return data;
}

TupleEncoder& TupleEncoder::word(const Word& value) {
  members_.push_back({value, std::nullopt});
  return *this;
}

TupleEncoder& TupleEncoder::signature(const base::Signature& value) {
  Word r;
  Word s;
  std::copy_n(value.bytes.begin(), kWord, r.bytes.begin());
  std::copy_n(value.bytes.begin() + kWord, kWord, s.bytes.begin());
  return number(value.bytes[2 * kWord]).word(r).word(s);
}

TupleEncoder& TupleEncoder::dynamic(base::Bytes part) {
  members_.push_back({Word{}, std::move(part)});
  return *this;
}

base::Bytes TupleEncoder::finish() const {
  base::Bytes head;
  base::Bytes tail;
  for (const Member& member : members_) {
    append(head, (member.part ? word_of(u128{kWord * members_.size() + tail.size()}) : member.word).view());
    if (member.part) append(tail, *member.part);
  }
  append(head, tail);
  return head;
}

base::Bytes encode_bytes(ByteView content) {
  base::Bytes out;
  append(out, word_of(u128{content.size()}).view());
  append(out, content);
  out.resize(kWord + (content.size() + kWord - 1) / kWord * kWord);
  return out;
}

base::Bytes encode_array(std::span<const base::Bytes> dynamic_parts) {
  base::Bytes out;
  append(out, word_of(u128{dynamic_parts.size()}).view());
  TupleEncoder members;
  for (const base::Bytes& part : dynamic_parts) members.dynamic(part);
  append(out, members.finish());
  return out;
}

Word WordReader::word() {
  Word value;
  ok_ = ok_ && bytes_.size() - at_ >= kWord;
  if (!ok_) return value;
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), kWord, value.bytes.begin());
  at_ += kWord;
  return value;
}

u128 WordReader::number() {
  const std::optional<u128> value = base::Uint256::from_word(word()).to_u128();
  ok_ = ok_ && value.has_value();
  return value.value_or(0);
}

std::uint64_t WordReader::number64(unsigned bits) {
  const u128 value = number();
  ok_ = ok_ && (value >> bits) == 0;
  return static_cast<std::uint64_t>(value);
}

base::Address WordReader::address() {
  const Word value = word();
  ok_ = ok_ && std::all_of(value.bytes.begin(), value.bytes.begin() + 12, [](std::uint8_t byte) { return byte == 0; });
  base::Address address;
  std::copy_n(value.bytes.begin() + 12, address.size(), address.bytes.begin());
  return address;
}

bool WordReader::flag() { return number64(1) == 1; }

base::Hash event_topic(std::string_view signature) { return keccak_of(signature); }

std::optional<u128> number_from_word(ByteView bytes) {
  if (bytes.size() != kWord) return std::nullopt;
  const ByteView high = bytes.first(16);
  u128 value = 0;
  for (const std::uint8_t byte : bytes.subspan(16)) value = (value << 8) | byte;
  const bool large = std::any_of(high.begin(), high.end(), [](std::uint8_t byte) { return byte != 0; });
  return large ? base::Amount::kUnitsMax : std::min(value, base::Amount::kUnitsMax);
}

}  // namespace evm
