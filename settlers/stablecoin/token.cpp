#include "settlers/stablecoin/token.h"

#include "crypto/eip712.h"
#include "evm/eip3009.h"

namespace settlers::stablecoin {

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

base::Bytes call_transfer(const base::Address& to, base::u128 value) {
  return call_data("transfer(address,uint256)", {word_of(to), word_of(value)});
}
base::Bytes call_transfer_from(const base::Address& from, const base::Address& to, base::u128 value) {
  return call_data("transferFrom(address,address,uint256)", {word_of(from), word_of(to), word_of(value)});
}
base::Bytes call_permit(const MandateItem& item, const base::Address& spender) {
  evm::TupleEncoder arguments;
  arguments.address(item.owner).address(spender).word(item.value).word(item.deadline).signature(item.signature);
  return call_data("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", arguments.finish());
}
base::Bytes call_receive_with_authorization(const MandateItem& item, const base::Address& to) {
  using base::Uint256;
  return evm::call_receive_with_authorization(
      {item.owner, to, Uint256::from_word(item.value), Uint256::from_word(item.valid_after),
       Uint256::from_word(item.valid_before), item.nonce},
      item.signature);
}

TransferEvent transfer_event(const base::Address& from, const base::Address& to, base::u128 value) {
  return {evm::transfer_topic(), word_of(from), word_of(to), word_of(value)};
}

}  // namespace settlers::stablecoin
