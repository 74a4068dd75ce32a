#pragma once

// The objects in their compact form, as the state machine keeps them in memory. Internal to ledger/core.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "aggregator/bill.h"
#include "ledger/core/row.h"

namespace ledger::core {

using base::i128;
using base::u128;

struct AssetRecord {
  Asset asset;
  Hash text_hash;
  Amount rounding_unit{1};  // ledger units in the rail's smallest unit
  OperatorBalance operators;
  bool dirty = false;  // the asset's row
  bool operators_dirty = false;
};

struct PlanRecord {
  Plan plan;
  bool dirty = false;
};

// A payer. What admission does not need is packed: label, plans beyond the first, rail mandate.
struct PayerRecord {
  Address address;
  std::uint32_t first_tally = 0;  // number in State::tallies, from 1
  std::uint32_t overdue = 0;      // collections that failed for good and are not paid
  PlanId first_plan;
  std::uint8_t plan_count = 0;
  Standing standing = Standing::active;
  bool present = false;  // false: only known by rows that refer to it (while loading)
  bool dirty = false;
  bool fresh = false;  // its secondary rows are not written yet
  bool taxed = false;  // `packed` has a tax
  Time registered;
  Bytes packed;
};

// Charges that are on no statement yet.
struct OpenCharges {
  crypto::MerkleFrontier entries;
  aggregator::LineSet lines;
};

// Rarely used parts of a tally.
struct TallyExtra {
  Amount limit_override;
  Balance credit;
};

struct TallyRecord {
  Balance unbilled;
  Balance receivable;
  Amount held;
  aggregator::WindowBounds window;  // start == end == 0: none open
  std::uint64_t window_number = 0;
  Time due_listed;  // the end under which State::windows_due lists it; zero: not listed
  std::unique_ptr<OpenCharges> charges;
  std::unique_ptr<std::vector<aggregator::PayeeShare>> carried_in;
  std::unique_ptr<TallyExtra> extra;
  PayerId payer;
  PlanId plan;
  std::uint32_t next_of_payer = 0;
  std::uint32_t number = 0;  // position in State::tallies, from 1
  AssetId asset;
  bool dirty = false;

  bool window_open() const { return window.end.us != 0; }
  u128 unbilled_units() const { return static_cast<u128>(unbilled.posted + unbilled.pending); }
  u128 billed_units() const { return static_cast<u128>(receivable.posted); }
  u128 credit_units() const { return extra ? static_cast<u128>(-extra->credit.posted) : 0; }
  u128 exposure() const { return held.units() + unbilled_units() + billed_units(); }
};

struct SeriesRecord {
  Series series;
  bool dirty = false;
};

struct PayeeBalanceRecord {
  PayeeBalance balance;
  bool dirty = false;
};

struct PayeeRecord {
  Payee payee;
  std::vector<std::unique_ptr<PayeeBalanceRecord>> balances;  // one for each asset that was ever charged
  bool present = false;
  bool dirty = false;
  bool fresh = false;
};

struct ServerRecord {
  Server server;
  bool dirty = false;
  bool fresh = false;
};

struct MandateRecord {
  MandateState state;
  PayerId payer;
  bool present = false;
  bool dirty = false;
  bool fresh = false;
};

struct TabRecord {
  Tab tab;
  bool present = false;
  bool dirty = false;
  bool fresh = false;
};

// What a rail remarked on a settlement; most never need it.
struct RailRemarks {
  std::string code;
  Amount fee;  // Settlement::rail_fee
  std::vector<RailRefusal> refusals;
};

// Parts of a settlement that only exist once it was sent, and those of payouts.
struct SettlementExtra {
  Amount fee;  // payouts
  Hash idempotency_key;
  Bytes request;
  std::string reference;
  std::string detail;
  FailureClass failure = FailureClass::none;
  Time submitted;
  Time confirmed;
  Time finalized;
  std::unique_ptr<RailRemarks> remarks;
  std::unique_ptr<std::string> operator_reference;  // refunds
};

// Of a collection, what most do not need.
struct BillExtra {
  Amount tax;
  Amount credited, credited_paid, paid, refunded;  // StatementMark's, as are the fees
  Amount surplus;                                  // what the rail moved above `amount`, while it is confirmed
  std::uint32_t refunds_open = 0;
  std::vector<Amount> fees;
  std::vector<ShareRelease> releases;  // parallel to the shares; empty: all at final
};

struct SettlementRecord {
  Amount amount;
  Amount net;  // collections: of the statement
  StatementId statement;
  Time next_action;
  Time created;
  std::unique_ptr<aggregator::PayeeShare[]> shares;
  std::unique_ptr<SettlementExtra> extra;
  std::unique_ptr<BillExtra> bill_extra;
  Time listed_at;  // under which the secondary rows stand in the store; zero: none
  std::uint32_t share_count = 0;
  std::uint32_t attempt = 1;
  std::uint32_t technical_retries = 0;
  std::uint32_t dunning_step = 0;
  PayerId payer;
  PayeeId payee;  // payouts; collections of one payee's money
  PlanId plan;
  AssetId asset;
  std::uint16_t rail = 0;  // index in State::rail_names
  SettlementKind kind = SettlementKind::collection;
  SettlementState state = SettlementState::ready;
  std::uint8_t listed_state = 0;  // zero: not in the store yet
  StatementState statement_state = StatementState::open;
  bool overdue = false;   // counts in PayerRecord::overdue
  bool finished = false;  // forgotten after the next drain
  bool dirty = false;
  bool mark_dirty = false;

  // The most frequent case, one payee, needs no list: `payee` and `net` say it.
  std::vector<aggregator::PayeeShare> share_list() const {
    if (kind != SettlementKind::collection) return {};
    if (!shares) return {{payee, net}};
    return {shares.get(), shares.get() + share_count};
  }
  void set_shares(std::span<const aggregator::PayeeShare> list);
  SettlementExtra& more() {
    if (!extra) extra = std::make_unique<SettlementExtra>();
    return *extra;
  }
  Amount fee() const { return extra ? extra->fee : Amount{}; }
  const BillExtra& bill() const {
    static const BillExtra kNone;
    return bill_extra ? *bill_extra : kNone;
  }
  BillExtra& more_bill() {
    if (!bill_extra) bill_extra = std::make_unique<BillExtra>();
    return *bill_extra;
  }
  Amount billed() const { return base::add_checked(net, bill().tax); }
  StatementMark mark() const;
  Amount credited_net() const;  // the part of the credited amount that is not tax
  const RailRemarks* remarks() const { return extra ? extra->remarks.get() : nullptr; }
  RailRemarks& more_remarks() {
    SettlementExtra& owner = more();
    if (!owner.remarks) owner.remarks = std::make_unique<RailRemarks>();
    return *owner.remarks;
  }
  Amount rail_fee() const { return remarks() == nullptr ? Amount{} : remarks()->fee; }
};
static_assert(sizeof(SettlementRecord) <= 128, "a million open collections are common: rare fields go into the extra");

// A channel; what it shares with others is in its earnings' record.
struct ChannelRecord {
  Hash key;
  Address payer;
  Address payer_authorizer;
  Address receiver_authorizer;
  Hash salt;
  std::uint64_t withdraw_delay_s = 0;
  u128 charged = 0;
  u128 captured = 0;
  u128 signed_maximum = 0;
  commitments::channel::Snapshot chain;
  std::uint64_t block = 0;
  std::uint64_t charges = 0;
  Time opened;
  Time charged_at;
  std::unique_ptr<ChannelReservation> reservation;
  std::unique_ptr<std::string> put_aside;
  std::uint32_t earnings = 0;  // number in State::earnings, from 1
  Signature signature;
  bool present = false;
  bool dirty = false;
  bool fresh = false;
};
static_assert(sizeof(ChannelRecord) <= 416, "base::limits::kChannelsMax says how much memory channels take");

struct EarningsRecord {
  Earnings earnings;
  bool present = false;
  bool dirty = false;
};

struct HoldKey {
  PayerId payer;
  u128 nonce = 0;
  bool operator==(const HoldKey&) const = default;
};
struct HoldKeyHash {
  std::uint64_t seed;
  std::size_t operator()(const HoldKey& key) const noexcept;
};

}  // namespace ledger::core
