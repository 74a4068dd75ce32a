#include "tests/unit/rpc_http/http_world.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "crypto/sha256.h"

namespace rpc::http {
namespace {

ApiKey api_key(std::string_view text, KeyRole role, base::Address address) {
  ApiKey key;
  key.name = std::string(text);
  key.sha256 = crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  key.role = role;
  key.addresses = {address};
  return key;
}

std::string quoted(const std::string& key, const std::string& value) { return "\"" + key + "\":\"" + value + "\""; }

}  // namespace

HttpWorld::HttpWorld(const std::function<void(ServerOptions&)>& change) {
  ServerOptions options;
  options.host = "127.0.0.1";
  options.api_keys = {api_key(kServer0, KeyRole::server, world.actors.payee(0)),
                      api_key(kServer1, KeyRole::server, world.actors.payee(1)),
                      api_key(kPayer0, KeyRole::payer, world.actors.payer(0)),
                      api_key(kPayee0, KeyRole::payee, world.actors.payee(0)),
                      api_key(kHurried, KeyRole::server, world.actors.payee(0))};
  options.api_keys.back().requests_per_s = 1;
  options.api_keys.back().burst = 3;
  if (change) change(options);
  // Says what its signature says: "400", "503", or anything else for 200.
  const Webhook webhook{"/webhooks/test", "X-Signature",
                        [this](std::string signature, std::string body, const auto& done) {
                          webhook_bodies.push_back(std::move(body));
                          const bool refused = signature == "400" || signature == "503";
                          done(refused ? static_cast<unsigned>(std::stoul(signature)) : 200U, "said the signature");
                        }};
  const auto started = front.start(
      std::move(options),
      {*world.ingest, world.store->service(), world.store->reader(), world.clock, front_key, {}, {webhook}});
  CHECK_MSG(started.has_value(), started ? "" : started.error().message.c_str());
}

HttpWorld::~HttpWorld() {
  world.ingest->set(SwitchedIngest::Mode::pass);
  front.stop();
  // The ledger's last answers go to the front.
  world.server->stop();
  world.pool.reset();
  world.store->stop();
}

HttpAnswer HttpWorld::post(std::string_view path, const std::string& body, std::string_view api_key) {
  HttpClient client(port());
  return client.post(path, body, api_key).value_or(HttpAnswer{});
}

HttpAnswer HttpWorld::get(std::string_view path, std::string_view api_key) {
  HttpClient client(port());
  return client.get(path, api_key).value_or(HttpAnswer{});
}

std::string HttpWorld::ok(std::string_view path, const std::string& body) {
  const HttpAnswer answer = post(path, body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  return answer.body;
}

std::string requirements(const support::Actors& actors, std::uint64_t amount, std::uint64_t payee) {
  return "{\"scheme\":\"batch-settlement\"," + quoted("network", std::string(support::kNetwork)) + "," +
         quoted("amount", std::to_string(amount)) + "," + quoted("asset", std::string(support::kUsdcText)) + "," +
         quoted("payTo", base::to_hex(actors.payee(payee))) +
         ",\"maxTimeoutSeconds\":300,\"extra\":{\"version\":\"1\"}}";
}

std::string commitment_payload(const support::Actors& actors, const SingleSpec& spec) {
  const commitments::tab::Item item = actors.hold(spec);
  std::string text = "{\"type\":\"commitment\",\"commitment\":{";
  text += quoted("payer", base::to_hex(item.single.payer)) + "," + quoted("payee", base::to_hex(item.single.payee));
  text += "," + quoted("asset", std::string(spec.asset == support::kUsdc ? support::kUsdcText : support::kUsdText));
  text += "," + quoted("maximum", item.single.maximum.to_units_string());
  text += "," + quoted("resource", base::to_hex(item.single.resource));
  text += "," + quoted("nonce", base::to_string(static_cast<base::i128>(item.single.nonce)));
  text += "," + quoted("validAfter", std::to_string(item.single.valid_after));
  text += "," + quoted("validBefore", std::to_string(item.single.valid_before)) + "}";
  if (!item.signer.is_zero()) text += "," + quoted("signer", base::to_hex(item.signer));
  return text + "," + quoted("signature", base::to_hex(item.signature)) + "}";
}

std::string voucher_payload(const support::Actors& actors, const VoucherSpec& spec) {
  const commitments::tab::Item item = actors.voucher(spec);
  std::string text = "{\"type\":\"voucher\",\"voucher\":{";
  text += quoted("payer", base::to_hex(item.voucher.payer)) + "," + quoted("payee", base::to_hex(item.voucher.payee));
  text +=
      "," + quoted("asset", std::string(support::kUsdcText)) + "," + quoted("salt", base::to_hex(item.voucher.salt));
  text += "," + quoted("maximum", item.voucher.maximum.to_units_string());
  text += "," + quoted("validBefore", std::to_string(item.voucher.valid_before)) + "}";
  text += "," + quoted("index", std::to_string(spec.first_index));
  return text + "," + quoted("signature", base::to_hex(item.signature)) + "}";
}

std::string request(const std::string& payload, const std::string& requirements, const std::string& extensions) {
  return "{\"x402Version\":2,\"paymentPayload\":{\"x402Version\":2,\"resource\":{\"url\":\"https://a.example/w\"},"
         "\"accepted\":" +
         requirements + ",\"payload\":" + payload + extensions + "},\"paymentRequirements\":" + requirements + "}";
}

std::string commitment_request(const support::Actors& actors, const SingleSpec& spec, std::uint64_t amount) {
  return request(commitment_payload(actors, spec), requirements(actors, amount, spec.payee));
}

std::string voucher_request(const support::Actors& actors, const VoucherSpec& spec, std::uint64_t amount) {
  return request(voucher_payload(actors, spec), requirements(actors, amount, spec.payee));
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace rpc::http
