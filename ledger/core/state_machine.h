#pragma once

// The deterministic heart: decides commands, applies entries, keeps the books. Pure: no I/O, clock, thread or random
// number; the same entries give the same state on every machine. Not safe for concurrent use: one writer owns it.
//
//   live:    execute_batch / execute  -> appends entries to the segment and applies each at once
//   replay:  apply                    -> the same changes from stored entries, with every derived value compared
//
// A refused command changes nothing. Broken invariants abort (CHECK) on live decisions; on replay they are Errors.
//
// In memory: payers, payees, servers, plans, mandates, tabs, tallies with their open windows, open holds,
// channels, settlements that are not finished, and of notices that wait or are in suspense what says so. Statements and
// finished settlements live in the store alone.

#include <memory>
#include <optional>
#include <span>

#include "aggregator/calendar.h"
#include "commitments/tab/verify.h"
#include "ledger/core/command.h"
#include "ledger/core/replay_index.h"
#include "ledger/core/row.h"
#include "ledger/core/segment.h"

namespace ledger::core {

// Order of checks. The first that fails is the answer; nothing is changed. It is the same for every kind of item, and a
// permanent part of the contract (docs/bindings/tab.md). [c]harge, [h]old, ca[p]ture, [r]elease, [v]oucher.
//
//    1  chprv  the batch: domain_wrong, batch_too_large, batch_signature_wrong (each item gets it)
//    2  chprv  the item alone: item_malformed, signature_*, asset_unknown
//    3  chprv  the server: server_unknown, server_suspended
//    4  chprv  payer_unknown
//    5  chprv  seen before: already_accepted (same content) or nonce_conflict, tab_conflict, hold_captured,
//              hold_released, hold_expired
//    6    pr   hold_unknown, hold_expired
//    7  chp v  payee_unknown (also: the payee is not active)
//    8  chprv  server_not_for_payee
//    9  ch  v  asset_unknown, asset_not_enabled
//   10  ch  v  expired, not_yet_valid, validity_too_long (single-use only); against ledger time
//   11  ch  v  signer_not_authorised, mandate_revoked, mandate_expired, mandate_not_yet_valid, mandate_payee_not_listed
//   12  c p v  item_malformed (a commitment's resource is not the charge's), charge_above_maximum; tab_out_of_order,
//              voucher_below_charged
//   13  ch  v  payer_suspended
//   14  ch  v  mandate_cap_exceeded
//   15  ch  v  credit_limit_exceeded
//   16  chp v  amount_overflow

struct StateCounts {
  std::size_t payers = 0, tallies = 0, open_windows = 0, open_holds = 0, tabs = 0, open_settlements = 0, channels = 0;
  std::size_t open_notices = 0;  // that wait or are in suspense
};

class StateMachine {
 public:
  // `calendar` must outlive this. `hash_seed` should be a random number of this process: it keeps outsiders from
  // preparing collisions in the lookup tables, and has no influence on any result.
  explicit StateMachine(const aggregator::Calendar& calendar, std::uint64_t hash_seed = kDefaultSeed);
  ~StateMachine();
  StateMachine(const StateMachine&) = delete;
  StateMachine& operator=(const StateMachine&) = delete;

  // A new ledger's first entry. CHECKs that the state is empty.
  void create(const std::string& network, const Address& operator_key, SegmentBuilder& out);

  // Decides every item in order; results.size() == batch.items().size(). Appends the entries of accepted items (with
  // window openings and closings where they are due) and, if any was accepted, the BatchSigned entry. A check_only
  // batch changes nothing: the ladder ends in dry_run where it would accept.
  void execute_batch(const commitments::tab::VerifiedBatch& batch, ReplayIndex& replay, SegmentBuilder& out,
                     std::span<ItemResult> results);
  CommandResult execute(const Command& command, ReplayIndex& replay, SegmentBuilder& out);
  // The statement that the command credits or refunds if it is closed and not kept in memory: before execute() the
  // caller sets the command's `closed` from the statement's rows (closed_of), after everything so far was drained. None
  // for any other command. A command without what it needs is refused.
  StatementId recalls(const Command& command) const;

  // Applies a stored entry. corruption (naming the entry and the difference) if the entry is impossible in this state
  // or a derived value in it is not what this state gives. `replay` gets the keys of accepted items.
  base::Result<void> apply(const Entry& entry, Sequence sequence, const Hash& leaf, Time time, ReplayIndex& replay);

  // After a segment is complete: its header's facts become part of the head row.
  void segment_done(const SegmentHeader& header, const Hash& segment_hash);

  // Gives every row that changed since the last call, once, in its present form.
  void drain_changes(RowSink& sink);

  // Start: the rows of the store's tables that loads() names, in any order (ascending keys need the least memory), then
  // finish_load(), which checks that they fit together. Rows of other tables are accepted and ignored.
  static bool loads(Table table) noexcept;
  base::Result<void> load_row(base::ByteView key, base::ByteView value);
  base::Result<void> finish_load();
  // Every row of the present state that it keeps in memory, for comparing a replayed state with a stored one.
  // Statements, their marks and finished settlements are not among them (they were given by drain_changes when they
  // changed), nor are the rows of tables 32 and up that belong to them.
  void dump_rows(RowSink& sink) const;

  // Adds all books up: every asset's accounts sum to zero in both phases, windows, holds, settlements and payables
  // agree with the balances. O(state). corruption with the first difference.
  base::Result<void> check_books() const;

  // What the payer (or agent) signed and the server reported, rebuilt from an entry of kinds 15..19; empty for other
  // kinds, expired holds and unknown ids. `signer` is zero if the payer signed. For audits, proofs and replay keys.
  std::optional<commitments::tab::Item> item_of(const Entry& entry) const;
  // What apply() puts into the replay index for an entry; for rebuilding the index from a part of the journal.
  struct ReplayRecord {
    ReplayKey key;
    ReplayHit hit;
  };
  std::optional<ReplayRecord> replay_record(const Entry& entry, Sequence sequence) const;

  // Earliest time at which a timer command has something to do: window end, hold expiry. Time{~0} if nothing.
  Time next_window_end() const;
  Time next_hold_expiry() const;
  Time next_payout() const;      // of those that wait for their time
  Time next_release() const;     // of payees' shares
  bool payouts_waiting() const;  // some payee has a payable amount at or above its minimum and no open payout

  const LedgerHead& head() const;
  StateCounts counts() const;
  // The assets as the verifier needs them; a new table whenever an asset was added.
  std::shared_ptr<const commitments::tab::AssetTable> asset_table() const;

  static constexpr std::uint64_t kDefaultSeed = 0x7461626400000001;

  struct State;  // state.h, internal

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ledger::core
