#pragma once

// Signed traffic, prepared before the clock starts: batches as a resource server would send them, kept in a file so
// that a client process of its own can read and send them without signing.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "commitments/tab/sign.h"
#include "commitments/tab/verify.h"

namespace bench {

using commitments::tab::UnverifiedBatch;

enum class Traffic : std::uint8_t { single_use, voucher };

struct TrafficSpec {
  Traffic kind = Traffic::single_use;
  std::size_t batches = 0;
  std::size_t batch_items = 256;
  std::size_t payers = 1000;  // spread evenly
  std::size_t charges_per_voucher = 100;
  std::uint64_t first_nonce = 1;  // of single-use commitments; distinct runs use distinct ranges
  std::uint64_t salt = 0;         // of vouchers' tabs
  std::uint64_t first_batch_number = 1;
  std::uint64_t valid_before = 0;  // seconds; of single-use commitments
  std::uint64_t server = 0;        // who sends it: 0 or 1
  double wrong_share = 0;          // of the signatures; spread evenly
};

// Keys that follow from a number, so that driver and client agree without exchanging them.
crypto::SecretKey payer_key(std::size_t index);
crypto::SecretKey server_key(std::uint64_t index = 0);
crypto::SecretKey operator_key();
base::Address payee_address();
// What every charge is for: one unit of money, one request.
commitments::tab::Usage one_unit();

inline constexpr base::AssetId kAsset{1};
inline constexpr std::string_view kAssetText = "USD";
inline constexpr std::string_view kNetwork = "demo-bench:tab";  // bench/rails.cpp has no time for a bank's days

// Signs on `threads` threads. Every charge is one unit.
std::vector<UnverifiedBatch> make_traffic(const TrafficSpec& spec, unsigned threads);

base::Result<void> write_traffic(const std::string& path, const std::vector<UnverifiedBatch>& batches);
base::Result<std::vector<UnverifiedBatch>> read_traffic(const std::string& path);

}  // namespace bench
