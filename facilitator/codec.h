#pragma once

// From JSON to a PaymentRequest: the part of a request that is the same for all schemes. Pure.

#include <variant>

#include "facilitator/protocol.h"

namespace facilitator {

// `request` is {"x402Version"?, "paymentPayload", "paymentRequirements"}. The views in the result live as long as the
// document. A refusal has HTTP status 400 and names the path of what is wrong.
std::variant<PaymentRequest, Refusal> decode_request(Operation operation, const JsonDocument& document,
                                                     const JsonNode& request);

// 400 for a body that is not what its route takes.
Refusal malformed(const JsonMistake& mistake);

// Equal for JSON values with the same members, whatever their order and spacing.
base::Hash fingerprint(const JsonDocument& document, const JsonNode& node);

}  // namespace facilitator
