#pragma once

// The journal's records: every change of state is one of these, applied in order. Kinds and byte layouts are permanent
// (ledger/FORMAT.md); a changed layout gets a new kind. An entry's sequence is its position; its time is its segment's.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/result.h"
#include "ledger/core/types.h"

namespace ledger::core {

using commitments::tab::Usage;

struct Genesis {  // kind 1: always sequence 1
  std::string network;
  Address operator_key;
};
struct AssetSet {
  Asset asset;
};  // kind 2
struct PlanSet {
  Plan plan;
};  // kind 3
struct PayerSet {
  Payer payer;
};  // kind 4: registration or change; `standing` is not changed by it
struct PayeeSet {
  Payee payee;
};  // kind 5
struct ServerSet {
  Server server;
};                       // kind 6
struct CreditLimitSet {  // kind 7
  PayerId payer;
  AssetId asset;
  Amount limit;  // zero = the plan's
};
struct MandateSet {  // kind 8: signed by the payer
  MandateId id;
  commitments::tab::Mandate mandate;
  Signature signature;
};
struct MandateRevoked {  // kind 9: also of an agent that has no mandate yet, and gets its number then
  MandateId id;
  commitments::tab::MandateRevocation revocation;
  Signature signature;  // all zero: revoked by the operator
};
struct RailMandateSet {  // kind 10
  PayerId payer;
  RailName rail;
  Bytes mandate;  // empty: taken away
};
struct StandingSet {  // kind 11
  PayerId payer;
  Standing standing = Standing::active;
  std::string reason;
};
struct WindowOpened {  // kind 12: bounds as computed when it opened
  PayerId payer;
  AssetId asset;
  PlanId plan;
  std::uint64_t number = 0;
  aggregator::WindowBounds bounds;
};
enum class CloseReason : std::uint8_t { time = 1, threshold = 2, operator_asked = 3 };
struct WindowClosed {  // kind 13: the results are recomputed and compared on replay
  PayerId payer;
  AssetId asset;
  std::uint64_t number = 0;
  CloseReason reason = CloseReason::time;
  StatementId statement;  // none: below the minimum, everything carried forward
  Amount total;
  Amount net;  // billed of it
  Amount tax;
  std::uint64_t invoice = 0;  // its number in the plan's series; zero: no statement
  std::uint64_t entries = 0;
  Hash root;
  Time due;
  SettlementId settlement;  // none if nothing is left to collect
  Amount billed() const { return base::add_checked(net, tax); }
};
struct TabOpened {  // kind 14
  TabId id;
  PayerId payer;
  PayeeId payee;
  AssetId asset;
  Hash salt;
};
// What a payer's or agent's signature over a single-use commitment covers, with dense ids.
struct SignedSingleUse {
  PayerId payer;
  PayeeId payee;
  AssetId asset;
  MandateId mandate;  // none: the payer signed
  Amount maximum;
  Hash resource;
  base::u128 nonce = 0;
  std::uint64_t valid_after = 0;
  std::uint64_t valid_before = 0;
  Signature signature;
};
struct Charged {  // kind 15
  SignedSingleUse commitment;
  ServerId server;
  Usage usage;
};
struct HoldMade {  // kind 16
  SignedSingleUse commitment;
  ServerId server;
};
struct HoldCaptured {  // kind 17
  Sequence hold;
  PayerId payer;  // of the hold, as its nonce: an entry says what it is about by itself
  base::u128 nonce = 0;
  Usage usage;
};
enum class ReleaseReason : std::uint8_t { released = 1, expired = 2 };
struct HoldReleased {  // kind 18
  Sequence hold;
  PayerId payer;
  base::u128 nonce = 0;
  ReleaseReason reason = ReleaseReason::released;
};
struct VoucherCharged {  // kind 19
  TabId tab;
  ServerId server;
  MandateId mandate;
  Amount maximum;
  std::uint64_t valid_before = 0;
  Signature signature;
  std::uint64_t first_index = 0;
  std::vector<Usage> usages;
};
struct RefusedLeaf {
  std::uint32_t index = 0;  // position in the batch
  Hash leaf;
};
struct BatchSigned {  // kind 20: follows the entries of the batch's accepted items, same segment
  ServerId server;
  std::uint64_t number = 0;
  std::uint32_t count = 0;
  Hash root;
  Signature signature;
  Sequence first;                    // the first item entry; the items of the batch are the entries of kinds
                                     // 15..19 from here on, in batch order, without the refused ones
  std::vector<RefusedLeaf> refused;  // ascending; items refused, or accepted by an earlier batch
};
struct CreditNoted {  // kind 21: all but payer, asset, statement, amount, reason and reference is recomputed on replay
  CreditNote note;    // without the sequence of this entry
};
struct SettlementPlanned {  // kind 22: payouts and refunds
  Settlement settlement;
};
struct SettlementStepped {  // kind 23: one edge of the settlement state machine
  SettlementId id;
  std::uint32_t attempt = 0;
  SettlementState from = SettlementState::ready;
  SettlementState to = SettlementState::ready;
  Time next_action;
  std::uint32_t technical_retries = 0;
  std::uint32_t dunning_step = 0;
  Hash idempotency_key;  // with to == sending
  Bytes request;         // with to == sending
  std::string reference;
  FailureClass failure = FailureClass::none;
  std::string detail;
  RailName rail;  // from now on; empty: as before
  std::string code;
  Amount rail_fee;  // of the attempt, after the step
  Amount moved;     // a collection becomes confirmed: what the rail moved, if that is not its amount; otherwise zero
};
struct StatementClosed {  // kind 24: written off
  StatementId id;
  StatementState state = StatementState::written_off;
  std::string reason;
};
struct RelayPlanned {  // kind 25
  SettlementId id;
  RailName rail;
  Hash key;
  AssetId asset;  // none: not about an asset of this ledger
  Amount amount;
  std::string label;
  Bytes order;
};

struct ChannelOpened {  // kind 26: kept from here on; its `charged` begins at what was claimed
  ChannelId id;
  std::uint64_t chain_id = 0;
  Address contract;
  commitments::channel::ChannelConfig config;
  Hash key;  // recomputed from the above on replay
  commitments::channel::Snapshot chain;
  std::uint64_t block = 0;
};
struct ChannelSynced {  // kind 27: the chain has other figures
  ChannelId id;
  commitments::channel::Snapshot chain;
  std::uint64_t block = 0;
  bool rewound = false;     // the chain was reorganised: the block may be below the last one
  base::u128 charged = 0;   // afterwards: raised where more was claimed
  Sequence ended;           // the refund that this fulfils; none: none
  bool taken_back = false;  // the channel was put aside, and is no longer
};
struct EarningsSynced {  // kind 28
  std::uint64_t chain_id = 0;
  Address contract;
  Address receiver;
  Address token;
  base::u128 claimed = 0;
  base::u128 settled = 0;
  std::uint64_t block = 0;
  bool rewound = false;
};
struct ChannelReserved {  // kind 29: names the reservation; takes the place of one that has expired
  ChannelId id;
  base::FixedBytes<16> request;
  bool refund = false;
  base::u128 maximum = 0;
  Signature signature;
  base::u128 amount = 0;
  base::u128 deposit = 0;
  Time expires;
};
struct ChannelCharged {  // kind 30: a reservation was captured
  ChannelId id;
  Sequence reservation;
  Usage usage;
  base::u128 charged = 0;  // afterwards
};
struct ChannelReleased {  // kind 31: a reservation ended without a charge
  ChannelId id;
  Sequence reservation;
};
struct ChannelPutAside {  // kind 32
  ChannelId id;
  std::string reason;  // empty: no longer
};
struct NoticeRecorded {  // kind 33
  Notice notice;         // without its mark
};
struct NoticesApplied {  // kind 34: the settlement was looked at with these in view
  SettlementId settlement;
  std::vector<NoticeId> notices;  // ascending
};
struct NoticeResolved {  // kind 35
  NoticeId id;
  Resolution resolution = Resolution::dismissed;
  PayerId payer;  // payer_credit, pays_statement: the payment follows
  std::string reason;
};
struct TaxSet {  // kind 36
  PayerId payer;
  Tax tax;
};
struct StatementRecalled {  // kind 37: what the next entry needs of a closed statement
  ClosedStatement statement;
};
struct PaymentRecorded {  // kind 38: parts and credit are recomputed on replay
  Payment payment;
};
struct ReleaseDefaultsSet {  // kind 39
  ReleaseDefaults defaults;
};
struct SharesReleased {  // kind 40: those of a collection that are due
  SettlementId settlement;
};
struct PayoutScheduled {  // kind 41: the end of the window in which something became payable
  PayeeId payee;
  AssetId asset;
  Time from;
};

using Entry =
    std::variant<Genesis, AssetSet, PlanSet, PayerSet, PayeeSet, ServerSet, CreditLimitSet, MandateSet, MandateRevoked,
                 RailMandateSet, StandingSet, WindowOpened, WindowClosed, TabOpened, Charged, HoldMade, HoldCaptured,
                 HoldReleased, VoucherCharged, BatchSigned, CreditNoted, SettlementPlanned, SettlementStepped,
                 StatementClosed, RelayPlanned, ChannelOpened, ChannelSynced, EarningsSynced, ChannelReserved,
                 ChannelCharged, ChannelReleased, ChannelPutAside, NoticeRecorded, NoticesApplied, NoticeResolved,
                 TaxSet, StatementRecalled, PaymentRecorded, ReleaseDefaultsSet, SharesReleased, PayoutScheduled>;

// The stored kind: index in the variant + 1. Permanent.
inline std::uint8_t kind_of(const Entry& entry) noexcept { return static_cast<std::uint8_t>(entry.index() + 1); }
// "charged", "window_closed", ...
std::string_view kind_name(std::uint8_t kind) noexcept;

// u8 kind, then the fields in the order above.
void encode_entry(const Entry& entry, base::Encoder& out);
// The same bytes for the most frequent kinds without building the variant.
void encode_entry(const Charged& entry, base::Encoder& out);
void encode_entry(const VoucherCharged& entry, base::Encoder& out);
// corruption if the bytes are not exactly one entry.
base::Result<Entry> decode_entry(base::ByteView bytes);

}  // namespace ledger::core
