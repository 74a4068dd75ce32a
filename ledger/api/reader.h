#pragma once

// Reads of the durable state: never something that is not yet fsynced. Safe from any thread; each call sees one
// consistent state. Lists are in ascending order, start after `after` (0 = from the start) and give at most `limit`.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "ledger/core/entry.h"
#include "ledger/core/segment.h"
#include "ledger/core/types.h"

namespace ledger::api {

using base::Result;

// An entry with where it stands.
struct StoredEntry {
  core::Sequence sequence;
  core::SegmentId segment;
  std::uint32_t index = 0;  // in its segment
  core::Time time;
  core::Bytes bytes;  // as stored
  core::Entry entry;
};

class LedgerReader {
 public:
  virtual ~LedgerReader() = default;

  virtual Result<core::LedgerHead> head() const = 0;
  // Single objects: not_found if there is none.
  virtual Result<core::Payer> payer(core::PayerId id) const = 0;
  virtual Result<core::Payer> payer(const core::Address& address) const = 0;
  virtual Result<core::Payee> payee(core::PayeeId id) const = 0;
  virtual Result<core::Payee> payee(const core::Address& address) const = 0;
  virtual Result<core::Server> server(core::ServerId id) const = 0;
  virtual Result<core::Server> server(const core::Address& key) const = 0;
  virtual Result<core::Plan> plan(core::PlanId id) const = 0;
  virtual Result<core::Asset> asset(core::AssetId id) const = 0;
  virtual Result<core::MandateState> mandate(core::MandateId id) const = 0;
  virtual Result<core::Tab> tab(core::TabId id) const = 0;
  virtual Result<core::Statement> statement(core::StatementId id) const = 0;
  virtual Result<core::Settlement> settlement(core::SettlementId id) const = 0;
  virtual Result<core::Notice> notice(core::NoticeId id) const = 0;  // with its mark
  // What a settlement of kind relay is about; not_found for other kinds.
  virtual Result<core::Relay> relay(core::SettlementId id) const = 0;
  virtual Result<core::Channel> channel(core::ChannelId id) const = 0;
  virtual Result<core::Channel> channel(const core::Hash& key) const = 0;  // by its channelId on the chain
  virtual Result<core::PayeeBalance> payee_balance(core::PayeeId payee, core::AssetId asset) const = 0;
  virtual Result<core::OperatorBalance> operator_balance(core::AssetId asset) const = 0;
  // With the lines of the open window.
  virtual Result<core::Tally> tally(core::PayerId payer, core::AssetId asset) const = 0;

  virtual Result<std::vector<core::Asset>> assets() const = 0;
  virtual Result<std::vector<core::Plan>> plans() const = 0;
  virtual Result<std::vector<core::Payer>> payers(core::PayerId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Payee>> payees(core::PayeeId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Server>> servers(core::ServerId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Tally>> tallies(core::PayerId payer) const = 0;  // without lines
  virtual Result<std::vector<core::PayeeBalance>> payee_balances(core::PayeeId payee) const = 0;
  virtual Result<std::vector<core::MandateState>> mandates(core::PayerId payer, core::MandateId after,
                                                           std::size_t limit) const = 0;
  virtual Result<std::vector<core::Statement>> statements(core::StatementId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Statement>> statements_of(core::PayerId payer, core::StatementId after,
                                                             std::size_t limit) const = 0;
  virtual Result<std::vector<core::Settlement>> settlements(core::SettlementId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Settlement>> settlements_in(core::SettlementState state, core::SettlementId after,
                                                               std::size_t limit) const = 0;
  // A payer's collections and refunds.
  virtual Result<std::vector<core::Settlement>> settlements_of(core::PayerId /*payer*/, core::SettlementId /*after*/,
                                                               std::size_t /*limit*/) const {
    return base::error(base::ErrorCode::unsupported, "this reader has no index of payers' settlements");
  }
  // Settlements whose next_action is at or before `now`, earliest first.
  virtual Result<std::vector<core::Settlement>> due_settlements(core::Time now, std::size_t limit) const = 0;
  // What rails said on their own, with their marks.
  virtual Result<std::vector<core::Notice>> notices(core::NoticeId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Notice>> notices_in(core::NoticeState state, core::NoticeId after,
                                                       std::size_t limit) const = 0;
  // The last `limit` that name the settlement, oldest first.
  virtual Result<std::vector<core::Notice>> notices_of(core::SettlementId settlement, std::size_t limit) const = 0;
  // Credit notes and payments: all, of one payer, on one statement. Readers that keep none say unsupported.
  virtual Result<core::CreditNote> credit_note(core::CreditNoteId /*id*/) const { return no_documents(); }
  virtual Result<std::vector<core::CreditNote>> credit_notes(core::CreditNoteId /*after*/,
                                                             std::size_t /*limit*/) const {
    return no_documents();
  }
  virtual Result<std::vector<core::CreditNote>> credit_notes_of(core::PayerId /*payer*/, core::CreditNoteId /*after*/,
                                                                std::size_t /*limit*/) const {
    return no_documents();
  }
  virtual Result<std::vector<core::CreditNote>> credit_notes_on(core::StatementId /*statement*/,
                                                                std::size_t /*limit*/) const {
    return no_documents();
  }
  virtual Result<std::vector<core::Payment>> payments(core::PaymentId /*after*/, std::size_t /*limit*/) const {
    return no_documents();
  }
  virtual Result<std::vector<core::Payment>> payments_of(core::PayerId /*payer*/, core::PaymentId /*after*/,
                                                         std::size_t /*limit*/) const {
    return no_documents();
  }
  // Those of a new ledger if none were set.
  virtual Result<core::ReleaseDefaults> release_defaults() const { return no_documents(); }
  virtual Result<std::vector<core::Channel>> channels(core::ChannelId after, std::size_t limit) const = 0;
  virtual Result<std::vector<core::Earnings>> earnings(std::size_t limit) const = 0;  // in order of appearance

  // The journal.
  virtual Result<std::vector<StoredEntry>> entries(core::Sequence from, std::size_t limit) const = 0;
  virtual Result<StoredEntry> entry(core::Sequence sequence) const = 0;
  // Charging entries of one payer, from the history index; may lag the head by moments.
  virtual Result<std::vector<StoredEntry>> payer_entries(core::PayerId payer, core::Sequence after,
                                                         std::size_t limit) const = 0;
  // The window_closed entries of one payer, those without a statement too; the same index.
  virtual Result<std::vector<StoredEntry>> payer_windows(core::PayerId /*payer*/, core::Sequence /*after*/,
                                                         std::size_t /*limit*/) const {
    return base::error(base::ErrorCode::unsupported, "this reader has no index of closed windows");
  }
  virtual Result<core::Segment> segment_of(core::Sequence sequence) const = 0;  // whole, with body
  virtual Result<core::Segment> segment(core::SegmentId id) const = 0;
  // Hashes of segments first .. first + count - 1 (fewer at the end).
  virtual Result<std::vector<core::Hash>> segment_hashes(core::SegmentId first, std::size_t count) const = 0;

 private:
  static tl::unexpected<base::Error> no_documents() {
    return base::error(base::ErrorCode::unsupported, "this reader has no credit notes and payments");
  }
};

}  // namespace ledger::api
