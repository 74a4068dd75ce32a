#include "bench/fill.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

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

constexpr std::size_t kBatchItems = 256;  // as the load of bench/main.cpp
constexpr int kBatchesInFlight = 32;
constexpr std::uint64_t kFirstNonce = 1ULL << 40;  // far from those of signed traffic
constexpr std::uint64_t kReportEveryS = 5;
constexpr auto kPause = std::chrono::microseconds(100);

// Bytes that do not compress, as signatures and hashes: splitmix64.
class Noise {
 public:
  template <typename Bytes>
  void fill(Bytes& bytes) {
    for (std::size_t i = 0; i < bytes.view().size(); i += sizeof(std::uint64_t)) {
      const std::uint64_t word = next();
      std::memcpy(bytes.data() + i, &word, std::min(sizeof word, bytes.view().size() - i));
    }
  }

 private:
  std::uint64_t next() {
    std::uint64_t word = (state_ += 0x9e3779b97f4a7c15);
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }
  std::uint64_t state_ = 1;
};

// A German IBAN with right check digits (ISO 7064) for any account number.
std::string iban(std::uint64_t account) {
  const std::string bban = fmt::format("37040044{:010}", account);
  unsigned rest = 0;
  for (const char digit : bban + "131400") rest = (rest * 10 + static_cast<unsigned>(digit - '0')) % 97;
  return fmt::format("DE{:02}{}", 98 - rest, bban);
}

base::Address payer_address(std::uint64_t number) {
  if (number < kSigners) return payer_key(number).address();
  base::Address address;
  address.bytes[0] = 0xbe;
  for (std::size_t i = 0; i < 8; ++i) address.bytes[19 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return address;
}

// Says every few seconds how far it is.
class Progress {
 public:
  Progress(const base::Clock& clock, std::string what, std::uint64_t total)
      : clock_(clock), what_(std::move(what)), total_(total), last_ns_(clock.monotonic_ns()) {}
  void at(std::uint64_t done) {
    if (clock_.monotonic_ns() - last_ns_ < kReportEveryS * 1'000'000'000) return;
    last_ns_ = clock_.monotonic_ns();
    Report::say(fmt::format("{}: {} of {}", what_, done, total_));
  }

 private:
  const base::Clock& clock_;
  const std::string what_;
  const std::uint64_t total_;
  std::uint64_t last_ns_;
};

// The ledger below a daemon's data folder, in this process.
class OpenLedger {
 public:
  OpenLedger() : calendar_(aggregator::make_calendar()), key_(operator_key()) {}

  base::Result<void> open(const std::string& directory, std::uint64_t payers) {
    ledger::store::StoreOptions options;
    options.path = directory;
    options.network = std::string(kNetwork);
    options.mode = ledger::store::OpenMode::open_existing;
    ASSIGN_OR_RETURN(store_, ledger::store::LedgerStore::open(options, clock_, *calendar_, key_, nullptr));
    for (std::uint64_t i = 0; i < payers; ++i) payers_.push_back(payer_address(i));
    return {};
  }

  void command(core::Command command) {
    const auto receipt = store_->service().submit_and_wait(std::move(command));
    CHECK_MSG(receipt.result.status == base::Status::ok, receipt.result.detail.c_str());
  }

  void register_payers(const std::string& plan) {
    for_each_payer("payers registered", [&](std::uint64_t i) -> core::Command {
      return core::SetPayer{payers_[i], fmt::format("payer {}", i), {plan}};
    });
  }

  void give_mandates() {
    for_each_payer("mandates", [&](std::uint64_t i) -> core::Command {
      const std::string text =
          fmt::format("scheme=sepa-core;name=Payer {0};iban={1};mandate=M-{0};signed=2026-01-31", i, iban(i));
      return core::SetRailMandate{payers_[i], *base::RailName::parse("bank"), {text.begin(), text.end()}};
    });
  }

  // Charges one payer after the other, round and round, until `charges` are acknowledged.
  void charge(std::uint64_t charges) {
    Progress progress(clock_, "records", charges);
    std::uint64_t sent = 0;
    for (; sent < charges; sent += kBatchItems) {
      while (in_flight_.load() >= kBatchesInFlight) std::this_thread::sleep_for(kPause);
      progress.at(acknowledged_.load());
      send(sent, static_cast<std::size_t>(std::min<std::uint64_t>(kBatchItems, charges - sent)));
    }
    while (in_flight_.load() > 0) std::this_thread::sleep_for(kPause);
  }

  void set_unit(std::uint64_t units) { one_unit_.amount = Amount(units); }
  std::uint64_t settlements() const { return store_->reader().head()->settlements; }
  void close() { store_->stop(); }

  // One of the batches on their way is written when the process dies.
  [[noreturn]] void crash(const std::string& last_words) {
    fmt::print("{}\n", last_words);
    std::fflush(stdout);
    for (std::uint64_t i = 0; i < 8; ++i) send(i * kBatchItems, kBatchItems);
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
  }

  const base::Clock& clock() const { return clock_; }
  std::uint64_t acknowledged() const { return acknowledged_.load(); }

 private:
  template <typename Make>
  void for_each_payer(const char* what, Make make) {
    Progress progress(clock_, what, payers_.size());
    std::atomic<std::uint64_t> waiting{0};
    for (std::uint64_t i = 0; i < payers_.size(); ++i) {
      progress.at(i);
      while (waiting.load() > base::limits::kCommandQueueMax / 2) std::this_thread::sleep_for(kPause);
      waiting.fetch_add(1);
      store_->service().submit(make(i), [&waiting](const ledger::api::CommandReceipt& receipt) {
        CHECK(receipt.result.status == base::Status::ok);
        waiting.fetch_sub(1);
      });
    }
    while (waiting.load() > 0) std::this_thread::sleep_for(kPause);
  }

  void send(std::uint64_t first, std::size_t count) {
    in_flight_.fetch_add(1);
    store_->service().submit(batch(first, count), [this](const ledger::api::BatchReceipt& receipt) {
      CHECK(receipt.status == base::Status::ok);
      for (const core::ItemResult& item : receipt.items) CHECK(item.status == base::Status::ok);
      acknowledged_.fetch_add(receipt.items.size());
      in_flight_.fetch_sub(1);
    });
  }

  VerifiedBatch batch(std::uint64_t first_payer, std::size_t count) {
    const std::uint64_t valid_before = clock_.now().seconds() + 3600;
    std::vector<VerifiedItem> items;
    items.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      Item item;
      item.single.payer = payers_[(first_payer + i) % payers_.size()];
      item.single.payee = payee_address_;
      item.single.asset = kAsset;
      item.single.maximum = std::max(one_unit_.amount, Amount(10));
      item.single.resource = one_unit_.resource;
      item.single.nonce = ++nonce_;
      item.single.valid_before = valid_before;
      noise_.fill(item.signature);
      item.usages.push_back(one_unit_);
      base::Hash digest, leaf;
      noise_.fill(digest);
      noise_.fill(leaf);
      items.push_back(VerifiedTestAccess::item(std::move(item), digest, leaf));
    }
    commitments::tab::BatchHeader header;
    header.server = server_address_;
    header.number = ++batches_;
    header.count = static_cast<std::uint32_t>(count);
    noise_.fill(header.root);
    noise_.fill(header.signature);
    return VerifiedTestAccess::batch(header, std::move(items));
  }

  const base::SystemClock clock_;
  const std::unique_ptr<aggregator::Calendar> calendar_;
  const crypto::SecretKey key_;
  const base::Address payee_address_ = payee_address();
  const base::Address server_address_ = server_key().address();
  commitments::tab::Usage one_unit_ = one_unit();
  std::vector<base::Address> payers_;
  std::atomic<int> in_flight_{0};
  std::atomic<std::uint64_t> acknowledged_{0};
  Noise noise_;
  std::uint64_t nonce_ = kFirstNonce;
  std::uint64_t batches_ = 0;
  std::unique_ptr<ledger::store::LedgerStore> store_;
};

}  // namespace

base::Result<void> fill_records(const std::string& ledger, std::uint64_t records, std::uint64_t payers) {
  OpenLedger filled;
  RETURN_IF_ERROR(filled.open(ledger, payers));
  filled.charge(records);
  filled.crash(std::to_string(filled.acknowledged()));
}

base::Result<void> fill_payers(const std::string& ledger, std::uint64_t payers) {
  OpenLedger filled;
  RETURN_IF_ERROR(filled.open(ledger, payers));
  core::Plan plan;
  plan.label = "million";
  plan.asset = kAsset;
  plan.window.kind = aggregator::WindowKind::duration;
  plan.window.duration_s = 24 * 3600;  // until the payers are there
  plan.credit_limit = Amount(1'000'000'000'000);
  plan.rails = {*base::RailName::parse("sandbox")};
  plan.terms_s = 30 * 24 * 3600;
  filled.command(core::SetPlan{plan});
  const std::uint64_t start = filled.clock().monotonic_ns();
  filled.register_payers(plan.label);
  const std::uint64_t took_s = (filled.clock().monotonic_ns() - start) / 1'000'000'000;
  // Windows of a fixed length start at multiples of it since 1970. The tenth of an instant thus is a length (of some
  // years) whose windows end at that instant: when everyone is charged, the daemon runs again and an idle load was
  // measured.
  constexpr std::uint64_t kPart = 10;
  const std::uint64_t end_s = (filled.clock().now().seconds() + 60 + 5 * took_s) / kPart * kPart;
  plan.window.duration_s = end_s / kPart;
  filled.command(core::SetPlan{plan});
  filled.charge(payers);
  filled.crash(fmt::format("{} {}", filled.acknowledged(), end_s));
}

base::Result<double> fill_collections(const std::string& ledger, std::uint64_t payers) {
  constexpr std::uint64_t kCent = 10'000;
  OpenLedger filled;
  RETURN_IF_ERROR(filled.open(ledger, payers));
  core::Plan plan;
  plan.label = "collections";
  plan.asset = kAsset;
  plan.credit_limit = Amount(1'000'000'000'000);
  plan.settle_threshold = Amount(kCent);
  plan.rails = {*base::RailName::parse("bank")};
  filled.command(core::SetPlan{plan});
  filled.register_payers(plan.label);
  filled.give_mandates();
  filled.set_unit(kCent);
  const std::uint64_t start = filled.clock().monotonic_ns();
  filled.charge(payers);
  const double seconds = static_cast<double>(filled.clock().monotonic_ns() - start) / 1e9;
  CHECK_MSG(filled.settlements() == payers, "each charge is a collection");
  filled.close();
  return seconds;
}

}  // namespace bench
