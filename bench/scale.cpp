#include "bench/scale.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "aggregator/calendar.h"
#include "base/check.h"
#include "base/limits.h"
#include "bench/report.h"
#include "bench/traffic.h"
#include "ledger/store/ledger_store.h"
#include "tests/support/actors.h"

namespace bench {
namespace {

namespace core = ledger::core;
using base::Amount;
using commitments::tab::Item;
using commitments::tab::VerifiedBatch;
using commitments::tab::VerifiedItem;
using commitments::tab::VerifiedTestAccess;

// The machine's clock plus a leap that the benchmark makes: a window ends when we say so.
class LeapingClock final : public base::Clock {
 public:
  base::Time now() const override { return base::Time{system_.now().us + leap_us_.load()}; }
  std::uint64_t monotonic_ns() const override { return system_.monotonic_ns(); }
  void leap_to(base::Time time) { leap_us_.store(time.us - system_.now().us); }

 private:
  base::SystemClock system_;
  std::atomic<std::uint64_t> leap_us_{0};
};

base::Address numbered_address(std::uint64_t number) {
  base::Address address;
  address.bytes[0] = 0xbe;
  for (std::size_t i = 0; i < 8; ++i) address.bytes[19 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return address;
}

// A running ledger with one asset, plan, payee and server, and unsigned traffic for it.
class Bed {
 public:
  Bed() : calendar_(aggregator::make_calendar()), key_(operator_key()) {}

  base::Result<void> open(const std::string& directory) {
    ledger::store::StoreOptions options;
    options.path = directory;
    options.network = std::string(kNetwork);
    ASSIGN_OR_RETURN(store_, ledger::store::LedgerStore::open(options, clock_, *calendar_, key_, nullptr));
    return {};
  }

  void set_up(std::uint64_t window_s) {
    core::Asset asset{kAsset, std::string(kAssetText), "USD", 6, 6};
    command(core::SetAsset{asset});
    core::Plan plan;
    plan.label = "bench";
    plan.asset = kAsset;
    plan.window.kind = aggregator::WindowKind::duration;
    plan.window.duration_s = window_s;
    plan.credit_limit = Amount(1'000'000'000'000);
    plan.rails = {*base::RailName::parse("sandbox")};
    plan.terms_s = 3600;
    command(core::SetPlan{plan});
    core::Payee payee;
    payee.address = payee_address();
    payee.label = "payee";
    payee.payout_rail = plan.rails[0];
    payee.payout_minimum = Amount(1'000'000'000'000);
    command(core::SetPayee{payee});
    command(core::SetServer{server_key().address(), "server", {payee_address()}, true});
  }

  void add_payers(std::uint64_t count) {
    std::atomic<std::uint64_t> waiting{0};
    for (std::uint64_t i = 0; i < count; ++i) {
      while (waiting.load() > base::limits::kCommandQueueMax / 2)
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      waiting.fetch_add(1);
      store_->service().submit(core::SetPayer{numbered_address(i), "payer", {"bench"}},
                               [&waiting](const ledger::api::CommandReceipt& receipt) {
                                 CHECK(receipt.result.status == base::Status::ok);
                                 waiting.fetch_sub(1);
                               });
    }
    while (waiting.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }

  // One charge of each payer first .. first + count - 1.
  VerifiedBatch batch(std::uint64_t first_payer, std::uint64_t payers, std::size_t count) {
    std::vector<VerifiedItem> items;
    items.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      Item item;
      item.single.payer = numbered_address((first_payer + i) % payers);
      item.single.payee = payee_address_;
      item.single.asset = kAsset;
      item.single.maximum = Amount(10);
      item.single.nonce = ++nonce_;
      item.single.valid_before = clock_.now().seconds() + 3600;
      commitments::tab::Usage usage;
      usage.amount = Amount(7);
      usage.quantity = 1;
      item.usages.push_back(usage);
      base::Hash unique;
      std::memcpy(unique.data(), &nonce_, sizeof nonce_);
      items.push_back(VerifiedTestAccess::item(std::move(item), unique, unique));
    }
    commitments::tab::BatchHeader header;
    header.server = server_address_;
    header.number = ++batches_;
    header.count = static_cast<std::uint32_t>(count);
    return VerifiedTestAccess::batch(header, std::move(items));
  }

  // Sends charges for everyone, `in_flight` batches at a time.
  void charge_all(std::uint64_t charges, std::uint64_t payers) {
    constexpr std::size_t kBatch = 1024;
    std::atomic<int> in_flight{0};
    for (std::uint64_t done = 0; done < charges; done += kBatch) {
      while (in_flight.load() >= 8) std::this_thread::sleep_for(std::chrono::microseconds(100));
      in_flight.fetch_add(1);
      const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(kBatch, charges - done));
      store_->service().submit(batch(done, payers, count),
                               [this, &in_flight](const ledger::api::BatchReceipt& receipt) {
                                 count_accepted(receipt);
                                 in_flight.fetch_sub(1);
                               });
    }
    while (in_flight.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }

  // Batches of 64 at a steady 200 a second until `stop`; latencies in ms.
  std::vector<double> steady_load(std::uint64_t payers, const std::atomic<bool>& stop) {
    std::mutex mutex;
    std::vector<double> latencies;
    std::atomic<int> in_flight{0};
    const std::uint64_t start = clock_.monotonic_ns();
    for (std::uint64_t i = 0; !stop.load(); ++i) {
      const std::uint64_t due = start + i * 5'000'000;
      while (clock_.monotonic_ns() < due) std::this_thread::sleep_for(std::chrono::microseconds(200));
      in_flight.fetch_add(1);
      store_->service().submit(batch(i * 64, payers, 64), [&, due](const ledger::api::BatchReceipt& receipt) {
        count_accepted(receipt);
        const std::lock_guard lock(mutex);
        latencies.push_back(static_cast<double>(clock_.monotonic_ns() - due) / 1e6);
        in_flight.fetch_sub(1);
      });
    }
    while (in_flight.load() > 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    return latencies;
  }

  ledger::store::LedgerStore& store() { return *store_; }
  LeapingClock& clock() { return clock_; }
  std::uint64_t accepted() const { return accepted_.load(); }
  base::Result<core::LedgerHead> head() const { return store_->reader().head(); }

 private:
  void command(core::Command command) {
    const auto receipt = store_->service().submit_and_wait(std::move(command));
    CHECK_MSG(receipt.result.status == base::Status::ok, receipt.result.detail.c_str());
  }
  void count_accepted(const ledger::api::BatchReceipt& receipt) {
    CHECK(receipt.status == base::Status::ok);
    for (const core::ItemResult& item : receipt.items) CHECK(item.status == base::Status::ok);
    accepted_.fetch_add(receipt.items.size());
  }

  LeapingClock clock_;
  std::unique_ptr<aggregator::Calendar> calendar_;
  crypto::SecretKey key_;
  base::Address payee_address_ = payee_address();
  base::Address server_address_ = server_key().address();
  std::unique_ptr<ledger::store::LedgerStore> store_;
  std::uint64_t nonce_ = 0;
  std::uint64_t batches_ = 0;
  std::atomic<std::uint64_t> accepted_{0};
};

double seconds_since(const base::Clock& clock, std::uint64_t start_ns) {
  return static_cast<double>(clock.monotonic_ns() - start_ns) / 1e9;
}

}  // namespace

base::Result<void> fill_ledger(const std::string& directory, std::uint64_t records) {
  Bed bed;
  RETURN_IF_ERROR(bed.open(directory));
  bed.set_up(30ULL * 24 * 3600);
  bed.add_payers(1000);
  bed.charge_all(records, 1000);
  // As a crash would leave it: nothing is flushed on purpose.
  ::_exit(0);
}

base::Result<OpenFigures> open_ledger(const std::string& directory) {
  Bed bed;
  const std::uint64_t start = bed.clock().monotonic_ns();
  RETURN_IF_ERROR(bed.open(directory));
  return OpenFigures{seconds_since(bed.clock(), start), resident_mib(::getpid())};
}

base::Result<PayersFigures> bill_payers(const std::string& directory, std::uint64_t payers) {
  constexpr std::uint64_t kWindowS = 24 * 3600;
  PayersFigures figures;
  Bed bed;
  RETURN_IF_ERROR(bed.open(directory));
  bed.set_up(kWindowS);
  std::uint64_t start = bed.clock().monotonic_ns();
  bed.add_payers(payers);
  figures.register_s = seconds_since(bed.clock(), start);
  bed.charge_all(payers, payers);
  figures.rss_mib = resident_mib(::getpid());

  std::atomic<bool> stop{false};
  std::vector<double> latencies;
  std::thread idle([&] { latencies = bed.steady_load(payers, stop); });
  std::this_thread::sleep_for(std::chrono::seconds(5));
  stop.store(true);
  idle.join();
  figures.idle_p99_ms = percentile(latencies, 99);

  stop.store(false);
  const std::uint64_t day = bed.clock().now().seconds() / kWindowS + 1;
  std::thread busy([&] { latencies = bed.steady_load(payers, stop); });
  bed.clock().leap_to(base::Time::from_seconds(day * kWindowS));
  start = bed.clock().monotonic_ns();
  for (;;) {
    ASSIGN_OR_RETURN(const core::LedgerHead head, bed.head());
    figures.statements = head.statements;
    if (head.statements >= payers) break;
    if (seconds_since(bed.clock(), start) > 600) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  figures.close_s = seconds_since(bed.clock(), start);
  stop.store(true);
  busy.join();
  figures.closing_p99_ms = percentile(latencies, 99);
  figures.rss_closed_mib = resident_mib(::getpid());
  figures.charges = bed.accepted();
  return figures;
}

}  // namespace bench
