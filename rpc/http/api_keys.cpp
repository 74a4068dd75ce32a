#include "rpc/http/api_keys.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "base/amount.h"
#include "crypto/sha256.h"

namespace rpc::http {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::size_t kKeyTextMax = 256;

}  // namespace

ApiKeys::ApiKeys(std::vector<ApiKey> keys) { replace(std::move(keys)); }

void ApiKeys::replace(std::vector<ApiKey> keys) {
  ++generation_;
  for (Entry& entry : entries_) entry.valid = false;
  for (ApiKey& key : keys) {
    std::sort(key.addresses.begin(), key.addresses.end());
    const std::int64_t full = static_cast<std::int64_t>(key.burst) * kBillion;
    const auto present = std::find_if(entries_.begin(), entries_.end(),
                                      [&](const Entry& entry) { return !entry.valid && entry.key.name == key.name; });
    if (present == entries_.end()) {
      entries_.push_back({std::move(key), full, 0, true});
      continue;
    }
    // A quota that there was not before begins full.
    present->level = present->key.requests_per_s == 0 ? full : std::min(present->level, full);
    present->key = std::move(key);
    present->valid = true;
  }
}

std::optional<std::uint32_t> ApiKeys::find(std::string_view text) const {
  if (text.empty() || text.size() > kKeyTextMax) return std::nullopt;
  const base::Hash shown =
      crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  std::optional<std::uint32_t> found;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (CRYPTO_memcmp(shown.data(), entries_[i].key.sha256.data(), shown.size()) == 0 && entries_[i].valid)
      found = static_cast<std::uint32_t>(i);
  return found;
}

void ApiKeys::fill(Entry& entry, std::uint64_t now_ns) const {
  const std::int64_t full = static_cast<std::int64_t>(entry.key.burst) * kBillion;
  const std::uint64_t elapsed_ns = now_ns > entry.filled_ns ? now_ns - entry.filled_ns : 0;
  const base::i128 level = static_cast<base::i128>(elapsed_ns) * entry.key.requests_per_s + entry.level;
  entry.level = level > full ? full : static_cast<std::int64_t>(level);
  entry.filled_ns = now_ns;
}

std::uint32_t ApiKeys::wait_ms(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns) {
  Entry& entry = entries_[index];
  const std::uint64_t rate = entry.key.requests_per_s;
  if (rate == 0) return 0;
  fill(entry, now_ns);
  const std::int64_t cost = static_cast<std::int64_t>(std::min(requests, entry.key.burst)) * kBillion;
  if (entry.level >= cost) return 0;
  const std::uint64_t wait_ns = static_cast<std::uint64_t>(cost - entry.level) / rate + 1;
  return static_cast<std::uint32_t>(wait_ns / 1'000'000 + 1);
}

std::uint32_t ApiKeys::take(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns) {
  const std::uint32_t wait = wait_ms(index, requests, now_ns);
  if (wait == 0) charge(index, std::min(requests, entries_[index].key.burst), now_ns);
  return wait;
}

void ApiKeys::charge(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns) {
  Entry& entry = entries_[index];
  if (entry.key.requests_per_s == 0) return;
  fill(entry, now_ns);
  entry.level -= static_cast<std::int64_t>(requests) * kBillion;
}

std::vector<base::Address> ApiKeys::payees() const {
  std::vector<base::Address> all;
  for (const Entry& entry : entries_)
    if (entry.valid && entry.key.role == KeyRole::server)
      all.insert(all.end(), entry.key.addresses.begin(), entry.key.addresses.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace rpc::http
