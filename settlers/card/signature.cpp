#include "settlers/card/signature.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "crypto/hmac.h"

namespace settlers::card {

namespace {

// A header has one signature for each secret that is in use, and one of an older scheme.
constexpr std::size_t kSignaturesMax = 16;
constexpr std::size_t kHeaderBytesMax = 2048;

base::ByteView view(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

base::Hash signature_of(std::string_view timestamp, base::ByteView body, std::string_view secret) {
  return crypto::hmac_sha256(view(secret), {view(timestamp), view("."), body});
}

SignatureCheck refuse(std::string problem) { return {false, std::move(problem)}; }

}  // namespace

SignatureCheck check_signature(std::string_view header, base::ByteView body, const std::vector<std::string>& secrets,
                               base::Time now) {
  if (header.empty()) return refuse("there is no Stripe-Signature header; is this the provider's webhook?");
  if (header.size() > kHeaderBytesMax) return refuse("the Stripe-Signature header is too long");
  std::string_view timestamp;
  std::vector<base::Hash> signatures;
  for (std::string_view rest = header; !rest.empty();) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return refuse("the Stripe-Signature header is not key=value,key=value");
    const std::string_view key = item.substr(0, equals);
    const std::string_view value = item.substr(equals + 1);
    if (key == "t") {
      if (!timestamp.empty()) return refuse("the Stripe-Signature header has t twice");
      timestamp = value;
    } else if (key == "v1" && signatures.size() < kSignaturesMax) {
      if (const auto signature = base::hash_from_hex(value); signature && value.size() == 64)
        signatures.push_back(*signature);
    }
  }
  std::uint64_t seconds = 0;
  const auto [end, failed] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (timestamp.empty() || failed != std::errc() || end != timestamp.data() + timestamp.size())
    return refuse("the Stripe-Signature header has no time (t=)");
  if (signatures.empty()) return refuse("the Stripe-Signature header has no signature of scheme v1");
  bool match = false;
  for (const std::string& secret : secrets) {
    const base::Hash expected = signature_of(timestamp, body, secret);
    for (const base::Hash& signature : signatures)
      match = crypto::equal_in_constant_time(expected.view(), signature.view()) || match;
  }
  if (!match) return refuse("no signature fits the body; check the endpoint's signing secret");
  const std::uint64_t present = now.seconds();
  const std::uint64_t apart = present > seconds ? present - seconds : seconds - present;
  if (apart > kSignatureToleranceSeconds)
    return refuse("the signature is " + std::to_string(apart) + " s " + (present > seconds ? "old" : "ahead") +
                  "; at most " + std::to_string(kSignatureToleranceSeconds) +
                  " s are allowed: check this machine's clock");
  return {true, {}};
}

std::string sign(base::ByteView body, std::string_view secret, base::Time now) {
  const std::string timestamp = std::to_string(now.seconds());
  return "t=" + timestamp + ",v1=" + base::to_hex(signature_of(timestamp, body, secret)).substr(2);
}

}  // namespace settlers::card
