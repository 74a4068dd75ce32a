#include "tests/support/actors.h"

#include "base/check.h"
#include "crypto/keccak.h"
#include "crypto/merkle.h"

namespace support {
namespace {

using commitments::tab::Item;
using commitments::tab::ItemKind;
using commitments::tab::Usage;
using commitments::tab::VerifiedTestAccess;

constexpr std::array<std::string_view, 10> kAnvilKeys = {
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"};

Hash hash_of(std::string_view prefix, std::uint8_t kind, std::uint64_t number) {
  base::Bytes bytes(prefix.begin(), prefix.end());
  bytes.push_back(kind);
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  return crypto::keccak256(bytes);
}

Usage usage_of(const SingleSpec& spec) {
  return {Amount(spec.amount), spec.quantity, unit(spec.unit),
          spec.delivered.is_zero() ? spec.resource : spec.delivered};
}

}  // namespace

crypto::SecretKey secret_key(Role role, std::uint64_t index) {
  std::optional<crypto::SecretKey> key =
      crypto::SecretKey::from_bytes(hash_of("tabd test key", static_cast<std::uint8_t>(role), index).view());
  CHECK(key.has_value());
  return std::move(*key);
}

crypto::SecretKey anvil_key(std::size_t index) {
  CHECK(index < kAnvilKeys.size());
  std::optional<crypto::SecretKey> key =
      crypto::SecretKey::from_bytes(base::hash_from_hex(kAnvilKeys[index]).value().view());
  CHECK(key.has_value());
  return std::move(*key);
}

Signature high_s_twin(const Signature& signature) {
  const Hash order = base::hash_from_hex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").value();
  Signature twin = signature;
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int difference = order.bytes[i] - signature.bytes[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    twin.bytes[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
  }
  twin.bytes[64] = static_cast<std::uint8_t>(27 + 28 - signature.bytes[64]);
  return twin;
}

Hash test_hash(std::uint64_t number) { return hash_of("tabd test hash", 0, number); }

Unit unit(std::string_view text) {
  const std::optional<Unit> parsed = Unit::parse(text);
  CHECK(parsed.has_value());
  return *parsed;
}

Actors::Actors(std::string_view network) : domain_(network), key_cache_(1u << 16) {
  auto assets = std::make_shared<commitments::tab::AssetTable>();
  assets->add(kUsdc, kUsdcText);
  assets->add(kUsd, kUsdText);
  assets_ = std::move(assets);
}

const Hash& Actors::text_hash(AssetId asset) const {
  const Hash* hash = assets_->text_hash(asset);
  CHECK(hash != nullptr);
  return *hash;
}

const Actors::Person& Actors::person(Role role, std::uint64_t index) const {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Person>& entry = people_[static_cast<std::size_t>(role)][index];
  if (entry == nullptr) {
    crypto::SecretKey key = secret_key(role, index);
    const Address address = key.address();
    entry = std::make_unique<Person>(Person{std::move(key), address});
  }
  return *entry;
}

const crypto::SecretKey& Actors::key(Role role, std::uint64_t index) const { return person(role, index).key; }
const Address& Actors::address(Role role, std::uint64_t index) const { return person(role, index).address; }

Item Actors::unsigned_hold(const SingleSpec& spec) const {
  Item item;
  item.kind = ItemKind::hold;
  item.single = {payer(spec.payer), payee(spec.payee), spec.asset,       Amount(spec.maximum),
                 spec.resource,     spec.nonce,        spec.valid_after, spec.valid_before};
  if (spec.agent) item.signer = agent(*spec.agent);
  return item;
}

Item Actors::unsigned_charge(const SingleSpec& spec) const {
  Item item = unsigned_hold(spec);
  item.kind = ItemKind::charge;
  item.usages.push_back(usage_of(spec));
  return item;
}

Item Actors::unsigned_voucher(const VoucherSpec& spec) const {
  Item item;
  item.kind = ItemKind::voucher;
  item.voucher = {payer(spec.payer), payee(spec.payee), spec.asset, spec.salt, Amount(spec.maximum), spec.valid_before};
  if (spec.agent) item.signer = agent(*spec.agent);
  item.first_index = spec.first_index;
  for (const std::uint64_t amount : spec.amounts) {
    item.usages.push_back({Amount(amount), 1, unit(spec.unit), spec.resource});
  }
  return item;
}

Item Actors::charge(const SingleSpec& spec) const {
  Item item = unsigned_charge(spec);
  resign(item, spec.agent ? Role::agent : Role::payer, spec.agent.value_or(spec.payer));
  return item;
}

Item Actors::hold(const SingleSpec& spec) const {
  Item item = unsigned_hold(spec);
  resign(item, spec.agent ? Role::agent : Role::payer, spec.agent.value_or(spec.payer));
  return item;
}

Item Actors::capture(const SingleSpec& spec) const {
  Item item = release(spec);
  item.kind = ItemKind::capture;
  item.usages.push_back(usage_of(spec));
  return item;
}

Item Actors::release(const SingleSpec& spec) const {
  Item item;
  item.kind = ItemKind::release;
  item.single.payer = payer(spec.payer);
  item.single.nonce = spec.nonce;
  return item;
}

Item Actors::voucher(const VoucherSpec& spec) const {
  Item item = unsigned_voucher(spec);
  resign(item, spec.agent ? Role::agent : Role::payer, spec.agent.value_or(spec.payer));
  return item;
}

void Actors::resign(Item& item, Role role, std::uint64_t index) const {
  commitments::tab::sign_item(key(role, index), domain_, *assets_, item);
}

Signature Actors::sign_mandate(const commitments::tab::Mandate& mandate, std::uint64_t payer) const {
  return commitments::tab::sign(key(Role::payer, payer), domain_, mandate, text_hash(mandate.asset));
}

Signature Actors::sign_revocation(const commitments::tab::MandateRevocation& revocation, std::uint64_t payer) const {
  return commitments::tab::sign(key(Role::payer, payer), domain_, revocation, text_hash(revocation.asset));
}

commitments::tab::UnverifiedBatch Actors::batch(std::uint64_t server, std::uint64_t number,
                                                std::vector<Item> items) const {
  commitments::tab::UnverifiedBatch result;
  result.header = commitments::tab::sign_batch(key(Role::server, server), domain_, *assets_, number, items);
  result.network = domain_.network;
  result.items = std::move(items);
  return result;
}

commitments::tab::VerifiedBatch Actors::verify(commitments::tab::UnverifiedBatch batch) const {
  commitments::tab::BatchVerifier verifier(domain_, assets_, key_cache_, std::move(batch));
  verifier.verify_items(0, verifier.size());
  return verifier.finish();
}

commitments::tab::VerifiedBatch Actors::trusted(std::uint64_t server, std::uint64_t number,
                                                std::vector<Item> items) const {
  commitments::tab::BatchHeader header;
  header.server = this->server(server);
  header.number = number;
  header.count = static_cast<std::uint32_t>(items.size());
  std::vector<Hash> leaves;
  std::vector<commitments::tab::VerifiedItem> verified;
  for (Item& item : items) {
    verified.push_back(VerifiedTestAccess::item(domain_, *assets_, std::move(item)));
    leaves.push_back(verified.back().leaf());
  }
  header.root = crypto::merkle_root(leaves);
  return VerifiedTestAccess::batch(header, std::move(verified));
}

}  // namespace support

namespace commitments::tab {

VerifiedItem VerifiedTestAccess::item(Item item, const Hash& digest, const Hash& leaf, base::Status status) {
  VerifiedItem result;
  result.item_ = std::move(item);
  result.digest_ = digest;
  result.leaf_ = leaf;
  result.status_ = status;
  return result;
}

VerifiedItem VerifiedTestAccess::item(const Domain& domain, const AssetTable& assets, Item item, base::Status status) {
  const Hash* text_hash = assets.text_hash(item.kind == ItemKind::voucher ? item.voucher.asset : item.single.asset);
  const Hash digest = item_digest(domain, item, text_hash != nullptr ? *text_hash : Hash{});
  const Hash leaf = item_leaf(item.kind, digest, item.first_index, item.usages);
  return VerifiedTestAccess::item(std::move(item), digest, leaf, status);
}

VerifiedBatch VerifiedTestAccess::batch(const BatchHeader& header, std::vector<VerifiedItem> items,
                                        base::Status status) {
  VerifiedBatch result;
  result.header_ = header;
  result.items_ = std::move(items);
  result.status_ = status;
  return result;
}

}  // namespace commitments::tab
