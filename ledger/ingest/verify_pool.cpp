#include "ledger/ingest/verify_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/thread.h"

namespace ledger::ingest {

namespace {

namespace limits = base::limits;
namespace tab = commitments::tab;

// One signature on one core; for telling an overloaded caller when to come back.
constexpr std::uint64_t kVerifyUs = 40;
constexpr std::uint32_t kRetryAfterMsMin = 20;
// Checking signatures is bulk work: what answers somebody runs first. Without it an answer waits for the time slices of
// all verifying threads.
constexpr int kNice = 5;
// Depth is reported when it has moved by this part of the bound, or has become zero.
constexpr std::size_t kDepthSteps = 64;

// Items between submission and receipt. Receipts may come after the pool has gone, so they share it.
class InFlight {
 public:
  InFlight(std::size_t items_max, api::Observer* observer) : items_max_(items_max), observer_(observer) {}
  // False if that would be too many. Something is always admitted into an empty pool.
  bool add(std::size_t items) {
    std::size_t now = items_.load(std::memory_order_relaxed);
    do {
      if (now != 0 && now + items > items_max_) return false;
    } while (!items_.compare_exchange_weak(now, now + items, std::memory_order_relaxed));
    report(now + items);
    return true;
  }
  void remove(std::size_t items) { report(items_.fetch_sub(items, std::memory_order_relaxed) - items); }
  std::size_t items() const noexcept { return items_.load(std::memory_order_relaxed); }

 private:
  void report(std::size_t items) {
    if (observer_ == nullptr) return;
    const std::size_t step = items * kDepthSteps / items_max_ + (items > 0 ? 1 : 0);
    if (reported_step_.exchange(step, std::memory_order_relaxed) != step) observer_->on_queue_depth("verify", items);
  }

  const std::size_t items_max_;
  api::Observer* const observer_;
  std::atomic<std::size_t> items_{0};
  std::atomic<std::size_t> reported_step_{0};
};

struct Job {
  Job(const tab::Domain& domain, std::shared_ptr<const tab::AssetTable> assets, tab::KeyCache& keys,
      tab::UnverifiedBatch batch, api::BatchDone done_in)
      : items(batch.items.size()),
        verifier(domain, std::move(assets), keys, std::move(batch)),
        done(std::move(done_in)),
        unfinished(items) {}
  const std::size_t items;
  tab::BatchVerifier verifier;
  api::BatchDone done;
  std::size_t claimed = 0;              // items given to workers; guarded by the pool's mutex
  std::atomic<std::size_t> unfinished;  // items not checked yet
  tab::VerifiedBatch result;            // when ready
  bool ready = false;                   // guarded by the pool's mutex
};

struct Claim {
  Job* job = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool finished_job = false;  // with this claim all items of the batch were checked
};

class VerifyPool final : public api::IngestService {
 public:
  VerifyPool(const tab::Domain& domain, std::function<std::shared_ptr<const tab::AssetTable>()> assets,
             api::LedgerService& ledger, api::Observer* observer, const VerifyPoolOptions& options)
      : domain_(domain),
        assets_(std::move(assets)),
        ledger_(ledger),
        observer_(observer),
        keys_(options.key_cache_entries),
        in_flight_(std::make_shared<InFlight>(
            options.queue_items_max != 0 ? options.queue_items_max : limits::kIngestQueueItemsMax, observer)) {
    const unsigned threads = options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < threads; ++i) {
      workers_.emplace_back([this] { serve(); });
      ::pthread_setname_np(workers_.back().native_handle(), "tabd-verify");
    }
  }
  ~VerifyPool() override;

  void submit(tab::UnverifiedBatch batch, api::BatchDone done) override;
  bool run(std::size_t signatures, std::function<void()> work) override;
  const tab::Domain& domain() const override { return domain_; }

 private:
  void refuse(base::Status status, std::size_t items, const api::BatchDone& done);

  struct Other {
    std::size_t signatures = 0;
    std::function<void()> work;
  };
  void serve();
  void claim(std::vector<Claim>& claims);
  void verify(std::vector<Claim>& claims);
  void forward(std::unique_lock<std::mutex>& lock);
  void deliver(Job& job);

  const tab::Domain& domain_;
  const std::function<std::shared_ptr<const tab::AssetTable>()> assets_;
  api::LedgerService& ledger_;
  api::Observer* const observer_;
  tab::KeyCache keys_;
  const std::shared_ptr<InFlight> in_flight_;

  std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable work_;
  std::deque<std::unique_ptr<Job>> jobs_;  // in order of submission, until they are forwarded
  std::deque<Job*> unclaimed_;             // those of them with items that no worker has
  std::deque<Other> others_;               // what run() brought and no worker has
  std::size_t idle_workers_ = 0;
  bool forwarding_ = false;
  bool stopping_ = false;

  std::vector<std::thread> workers_;
};

VerifyPool::~VerifyPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  for (const Other& other : others_) in_flight_->remove(other.signatures);
  for (const std::unique_ptr<Job>& job : jobs_) {
    refuse(base::Status::shutting_down, job->items, job->done);
    in_flight_->remove(job->items);
  }
}

void VerifyPool::refuse(base::Status status, std::size_t items, const api::BatchDone& done) {
  if (observer_ != nullptr) observer_->on_refused(status, std::max<std::size_t>(items, 1));
  api::BatchReceipt receipt;
  receipt.status = status;
  if (status == base::Status::overloaded) {
    const std::uint64_t waiting = in_flight_->items();
    const std::uint64_t ms = waiting * kVerifyUs / workers_.size() / 1000;
    receipt.retry_after_ms = std::max(kRetryAfterMsMin, static_cast<std::uint32_t>(ms));
  }
  done(std::move(receipt));
}

void VerifyPool::submit(tab::UnverifiedBatch batch, api::BatchDone done) {
  const std::size_t items = batch.items.size();
  if (!in_flight_->add(items)) return refuse(base::Status::overloaded, items, done);
  auto job = std::make_unique<Job>(domain_, assets_(), keys_, std::move(batch), std::move(done));
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    unclaimed_.push_back(job.get());
    jobs_.push_back(std::move(job));
    wake = idle_workers_ > 0;
  }
  if (!wake) return;
  if (items > limits::kVerifyChunkItems) {
    work_.notify_all();
  } else {
    work_.notify_one();
  }
}

bool VerifyPool::run(std::size_t signatures, std::function<void()> work) {
  if (!in_flight_->add(signatures)) return false;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    others_.push_back({signatures, std::move(work)});
    wake = idle_workers_ > 0;
  }
  if (wake) work_.notify_one();
  return true;
}

void VerifyPool::serve() {
  base::give_way(kNice);
  std::vector<Claim> claims;
  for (;;) {
    Other other;
    {
      std::unique_lock lock(mutex_);
      while (unclaimed_.empty() && others_.empty() && !stopping_) {
        ++idle_workers_;
        work_.wait(lock);
        --idle_workers_;
      }
      if (stopping_) return;
      if (!others_.empty()) {
        other = std::move(others_.front());
        others_.pop_front();
      }
      claim(claims);
    }
    if (other.work) {
      other.work();
      in_flight_->remove(other.signatures);
    }
    if (claims.empty()) continue;
    verify(claims);
    std::unique_lock lock(mutex_);
    for (const Claim& each : claims) {
      if (each.finished_job) each.job->ready = true;
    }
    forward(lock);
  }
}

// One chunk of a large batch, or several small batches: about the same work each time.
void VerifyPool::claim(std::vector<Claim>& claims) {
  claims.clear();
  std::size_t room = limits::kVerifyChunkItems;
  while (room > 0 && !unclaimed_.empty()) {
    Job* const job = unclaimed_.front();
    const std::size_t items = std::min(room, job->items - job->claimed);
    claims.push_back({job, job->claimed, job->claimed + items, false});
    job->claimed += items;
    if (job->claimed == job->items) unclaimed_.pop_front();
    room -= std::max<std::size_t>(items, 1);
  }
}

void VerifyPool::verify(std::vector<Claim>& claims) {
  for (Claim& each : claims) {
    each.job->verifier.verify_items(each.begin, each.end);
    const std::size_t count = each.end - each.begin;
    each.finished_job = each.job->unfinished.fetch_sub(count, std::memory_order_acq_rel) == count;
    if (each.finished_job) each.job->result = each.job->verifier.finish();
  }
}

// Gives finished batches to the ledger in the order of submission. One worker at a time does it; the others leave, and
// it looks again under the lock before it stops.
void VerifyPool::forward(std::unique_lock<std::mutex>& lock) {
  if (forwarding_) return;
  forwarding_ = true;
  while (!jobs_.empty() && jobs_.front()->ready) {
    const std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    deliver(*job);
    lock.lock();
  }
  forwarding_ = false;
}

void VerifyPool::deliver(Job& job) {
  if (job.result.status() != base::Status::ok) {
    refuse(job.result.status(), job.items, job.done);
    in_flight_->remove(job.items);
    return;
  }
  ledger_.submit(std::move(job.result),
                 [in_flight = in_flight_, items = job.items, done = std::move(job.done)](api::BatchReceipt receipt) {
                   in_flight->remove(items);
                   done(std::move(receipt));
                 });
}

}  // namespace

std::unique_ptr<api::IngestService> make_verify_pool(const tab::Domain& domain,
                                                     std::function<std::shared_ptr<const tab::AssetTable>()> assets,
                                                     api::LedgerService& ledger, api::Observer* observer,
                                                     VerifyPoolOptions options) {
  return std::make_unique<VerifyPool>(domain, std::move(assets), ledger, observer, options);
}

}  // namespace ledger::ingest
