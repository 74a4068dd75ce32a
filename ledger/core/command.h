#pragma once

// What can be asked of the ledger beside batches of commitments. A command is decided against the state and becomes
// zero or more entries; only entries are stored.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "ledger/core/entry.h"

namespace ledger::core {

struct SetAsset {
  Asset asset;
};  // id chosen by the operator; text and scale cannot change later
struct SetPlan {
  Plan plan;
};                 // id none: found by label or created
struct SetPayer {  // found by address or created
  Address address;
  std::string label;
  std::vector<std::string> plans;  // labels
};
struct SetPayee {  // found by address or created; id ignored
  Payee payee;
};
struct SetServer {  // found by key or created
  Address key;
  std::string label;
  std::vector<Address> payees;
  bool active = true;
};
struct SetCreditLimit {
  Address payer;
  AssetId asset;
  Amount limit;  // zero = the plan's
};
struct SetMandate {  // the signature must have passed commitments::tab::verify_mandate
  commitments::tab::Mandate mandate;
  Signature signature;
};
struct RevokeMandate {  // checked by verify_revocation; all-zero signature: by the operator
  commitments::tab::MandateRevocation revocation;
  Signature signature;
};
struct SetRailMandate {
  Address payer;
  RailName rail;
  Bytes mandate;  // at most base::limits::kRailMandateBytesMax; empty: takes the rail's mandate away
};
struct SetStanding {  // by the operator
  Address payer;
  Standing standing = Standing::active;
  std::string reason;
};
// What is taxed from the next closing on. The note on it and the rate are on every invoice.
struct SetTax {
  Address payer;
  Tax tax;
};
// Three commands move money because somebody says so: CreateCreditNote, RefundPayer and RecordPayment. Each has a
// reference, chosen by whoever asks, so that asking again is harmless: for each command, payer and asset the same
// reference is already_accepted with the same content, with the id of the first result, for ever; with other content it
// is reference_conflict. Content is the amount and, but for payments, statement and reason. What was refused uses no
// reference up.

// Of a statement: at most net + tax less earlier notes, and while its collection is not between sending and confirmed.
// What is due falls first; what was paid becomes the payer's credit, and the payees give their part of it back.
struct CreateCreditNote {
  Address payer;
  AssetId asset;
  StatementId statement;  // none: goodwill credit
  Amount amount;          // tax included; on a statement a multiple of what the rails can move
  std::string reason;
  std::string reference;                       // not empty
  std::optional<ClosedStatement> closed = {};  // set by the ledger's store: see StateMachine::recalls
};
// Sends a part of a payer's credit back by the rail that collected a statement. The sum of a statement's refunds is at
// most what its collection moved; not while it is disputed.
struct RefundPayer {
  Address payer;
  AssetId asset;
  StatementId statement;
  Amount amount;  // a multiple of what the rails can move
  std::string reason;
  std::string reference;                       // not empty
  std::optional<ClosedStatement> closed = {};  // as above
};
// A payment that came by itself. It pays the statement, or those of `oldest_first`, as far as their collections are not
// under way; what is left is the payer's credit.
struct RecordPayment {
  Address payer;
  AssetId asset;
  StatementId statement;  // none: those of `oldest_first`
  Amount amount;
  std::string reference;                       // not empty
  Time received;                               // zero: now
  std::vector<StatementId> oldest_first = {};  // set by whoever can read: the payer's open ones; others are passed over
};
struct WriteOff {
  StatementId statement;
  std::string reason;
};
struct CloseNow {  // closes the payer's open window before its end
  Address payer;
  AssetId asset;
};
// Timers. Each works through at most `max` objects; `more` in the result says that some are left.
struct CloseDue {
  std::size_t max = 0;
};
struct ExpireHolds {
  std::size_t max = 0;
};
struct PlanPayouts {
  std::size_t max = 0;
};
struct ReleaseDue {
  std::size_t max = 0;
};
// When payees without own terms get their shares; from the configuration.
struct SetReleaseDefaults {
  ReleaseDefaults defaults;
};

// From the dispatcher: what happened to a settlement. Refused with wrong_state unless the edge exists and `attempt` is
// the current one; to sending also when `amount` is no longer the settlement's, and
// for a refund while the collection is disputed. A refund that no longer has its collection, or of more than what is
// left of it, is value_invalid to sending: it is to be failed.
struct StepSettlement {
  SettlementId id;
  std::uint32_t attempt = 0;
  SettlementState to = SettlementState::ready;
  Hash idempotency_key;                       // to == sending
  Bytes request;                              // to == sending
  std::string reference;                      // accepted and later; kept when empty
  FailureClass failure = FailureClass::none;  // to == failed: decides retry, dunning or stop
  std::string detail;
  Time next_action;       // when to probe next, or (technical failure) to send again
  std::string code = {};  // the rail's own word, cut to base::limits::kRailCodeBytesMax; kept when empty
  std::optional<Amount> rail_fee =
      {};                             // what the rail has kept of this attempt; kept when there is none; not of relays
  NoticeId notices_read = {};         // the last notice of the settlement that was known when this was found out
  std::optional<Amount> moved = {};   // collections, to confirmed, settled or final: see settlers::Outcome
  std::optional<Amount> amount = {};  // to == sending: what `request` moves; none: not compared
  // Those of the notices read that are about money and whose money is what this step books: they are applied. Any other
  // one about money stays waiting, for a later step or for the operator.
  std::vector<NoticeId> explained = {};
};
// From an operator or payer: try again now. Collections that wait (ready), failed or were returned; payouts that wait
// or failed; relays that failed or were returned. What is ready keeps its attempt and is only due earlier. A collection
// that failed or was returned begins with its plan's first rail again, whatever rails have refused it. Never from
// unknown.
struct RetrySettlement {
  SettlementId id;
  std::uint32_t attempt = 0;  // not zero: only if this is the current one, so that many who saw one failure make one
                              // new attempt (otherwise wrong_state)
};
struct CancelSettlement {
  SettlementId id;
  std::string reason;
};  // ready or failed payouts: the amount becomes payable again; ready refunds: it is the payer's credit again; ready,
    // failed or returned relays
// A transaction for others, on a rail. The same key with the same rail and order is already_accepted and gives the id
// of the first settlement, for ever; with another rail or order it is relay_conflict. What failed definitely is only
// sent again by RetrySettlement; it stays open for that until base::limits::kRelaysFailedMax later ones have failed
// too, and is cancelled then.
struct PlanRelay {
  RailName rail;
  Hash key;           // not zero; see Relay
  Bytes order;        // at most base::limits::kRelayOrderBytesMax; empty: nothing is planned, and the answer is the
                      // settlement that the key belongs to (already_accepted), or not_found
  AssetId asset;      // for people; may be none
  Amount amount;      // for people; zero without an asset
  std::string label;  // for people; may be empty
};

// What a chain says about a channel at a block that is deep enough. Opens the channel if it is not kept yet. A block
// below the last one changes nothing unless the chain was reorganised; nor does a later one with the same figures.
// Raises `charged` to what was claimed; ends a refund when the refund nonce changed; no longer puts the channel aside
// when its balance or refund nonce changed. value_invalid unless `key` is the configuration's; limit_reached.
struct SyncChannel {
  std::uint64_t chain_id = 0;
  Address contract;
  commitments::channel::ChannelConfig config;
  Hash key;
  commitments::channel::Snapshot snapshot;
  std::uint64_t block = 0;
  bool rewound = false;
};
// The same for what a receiver has claimed and was paid.
struct SyncEarnings {
  std::uint64_t chain_id = 0;
  Address contract;
  Address receiver;
  Address token;
  base::u128 claimed = 0;
  base::u128 settled = 0;
  std::uint64_t block = 0;
  bool rewound = false;
};
// Reserves a channel's next voucher, whose signature was verified before (commitments::channel). The first that
// applies: value_invalid (amount 0, time, a deposit of a refund); channel_unknown; the present reservation has the same
// request: already_accepted with the same fields, otherwise channel_busy; channel_put_aside; channel_busy;
// channel_amount_mismatch (a charge: the maximum is not charged + amount; a refund: not charged);
// channel_exceeds_balance (the maximum is above balance - withdrawal + deposit); channel_refund_too_high.
// The result's id is the channel's, its sequence the reservation. (As `charged` is never below what was claimed, so is
// the maximum: channel_below_claimed is for whoever checks vouchers without this ledger.)
struct ReserveVoucher {
  Hash key;
  bool refund = false;
  base::u128 maximum = 0;
  Signature signature;
  base::u128 amount = 0;   // a refund: what goes back
  base::u128 deposit = 0;  // relayed before the capture; 0: none
  base::FixedBytes<16> request;
  std::uint64_t ttl_s = 0;  // a charge: 1 to base::limits::kReservationSecondsMax; a refund: ignored
};
// Charges what was used, at most what was reserved. The same reservation and usage again is already_accepted with the
// first sequence, for ever; another usage is reservation_conflict. Otherwise the first that applies: channel_unknown,
// reservation_ended (not the present one, or a refund), value_invalid (amount 0), charge_above_maximum,
// channel_amount_mismatch (the chain has claims that leave the voucher too little), channel_exceeds_balance (also: the
// deposit is not confirmed), amount_overflow; the reservation stays. A withdrawal under way does not stop it: until it
// is finished the charge can be claimed.
struct CaptureReservation {
  Hash key;
  Sequence reservation;
  Usage usage;
};
// Ends a reservation. Of one that is not the present one: ok, unchanged. channel_unknown.
struct ReleaseReservation {
  Hash key;
  Sequence reservation;
};
// The channel's claim cannot be sent, and no voucher is reserved until that is mended. channel_unknown.
struct PutChannelAside {
  Hash key;
  std::string reason;  // cut to 512 bytes; empty: it can be sent again
};

// From a settler: what its rail said on its own. Each is kept, once for each rail and key, and answered by itself: ok;
// already_accepted, with the number of the first; value_invalid, asset_unknown, amount_overflow, overloaded
// (base::limits::kNoticesOpenMax wait). `id`, `mark` and, if it is zero, `received` are set here. `recorded_as`:
// refused is kept as it is; anything else is found out here.
//   It names a settlement: that is due at once if its state is one that is probed, and the notice waits for that. Money
//   is moved by what the probe finds, not by the notice. If the settlement is over, a notice about money waits for the
//   operator; any other is applied.
//   It names none: money is booked to suspense; anything else is applied.
// value_invalid as a whole unless there are 1 to base::limits::kNoticesPerCommandMax.
struct RecordNotices {
  std::vector<Notice> notices;
};
// From the operator: what to do about a notice that waits or is in suspense. not_found; wrong_state (it is neither, or
// the resolution is not one for it); payer_unknown.
struct ResolveNotice {
  NoticeId id;
  Resolution resolution = Resolution::none;
  Address payer;  // payer_credit, pays_statement
  std::string reason;
  StatementId statement = {};  // pays_statement: as RecordPayment, as the next
  std::vector<StatementId> oldest_first = {};
};

using Command =
    std::variant<SetAsset, SetPlan, SetPayer, SetPayee, SetServer, SetCreditLimit, SetMandate, RevokeMandate,
                 SetRailMandate, SetStanding, CreateCreditNote, WriteOff, CloseNow, CloseDue, ExpireHolds, PlanPayouts,
                 StepSettlement, RetrySettlement, CancelSettlement, PlanRelay, SyncChannel, SyncEarnings,
                 ReserveVoucher, CaptureReservation, ReleaseReservation, PutChannelAside, RecordNotices, ResolveNotice,
                 SetTax, RefundPayer, RecordPayment, SetReleaseDefaults, ReleaseDue>;

// The answer for one notice of RecordNotices.
struct NoticeAnswer {
  base::Status status = base::Status::value_invalid;
  NoticeId id;         // of the first one with this key; none if it is not kept
  std::string detail;  // for people: what is wrong with it
};

struct CommandResult {
  base::Status status = base::Status::ok;
  Sequence sequence;      // last entry written; none if nothing changed
  std::uint64_t id = 0;   // of the object that was made or changed
  std::size_t count = 0;  // objects worked on, for the timers
  bool more = false;
  std::string detail;                 // for people: which value was wrong and what is allowed
  std::vector<NoticeAnswer> notices;  // RecordNotices: one for each, in order
};

// What a tab has been charged, for clients that continue it.
struct TabFigures {
  Amount charged;
  Amount maximum;             // of the highest voucher seen
  std::uint64_t charges = 0;  // the next charge index
  bool operator==(const TabFigures&) const = default;
};

// The answer for one submitted item.
struct ItemResult {
  base::Status status = base::Status::item_malformed;
  Sequence sequence;                 // accepted: the entry (also of the first acceptance)
  Amount limit;                      // mandate_cap_exceeded, credit_limit_exceeded, charge_above_maximum,
                                     // voucher_below_charged: the number that was exceeded
  Amount allowed;                    // ... and what would have been accepted at most
  std::uint64_t expected_index = 0;  // tab_out_of_order: the tab's next charge index
  TabFigures tab;                    // voucher items of a known payer: the tab after this decision
};

}  // namespace ledger::core
