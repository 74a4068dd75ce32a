// Stored rows. The first byte chooses the table, the rest is the value; a second reading takes the input as a key.

#include <algorithm>

#include "base/check.h"
#include "ledger/core/row.h"
#include "tests/fuzz/target.h"

namespace core = ledger::core;

namespace {

template <typename T>
bool round_trip(base::ByteView value) {
  const base::Result<T> row = core::decode_row<T>(value);
  if (!row) {
    CHECK(row.error().code == base::ErrorCode::corruption && !row.error().message.empty());
    return false;
  }
  const core::Bytes again = core::encode_row(*row);
  CHECK(std::equal(again.begin(), again.end(), value.begin(), value.end()));
  return true;
}

bool decode(core::Table table, base::ByteView value) {
  switch (table) {
    case core::Table::head: return round_trip<core::LedgerHead>(value);
    case core::Table::asset: return round_trip<core::Asset>(value);
    case core::Table::plan: return round_trip<core::Plan>(value);
    case core::Table::payer: return round_trip<core::Payer>(value);
    case core::Table::tally: return round_trip<core::Tally>(value);
    case core::Table::line: return round_trip<aggregator::Line>(value);
    case core::Table::payee: return round_trip<core::Payee>(value);
    case core::Table::payee_balance: return round_trip<core::PayeeBalance>(value);
    case core::Table::server: return round_trip<core::Server>(value);
    case core::Table::mandate: return round_trip<core::MandateState>(value);
    case core::Table::tab: return round_trip<core::Tab>(value);
    case core::Table::hold: return round_trip<core::Hold>(value);
    case core::Table::statement: return round_trip<core::Statement>(value);
    case core::Table::statement_mark: return round_trip<core::StatementMark>(value);
    case core::Table::settlement: return round_trip<core::Settlement>(value);
    case core::Table::open_settlement: return round_trip<core::OpenSettlement>(value);
    case core::Table::relay: return round_trip<core::Relay>(value);
    case core::Table::channel_counts: return round_trip<core::ChannelCounts>(value);
    case core::Table::earnings: return round_trip<core::Earnings>(value);
    case core::Table::channel: return round_trip<core::Channel>(value);
    case core::Table::notice: return round_trip<core::Notice>(value);
    case core::Table::notice_mark: return round_trip<core::NoticeMark>(value);
    case core::Table::open_notice: return round_trip<core::OpenNotice>(value);
    case core::Table::series: return round_trip<core::Series>(value);
    case core::Table::credit_note: return round_trip<core::CreditNote>(value);
    case core::Table::payment: return round_trip<core::Payment>(value);
    case core::Table::closed_statement: return round_trip<core::ClosedStatement>(value);
    case core::Table::release_defaults: return round_trip<core::ReleaseDefaults>(value);
    case core::Table::operator_balance: return round_trip<core::OperatorBalance>(value);
    default: return false;
  }
}

}  // namespace

bool fuzz::run_input(base::ByteView bytes) {
  if (bytes.empty()) return false;
  const std::vector<std::uint64_t> columns = core::row_key_columns(bytes);
  if (columns.size() == 2) {
    const core::Bytes key = core::row_key(static_cast<core::Table>(bytes[0]), columns[0], columns[1]);
    CHECK(std::equal(key.begin(), key.end(), bytes.begin(), bytes.end()));
  }
  return decode(static_cast<core::Table>(bytes[0]), bytes.subspan(1));
}
