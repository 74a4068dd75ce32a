#pragma once

// The signature of a webhook (docs.stripe.com/webhooks/signature):
//   Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>...][,<other scheme>=...]
// v1 is HMAC-SHA256 with the endpoint's secret, as its text is, over t, "." and the body's raw bytes. While a secret is
// being rolled there are several; one that matches is enough. Other schemes are ignored.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace settlers::card {

inline constexpr std::uint64_t kSignatureToleranceSeconds = 300;

struct SignatureCheck {
  bool ok = false;
  std::string problem;  // a sentence that tells a sender nothing about the secrets; empty if ok
};
SignatureCheck check_signature(std::string_view header, base::ByteView body, const std::vector<std::string>& secrets,
                               base::Time now);
// The header that goes with a body; for tests and tools.
std::string sign(base::ByteView body, std::string_view secret, base::Time now);

}  // namespace settlers::card
