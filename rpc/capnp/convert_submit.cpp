// What a resource server sends and gets back: the hot path.

#include <algorithm>

#include "base/limits.h"
#include "rpc/capnp/convert.h"

namespace rpc {
namespace {

namespace tab = commitments::tab;
namespace limits = base::limits;

constexpr const char* kPayerRule = "payer: an address has 20 bytes";
constexpr const char* kPayeeRule = "payee: an address has 20 bytes";
constexpr const char* kSignerRule = "signer: an address has 20 bytes, or none for the payer";
constexpr const char* kMaximumRule = "maximum: above 2^127 - 1";
constexpr const char* kAmountRule = "amount: above 2^127 - 1";
constexpr const char* kResourceRule = "resource: a hash has 32 bytes, or none";
constexpr const char* kSaltRule = "salt: 32 bytes, or none";
constexpr const char* kUnitRule = "unit: at most 8 printable ASCII characters without spaces";
constexpr const char* kUsagesRule = "usages: 1 to 1,000";
constexpr const char* kKindRule = "kind: unknown to this version";

// Each decoder fills what it can and returns the first rule that was broken, or null.
const char* decode_single(wire::SingleUse::Reader in, tab::SingleUse& out) {
  const char* broken = nullptr;
  if (!decode_optional(in.getResource(), out.resource)) broken = kResourceRule;
  if (!decode_amount(in.getMaximum(), out.maximum)) broken = kMaximumRule;
  if (!decode_fixed(in.getPayee(), out.payee)) broken = kPayeeRule;
  if (!decode_fixed(in.getPayer(), out.payer)) broken = kPayerRule;
  out.nonce = decode_wide(in.getNonce());
  out.valid_after = in.getValidAfter();
  out.valid_before = in.getValidBefore();
  out.asset = base::AssetId(in.getAsset());
  return broken;
}

const char* decode_voucher(wire::Voucher::Reader in, tab::Voucher& out) {
  const char* broken = nullptr;
  if (!decode_optional(in.getSalt(), out.salt)) broken = kSaltRule;
  if (!decode_amount(in.getMaximum(), out.maximum)) broken = kMaximumRule;
  if (!decode_fixed(in.getPayee(), out.payee)) broken = kPayeeRule;
  if (!decode_fixed(in.getPayer(), out.payer)) broken = kPayerRule;
  out.valid_before = in.getValidBefore();
  out.asset = base::AssetId(in.getAsset());
  return broken;
}

const char* decode_hold_reference(wire::HoldReference::Reader in, tab::SingleUse& out) {
  out.nonce = decode_wide(in.getNonce());
  return decode_fixed(in.getPayer(), out.payer) ? nullptr : kPayerRule;
}

const char* decode_voucher_charges(wire::VoucherCharges::Reader in, tab::Item& out) {
  const char* broken = decode_voucher(in.getVoucher(), out.voucher);
  out.first_index = in.getFirstIndex();
  const auto usages = in.getUsages();
  if (usages.size() > limits::kChargesPerVoucherMax) return kUsagesRule;
  out.usages.resize(usages.size());
  for (capnp::uint i = 0; i < usages.size(); ++i) {
    const char* usage_broken = decode_usage(usages[i], base::Hash{}, out.usages[i]);
    if (broken == nullptr) broken = usage_broken;
  }
  return broken;
}

// capture and release carry no signature of the payer's.
const char* decode_signature(wire::Item::Reader in, tab::Item& out) {
  out.signature_length_ok = decode_fixed(in.getSignature(), out.signature);
  return decode_optional(in.getSigner(), out.signer) ? nullptr : kSignerRule;
}

const char* first_of(const char* a, const char* b) noexcept { return a != nullptr ? a : b; }

const char* decode_item(wire::Item::Reader in, tab::Item& out) {
  switch (in.which()) {
    case wire::Item::CHARGE: {
      out.kind = tab::ItemKind::charge;
      const auto charge = in.getCharge();
      const char* broken = decode_single(charge.getCommitment(), out.single);
      out.usages.resize(1);
      broken = first_of(broken, decode_usage(charge.getUsage(), out.single.resource, out.usages[0]));
      return first_of(broken, decode_signature(in, out));
    }
    case wire::Item::HOLD: {
      out.kind = tab::ItemKind::hold;
      const char* broken = decode_single(in.getHold(), out.single);
      return first_of(broken, decode_signature(in, out));
    }
    case wire::Item::CAPTURE: {
      out.kind = tab::ItemKind::capture;
      const auto capture = in.getCapture();
      const char* broken = decode_hold_reference(capture.getHold(), out.single);
      out.usages.resize(1);
      return first_of(broken, decode_usage(capture.getUsage(), base::Hash{}, out.usages[0]));
    }
    case wire::Item::RELEASE:
      out.kind = tab::ItemKind::release;
      return decode_hold_reference(in.getRelease(), out.single);
    case wire::Item::VOUCHER: {
      out.kind = tab::ItemKind::voucher;
      const char* broken = decode_voucher_charges(in.getVoucher(), out);
      return first_of(broken, decode_signature(in, out));
    }
  }
  return kKindRule;
}

std::size_t charges_of(wire::Item::Reader in) {
  if (in.isVoucher()) return in.getVoucher().getUsages().size();
  return in.isCharge() || in.isCapture() ? 1 : 0;
}

void encode_usages(const std::vector<tab::Usage>& in, capnp::List<wire::Usage>::Builder out) {
  for (std::size_t i = 0; i < in.size(); ++i) encode(in[i], out[list_size(i)]);
}

void encode_single(const tab::SingleUse& in, wire::SingleUse::Builder out) {
  out.setPayer(data(in.payer));
  out.setPayee(data(in.payee));
  TABD_SET_AMOUNT(out, Maximum, in.maximum);
  if (!in.resource.is_zero()) out.setResource(data(in.resource));
  if (in.nonce != 0) encode_wide(in.nonce, out.initNonce());
  out.setValidAfter(in.valid_after);
  out.setValidBefore(in.valid_before);
  out.setAsset(in.asset.value);
}

void encode_hold_reference(const tab::SingleUse& in, wire::HoldReference::Builder out) {
  out.setPayer(data(in.payer));
  if (in.nonce != 0) encode_wide(in.nonce, out.initNonce());
}

void encode_voucher_charges(const tab::Item& in, wire::VoucherCharges::Builder out) {
  wire::Voucher::Builder voucher = out.initVoucher();
  voucher.setPayer(data(in.voucher.payer));
  voucher.setPayee(data(in.voucher.payee));
  if (!in.voucher.salt.is_zero()) voucher.setSalt(data(in.voucher.salt));
  TABD_SET_AMOUNT(voucher, Maximum, in.voucher.maximum);
  voucher.setValidBefore(in.voucher.valid_before);
  voucher.setAsset(in.voucher.asset.value);
  out.setFirstIndex(in.first_index);
  encode_usages(in.usages, out.initUsages(list_size(in.usages.size())));
}

// A charge with another number of usages than one keeps what fits: the daemon refuses it as malformed.
void encode_item(const tab::Item& in, wire::Item::Builder out) {
  const bool has_usage = !in.usages.empty();
  if (in.kind != tab::ItemKind::capture && in.kind != tab::ItemKind::release) {
    // Another length than 65 is kept wrong, so that the daemon can say so.
    if (in.signature_length_ok) out.setSignature(data(in.signature));
    if (!in.signer.is_zero()) out.setSigner(data(in.signer));
  }
  switch (in.kind) {
    case tab::ItemKind::charge: {
      wire::Charge::Builder charge = out.initCharge();
      encode_single(in.single, charge.initCommitment());
      if (!has_usage) return;
      wire::Usage::Builder usage = charge.initUsage();
      encode(in.usages[0], usage);
      if (in.usages[0].resource == in.single.resource) usage.disownResource();
      return;
    }
    case tab::ItemKind::hold: encode_single(in.single, out.initHold()); return;
    case tab::ItemKind::capture: {
      wire::Capture::Builder capture = out.initCapture();
      encode_hold_reference(in.single, capture.initHold());
      if (has_usage) encode(in.usages[0], capture.initUsage());
      return;
    }
    case tab::ItemKind::release: encode_hold_reference(in.single, out.initRelease()); return;
    case tab::ItemKind::voucher: encode_voucher_charges(in, out.initVoucher()); return;
  }
}

bool has_numbers(const core::ItemResult& in) noexcept {
  return !in.limit.is_zero() || !in.allowed.is_zero() || in.expected_index != 0;
}

void encode_numbers(const core::ItemResult& in, wire::ExceededNumbers::Builder out) {
  TABD_SET_AMOUNT(out, Limit, in.limit);
  TABD_SET_AMOUNT(out, Allowed, in.allowed);
  out.setExpectedIndex(in.expected_index);
}

void decode_numbers(wire::ExceededNumbers::Reader in, core::ItemResult& out) {
  // The daemon's own amounts fit; another daemon's that do not are shown as zero.
  if (!decode_amount(in.getLimit(), out.limit)) out.limit = {};
  if (!decode_amount(in.getAllowed(), out.allowed)) out.allowed = {};
  out.expected_index = in.getExpectedIndex();
}

}  // namespace

const char* decode_usage(wire::Usage::Reader in, const base::Hash& default_resource, tab::Usage& out) {
  const char* broken = nullptr;
  out.quantity = in.getQuantity();
  if (!decode_amount(in.getAmount(), out.amount)) broken = kAmountRule;
  const capnp::Text::Reader unit_text = in.getUnit();
  if (const std::optional<base::Unit> unit = base::Unit::parse({unit_text.begin(), unit_text.size()})) {
    out.unit = *unit;
  } else {
    broken = kUnitRule;
  }
  const capnp::Data::Reader resource = in.getResource();
  if (resource.size() == 0) {
    out.resource = default_resource;
  } else if (!decode_fixed(resource, out.resource)) {
    broken = kResourceRule;
  }
  return broken;
}

void encode(const tab::Usage& in, wire::Usage::Builder out) {
  TABD_SET_AMOUNT(out, Amount, in.amount);
  out.setQuantity(in.quantity);
  const std::string_view unit = in.unit.view();
  if (!unit.empty()) {
    capnp::Text::Builder text = out.initUnit(list_size(unit.size()));
    std::copy(unit.begin(), unit.end(), text.begin());
  }
  if (!in.resource.is_zero()) out.setResource(data(in.resource));
}

DecodedBatch decode_batch(wire::Batch::Reader in, const base::Address& server, std::string_view network) {
  DecodedBatch out;
  tab::BatchHeader& header = out.batch.header;
  header.server = server;
  header.number = in.getNumber();
  const auto items = in.getItems();
  header.count = items.size();
  const auto refuse = [&out](base::Status status, std::string detail) {
    out.status = status;
    out.detail = std::move(detail);
    return std::move(out);
  };
  const capnp::Text::Reader named = in.getNetwork();
  if (std::string_view(named.begin(), named.size()) != network)
    return refuse(base::Status::domain_wrong, "this network is " + std::string(network));
  out.batch.network = network;
  if (items.size() == 0 || items.size() > limits::kBatchItemsMax)
    return refuse(base::Status::batch_too_large, "the batch has " + std::to_string(items.size()) + " items");
  std::size_t charges = 0;
  for (auto item : items) charges += charges_of(item);
  if (charges > limits::kBatchChargesMax) {
    return refuse(base::Status::batch_too_large, "the batch has " + std::to_string(charges) + " usages; at most " +
                                                     std::to_string(limits::kBatchChargesMax) + " fit");
  }
  if (!decode_fixed(in.getSignature(), header.signature)) {
    return refuse(base::Status::batch_signature_wrong,
                  "the batch signature has " + std::to_string(in.getSignature().size()) + " bytes, not 65");
  }
  if (!decode_fixed(in.getRoot(), header.root)) {
    return refuse(base::Status::batch_signature_wrong,
                  "the batch root has " + std::to_string(in.getRoot().size()) + " bytes, not 32");
  }
  out.batch.items.resize(items.size());
  for (capnp::uint i = 0; i < items.size(); ++i) {
    tab::Item& item = out.batch.items[i];
    const char* broken = decode_item(items[i], item);
    if (broken == nullptr) continue;
    item.single.payer = {};
    item.voucher.payer = {};
    out.malformed.push_back({i, broken});
  }
  return out;
}

std::string describe(const std::vector<MalformedItem>& malformed) {
  constexpr std::size_t kShown = 8;
  std::string out;
  for (std::size_t i = 0; i < malformed.size() && i < kShown; ++i) {
    if (i > 0) out += "; ";
    out += "item " + std::to_string(malformed[i].index) + ": " + malformed[i].what;
  }
  if (malformed.size() > kShown) out += "; and " + std::to_string(malformed.size() - kShown) + " more";
  return out;
}

void encode(const tab::UnverifiedBatch& in, wire::Batch::Builder out) {
  out.setNumber(in.header.number);
  out.setRoot(data(in.header.root));
  out.setSignature(data(in.header.signature));
  out.setNetwork(text(in.network));
  auto items = out.initItems(list_size(in.items.size()));
  for (std::size_t i = 0; i < in.items.size(); ++i) encode_item(in.items[i], items[list_size(i)]);
}

void encode(const ledger::api::BatchReceipt& in, std::string_view detail, wire::BatchReceipt::Builder out) {
  out.setStatus(number(in.status));
  out.setRetryAfterMs(in.retry_after_ms);
  out.setSegment(in.segment.value);
  out.setFirstSequence(in.segment_first.value);
  out.setTimeUs(in.time.us);
  if (!detail.empty()) out.setDetail(text(std::string(detail)));
  auto items = out.initItems(list_size(in.items.size()));
  for (std::size_t i = 0; i < in.items.size(); ++i) {
    wire::ItemResult::Builder result = items[list_size(i)];
    result.setSequence(in.items[i].sequence.value);
    result.setStatus(number(in.items[i].status));
    if (has_numbers(in.items[i])) encode_numbers(in.items[i], result.initNumbers());
  }
}

BatchAnswer decode(wire::BatchReceipt::Reader in) {
  BatchAnswer out;
  out.status = decode_status(in.getStatus());
  out.retry_after_ms = in.getRetryAfterMs();
  out.segment = core::SegmentId(in.getSegment());
  out.segment_first = core::Sequence(in.getFirstSequence());
  out.time.us = in.getTimeUs();
  out.detail = string(in.getDetail());
  const auto items = in.getItems();
  out.items.resize(items.size());
  for (capnp::uint i = 0; i < items.size(); ++i) {
    core::ItemResult& result = out.items[i];
    result.status = decode_status(items[i].getStatus());
    result.sequence = core::Sequence(items[i].getSequence());
    if (items[i].hasNumbers()) decode_numbers(items[i].getNumbers(), result);
  }
  return out;
}

void encode(const StreamSummary& in, wire::StreamSummary::Builder out) {
  out.setBatches(in.batches);
  out.setItems(in.items);
  out.setAccepted(in.accepted);
  out.setRefusedCount(in.refused_count);
  out.setLastSequence(in.last_sequence.value);
  auto refused = out.initRefused(list_size(in.refused.size()));
  for (std::size_t i = 0; i < in.refused.size(); ++i) {
    const RefusedItem& item = in.refused[i];
    wire::RefusedItem::Builder builder = refused[list_size(i)];
    builder.setBatchNumber(item.batch_number);
    builder.setIndex(item.index);
    builder.setStatus(number(item.result.status));
    if (has_numbers(item.result)) encode_numbers(item.result, builder.initNumbers());
  }
}

StreamSummary decode(wire::StreamSummary::Reader in) {
  StreamSummary out;
  out.batches = in.getBatches();
  out.items = in.getItems();
  out.accepted = in.getAccepted();
  out.refused_count = in.getRefusedCount();
  out.last_sequence = core::Sequence(in.getLastSequence());
  for (auto refused : in.getRefused()) {
    RefusedItem& item = out.refused.emplace_back();
    item.batch_number = refused.getBatchNumber();
    item.index = refused.getIndex();
    item.result.status = decode_status(refused.getStatus());
    decode_numbers(refused.getNumbers(), item.result);
  }
  return out;
}

}  // namespace rpc
