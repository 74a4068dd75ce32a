#include "facilitator/payment_identifiers.h"

#include "base/limits.h"

namespace facilitator {

PaymentIdentifiers::PaymentIdentifiers(const base::Clock& clock) : clock_(clock) {}

bool PaymentIdentifiers::admit(std::uint32_t caller, std::string_view id, const base::Hash& payload) {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  forget_old(now_ns);
  const std::uint64_t until_ns = now_ns + base::limits::kPaymentIdentifierSeconds * 1'000'000'000;
  const auto [at, fresh] = known_.try_emplace(std::to_string(caller) + " " + std::string(id), Known{payload, until_ns});
  if (fresh) order_.push_back(&at->first);
  return at->second.payload == payload;
}

void PaymentIdentifiers::forget_old(std::uint64_t now_ns) {
  while (!order_.empty()) {
    const auto oldest = known_.find(*order_.front());
    if (known_.size() < base::limits::kPaymentIdentifiersMax && oldest->second.until_ns > now_ns) return;
    order_.pop_front();
    known_.erase(oldest);
  }
}

}  // namespace facilitator
