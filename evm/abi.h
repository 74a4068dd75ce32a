#pragma once

// The part of the Solidity ABI that tokens and the channel contract need: words, byte strings and arrays in calls,
// words back, and events' topics. What a revert says: refusal.h. Pure; safe from any thread.

#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"

namespace evm {

using Word = base::Hash;  // 32 bytes, big-endian

Word word_of(base::u128 number);
Word word_of(const base::Address& address);

// The first 4 bytes of keccak-256 of a signature such as "transfer(address,uint256)", then the words.
base::Bytes call_data(std::string_view signature, std::initializer_list<Word> arguments);
// The same with arguments that are encoded already.
base::Bytes call_data(std::string_view signature, base::ByteView arguments);

// The arguments of a call or the members of a tuple: one word for each static member, an offset for each dynamic one,
// and the dynamic parts after them. A static tuple is its members.
class TupleEncoder {
 public:
  TupleEncoder& word(const Word& value);
  TupleEncoder& number(base::u128 value) { return word(word_of(value)); }
  TupleEncoder& address(const base::Address& value) { return word(word_of(value)); }
  TupleEncoder& signature(const base::Signature& value);  // three members: uint8 v, bytes32 r, bytes32 s
  // As one of the functions below makes it, or finish() of a tuple with dynamic members.
  TupleEncoder& dynamic(base::Bytes part);
  base::Bytes finish() const;

 private:
  struct Member {
    Word word;
    std::optional<base::Bytes> part;
  };
  std::vector<Member> members_;
};
base::Bytes encode_bytes(base::ByteView content);                      // bytes
base::Bytes encode_array(std::span<const base::Bytes> dynamic_parts);  // T[] of a dynamic T

// Reads words back, strictly: what does not fit its type makes the whole answer bad. Check complete() at the end.
class WordReader {
 public:
  explicit WordReader(base::ByteView bytes) : bytes_(bytes) {}
  Word word();
  base::u128 number();                    // uint128 or less
  std::uint64_t number64(unsigned bits);  // uint40: 40
  base::Address address();
  bool flag();  // bool
  bool complete() const { return ok_ && at_ == bytes_.size(); }

 private:
  base::ByteView bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

// keccak-256 of an event's signature: its first topic.
base::Hash event_topic(std::string_view signature);

// A uint256 as far as it matters to amounts: anything above 2^127-1 (an unlimited allowance) gives 2^127-1. Empty
// unless `bytes` is one word.
std::optional<base::u128> number_from_word(base::ByteView bytes);

}  // namespace evm
