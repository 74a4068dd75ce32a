#pragma once

// The x402 extension `payment-identifier`: a client names its payment, so that a repeated request is told from another
// payment under the same name.
//
// What is kept here is the fingerprint of the payload under each name. The answer itself is the ledger's: the same
// payload gets the first result again for ever, by its nonce or its charge index. So forgetting a name loses the 409
// for a reused one, and never a payment.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/clock.h"

namespace facilitator {

// Not safe for concurrent use.
class PaymentIdentifiers {
 public:
  explicit PaymentIdentifiers(const base::Clock& clock);

  // True if `id` is new for this caller, or was seen with this payload. Remembered for
  // limits::kPaymentIdentifierSeconds, and not beyond limits::kPaymentIdentifiersMax names.
  bool admit(std::uint32_t caller, std::string_view id, const base::Hash& payload);

 private:
  struct Known {
    base::Hash payload;
    std::uint64_t until_ns = 0;
  };
  void forget_old(std::uint64_t now_ns);

  const base::Clock& clock_;
  std::unordered_map<std::string, Known> known_;  // by caller and id
  std::deque<const std::string*> order_;          // keys of known_, oldest first
};

}  // namespace facilitator
