#include "settlers/stablecoin/token.h"

#include "crypto/eip712.h"

namespace settlers::stablecoin {

namespace {

Word word_at(const base::Signature& signature, std::size_t offset) {
  Word word;
  std::copy_n(signature.bytes.begin() + static_cast<std::ptrdiff_t>(offset), 32, word.bytes.begin());
  return word;
}
Word v_of(const base::Signature& signature) { return word_of(static_cast<base::u128>(signature.bytes[64])); }

}  // namespace

base::Hash domain_separator(const Token& token, std::uint64_t chain_id) {
  return crypto::eip712_domain_with_contract(token.eip712_name, token.eip712_version, chain_id, token.address);
}

base::Bytes call_balance_of(const base::Address& account) {
  return call_data("balanceOf(address)", {word_of(account)});
}
base::Bytes call_allowance(const base::Address& owner, const base::Address& spender) {
  return call_data("allowance(address,address)", {word_of(owner), word_of(spender)});
}
base::Bytes call_domain_separator() { return call_data("DOMAIN_SEPARATOR()", {}); }
base::Bytes call_decimals() { return call_data("decimals()", {}); }
base::Bytes call_authorization_state(const base::Address& authorizer, const base::Hash& nonce) {
  return call_data("authorizationState(address,bytes32)", {word_of(authorizer), nonce});
}

base::Bytes call_transfer(const base::Address& to, base::u128 value) {
  return call_data("transfer(address,uint256)", {word_of(to), word_of(value)});
}
base::Bytes call_transfer_from(const base::Address& from, const base::Address& to, base::u128 value) {
  return call_data("transferFrom(address,address,uint256)", {word_of(from), word_of(to), word_of(value)});
}
base::Bytes call_permit(const MandateItem& item, const base::Address& spender) {
  return call_data("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
                   {word_of(item.owner), word_of(spender), item.value, item.deadline, v_of(item.signature),
                    word_at(item.signature, 0), word_at(item.signature, 32)});
}
base::Bytes call_receive_with_authorization(const MandateItem& item, const base::Address& to) {
  return call_data("receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
                   {word_of(item.owner), word_of(to), item.value, item.valid_after, item.valid_before, item.nonce,
                    v_of(item.signature), word_at(item.signature, 0), word_at(item.signature, 32)});
}

TransferEvent transfer_event(const base::Address& from, const base::Address& to, base::u128 value) {
  return {event_topic("Transfer(address,address,uint256)"), word_of(from), word_of(to), word_of(value)};
}

}  // namespace settlers::stablecoin
