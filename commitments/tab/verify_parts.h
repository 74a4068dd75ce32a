#pragma once

// Checks parts of several batches together: the more signatures at once, the less each costs. The server's signature
// over a batch goes with its first item, so a batch of one item does not pay for a check of its own.

#include <optional>
#include <span>
#include <vector>

#include "commitments/tab/submitter_watch.h"
#include "commitments/tab/verify.h"
#include "crypto/batch.h"

namespace commitments::tab {

// Items [begin, end) of a batch.
struct BatchPart {
  BatchVerifier* batch = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Keeps its working memory between calls: one for each thread. Every item gets the status that
// BatchVerifier::verify_items would give it.
class PartVerifier {
 public:
  // `watch` must outlive this. Null: every signature is checked alone.
  explicit PartVerifier(SubmitterWatch* watch) : watch_(watch) {}
  void verify(std::span<const BatchPart> parts);
  // Of all calls so far.
  crypto::BatchTally tally() const;

 private:
  static constexpr std::size_t kHeader = ~std::size_t{0};
  struct Question {
    std::size_t part = 0;
    std::size_t index = 0;  // of the item, or kHeader
    Submitter submitter;
    Company company = Company::single;
    crypto::VerifyItem item;  // without its key
    std::optional<crypto::PublicKey> key;
  };
  void collect(const BatchPart& part, std::size_t number);
  void ask(std::size_t begin, std::size_t end);
  void answer(std::span<const BatchPart> parts);

  SubmitterWatch* const watch_;
  crypto::BatchVerifier crypto_;
  std::uint64_t single_items_ = 0;
  std::vector<Question> questions_;  // of one call
  std::vector<crypto::VerifyItem> items_;
  std::vector<crypto::VerifyAnswer> answers_;
};

}  // namespace commitments::tab
