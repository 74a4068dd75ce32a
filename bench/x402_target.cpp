#include "bench/x402_target.h"

#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "commitments/channel/types.h"
#include "commitments/tab/types.h"
#include "crypto/keccak.h"

namespace bench {
namespace {

namespace channel = commitments::channel;
namespace json = boost::json;
namespace tab = commitments::tab;
using Digest = std::function<base::Hash(std::uint64_t)>;

constexpr std::uint64_t kPrice = 1000;  // PRICE of tests/x402/official.mjs; what each promise adds

std::string_view text(const json::value& in, std::string_view key) {
  const json::string& found = in.at({key.data(), key.size()}).as_string();
  return {found.data(), found.size()};
}
base::Hash hash_of(std::string_view value) {
  return crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
}
std::uint64_t number(const json::value& in, std::string_view key) { return std::stoull(std::string(text(in, key))); }

Digest channel_digest(const json::value& party) {
  const channel::Domain domain(party.at("chainId").to_number<std::uint64_t>(),
                               base::address_from_hex(text(party, "contract")).value());
  return [domain, id = base::hash_from_hex(text(party, "channel")).value()](std::uint64_t maximum) {
    return channel::voucher_digest(domain, id, maximum);
  };
}

Digest tab_voucher_digest(const json::value& party) {
  const json::value& fields = party.at("fields");
  tab::Voucher voucher;
  voucher.payer = base::address_from_hex(text(fields, "payer")).value();
  voucher.payee = base::address_from_hex(text(fields, "payee")).value();
  voucher.salt = base::hash_from_hex(text(fields, "salt")).value();
  voucher.valid_before = number(fields, "validBefore");
  return [voucher, domain = tab::Domain(text(party, "network")),
          asset = hash_of(text(fields, "asset"))](std::uint64_t maximum) {
    tab::Voucher value = voucher;
    value.maximum = base::Amount(maximum);
    return tab::digest(domain, value, asset);
  };
}

Digest commitment_digest(const json::value& party) {
  const json::value& fields = party.at("fields");
  tab::SingleUse commitment;
  commitment.payer = base::address_from_hex(text(fields, "payer")).value();
  commitment.payee = base::address_from_hex(text(fields, "payee")).value();
  commitment.maximum = base::Amount(number(fields, "maximum"));
  commitment.resource = base::hash_from_hex(text(fields, "resource")).value();
  commitment.valid_after = number(fields, "validAfter");
  commitment.valid_before = number(fields, "validBefore");
  return [commitment, domain = tab::Domain(text(party, "network")),
          asset = hash_of(text(fields, "asset"))](std::uint64_t nonce) {
    tab::SingleUse value = commitment;
    value.nonce = nonce;
    return tab::digest(domain, value, asset);
  };
}

X402Target parse_target(const json::value& from) {
  X402Target target;
  target.name = text(from, "name");
  target.port = from.at("port").to_number<std::uint16_t>();
  target.head = text(from, "head");
  target.expect = text(from, "expect");
  for (const auto& [name, id] : from.at("watch").as_object())
    target.watch.emplace_back(std::string(name.data(), name.size()), id.to_number<int>());
  const std::string_view kind = text(from, "kind");
  for (const json::value& party : from.at("parties").as_array()) {
    Digest digest = kind == "channel"       ? channel_digest(party)
                    : kind == "tab_voucher" ? tab_voucher_digest(party)
                                            : commitment_digest(party);
    const base::Hash secret = base::hash_from_hex(text(party, "key")).value();
    target.parties.push_back(
        {crypto::SecretKey::from_bytes(secret.view()).value(), std::move(digest), std::string(text(party, "body")), 1});
  }
  return target;
}

void fill_in(std::string& into, std::string_view marker, std::string_view value) {
  const std::size_t at = into.find(marker);
  if (at != std::string::npos) into.replace(at, marker.size(), value);
}

// RFC 4648, 4.
std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) result += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}

std::string request(const X402Target& target, const X402Party& party, std::uint64_t promise) {
  std::string body = party.body;
  fill_in(body, "@NUMBER@", std::to_string(promise * kPrice));
  // The number comes before the signature in every body, so the digest is of what stands there.
  fill_in(body, "@SIGNATURE@", base::to_hex(party.key.sign(party.digest(promise * kPrice))));
  std::string result = target.head;
  const std::size_t header = result.find("@BASE64@");
  if (header != std::string::npos) {
    fill_in(result, "@BASE64@", base64(body));
    return result + "\r\n";
  }
  return result + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

base::Result<std::vector<X402Target>> parse_targets(std::string_view manifest) {
  try {
    std::vector<X402Target> result;
    const json::value all = json::parse({manifest.data(), manifest.size()});
    for (const json::value& target : all.as_array()) result.push_back(parse_target(target));
    return result;
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::invalid_argument,
                       std::string("the manifest of bench/x402/stage.mjs cannot be used: ") + failure.what());
  }
}

std::vector<std::vector<std::string>> make_requests(const X402Target& target, std::size_t connections,
                                                    std::size_t parties, std::size_t count, unsigned threads) {
  std::vector<std::vector<std::string>> result(connections);
  for (std::size_t i = 0; i < connections; ++i) result[i].resize((count + connections - 1 - i) / connections);
  std::vector<std::thread> signers;
  for (unsigned thread = 0; thread < threads; ++thread)
    signers.emplace_back([&, thread] {
      for (std::size_t i = thread; i < count; i += threads) {
        const X402Party& party = target.parties[i % parties];
        result[i % connections][i / connections] = request(target, party, party.next + i / parties);
      }
    });
  for (std::thread& signer : signers) signer.join();
  return result;
}

void mark_sent(X402Target& target, std::size_t parties, const std::vector<std::uint64_t>& sent) {
  for (std::size_t connection = 0; connection < sent.size(); ++connection)
    for (std::size_t i = 0; i < sent[connection]; ++i) ++target.parties[(connection + i * sent.size()) % parties].next;
}

}  // namespace bench
