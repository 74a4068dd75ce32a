#pragma once

// Fills any stored object of ledger/core with deterministic values, through the same field lists that encode it, so
// that the corpus has every entry and every row, whatever fields they get.

#include <random>
#include <string>
#include <vector>

#include "ledger/core/fields.h"

namespace fuzz {

class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  template <typename T>
  T make() {
    T value;
    put(value);
    return value;
  }

  // For fields().
  template <typename... Ts>
  void operator()(Ts&... values) {
    (put(values), ...);
  }

 private:
  void put(bool& value) { value = random_() % 2 == 0; }
  template <std::unsigned_integral T>
  void put(T& value) {
    value = static_cast<T>(random_() >> (random_() % 64));
  }
  template <typename T>
  requires std::is_enum_v<T>
  void put(T& value) {
    do value = static_cast<T>(random_() % 16);
    while (!ledger::core::known(value));
  }
  void put(base::u128& value) { value = (static_cast<base::u128>(random_()) << 64 | random_()) >> (random_() % 128); }
  void put(base::i128& value) {
    base::u128 bits = 0;
    put(bits);
    value = static_cast<base::i128>(bits);
  }
  void put(base::Amount& value) {
    base::u128 units = 0;
    put(units);
    value = *base::Amount::from_units(units >> 1);
  }
  void put(base::Time& value) { value.us = random_() % 4'000'000'000'000'000; }
  template <typename Tag, typename Number>
  void put(base::Id<Tag, Number>& value) {
    value.value = static_cast<Number>(random_() % 1000);
  }
  template <std::size_t N>
  void put(base::FixedBytes<N>& value) {
    for (std::uint8_t& byte : value.bytes) byte = static_cast<std::uint8_t>(random_());
  }
  template <std::size_t N>
  void put(base::ShortText<N>& value) {
    value = *base::ShortText<N>::parse(std::string(random_() % (N + 1), static_cast<char>('a' + random_() % 26)));
  }
  void put(base::Uint256& value) { value = base::Uint256::from_word(make<base::Hash>()); }
  void put(std::string& value) { value = std::string(random_() % 20, static_cast<char>('a' + random_() % 26)); }
  void put(base::Bytes& value) {
    value.resize(random_() % 40);
    for (std::uint8_t& byte : value) byte = static_cast<std::uint8_t>(random_());
  }
  void put(crypto::MerkleFrontier& value) {
    for (std::size_t i = random_() % 10; i > 0; --i) value.append(make<base::Hash>());
  }
  template <typename T>
  requires(!std::same_as<T, std::uint8_t>) void put(std::vector<T>& values) {
    values.resize(random_() % 4);
    for (T& value : values) put(value);
  }
  template <typename T>
  requires std::is_class_v<T>
  void put(T& value) { ledger::core::fields(*this, value); }

  std::mt19937_64 random_;
};

}  // namespace fuzz
