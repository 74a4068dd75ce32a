#include "playground/demo/cast.h"

#include "base/check.h"
#include "cli/key_file.h"
#include "crypto/keccak.h"

namespace playground::demo {
namespace {

Party party(const std::string& label) {
  const std::string seed = "tabd demo " + label;
  const base::Hash secret =
      crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(seed.data()), seed.size()));
  std::optional<crypto::SecretKey> key = crypto::SecretKey::from_bytes(secret.view());
  CHECK(key.has_value());
  const base::Address address = key->address();
  return {label, std::move(*key), address, ""};
}

base::Result<void> write_key(Party& who, const std::string& folder) {
  who.key_file = folder + "/" + who.label + ".key";
  const cli::Outcome written = cli::write_key_file(who.key_file, who.key);
  if (!written) return base::error(base::ErrorCode::io, written.error().message);
  return {};
}

}  // namespace

Cast make_cast() {
  Cast cast{party("operator"), party("auditor"), party("treasury"), {}, {}, {}, {}};
  for (std::size_t i = 0; i < kServers; ++i) cast.servers.push_back(party("server-" + std::to_string(i + 1)));
  cast.payees.push_back(
      {party("weather-api"), 250, "0", {"https://weather.example/now", "https://weather.example/week"}});
  cast.payees.push_back(
      {party("news-archive"), 100, "0.05", {"https://news.example/article", "https://news.example/search"}});
  cast.payees.push_back({party("model-host"), 0, "0", {"https://model.example/v1/chat"}});
  for (std::size_t i = 0; i < kPayers; ++i) cast.payers.push_back(party("payer-" + std::to_string(i + 1)));
  for (std::size_t i = 0; i < kAgents; ++i) cast.agents.push_back(party("agent-" + std::to_string(i + 1)));
  return cast;
}

base::Result<void> write_keys(Cast& cast, const std::string& folder) {
  std::vector<Party*> everybody = {&cast.operator_, &cast.auditor, &cast.treasury};
  for (Party& one : cast.servers) everybody.push_back(&one);
  for (Payee& one : cast.payees) everybody.push_back(&one.party);
  for (Party& one : cast.payers) everybody.push_back(&one);
  for (Party& one : cast.agents) everybody.push_back(&one);
  for (Party* one : everybody) RETURN_IF_ERROR(write_key(*one, folder));
  return {};
}

}  // namespace playground::demo
