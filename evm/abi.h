#pragma once

// The little of the Solidity ABI that tokens and channels need: calls with 32-byte words, words back, events' topics,
// and what a revert says. Pure; safe from any thread.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.h"
#include "base/bytes.h"

namespace evm {

using Word = base::Hash;  // 32 bytes, big-endian

Word word_of(base::u128 number);
Word word_of(const base::Address& address);

// The first 4 bytes of keccak-256 of a signature such as "transfer(address,uint256)", then the words.
base::Bytes call_data(std::string_view signature, std::initializer_list<Word> arguments);
// keccak-256 of an event's signature: its first topic.
base::Hash event_topic(std::string_view signature);

// A uint256 as far as it matters to amounts: anything above 2^127-1 (an unlimited allowance) gives 2^127-1. Empty
// unless `bytes` is one word.
std::optional<base::u128> number_from_word(base::ByteView bytes);

// What the data of a revert says: the text of Error(string), "panic 0x11", or "error 0x<selector>". Empty data gives
// "".
std::string revert_reason(base::ByteView data);

}  // namespace evm
