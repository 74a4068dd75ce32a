#include "ledger/core/row.h"

#include "base/check.h"
#include "ledger/core/fields.h"

namespace ledger::core {
namespace {

constexpr std::size_t kColumnBytes = 8;

void append_column(Bytes& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(number >> shift));
}

template <typename T>
void encode_value(const T& value, base::Encoder& out) {
  Writer writer(out);
  fields(writer, value);
}

}  // namespace

Bytes table_prefix(Table table) { return {static_cast<std::uint8_t>(table)}; }

Bytes row_key(Table table, std::uint64_t number) {
  Bytes key;
  key.reserve(1 + kColumnBytes);
  key.push_back(static_cast<std::uint8_t>(table));
  append_column(key, number);
  return key;
}

Bytes row_key(Table table, std::uint64_t first, std::uint64_t second) {
  Bytes key;
  key.reserve(1 + 2 * kColumnBytes);
  key.push_back(static_cast<std::uint8_t>(table));
  append_column(key, first);
  append_column(key, second);
  return key;
}

Bytes row_key(Table table, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
  Bytes key;
  key.reserve(1 + 3 * kColumnBytes);
  key.push_back(static_cast<std::uint8_t>(table));
  append_column(key, first);
  append_column(key, second);
  append_column(key, third);
  return key;
}

Bytes row_key(Table table, const Address& address) {
  Bytes key = table_prefix(table);
  key.insert(key.end(), address.bytes.begin(), address.bytes.end());
  return key;
}

Bytes row_key(Table table, const Hash& hash) {
  Bytes key = table_prefix(table);
  key.insert(key.end(), hash.bytes.begin(), hash.bytes.end());
  return key;
}

std::vector<std::uint64_t> row_key_columns(base::ByteView key) {
  if (key.empty() || (key.size() - 1) % kColumnBytes != 0) return {};
  std::vector<std::uint64_t> columns;
  for (std::size_t at = 1; at < key.size(); at += kColumnBytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < kColumnBytes; ++i) number = (number << 8) | key[at + i];
    columns.push_back(number);
  }
  return columns;
}

void encode(const LedgerHead& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Asset& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Plan& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Payer& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Tally& value, base::Encoder& out) { encode_value(value, out); }
void encode(const aggregator::Line& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Payee& value, base::Encoder& out) { encode_value(value, out); }
void encode(const PayeeBalance& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Server& value, base::Encoder& out) { encode_value(value, out); }
void encode(const MandateState& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Tab& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Hold& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Statement& value, base::Encoder& out) { encode_value(value, out); }
void encode(const StatementMark& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Settlement& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Relay& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Channel& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Earnings& value, base::Encoder& out) { encode_value(value, out); }
void encode(const ChannelCounts& value, base::Encoder& out) { encode_value(value, out); }
void encode(const OperatorBalance& value, base::Encoder& out) { encode_value(value, out); }
void encode(const OpenSettlement& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Notice& value, base::Encoder& out) { encode_value(value, out); }
void encode(const NoticeMark& value, base::Encoder& out) { encode_value(value, out); }
void encode(const OpenNotice& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Series& value, base::Encoder& out) { encode_value(value, out); }
void encode(const CreditNote& value, base::Encoder& out) { encode_value(value, out); }
void encode(const Payment& value, base::Encoder& out) { encode_value(value, out); }
void encode(const ClosedStatement& value, base::Encoder& out) { encode_value(value, out); }
void encode(const ReleaseDefaults& value, base::Encoder& out) { encode_value(value, out); }

template <typename T>
base::Result<T> decode_row(base::ByteView bytes) {
  Reader reader(bytes);
  T value;
  fields(reader, value);
  if (!reader.complete()) {
    return base::error(base::ErrorCode::corruption,
                       "the " + std::to_string(bytes.size()) + " bytes of a stored row are not exactly one object");
  }
  return value;
}

template base::Result<LedgerHead> decode_row<LedgerHead>(base::ByteView);
template base::Result<Asset> decode_row<Asset>(base::ByteView);
template base::Result<Plan> decode_row<Plan>(base::ByteView);
template base::Result<Payer> decode_row<Payer>(base::ByteView);
template base::Result<Tally> decode_row<Tally>(base::ByteView);
template base::Result<aggregator::Line> decode_row<aggregator::Line>(base::ByteView);
template base::Result<Payee> decode_row<Payee>(base::ByteView);
template base::Result<PayeeBalance> decode_row<PayeeBalance>(base::ByteView);
template base::Result<Server> decode_row<Server>(base::ByteView);
template base::Result<MandateState> decode_row<MandateState>(base::ByteView);
template base::Result<Tab> decode_row<Tab>(base::ByteView);
template base::Result<Hold> decode_row<Hold>(base::ByteView);
template base::Result<Statement> decode_row<Statement>(base::ByteView);
template base::Result<StatementMark> decode_row<StatementMark>(base::ByteView);
template base::Result<Settlement> decode_row<Settlement>(base::ByteView);
template base::Result<Relay> decode_row<Relay>(base::ByteView);
template base::Result<Channel> decode_row<Channel>(base::ByteView);
template base::Result<Earnings> decode_row<Earnings>(base::ByteView);
template base::Result<ChannelCounts> decode_row<ChannelCounts>(base::ByteView);
template base::Result<OperatorBalance> decode_row<OperatorBalance>(base::ByteView);
template base::Result<OpenSettlement> decode_row<OpenSettlement>(base::ByteView);
template base::Result<Notice> decode_row<Notice>(base::ByteView);
template base::Result<NoticeMark> decode_row<NoticeMark>(base::ByteView);
template base::Result<OpenNotice> decode_row<OpenNotice>(base::ByteView);
template base::Result<Series> decode_row<Series>(base::ByteView);
template base::Result<CreditNote> decode_row<CreditNote>(base::ByteView);
template base::Result<Payment> decode_row<Payment>(base::ByteView);
template base::Result<ClosedStatement> decode_row<ClosedStatement>(base::ByteView);
template base::Result<ReleaseDefaults> decode_row<ReleaseDefaults>(base::ByteView);

}  // namespace ledger::core
