// API keys of the x402 port: made here, known to the daemon by their SHA-256 alone.

#include "cli/command.h"
#include "cli/json.h"
#include "crypto/random.h"
#include "crypto/sha256.h"

namespace cli {
namespace {

struct ApiKeyOptions {
  std::string name;
  std::string role = "server";
  std::vector<std::string> addresses;
  std::uint32_t requests_per_s = 1'000;
  std::uint32_t burst = 2'000;
};

// 32 random bytes; the prefix lets scanners for leaked secrets find it.
std::string make_key() {
  base::FixedBytes<32> bytes;
  crypto::random_bytes(bytes.bytes);
  return "tabd_" + base::to_hex(bytes).substr(2);
}

Outcome make_api_key(Context& context, const ApiKeyOptions& options) {
  std::string list;
  JsonArray addresses;
  for (const std::string& text : options.addresses) {
    const std::optional<base::Address> address = base::address_from_hex(text);
    if (!address) return usage_failure("\"" + text + "\" is not an address: 0x and 40 hexadecimal digits.");
    list += (list.empty() ? "\"" : ", \"") + base::to_hex(*address) + "\"";
    addresses.push_back(Json(base::to_hex(*address)));
  }
  for (const char c : options.name)
    if (c < ' ' || c == '"' || c == '\\' || c == 0x7f) return usage_failure("A name has no quotes and no backslash.");
  if (options.role == "payer" && options.addresses.size() > 1)
    return usage_failure("A payer's key is for one payer: give --address once.");
  const std::string key = make_key();
  const base::Hash hash = crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(key.data()), key.size()));
  const std::string block = "[[x402.api_key]]\nname = \"" + options.name + "\"\nsha256 = \"" + base::to_hex(hash) +
                            "\"\nrole = \"" + options.role + "\"\naddresses = [" + list +
                            "]\nrequests_per_s = " + std::to_string(options.requests_per_s) +
                            "\nburst = " + std::to_string(options.burst);
  if (context.json()) {
    JsonObject out;
    out["name"] = options.name;
    out["key"] = key;
    out["sha256"] = base::to_hex(hash);
    out["role"] = options.role;
    out["addresses"] = std::move(addresses);
    out["toml"] = block + "\n";
    context.write_json(std::move(out));
    return {};
  }
  context.write_line(key);
  context.write_line("");
  context.write_line(block);
  context.note("Give the first line to \"{}\": it is shown this once. Add the block to tabd.toml and restart tabd.",
               options.name);
  return {};
}

}  // namespace

void add_apikey_commands(CLI::App& root, Chosen& chosen) {
  add_command<ApiKeyOptions>(
      root, chosen, "apikey", "Make an API key for x402 over HTTP, and its block for tabd.toml. Offline.",
      "  tabctl apikey weather-api --address 0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc\n"
      "  tabctl apikey books --role payer --address 0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266 --json",
      [](CLI::App& app, ApiKeyOptions& options) {
        app.add_option("name", options.name, "For people; unique in the configuration.")->required();
        app.add_option("--role", options.role, "server: verifies and settles. payer, payee: reads its own books.")
            ->check(CLI::IsMember({"server", "payer", "payee"}))
            ->capture_default_str();
        app.add_option("--address", options.addresses, "The payee (server: each that it may charge for) or payer.")
            ->required()
            ->type_name("ADDRESS");
        app.add_option("--requests-per-s", options.requests_per_s, "Quota; 0 for none.")->capture_default_str();
        app.add_option("--burst", options.burst, "So many at once.")
            ->check(CLI::Range(1, 10'000'000))
            ->capture_default_str();
      },
      make_api_key);
}

}  // namespace cli
