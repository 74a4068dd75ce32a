#pragma once

// API keys: who may ask, for whom, and how often. Only the SHA-256 of a key is known here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace rpc::http {

enum class KeyRole : std::uint8_t { server, payer, payee };

struct ApiKey {
  std::string name;
  base::Hash sha256;  // of the key's text
  KeyRole role = KeyRole::server;
  std::vector<base::Address> addresses;  // server: payees that it may charge for; payer, payee: itself
  std::uint64_t requests_per_s = 0;      // 0: no quota
  std::uint64_t burst = 0;
};

// Belongs to one thread.
class ApiKeys {
 public:
  explicit ApiKeys(std::vector<ApiKey> keys);  // sorts the addresses of each

  // From now on these and no others. A key keeps its index, and what is left of its quota, as long as its name stays;
  // the index of a removed one is not used again.
  void replace(std::vector<ApiKey> keys);
  // Another number after each replace(): what find() said before is old.
  std::uint64_t generation() const { return generation_; }
  // Whether the key has not been removed.
  bool valid(std::uint32_t index) const { return entries_[index].valid; }

  // The index of the key whose text this is. Compares with every key in constant time.
  std::optional<std::uint32_t> find(std::string_view text) const;
  const ApiKey& at(std::uint32_t index) const { return entries_[index].key; }
  // How long to wait until the key's bucket has `requests` (or all that it can hold, if that is less). Milliseconds; 0
  // if it has them.
  std::uint32_t wait_ms(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns);
  // The same, and takes them if it has them.
  std::uint32_t take(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns);
  // Takes them whether it has them or not, for work whose size is known afterwards: the next requests wait for it.
  void charge(std::uint32_t index, std::uint64_t requests, std::uint64_t now_ns);
  // The payees of all resource servers.
  std::vector<base::Address> payees() const;

 private:
  // A token bucket, filled by requests_per_s and holding burst. Its unit is a billionth of a request.
  struct Entry {
    ApiKey key;
    std::int64_t level = 0;  // below 0: charged more than it had
    std::uint64_t filled_ns = 0;
    bool valid = true;
  };
  void fill(Entry& entry, std::uint64_t now_ns) const;
  std::vector<Entry> entries_;
  std::uint64_t generation_ = 0;
};

}  // namespace rpc::http
