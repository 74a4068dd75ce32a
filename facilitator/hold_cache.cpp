#include "facilitator/hold_cache.h"

#include <array>
#include <cstring>

namespace facilitator {
namespace {

bool same(const commitments::tab::SingleUse& a, const commitments::tab::SingleUse& b) noexcept {
  return a.payer == b.payer && a.payee == b.payee && a.asset == b.asset && a.maximum == b.maximum &&
         a.resource == b.resource && a.nonce == b.nonce && a.valid_after == b.valid_after &&
         a.valid_before == b.valid_before;
}

}  // namespace

HoldCache::HoldCache(std::size_t capacity, std::uint64_t seed) : capacity_(capacity), signed_(0, HashKey{seed}) {}

std::size_t HoldCache::HashKey::operator()(const Key& key) const noexcept {
  std::array<std::uint8_t, 36> bytes;
  std::memcpy(bytes.data(), key.payer.data(), 20);
  std::memcpy(bytes.data() + 20, &key.nonce, 16);
  return base::mix_bytes(bytes, seed);
}

void HoldCache::insert(const commitments::tab::Item& hold) {
  const Key key = key_of(hold);
  const auto [at, fresh] = signed_.insert_or_assign(key, Signed{hold.single, hold.signer, hold.signature});
  if (!fresh) return;
  order_.push_back(key);
  if (order_.size() <= capacity_) return;
  signed_.erase(order_.front());
  order_.pop_front();
}

bool HoldCache::holds(const commitments::tab::Item& hold) const {
  const auto found = signed_.find(key_of(hold));
  return found != signed_.end() && same(found->second.single, hold.single) && found->second.signer == hold.signer &&
         found->second.signature == hold.signature;
}

}  // namespace facilitator
