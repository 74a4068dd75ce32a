#pragma once

// The signing side of the binding: what agents, payers and resource servers do. Used by clients, tools and tests; the
// daemon itself only verifies (and signs segments).

#include <span>

#include "commitments/tab/types.h"
#include "crypto/secp256k1.h"

namespace commitments::tab {

Signature sign(const crypto::SecretKey& key, const Domain& domain, const SingleUse& value, const Hash& asset_text_hash);
Signature sign(const crypto::SecretKey& key, const Domain& domain, const Voucher& value, const Hash& asset_text_hash);
Signature sign(const crypto::SecretKey& key, const Domain& domain, const Mandate& value, const Hash& asset_text_hash);
Signature sign(const crypto::SecretKey& key, const Domain& domain, const MandateRevocation& value,
               const Hash& asset_text_hash);
Signature sign_login(const crypto::SecretKey& key, const Domain& domain, std::string_view role, const Hash& challenge);

// Fills `signer` (zero when the key is the payer's) and `signature` of a charge, hold or voucher item.
void sign_item(const crypto::SecretKey& key, const Domain& domain, const AssetTable& assets, Item& item);
// Root over the items and the server's signature. CHECKs that every item's asset is in `assets`.
BatchHeader sign_batch(const crypto::SecretKey& server, const Domain& domain, const AssetTable& assets,
                       std::uint64_t number, std::span<const Item> items);

}  // namespace commitments::tab
