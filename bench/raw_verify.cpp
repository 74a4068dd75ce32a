#include "bench/raw_verify.h"

#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/check.h"
#include "bench/report.h"
#include "crypto/batch.h"
#include "crypto/keccak.h"
#include "crypto/secp256k1.h"

namespace bench {
namespace {

constexpr std::size_t kSignatures = 4096;
constexpr std::size_t kKeys = 64;

struct Prepared {
  std::vector<crypto::PublicKey> keys;
  std::vector<crypto::VerifyItem> items;
  std::size_t wrong = 0;
};

Prepared prepare(RawCheck check, double wrong_share) {
  Prepared prepared;
  std::vector<crypto::SecretKey> secrets;
  for (std::size_t i = 0; i < kKeys; ++i) {
    secrets.push_back(crypto::SecretKey::generate());
    prepared.keys.push_back(secrets.back().public_key());
  }
  for (std::size_t i = 0; i < kSignatures; ++i) {
    base::FixedBytes<8> number;
    std::memcpy(number.data(), &i, sizeof i);
    crypto::VerifyItem item;
    item.digest = crypto::keccak256(number.view());
    item.signature = secrets[i % kKeys].sign(item.digest);
    item.signer = secrets[i % kKeys].address();
    // Spread by a step that is prime to the number of signatures.
    const bool wrong = static_cast<double>(i * 2'654'435 % kSignatures) < wrong_share * kSignatures;
    if (wrong) item.signature.bytes[64] ^= 27 ^ 28;
    if (wrong) ++prepared.wrong;
    if (check != RawCheck::recover) item.key = &prepared.keys[i % kKeys];
    prepared.items.push_back(item);
  }
  return prepared;
}

}  // namespace

RawRate raw_verifications(const base::Clock& clock, RawCheck check, unsigned threads, double seconds,
                          double wrong_share, std::size_t at_once) {
  const Prepared prepared = prepare(check, wrong_share);
  const std::size_t chunk = check == RawCheck::together ? at_once : 64;
  CHECK(chunk > 0 && chunk <= crypto::BatchVerifier::kItemsMax && kSignatures % chunk == 0);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> total{0};
  std::vector<std::thread> workers;
  const double cpu_before = cpu_seconds(::getpid());
  const std::uint64_t start = clock.monotonic_ns();
  for (unsigned worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&prepared, &stop, &total, worker, chunk, check] {
      crypto::BatchVerifier verifier;
      std::vector<crypto::VerifyAnswer> answers(chunk);
      std::size_t at = worker * chunk;
      std::size_t good = 0;  // of this time through all of them
      while (!stop.load(std::memory_order_relaxed)) {
        const auto items = std::span(prepared.items).subspan(at % kSignatures, chunk);
        check == RawCheck::together ? verifier.verify(items, answers) : crypto::verify(items, answers);
        for (const crypto::VerifyAnswer& answer : answers) good += answer.check == crypto::SignatureCheck::ok;
        at += chunk;
        total.fetch_add(chunk, std::memory_order_relaxed);
        if (at % kSignatures != worker * chunk) continue;
        CHECK(good == kSignatures - prepared.wrong);
        good = 0;
      }
    });
  }
  while (static_cast<double>(clock.monotonic_ns() - start) < seconds * 1e9)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  stop.store(true);
  for (std::thread& worker : workers) worker.join();
  const double seconds_taken = static_cast<double>(clock.monotonic_ns() - start) / 1e9;
  const auto count = static_cast<double>(total.load());
  return {count / seconds_taken, (cpu_seconds(::getpid()) - cpu_before) * 1e6 / count};
}

}  // namespace bench
