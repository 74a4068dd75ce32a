#include "ledger/core/segment.h"

#include <utility>

#include "base/check.h"
#include "crypto/merkle.h"
#include "crypto/sha256.h"

namespace ledger::core {
namespace {

using base::ErrorCode;

constexpr std::string_view kMagic = "tabd.seg";
constexpr std::size_t kHeaderBytes = 192;
constexpr std::size_t kReservedBytes = 54;  // zero; room for a later version
constexpr std::size_t kPreambleBytes = kHeaderBytes + Signature::kSize;
constexpr std::uint16_t kVersion = 1;

base::Result<SegmentHeader> decode_header(base::Decoder& in) {
  const base::ByteView magic = in.raw(kMagic.size());
  if (!in.ok() || std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic) {
    return base::error(ErrorCode::corruption, "a segment does not start with \"tabd.seg\"");
  }
  SegmentHeader header;
  header.version = in.u16();
  if (in.ok() && header.version != kVersion) {
    return base::error(ErrorCode::unsupported, "a segment has format version " + std::to_string(header.version) +
                                                   "; this build reads version " + std::to_string(kVersion));
  }
  header.number = in.id<SegmentId>();
  header.first_sequence = in.id<Sequence>();
  header.count = in.u32();
  header.time = in.time();
  header.previous = in.fixed<Hash>();
  header.entries_root = in.fixed<Hash>();
  header.segments_root = in.fixed<Hash>();
  header.body_bytes = in.u32();
  bool reserved_is_zero = true;
  for (const std::uint8_t byte : in.raw(kReservedBytes)) reserved_is_zero = reserved_is_zero && byte == 0;
  if (!in.ok() || !reserved_is_zero || header.count == 0) {
    return base::error(ErrorCode::corruption, "a segment's header is damaged");
  }
  return header;
}

}  // namespace

Bytes encode(const SegmentHeader& header) {
  Bytes bytes;
  bytes.reserve(kHeaderBytes);
  base::Encoder out(bytes);
  bytes.insert(bytes.end(), kMagic.begin(), kMagic.end());
  out.u16(header.version);
  out.id(header.number);
  out.id(header.first_sequence);
  out.u32(header.count);
  out.time(header.time);
  out.fixed(header.previous);
  out.fixed(header.entries_root);
  out.fixed(header.segments_root);
  out.u32(header.body_bytes);
  bytes.resize(bytes.size() + kReservedBytes);
  CHECK(bytes.size() == kHeaderBytes);
  return bytes;
}

Hash hash_of(const SegmentHeader& header) { return crypto::sha256(encode(header)); }

Bytes encode(const Segment& segment) {
  CHECK(segment.header.body_bytes == segment.body.size());
  Bytes bytes = encode(segment.header);
  bytes.reserve(kPreambleBytes + segment.body.size());
  base::Encoder out(bytes);
  out.fixed(segment.signature);
  out.raw(segment.body);
  return bytes;
}

base::Result<Segment> decode_segment_header(base::ByteView bytes) {
  base::Decoder in(bytes);
  Segment segment;
  ASSIGN_OR_RETURN(segment.header, decode_header(in));
  segment.signature = in.fixed<Signature>();
  if (!in.ok()) return base::error(ErrorCode::corruption, "a segment ends inside its signature");
  return segment;
}

base::Result<Segment> decode_segment(base::ByteView bytes) {
  ASSIGN_OR_RETURN(Segment segment, decode_segment_header(bytes));
  const std::string name = "segment " + std::to_string(segment.header.number.value);
  const base::ByteView body = bytes.subspan(kPreambleBytes);
  if (body.size() != segment.header.body_bytes) {
    return base::error(ErrorCode::corruption, name + " has " + std::to_string(body.size()) +
                                                  " body bytes; its header says " +
                                                  std::to_string(segment.header.body_bytes));
  }
  ASSIGN_OR_RETURN(const std::vector<base::ByteView> entries, entries_of(body));
  if (entries.size() != segment.header.count) {
    return base::error(ErrorCode::corruption, name + " has " + std::to_string(entries.size()) +
                                                  " entries; its header says " + std::to_string(segment.header.count));
  }
  std::vector<Hash> leaves;
  leaves.reserve(entries.size());
  for (const base::ByteView entry : entries) leaves.push_back(crypto::merkle_leaf(entry));
  const Hash root = crypto::merkle_root(leaves);
  if (root != segment.header.entries_root) {
    return base::error(ErrorCode::corruption, name + ": the entries' root is " + base::to_hex(root) +
                                                  "; its header says " + base::to_hex(segment.header.entries_root));
  }
  segment.body.assign(body.begin(), body.end());
  return segment;
}

base::Result<std::vector<base::ByteView>> entries_of(base::ByteView body) {
  std::vector<base::ByteView> entries;
  base::Decoder in(body);
  while (in.ok() && !in.at_end()) entries.push_back(in.bytes());
  if (!in.ok()) {
    return base::error(ErrorCode::corruption,
                       "entry " + std::to_string(entries.size()) + " of a segment is longer than what is left of it");
  }
  return entries;
}

SegmentBuilder::SegmentBuilder(SegmentId number, Sequence first_sequence, Time time)
    : number_(number), first_sequence_(first_sequence), time_(time) {}

std::size_t SegmentBuilder::begin_entry() {
  const std::size_t start = body_.size();
  body_.resize(start + sizeof(std::uint32_t));  // the length, filled in by end_entry()
  return start;
}

SegmentBuilder::Appended SegmentBuilder::end_entry(std::size_t start) {
  const std::size_t begin = start + sizeof(std::uint32_t);
  const std::size_t length = body_.size() - begin;
  CHECK(length > 0 && length <= UINT32_MAX);
  for (std::size_t i = 0; i < sizeof(std::uint32_t); ++i) {
    body_[start + i] = static_cast<std::uint8_t>(length >> (8 * i));
  }
  const Sequence sequence = next_sequence();
  const Hash leaf = crypto::merkle_leaf(base::ByteView(body_).subspan(begin));
  leaves_.push_back(leaf);
  return {sequence, leaf};
}

Segment SegmentBuilder::finish(const Hash& previous, const Hash& segments_root) {
  CHECK_MSG(!leaves_.empty(), "a segment has at least one entry");
  CHECK(body_.size() <= UINT32_MAX && leaves_.size() <= UINT32_MAX);
  Segment segment;
  segment.header.number = number_;
  segment.header.first_sequence = first_sequence_;
  segment.header.count = static_cast<std::uint32_t>(leaves_.size());
  segment.header.time = time_;
  segment.header.previous = previous;
  segment.header.entries_root = crypto::merkle_root(leaves_);
  segment.header.segments_root = segments_root;
  segment.header.body_bytes = static_cast<std::uint32_t>(body_.size());
  segment.body = std::exchange(body_, {});
  leaves_.clear();
  return segment;
}

}  // namespace ledger::core
