#include "evm/eip3009.h"

#include <string>

#include "evm/abi.h"

namespace evm {

namespace {

using base::Address;
using base::Bytes;
using base::ByteView;
using base::Hash;
using crypto::Authorization;

constexpr std::string_view kTransfer = "transferWithAuthorization";
constexpr std::string_view kReceive = "receiveWithAuthorization";
constexpr std::string_view kAuthorizationTypes = "(address,address,uint256,uint256,uint256,bytes32,";

TupleEncoder members(const Authorization& authorization) {
  TupleEncoder arguments;
  arguments.address(authorization.from).address(authorization.to).word(authorization.value.word());
  arguments.word(authorization.valid_after.word()).word(authorization.valid_before.word()).word(authorization.nonce);
  return arguments;
}

Bytes call(std::string_view function, const Authorization& authorization, const base::Signature& signature) {
  return call_data(std::string(function).append(kAuthorizationTypes).append("uint8,bytes32,bytes32)"),
                   members(authorization).signature(signature).finish());
}

Bytes call(std::string_view function, const Authorization& authorization, ByteView signature) {
  return call_data(std::string(function).append(kAuthorizationTypes).append("bytes)"),
                   members(authorization).dynamic(encode_bytes(signature)).finish());
}

}  // namespace

Bytes call_transfer_with_authorization(const Authorization& authorization, const base::Signature& signature) {
  return call(kTransfer, authorization, signature);
}
Bytes call_transfer_with_authorization(const Authorization& authorization, ByteView signature) {
  return call(kTransfer, authorization, signature);
}
Bytes call_receive_with_authorization(const Authorization& authorization, const base::Signature& signature) {
  return call(kReceive, authorization, signature);
}
Bytes call_receive_with_authorization(const Authorization& authorization, ByteView signature) {
  return call(kReceive, authorization, signature);
}
Bytes call_cancel_authorization(const Address& authorizer, const Hash& nonce, ByteView signature) {
  return call_data("cancelAuthorization(address,bytes32,bytes)",
                   TupleEncoder().address(authorizer).word(nonce).dynamic(encode_bytes(signature)).finish());
}

Bytes call_authorization_state(const Address& authorizer, const Hash& nonce) {
  return call_data("authorizationState(address,bytes32)", {word_of(authorizer), nonce});
}

std::optional<bool> decode_authorization_state(ByteView answer) {
  WordReader in(answer);
  const bool used = in.flag();
  return in.complete() ? std::optional(used) : std::nullopt;
}

Hash authorization_used_topic() { return event_topic("AuthorizationUsed(address,bytes32)"); }
Hash authorization_canceled_topic() { return event_topic("AuthorizationCanceled(address,bytes32)"); }
Hash transfer_topic() { return event_topic("Transfer(address,address,uint256)"); }

std::vector<EventPattern> authorized_transfer_events(const Address& token, const Authorization& authorization) {
  const Hash value = authorization.value.word();
  return {{token, {authorization_used_topic(), word_of(authorization.from), authorization.nonce}, std::nullopt},
          {token,
           {transfer_topic(), word_of(authorization.from), word_of(authorization.to)},
           Bytes(value.bytes.begin(), value.bytes.end())}};
}

}  // namespace evm
