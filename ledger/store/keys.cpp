#include "ledger/store/keys.h"

#include <algorithm>

#include "base/codec.h"

namespace ledger::store {

namespace {

void put_little_endian(std::uint8_t* out, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

Key<40> encode(const SegmentPlace& place) noexcept {
  Key<40> value;
  put_little_endian(value.bytes.data(), place.first_sequence.value);
  std::copy(place.hash.bytes.begin(), place.hash.bytes.end(), value.bytes.begin() + 8);
  return value;
}

base::Result<SegmentPlace> decode_segment_place(base::ByteView bytes) {
  base::Decoder in(bytes);
  SegmentPlace place;
  place.first_sequence = in.id<core::Sequence>();
  place.hash = in.fixed<core::Hash>();
  if (!in.complete()) return base::error(base::ErrorCode::corruption, "a segment's place row has a wrong length");
  return place;
}

Key<24> encode(const core::ReplayHit& hit) noexcept {
  Key<24> value;
  put_little_endian(value.bytes.data(), hit.sequence.value);
  std::copy(hit.content.bytes.begin(), hit.content.bytes.end(), value.bytes.begin() + 8);
  return value;
}

base::Result<core::ReplayHit> decode_replay_hit(base::ByteView bytes) {
  base::Decoder in(bytes);
  core::ReplayHit hit;
  hit.sequence = in.id<core::Sequence>();
  hit.content = in.fixed<base::FixedBytes<16>>();
  if (!in.complete()) return base::error(base::ErrorCode::corruption, "a replay index row has a wrong length");
  return hit;
}

Key<kHistoryKeyBytes> history_key(core::PayerId payer, HistoryClass of, core::Sequence first) noexcept {
  Key<kHistoryKeyBytes> key;
  put_big_endian(key.bytes.data(), payer.value, 4);
  key.bytes[4] = static_cast<std::uint8_t>(of);
  put_big_endian(key.bytes.data() + 5, first.value, 8);
  return key;
}

base::Result<std::vector<core::Sequence>> decode_history_row(base::ByteView key, base::ByteView value) {
  if (key.size() != kHistoryKeyBytes || value.size() % sizeof(std::uint32_t) != 0)
    return base::error(base::ErrorCode::corruption, "a history row has a wrong length");
  const std::uint64_t first = get_big_endian(key.subspan(5));
  std::vector<core::Sequence> sequences;
  sequences.reserve(1 + value.size() / sizeof(std::uint32_t));
  sequences.emplace_back(first);
  base::Decoder in(value);
  while (!in.at_end()) {
    const core::Sequence next(first + in.u32());
    if (next <= sequences.back()) return base::error(base::ErrorCode::corruption, "a history row is not ascending");
    sequences.push_back(next);
  }
  return sequences;
}

}  // namespace ledger::store
