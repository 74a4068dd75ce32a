#include "ledger/proof/proof_item.h"

#include <type_traits>

#include "crypto/keccak.h"
#include "crypto/secp256k1.h"

namespace ledger::proof {

namespace {

namespace tab = commitments::tab;

core::Hash text_hash(const std::string& text) {
  return crypto::keccak256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

tab::Item single_item(tab::ItemKind kind, const core::SignedSingleUse& commitment, const Parties& parties) {
  tab::Item item;
  item.kind = kind;
  item.single.payer = parties.payer;
  item.single.payee = parties.payee;
  item.single.asset = commitment.asset;
  item.single.maximum = commitment.maximum;
  item.single.resource = commitment.resource;
  item.single.nonce = commitment.nonce;
  item.single.valid_after = commitment.valid_after;
  item.single.valid_before = commitment.valid_before;
  item.signature = commitment.signature;
  return item;
}

tab::Item voucher_item(const core::VoucherCharged& entry, const Parties& parties) {
  tab::Item item;
  item.kind = tab::ItemKind::voucher;
  item.voucher.payer = parties.payer;
  item.voucher.payee = parties.payee;
  item.voucher.salt = parties.tab_salt;
  item.voucher.maximum = entry.maximum;
  item.voucher.valid_before = entry.valid_before;
  item.signature = entry.signature;
  item.first_index = entry.first_index;
  item.usages = entry.usages;
  return item;
}

tab::Item finish_item(tab::ItemKind kind, base::u128 nonce, const Parties& parties) {
  tab::Item item;
  item.kind = kind;
  item.single.payer = parties.payer;
  item.single.nonce = nonce;
  return item;
}

}  // namespace

std::optional<RebuiltItem> rebuild_item(const core::Entry& entry, const Parties& parties, const tab::Domain& domain) {
  RebuiltItem rebuilt;
  rebuilt.signed_by_payer = true;
  if (const auto* charged = std::get_if<core::Charged>(&entry)) {
    rebuilt.item = single_item(tab::ItemKind::charge, charged->commitment, parties);
    rebuilt.item.usages = {charged->usage};
    rebuilt.with_mandate = charged->commitment.mandate.valid();
  } else if (const auto* hold = std::get_if<core::HoldMade>(&entry)) {
    rebuilt.item = single_item(tab::ItemKind::hold, hold->commitment, parties);
    rebuilt.with_mandate = hold->commitment.mandate.valid();
  } else if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry)) {
    rebuilt.item = voucher_item(*voucher, parties);
    rebuilt.with_mandate = voucher->mandate.valid();
  } else if (const auto* captured = std::get_if<core::HoldCaptured>(&entry)) {
    rebuilt.item = finish_item(tab::ItemKind::capture, captured->nonce, parties);
    rebuilt.item.usages = {captured->usage};
    rebuilt.signed_by_payer = false;
  } else if (const auto* released = std::get_if<core::HoldReleased>(&entry);
             released != nullptr && released->reason == core::ReleaseReason::released) {
    rebuilt.item = finish_item(tab::ItemKind::release, released->nonce, parties);
    rebuilt.signed_by_payer = false;
  } else {
    return std::nullopt;
  }
  rebuilt.item.signer = parties.signer;
  rebuilt.digest = tab::item_digest(domain, rebuilt.item, text_hash(parties.asset));
  rebuilt.leaf = tab::item_leaf(rebuilt.item.kind, rebuilt.digest, rebuilt.item.first_index, rebuilt.item.usages);
  return rebuilt;
}

bool signed_by(const core::Hash& digest, core::Signature signature, const core::Address& signer) {
  constexpr std::size_t kV = 64;
  constexpr std::uint8_t kEvenAndOdd = 27 + 28;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const crypto::Recovered recovered = crypto::recover(digest, signature);
    if (recovered.check == crypto::SignatureCheck::ok && crypto::address_of(recovered.key) == signer) return true;
    if (signature.bytes[kV] != 27 && signature.bytes[kV] != 28) return false;
    signature.bytes[kV] = static_cast<std::uint8_t>(kEvenAndOdd - signature.bytes[kV]);
  }
  return false;
}

}  // namespace ledger::proof
