#include "ledger/store/keys.h"

#include <gtest/gtest.h>

#include "ledger/store/recent_keys.h"

namespace ledger::store {
namespace {

template <std::size_t N>
std::string hex(const Key<N>& key) {
  return base::to_hex(key.view());
}

// Permanent: ledger/FORMAT.md.
TEST(Keys, HaveTheirDocumentedBytes) {
  EXPECT_EQ(hex(journal_key(core::Sequence(0x0102030405060708))), "0x0102030405060708");
  EXPECT_EQ(hex(kMetaFormat), "0x01");
  EXPECT_EQ(hex(kMetaIndexed), "0x02");
  EXPECT_EQ(hex(meta_segment_key(core::SegmentId(258))), "0x030000000000000102");
  EXPECT_EQ(hex(history_key(core::PayerId(7), HistoryClass::charging, core::Sequence(258))),
            "0x00000007010000000000000102");
  core::Hash hash;
  hash.bytes[31] = 0xee;
  EXPECT_EQ(hex(encode(SegmentPlace{core::Sequence(258), hash})), "0x0201000000000000" + std::string(62, '0') + "ee");
  core::ReplayHit hit{core::Sequence(258), {}};
  hit.content.bytes[0] = 0xaa;
  EXPECT_EQ(hex(encode(hit)), "0x0201000000000000aa" + std::string(30, '0'));
}

TEST(Keys, ValuesAreReadBackAndNothingElseIs) {
  core::Hash hash;
  hash.bytes[3] = 9;
  const auto place = encode(SegmentPlace{core::Sequence(77), hash});
  EXPECT_EQ(decode_segment_place(place.view()).value().first_sequence, core::Sequence(77));
  EXPECT_EQ(decode_segment_place(place.view()).value().hash, hash);
  EXPECT_FALSE(decode_segment_place(place.view().first(39)).has_value());
  const auto hit = encode(core::ReplayHit{core::Sequence(5), {}});
  EXPECT_EQ(decode_replay_hit(hit.view()).value().sequence, core::Sequence(5));
  EXPECT_FALSE(decode_replay_hit(hit.view().first(8)).has_value());
}

TEST(Keys, HistoryRowsAreAscending) {
  const auto key = history_key(core::PayerId(1), HistoryClass::charging, core::Sequence(100));
  const base::Bytes value{1, 0, 0, 0, 0, 1, 0, 0};  // 101, 356
  EXPECT_EQ(decode_history_row(key.view(), value).value(),
            (std::vector<core::Sequence>{core::Sequence(100), core::Sequence(101), core::Sequence(356)}));
  EXPECT_FALSE(decode_history_row(key.view(), base::Bytes{1, 0, 0}).has_value());
  EXPECT_FALSE(decode_history_row(key.view(), base::Bytes{2, 0, 0, 0, 1, 0, 0, 0}).has_value());
  EXPECT_FALSE(decode_history_row(key.view(), base::Bytes{0, 0, 0, 0}).has_value());
}

TEST(RecentKeys, FindsWhatWasInsertedAndNothingElse) {
  RecentKeys keys(42, 0);  // grows from its smallest size
  const auto key_of = [](std::uint64_t number) {
    core::ReplayKey key;
    put_big_endian(key.bytes.data() + 16, number, 8);
    return key;
  };
  constexpr std::uint64_t kCount = 20'000;
  EXPECT_FALSE(keys.find(key_of(1)).has_value());
  for (std::uint64_t i = 0; i < kCount; ++i) keys.insert(key_of(2 * i), {core::Sequence(i + 1), {}});
  EXPECT_EQ(keys.size(), kCount);
  for (std::uint64_t i = 0; i < kCount; ++i) {
    const auto hit = keys.find(key_of(2 * i));
    ASSERT_TRUE(hit.has_value());
    EXPECT_EQ(hit->sequence, core::Sequence(i + 1));
    EXPECT_FALSE(keys.find(key_of(2 * i + 1)).has_value());
  }
  EXPECT_DEATH(keys.insert(key_of(0), {}), "inserted twice");
}

}  // namespace
}  // namespace ledger::store
