#include "ledger/store/audit_journal.h"

#include <utility>

#include "base/check.h"
#include "crypto/merkle.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

namespace tab = commitments::tab;

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string kind_of_entry(const core::Entry& entry) { return std::string(core::kind_name(core::kind_of(entry))); }

}  // namespace

JournalAudit::JournalAudit(const Database& database, core::StateMachine& machine, SignatureChecks& signatures,
                           IndexAudit& indexes, const AuditOptions& options, AuditReport& report)
    : database_(database),
      machine_(machine),
      signatures_(signatures),
      indexes_(indexes),
      options_(options),
      report_(report) {}

AuditDifference JournalAudit::difference(core::Sequence sequence, std::string kind, std::string field,
                                         std::string stored, std::string computed) const {
  return {segment_, sequence, std::move(kind), std::move(field), std::move(stored), std::move(computed)};
}

void JournalAudit::check_signature(core::Sequence sequence, std::uint8_t kind, const char* field,
                                   const core::Hash& digest, const core::Signature& signature,
                                   const core::Address& signer) {
  signatures_.add({{segment_, sequence, kind}, field, digest, signature, signer});
}

const core::Hash& JournalAudit::asset_hash(core::AssetId asset) const {
  static const core::Hash kUnknown;
  const core::Hash* hash = machine_.asset_table()->text_hash(asset);
  return hash != nullptr ? *hash : kUnknown;
}

Finding JournalAudit::segment(base::ByteView key, base::ByteView value) {
  segment_ = core::SegmentId(report_.segments + 1);
  items_.clear();
  base::Result<core::Segment> decoded = core::decode_segment_header(value);
  if (!decoded) {
    if (decoded.error().code == base::ErrorCode::unsupported) return tl::unexpected(decoded.error());
    return difference({}, "segment", "header", decoded.error().message, "a segment header");
  }
  const core::SegmentHeader& header = decoded->header;
  const core::Hash hash = core::hash_of(header);
  ASSIGN_OR_RETURN(std::optional<AuditDifference> found, check_header(key, *decoded, hash));
  if (found) return found;
  constexpr std::size_t kPreambleBytes = 192 + core::Signature::kSize;
  if (value.size() != kPreambleBytes + header.body_bytes)
    return difference({}, "segment", "body_bytes", number(header.body_bytes), number(value.size() - kPreambleBytes));
  time_ = header.time;
  ASSIGN_OR_RETURN(found, entries(header, value.subspan(kPreambleBytes)));
  if (found) return found;
  check_signature({}, 0, "operator signature", tab::segment_digest(*domain_, header.number.value, hash),
                  decoded->signature, report_.operator_key);
  ++report_.operator_signatures;
  machine_.segment_done(header, hash);
  ++report_.segments;
  report_.entries += header.count;
  report_.last_sequence = core::Sequence(header.first_sequence.value + header.count - 1);
  report_.last_segment_hash = hash;
  report_.last_time = header.time;
  return std::optional<AuditDifference>();
}

// What the header must be after the segments before it, and where it must be stored.
Finding JournalAudit::check_header(base::ByteView key, const core::Segment& segment, const core::Hash& hash) {
  const core::SegmentHeader& header = segment.header;
  const core::LedgerHead& head = machine_.head();
  const std::uint64_t first = head.last_sequence.value + 1;
  if (key.size() != 8 || get_big_endian(key) != header.first_sequence.value)
    return difference({}, "segment", "key", base::to_hex(key), number(header.first_sequence.value));
  if (header.number != segment_)
    return difference({}, "segment", "number", number(header.number.value), number(segment_.value));
  if (header.first_sequence.value != first)
    return difference({}, "segment", "first_sequence", number(header.first_sequence.value), number(first));
  if (header.time < head.last_time)
    return difference({}, "segment", "time", number(header.time.us), "not before " + number(head.last_time.us));
  if (header.previous != head.last_segment_hash)
    return difference({}, "segment", "previous", base::to_hex(header.previous), base::to_hex(head.last_segment_hash));
  const core::Hash segments_root = head.segments.root();
  if (header.segments_root != segments_root)
    return difference({}, "segment", "segments_root", base::to_hex(header.segments_root), base::to_hex(segments_root));
  base::Result<base::Bytes> row = get(database_, Family::meta, meta_segment_key(segment_).view(), "place row");
  if (!row && row.error().code != base::ErrorCode::not_found) return tl::unexpected(row.error());
  const base::Bytes stored = row ? *row : base::Bytes();
  const Key<40> computed = encode(SegmentPlace{header.first_sequence, hash});
  if (base::to_hex(stored) != base::to_hex(computed.view()))
    return difference({}, "row: segment place", "value", base::to_hex(stored), base::to_hex(computed.view()));
  return std::optional<AuditDifference>();
}

Finding JournalAudit::entries(const core::SegmentHeader& header, base::ByteView body) {
  const base::Result<std::vector<base::ByteView>> cut = core::entries_of(body);
  if (!cut) return difference({}, "segment", "body", cut.error().message, "whole entries");
  if (cut->size() != header.count) return difference({}, "segment", "count", number(header.count), number(cut->size()));
  std::vector<core::Hash> leaves;
  leaves.reserve(cut->size());
  for (const base::ByteView bytes : *cut) leaves.push_back(crypto::merkle_leaf(bytes));
  const core::Hash root = crypto::merkle_root(leaves);
  if (root != header.entries_root)
    return difference({}, "segment", "entries_root", base::to_hex(header.entries_root), base::to_hex(root));
  for (std::size_t i = 0; i < cut->size(); ++i) {
    const core::Sequence sequence(header.first_sequence.value + i);
    const base::Result<core::Entry> decoded = core::decode_entry((*cut)[i]);
    if (!decoded) return difference(sequence, "entry", "bytes", base::to_hex((*cut)[i]), decoded.error().message);
    ASSIGN_OR_RETURN(std::optional<AuditDifference> found, entry(*decoded, sequence, leaves[i]));
    if (found) return found;
  }
  return std::optional<AuditDifference>();
}

Finding JournalAudit::entry(const core::Entry& entry, core::Sequence sequence, const core::Hash& leaf) {
  if ((sequence.value == 1) != std::holds_alternative<core::Genesis>(entry))
    return difference(sequence, kind_of_entry(entry), "kind", kind_of_entry(entry),
                      sequence.value == 1 ? "genesis" : "anything but genesis");
  if (const auto* first = std::get_if<core::Genesis>(&entry)) {
    ASSIGN_OR_RETURN(std::optional<AuditDifference> found, genesis(*first));
    if (found) return found;
  }
  indexes_.at(sequence);
  const base::Result<void> applied = machine_.apply(entry, sequence, leaf, time_, indexes_);
  if (!applied)
    return difference(sequence, kind_of_entry(entry), "effect", "an accepted entry", applied.error().message);
  remember(entry);
  history(entry, sequence);
  if (const auto* signed_mandate = std::get_if<core::MandateSet>(&entry)) mandate(*signed_mandate, sequence);
  if (const auto* reserved = std::get_if<core::ChannelReserved>(&entry)) voucher(*reserved, sequence);
  if (const auto* revoked = std::get_if<core::MandateRevoked>(&entry)) return revocation(*revoked, sequence);
  if (const auto* signed_batch = std::get_if<core::BatchSigned>(&entry)) return batch(*signed_batch, sequence);
  item(entry, sequence);
  return std::optional<AuditDifference>();
}

Finding JournalAudit::genesis(const core::Genesis& genesis) {
  if (!options_.network.empty() && options_.network != genesis.network)
    return base::error(base::ErrorCode::invalid_argument,
                       "the ledger belongs to the network " + genesis.network + ", not to " + options_.network);
  if (!options_.operator_key.is_zero() && options_.operator_key != genesis.operator_key)
    return base::error(base::ErrorCode::invalid_argument, "the ledger is signed by " +
                                                              base::to_hex(genesis.operator_key) + ", not by " +
                                                              base::to_hex(options_.operator_key));
  domain_.emplace(genesis.network);
  report_.network = genesis.network;
  report_.operator_key = genesis.operator_key;
  return std::optional<AuditDifference>();
}

void JournalAudit::remember(const core::Entry& entry) {
  if (const auto* server = std::get_if<core::ServerSet>(&entry)) {
    servers_[server->server.id] = server->server.key;
  } else if (const auto* opened = std::get_if<core::TabOpened>(&entry)) {
    tabs_[opened->id] = opened->payer;
  } else if (const auto* channel = std::get_if<core::ChannelOpened>(&entry)) {
    const commitments::channel::ChannelConfig& config = channel->config;
    channels_[channel->id] = {channel->chain_id, channel->contract, channel->key,
                              config.payer_authorizer.is_zero() ? config.payer : config.payer_authorizer};
  } else if (const auto* closed = std::get_if<core::WindowClosed>(&entry)) {
    if (closed->statement.valid()) ++report_.statements;
  }
}

void JournalAudit::history(const core::Entry& entry, core::Sequence sequence) {
  if (const auto* charged = std::get_if<core::Charged>(&entry)) {
    indexes_.history(charged->commitment.payer, HistoryClass::charging, sequence);
  } else if (const auto* hold = std::get_if<core::HoldMade>(&entry)) {
    indexes_.history(hold->commitment.payer, HistoryClass::charging, sequence);
  } else if (const auto* captured = std::get_if<core::HoldCaptured>(&entry)) {
    indexes_.history(captured->payer, HistoryClass::charging, sequence);
  } else if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry)) {
    indexes_.history(tabs_[voucher->tab], HistoryClass::charging, sequence);
  } else if (const auto* closed = std::get_if<core::WindowClosed>(&entry)) {
    indexes_.history(closed->payer, HistoryClass::window_closed, sequence);
  }
}

void JournalAudit::item(const core::Entry& entry, core::Sequence sequence) {
  const std::optional<tab::Item> item = machine_.item_of(entry);
  if (!item) return;
  const core::AssetId asset = item->kind == tab::ItemKind::voucher ? item->voucher.asset : item->single.asset;
  const core::Hash digest = tab::item_digest(*domain_, *item, asset_hash(asset));
  items_.push_back({sequence, tab::item_leaf(item->kind, digest, item->first_index, item->usages)});
  if (item->kind == tab::ItemKind::capture || item->kind == tab::ItemKind::release) return;
  check_signature(sequence, core::kind_of(entry), item->signer.is_zero() ? "payer signature" : "agent signature",
                  digest, item->signature, item->effective_signer());
  ++report_.payer_signatures;
}

void JournalAudit::mandate(const core::MandateSet& entry, core::Sequence sequence) {
  check_signature(sequence, core::kind_of(core::Entry(entry)), "payer signature",
                  tab::digest(*domain_, entry.mandate, asset_hash(entry.mandate.asset)), entry.signature,
                  entry.mandate.payer);
  ++report_.payer_signatures;
}

void JournalAudit::voucher(const core::ChannelReserved& entry, core::Sequence sequence) {
  const VoucherTerms& terms = channels_[entry.id];
  const commitments::channel::Domain contract(terms.chain_id, terms.contract);
  signatures_.add({{segment_, sequence, core::kind_of(core::Entry(entry))},
                   "voucher signature",
                   commitments::channel::voucher_digest(contract, terms.key, entry.maximum),
                   entry.signature,
                   terms.signer});
  ++report_.payer_signatures;
}

Finding JournalAudit::revocation(const core::MandateRevoked& entry, core::Sequence sequence) {
  if (entry.signature.is_zero()) return std::optional<AuditDifference>();  // by the operator
  check_signature(sequence, core::kind_of(core::Entry(entry)), "payer signature",
                  tab::digest(*domain_, entry.revocation, asset_hash(entry.revocation.asset)), entry.signature,
                  entry.revocation.payer);
  ++report_.payer_signatures;
  return std::optional<AuditDifference>();
}

Finding JournalAudit::batch(const core::BatchSigned& entry, core::Sequence sequence) {
  std::vector<core::Hash> leaves;
  auto refused = entry.refused.begin();
  const auto add_refused = [&] {
    while (refused != entry.refused.end() && refused->index == leaves.size()) leaves.push_back((refused++)->leaf);
  };
  for (const ItemLeaf& item : items_) {
    if (item.sequence < entry.first) continue;
    add_refused();
    leaves.push_back(item.leaf);
  }
  add_refused();
  items_.clear();
  if (leaves.size() != entry.count || refused != entry.refused.end())
    return difference(sequence, "batch_signed", "count", number(entry.count), number(leaves.size()));
  const core::Hash root = crypto::merkle_root(leaves);
  if (root != entry.root)
    return difference(sequence, "batch_signed", "root", base::to_hex(entry.root), base::to_hex(root));
  const core::Address& server = servers_[entry.server];
  const tab::BatchHeader header{server, entry.number, entry.count, entry.root, entry.signature};
  check_signature(sequence, core::kind_of(core::Entry(entry)), "server signature", tab::digest(*domain_, header),
                  entry.signature, server);
  ++report_.server_signatures;
  return std::optional<AuditDifference>();
}

}  // namespace ledger::store
