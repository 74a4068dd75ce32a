#include "settlers/stablecoin/evidence.h"

#include <algorithm>
#include <cctype>

#include "base/codec.h"
#include "crypto/keccak.h"
#include "settlers/stablecoin/json_rpc.h"

namespace settlers::stablecoin {

namespace {

using base::ByteView;
using base::u128;
namespace json = boost::json;

constexpr std::uint8_t kRequestVersion = 1;
constexpr std::uint8_t kSeenVersion = 2;
constexpr std::uint8_t kRequestTransactionsMax = 2;
constexpr std::size_t kSelector = 4;
constexpr std::size_t kWord = 32;

std::optional<base::Address> address_from_word(ByteView word) {
  const ByteView high = word.first(12);
  if (std::any_of(high.begin(), high.end(), [](std::uint8_t byte) { return byte != 0; })) return std::nullopt;
  return base::fixed_from_bytes<base::Address>(word.subspan(12));
}

bool is_call(ByteView data, std::string_view signature, std::size_t words) {
  if (data.size() != kSelector + words * kWord) return false;
  const base::Bytes selector = call_data(signature, {});
  return std::equal(selector.begin(), selector.end(), data.begin());
}

u128 plus_eighth(u128 value) { return value + std::max<u128>(1, (value + 7) / 8); }

}  // namespace

std::optional<Block> parse_block(const json::value& value) {
  const json::value* number = member(value, "number");
  const json::value* hash = member(value, "hash");
  const json::value* timestamp = member(value, "timestamp");
  const json::value* base_fee = member(value, "baseFeePerGas");
  if (number == nullptr || hash == nullptr || timestamp == nullptr) return std::nullopt;
  const auto number_value = quantity64(*number);
  const auto hash_value = data_fixed<base::Hash>(*hash);
  const auto timestamp_value = quantity64(*timestamp);
  if (!number_value || !hash_value || !timestamp_value) return std::nullopt;
  Block block{*number_value, *hash_value, *timestamp_value, 0};
  if (base_fee != nullptr) block.base_fee_wei = quantity128(*base_fee).value_or(0);
  return block;
}

std::optional<Receipt> parse_receipt(const json::value& value) {
  const json::value* transaction = member(value, "transactionHash");
  const json::value* number = member(value, "blockNumber");
  const json::value* hash = member(value, "blockHash");
  const json::value* status = member(value, "status");
  if (transaction == nullptr || number == nullptr || hash == nullptr || status == nullptr) return std::nullopt;
  const auto transaction_value = data_fixed<base::Hash>(*transaction);
  const auto number_value = quantity64(*number);
  const auto hash_value = data_fixed<base::Hash>(*hash);
  const auto status_value = quantity64(*status);
  if (!transaction_value || !number_value || !hash_value || !status_value) return std::nullopt;
  return Receipt{*transaction_value, *number_value, *hash_value, *status_value == 1};
}

std::optional<Movement> movement_of(const Transaction& transaction, const base::Address& signer) {
  const ByteView data(transaction.data);
  Movement movement;
  movement.token = transaction.to;
  const auto word = [&data](std::size_t index) { return data.subspan(kSelector + index * kWord, kWord); };
  std::optional<base::Address> from, to;
  std::size_t value_index = 2;
  if (is_call(data, "transfer(address,uint256)", 2)) {
    from = signer;
    to = address_from_word(word(0));
    value_index = 1;
  } else if (is_call(data, "transferFrom(address,address,uint256)", 3)) {
    from = address_from_word(word(0));
    to = address_from_word(word(1));
    movement.by_allowance = true;
  } else if (is_call(data,
                     "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)",
                     9)) {
    from = address_from_word(word(0));
    to = address_from_word(word(1));
  }
  if (!from || !to) return std::nullopt;
  movement.from = *from;
  movement.to = *to;
  movement.value = number_from_word(word(value_index)).value_or(0);
  return movement;
}

namespace {

bool matches(const json::value& log, const evm::EventPattern& event) {
  const json::value* address = member(log, "address");
  const json::value* topics = member(log, "topics");
  const json::value* data = member(log, "data");
  if (address == nullptr || topics == nullptr || data == nullptr || !topics->is_array()) return false;
  const json::array& list = topics->as_array();
  if (data_fixed<base::Address>(*address) != event.contract || list.size() < event.topics.size()) return false;
  for (std::size_t i = 0; i < event.topics.size(); ++i) {
    if (data_fixed<base::Hash>(list[i]) != event.topics[i]) return false;
  }
  return !event.data || data_bytes(*data) == event.data;
}

}  // namespace

bool has_events(const json::value& receipt, const std::vector<evm::EventPattern>& events) {
  const json::value* logs = member(receipt, "logs");
  if (logs == nullptr || !logs->is_array()) return false;
  const json::array& list = logs->as_array();
  return std::all_of(events.begin(), events.end(), [&list](const evm::EventPattern& event) {
    return std::any_of(list.begin(), list.end(), [&event](const json::value& log) { return matches(log, event); });
  });
}

bool has_transfer(const json::value& receipt, const Movement& movement) {
  const TransferEvent event = transfer_event(movement.from, movement.to, movement.value);
  const base::Bytes value(event.value.bytes.begin(), event.value.bytes.end());
  return has_events(receipt, {{movement.token, {event.topic, event.from, event.to}, value}});
}

bool counts(const BlockRule& rule, std::uint64_t block_number, std::uint64_t latest,
            const std::optional<Block>& tagged) {
  if (rule.kind == BlockRule::Kind::depth) return latest >= block_number && latest - block_number + 1 >= rule.depth;
  return tagged && block_number <= tagged->number;
}

std::optional<Fees> initial_fees(u128 base_fee_wei, u128 suggested_tip_wei, const FeeCaps& caps) {
  if (base_fee_wei > caps.max_fee_wei) return std::nullopt;
  Fees fees;
  const u128 tip = std::min(suggested_tip_wei, caps.max_priority_fee_wei);
  fees.max_fee_wei = std::min(2 * base_fee_wei + tip, caps.max_fee_wei);
  fees.max_priority_fee_wei = std::min(tip, fees.max_fee_wei);
  return fees;
}

std::optional<Fees> bumped_fees(const Fees& old, u128 base_fee_wei, const FeeCaps& caps) {
  Fees fees;
  fees.max_priority_fee_wei = plus_eighth(old.max_priority_fee_wei);
  const u128 wanted = base_fee_wei > caps.max_fee_wei ? caps.max_fee_wei : 2 * base_fee_wei + fees.max_priority_fee_wei;
  const u128 least = plus_eighth(old.max_fee_wei);
  fees.max_fee_wei = std::max(least, std::min(wanted, caps.max_fee_wei));
  if (least > caps.max_fee_wei || fees.max_priority_fee_wei > caps.max_priority_fee_wei) return std::nullopt;
  if (fees.max_priority_fee_wei > fees.max_fee_wei) return std::nullopt;
  return fees;
}

BroadcastReply broadcast_reply(std::string_view message) {
  std::string lower(message);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto says = [&lower](std::string_view text) { return lower.find(text) != std::string::npos; };
  if (says("already known") || says("already imported") || says("known transaction") || says("alreadyknown"))
    return BroadcastReply::known;
  if (says("nonce too low") || says("nonce is too low") || says("old nonce")) return BroadcastReply::nonce_too_low;
  return BroadcastReply::refused;
}

base::Bytes encode_request(const std::vector<SignedTransaction>& transactions) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kRequestVersion);
  out.u8(static_cast<std::uint8_t>(transactions.size()));
  for (const SignedTransaction& transaction : transactions) out.bytes(transaction.raw);
  return bytes;
}

base::Result<std::vector<SignedTransaction>> decode_request(ByteView request) {
  base::Decoder in(request);
  const std::uint8_t version = in.u8();
  const std::uint8_t count = in.u8();
  std::vector<SignedTransaction> transactions;
  if (version == kRequestVersion && count >= 1 && count <= kRequestTransactionsMax) {
    for (std::uint8_t i = 0; i < count && in.ok(); ++i) {
      SignedTransaction transaction;
      const ByteView raw = in.bytes();
      transaction.raw.assign(raw.begin(), raw.end());
      transaction.hash = crypto::keccak256(raw);
      transactions.push_back(std::move(transaction));
    }
  }
  if (transactions.empty() || !in.complete())
    return base::error(base::ErrorCode::corruption, "a settlement's request is not one of this stablecoin settler");
  return transactions;
}

base::Bytes encode_seen(const base::Hash& transaction) {
  base::Bytes bytes(1 + base::Hash::kSize);
  bytes[0] = kSeenVersion;
  std::copy(transaction.bytes.begin(), transaction.bytes.end(), bytes.begin() + 1);
  return bytes;
}

std::optional<base::Hash> decode_seen(ByteView request) {
  base::Decoder in(request);
  const std::uint8_t version = in.u8();
  const auto transaction = in.fixed<base::Hash>();
  if (version != kSeenVersion || !in.complete()) return std::nullopt;
  return transaction;
}

}  // namespace settlers::stablecoin
