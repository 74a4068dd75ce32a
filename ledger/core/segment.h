#pragma once

// A segment: the entries of one group commit, chained to the one before. Byte layout: ledger/FORMAT.md.

#include <span>
#include <vector>

#include "base/result.h"
#include "ledger/core/entry.h"

namespace ledger::core {

// 192 bytes when encoded; SHA-256 of the encoding is the segment's hash, which the operator signs
// (commitments::tab::segment_digest).
struct SegmentHeader {
  std::uint16_t version = 1;
  SegmentId number;
  Sequence first_sequence;
  std::uint32_t count = 0;  // entries, >= 1
  Time time;                // of all its entries; never before the previous segment's
  Hash previous;            // hash of the previous segment; zero for the first
  Hash entries_root;        // RFC 6962 root over the entries' leaf hashes
  Hash segments_root;       // RFC 6962 root over the hashes of all earlier segments
  std::uint32_t body_bytes = 0;
  bool operator==(const SegmentHeader&) const = default;
};
Bytes encode(const SegmentHeader& header);
Hash hash_of(const SegmentHeader& header);

// A whole segment as stored: header, operator signature, body.
struct Segment {
  SegmentHeader header;
  Signature signature;
  Bytes body;  // for each entry: u32 length, bytes
};
Bytes encode(const Segment& segment);
// corruption unless the bytes are exactly one segment whose roots and lengths agree. Does not check the signature.
base::Result<Segment> decode_segment(base::ByteView bytes);
// The same for the header and signature alone, without reading the body.
base::Result<Segment> decode_segment_header(base::ByteView bytes);
// The encoded entries of a body, in order; views into `body`. corruption if lengths do not fit.
base::Result<std::vector<base::ByteView>> entries_of(base::ByteView body);

// Collects the entries of the segment being made.
class SegmentBuilder {
 public:
  SegmentBuilder(SegmentId number, Sequence first_sequence, Time time);

  struct Appended {
    Sequence sequence;
    Hash leaf;  // merkle_leaf of the encoded entry
  };
  template <typename AnyEntry>
  Appended append(const AnyEntry& entry) {
    const std::size_t start = begin_entry();
    base::Encoder out(body_);
    encode_entry(entry, out);
    return end_entry(start);
  }

  Time time() const noexcept { return time_; }
  std::size_t count() const noexcept { return leaves_.size(); }
  std::size_t bytes() const noexcept { return body_.size(); }
  bool empty() const noexcept { return leaves_.empty(); }
  Sequence next_sequence() const noexcept { return Sequence(first_sequence_.value + leaves_.size()); }
  const std::vector<Hash>& leaves() const noexcept { return leaves_; }
  // Header and body, unsigned. The builder is empty afterwards.
  Segment finish(const Hash& previous, const Hash& segments_root);

 private:
  std::size_t begin_entry();
  Appended end_entry(std::size_t start);
  SegmentId number_;
  Sequence first_sequence_;
  Time time_;
  Bytes body_;
  std::vector<Hash> leaves_;
};

}  // namespace ledger::core
