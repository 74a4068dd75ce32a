#include "commitments/tab/verify.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "commitments/tab/verify_parts.h"
#include "crypto/merkle.h"

namespace commitments::tab {
namespace {

using base::Status;

bool needs_signature(ItemKind kind) noexcept { return kind != ItemKind::capture && kind != ItemKind::release; }

AssetId asset_of(const Item& item) noexcept {
  return item.kind == ItemKind::voucher ? item.voucher.asset : item.single.asset;
}

bool single_use_well_formed(const SingleUse& single) noexcept {
  return !single.payer.is_zero() && !single.payee.is_zero();
}

// docs/bindings/tab.md, "Well-formed items".
bool well_formed(const Item& item) noexcept {
  if (item.kind != ItemKind::voucher && item.first_index != 0) return false;
  switch (item.kind) {
    case ItemKind::charge: return single_use_well_formed(item.single) && item.usages.size() == 1;
    case ItemKind::hold: return single_use_well_formed(item.single) && item.usages.empty();
    case ItemKind::capture: return !item.single.payer.is_zero() && item.usages.size() == 1;
    case ItemKind::release: return !item.single.payer.is_zero() && item.usages.empty();
    case ItemKind::voucher:
      if (item.voucher.payer.is_zero() || item.voucher.payee.is_zero()) return false;
      if (item.first_index > UINT64_MAX - item.usages.size()) return false;
      return !item.usages.empty() && item.usages.size() <= base::limits::kChargesPerVoucherMax;
  }
  return false;
}

bool well_formed(const Mandate& mandate) noexcept {
  if (mandate.payer.is_zero() || mandate.agent.is_zero() || mandate.payer == mandate.agent) return false;
  if (mandate.period > Period::month) return false;
  if (mandate.valid_before != 0 && mandate.valid_after >= mandate.valid_before) return false;
  if (mandate.payees.size() > base::limits::kMandatePayeesMax) return false;
  Address previous;  // zero: so that a zero payee is refused as well
  for (const Address& payee : mandate.payees) {
    if (payee <= previous) return false;
    previous = payee;
  }
  return true;
}

Status check_signature(const Hash& digest, const Signature& signature, const Address& signer) {
  const crypto::VerifyItem item{digest, signature, signer, nullptr};
  crypto::VerifyAnswer answer;
  crypto::verify({&item, 1}, {&answer, 1});
  return to_status(answer.check);
}

Status check_batch_size(const std::vector<Item>& items) noexcept {
  if (items.empty() || items.size() > base::limits::kBatchItemsMax) return Status::batch_too_large;
  std::size_t charges = 0;
  for (const Item& item : items) charges += item.usages.size();
  return charges > base::limits::kBatchChargesMax ? Status::batch_too_large : Status::ok;
}

}  // namespace

BatchVerifier::BatchVerifier(const Domain& domain, std::shared_ptr<const AssetTable> assets, KeyCache& keys,
                             UnverifiedBatch batch)
    : domain_(domain), assets_(std::move(assets)), keys_(keys), clients_(std::move(batch.clients)) {
  CHECK(assets_ != nullptr);
  CHECK(clients_.empty() || clients_.size() == batch.items.size());
  admission_ = batch.network == domain.network ? check_batch_size(batch.items) : Status::domain_wrong;
  result_.header_ = batch.header;
  result_.check_only_ = batch.check_only;
  result_.items_.resize(batch.items.size());
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    VerifiedItem& entry = result_.items_[i];
    entry.item_ = std::move(batch.items[i]);
    if (admission_ != Status::ok) entry.status_ = admission_;
    // Naming the payer as its own signer says the same as naming nobody.
    if (entry.item_.signer == entry.item_.payer()) entry.item_.signer = {};
  }
}

std::size_t BatchVerifier::size() const noexcept { return result_.items_.size(); }

Submitter BatchVerifier::submitter(std::size_t index) const noexcept {
  return {server(), clients_.empty() ? 0 : clients_[index]};
}

// Status ok means: nothing found so far.
bool BatchVerifier::prepare(std::size_t index) {
  static const Hash kUnknownAsset;
  VerifiedItem& entry = result_.items_[index];
  const Item& item = entry.item_;
  const bool has_asset = needs_signature(item.kind);
  const Hash* text_hash = has_asset ? assets_->text_hash(asset_of(item)) : &kUnknownAsset;
  entry.digest_ = item_digest(domain_, item, text_hash != nullptr ? *text_hash : kUnknownAsset);
  entry.leaf_ = item_leaf(item.kind, entry.digest_, item.first_index, item.usages);
  if (!well_formed(item)) {
    entry.status_ = Status::item_malformed;
  } else if (has_asset && !item.signature_length_ok) {
    entry.status_ = Status::signature_length;
  } else {
    entry.status_ = text_hash != nullptr ? Status::ok : Status::asset_unknown;
  }
  return entry.status_ == Status::ok && has_asset;
}

void BatchVerifier::verify_items(std::size_t begin, std::size_t end) {
  const BatchPart part{this, begin, end};
  PartVerifier(nullptr).verify({&part, 1});
}

crypto::VerifyItem BatchVerifier::item_question(std::size_t index) const noexcept {
  const VerifiedItem& entry = result_.items_[index];
  return {entry.digest_, entry.item_.signature, entry.item_.effective_signer(), nullptr};
}

std::optional<crypto::VerifyItem> BatchVerifier::header_question() const {
  const BatchHeader& header = result_.header_;
  if (result_.check_only_ || header.server.is_zero() || header.count != result_.items_.size()) return std::nullopt;
  return crypto::VerifyItem{digest(domain_, header), header.signature, header.server, nullptr};
}

bool BatchVerifier::server_signature_good() {
  const BatchHeader& header = result_.header_;
  if (header.server.is_zero() || header.count != result_.items_.size()) return false;
  std::vector<Hash> leaves;
  leaves.reserve(result_.items_.size());
  for (const VerifiedItem& entry : result_.items_) leaves.push_back(entry.leaf_);
  return crypto::merkle_root(leaves) == header.root && server_check_ == crypto::SignatureCheck::ok;
}

VerifiedBatch BatchVerifier::finish() {
  result_.status_ = admission_;
  if (admission_ == Status::ok && !result_.check_only_ && !server_signature_good())
    result_.status_ = Status::batch_signature_wrong;
  return std::move(result_);
}

base::Status verify_mandate(const Domain& domain, const AssetTable& assets, const Mandate& mandate,
                            const Signature& signature) {
  if (!well_formed(mandate)) return Status::item_malformed;
  const Hash* text_hash = assets.text_hash(mandate.asset);
  if (text_hash == nullptr) return Status::asset_unknown;
  return check_signature(digest(domain, mandate, *text_hash), signature, mandate.payer);
}

base::Status verify_revocation(const Domain& domain, const AssetTable& assets, const MandateRevocation& revocation,
                               const Signature& signature) {
  if (revocation.payer.is_zero() || revocation.agent.is_zero()) return Status::item_malformed;
  const Hash* text_hash = assets.text_hash(revocation.asset);
  if (text_hash == nullptr) return Status::asset_unknown;
  return check_signature(digest(domain, revocation, *text_hash), signature, revocation.payer);
}

base::Status to_status(crypto::SignatureCheck check) noexcept {
  switch (check) {
    case crypto::SignatureCheck::ok: return Status::ok;
    case crypto::SignatureCheck::wrong: return Status::signature_wrong;
    case crypto::SignatureCheck::high_s: return Status::signature_high_s;
    case crypto::SignatureCheck::bad_v: return Status::signature_bad_v;
    case crypto::SignatureCheck::out_of_range: return Status::signature_out_of_range;
  }
  return Status::signature_wrong;
}

}  // namespace commitments::tab
