// batch_differential: random signatures, good and bad in all proportions and sizes of batches, checked together, alone,
// and by the reference. Ends with 1 at the first difference, and names the seed that repeats it.

#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "crypto/batch.h"
#include "crypto/random.h"
#include "tests/support/signature_mix.h"

namespace {

constexpr double kShares[] = {0, 0.0005, 0.005, 0.02, 0.1, 0.5, 1};
constexpr std::size_t kRoundSignatures = 20'000;

struct Totals {
  std::uint64_t signatures = 0;
  std::uint64_t good = 0;
};

// One seed: some batches of one pool. False at a difference.
bool run_round(std::uint64_t seed, crypto::BatchVerifier& verifier, Totals& totals) {
  support::SignatureMix mix(seed, 24, 1000);
  std::mt19937_64 random(seed);
  for (std::size_t done = 0; done < kRoundSignatures;) {
    const std::size_t count = 1 + random() % (random() % 4 == 0 ? crypto::BatchVerifier::kItemsMax : 64);
    const double share = kShares[random() % std::size(kShares)];
    std::vector<crypto::VerifyItem> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(mix.next(share));
    std::vector<crypto::VerifyAnswer> together(count);
    std::vector<crypto::VerifyAnswer> alone(count);
    verifier.verify(items, together);
    crypto::verify(items, alone);
    for (std::size_t i = 0; i < count; ++i) {
      const crypto::SignatureCheck expected = support::reference_check(items[i], *items[i].key);
      if (expected == crypto::SignatureCheck::ok) ++totals.good;
      if (together[i].check == expected && alone[i].check == expected) continue;
      std::printf(
          "seed %llu, batch after %zu of %zu, place %zu: reference %d, together %d, alone %d\n  digest %s\n  signature "
          "%s\n",
          static_cast<unsigned long long>(seed), done, count, i, static_cast<int>(expected),
          static_cast<int>(together[i].check), static_cast<int>(alone[i].check), base::to_hex(items[i].digest).c_str(),
          base::to_hex(items[i].signature).c_str());
      return false;
    }
    done += count;
    totals.signatures += count;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares checking signatures together and alone with recovery.");
  std::uint64_t signatures = 1'000'000;
  std::uint64_t seed = 0;
  app.add_option("--signatures", signatures, "So many or a little more.")->capture_default_str();
  app.add_option("--seed", seed, "Where to begin; 0: a random one.");
  CLI11_PARSE(app, argc, argv);
  if (seed == 0) seed = crypto::random_u64() >> 16;
  if (!crypto::batch_verification_built()) std::puts("This build checks one by one: only that is compared.");
  crypto::BatchVerifier verifier;
  Totals totals;
  std::printf("from seed %llu\n", static_cast<unsigned long long>(seed));
  std::uint64_t said = 0;
  while (totals.signatures < signatures) {
    if (!run_round(seed++, verifier, totals)) return 1;
    if (totals.signatures - said < 1'000'000) continue;
    said = totals.signatures;
    std::printf("%llu\n", static_cast<unsigned long long>(said));
    std::fflush(stdout);
  }
  const crypto::BatchTally& tally = verifier.tally();
  std::printf(
      "%llu signatures, %llu of them good: no difference. %llu batches, %llu with bad ones; %llu proved together\n",
      static_cast<unsigned long long>(totals.signatures), static_cast<unsigned long long>(totals.good),
      static_cast<unsigned long long>(tally.batches), static_cast<unsigned long long>(tally.failed_batches),
      static_cast<unsigned long long>(tally.items));
  return 0;
}
