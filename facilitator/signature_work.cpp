#include "facilitator/signature_work.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace facilitator {
namespace {

constexpr std::size_t kPiecesMax = 4;

}  // namespace

void SignatureWork::add(std::size_t signatures, std::function<void()> check, std::function<void(bool)> then) {
  waiting_signatures_ += signatures;
  waiting_.push_back({signatures, std::move(check), std::move(then)});
}

void SignatureWork::flush() {
  while (!waiting_.empty() && pieces_ < kPiecesMax) {
    if (pieces_ > 0 && waiting_signatures_ < base::limits::kVerifyChunkItems) return;
    send();
  }
}

void SignatureWork::send() {
  auto piece = std::make_shared<std::vector<Check>>();
  std::size_t signatures = 0;
  while (!waiting_.empty() && (piece->empty() || signatures < base::limits::kVerifyChunkItems)) {
    signatures += waiting_.front().signatures;
    piece->push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_signatures_ -= signatures;
  ++pieces_;
  const auto answer = [this, piece](bool checked) {
    --pieces_;
    for (const Check& each : *piece) each.then(checked);
    flush();
  };
  const bool taken = ingest_.run(signatures, [piece, answer, post = post_] {
    for (const Check& each : *piece) each.check();
    post([answer] { answer(true); });
  });
  if (!taken) post_([answer] { answer(false); });
}

}  // namespace facilitator
