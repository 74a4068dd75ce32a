#pragma once

// Keys and small values of the column families that the store itself owns. Permanent: ledger/FORMAT.md, "Store layout",
// "Segment keys" and "Replay and history indexes". State rows have the keys of ledger/core/row.h.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/core/entry.h"
#include "ledger/core/replay_index.h"

namespace ledger::store {

inline constexpr std::uint16_t kStoreFormatVersion = 2;

// N raw bytes that RocksDB can look at without an allocation.
template <std::size_t N>
struct Key {
  std::array<std::uint8_t, N> bytes{};
  base::ByteView view() const noexcept { return bytes; }
};

inline void put_big_endian(std::uint8_t* out, std::uint64_t value, std::size_t size) noexcept {
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
}
inline std::uint64_t get_big_endian(base::ByteView bytes) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  return value;
}

// journal: first sequence -> segment.
inline Key<8> journal_key(core::Sequence first) noexcept {
  Key<8> key;
  put_big_endian(key.bytes.data(), first.value, 8);
  return key;
}

// meta: one byte says what follows.
inline constexpr Key<1> kMetaFormat{{0x01}};   // -> u16 format version
inline constexpr Key<1> kMetaIndexed{{0x02}};  // -> u64 last sequence that the replay and history families cover
inline constexpr std::uint8_t kMetaSegment = 0x03;
inline Key<9> meta_segment_key(core::SegmentId number) noexcept {
  Key<9> key;
  key.bytes[0] = kMetaSegment;
  put_big_endian(key.bytes.data() + 1, number.value, 8);
  return key;
}
// Where a segment is and what it hashes to.
struct SegmentPlace {
  core::Sequence first_sequence;
  core::Hash hash;
};
Key<40> encode(const SegmentPlace& place) noexcept;
base::Result<SegmentPlace> decode_segment_place(base::ByteView bytes);

// replay: core::ReplayKey -> u64 sequence, 16 bytes content.
Key<24> encode(const core::ReplayHit& hit) noexcept;
base::Result<core::ReplayHit> decode_replay_hit(base::ByteView bytes);

// history: payer, class, first sequence -> for each further sequence a u32 distance from the first, ascending.
enum class HistoryClass : std::uint8_t { charging = 1, window_closed = 2 };
inline constexpr std::size_t kHistoryKeyBytes = 13;
Key<kHistoryKeyBytes> history_key(core::PayerId payer, HistoryClass of, core::Sequence first) noexcept;
// Sequences of one history row in ascending order; corruption if key or value is malformed.
base::Result<std::vector<core::Sequence>> decode_history_row(base::ByteView key, base::ByteView value);

inline std::string_view text_of(base::ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline base::ByteView bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace ledger::store
