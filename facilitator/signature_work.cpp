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
  waiting_.push_back({signatures, std::move(check), {}, {}, std::move(then)});
}

void SignatureWork::add_voucher(const commitments::channel::VoucherItem& item,
                                std::function<void(const commitments::channel::Answer&)> take,
                                std::function<void(bool)> then) {
  ++waiting_signatures_;
  waiting_.push_back({1, {}, item, std::move(take), std::move(then)});
}

void SignatureWork::check_all(const std::vector<Check>& piece, VoucherSignatures& vouchers) {
  std::vector<commitments::channel::VoucherItem> items;
  for (const Check& each : piece) each.check ? each.check() : items.push_back(each.voucher);
  std::vector<commitments::channel::Answer> answers(items.size());
  vouchers.verify(items, answers);
  std::size_t next = 0;
  for (const Check& each : piece) {
    if (!each.check) each.take(answers[next++]);
  }
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
  const bool taken = ingest_.run(signatures, [piece, answer, post = post_, vouchers = vouchers_] {
    check_all(*piece, *vouchers);
    post([answer] { answer(true); });
  });
  if (!taken) post_([answer] { answer(false); });
}

}  // namespace facilitator
