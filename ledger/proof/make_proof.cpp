#include "ledger/proof/make_proof.h"

#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "crypto/merkle.h"
#include "ledger/proof/proof_item.h"

namespace ledger::proof {

namespace {

using base::ErrorCode;
using base::Result;

// A segment, its entries and their leaves.
struct OpenSegment {
  core::Segment segment;
  std::vector<base::ByteView> entries;
  std::vector<core::Hash> leaves;

  static Result<OpenSegment> make(core::Segment segment) {
    OpenSegment open;
    open.segment = std::move(segment);
    ASSIGN_OR_RETURN(open.entries, core::entries_of(open.segment.body));
    for (const base::ByteView entry : open.entries) open.leaves.push_back(crypto::merkle_leaf(entry));
    return open;
  }
  std::size_t index_of(core::Sequence sequence) const { return sequence.value - segment.header.first_sequence.value; }
  core::Sequence sequence_at(std::size_t index) const {
    return core::Sequence(segment.header.first_sequence.value + index);
  }
  Inclusion include(std::size_t index) const {
    return {core::Bytes(entries[index].begin(), entries[index].end()), segment.header, segment.signature,
            static_cast<std::uint32_t>(index), crypto::merkle_inclusion_proof(leaves, index)};
  }
};

Result<OpenSegment> open_segment_of(const api::LedgerReader& reader, core::Sequence sequence) {
  ASSIGN_OR_RETURN(core::Segment segment, reader.segment_of(sequence));
  return OpenSegment::make(std::move(segment));
}

class ProofMaker {
 public:
  ProofMaker(const api::LedgerReader& reader, const core::LedgerHead& head) : reader_(reader), domain_(head.network) {}

  Result<Proof> make(core::Sequence sequence);
  const commitments::tab::Domain& domain() const { return domain_; }

 private:
  Result<std::optional<Parties>> parties_of(const core::Entry& entry) const;
  Result<Parties> parties_of(const core::SignedSingleUse& commitment) const;
  Result<Parties> parties_of(const core::VoucherCharged& voucher) const;
  Result<std::optional<BatchPart>> batch_of(const OpenSegment& open, core::Sequence sequence) const;
  Result<std::vector<core::Hash>> batch_leaves(const OpenSegment& open, const core::BatchSigned& batch,
                                               std::size_t batch_index, std::size_t item_entry,
                                               std::uint32_t& item_index) const;
  Result<std::optional<StatementPart>> statement_of(const core::Entry& entry, core::Sequence sequence) const;
  struct Account {
    core::PayerId payer;
    core::AssetId asset;
  };
  // Whose window a charge is in; empty for entries that charge nothing.
  Result<std::optional<Account>> account_of(const core::Entry& entry) const;
  struct Window {
    core::Sequence after;                    // the closing of the window before it; none: there is none
    std::optional<api::StoredEntry> closed;  // none: still open
  };
  Result<Window> window_around(const Account& account, core::Sequence sequence) const;

  const api::LedgerReader& reader_;
  const commitments::tab::Domain domain_;
};

Result<Parties> ProofMaker::parties_of(const core::SignedSingleUse& commitment) const {
  Parties parties;
  ASSIGN_OR_RETURN(const core::Payer payer, reader_.payer(commitment.payer));
  ASSIGN_OR_RETURN(const core::Payee payee, reader_.payee(commitment.payee));
  ASSIGN_OR_RETURN(const core::Asset asset, reader_.asset(commitment.asset));
  parties.payer = payer.address;
  parties.payee = payee.address;
  parties.asset = asset.text;
  if (commitment.mandate.valid()) {
    ASSIGN_OR_RETURN(const core::MandateState mandate, reader_.mandate(commitment.mandate));
    parties.signer = mandate.mandate.agent;
  }
  return parties;
}

Result<Parties> ProofMaker::parties_of(const core::VoucherCharged& voucher) const {
  ASSIGN_OR_RETURN(const core::Tab tab, reader_.tab(voucher.tab));
  core::SignedSingleUse names;
  names.payer = tab.payer;
  names.payee = tab.payee;
  names.asset = tab.asset;
  names.mandate = voucher.mandate;
  ASSIGN_OR_RETURN(Parties parties, parties_of(names));
  parties.tab_salt = tab.salt;
  return parties;
}

Result<std::optional<Parties>> ProofMaker::parties_of(const core::Entry& entry) const {
  core::PayerId finished;
  if (const auto* charged = std::get_if<core::Charged>(&entry)) return parties_of(charged->commitment);
  if (const auto* hold = std::get_if<core::HoldMade>(&entry)) return parties_of(hold->commitment);
  if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry)) return parties_of(*voucher);
  if (const auto* captured = std::get_if<core::HoldCaptured>(&entry)) finished = captured->payer;
  if (const auto* released = std::get_if<core::HoldReleased>(&entry);
      released != nullptr && released->reason == core::ReleaseReason::released)
    finished = released->payer;
  if (!finished.valid()) return std::optional<Parties>();
  ASSIGN_OR_RETURN(const core::Payer payer, reader_.payer(finished));
  Parties parties;
  parties.payer = payer.address;
  return parties;
}

// The leaves of the batch tree: of accepted items rebuilt from their entries, of refused ones as recorded.
Result<std::vector<core::Hash>> ProofMaker::batch_leaves(const OpenSegment& open, const core::BatchSigned& batch,
                                                         std::size_t batch_index, std::size_t item_entry,
                                                         std::uint32_t& item_index) const {
  std::vector<core::Hash> leaves;
  auto refused = batch.refused.begin();
  const auto add_refused = [&] {
    while (refused != batch.refused.end() && refused->index == leaves.size()) leaves.push_back((refused++)->leaf);
  };
  for (std::size_t index = open.index_of(batch.first); index < batch_index; ++index) {
    ASSIGN_OR_RETURN(const core::Entry entry, core::decode_entry(open.entries[index]));
    ASSIGN_OR_RETURN(const std::optional<Parties> parties, parties_of(entry));
    if (!parties) continue;
    const std::optional<RebuiltItem> rebuilt = rebuild_item(entry, *parties, domain_);
    CHECK(rebuilt.has_value());
    add_refused();
    if (index == item_entry) item_index = static_cast<std::uint32_t>(leaves.size());
    leaves.push_back(rebuilt->leaf);
  }
  add_refused();
  return leaves;
}

Result<std::optional<BatchPart>> ProofMaker::batch_of(const OpenSegment& open, core::Sequence sequence) const {
  for (std::size_t index = open.index_of(sequence) + 1; index < open.entries.size(); ++index) {
    ASSIGN_OR_RETURN(const core::Entry entry, core::decode_entry(open.entries[index]));
    const auto* batch = std::get_if<core::BatchSigned>(&entry);
    if (batch == nullptr) continue;
    if (batch->first > sequence || batch->first < open.segment.header.first_sequence) break;
    BatchPart part;
    part.batch_signed = open.include(index);
    ASSIGN_OR_RETURN(const core::Server server, reader_.server(batch->server));
    part.server = server.key;
    ASSIGN_OR_RETURN(const std::vector<core::Hash> leaves,
                     batch_leaves(open, *batch, index, open.index_of(sequence), part.item_index));
    if (part.item_index >= leaves.size())
      return base::error(ErrorCode::corruption, "the batch of entry " + std::to_string(sequence.value) + " lacks it");
    part.path = crypto::merkle_inclusion_proof(leaves, part.item_index);
    return part;
  }
  return std::optional<BatchPart>();
}

Result<std::optional<ProofMaker::Account>> ProofMaker::account_of(const core::Entry& entry) const {
  if (const auto* charged = std::get_if<core::Charged>(&entry))
    return Account{charged->commitment.payer, charged->commitment.asset};
  if (const auto* voucher = std::get_if<core::VoucherCharged>(&entry)) {
    ASSIGN_OR_RETURN(const core::Tab tab, reader_.tab(voucher->tab));
    return Account{tab.payer, tab.asset};
  }
  if (const auto* captured = std::get_if<core::HoldCaptured>(&entry)) {
    ASSIGN_OR_RETURN(const api::StoredEntry hold, reader_.entry(captured->hold));
    const auto* made = std::get_if<core::HoldMade>(&hold.entry);
    if (made == nullptr)
      return base::error(ErrorCode::corruption, "entry " + std::to_string(captured->hold.value) + " is not a hold");
    return Account{captured->payer, made->commitment.asset};
  }
  return std::optional<Account>();
}

Result<ProofMaker::Window> ProofMaker::window_around(const Account& account, core::Sequence sequence) const {
  Window window;
  core::Sequence after;
  for (;;) {
    ASSIGN_OR_RETURN(std::vector<api::StoredEntry> page,
                     reader_.payer_windows(account.payer, after, base::limits::kPageItemsMax));
    for (api::StoredEntry& entry : page) {
      after = entry.sequence;
      const auto* closed = std::get_if<core::WindowClosed>(&entry.entry);
      if (closed == nullptr || closed->asset != account.asset) continue;
      if (entry.sequence > sequence) {
        window.closed = std::move(entry);
        return window;
      }
      window.after = entry.sequence;
    }
    if (page.size() < base::limits::kPageItemsMax) return window;
  }
}

Result<std::optional<StatementPart>> ProofMaker::statement_of(const core::Entry& entry, core::Sequence sequence) const {
  ASSIGN_OR_RETURN(const std::optional<Account> account, account_of(entry));
  if (!account) return std::optional<StatementPart>();
  ASSIGN_OR_RETURN(const Window window, window_around(*account, sequence));
  if (!window.closed) return std::optional<StatementPart>();

  StatementPart part;
  std::vector<core::Hash> leaves;
  core::Sequence after = window.after;
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const std::vector<api::StoredEntry> page,
                     reader_.payer_entries(account->payer, after, base::limits::kPageItemsMax));
    more = page.size() == base::limits::kPageItemsMax;
    for (const api::StoredEntry& charge : page) {
      after = charge.sequence;
      if (charge.sequence > window.closed->sequence) {
        more = false;
        break;
      }
      ASSIGN_OR_RETURN(const std::optional<Account> charged, account_of(charge.entry));
      if (!charged || charged->asset != account->asset) continue;
      if (charge.sequence == sequence) part.leaf_index = leaves.size();
      leaves.push_back(crypto::merkle_leaf(charge.bytes));
    }
  }
  const auto& closed = std::get<core::WindowClosed>(window.closed->entry);
  if (leaves.size() != closed.entries || crypto::merkle_root(leaves) != closed.root) {
    return base::error(ErrorCode::corruption, "the history index does not give the charges of the window that entry " +
                                                  std::to_string(window.closed->sequence.value) + " closed");
  }
  part.path = crypto::merkle_inclusion_proof(leaves, part.leaf_index);
  ASSIGN_OR_RETURN(const OpenSegment open, open_segment_of(reader_, window.closed->sequence));
  part.window_closed = open.include(open.index_of(window.closed->sequence));
  return part;
}

Result<Proof> ProofMaker::make(core::Sequence sequence) {
  ASSIGN_OR_RETURN(const OpenSegment open, open_segment_of(reader_, sequence));
  const std::size_t index = open.index_of(sequence);
  ASSIGN_OR_RETURN(const core::Entry entry, core::decode_entry(open.entries[index]));
  Proof proof;
  proof.inclusion = open.include(index);
  ASSIGN_OR_RETURN(proof.parties, parties_of(entry));
  if (proof.parties) {
    ASSIGN_OR_RETURN(proof.batch, batch_of(open, sequence));
  }
  ASSIGN_OR_RETURN(proof.statement, statement_of(entry, sequence));
  return proof;
}

}  // namespace

Result<Proof> make_proof(const api::LedgerReader& reader, core::Sequence sequence) {
  ASSIGN_OR_RETURN(const core::LedgerHead head, reader.head());
  ProofMaker maker(reader, head);
  ASSIGN_OR_RETURN(Proof proof, maker.make(sequence));
  const Result<VerifiedClaims> claims = verify(proof, maker.domain(), head.operator_key);
  if (!claims)
    return base::error(ErrorCode::corruption, "entry " + std::to_string(sequence.value) +
                                                  " cannot be proven from what is stored: " + claims.error().message);
  return proof;
}

Result<Extension> make_extension(const api::LedgerReader& reader, core::SegmentId older, core::SegmentId newer) {
  if (!newer.valid()) {
    ASSIGN_OR_RETURN(const core::LedgerHead head, reader.head());
    newer = head.last_segment;
  }
  if (!older.valid() || older > newer)
    return base::error(ErrorCode::invalid_argument,
                       "the older segment's number must be 1 or more and not above " + std::to_string(newer.value));
  ASSIGN_OR_RETURN(const core::Segment old_segment, reader.segment(older));
  ASSIGN_OR_RETURN(const core::Segment new_segment, reader.segment(newer));
  ASSIGN_OR_RETURN(const std::vector<core::Hash> hashes,
                   reader.segment_hashes(core::SegmentId(1), static_cast<std::size_t>(newer.value - 1)));
  if (hashes.size() != newer.value - 1) return base::error(ErrorCode::corruption, "segment hashes are missing");
  return prove_extension({old_segment.header, old_segment.signature}, {new_segment.header, new_segment.signature},
                         hashes);
}

}  // namespace ledger::proof
