#pragma once

// What this rail asks of and sends to a token contract. What anybody says in EIP-3009: evm/eip3009.h. Pure; safe from
// any thread.

#include "settlers/stablecoin/abi.h"
#include "settlers/stablecoin/stablecoin.h"

namespace settlers::stablecoin {

// What a token's DOMAIN_SEPARATOR() must return.
base::Hash domain_separator(const Token& token, std::uint64_t chain_id);

// Views.
base::Bytes call_balance_of(const base::Address& account);
base::Bytes call_allowance(const base::Address& owner, const base::Address& spender);
base::Bytes call_domain_separator();
base::Bytes call_decimals();

// Transactions.
base::Bytes call_transfer(const base::Address& to, base::u128 value);
base::Bytes call_transfer_from(const base::Address& from, const base::Address& to, base::u128 value);
base::Bytes call_permit(const MandateItem& item, const base::Address& spender);                 // EIP-2612
base::Bytes call_receive_with_authorization(const MandateItem& item, const base::Address& to);  // EIP-3009

// The ERC-20 event that proves a movement: topics and data of its log.
struct TransferEvent {
  base::Hash topic;
  Word from;
  Word to;
  Word value;
};
TransferEvent transfer_event(const base::Address& from, const base::Address& to, base::u128 value);

}  // namespace settlers::stablecoin
