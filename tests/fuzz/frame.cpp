// The guard of the Cap'n Proto stream: the same verdict however the stream is cut, and the one that a plain reading of
// the whole stream gives. The first byte chooses the size limit and how the stream is cut.

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "rpc/capnp/frame_guard.h"
#include "tests/fuzz/target.h"

namespace {

struct Verdict {
  bool refused = false;
  std::uint64_t messages = 0;
  bool at_boundary = true;
  bool operator==(const Verdict&) const = default;
};

Verdict feed_in_pieces(base::ByteView stream, std::uint64_t words_max, std::size_t piece) {
  rpc::FrameGuard guard(words_max);
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    if (!guard.feed(stream.subspan(at, std::min(piece, stream.size() - at)))) {
      CHECK(!guard.error().empty() && !guard.feed({}));
      return {true, guard.messages(), false};
    }
    CHECK(guard.error().empty() && guard.message_bytes() <= 8 * (words_max + base::limits::kRpcSegmentsMax));
  }
  return {false, guard.messages(), guard.at_boundary()};
}

// With the whole stream at hand: count, sizes, padding, body.
Verdict read_plainly(base::ByteView stream, std::uint64_t words_max) {
  Verdict verdict;
  std::size_t at = 0;
  const auto word = [&](std::size_t position) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(stream[position + i]) << (8 * i);
    return value;
  };
  while (at < stream.size()) {
    verdict.at_boundary = false;
    if (stream.size() - at < 4) return verdict;
    const std::uint64_t segments = std::uint64_t{word(at)} + 1;
    if (segments > base::limits::kRpcSegmentsMax) return {true, verdict.messages, false};
    std::uint64_t words = 0;
    for (std::uint64_t i = 0; i < segments; ++i) {
      const std::size_t position = at + 4 + 4 * static_cast<std::size_t>(i);
      if (stream.size() < position + 4) return verdict;
      words += word(position);
      if (words > words_max) return {true, verdict.messages, false};
    }
    const std::size_t table = (4 + 4 * static_cast<std::size_t>(segments) + 7) / 8 * 8;
    if (stream.size() - at < table + 8 * words) return verdict;
    at += table + 8 * static_cast<std::size_t>(words);
    ++verdict.messages;
    verdict.at_boundary = true;
  }
  return verdict;
}

}  // namespace

bool fuzz::run_input(base::ByteView bytes) {
  if (bytes.empty()) return false;
  const std::uint64_t words_max = std::uint64_t{1} << (bytes[0] % 23);
  const base::ByteView stream = bytes.subspan(1);
  const Verdict expected = read_plainly(stream, words_max);
  CHECK(feed_in_pieces(stream, words_max, std::max<std::size_t>(stream.size(), 1)) == expected);
  CHECK(feed_in_pieces(stream, words_max, 1) == expected);
  CHECK(feed_in_pieces(stream, words_max, 1 + bytes[0] % 13) == expected);
  return !expected.refused && expected.at_boundary && expected.messages > 0;
}
