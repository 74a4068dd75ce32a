#include "commitments/channel/types.h"

#include <cstring>

#include "crypto/eip712.h"
#include "crypto/keccak.h"

namespace commitments::channel {

using crypto::eip712_type_hash;
using crypto::StructHasher;

Domain::Domain(std::uint64_t chain, const Address& at)
    : chain_id(chain),
      contract(at),
      separator(crypto::eip712_domain_with_contract("x402 Batch Settlement", "1", chain, at)) {}

Hash channel_id(const Domain& domain, const ChannelConfig& config) {
  static const Hash type = eip712_type_hash(
      "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,"
      "uint40 withdrawDelay,bytes32 salt)");
  StructHasher hasher(type);
  hasher.address(config.payer).address(config.payer_authorizer).address(config.receiver);
  hasher.address(config.receiver_authorizer).address(config.token).number(config.withdraw_delay_s).word(config.salt);
  return crypto::eip712_digest(domain.separator, hasher.hash());
}

Hash voucher_digest(const Domain& domain, const Hash& channel_id, u128 maximum) {
  static const Hash type = eip712_type_hash("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
  return crypto::eip712_digest(domain.separator, StructHasher(type).word(channel_id).number(maximum).hash());
}

Hash claim_batch_digest(const Domain& domain, std::span<const ClaimEntry> claims) {
  static const Hash entry_type =
      eip712_type_hash("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
  static const Hash batch_type = eip712_type_hash(
      "ClaimBatch(ClaimEntry[] claims)"
      "ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
  base::Bytes entries(32 * claims.size());
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const ClaimEntry& claim = claims[i];
    StructHasher hasher(entry_type);
    const Hash hash = hasher.word(claim.channel_id).number(claim.maximum).number(claim.total_claimed).hash();
    std::memcpy(entries.data() + 32 * i, hash.data(), 32);
  }
  return crypto::eip712_digest(domain.separator, StructHasher(batch_type).bytes(entries).hash());
}

Hash refund_digest(const Domain& domain, const Hash& channel_id, const Uint256& nonce, u128 amount) {
  static const Hash type = eip712_type_hash("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
  StructHasher hasher(type);
  hasher.word(channel_id).word(nonce.word()).number(amount);
  return crypto::eip712_digest(domain.separator, hasher.hash());
}

Hash deposit_nonce(const Hash& channel_id, const Uint256& salt) {
  std::array<std::uint8_t, 64> words;
  std::memcpy(words.data(), channel_id.data(), 32);
  std::memcpy(words.data() + 32, salt.word().data(), 32);
  return crypto::keccak256(words);
}

}  // namespace commitments::channel
