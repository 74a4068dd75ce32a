#pragma once

// Stateless checks of a submitted batch: shape, signatures, batch root. Nothing here knows balances or history.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "commitments/tab/types.h"
#include "crypto/secp256k1.h"

namespace commitments::tab {

// Public keys that were recovered before, by address. Bounded; safe from any thread. A key costs about 100 bytes, and
// only once it has been seen; a full cache replaces keys that were not used lately.
class KeyCache {
 public:
  // Rounded down to a multiple of 64, and at least one for each of 64 shards.
  explicit KeyCache(std::size_t capacity);
  ~KeyCache();
  KeyCache(const KeyCache&) = delete;
  KeyCache& operator=(const KeyCache&) = delete;

  std::optional<crypto::PublicKey> find(const Address& address) const;
  // `key` must belong to `address`, which is not checked again.
  void insert(const Address& address, const crypto::PublicKey& key);

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard;  // defined in key_cache.cpp
  Shard& shard_of(std::uint64_t hash) const noexcept;

  const std::size_t capacity_per_shard_;
  const std::uint64_t seed_;
  const std::unique_ptr<Shard[]> shards_;
};

// Who brought an item: a server, or one of several that speak through the same server.
struct Submitter {
  Address server;
  std::uint64_t client = 0;  // 0: the server itself
  auto operator<=>(const Submitter&) const = default;
};

// A batch as it came from a session, before any check.
struct UnverifiedBatch {
  BatchHeader header;
  std::string network;  // as named by the client; must equal Domain::network
  std::vector<Item> items;
  // Submitter::client of each item, chosen by the front that gathered them; empty: the server brought them all.
  std::vector<std::uint64_t> clients;
  // Asks what the ledger would say and records nothing: an item that would be accepted gets `dry_run`. Such a batch has
  // no root and no server signature, as nothing of it is kept; header.server still says who asks. For fronts in this
  // process: it has no form on the wire.
  bool check_only = false;
};

// One item after the stateless checks. Only BatchVerifier and PartVerifier make one with status ok.
class VerifiedItem {
 public:
  const Item& item() const noexcept { return item_; }
  const Hash& digest() const noexcept { return digest_; }  // item_digest()
  const Hash& leaf() const noexcept { return leaf_; }      // item_leaf()
  // ok, or the refusal of the stateless checks. An item that names its payer as signer has signer zero here.
  base::Status status() const noexcept { return status_; }

 private:
  friend class BatchVerifier;
  friend struct VerifiedTestAccess;  // tests and benchmarks: skips the signature
  Item item_;
  Hash digest_;
  Hash leaf_;
  base::Status status_ = base::Status::signature_wrong;
};

// A batch whose every item was checked and whose server signature is good. Move-only in practice (large).
class VerifiedBatch {
 public:
  const BatchHeader& header() const noexcept { return header_; }
  const std::vector<VerifiedItem>& items() const noexcept { return items_; }
  // ok, or why the batch as a whole is refused (then no item is accepted).
  base::Status status() const noexcept { return status_; }
  bool check_only() const noexcept { return check_only_; }  // as in UnverifiedBatch

 private:
  friend class BatchVerifier;
  friend struct VerifiedTestAccess;
  bool check_only_ = false;
  BatchHeader header_;
  std::vector<VerifiedItem> items_;
  base::Status status_ = base::Status::batch_signature_wrong;
};

// Checks one batch, in pieces so that several threads can share it:
//   BatchVerifier v(domain, assets, keys, std::move(batch));
//   v.verify_items(0, 32); ...   disjoint ranges, from any threads; or PartVerifier, which takes many batches together
//   VerifiedBatch done = v.finish();   once, after all ranges; checks root and server signature
// An item that no range covered is refused, and so is the batch. `domain` and `keys` must outlive the verifier.
class BatchVerifier {
 public:
  BatchVerifier(const Domain& domain, std::shared_ptr<const AssetTable> assets, KeyCache& keys, UnverifiedBatch batch);
  std::size_t size() const noexcept;
  const Address& server() const noexcept { return result_.header_.server; }
  void verify_items(std::size_t begin, std::size_t end);
  VerifiedBatch finish();

 private:
  friend class PartVerifier;
  // Digest, leaf and every check but the curve. Whether the signature is still to be checked.
  bool prepare(std::size_t index);
  crypto::VerifyItem item_question(std::size_t index) const noexcept;
  void settle(std::size_t index, base::Status status) noexcept { result_.items_[index].status_ = status; }
  Submitter submitter(std::size_t index) const noexcept;
  // The server's signature over the header; none if there is none to check, or none that could be good.
  std::optional<crypto::VerifyItem> header_question() const;
  bool server_signature_good();

  const Domain& domain_;
  const std::shared_ptr<const AssetTable> assets_;
  KeyCache& keys_;
  std::vector<std::uint64_t> clients_;         // as in UnverifiedBatch
  base::Status admission_ = base::Status::ok;  // network and size; other than ok: for the batch and all its items
  std::optional<crypto::SignatureCheck> server_check_;  // of the header, when a PartVerifier has done it
  VerifiedBatch result_;
};

// Signed mandates and revocations: ok, item_malformed, asset_unknown, or the signature's refusal.
base::Status verify_mandate(const Domain& domain, const AssetTable& assets, const Mandate& mandate,
                            const Signature& signature);
base::Status verify_revocation(const Domain& domain, const AssetTable& assets, const MandateRevocation& revocation,
                               const Signature& signature);
// Maps crypto's answer to a status.
base::Status to_status(crypto::SignatureCheck check) noexcept;

}  // namespace commitments::tab
