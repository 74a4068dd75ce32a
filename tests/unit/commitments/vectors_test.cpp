// tests/vectors/tab.json: typed data hashed and signed by viem, and the batch encoding as tests/vectors/generate.mjs
// works it out. Every hash and signature must come out the same here, byte for byte.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include <boost/json.hpp>

#include "commitments/tab/sign.h"
#include "crypto/eip712.h"
#include "crypto/keccak.h"
#include "crypto/merkle.h"
#include "tests/support/actors.h"

namespace commitments::tab {
namespace {

namespace json = boost::json;

std::string text(const json::value& value) { return std::string(value.as_string()); }
Hash hash(const json::value& value) { return base::hash_from_hex(text(value)).value(); }
Address address(const json::value& value) { return base::address_from_hex(text(value)).value(); }

// Decimal, up to 128 bits: uint128 fields are strings.
base::u128 number(const json::value& value) {
  if (value.is_int64()) return static_cast<base::u128>(value.as_int64());
  base::u128 result = 0;
  for (const char c : text(value)) result = result * 10 + static_cast<unsigned>(c - '0');
  return result;
}
std::uint64_t number64(const json::value& value) { return static_cast<std::uint64_t>(number(value)); }
Amount amount(const json::value& value) { return Amount::from_units(number(value)).value(); }

// The file, read once.
const json::object& file() {
  static const json::value parsed = [] {
    std::ifstream in(TABD_VECTORS);
    EXPECT_TRUE(in.good()) << "cannot open " << TABD_VECTORS;
    std::stringstream content;
    content << in.rdbuf();
    return json::parse(content.str());
  }();
  return parsed.as_object();
}

const Domain& domain() {
  static const Domain value(text(file().at("network")));
  return value;
}

Hash asset_hash(const json::value& asset_text) {
  AssetTable assets;
  assets.add(AssetId(9), text(asset_text));
  return *assets.text_hash(AssetId(9));
}

SingleUse single_use(const json::object& m) {
  SingleUse value;
  value.payer = address(m.at("payer"));
  value.payee = address(m.at("payee"));
  value.maximum = amount(m.at("maximum"));
  value.resource = hash(m.at("resource"));
  value.nonce = number(m.at("nonce"));
  value.valid_after = number64(m.at("validAfter"));
  value.valid_before = number64(m.at("validBefore"));
  return value;
}

Voucher voucher(const json::object& m) {
  Voucher value;
  value.payer = address(m.at("payer"));
  value.payee = address(m.at("payee"));
  value.salt = hash(m.at("salt"));
  value.maximum = amount(m.at("maximum"));
  value.valid_before = number64(m.at("validBefore"));
  return value;
}

Mandate mandate(const json::object& m) {
  Mandate value;
  value.payer = address(m.at("payer"));
  value.agent = address(m.at("agent"));
  value.cap = amount(m.at("cap"));
  value.period = static_cast<Period>(number64(m.at("period")));
  for (const json::value& payee : m.at("payees").as_array()) value.payees.push_back(address(payee));
  value.valid_after = number64(m.at("validAfter"));
  value.valid_before = number64(m.at("validBefore"));
  value.nonce = number64(m.at("nonce"));
  return value;
}

MandateRevocation revocation(const json::object& m) {
  MandateRevocation value;
  value.payer = address(m.at("payer"));
  value.agent = address(m.at("agent"));
  value.nonce = number64(m.at("nonce"));
  return value;
}

BatchHeader header(const json::object& m) {
  BatchHeader value;
  value.server = address(m.at("server"));
  value.number = number64(m.at("number"));
  value.count = static_cast<std::uint32_t>(number64(m.at("count")));
  value.root = hash(m.at("root"));
  return value;
}

Hash digest_of(const json::object& vector) {
  const std::string type = text(vector.at("type"));
  const json::object& m = vector.at("message").as_object();
  if (type == "Batch") return digest(domain(), header(m));
  if (type == "Segment") return segment_digest(domain(), number64(m.at("number")), hash(m.at("hash")));
  if (type == "Login") return login_digest(domain(), text(m.at("role")), address(m.at("key")), hash(m.at("challenge")));
  const Hash asset = asset_hash(m.at("asset"));
  if (type == "Commitment") return digest(domain(), single_use(m), asset);
  if (type == "Voucher") return digest(domain(), voucher(m), asset);
  if (type == "Mandate") return digest(domain(), mandate(m), asset);
  if (type == "MandateRevocation") return digest(domain(), revocation(m), asset);
  ADD_FAILURE() << "a type without a reader: " << type;
  return {};
}

TEST(Vectors, Domain) {
  const json::object& expected = file().at("domain").as_object();
  EXPECT_EQ(domain().separator, hash(expected.at("separator")));
  const std::string network = text(file().at("network"));
  const base::Bytes bytes(network.begin(), network.end());
  EXPECT_EQ(crypto::keccak256(bytes), hash(expected.at("salt")));
}

TEST(Vectors, TypeHashes) {
  for (const auto& [name, type] : file().at("types").as_object()) {
    EXPECT_EQ(crypto::eip712_type_hash(text(type.as_object().at("encoded"))), hash(type.as_object().at("hash")));
  }
}

TEST(Vectors, AssetTexts) {
  for (const auto& [asset, expected] : file().at("assets").as_object()) {
    EXPECT_EQ(asset_hash(json::string(asset)), hash(expected));
  }
}

TEST(Vectors, DigestsAndSignaturesAreThoseOfViem) {
  std::map<std::string, int> seen;
  for (const json::value& entry : file().at("vectors").as_array()) {
    const json::object& vector = entry.as_object();
    const std::string name = text(vector.at("name"));
    const Hash result = digest_of(vector);
    EXPECT_EQ(result, hash(vector.at("digest"))) << name;
    EXPECT_EQ(crypto::eip712_digest(domain().separator, hash(vector.at("struct_hash"))), result) << name;
    const crypto::SecretKey key = support::anvil_key(number64(vector.at("anvil_account")));
    EXPECT_EQ(key.address(), address(vector.at("signer"))) << name;
    EXPECT_EQ(base::to_hex(key.sign(result)), text(vector.at("signature"))) << name;
    const auto signature = base::fixed_from_hex<65>(text(vector.at("signature")));
    ASSERT_TRUE(signature.has_value());
    const crypto::Recovered recovered = crypto::recover(result, *signature);
    ASSERT_EQ(recovered.check, crypto::SignatureCheck::ok) << name;
    EXPECT_EQ(crypto::address_of(recovered.key), address(vector.at("signer"))) << name;
    ++seen[text(vector.at("type"))];
  }
  EXPECT_EQ(seen.size(), file().at("types").as_object().size()) << "every type has a vector";
}

TEST(Vectors, TabKey) {
  for (const json::value& entry : file().at("vectors").as_array()) {
    const json::object& vector = entry.as_object();
    if (text(vector.at("name")) != "voucher") continue;
    const json::object& m = vector.at("message").as_object();
    EXPECT_EQ(tab_key(voucher(m), asset_hash(m.at("asset"))), hash(file().at("tab_key").as_object().at("key")));
    return;
  }
  FAIL() << "no vector of a voucher";
}

TEST(Vectors, ItemLeavesAndBatchRoot) {
  const std::map<std::string, ItemKind> kinds = {{"charge", ItemKind::charge},
                                                 {"hold", ItemKind::hold},
                                                 {"capture", ItemKind::capture},
                                                 {"release", ItemKind::release},
                                                 {"voucher", ItemKind::voucher}};
  std::vector<Hash> leaves;
  for (const json::value& entry : file().at("items").as_array()) {
    const json::object& item = entry.as_object();
    std::vector<Usage> usages;
    for (const json::value& usage : item.at("usages").as_array()) {
      const json::object& u = usage.as_object();
      usages.push_back({amount(u.at("amount")), number64(u.at("quantity")), support::unit(text(u.at("unit"))),
                        hash(u.at("resource"))});
    }
    leaves.push_back(
        item_leaf(kinds.at(text(item.at("kind"))), hash(item.at("digest")), number64(item.at("first_index")), usages));
    EXPECT_EQ(leaves.back(), hash(item.at("leaf"))) << text(item.at("name"));
    EXPECT_EQ(leaves.back(), crypto::merkle_leaf(base::from_hex(text(item.at("leaf_bytes"))).value()));
  }
  EXPECT_EQ(leaves.size(), kinds.size());
  EXPECT_EQ(crypto::merkle_root(leaves), hash(file().at("batch_root")));
}

TEST(Vectors, DigestOfCaptureAndRelease) {
  Item item;
  item.single.payer = support::anvil_key(0).address();
  item.single.nonce = 77;
  for (const json::value& entry : file().at("items").as_array()) {
    const json::object& expected = entry.as_object();
    const std::string kind = text(expected.at("kind"));
    if (kind != "capture" && kind != "release") continue;
    item.kind = kind == "capture" ? ItemKind::capture : ItemKind::release;
    EXPECT_EQ(item_digest(domain(), item, {}), hash(expected.at("digest")));
  }
}

}  // namespace
}  // namespace commitments::tab
