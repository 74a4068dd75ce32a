// Segments: building, chaining, reading damaged ones.

#include "ledger/core/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/merkle.h"

namespace ledger::core {
namespace {

using testing::HasSubstr;

Segment make(std::size_t count) {
  SegmentBuilder builder(SegmentId(3), Sequence(11), Time{99});
  for (std::size_t i = 0; i < count; ++i) {
    builder.append(Entry(StandingSet{PayerId(static_cast<std::uint32_t>(i + 1)), Standing::active, "why"}));
  }
  Hash previous;
  previous.bytes[0] = 1;
  return builder.finish(previous, Hash{});
}

TEST(Segment, RoundTrip) {
  const Segment segment = make(5);
  EXPECT_EQ(segment.header.count, 5u);
  EXPECT_EQ(segment.header.first_sequence, Sequence(11));
  const Bytes bytes = encode(segment);
  EXPECT_EQ(encode(segment.header).size(), 192u);
  EXPECT_EQ(bytes.size(), 192u + 65u + segment.body.size());
  const base::Result<Segment> again = decode_segment(bytes);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->header, segment.header);
  EXPECT_EQ(again->body, segment.body);
  const base::Result<Segment> header = decode_segment_header(bytes);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->header, segment.header);
  EXPECT_TRUE(header->body.empty());
}

TEST(Segment, BuilderCountsAndStartsAgain) {
  SegmentBuilder builder(SegmentId(1), Sequence(1), Time{1});
  EXPECT_TRUE(builder.empty());
  const auto appended = builder.append(Entry(Genesis{"n", {}}));
  EXPECT_EQ(appended.sequence, Sequence(1));
  EXPECT_EQ(builder.next_sequence(), Sequence(2));
  EXPECT_EQ(builder.count(), 1u);
  const Segment segment = builder.finish({}, {});
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(segment.header.entries_root, crypto::merkle_root(std::vector<Hash>{appended.leaf}));
  const auto entries = entries_of(segment.body);
  ASSERT_TRUE(entries.has_value());
  EXPECT_EQ(crypto::merkle_leaf(entries->front()), appended.leaf);
}

TEST(Segment, EveryDamagedByteIsFound) {
  const Bytes good = encode(make(2));
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (i >= 192 && i < 192 + 65) continue;  // the signature is checked by those who know the operator's key
    Bytes bad = good;
    bad[i] ^= 0x40;
    const base::Result<Segment> result = decode_segment(bad);
    // Fields that only the hash chain covers: number, sequence, time, previous hash, root of segments.
    const bool chained = (i >= 10 && i < 26) || (i >= 30 && i < 70) || (i >= 102 && i < 134);
    EXPECT_EQ(result.has_value(), chained) << "byte " << i;
  }
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(decode_segment(base::ByteView(good).first(length)).has_value()) << length;
  }
}

TEST(Segment, SaysWhatIsWrong) {
  Segment segment = make(2);
  Bytes bytes = encode(segment);
  bytes.back() ^= 1;
  EXPECT_THAT(decode_segment(bytes).error().message, HasSubstr("segment 3: the entries' root is"));
  bytes = encode(segment);
  bytes[8] = 2;
  EXPECT_EQ(decode_segment(bytes).error().code, base::ErrorCode::unsupported);
  bytes = encode(segment);
  bytes[0] = 'x';
  EXPECT_THAT(decode_segment(bytes).error().message, HasSubstr("tabd.seg"));
}

}  // namespace
}  // namespace ledger::core
