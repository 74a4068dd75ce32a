#pragma once

// Checks the signatures of channels' vouchers with the keys of signers that were seen before, many at once. A channel's
// vouchers all have one signer, so recovering it each time would be the dearest way (crypto/batch.h).
//
// One wrong signature makes a check of many fail, which costs about as much again. After one, each is checked alone for
// a while: who sends nothing but wrong ones makes checks no dearer than without all this.

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "commitments/channel/verify.h"
#include "commitments/tab/verify.h"
#include "crypto/batch.h"

namespace facilitator {

// Safe from any thread. Answers are those of commitments::channel::verify_vouchers.
class VoucherSignatures {
 public:
  explicit VoucherSignatures(bool together);
  void verify(std::span<const commitments::channel::VoucherItem> items,
              std::span<commitments::channel::Answer> answers);
  // Checks of two or more signatures at once so far.
  std::uint64_t checks_together() const;

 private:
  void check(std::span<crypto::VerifyItem> items, std::span<crypto::VerifyAnswer> answers);
  std::unique_ptr<crypto::BatchVerifier> take();
  void give_back(std::unique_ptr<crypto::BatchVerifier> verifier, const crypto::BatchTally& before);

  const bool together_;
  commitments::tab::KeyCache keys_;

  mutable std::mutex mutex_;  // guards all that follows
  std::vector<std::unique_ptr<crypto::BatchVerifier>> idle_;
  std::size_t alone_ = 0;  // checks that are to be done one by one
  std::uint64_t checks_together_ = 0;
};

}  // namespace facilitator
