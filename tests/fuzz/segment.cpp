// Journal segments: header, lengths, roots, and the entries inside.

#include <algorithm>

#include "base/check.h"
#include "ledger/core/segment.h"
#include "tests/fuzz/target.h"

namespace core = ledger::core;

bool fuzz::run_input(base::ByteView bytes) {
  const base::Result<core::Segment> preamble = core::decode_segment_header(bytes);
  const base::Result<core::Segment> segment = core::decode_segment(bytes);
  if (const base::Result<std::vector<base::ByteView>> entries = core::entries_of(bytes)) {
    std::size_t total = 0;
    for (const base::ByteView entry : *entries) total += sizeof(std::uint32_t) + entry.size();
    CHECK(total == bytes.size());
  }
  if (!segment) return false;
  CHECK(preamble.has_value() && preamble->header == segment->header && preamble->signature == segment->signature);
  const core::Bytes again = core::encode(*segment);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment->body);
  CHECK(entries.has_value() && entries->size() == segment->header.count);
  for (const base::ByteView entry : *entries) (void)core::decode_entry(entry);
  return true;
}
