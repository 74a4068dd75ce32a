#include "ledger/store/audit_signatures.h"

#include <algorithm>
#include <utility>

namespace ledger::store {

namespace {

constexpr std::size_t kChunkJobs = 64;
constexpr std::size_t kQueueChunksMax = 256;
constexpr std::size_t kKeysMax = 1u << 20;

const char* reason(crypto::SignatureCheck check) {
  switch (check) {
    case crypto::SignatureCheck::ok: return "good";
    case crypto::SignatureCheck::wrong: return "not made by the signer";
    case crypto::SignatureCheck::high_s: return "its s is in the upper half of the group order";
    case crypto::SignatureCheck::bad_v: return "its v is neither 27 nor 28";
    case crypto::SignatureCheck::out_of_range: return "its r or s is not in range";
  }
  return "not made by the signer";
}

}  // namespace

SignatureChecks::SignatureChecks(unsigned threads) : keys_(kKeysMax) {
  const unsigned count = threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

SignatureChecks::~SignatureChecks() { finish(); }

void SignatureChecks::add(const SignatureJob& job) {
  filling_.push_back(job);
  if (filling_.size() >= kChunkJobs) push();
}

void SignatureChecks::push() {
  if (filling_.empty()) return;
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return queue_.size() < kQueueChunksMax; });
    queue_.push_back(std::move(filling_));
  }
  filling_.clear();
  work_.notify_one();
}

bool SignatureChecks::failed() const {
  const std::lock_guard lock(mutex_);
  return first_bad_.has_value();
}

std::optional<BadSignature> SignatureChecks::finish() {
  push();
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return first_bad_;
}

void SignatureChecks::run() {
  for (;;) {
    Chunk chunk;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return !queue_.empty() || finishing_; });
      if (queue_.empty()) return;
      chunk = std::move(queue_.front());
      queue_.pop_front();
    }
    room_.notify_one();
    check(chunk);
  }
}

// One by one, though many at once would be quicker: an audit does not lean on the way in which most were admitted.
void SignatureChecks::check(const Chunk& chunk) {
  for (const SignatureJob& job : chunk) {
    const std::optional<crypto::PublicKey> known = keys_.find(job.signer);
    const crypto::VerifyItem item{job.digest, job.signature, job.signer, known ? &*known : nullptr};
    crypto::VerifyAnswer answer;
    crypto::verify({&item, 1}, {&answer, 1});
    if (answer.recovered) keys_.insert(job.signer, *answer.recovered);
    if (answer.check != crypto::SignatureCheck::ok) found(job, answer.check);
  }
}

void SignatureChecks::found(const SignatureJob& job, crypto::SignatureCheck check) {
  BadSignature bad{job, std::string(reason(check)) + " " + base::to_hex(job.signer)};
  const std::lock_guard lock(mutex_);
  if (!first_bad_ || job.place < first_bad_->job.place) first_bad_ = std::move(bad);
}

}  // namespace ledger::store
