#include "base/codec.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Codec, BytesAreLittleEndianWithoutPadding) {
  Bytes bytes;
  Encoder out(bytes);
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  out.amount(Amount(0x0809));
  out.string("ab");
  EXPECT_EQ(to_hex(bytes),
            "0x01030207060504090800000000000000000000000000000200000061"
            "62");
}

TEST(Codec, ReadsBackWhatWasWritten) {
  Bytes bytes;
  Encoder out(bytes);
  out.id(PayerId(7));
  out.id(AssetId(3));
  out.time(Time{123456789});
  out.signed_wide(-42);
  out.text(*Unit::parse("kB"));
  out.bytes(Bytes{1, 2, 3});
  Decoder in(bytes);
  EXPECT_EQ(in.id<PayerId>(), PayerId(7));
  EXPECT_EQ(in.id<AssetId>(), AssetId(3));
  EXPECT_EQ(in.time(), Time{123456789});
  EXPECT_TRUE(in.signed_wide() == -42);
  EXPECT_EQ(in.text<Unit>().view(), "kB");
  EXPECT_EQ(in.bytes().size(), 3U);
  EXPECT_TRUE(in.complete());
}

TEST(Codec, EveryTruncationIsNoticed) {
  Bytes bytes;
  Encoder out(bytes);
  out.u64(1);
  out.string("hello");
  out.fixed(Hash{});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    Decoder in(ByteView(bytes).first(length));
    in.u64();
    in.string();
    in.fixed<Hash>();
    EXPECT_FALSE(in.complete()) << length;
  }
}

TEST(Codec, AmountAboveTheMaximumFails) {
  const Bytes bytes(16, 0xff);
  Decoder in(bytes);
  in.amount();
  EXPECT_FALSE(in.ok());
}

TEST(Codec, HostileLengthDoesNotOverflow) {
  const Bytes bytes{0xff, 0xff, 0xff, 0xff, 1};
  Decoder in(bytes);
  EXPECT_TRUE(in.bytes().empty());
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace base
