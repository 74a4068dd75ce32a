#pragma once

// Signature checks of an audit, on several threads behind the one that replays. Internal to ledger/store.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "commitments/tab/verify.h"
#include "crypto/secp256k1.h"
#include "ledger/core/types.h"

namespace ledger::store {

// Where in the journal a check belongs; smaller is earlier. A segment's own checks come before its entries.
struct AuditPlace {
  core::SegmentId segment;
  core::Sequence sequence;  // none: the segment as a whole
  std::uint8_t kind = 0;    // of the entry; 0: the segment
  auto operator<=>(const AuditPlace&) const = default;
};

struct SignatureJob {
  AuditPlace place;
  const char* field = "";  // "payer signature", ... (a literal)
  core::Hash digest;
  core::Signature signature;
  core::Address signer;
};

// What is wrong with a signature.
struct BadSignature {
  SignatureJob job;
  std::string computed;  // whose it is, or why it is none
};

class SignatureChecks {
 public:
  explicit SignatureChecks(unsigned threads);
  ~SignatureChecks();

  // Waits when the workers are far behind. Replaying thread only.
  void add(const SignatureJob& job);
  // True as soon as any check has failed: there is no point in replaying much further.
  bool failed() const;
  // Finishes all checks; gives the earliest that failed. Replaying thread only.
  std::optional<BadSignature> finish();

 private:
  using Chunk = std::vector<SignatureJob>;
  void run();
  void check(const Chunk& chunk);
  void found(const SignatureJob& job, crypto::SignatureCheck check);
  void push();

  commitments::tab::KeyCache keys_;
  Chunk filling_;  // replaying thread only

  mutable std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable work_;
  std::condition_variable room_;
  std::deque<Chunk> queue_;
  std::optional<BadSignature> first_bad_;
  bool finishing_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace ledger::store
