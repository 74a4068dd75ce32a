#include "evm/order.h"

#include "base/check.h"
#include "base/codec.h"

namespace evm {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kTopicsMax = 4;

void put(const std::vector<EventPattern>& events, base::Encoder& out) {
  CHECK(events.size() <= kOrderEventsMax);
  out.u8(static_cast<std::uint8_t>(events.size()));
  for (const EventPattern& event : events) {
    CHECK(!event.topics.empty() && event.topics.size() <= kTopicsMax);
    out.fixed(event.contract);
    out.u8(static_cast<std::uint8_t>(event.topics.size()));
    for (const base::Hash& topic : event.topics) out.fixed(topic);
    out.u8(event.data ? 1 : 0);
    if (event.data) out.bytes(*event.data);
  }
}

std::vector<EventPattern> get_events(base::Decoder& in) {
  const std::uint8_t count = in.u8();
  if (count > kOrderEventsMax) in.fail();
  std::vector<EventPattern> events;
  for (std::uint8_t i = 0; i < count && in.ok(); ++i) {
    EventPattern& event = events.emplace_back();
    event.contract = in.fixed<base::Address>();
    const std::uint8_t topics = in.u8();
    if (topics == 0 || topics > kTopicsMax) in.fail();
    for (std::uint8_t t = 0; t < topics && in.ok(); ++t) event.topics.push_back(in.fixed<base::Hash>());
    const std::uint8_t has_data = in.u8();
    if (has_data > 1) in.fail();
    if (has_data == 1) {
      const base::ByteView data = in.bytes();
      event.data.emplace(data.begin(), data.end());
    }
  }
  return events;
}

}  // namespace

base::Bytes encode(const RelayOrder& order) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kVersion);
  out.u64(order.chain_id);
  out.fixed(order.to);
  out.bytes(order.data);
  out.u64(order.gas_limit_max);
  out.u64(order.deadline_s);
  put(order.proof, out);
  put(order.elsewhere, out);
  return bytes;
}

base::Result<RelayOrder> decode_order(base::ByteView bytes) {
  base::Decoder in(bytes);
  const std::uint8_t version = in.u8();
  if (in.ok() && version != kVersion)
    return base::error(base::ErrorCode::invalid_argument,
                       "the order has version " + std::to_string(version) + ", this rail reads 1");
  RelayOrder order;
  order.chain_id = in.u64();
  order.to = in.fixed<base::Address>();
  const base::ByteView data = in.bytes();
  order.data.assign(data.begin(), data.end());
  order.gas_limit_max = in.u64();
  order.deadline_s = in.u64();
  order.proof = get_events(in);
  order.elsewhere = get_events(in);
  if (!in.complete()) return base::error(base::ErrorCode::invalid_argument, "the bytes are not exactly one order");
  if (order.proof.empty())
    return base::error(base::ErrorCode::invalid_argument, "the order names no event that proves its success");
  return order;
}

}  // namespace evm
