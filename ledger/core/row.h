#pragma once

// How the objects of types.h are stored: one key and one value each. A key is the table's byte and big-endian numbers,
// so that a range of keys is a list in order. Layouts are in ledger/FORMAT.md and permanent within a format version.

#include "base/result.h"
#include "ledger/core/types.h"

namespace ledger::core {

enum class Table : std::uint8_t {
  head = 1,               // -> LedgerHead
  asset = 2,              // asset
  plan = 3,               // plan
  payer = 4,              // payer
  tally = 5,              // payer, asset; without its lines
  line = 6,               // payer, asset, u32 index -> Line of the open window
  payee = 7,              // payee
  payee_balance = 8,      // payee, asset
  server = 9,             // server
  mandate = 10,           // mandate
  tab = 11,               // tab
  hold = 12,              // sequence; open holds only
  statement = 13,         // statement; written once, never changed
  settlement = 14,        // settlement, finished ones too
  operator_balance = 15,  // asset
  statement_mark = 16,    // statement -> StatementMark; a reader overlays it on the statement's row (Statement::mark)
  open_settlement = 17,   // settlement -> what the state machine needs of it while it is not finished
  relay = 18,             // settlement -> Relay; written once, never changed
  channel_counts = 19,    // -> ChannelCounts; no row: none
  earnings = 20,          // number, from 1, in order of appearance -> Earnings
  channel = 21,           // channel
  notice = 22,            // notice; written once, never changed
  notice_mark = 23,       // notice -> NoticeMark; a reader overlays it on the notice's row (Notice::mark)
  open_notice = 24,       // notice -> OpenNotice, while it waits or is in suspense
  series = 25,            // number, from 1, in order of appearance -> Series
  credit_note = 26,       // credit note; written once
  payment = 27,           // payment; written once
  closed_statement = 28,  // statement -> ClosedStatement, while refunds of its collection are under way
  release_defaults = 29,  // -> ReleaseDefaults; no row: none were set
  // Secondary: the value is the primary key's number, 8 bytes big-endian (or empty where the key says it all).
  payer_by_address = 32,          // address -> payer
  payee_by_address = 33,          // address -> payee
  server_by_key = 34,             // address -> server
  mandate_by_payer = 35,          // payer, mandate -> empty
  tab_by_key = 36,                // tab_key hash -> tab
  statement_by_payer = 37,        // payer, statement -> empty
  settlement_due = 38,            // next_action us, settlement -> empty; only states that need an action
  settlement_by_state = 39,       // u8 state, settlement -> empty
  channel_by_key = 40,            // channel key hash -> channel
  notice_by_settlement = 41,      // settlement, notice -> empty
  notice_by_state = 42,           // u8 state, notice -> empty
  credit_note_by_payer = 43,      // payer, credit note -> empty
  credit_note_by_statement = 44,  // statement, credit note -> empty; not of goodwill
  payment_by_payer = 45,          // payer, payment -> empty
  settlement_by_payer = 46,       // payer, settlement -> empty; collections and refunds
};

// Key builders. Each overload takes the parts in the order given above.
Bytes table_prefix(Table table);
Bytes row_key(Table table, std::uint64_t number);                       // 8-byte number tables (1-column keys)
Bytes row_key(Table table, std::uint64_t first, std::uint64_t second);  // 2-column keys, 8 bytes each
Bytes row_key(Table table, std::uint64_t first, std::uint64_t second, std::uint64_t third);
Bytes row_key(Table table, const Address& address);
Bytes row_key(Table table, const Hash& hash);
// The columns of a key made of numbers; empty if it has another length.
std::vector<std::uint64_t> row_key_columns(base::ByteView key);

// What Table::open_settlement keeps: the settlement, and of a collection what is still needed of its statement.
struct OpenSettlement {
  Settlement settlement;
  PlanId plan;
  Amount net;
  Amount tax;
  Amount credited, credited_paid, paid, refunded;  // of the statement's mark
  Amount surplus;                                  // what the rail moved above the settlement's amount
  std::uint32_t refunds_open = 0;
  bool overdue = false;  // failed for good and not paid since: suspends the payer
  std::vector<aggregator::PayeeShare> shares;
  std::vector<ShareRelease> releases;  // parallel to shares; empty: all at final
  bool operator==(const OpenSettlement&) const = default;
};

// A series of numbers of invoices and credit notes.
struct Series {
  SeriesName name;
  std::uint64_t last = 0;  // given out
  bool operator==(const Series&) const = default;
};

// What the state machine needs of a notice while something is to be done about it.
struct OpenNotice {
  NoticeId id;
  RailName rail;
  SettlementId settlement;
  AssetId asset;
  Amount amount;
  Direction direction = Direction::none;
  NoticeState state = NoticeState::waiting;  // or suspense
  bool operator==(const OpenNotice&) const = default;
};

// Values. decode_* gives corruption if the bytes are not exactly one value.
void encode(const LedgerHead& value, base::Encoder& out);
void encode(const Asset& value, base::Encoder& out);
void encode(const Plan& value, base::Encoder& out);
void encode(const Payer& value, base::Encoder& out);
void encode(const Tally& value, base::Encoder& out);  // without lines
void encode(const aggregator::Line& value, base::Encoder& out);
void encode(const Payee& value, base::Encoder& out);
void encode(const PayeeBalance& value, base::Encoder& out);
void encode(const Server& value, base::Encoder& out);
void encode(const MandateState& value, base::Encoder& out);
void encode(const Tab& value, base::Encoder& out);
void encode(const Hold& value, base::Encoder& out);
void encode(const Statement& value, base::Encoder& out);  // without its mark
void encode(const StatementMark& value, base::Encoder& out);
void encode(const Settlement& value, base::Encoder& out);
void encode(const Relay& value, base::Encoder& out);
void encode(const Channel& value, base::Encoder& out);
void encode(const Earnings& value, base::Encoder& out);
void encode(const ChannelCounts& value, base::Encoder& out);
void encode(const OperatorBalance& value, base::Encoder& out);
void encode(const OpenSettlement& value, base::Encoder& out);
void encode(const Notice& value, base::Encoder& out);  // without its mark
void encode(const NoticeMark& value, base::Encoder& out);
void encode(const OpenNotice& value, base::Encoder& out);
void encode(const Series& value, base::Encoder& out);
void encode(const CreditNote& value, base::Encoder& out);
void encode(const Payment& value, base::Encoder& out);
void encode(const ClosedStatement& value, base::Encoder& out);
void encode(const ReleaseDefaults& value, base::Encoder& out);
// Defined for every type above.
template <typename T>
base::Result<T> decode_row(base::ByteView bytes);
template <typename T>
Bytes encode_row(const T& value) {
  Bytes bytes;
  base::Encoder out(bytes);
  encode(value, out);
  return bytes;
}

// Where changed rows go.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void put(base::ByteView key, base::ByteView value) = 0;
  virtual void erase(base::ByteView key) = 0;
};

}  // namespace ledger::core
