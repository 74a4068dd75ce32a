#include "facilitator/protocol.h"

#include "facilitator/json_text.h"

namespace facilitator {
namespace {

void add_unless_empty(JsonObject& object, std::string_view key, const std::string& value) {
  if (!value.empty()) object.text(key, value);
}

}  // namespace

Answer rejected(Operation operation, std::string_view network, std::string reason, std::string message,
                std::string payer, std::string extra) {
  if (is_verifying(operation))
    return VerifyResponse{false, std::move(reason), std::move(message), std::move(payer), std::move(extra)};
  return SettleResponse{false, std::move(reason), std::move(message), std::move(payer), {}, std::string(network),
                        {},    std::move(extra)};
}

Refusal chain_unavailable(std::string_view why) {
  constexpr std::uint32_t kRetryAfterMs = 1'000;
  return {503, "chain_unavailable", "the chain cannot be asked now: " + std::string(why), "Ask again in a moment.",
          kRetryAfterMs};
}

std::string to_json(const VerifyResponse& response) {
  JsonObject object;
  object.flag("isValid", response.valid);
  add_unless_empty(object, "invalidReason", response.reason);
  add_unless_empty(object, "invalidMessage", response.message);
  add_unless_empty(object, "payer", response.payer);
  if (!response.extra.empty()) object.raw("extra", response.extra);
  return std::move(object).done();
}

std::string to_json(const SettleResponse& response) {
  JsonObject object;
  object.flag("success", response.success);
  add_unless_empty(object, "errorReason", response.reason);
  add_unless_empty(object, "errorMessage", response.message);
  object.text("transaction", response.transaction).text("network", response.network);
  add_unless_empty(object, "payer", response.payer);
  if (response.amount) object.text("amount", *response.amount);
  if (!response.extra.empty()) object.raw("extra", response.extra);
  return std::move(object).done();
}

std::string to_json(const Refusal& refusal) {
  JsonObject inner;
  inner.text("code", refusal.code).text("message", refusal.message).text("hint", refusal.hint);
  JsonObject object;
  object.raw("error", std::move(inner).done());
  return std::move(object).done();
}

std::pair<unsigned, std::string> to_http(const Answer& answer) {
  if (const auto* refusal = std::get_if<Refusal>(&answer)) return {refusal->http_status, to_json(*refusal)};
  if (const auto* verify = std::get_if<VerifyResponse>(&answer)) return {200, to_json(*verify)};
  return {200, to_json(std::get<SettleResponse>(answer))};
}

}  // namespace facilitator
