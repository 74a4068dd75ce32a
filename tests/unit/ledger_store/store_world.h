#pragma once

// A ledger on disk for tests: a temporary directory, a clock that is set by hand and may be set while threads look at
// it, and a few registered parties.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "ledger/store/ledger_store.h"
#include "ledger/store/open_store.h"
#include "tests/support/actors.h"

namespace ledger::store {

using base::Status;
using support::kNow;
using support::kUsdc;
using support::SingleSpec;
using support::VoucherSpec;

// Safe to set while other threads read it.
class TestClock final : public base::Clock {
 public:
  base::Time now() const override { return base::Time{now_us_.load()}; }
  std::uint64_t monotonic_ns() const override { return (now_us_.load() - kNow * 1'000'000) * 1000; }
  void advance(std::uint64_t seconds) { now_us_.fetch_add(seconds * 1'000'000); }
  void set(base::Time time) { now_us_.store(time.us); }

 private:
  std::atomic<std::uint64_t> now_us_{kNow * 1'000'000};
};

// A new directory, removed with all it holds.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct World {
  World();

  StoreOptions options() const;
  base::Result<std::unique_ptr<LedgerStore>> try_open(StoreOptions options, api::Observer* observer = nullptr,
                                                      Failure::Action on_failure = {});
  // CHECKs that it succeeds.
  std::unique_ptr<LedgerStore> open() { return open(options()); }
  std::unique_ptr<LedgerStore> open(StoreOptions options, api::Observer* observer = nullptr,
                                    Failure::Action on_failure = {});

  // Registers kUsdc, a plan with windows of a day, payees 0 and 1, server 0 for both, payers 0 .. payers - 1.
  void set_up(LedgerStore& store, std::uint64_t payers = 3);
  static core::CommandResult must(LedgerStore& store, core::Command command);

  // Charges of payer `payer` with the next nonces, unsigned (for trusted()) or signed.
  std::vector<commitments::tab::Item> charges(std::size_t count, std::uint64_t payer = 0, bool with_signature = true);
  api::BatchReceipt submit(LedgerStore& store, std::vector<commitments::tab::Item> items);          // verified
  api::BatchReceipt submit_trusted(LedgerStore& store, std::vector<commitments::tab::Item> items);  // not verified
  std::future<api::BatchReceipt> send(LedgerStore& store, commitments::tab::VerifiedBatch batch);

  // One of everything: charges by payer and agent, vouchers, holds captured, released and expired, refused items in a
  // batch, a mandate revoked, a window closed with a statement and one carried forward, a settlement sent, a credit
  // note.
  void live(LedgerStore& store);

  TemporaryDirectory directory;
  TestClock clock;
  std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  support::Actors actors;
  crypto::SecretKey operator_key = support::secret_key(support::Role::keeper, 0);
  base::u128 next_nonce = 1;
  std::uint64_t next_batch = 1;
};

// A failure action that remembers the message and lets the store go on saying nothing.
class CaughtFailure {
 public:
  Failure::Action action() {
    return [this](const std::string& message) {
      const std::lock_guard lock(mutex_);
      message_ = message;
    };
  }
  std::string message() const {
    const std::lock_guard lock(mutex_);
    return message_;
  }
  void reset() {
    const std::lock_guard lock(mutex_);
    message_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::string message_;
};

}  // namespace ledger::store
