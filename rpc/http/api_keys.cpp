#include "rpc/http/api_keys.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/amount.h"
#include "crypto/sha256.h"

namespace rpc::http {
namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
constexpr std::size_t kKeyTextMax = 256;

}  // namespace

ApiKeys::ApiKeys(std::vector<ApiKey> keys) {
  for (ApiKey& key : keys) {
    std::sort(key.addresses.begin(), key.addresses.end());
    Entry entry{std::move(key), 0, 0};
    entry.level = entry.key.burst * kBillion;
    entries_.push_back(std::move(entry));
  }
}

std::optional<std::uint32_t> ApiKeys::find(std::string_view text) const {
  if (text.empty() || text.size() > kKeyTextMax) return std::nullopt;
  const base::Hash shown =
      crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  std::optional<std::uint32_t> found;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (CRYPTO_memcmp(shown.data(), entries_[i].key.sha256.data(), shown.size()) == 0)
      found = static_cast<std::uint32_t>(i);
  return found;
}

std::uint32_t ApiKeys::wait_ms(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns) {
  Entry& entry = entries_[index];
  const std::uint64_t rate = entry.key.requests_per_s;
  if (rate == 0) return 0;
  const std::uint64_t full = entry.key.burst * kBillion;
  const std::uint64_t elapsed_ns = now_ns > entry.filled_ns ? now_ns - entry.filled_ns : 0;
  const base::u128 level = static_cast<base::u128>(elapsed_ns) * rate + entry.level;
  entry.level = level > full ? full : static_cast<std::uint64_t>(level);
  entry.filled_ns = now_ns;
  const std::uint64_t cost = std::min(requests, entry.key.burst) * kBillion;
  if (entry.level >= cost) return 0;
  const std::uint64_t wait_ns = (cost - entry.level) / rate + 1;
  return static_cast<std::uint32_t>(wait_ns / 1'000'000 + 1);
}

std::uint32_t ApiKeys::take(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns) {
  const std::uint32_t wait = wait_ms(index, requests, now_ns);
  Entry& entry = entries_[index];
  if (wait == 0 && entry.key.requests_per_s != 0) entry.level -= std::min(requests, entry.key.burst) * kBillion;
  return wait;
}

std::vector<base::Address> ApiKeys::payees() const {
  std::vector<base::Address> all;
  for (const Entry& entry : entries_)
    if (entry.key.role == KeyRole::server)
      all.insert(all.end(), entry.key.addresses.begin(), entry.key.addresses.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace rpc::http
