#pragma once

// The state machine's inside: objects in their compact form, lookups, lists of what changed. Internal to ledger/core.
//
// Functions named apply() make the effects of one entry, live and on replay; they give an Error when the entry does not
// fit this state, before anything is changed. Everything that changes an object marks it for drain_changes().

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "ledger/core/containers.h"
#include "ledger/core/invariants.h"
#include "ledger/core/postings.h"
#include "ledger/core/records.h"
#include "ledger/core/state_machine.h"

namespace ledger::core {

using base::i128;
using base::u128;
using Outcome = base::Result<void>;

// The Error of an entry that does not fit this state. The caller puts the entry's number and kind in front.
[[nodiscard]] inline tl::unexpected<base::Error> mismatch(std::string what) {
  return base::error(base::ErrorCode::corruption, std::move(what));
}

// How far a settlement's money is booked.
enum class Stage : std::uint8_t { none = 0, reserved = 1, posted = 2, cash = 3, released = 4 };
Stage stage_of(SettlementState state);
// May this edge be taken (design: settlement states)? Self edges refresh reference and next probe.
bool edge_allowed(SettlementKind kind, SettlementState from, SettlementState to);
// States in which the dispatcher has something to do.
bool needs_action(SettlementState state);
// Nothing is under way: a credit note or write-off may change what is due.
bool can_change_amount(SettlementState state);
// No command changes it any more.
bool is_finished(SettlementKind kind, SettlementState state);
std::string_view name(SettlementState state);
// A rail that says this to a collection is asked again only when there is no other, or not at all.
bool refuses_rail(FailureClass failure);

// Empty, or what is wrong with when a payee gets its shares and is paid out.
std::string check_terms(const ReleaseDefaults& terms, const aggregator::Calendar& calendar);
std::string check_series(std::string_view field, const SeriesName& series);
bool is_scheduled(const aggregator::WindowSpec& payout_every);
// The tax on a net amount, half up to a multiple of `unit`; the tax in a part of a whole of net + tax.
Amount tax_on(Amount net, std::uint32_t rate_ppm, Amount unit);
Amount tax_in(Amount part, Amount net, Amount tax);

// What closing a tally's window now gives: computed from the state, compared with the entry on replay.
struct Closing {
  aggregator::Bill bill;
  bool statement = false;  // false: everything is carried forward
  Tax tax_terms;
  Amount tax;
  std::uint64_t invoice = 0;
  Amount credit_applied;
  std::uint64_t entries = 0;
  Hash root;
  Time due;
  Amount billed() const { return base::add_checked(bill.billed, tax); }
};

// Where an entry stands.
struct At {
  Sequence sequence;
  const Hash& leaf;
  Time time;
};

// What a settlement was before a step.
struct SettlementView {
  SettlementState state;
  RailName rail;
};

// A stored line that waits for its tally or for the lines before it.
struct LoadedLine {
  PayerId payer;
  AssetId asset;
  std::uint32_t index = 0;
  aggregator::Line line;
};

struct StateMachine::State {
  State(const aggregator::Calendar& calendar_in, std::uint64_t hash_seed);

  // ---- lookups (lookup.cpp); null if there is none ----
  std::uint64_t hash(const Address& address) const;
  std::uint64_t hash_mandate(PayerId payer, const Address& agent, AssetId asset) const;
  std::uint64_t hash_tab(PayerId payer, PayeeId payee, AssetId asset, const Hash& salt) const;
  AssetRecord* find_asset(AssetId id);
  const AssetRecord* find_asset(AssetId id) const { return const_cast<State*>(this)->find_asset(id); }
  PlanRecord* find_plan(PlanId id);
  const PlanRecord* find_plan(PlanId id) const { return const_cast<State*>(this)->find_plan(id); }
  PlanRecord* find_plan(std::string_view label);
  PayerRecord* find_payer(PayerId id);
  const PayerRecord* find_payer(PayerId id) const { return const_cast<State*>(this)->find_payer(id); }
  PayerId find_payer(const Address& address) const;  // invalid id if there is none
  PayeeRecord* find_payee(PayeeId id);
  const PayeeRecord* find_payee(PayeeId id) const { return const_cast<State*>(this)->find_payee(id); }
  PayeeId find_payee(const Address& address) const;
  ServerRecord* find_server(ServerId id);
  const ServerRecord* find_server(ServerId id) const { return const_cast<State*>(this)->find_server(id); }
  ServerId find_server(const Address& key) const;
  MandateRecord* find_mandate(MandateId id);
  const MandateRecord* find_mandate(MandateId id) const { return const_cast<State*>(this)->find_mandate(id); }
  MandateRecord* find_mandate(PayerId payer, const Address& agent, AssetId asset);
  TabRecord* find_tab(TabId id);
  const TabRecord* find_tab(TabId id) const { return const_cast<State*>(this)->find_tab(id); }
  TabRecord* find_tab(PayerId payer, PayeeId payee, AssetId asset, const Hash& salt);
  TallyRecord* find_tally(PayerId payer, AssetId asset);
  const TallyRecord* find_tally(PayerId payer, AssetId asset) const {
    return const_cast<State*>(this)->find_tally(payer, asset);
  }
  SettlementRecord* find_settlement(SettlementId id) { return settlements.find(id.value); }
  SettlementRecord* find_collection(StatementId statement, SettlementId& id);
  Hold* find_hold(const HoldKey& key);
  std::uint64_t hash(const Hash& key) const;
  std::uint64_t hash_earnings(const Earnings& of) const;
  ChannelRecord* find_channel(ChannelId id);
  ChannelId find_channel(const Hash& key) const;          // invalid id if there is none
  std::uint32_t find_earnings(const Earnings& of) const;  // by chain, contract, receiver and token; 0 if there is none
  std::uint32_t ensure_earnings(const Earnings& of);      // the number, made if there is none
  PlanId plan_of(PayerId payer, AssetId asset) const;     // none if the payer has no plan for the asset
  // The tally, made if there is none. The payer must be known.
  TallyRecord& tally(PayerId payer, AssetId asset);
  PayeeBalanceRecord& payee_balance(PayeeId payee, AssetId asset);
  u128 limit_of(const TallyRecord* tally, PlanId plan) const;  // override or plan, and prepaid credit
  Payer unpack(PayerId id) const;
  static void pack(const Payer& payer, PayerRecord& record);

  // ---- marking (lookup.cpp) ----
  void touch(AssetRecord& record);
  void touch_operators(AssetRecord& record);
  void touch(PlanRecord& record);
  void touch(PayerRecord& record, PayerId id);
  void touch(TallyRecord& record);
  void touch_line(const TallyRecord& record, std::size_t line);
  void touch(PayeeRecord& record);
  void touch(PayeeBalanceRecord& record);
  void touch(ServerRecord& record);
  void touch(MandateRecord& record);
  void touch(TabRecord& record);
  void touch(SettlementRecord& record, SettlementId id);
  void touch_mark(SettlementRecord& record, SettlementId id);
  void touch(ChannelRecord& record, ChannelId id);
  void touch_earnings(std::uint32_t number);
  // The payee's amount to be paid out changed, or what it needs to be reached.
  void review_payout(const PayeeRecord& payee, const PayeeBalance& balance);

  // ---- entries ----
  // Live: appends the entry and applies it. CHECKs that it fits.
  template <typename AnyEntry>
  Sequence commit(const AnyEntry& entry, SegmentBuilder& out);
  template <typename AnyEntry>
  Outcome apply_next(const AnyEntry& entry, Sequence sequence, const Hash& leaf, Time time);
  void advance(Sequence sequence, Time time);
  // registry.cpp
  Outcome apply(const Genesis& entry, const At& at);
  Outcome apply(const AssetSet& entry, const At& at);
  Outcome apply(const PlanSet& entry, const At& at);
  Outcome apply(const PayerSet& entry, const At& at);
  Outcome apply(const PayeeSet& entry, const At& at);
  Outcome apply(const ServerSet& entry, const At& at);
  Outcome apply(const CreditLimitSet& entry, const At& at);
  Outcome apply(const MandateSet& entry, const At& at);
  Outcome apply(const MandateRevoked& entry, const At& at);
  // The next mandate's record, for (payer, agent, asset).
  MandateRecord& add_mandate(MandateId id, PayerId payer, const Address& address, const Address& agent, AssetId asset);
  Outcome apply(const RailMandateSet& entry, const At& at);
  Outcome apply(const StandingSet& entry, const At& at);
  Outcome apply(const TabOpened& entry, const At& at);
  // charging.cpp
  Outcome apply(const Charged& entry, const At& at);
  Outcome apply(const HoldMade& entry, const At& at);
  Outcome apply(const HoldCaptured& entry, const At& at);
  Outcome apply(const HoldReleased& entry, const At& at);
  Outcome apply(const VoucherCharged& entry, const At& at);
  Outcome apply(const BatchSigned& entry, const At& at);
  // billing.cpp
  Outcome apply(const WindowOpened& entry, const At& at);
  Outcome apply(const WindowClosed& entry, const At& at);
  Outcome apply(const StatementClosed& entry, const At& at);
  // documents.cpp
  Outcome apply(const TaxSet& entry, const At& at);
  // credit_notes.cpp
  Outcome apply(const CreditNoted& entry, const At& at);
  Outcome apply(const StatementRecalled& entry, const At& at);
  // payments.cpp
  Outcome apply(const PaymentRecorded& entry, const At& at);
  // release.cpp
  Outcome apply(const ReleaseDefaultsSet& entry, const At& at);
  Outcome apply(const SharesReleased& entry, const At& at);
  Outcome apply(const PayoutScheduled& entry, const At& at);
  // settlement.cpp
  Outcome apply(const SettlementPlanned& entry, const At& at);
  Outcome apply(const SettlementStepped& entry, const At& at);
  // relay.cpp
  Outcome apply(const RelayPlanned& entry, const At& at);
  // channel.cpp
  Outcome apply(const ChannelOpened& entry, const At& at);
  Outcome apply(const ChannelSynced& entry, const At& at);
  Outcome apply(const EarningsSynced& entry, const At& at);
  Outcome apply(const ChannelReserved& entry, const At& at);
  Outcome apply(const ChannelCharged& entry, const At& at);
  Outcome apply(const ChannelReleased& entry, const At& at);
  Outcome apply(const ChannelPutAside& entry, const At& at);
  // notice.cpp
  Outcome apply(const NoticeRecorded& entry, const At& at);
  Outcome apply(const NoticesApplied& entry, const At& at);
  Outcome apply(const NoticeResolved& entry, const At& at);

  // charging.cpp
  Outcome check_charge(PayerId payer, PayeeId payee, AssetId asset, MandateId mandate, u128 amount) const;
  Outcome check_limits(PayerId payer, AssetId asset, MandateId mandate, Time time, Amount amount) const;
  static Outcome check_window(const TallyRecord* tally, Time time);
  void charge(TallyRecord& tally, PayeeId payee, std::span<const Usage> usages, Amount total, const Hash& leaf);
  void spend(MandateId id, Time time, Amount amount);
  void forget_hold(const HoldKey& key, const Hold& hold);
  std::optional<commitments::tab::Item> item_of(const Entry& entry) const;

  // billing.cpp
  Closing close_now(const TallyRecord& tally, Time time) const;
  void perform_close(TallyRecord& tally, const Closing& closing, const WindowClosed& entry, const At& at);
  void issue(TallyRecord& tally, const Closing& closing, const WindowClosed& entry, const At& at);
  void post_window(TallyRecord& tally, AssetRecord& asset, const Closing& closing);
  // A charge can be added: an open window that contains `time`.
  void ensure_window(PayerId payer, AssetId asset, SegmentBuilder& out);
  void close_window(TallyRecord& tally, CloseReason reason, SegmentBuilder& out);
  void close_at_threshold(PayerId payer, AssetId asset, SegmentBuilder& out);
  bool billable(const TallyRecord& tally) const;
  void list_window(TallyRecord& tally);
  // Takes windows that are closed already off the front of the list of due ones; false if the list is empty then.
  bool drop_closed_windows();

  // The exposure against which a charge at `time` counts: a window that is over by then is billed, with its tax.
  u128 exposure_at(const TallyRecord* tally, Time time) const;
  // documents.cpp
  Tax tax_of(PayerId payer) const;
  std::uint64_t next_number(const SeriesName& name) const;
  void take_number(const SeriesName& name);
  // credit_notes.cpp
  struct NoteTarget {                        // the statement of a credit note
    SettlementRecord* collection = nullptr;  // that is open; or else
    SettlementId collection_id;
    const ClosedStatement* closed = nullptr;
    PayerId payer;
    AssetId asset;
    PlanId plan;
    Amount net, tax, credited;
    Amount due;            // what a note can reduce
    bool blocked = false;  // its collection is under way, or it is written off
    bool found() const { return collection != nullptr || closed != nullptr; }
    Amount creditable() const { return base::subtract_checked(base::add_checked(net, tax), credited); }
  };
  NoteTarget note_target(StatementId id);
  static NoteTarget note_target(const ClosedStatement& closed);
  // The note that is made of what was asked for.
  CreditNote plan_note(const NoteTarget& target, const CreditNote& asked, Time time) const;
  void book_note(const NoteTarget& target, const CreditNote& note);
  void credit_shares(AssetRecord& asset, std::span<const aggregator::PayeeShare> shares, std::span<const Amount> before,
                     std::span<const Amount> after, std::vector<ShareRelease>* releases, std::vector<Amount>* fees);
  void credit_collection(SettlementRecord& record, SettlementId id, const CreditNote& note);
  void clear_collection(SettlementRecord& record, SettlementId id);
  void touch_closed(StatementId id);
  bool keeps_closed(StatementId id) const;
  static const ClosedStatement* usable(const std::optional<ClosedStatement>& given, StatementId id);
  static ReplayRecord replay_record(const CreditNoted& entry);
  CommandResult make_note(const NoteTarget& target, const CreditNote& asked, ReplayIndex& replay, SegmentBuilder& out);
  CommandResult credit_statement(const CreateCreditNote& command, const CreditNote& asked, ReplayIndex& replay,
                                 SegmentBuilder& out);
  // refunds.cpp
  struct RefundSource {  // whose collection is refunded
    bool found = false;
    PayerId payer;
    AssetId asset;
    RailName rail;
    Amount collected, refunded;
    SettlementState state = SettlementState::ready;
  };
  RefundSource refund_source(StatementId id);
  static RefundSource refund_source(const ClosedStatement& closed);
  static std::string check_refund(const RefundSource& source, Amount amount);
  static std::string check_refund_now(const RefundSource& source, const SettlementRecord& record);
  void change_refunds(StatementId id, Amount amount, bool more_refunded, int open);
  void keep_refunded(const SettlementRecord& record, SettlementId id);
  static ReplayRecord replay_record(const SettlementPlanned& entry);  // of a refund
  Outcome apply_refund(const Settlement& planned);
  CommandResult plan_refund(const RefundPayer& command, SettlementPlanned& entry, ReplayIndex& replay,
                            SegmentBuilder& out);
  void book_refund(SettlementRecord& record, Stage from, Stage to);
  void end_refund(const SettlementRecord& record);
  // documents.cpp: what is made once for each reference
  static ReplayRecord replay_record(Referenced what, PayerId payer, AssetId asset, std::string_view reference,
                                    std::uint64_t number, const base::FixedBytes<16>& content);
  static base::FixedBytes<16> asked_content(StatementId statement, Amount amount, std::string_view reason);
  // The answer to a repetition; none if it is the first with this reference.
  static std::optional<CommandResult> first_result(std::string_view what, const ReplayRecord& asked,
                                                   ReplayIndex& replay);
  // payments.cpp
  static ReplayRecord replay_record(const PaymentRecorded& entry);
  Amount payable_part(const SettlementRecord& record, Amount left) const;
  std::string check_payment(const Payment& payment);
  void spread_payment(Payment& payment, std::span<const StatementId> statements);
  CommandResult record_payment(Payment payment, std::span<const StatementId> statements, ReplayIndex& replay,
                               SegmentBuilder& out, const NoticeResolved* resolved);
  void book_part(SettlementRecord& record, Stage from, Amount moved);
  void book_surplus(SettlementRecord& record, Amount moved);
  void unbook_surplus(SettlementRecord& record);
  std::string check_moved(const SettlementRecord& record, const StepSettlement& command) const;
  // release.cpp
  const ReleaseDefaults& terms_of(const Payee& payee, ReleaseDefaults& buffer) const;
  std::vector<Amount> credited_shares(std::span<const aggregator::PayeeShare> shares, Amount credited) const;
  // Postings that the caller commits: what a payee gets, first of all what it owes; what it gives back.
  void give_to_payee(PayeeBalance& balance, Amount amount);
  void recover(PayeeBalance& balance);
  void take_from_payee(PayeeBalance& balance, Amount amount, Amount* reserve);
  // Moves what a payee earned with a statement from accrued to payable and revenue; gives the fee of each share.
  std::vector<Amount> release(AssetRecord& asset, std::span<const aggregator::PayeeShare> shares,
                              std::span<const Amount> credited, std::vector<ShareRelease>* releases);
  void plan_releases(SettlementRecord& record, SettlementId id, Time time);
  void list_release(const SettlementRecord& record, SettlementId id);
  void take_back_releases(SettlementRecord& record);
  void reschedule(PayeeRecord& payee);

  // settlement.cpp
  // What a payout to the payee would move now; zero if there is none to plan.
  Amount payout_amount(const Payee& payee, const PayeeBalance& balance) const;
  void plan_after_failure(const SettlementRecord& record, FailureClass failure, Time again, Time now,
                          SettlementStepped& entry) const;
  std::optional<CommandResult> refuse_sending(const StepSettlement& command, const SettlementRecord& record);
  void take_moved(const SettlementRecord& record, const StepSettlement& command, Time now,
                  SettlementStepped& entry) const;
  std::vector<RailRefusal> with_refusal(const SettlementRecord& record, FailureClass failure) const;
  void take_step(SettlementRecord& record, const SettlementStepped& entry, Time time);
  void take_remarks(SettlementRecord& record, const SettlementStepped& entry);
  bool rail_fee_fits(const SettlementRecord& record, Amount fee) const;
  void book_rail_fee(SettlementRecord& record, Amount fee);
  void book_collection(SettlementRecord& record, Stage from, Stage to);
  void book_payout(SettlementRecord& record, SettlementId id, Stage from, Stage to);
  void release_statement(SettlementRecord& record);
  void mark_overdue(SettlementRecord& record, bool overdue);
  static bool moved_in_part(const SettlementRecord& record, const SettlementStepped& entry);
  std::string check_entry_moved(const SettlementRecord& record, const SettlementStepped& entry) const;
  void step_collection(SettlementRecord& record, const SettlementStepped& entry, Time time);
  void end_payout(const SettlementRecord& record, SettlementId id);
  void finish(SettlementRecord& record, SettlementId id);
  std::uint16_t rail_index(const RailName& name);
  Settlement unpack(SettlementId id, const SettlementRecord& record) const;
  void lift_suspension(PayerId payer, std::string_view reason, SegmentBuilder& out);
  // notice.cpp
  static ReplayRecord replay_record(const NoticeRecorded& entry);
  NoticeState state_of_new(const Notice& notice) const;
  void change_notice(const OpenNotice& notice, NoticeMark mark);
  // What moves money from where a notice's is booked, or from cash, to where the operator puts it.
  void book_resolution(const OpenNotice& notice, const NoticeResolved& entry);
  std::string check_resolution(const OpenNotice& notice, Resolution resolution) const;
  bool is_suspense_full(AssetId asset, Amount amount) const;
  // Calls `visit` with each notice that waits for the settlement, ascending, until it returns false.
  template <typename Visit>
  void for_waiting(SettlementId id, const Visit& visit) const;
  // A notice by which the money of a settlement that is to be sent has moved already; none: there is none.
  NoticeId contradiction(SettlementId id, const SettlementRecord& record) const;
  // Something waits that was recorded after `read`, on the settlement's rail.
  bool news_after(SettlementId id, const SettlementRecord& record, NoticeId read) const;
  // After a step: those that it knew of, and those that nothing will look at any more, no longer wait.
  void apply_notices(const StepSettlement& command, const SettlementView& before, SegmentBuilder& out);
  NoticeAnswer record_notice(const Notice& asked, ReplayIndex& replay, SegmentBuilder& out);
  // relay.cpp
  static ReplayRecord replay_record(const RelayPlanned& entry);
  void track_relay(SettlementId id, const SettlementRecord& record);  // after each change of its state
  void cancel_old_relays(SegmentBuilder& out);
  // channel.cpp
  static ReplayRecord replay_record(const ChannelCharged& entry);
  static Earnings earnings_of(const Channel& channel);  // whose they are; no figures
  Channel unpack(ChannelId id, const ChannelRecord& record) const;
  static void pack(const Channel& channel, std::uint32_t earnings, ChannelRecord& record);

  // ---- decisions ----
  void decide_batch(const commitments::tab::VerifiedBatch& batch, ReplayIndex& replay, SegmentBuilder& out,
                    std::span<ItemResult> results);  // admission.cpp
  // registry_commands.cpp, account_commands.cpp, timers.cpp, settlement_commands.cpp
  CommandResult decide(const SetAsset& command, SegmentBuilder& out);
  CommandResult decide(const SetPlan& command, SegmentBuilder& out);
  CommandResult decide(const SetPayer& command, SegmentBuilder& out);
  CommandResult decide(const SetPayee& command, SegmentBuilder& out);
  CommandResult decide(const SetServer& command, SegmentBuilder& out);
  CommandResult decide(const SetCreditLimit& command, SegmentBuilder& out);
  CommandResult decide(const SetMandate& command, SegmentBuilder& out);
  CommandResult decide(const RevokeMandate& command, SegmentBuilder& out);
  CommandResult decide(const SetRailMandate& command, SegmentBuilder& out);
  CommandResult decide(const SetStanding& command, SegmentBuilder& out);
  CommandResult decide(const SetTax& command, SegmentBuilder& out);  // documents.cpp
  CommandResult decide_note(const CreateCreditNote& command, ReplayIndex& replay,
                            SegmentBuilder& out);  // credit_notes.cpp
  CommandResult decide_refund(const RefundPayer& command, ReplayIndex& replay, SegmentBuilder& out);     // refunds.cpp
  CommandResult decide_payment(const RecordPayment& command, ReplayIndex& replay, SegmentBuilder& out);  // payments.cpp
  CommandResult decide(const SetReleaseDefaults& command, SegmentBuilder& out);  // release.cpp, as the next
  CommandResult decide(const ReleaseDue& command, SegmentBuilder& out);
  CommandResult decide(const WriteOff& command, SegmentBuilder& out);
  CommandResult decide(const CloseNow& command, SegmentBuilder& out);
  CommandResult decide(const CloseDue& command, SegmentBuilder& out);
  CommandResult decide_expire(const ExpireHolds& command, ReplayIndex& replay, SegmentBuilder& out);
  CommandResult decide(const PlanPayouts& command, SegmentBuilder& out);
  CommandResult decide(const StepSettlement& command, SegmentBuilder& out);
  CommandResult decide(const RetrySettlement& command, SegmentBuilder& out);
  CommandResult decide(const CancelSettlement& command, SegmentBuilder& out);
  CommandResult decide_plan(const PlanRelay& command, ReplayIndex& replay, SegmentBuilder& out);  // relay.cpp

  // channel_commands.cpp
  CommandResult decide(const SyncChannel& command, SegmentBuilder& out);
  CommandResult decide(const SyncEarnings& command, SegmentBuilder& out);
  CommandResult decide(const ReserveVoucher& command, SegmentBuilder& out);
  CommandResult decide_capture(const CaptureReservation& command, ReplayIndex& replay, SegmentBuilder& out);
  CommandResult decide(const ReleaseReservation& command, SegmentBuilder& out);
  CommandResult decide(const PutChannelAside& command, SegmentBuilder& out);
  // notice.cpp
  CommandResult decide_record(const RecordNotices& command, ReplayIndex& replay, SegmentBuilder& out);
  CommandResult decide_resolve(const ResolveNotice& command, ReplayIndex& replay, SegmentBuilder& out);
  CommandResult open_channel(const SyncChannel& command, SegmentBuilder& out);

  // ---- storage (drain.cpp, load.cpp, books.cpp) ----
  void drain(RowSink& sink);
  void drain_registry(RowSink& sink);
  void drain_accounts(RowSink& sink);
  void drain_settlements(RowSink& sink);
  void drain_channels(RowSink& sink);
  void drain_notices(RowSink& sink);
  void drain_documents(RowSink& sink);
  void dump(RowSink& sink) const;
  void dump_accounts(RowSink& sink) const;
  void dump_channels(RowSink& sink) const;
  base::Result<void> load(base::ByteView key, base::ByteView value);
  base::Result<void> load_object(Table table, const std::vector<std::uint64_t>& columns, base::ByteView value);
  base::Result<void> load_asset(base::ByteView value);
  base::Result<void> load_plan(base::ByteView value);
  base::Result<void> load_payer(base::ByteView value);
  base::Result<void> load_payee(base::ByteView value);
  base::Result<void> load_server(base::ByteView value);
  base::Result<void> load_mandate(base::ByteView value);
  base::Result<void> load_tab(base::ByteView value);
  base::Result<void> load_hold(base::ByteView value);
  base::Result<void> load_tally(base::ByteView value);
  base::Result<void> load_settlement(base::ByteView value);
  base::Result<void> load_notice(base::ByteView value);
  base::Result<void> load_channel(base::ByteView value);
  base::Result<void> load_earnings(std::uint64_t number, base::ByteView value);
  bool add_line(const LoadedLine& line);  // false: it cannot be added yet
  base::Result<void> finish_load();
  base::Result<void> check_complete() const;
  base::Result<void> check_books() const;
  Outcome check_windows() const;
  Outcome check_holds() const;
  Outcome check_settlements() const;
  Outcome check_zero() const;
  Outcome check_channels() const;
  Outcome check_suspense() const;
  Outcome check_refunds() const;
  Outcome check_reserves() const;
  Tally to_row(const TallyRecord& record) const;

  // ---- the objects ----
  const aggregator::Calendar& calendar;
  std::uint64_t seed;
  LedgerHead head;
  bool head_dirty = false;
  bool head_loaded = false;
  std::optional<commitments::tab::Domain> domain;
  std::vector<std::uint16_t> asset_slots;  // by asset id: index in `assets`, from 1
  std::vector<std::unique_ptr<AssetRecord>> assets;
  std::shared_ptr<const commitments::tab::AssetTable> asset_table;
  ChunkedVector<PlanRecord> plans;  // by id - 1, as the following
  std::map<std::string, PlanId, std::less<>> plan_labels;
  ChunkedVector<PayerRecord> payers;
  ChunkedVector<PayeeRecord> payees;
  ChunkedVector<ServerRecord> servers;
  ChunkedVector<MandateRecord> mandates;
  ChunkedVector<TabRecord> tabs;
  ChunkedVector<TallyRecord> tallies;
  ChunkedVector<ChannelRecord> channels;
  ChunkedVector<EarningsRecord> earnings;  // by number - 1
  NumberIndex payer_index, payee_index, server_index, mandate_index, tab_index, channel_index, earnings_index;
  std::unordered_map<std::uint64_t, Hold> holds;  // by sequence
  std::unordered_map<HoldKey, std::uint64_t, HoldKeyHash> hold_index;
  std::set<std::pair<Time, std::uint64_t>> hold_expiry;
  ShardedMap<SettlementRecord> settlements;
  ShardedMap<std::uint64_t> collections;                              // statement -> settlement
  std::set<std::uint64_t> relays_under_way;                           // by settlement, as the following
  std::set<std::uint64_t> put_aside;                                  // relays that failed or came back
  std::unordered_map<std::uint64_t, OpenNotice> open_notices;         // that wait or are in suspense
  std::set<std::pair<std::uint64_t, std::uint64_t>> waiting_notices;  // settlement, notice
  std::vector<RailName> rail_names;
  struct DueWindows {
    std::vector<std::uint32_t> tallies;  // numbers, from 1
    std::size_t next = 0;                // those before it are done
  };
  std::map<Time, DueWindows> windows_due;
  std::set<std::pair<PayeeId, AssetId>> payouts_due;                     // to be planned, or to get a time
  std::set<std::tuple<Time, PayeeId, AssetId>> payouts_later;            // at that time
  std::set<std::pair<Time, std::uint64_t>> releases_due;                 // time, settlement; some are not due any more
  std::vector<SeriesRecord> series;                                      // a few, in order of appearance
  std::unordered_map<std::uint64_t, ClosedStatement> closed_statements;  // being refunded, or not drained yet
  ReleaseDefaults release_defaults;
  bool release_defaults_set = false;  // there is a row
  std::size_t open_windows = 0;
  Transaction transaction;

  // ---- what changed since the last drain ----
  std::uint64_t changes = 0;  // counts every touch
  std::vector<AssetRecord*> dirty_assets, dirty_operators;
  std::vector<PlanRecord*> dirty_plans;
  std::vector<PayerId> dirty_payers;
  std::vector<TallyRecord*> dirty_tallies;
  struct LineRef {
    const TallyRecord* tally;
    std::uint32_t line;
  };
  std::vector<LineRef> dirty_lines;
  std::vector<LineRef> cleared_lines;  // tally, number of lines that it had
  std::vector<PayeeRecord*> dirty_payees;
  std::vector<PayeeBalanceRecord*> dirty_balances;
  std::vector<ServerRecord*> dirty_servers;
  std::vector<MandateRecord*> dirty_mandates;
  std::vector<TabRecord*> dirty_tabs;
  std::vector<SettlementId> dirty_settlements;
  std::vector<std::uint64_t> dirty_holds;  // made or finished
  std::vector<ChannelId> dirty_channels;
  std::vector<std::uint32_t> dirty_earnings;
  bool channel_counts_dirty = false;
  bool release_defaults_dirty = false;
  std::set<std::uint64_t> dirty_closed;
  struct NoticeChange {
    NoticeId id;
    std::uint8_t from = 0;  // state; zero: it is new
    NoticeMark mark;
  };
  std::vector<NoticeChange> notice_changes;  // in order
  struct Row {
    Bytes key;
    Bytes value;
  };
  std::vector<Row> new_rows;  // of objects that never change

  // ---- while loading ----
  std::vector<LoadedLine> waiting_lines;
  std::vector<OperatorBalance> waiting_operators;
  std::vector<Row> waiting_rows;  // that came before the head
  std::optional<ChannelCounts> channel_counts;
  std::vector<Row> waiting_channel_rows;  // that came before the counts or their earnings
  bool finishing_load = false;            // nothing more can come
};

// "entry 123 (window_closed): ".
std::string entry_name(Sequence sequence, std::uint8_t kind);

template <typename AnyEntry>
Outcome StateMachine::State::apply_next(const AnyEntry& entry, Sequence sequence, const Hash& leaf, Time time) {
  RETURN_IF_ERROR(apply(entry, At{sequence, leaf, time}));
  advance(sequence, time);
  return {};
}

template <typename AnyEntry>
Sequence StateMachine::State::commit(const AnyEntry& entry, SegmentBuilder& out) {
  const SegmentBuilder::Appended appended = out.append(entry);
  invariants::SequenceStep::check(head.last_sequence, appended.sequence);
  const Outcome outcome = apply_next(entry, appended.sequence, appended.leaf, out.time());
  CHECK_MSG(outcome.has_value(), outcome.has_value() ? nullptr : outcome.error().message.c_str());
  return appended.sequence;
}

}  // namespace ledger::core
