#include "crypto/eip3009.h"

#include "crypto/eip712.h"
#include "crypto/keccak.h"

namespace crypto {
namespace {

base::Hash authorization_digest(const base::Hash& domain_separator, const base::Hash& type,
                                const Authorization& authorization) {
  StructHasher hasher(type);
  hasher.address(authorization.from).address(authorization.to).word(authorization.value.word());
  hasher.word(authorization.valid_after.word()).word(authorization.valid_before.word()).word(authorization.nonce);
  return eip712_digest(domain_separator, hasher.hash());
}

}  // namespace

TokenDomain::TokenDomain(std::string_view name, std::string_view version, std::uint64_t chain, const base::Address& at)
    : chain_id(chain), token(at), separator(eip712_domain_with_contract(name, version, chain, at)) {}

base::Hash transfer_authorization_digest(const base::Hash& domain_separator, const Authorization& authorization) {
  static const base::Hash type = eip712_type_hash(
      "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 "
      "nonce)");
  return authorization_digest(domain_separator, type, authorization);
}

base::Hash receive_authorization_digest(const base::Hash& domain_separator, const Authorization& authorization) {
  static const base::Hash type = eip712_type_hash(
      "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 "
      "nonce)");
  return authorization_digest(domain_separator, type, authorization);
}

base::Hash cancel_authorization_digest(const base::Hash& domain_separator, const base::Address& authorizer,
                                       const base::Hash& nonce) {
  static const base::Hash type = eip712_type_hash("CancelAuthorization(address authorizer,bytes32 nonce)");
  return eip712_digest(domain_separator, StructHasher(type).address(authorizer).word(nonce).hash());
}

base::Hash authorization_key(const TokenDomain& domain, const base::Address& from, const base::Hash& nonce) {
  base::Bytes bytes;
  bytes.reserve(104);
  const auto append = [&bytes](base::ByteView part) { bytes.insert(bytes.end(), part.begin(), part.end()); };
  append(base::Uint256(domain.chain_id).word().view());
  append(domain.token.view());
  append(from.view());
  append(nonce.view());
  return keccak256(bytes);
}

}  // namespace crypto
