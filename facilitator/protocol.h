#pragma once

// The objects of the x402 protocol, version 2 (x402-specification-v2, sections 5 and 7), as a facilitator sees them.
// What is read is a view into a JsonDocument; what is answered owns its text.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/amount.h"
#include "base/bytes.h"
#include "facilitator/json.h"

namespace facilitator {

inline constexpr std::uint64_t kX402Version = 2;

// reserve and capture are of /v1/batch alone: as verify and settle, for servers that keep no state of their own.
enum class Operation : std::uint8_t { verify, settle, reserve, capture };
constexpr bool is_verifying(Operation operation) noexcept {
  return operation == Operation::verify || operation == Operation::reserve;
}

struct PaymentRequirements {
  std::string_view scheme;
  std::string_view network;
  std::string_view asset;
  base::u128 amount = 0;  // in the asset's smallest unit
  base::Address pay_to;
  std::uint64_t max_timeout_s = 0;
  const JsonNode* extra = nullptr;  // an object, or null
};

// One thing to verify or to settle. Valid only during the call that it is passed to: a scheme copies what it keeps.
struct PaymentRequest {
  Operation operation = Operation::verify;
  const JsonDocument* document = nullptr;
  const JsonNode* payload = nullptr;  // PaymentPayload.payload, an object: the scheme's own format
  PaymentRequirements requirements;
  // PaymentPayload.accepted: what the client saw. Absent in payloads that a server makes for itself.
  std::optional<PaymentRequirements> accepted;
  std::string_view resource_url;          // PaymentPayload.resource.url; may be empty
  std::string_view payment_identifier;    // of the extension; empty if it is not used
  base::Hash payload_fingerprint;         // of the whole PaymentPayload; zero without a payment identifier
  base::FixedBytes<16> request_id;        // of reserve: the server's own name for it; zero: none
  std::uint64_t reservation = 0;          // of capture
  std::span<const base::Address> payees;  // for whom the caller may charge; ascending
  std::uint32_t caller = 0;               // Caller::id
};

struct VerifyResponse {
  bool valid = false;
  std::string reason;   // invalidReason: an error code; empty when valid
  std::string message;  // invalidMessage: a sentence for people
  std::string payer;    // empty: not known
  std::string extra;    // a JSON object; empty: none
};

struct SettleResponse {
  bool success = false;
  std::string reason;   // errorReason
  std::string message;  // errorMessage
  std::string payer;
  std::string transaction;  // hash of a transaction; empty where no money has moved
  std::string network;
  std::optional<std::string> amount;  // decimal; "": nothing was moved on the chain
  std::string extra;
};

// The request was not decided: it is malformed, nobody serves it, or it may be tried again. Becomes an HTTP status.
struct Refusal {
  unsigned http_status = 400;
  std::string code;
  std::string message;               // what is wrong, and where
  std::string hint;                  // what to do
  std::uint32_t retry_after_ms = 0;  // with 429 and 503
};

using Answer = std::variant<VerifyResponse, SettleResponse, Refusal>;
// Called once, on the thread of the facilitator.
using Done = std::function<void(Answer)>;

// The answer that a rejected payment gets: VerifyResponse or SettleResponse by the operation.
Answer rejected(Operation operation, std::string_view network, std::string reason, std::string message,
                std::string payer = {}, std::string extra = {});

// The chain could not be asked: nothing is known about the payment.
Refusal chain_unavailable(std::string_view why);

std::string to_json(const VerifyResponse& response);
std::string to_json(const SettleResponse& response);
// {"error":{"code","message","hint"}}
std::string to_json(const Refusal& refusal);
// HTTP status and body.
std::pair<unsigned, std::string> to_http(const Answer& answer);

}  // namespace facilitator
