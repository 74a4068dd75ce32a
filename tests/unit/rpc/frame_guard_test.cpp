#include "rpc/capnp/frame_guard.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/unit/rpc/raw_socket.h"

namespace rpc {
namespace {

base::Bytes message(std::initializer_list<std::uint32_t> sizes) {
  base::Bytes bytes = segment_table(static_cast<std::uint32_t>(sizes.size()) - 1, sizes);
  for (const std::uint32_t size : sizes) bytes.insert(bytes.end(), std::size_t{8} * size, 0xab);
  return bytes;
}

TEST(FrameGuard, FollowsMessagesHoweverTheyAreCut) {
  base::Bytes stream;
  for (const base::Bytes& part :
       {message({1}), message({2, 3}), message({0}), message({1, 0, 4}), message({5, 5, 5, 5})})
    stream.insert(stream.end(), part.begin(), part.end());
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameGuard guard(100);
    for (std::size_t at = 0; at < stream.size(); at += step) {
      const std::size_t size = std::min(step, stream.size() - at);
      ASSERT_TRUE(guard.feed({stream.data() + at, size})) << guard.error();
    }
    EXPECT_EQ(guard.messages(), 5u) << "in steps of " << step;
    EXPECT_TRUE(guard.at_boundary());
  }
}

TEST(FrameGuard, KnowsThatAMessageIsUnfinished) {
  const base::Bytes bytes = message({2});
  FrameGuard guard(100);
  ASSERT_TRUE(guard.feed({bytes.data(), 3}));
  EXPECT_FALSE(guard.at_boundary());
  EXPECT_EQ(guard.message_bytes(), 0u) << "the table is not complete";
  ASSERT_TRUE(guard.feed({bytes.data() + 3, 5}));
  EXPECT_EQ(guard.message_bytes(), 24u);
  ASSERT_TRUE(guard.feed({bytes.data() + 8, 15}));
  EXPECT_FALSE(guard.at_boundary());
  ASSERT_TRUE(guard.feed({bytes.data() + 23, 1}));
  EXPECT_TRUE(guard.at_boundary());
  EXPECT_EQ(guard.message_bytes(), 0u);
}

TEST(FrameGuard, RefusesTheSegmentCountThatWraps) {
  FrameGuard guard(100);
  const base::Bytes bytes = segment_table(UINT32_MAX, {0});
  EXPECT_FALSE(guard.feed(bytes));
  EXPECT_NE(guard.error().find("0xFFFFFFFF"), std::string::npos) << guard.error();
  EXPECT_FALSE(guard.feed(message({1}))) << "a refused stream stays refused";
}

TEST(FrameGuard, RefusesAsSoonAsTheCountIsKnown) {
  FrameGuard guard(100);
  const base::Bytes bytes = segment_table((1u << 29) - 1, {});
  EXPECT_FALSE(guard.feed({bytes.data(), 4}));
  EXPECT_NE(guard.error().find("536870912 segments"), std::string::npos) << guard.error();
}

TEST(FrameGuard, AdmitsTheLargestCountAndNoMore) {
  FrameGuard at_limit(100);
  EXPECT_TRUE(at_limit.feed(segment_table(base::limits::kRpcSegmentsMax - 1, {})));
  FrameGuard above(100);
  EXPECT_FALSE(above.feed(segment_table(base::limits::kRpcSegmentsMax, {})));
}

TEST(FrameGuard, AddsUpTheSizesWithoutWrapping) {
  FrameGuard at_limit(10);
  EXPECT_TRUE(at_limit.feed(message({4, 6})));
  FrameGuard above(10);
  EXPECT_FALSE(above.feed(segment_table(1, {4, 7})));
  FrameGuard huge(UINT64_C(1) << 32);
  EXPECT_FALSE(huge.feed(segment_table(1, {UINT32_MAX, UINT32_MAX}))) << "the sum must not wrap at 32 bits";
}

TEST(FrameGuard, PaddingMayHoldAnything) {
  base::Bytes bytes = segment_table(1, {1, 1});
  bytes[12] = bytes[13] = bytes[14] = bytes[15] = 0xff;
  bytes.insert(bytes.end(), 16, 0);
  FrameGuard guard(10);
  EXPECT_TRUE(guard.feed(bytes)) << guard.error();
  EXPECT_EQ(guard.messages(), 1u);
}

TEST(FrameGuard, TheLimitCanRise) {
  FrameGuard guard(1);
  ASSERT_TRUE(guard.feed(message({1})));
  guard.set_words_max(8);
  EXPECT_TRUE(guard.feed(message({8})));
  EXPECT_FALSE(guard.feed(message({9})));
}

}  // namespace
}  // namespace rpc
