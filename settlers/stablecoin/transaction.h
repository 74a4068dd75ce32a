#pragma once

// EIP-1559 transactions: 0x02 || rlp([chainId, nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to, value, data,
// accessList, yParity, r, s]), signed over the hash of 0x02 || rlp(first nine). The access list is always empty here.
// RLP: Ethereum yellow paper, appendix B. Pure; safe from any thread.

#include "base/amount.h"
#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secp256k1.h"

namespace settlers::stablecoin {

struct Transaction {
  std::uint64_t chain_id = 0;
  std::uint64_t nonce = 0;
  base::u128 max_priority_fee_wei = 0;  // per gas
  base::u128 max_fee_wei = 0;           // per gas
  std::uint64_t gas_limit = 0;
  base::Address to;
  base::u128 value_wei = 0;
  base::Bytes data;
  bool operator==(const Transaction&) const = default;
};

struct SignedTransaction {
  base::Bytes raw;  // what eth_sendRawTransaction takes
  base::Hash hash;  // keccak-256 of raw: known before anything is broadcast
  bool operator==(const SignedTransaction&) const = default;
};

SignedTransaction sign(const Transaction& transaction, const crypto::SecretKey& signer);

struct DecodedTransaction {
  Transaction transaction;
  base::Hash hash;
  base::Address sender;  // recovered from the signature
};
// Strict: exactly one canonical EIP-1559 transaction with an empty access list. invalid_argument says what is wrong.
base::Result<DecodedTransaction> decode_transaction(base::ByteView raw);

// Building blocks of RLP.
void rlp_bytes(base::ByteView bytes, base::Bytes& out);
void rlp_number(base::u128 number, base::Bytes& out);  // minimal big-endian; zero is the empty string
base::Bytes rlp_list(base::ByteView encoded_items);

}  // namespace settlers::stablecoin
