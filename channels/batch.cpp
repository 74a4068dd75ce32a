#include "channels/batch.h"

#include <algorithm>

#include "base/codec.h"
#include "base/limits.h"
#include "base/uint256.h"
#include "channels/unclaimed.h"
#include "crypto/sha256.h"
#include "evm/channel_orders.h"

namespace channels {

namespace {

namespace channel = commitments::channel;

// Of a claiming transaction: what it costs without rows, and a row, with the fifth that the rail adds to an estimate.
constexpr std::uint64_t kGasOfClaim = 100'000;
constexpr std::uint64_t kGasOfRow = 42'000;
// Of an order: what it has beside rows, and a row: its calldata and the event that proves it.
constexpr std::size_t kBytesOfClaim = 512;
constexpr std::size_t kBytesOfRow = 480 + 87;
constexpr std::uint64_t kGasOfSettle = 250'000;

std::vector<channel::Claim> claims_of(std::span<const Candidate> rows) {
  std::vector<channel::Claim> claims;
  claims.reserve(rows.size());
  for (const Candidate& row : rows)
    claims.push_back({row.channel.config, row.channel.signed_maximum, row.channel.signature, true, row.total});
  return claims;
}

core::PlanRelay plan(const evm::Chain& chain, RelayKind kind, const evm::RelayOrder& order, std::uint64_t interval,
                     std::string label) {
  core::PlanRelay relay;
  relay.rail = base::RailName::parse(chain.rail()).value_or(base::RailName{});
  relay.order = evm::encode(order);
  base::Bytes name;
  base::Encoder out(name);
  out.u8(static_cast<std::uint8_t>(kind));
  out.u64(interval);
  relay.key = crypto::sha256({name, relay.order});
  relay.label = std::move(label);
  return relay;
}

}  // namespace

Judgement judge(const core::Channel& kept, const channel::Snapshot& newest) {
  Judgement judgement;
  judgement.candidate.channel = kept;
  const base::u128 wanted = claimable(kept);
  judgement.candidate.total = std::min(wanted, newest.balance);
  if (wanted <= newest.total_claimed) return judgement;
  if (judgement.candidate.total <= newest.total_claimed) {
    judgement.kind = Judgement::Kind::lost;
    judgement.reason = "the balance is " + base::to_decimal_string(newest.balance) + " and all of it was claimed; " +
                       base::to_decimal_string(wanted) + " were charged";
    return judgement;
  }
  judgement.kind = Judgement::Kind::claim;
  judgement.candidate.gain = judgement.candidate.total - newest.total_claimed;
  return judgement;
}

std::size_t rows_max(std::size_t rows, std::uint64_t gas_max) {
  const std::uint64_t gas = gas_max > kGasOfClaim ? (gas_max - kGasOfClaim) / kGasOfRow : 0;
  const std::size_t bytes = (base::limits::kRelayOrderBytesMax - kBytesOfClaim) / kBytesOfRow;
  const std::size_t most = std::min({rows, static_cast<std::size_t>(gas), bytes, evm::kOrderEventsMax});
  return std::max<std::size_t>(most, 1);
}

evm::RelayOrder claim_order(const channel::Domain& domain, std::span<const Candidate> rows,
                            const crypto::SecretKey& authorizer, std::uint64_t gas_max) {
  const std::vector<channel::Claim> claims = claims_of(rows);
  const base::Signature signature = authorizer.sign(evm::claim_key(domain, claims));
  return evm::claim_order(domain, claims, signature, gas_max, evm::ClaimProof::all_rows).order;
}

core::PlanRelay claim_relay(const evm::Chain& chain, std::span<const Candidate> rows, const evm::RelayOrder& order) {
  base::u128 gain = 0;
  for (const Candidate& row : rows) gain += row.gain;
  return plan(chain, RelayKind::claim, order, 0,
              "claim of " + std::to_string(rows.size()) + " channels: " + base::to_decimal_string(gain));
}

core::PlanRelay settle_relay(const evm::Chain& chain, const channel::Domain& domain, const base::Address& receiver,
                             const base::Address& token, std::uint64_t interval, base::u128 amount) {
  return plan(chain, RelayKind::settle, evm::settle_order(domain, receiver, token, amount, kGasOfSettle).order,
              interval, "settle to " + base::to_hex(receiver) + ": " + base::to_decimal_string(amount));
}

std::optional<Planned> read_order(base::ByteView bytes, std::uint64_t chain_id, const base::Address& contract) {
  const base::Result<evm::RelayOrder> order = evm::decode_order(bytes);
  if (!order || order->chain_id != chain_id || order->to != contract) return std::nullopt;
  Planned planned;
  for (const evm::EventPattern& event : order->proof) {
    if (event.contract != contract || event.data) return std::nullopt;
    if (event.topics.size() == 2 && event.topics[0] == evm::claimed_topic()) {
      planned.channels.push_back(event.topics[1]);
    } else if (event.topics.size() == 3 && event.topics[0] == evm::settled_topic() && order->proof.size() == 1) {
      planned.kind = RelayKind::settle;
      std::copy_n(event.topics[1].bytes.begin() + 12, 20, planned.receiver.bytes.begin());
      std::copy_n(event.topics[2].bytes.begin() + 12, 20, planned.token.bytes.begin());
    } else {
      return std::nullopt;
    }
  }
  return planned;
}

}  // namespace channels
