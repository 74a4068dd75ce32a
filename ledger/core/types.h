#pragma once

// The objects of the ledger. Each is one row of the store (row.h) and one struct in memory; the state machine
// (state_machine.h) is the only code that changes them.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "aggregator/bill.h"
#include "aggregator/calendar.h"
#include "base/amount.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/ids.h"
#include "commitments/channel/verify.h"
#include "commitments/tab/types.h"
#include "crypto/merkle.h"

namespace ledger::core {

using base::Address;
using base::Amount;
using base::AssetId;
using base::Bytes;
using base::ChannelId;
using base::CreditNoteId;
using base::Hash;
using base::MandateId;
using base::NoticeId;
using base::PayeeId;
using base::PayerId;
using base::PaymentId;
using base::PlanId;
using base::RailName;
using base::SegmentId;
using base::Sequence;
using base::ServerId;
using base::SettlementId;
using base::Signature;
using base::StatementId;
using base::TabId;
using base::Time;

// A balance with two phases: `pending` is reserved and not final, `posted` is final. Debit positive, credit negative.
struct Balance {
  base::i128 posted = 0;
  base::i128 pending = 0;
  bool operator==(const Balance&) const = default;
};

struct Asset {
  AssetId id;
  std::string text;             // as signed: CAIP-19 asset type or ISO 4217 code
  std::string symbol;           // for people: "USDC"
  std::uint8_t scale = 6;       // decimals of one ledger unit
  std::uint8_t rail_scale = 6;  // decimals that the rails can move; <= scale; statements round to it
  bool operator==(const Asset&) const = default;
};

// A series of invoice or credit note numbers: 1 to 16 letters, digits and '-'. Within a series numbers have no gap.
using SeriesName = base::ShortText<16>;
inline constexpr std::string_view kInvoiceSeries = "INV";
inline constexpr std::string_view kCreditNoteSeries = "CN";

// "INV-000042": at least six digits. Empty without a number.
std::string document_number(const SeriesName& series, std::uint64_t number);

// What is put on a payer's statements, beside what was charged. Changes concern the statements of later closings.
struct Tax {
  std::uint32_t rate_ppm = 0;  // millionths of the net amount, 0 to 1,000,000: 190,000 is 19 %
  std::string label;           // for people: "VAT 19 %"; may be empty
  std::string note;            // for people, on the invoice: "reverse charge"; may be empty
  bool operator==(const Tax&) const = default;
};

// How a payer is billed in one asset.
struct Plan {
  PlanId id;
  std::string label;  // unique, for people: "daily-usdc"
  AssetId asset;
  aggregator::WindowSpec window;
  Amount settle_threshold;               // closes the window early when unbilled reaches it; zero = never
  Amount minimum;                        // below it the window's charges carry forward
  Amount credit_limit;                   // exposure allowed
  std::uint64_t terms_s = 0;             // from the statement to the first collection
  std::vector<RailName> rails;           // in order of preference
  std::vector<std::uint64_t> dunning_s;  // waits between collection attempts; after the last: suspension
  SeriesName series = *SeriesName::parse(kInvoiceSeries);                 // of its statements
  SeriesName credit_note_series = *SeriesName::parse(kCreditNoteSeries);  // of credit notes on them
  bool operator==(const Plan&) const = default;
};

enum class Standing : std::uint8_t {
  active = 0,
  suspended_by_operator = 1,
  suspended_by_dunning = 2,  // a statement could not be collected; paying clears it
};

// What a payer's rail needs to pull, opaque here (for example an EIP-2612 permit, or a card provider's names).
struct RailMandate {
  RailName rail;
  Bytes mandate;  // 1 to base::limits::kRailMandateBytesMax
  bool operator==(const RailMandate&) const = default;
};

struct Payer {
  PayerId id;
  Address address;
  std::string label;
  std::vector<PlanId> plans;  // at most one for each asset
  Standing standing = Standing::active;
  Time registered;
  std::vector<RailMandate> rail_mandates;  // at most one for each rail, ascending by rail
  Tax tax;
  bool operator==(const Payer&) const = default;
};

// A payer's open window and balances in one asset.
struct Tally {
  PayerId payer;
  AssetId asset;
  PlanId plan;
  Amount credit_limit_override;  // zero = the plan's limit
  // Exposure = held + unbilled + billed (see exposure()).
  Amount held;      // maxima of open holds
  Amount unbilled;  // charges in the open window, and remainders carried in
  Amount billed;    // statements not confirmed as paid
  Amount credit;    // credit notes and overpayment, not used yet
  // The open window; start == end == 0 when none is open.
  aggregator::WindowBounds window;
  std::uint64_t window_number = 0;  // counts windows of this tally
  crypto::MerkleFrontier entries;   // leaves: journal leaf hashes of this window's charging entries
  aggregator::LineSet lines;
  std::vector<aggregator::PayeeShare> carried_in;
  Balance account_unbilled;    // payer:unbilled
  Balance account_receivable;  // payer:receivable
  Balance account_credit;      // payer:credit

  // May exceed 2^127 only if a CHECK was removed: admission bounds it by the credit limit.
  Amount exposure() const { return base::add_checked(base::add_checked(held, unbilled), billed); }
};

// When a payee gets its share of what was collected on a rail: not before the money is there for good (state final), or
// some time after the rail has said that it is there (state settled), less a part that waits for final.
struct ReleaseRule {
  RailName rail;
  std::uint64_t hold_s = 0;      // after settled; at most ten years
  std::uint32_t reserve_bp = 0;  // basis points of the share that wait for final, 0 to 10,000
  bool operator==(const ReleaseRule&) const = default;
};

// For payees who have none of their own. Set from the configuration at every start.
struct ReleaseDefaults {
  std::vector<ReleaseRule> release;  // at most one for each rail; a rail without one: at final only
  aggregator::WindowSpec payout_every = {aggregator::WindowKind::duration, 0, "UTC"};  // see Payee::payout_every
  bool operator==(const ReleaseDefaults&) const = default;
};

struct Payee {
  PayeeId id;
  Address address;  // as signed in commitments
  std::string label;
  std::uint32_t fee_basis_points = 0;  // the operator's share of each collected amount, rounded down
  Amount fee_fixed;                    // for each payout, taken from it
  RailName payout_rail;
  std::string payout_account;  // what the rail needs: an address, an account id
  Amount payout_minimum;       // below it the payable amount waits
  bool active = true;
  Time registered;
  bool own_terms = false;            // the next two are its own; otherwise those of ReleaseDefaults hold
  std::vector<ReleaseRule> release;  // at most one for each rail; a rail without one: at final only
  // What became payable in one of these windows is paid out after its end; kind duration of 0 s: as soon as possible.
  aggregator::WindowSpec payout_every = {aggregator::WindowKind::duration, 0, "UTC"};
  bool operator==(const Payee&) const = default;
};

// What is owed to a payee in one asset.
struct PayeeBalance {
  PayeeId payee;
  AssetId asset;
  Balance accrued;           // payee:accrued (credit normal: negative)
  Balance payable;           // payee:payable
  Balance reserve;           // payee:reserve: released but for finality
  Balance recoverable;       // payee:recoverable (debit normal): what it got and has to give back
  Amount payable_now;        // released, net of fee and reserve, not in a payout
  Amount paid_out;           // confirmed payouts, lifetime
  Amount fees;               // operator fees, lifetime
  SettlementId open_payout;  // at most one at a time
  Time payout_from;          // no payout before it; zero: the next window's end is not looked up yet
  bool operator==(const PayeeBalance&) const = default;
};

struct Server {
  ServerId id;
  Address key;
  std::string label;
  std::vector<PayeeId> payees;  // ascending
  bool active = true;
  bool operator==(const Server&) const = default;
};

struct MandateState {
  MandateId id;
  commitments::tab::Mandate mandate;
  Signature signature;
  bool revoked = false;
  std::uint64_t nonce_floor = 0;  // mandates and revocations need a higher nonce
  // What the agent was charged for in the hour, day, week and month of `counted_at`, under whichever mandate, and under
  // mandates without periods; indexed by the period's number.
  Time counted_at;
  std::array<Amount, commitments::tab::kPeriods> spent_by_period;
  Amount held;  // open holds under this mandate

  // What counts against the cap, and since when; both as of `counted_at`.
  Amount spent() const { return spent_by_period[static_cast<std::size_t>(mandate.period)]; }
  Time period_start() const;
};

struct Tab {
  TabId id;
  Hash key;  // tab_key()
  PayerId payer;
  PayeeId payee;
  AssetId asset;
  Hash salt;
  Amount maximum;  // of the highest voucher seen
  Amount charged;
  std::uint64_t charges = 0;  // the next charge index
  bool operator==(const Tab&) const = default;
};
enum class HoldState : std::uint8_t { open = 1, captured = 2, released = 3, expired = 4 };
// Open holds only live in memory; finished ones are found through the replay index.
struct Hold {
  Sequence sequence;  // of the entry that made it
  PayerId payer;
  PayeeId payee;
  AssetId asset;
  base::u128 nonce = 0;
  Amount maximum;
  Hash resource;
  MandateId mandate;  // none if the payer signed
  Time expires;       // validBefore: released then
  ServerId server;
};

enum class StatementState : std::uint8_t {
  open = 1,  // issued, not paid
  paid = 2,  // collection confirmed
  written_off = 3,
  credited = 4,  // cleared by credit notes
};

// A correction of what a statement billed, or (without one) credit that the operator grants. Written once.
struct CreditNote {
  CreditNoteId id;
  SeriesName series;
  std::uint64_t number = 0;  // in its series, from 1, without gaps
  PayerId payer;
  AssetId asset;
  StatementId statement;  // none: goodwill
  Amount amount;          // net + tax
  Amount net, tax;
  Amount reduced_due;  // the part of `amount` by which less is collected ...
  Amount credited;     // ... and the part that became the payer's credit, as it was paid before
  std::string reason;
  std::string reference;  // of whoever asked for it; unique among the credit notes of payer and asset
  Time time;
  Sequence noted_by;  // the entry that made it; its row has it, the entry does not
  bool operator==(const CreditNote&) const = default;
};

// A payment that came by itself, not by a collection. Written once.
struct Payment {
  PaymentId id;
  PayerId payer;
  AssetId asset;
  Amount amount;
  std::string reference;  // unique for payer and asset
  Time received;          // as the operator says
  struct Part {
    StatementId statement;
    Amount amount;
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;  // what it paid, in order
  Amount credited;          // the rest: the payer's credit
  Time time;                // recorded
  bool operator==(const Payment&) const = default;
};

// What may still change about a statement; stored in a row of its own (Table::statement_mark), so that the statement's
// row never changes.
struct StatementMark {
  StatementState state = StatementState::open;
  Amount credited;           // by credit notes on this statement, tax included
  Amount credited_paid;      // the part of it that had been paid, and became the payer's credit
  Amount paid;               // by payments that came by themselves, and by collections that moved a part
  Amount refunded;           // of what its collection moved; refunds under way count
  std::vector<Amount> fees;  // the operator's fee of each share, parallel to `shares`; empty until released
  bool operator==(const StatementMark&) const = default;
};

// When the share of one payee in a collection is released before final, and what became of it.
struct ShareRelease {
  Time due;                      // zero: at final
  std::uint32_t reserve_bp = 0;  // of what is released then
  bool done = false;
  Amount fee;      // done: the operator's
  Amount reserve;  // done: what waits for final
  bool operator==(const ShareRelease&) const = default;
};

// The immutable result of a closed window. Its row holds everything above `mark`.
struct Statement {
  StatementId id;
  PayerId payer;
  AssetId asset;
  PlanId plan;
  std::uint64_t window_number = 0;
  aggregator::WindowBounds window;
  Time issued;
  Time due;
  Amount total;              // charges + carried in, at ledger scale
  Amount net;                // what is billed of it
  Amount tax;                // on net, by tax_terms; rounded half up to what the rails can move
  Tax tax_terms;             // as they were at the closing
  SeriesName series;         // invoice number: series and ...
  std::uint64_t number = 0;  // ... number in it, from 1, without gaps
  Amount credit_applied;     // of payer:credit, taken off net + tax before collecting
  std::vector<aggregator::Line> lines;
  std::vector<aggregator::PayeeShare> carried_in;
  std::vector<aggregator::PayeeShare> shares;  // of `net`
  std::vector<aggregator::PayeeShare> carried_out;
  std::uint64_t entries = 0;  // leaves under `root`
  Hash root;                  // RFC 6962 root over the window's charging entries
  Sequence closed_by;         // the window_closed entry
  SettlementId settlement;    // its collection; none if credit covered it
  StatementMark mark;         // from Table::statement_mark; state open where there is no such row
  Amount billed() const { return base::add_checked(net, tax); }
  // What is still to be collected, unless a collection has done so (state paid).
  Amount due_amount() const {
    const Amount reduced = base::subtract_checked(mark.credited, mark.credited_paid);
    const Amount less = base::add_checked(base::add_checked(credit_applied, reduced), mark.paid);
    return base::subtract_checked(billed(), less);
  }
};

// What is needed of a statement on which nothing is due any more, to credit or refund what was paid. Read from its rows
// (closed_of), as memory keeps open statements only.
struct ClosedStatement {
  StatementId statement;
  PayerId payer;
  AssetId asset;
  PlanId plan;
  Amount net;
  Amount tax;
  std::vector<aggregator::PayeeShare> shares;
  StatementMark mark;
  SettlementId collection;  // none: credit covered it
  Amount collected;         // by the collection, for good; zero: nothing
  RailName rail;            // of the collection
  std::uint32_t refunds_open = 0;
  bool operator==(const ClosedStatement&) const = default;
};

enum class SettlementKind : std::uint8_t {
  collection = 1,
  payout = 2,
  relay = 3,   // a transaction that is sent for others: no payer, no payee, no postings; see Relay
  refund = 4,  // of a payer's credit, by the rail that collected it
};

// design.md, section 7. Numbers are stored.
enum class SettlementState : std::uint8_t {
  ready = 1,      // to be sent at `next_action`
  sending = 2,    // key and request bytes are durable; whether the rail has them is not known yet
  accepted = 3,   // the rail has it
  confirmed = 4,  // the rail says success (in a block, booked)
  settled = 5,    // the money is where it belongs
  final = 6,      // can no longer be reversed
  failed = 7,     // definite failure and no further automatic attempt
  unknown = 8,    // outcome not known: probe only, never send again
  returned = 9,   // reversed by the rail after confirmation
  disputed = 10,
  written_off = 11,
  cancelled = 12,
};

// Why a rail said no, as far as it matters to what happens next.
enum class FailureClass : std::uint8_t {
  none = 0,
  insufficient_funds = 1,  // the payer can mend it: dunning
  no_mandate = 2,          // allowance, authorisation or account missing: dunning
  rejected = 3,            // the rail refuses this payer or payee: stop, operator
  technical = 4,           // our side or the rail's machinery; nothing moved: technical retry
  needs_action = 5,        // the payer must do something (a card's authentication): another rail, or dunning
};

// A rail of a plan that said no to one collection in a way that asking again does not mend.
struct RailRefusal {
  RailName rail;
  FailureClass failure = FailureClass::rejected;  // or needs_action: asked again when no other rail is left
  bool operator==(const RailRefusal&) const = default;
};

struct Settlement {
  SettlementId id;
  SettlementKind kind = SettlementKind::collection;
  PayerId payer;          // collection, refund
  PayeeId payee;          // payout
  StatementId statement;  // collection; refund: whose collection is refunded
  AssetId asset;
  Amount amount;
  Amount fee;  // payout: the fixed fee that was kept
  RailName rail;
  SettlementState state = SettlementState::ready;
  std::uint32_t attempt = 1;            // business attempts: a new one needs a definite failure
  std::uint32_t technical_retries = 0;  // of the current attempt
  std::uint32_t dunning_step = 0;
  Time next_action;       // ready: send then; otherwise: probe then
  Hash idempotency_key;   // of the current attempt
  Bytes request;          // exact bytes of the current attempt, as the settler prepared them
  std::string reference;  // the rail's own id: a transaction hash
  FailureClass failure = FailureClass::none;
  std::string detail;  // the last reason, for people
  std::string code;    // the rail's own word for it, raw, at most base::limits::kRailCodeBytesMax; may be empty
  Amount rail_fee;     // what the rail kept of the current attempt, or asked for it, as far as it has said
  std::vector<RailRefusal> refusals;  // collections: in the order in which they came; a retry on request forgets them
  Time created;
  Time submitted;  // three clocks (rails.md, D4); zero = not yet
  Time confirmed, finalized;
  std::string operator_reference;  // refund: of whoever asked for it; unique among the refunds of payer and asset
  bool operator==(const Settlement&) const = default;
};

// What a settlement of kind relay is about; written once. Its asset and amount are in the settlement, for people only.
struct Relay {
  SettlementId settlement;
  Hash key;           // who asks for what: unique for ever (the digest of an authorisation's token, owner and nonce)
  std::string label;  // for people
  Bytes order;        // what the rail needs to make the transaction and to recognise its success; opaque here
  bool operator==(const Relay&) const = default;
};

// What a rail said on its own: an event that it sent, an entry of a bank's file. Written once; what became of it is in
// a mark of its own.
enum class NoticeKind : std::uint8_t {
  event = 1,     // something happened; what, the rail is asked
  accepted = 2,  // the rail took an instruction
  rejected = 3,  // the rail did not take an instruction
  booked = 4,    // money moved
  returned = 5,  // money that had moved came back
  changed = 6,   // something about an account or a mandate is different now
};
enum class NoticeState : std::uint8_t {
  applied = 1,   // its settlement was looked at since, or there is nothing to look at
  waiting = 2,   // for its settlement to be looked at; if that is over, for the operator
  refused = 3,   // forged or malformed: kept, changes nothing
  suspense = 4,  // money that belongs to no settlement: booked to suspense, until the operator resolves it
  resolved = 5,  // by the operator
};
// Seen from the operator's account.
enum class Direction : std::uint8_t { none = 0, in = 1, out = 2 };
// Where the operator puts the money of a notice.
enum class Resolution : std::uint8_t {
  none = 0,
  dismissed = 1,       // nowhere: it was waiting, and is explained without it
  went_back = 2,       // it went back to where it came from, in cash
  payer_credit = 3,    // what came in is the payer's credit
  operators = 4,       // what came in is the operator's revenue, what went out its loss
  pays_statement = 5,  // what came in pays a payer's statement, as RecordPayment
};

struct NoticeMark {
  NoticeState state = NoticeState::waiting;
  Resolution resolution = Resolution::none;  // resolved
  PayerId payer;                             // payer_credit, pays_statement
  std::string reason;                        // resolved: the operator's
  Time changed;                              // zero: it is as it was recorded
  bool operator==(const NoticeMark&) const = default;
};

// Its row holds everything above `mark`.
struct Notice {
  NoticeId id;
  RailName rail;
  Hash key;                 // unique on its rail for ever: the same notice comes more than once
  std::string source;       // "webhook", "camt053 2026-11-20.xml entry 17"
  std::string external_id;  // the rail's own name for it: an event's id, an EndToEndId, a trace number; may be empty
  NoticeKind kind = NoticeKind::event;
  SettlementId settlement;  // none: it matches nothing
  AssetId asset;            // this and the next two: none and zero if it is not about money
  Amount amount;
  Direction direction = Direction::none;
  NoticeState recorded_as = NoticeState::waiting;  // as it was recorded; now: mark.state
  std::string detail;                              // for people: why it is refused; the names of file, line and element
  Bytes body;  // what the settler needs of it, at most base::limits::kNoticeBodyBytesMax
  Time received;
  NoticeMark mark;  // from Table::notice_mark; where there is no such row, its state is `recorded_as`
  bool operator==(const Notice&) const = default;
};

// A channel's voucher that a server has reserved; at most one for a channel. All figures of channels are in the token's
// smallest units.
struct ChannelReservation {
  Sequence sequence;             // of its entry, and its name everywhere; none: there is no reservation
  base::FixedBytes<16> request;  // chosen by the server: the same again gets the same answer; zero: none
  bool refund = false;           // otherwise a charge
  base::u128 maximum = 0;        // of the voucher
  Signature signature;           // of the voucher
  base::u128 amount = 0;         // a charge: the most that is charged; a refund: what goes back
  base::u128 deposit = 0;        // on its way to the channel; the voucher counts on it
  Time expires;                  // a charge: from then on another voucher may take its place. Nothing else ends it:
                                 // until then it can be captured, even later. A refund: zero, it has no end
  bool operator==(const ChannelReservation&) const = default;
};

// A payment channel (x402 batch-settlement, docs/bindings/channel.md) whose charges are kept here.
struct Channel {
  ChannelId id;
  Hash key;  // channelId on the chain
  std::uint64_t chain_id = 0;
  Address contract;
  commitments::channel::ChannelConfig config;
  base::u128 charged = 0;         // cumulative; at least chain.total_claimed as far as it was ever seen
  base::u128 captured = 0;        // the part of `charged` that was charged here and not taken over from the chain
  std::uint64_t charges = 0;      // captures
  base::u128 signed_maximum = 0;  // of the voucher of the last capture: `charged` can be claimed with it, unless more
  Signature signature;            // than that was claimed elsewhere since. Zero: nothing was captured here
  commitments::channel::Snapshot chain;
  std::uint64_t block = 0;  // at which `chain` was first seen like this, confirmed
  ChannelReservation reservation;
  std::string put_aside;  // why its claim is not sent; empty: it is
  Time opened;
  Time charged_at;  // the last capture; zero: none
  bool operator==(const Channel&) const = default;
};

// What one receiver earned through channels in one token at one contract.
struct Earnings {
  std::uint64_t chain_id = 0;
  Address contract;
  Address receiver;
  Address token;
  base::u128 charged = 0;  // Channel::captured of all its channels
  base::u128 claimed = 0;  // this and the next: as the contract has it at `block`, channels that are not kept included
  base::u128 settled = 0;
  std::uint64_t block = 0;  // zero: not looked up yet
  bool operator==(const Earnings&) const = default;
};

// Table::channel_counts: how many channels and earnings there are.
struct ChannelCounts {
  std::uint64_t channels = 0, earnings = 0;
  bool operator==(const ChannelCounts&) const = default;
};

// What a closed statement's rows say; `collection`: the row of its settlement, null if it has none.
ClosedStatement closed_of(const Statement& statement, const Settlement* collection);

// See OperatorBalance::volume. 2^125: taxes are at most as much again, a balance is at most the sum of both, and a sum
// of two balances still fits an i128.
inline constexpr base::u128 kVolumeMax = static_cast<base::u128>(1) << 125;

// Balances of the operator's own accounts in one asset.
struct OperatorBalance {
  AssetId asset;
  Balance in_transit;   // rail: collected, not yet cash
  Balance out_transit;  // rail: paid out, not yet gone
  Balance cash;
  Balance revenue;
  Balance bad_debt;
  Balance rounding;
  Balance rail_fees;  // what the rails kept
  Balance suspense;   // money that notices told of and that belongs to no settlement
  Balance tax;        // tax:payable: on statements, to be paid to the authorities
  Balance refunds;    // refunds:payable: payers' credit that is to be refunded
  Amount volume;      // ever charged, credited, kept by rails or put into suspense; admission keeps it at or below
                      // kVolumeMax, so no balance overflows
  bool operator==(const OperatorBalance&) const = default;
};

// One row: totals and counters.
struct LedgerHead {
  std::uint16_t format_version = 2;
  std::string network;   // "acme:tab"; fixed at creation
  Address operator_key;  // signs segments
  Sequence last_sequence;
  SegmentId last_segment;
  Hash last_segment_hash;
  Time last_time;
  std::uint32_t payers = 0, payees = 0, servers = 0, plans = 0, mandates = 0;
  std::uint64_t tabs = 0, statements = 0, settlements = 0, notices = 0;
  std::uint64_t credit_notes = 0, payments = 0;
  crypto::MerkleFrontier segments;  // leaves: segment hashes
};

}  // namespace ledger::core
