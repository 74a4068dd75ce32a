#include "facilitator/voucher_signatures.h"

#include <optional>

#include "base/limits.h"
#include "commitments/channel/verify_known.h"

namespace facilitator {
namespace {

constexpr std::size_t kAloneAfterWrong = 16;

}  // namespace

VoucherSignatures::VoucherSignatures(bool together)
    : together_(together && crypto::batch_verification_built()), keys_(base::limits::kFacilitatorChannelsMax) {}

void VoucherSignatures::verify(std::span<const commitments::channel::VoucherItem> items,
                               std::span<commitments::channel::Answer> answers) {
  commitments::channel::verify_vouchers(items, answers,
                                        [this](auto questions, auto found) { check(questions, found); });
}

std::uint64_t VoucherSignatures::checks_together() const {
  const std::lock_guard lock(mutex_);
  return checks_together_;
}

void VoucherSignatures::check(std::span<crypto::VerifyItem> items, std::span<crypto::VerifyAnswer> answers) {
  std::vector<std::optional<crypto::PublicKey>> keys(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    keys[i] = keys_.find(items[i].signer);
    if (keys[i]) items[i].key = &*keys[i];
  }
  if (std::unique_ptr<crypto::BatchVerifier> verifier = items.size() > 1 ? take() : nullptr) {
    const crypto::BatchTally before = verifier->tally();
    verifier->verify(items, answers);
    give_back(std::move(verifier), before);
  } else {
    crypto::verify(items, answers);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (answers[i].recovered) keys_.insert(items[i].signer, *answers[i].recovered);
  }
}

// Null: one by one this time.
std::unique_ptr<crypto::BatchVerifier> VoucherSignatures::take() {
  if (!together_) return nullptr;
  const std::lock_guard lock(mutex_);
  if (alone_ > 0) {
    --alone_;
    return nullptr;
  }
  if (idle_.empty()) return std::make_unique<crypto::BatchVerifier>();
  std::unique_ptr<crypto::BatchVerifier> verifier = std::move(idle_.back());
  idle_.pop_back();
  return verifier;
}

void VoucherSignatures::give_back(std::unique_ptr<crypto::BatchVerifier> verifier, const crypto::BatchTally& before) {
  const std::lock_guard lock(mutex_);
  if (verifier->tally().failed_batches > before.failed_batches) alone_ = kAloneAfterWrong;
  checks_together_ += verifier->tally().batches - before.batches;
  idle_.push_back(std::move(verifier));
}

}  // namespace facilitator
