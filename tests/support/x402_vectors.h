#pragma once

// tests/vectors/x402.json, read once: what viem signs and encodes for x402 on EVM chains. The program that includes
// this defines TABD_X402_VECTORS (the file's path) and links Boost::json.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "base/uint256.h"
#include "commitments/channel/types.h"
#include "crypto/eip3009.h"

namespace x402_vectors {

namespace json = boost::json;

inline const json::object& file() {
  static const json::value parsed = [] {
    std::ifstream in(TABD_X402_VECTORS);
    EXPECT_TRUE(in.good()) << "cannot open " << TABD_X402_VECTORS;
    std::stringstream content;
    content << in.rdbuf();
    return json::parse(content.str());
  }();
  return parsed.as_object();
}

inline std::string text(const json::value& value) { return std::string(value.as_string()); }
inline base::Hash hash(const json::value& value) { return base::hash_from_hex(text(value)).value(); }
inline base::Address address(const json::value& value) { return base::address_from_hex(text(value)).value(); }
inline base::Bytes bytes(const json::value& value) { return base::from_hex(text(value)).value(); }
inline base::Signature signature(const json::value& value) { return base::fixed_from_hex<65>(text(value)).value(); }
inline base::Uint256 number(const json::value& value) {
  return value.is_int64() ? base::Uint256(static_cast<base::u128>(value.as_int64()))
                          : base::Uint256::parse_decimal(text(value)).value();
}
inline base::u128 number128(const json::value& value) { return number(value).to_u128().value(); }
inline std::uint64_t number64(const json::value& value) { return static_cast<std::uint64_t>(number128(value)); }

inline commitments::channel::ChannelConfig config(const json::value& value) {
  const json::object& m = value.as_object();
  return {address(m.at("payer")),    address(m.at("payerAuthorizer")),
          address(m.at("receiver")), address(m.at("receiverAuthorizer")),
          address(m.at("token")),    number64(m.at("withdrawDelay")),
          hash(m.at("salt"))};
}
inline commitments::channel::ChannelConfig config(std::size_t index) {
  return config(file().at("configs").as_array().at(index));
}

inline crypto::Authorization authorization(const json::object& m) {
  return {address(m.at("from")),      address(m.at("to")),         number(m.at("value")),
          number(m.at("validAfter")), number(m.at("validBefore")), hash(m.at("nonce"))};
}

inline const json::object& domain(std::string_view name) { return file().at("domains").at(name).as_object(); }
inline commitments::channel::Domain settlement_domain(std::string_view name) {
  return {number64(domain(name).at("chainId")), address(domain(name).at("verifyingContract"))};
}
inline crypto::TokenDomain token_domain(std::string_view name) {
  const json::object& m = domain(name);
  return {text(m.at("name")), text(m.at("version")), number64(m.at("chainId")), address(m.at("verifyingContract"))};
}

// The entry of a list whose member "name" is `name`; the `which`th of them.
inline const json::object& named(std::string_view list, std::string_view name, std::size_t which = 0) {
  for (const json::value& entry : file().at(list).as_array()) {
    if (entry.at("name").as_string() == name && which-- == 0) return entry.as_object();
  }
  ADD_FAILURE() << "no " << name << " in " << list;
  std::abort();
}
// The `which`th signed message of a type.
inline const json::object& typed(std::string_view type, std::size_t which = 0) {
  for (const json::value& entry : file().at("typed").as_array()) {
    if (entry.at("type").as_string() == type && which-- == 0) return entry.as_object();
  }
  ADD_FAILURE() << "no " << type << " in typed";
  std::abort();
}

}  // namespace x402_vectors
