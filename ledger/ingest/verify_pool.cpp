#include "ledger/ingest/verify_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "base/thread.h"
#include "commitments/tab/verify_parts.h"

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
  bool singled_out = false;             // its server was, when it was submitted
  std::size_t claimed = 0;              // items given to workers; guarded by the pool's mutex
  std::atomic<std::size_t> unfinished;  // items not checked yet
  tab::VerifiedBatch result;            // when ready
  bool ready = false;                   // guarded by the pool's mutex
};

// The batches of one server, in order of submission, until they are forwarded. Guarded by the pool's mutex; gone when
// empty.
struct Lane {
  std::deque<std::unique_ptr<Job>> jobs;
  std::size_t singled_out_items = 0;  // of its jobs
  bool forwarding = false;
};

// Batches with items that no worker has. Guarded by the pool's mutex.
struct Waiting {
  std::deque<Job*> jobs;
  std::size_t items = 0;
};

struct Claim {
  Job* job = nullptr;
  base::Address server;
  tab::BatchPart part;
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
            options.queue_items_max != 0 ? options.queue_items_max : limits::kIngestQueueItemsMax, observer)),
        together_(options.together && crypto::batch_verification_built()),
        threads_(options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency())),
        figures_(options.figures != nullptr ? options.figures : std::make_shared<VerifyFigures>()) {
    figures_->together = together_;
    for (std::size_t i = 0; i < threads_; ++i) {
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
  bool admit_singled_out(const base::Address& server, std::size_t items);

  struct Other {
    std::size_t signatures = 0;
    std::function<void()> work;
  };
  void serve();
  void claim(std::vector<Claim>& claims);
  std::size_t claim_from(Waiting& waiting, std::size_t room, std::vector<Claim>& claims);
  void verify(std::vector<Claim>& claims, tab::PartVerifier& verifier);
  void count(const crypto::BatchTally& before, const crypto::BatchTally& after);
  void forward(const base::Address& server, std::unique_lock<std::mutex>& lock);
  void deliver(Job& job);

  const tab::Domain& domain_;
  const std::function<std::shared_ptr<const tab::AssetTable>()> assets_;
  api::LedgerService& ledger_;
  api::Observer* const observer_;
  tab::KeyCache keys_;
  const std::shared_ptr<InFlight> in_flight_;
  const bool together_;
  const std::size_t threads_;
  const std::shared_ptr<VerifyFigures> figures_;
  tab::SubmitterWatch watch_;

  std::mutex mutex_;  // guards everything down to the blank line
  std::condition_variable work_;
  std::map<base::Address, Lane> lanes_;
  Waiting waiting_;                    // of servers in good standing
  Waiting singled_out_;                // of the others
  std::size_t singled_out_items_ = 0;  // of the others, until they are forwarded
  std::size_t earned_ = 0;             // work done for the former for which the latter have not had their share
  std::deque<Other> others_;           // what run() brought and no worker has
  std::size_t idle_workers_ = 0;
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
  for (const auto& [server, lane] : lanes_) {
    for (const std::unique_ptr<Job>& job : lane.jobs) {
      refuse(base::Status::shutting_down, job->items, job->done);
      in_flight_->remove(job->items);
    }
  }
}

void VerifyPool::refuse(base::Status status, std::size_t items, const api::BatchDone& done) {
  if (observer_ != nullptr) observer_->on_refused(status, std::max<std::size_t>(items, 1));
  api::BatchReceipt receipt;
  receipt.status = status;
  if (status == base::Status::overloaded) {
    const std::uint64_t waiting = in_flight_->items();
    const std::uint64_t ms = waiting * kVerifyUs / threads_ / 1000;
    receipt.retry_after_ms = std::max(kRetryAfterMsMin, static_cast<std::uint32_t>(ms));
  }
  done(std::move(receipt));
}

void VerifyPool::submit(tab::UnverifiedBatch batch, api::BatchDone done) {
  const std::size_t items = batch.items.size();
  if (!in_flight_->add(items)) return refuse(base::Status::overloaded, items, done);
  auto job = std::make_unique<Job>(domain_, assets_(), keys_, std::move(batch), std::move(done));
  const base::Address server = job->verifier.server();
  job->singled_out = together_ && watch_.company({server, 0}) == tab::Company::single;
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    if (job->singled_out && !admit_singled_out(server, items)) {
      lock.unlock();
      in_flight_->remove(items);
      return refuse(base::Status::overloaded, items, job->done);
    }
    Waiting& waiting = job->singled_out ? singled_out_ : waiting_;
    waiting.jobs.push_back(job.get());
    waiting.items += items;
    lanes_[server].jobs.push_back(std::move(job));
    wake = idle_workers_ > 0;
  }
  if (!wake) return;
  if (items > limits::kVerifyChunkItems) {
    work_.notify_all();
  } else {
    work_.notify_one();
  }
}

// What one singled-out server has waiting may be as much as all of them leave free. Under the mutex.
bool VerifyPool::admit_singled_out(const base::Address& server, std::size_t items) {
  const auto lane = lanes_.find(server);
  const std::size_t own = lane == lanes_.end() ? 0 : lane->second.singled_out_items;
  const std::size_t free = limits::kSingledOutItemsMax - std::min(singled_out_items_, limits::kSingledOutItemsMax);
  if (singled_out_items_ != 0 && items > free) return false;
  if (own != 0 && own + items > free) return false;
  lanes_[server].singled_out_items += items;
  singled_out_items_ += items;
  return true;
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
  tab::PartVerifier verifier(together_ ? &watch_ : nullptr);
  std::vector<Claim> claims;
  for (;;) {
    Other other;
    {
      std::unique_lock lock(mutex_);
      while (waiting_.jobs.empty() && singled_out_.jobs.empty() && others_.empty() && !stopping_) {
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
    verify(claims, verifier);
    std::unique_lock lock(mutex_);
    for (const Claim& each : claims) {
      if (each.finished_job) each.job->ready = true;
    }
    for (const Claim& each : claims) {
      if (each.finished_job) forward(each.server, lock);
    }
  }
}

// Singled-out servers have a turn when nobody else waits, or when the others have had so much that it is due: then a
// small one, as each of its signatures takes as long as several of theirs.
void VerifyPool::claim(std::vector<Claim>& claims) {
  claims.clear();
  constexpr std::size_t kTurn = limits::kVerifyChunkItems * limits::kSingleCheckCost * (limits::kSingledOutShare - 1);
  if (!singled_out_.jobs.empty() && (waiting_.jobs.empty() || earned_ >= kTurn)) {
    if (!waiting_.jobs.empty()) earned_ -= kTurn;
    claim_from(singled_out_, limits::kVerifyChunkItems, claims);
    return;
  }
  const std::size_t share = (waiting_.items + threads_ - 1) / threads_;
  const std::size_t most =
      share > limits::kVerifyBacklogItems ? limits::kVerifyTogetherItemsMax : limits::kVerifyTogetherItems;
  const std::size_t room = together_ ? std::clamp(share, limits::kVerifyChunkItems, most) : limits::kVerifyChunkItems;
  earned_ = std::min(earned_ + claim_from(waiting_, room, claims), 2 * kTurn);
}

// Part of a large batch, or several small ones. Gives the number of items.
std::size_t VerifyPool::claim_from(Waiting& waiting, std::size_t room, std::vector<Claim>& claims) {
  std::size_t taken = 0;
  while (room > 0 && !waiting.jobs.empty()) {
    Job* const job = waiting.jobs.front();
    const std::size_t items = std::min(room, job->items - job->claimed);
    claims.push_back({job, job->verifier.server(), {&job->verifier, job->claimed, job->claimed + items}, false});
    job->claimed += items;
    waiting.items -= items;
    taken += items;
    if (job->claimed == job->items) waiting.jobs.pop_front();
    room -= std::max<std::size_t>(items, 1);
  }
  return taken;
}

void VerifyPool::verify(std::vector<Claim>& claims, tab::PartVerifier& verifier) {
  const crypto::BatchTally before = verifier.tally();
  std::vector<tab::BatchPart> parts;
  parts.reserve(claims.size());
  for (const Claim& each : claims) parts.push_back(each.part);
  verifier.verify(parts);
  count(before, verifier.tally());
  for (Claim& each : claims) {
    const std::size_t items = each.part.end - each.part.begin;
    each.finished_job = each.job->unfinished.fetch_sub(items, std::memory_order_acq_rel) == items;
    if (each.finished_job) each.job->result = each.job->verifier.finish();
  }
}

void VerifyPool::count(const crypto::BatchTally& before, const crypto::BatchTally& after) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  figures_->checks.fetch_add(after.batches - before.batches, kRelaxed);
  figures_->failed_checks.fetch_add(after.failed_batches - before.failed_batches, kRelaxed);
  figures_->together_items.fetch_add(after.items - before.items, kRelaxed);
  figures_->single_items.fetch_add(after.single_items - before.single_items, kRelaxed);
  figures_->singled_out.store(watch_.singled_out(), kRelaxed);
  figures_->singled_out_total.store(watch_.singled_out_total(), kRelaxed);
}

// Gives finished batches of a server to the ledger in the order of submission. One worker at a time does it; the others
// leave, and it looks again under the lock before it stops. With its last batch the lane goes.
void VerifyPool::forward(const base::Address& server, std::unique_lock<std::mutex>& lock) {
  const auto found = lanes_.find(server);
  if (found == lanes_.end() || found->second.forwarding) return;
  Lane& lane = found->second;
  lane.forwarding = true;
  while (!lane.jobs.empty() && lane.jobs.front()->ready) {
    const std::unique_ptr<Job> job = std::move(lane.jobs.front());
    lane.jobs.pop_front();
    if (job->singled_out) {
      lane.singled_out_items -= job->items;
      singled_out_items_ -= job->items;
    }
    lock.unlock();
    deliver(*job);
    lock.lock();
  }
  lane.forwarding = false;
  if (lane.jobs.empty()) lanes_.erase(found);
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
