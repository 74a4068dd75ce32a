#pragma once

// The `<operator>:tab` binding of x402 `batch-settlement`: what payers, agents and resource servers sign.
// Normative text: docs/bindings/tab.md. All signatures are EIP-712 in the domain of one operator network.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace commitments::tab {

using base::Address;
using base::Amount;
using base::AssetId;
using base::Hash;
using base::Signature;
using base::Unit;

// The EIP-712 domain of one operator: name "tabd", version "1", salt keccak256(network), for example "acme:tab".
struct Domain {
  explicit Domain(std::string_view network);
  std::string network;
  Hash separator;
};

// The assets of the operator: what the short AssetId of an item stands for in signed text. Immutable once built.
class AssetTable {
 public:
  // `text` is the asset exactly as signed: a CAIP-19 asset type ("eip155:8453/erc20:0x...") or an ISO 4217 code.
  void add(AssetId id, std::string_view text);
  // keccak256 of the text; null if unknown. The pointer lives as long as the table.
  const Hash* text_hash(AssetId id) const noexcept;

 private:
  std::unordered_map<AssetId, Hash> hashes_;
};

// A promise for one purchase. The pair (payer, nonce) identifies it for ever.
struct SingleUse {
  Address payer;
  Address payee;
  AssetId asset;
  Amount maximum;                  // the server charges this or less; below 2^127
  Hash resource;                   // keccak256 of the resource's URL, or zero for any
  base::u128 nonce = 0;            // unique per payer: random, or counted
  std::uint64_t valid_after = 0;   // seconds, inclusive
  std::uint64_t valid_before = 0;  // seconds, exclusive
};

// A promise that grows: all charges of the tab together stay at or below `maximum`. A later voucher replaces an
// earlier.
struct Voucher {
  Address payer;
  Address payee;
  AssetId asset;
  Hash salt;  // tells apart several tabs of the same parties
  Amount maximum;
  std::uint64_t valid_before = 0;  // seconds, exclusive; 0 = no end
};

// Identity of a tab: keccak256(payer || payee || keccak256(asset text) || salt).
Hash tab_key(const Voucher& voucher, const Hash& asset_text_hash);

enum class Period : std::uint8_t { total = 0, hour = 1, day = 2, week = 3, month = 4 };  // UTC; weeks start on Monday
inline constexpr std::size_t kPeriods = 5;

// The payer lets an agent's key sign for it. One mandate is in force for each (payer, agent, asset): the highest nonce.
struct Mandate {
  Address payer;
  Address agent;
  AssetId asset;
  Amount cap;  // of charges and held maxima, in each period
  Period period = Period::total;
  std::vector<Address> payees;     // empty = any; strictly ascending, at most limits::kMandatePayeesMax
  std::uint64_t valid_after = 0;   // seconds, inclusive
  std::uint64_t valid_before = 0;  // seconds, exclusive; 0 = no end
  std::uint64_t nonce = 0;
};

struct MandateRevocation {
  Address payer;
  Address agent;
  AssetId asset;
  std::uint64_t nonce = 0;  // higher than the mandate's; no mandate with this or a lower nonce is valid afterwards
};

// One charge as the server reports it.
struct Usage {
  Amount amount;
  std::uint64_t quantity = 0;
  Unit unit;
  Hash resource;  // keccak256 of what was delivered; for a commitment with a resource, the same
};

enum class ItemKind : std::uint8_t {
  charge = 1,   // single-use commitment, charged now: `single`, `usages` has one
  hold = 2,     // single-use commitment, reserved up to its maximum: `single`, no usage
  capture = 3,  // charges a hold: `single.payer`, `single.nonce` name it, `usages` has one; not signed by the payer
  release = 4,  // gives a hold up: the same without usage
  voucher = 5,  // `voucher`, `first_index`, `usages` has 1 .. limits::kChargesPerVoucherMax
};

// What a resource server submits. `single` or `voucher` is used, by kind.
struct Item {
  ItemKind kind = ItemKind::charge;
  SingleUse single;
  Voucher voucher;
  Address signer;                 // zero = the payer; otherwise an agent with a mandate
  Signature signature;            // of the payer or agent; ignored for capture and release
  std::uint64_t first_index = 0;  // voucher: position on the tab of the first usage, counted from 0
  std::vector<Usage> usages;
  bool signature_length_ok = true;  // false if the wire carried another length than 65

  const Address& payer() const noexcept { return kind == ItemKind::voucher ? voucher.payer : single.payer; }
  const Address& effective_signer() const noexcept { return signer.is_zero() ? payer() : signer; }
};

// What the server signs over its batch: Batch(address server,uint64 number,uint32 count,bytes32 root).
struct BatchHeader {
  Address server;            // the registered key
  std::uint64_t number = 0;  // chosen by the server, for its own books
  std::uint32_t count = 0;
  Hash root;  // RFC 6962 root over item_leaf() of the items in order
  Signature signature;
};

// EIP-712 digests.
Hash digest(const Domain& domain, const SingleUse& value, const Hash& asset_text_hash);
Hash digest(const Domain& domain, const Voucher& value, const Hash& asset_text_hash);
Hash digest(const Domain& domain, const Mandate& value, const Hash& asset_text_hash);
Hash digest(const Domain& domain, const MandateRevocation& value, const Hash& asset_text_hash);
Hash digest(const Domain& domain, const BatchHeader& value);
// Segment(uint64 number,bytes32 hash): the operator's signature over a journal segment.
Hash segment_digest(const Domain& domain, std::uint64_t number, const Hash& segment_hash);
// Login(string role,address key,bytes32 challenge): answers the daemon's challenge.
Hash login_digest(const Domain& domain, std::string_view role, const Address& key, const Hash& challenge);

// The digest that stands for the item in its batch leaf: the commitment's or voucher's EIP-712 digest; for capture and
// release keccak256(payer || nonce as 16 bytes big-endian).
Hash item_digest(const Domain& domain, const Item& item, const Hash& asset_text_hash);

// Leaf hash of an item in the batch tree: merkle_leaf(digest || kind || first_index || count || usages); byte layout in
// docs/bindings/tab.md.
Hash item_leaf(ItemKind kind, const Hash& item_digest, std::uint64_t first_index, const std::vector<Usage>& usages);

}  // namespace commitments::tab
