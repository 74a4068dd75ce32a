#include "ledger/store/reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "ledger/core/row.h"
#include "ledger/store/follower.h"
#include "ledger/store/journal_reader.h"
#include "ledger/store/rows.h"

namespace ledger::store {

namespace {

using api::Result;
using base::ErrorCode;
using core::Table;

// One consistent state of the database for the length of a call.
class View {
 public:
  explicit View(const Database& database) : database_(database), snapshot_(database.db().GetSnapshot()) {}
  ~View() { database_.db().ReleaseSnapshot(snapshot_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  template <typename T>
  Result<T> object(base::ByteView key, std::string_view what) const {
    ASSIGN_OR_RETURN(const base::Bytes value, get(database_, Family::state, key, what, snapshot_));
    base::Result<T> row = core::decode_row<T>(value);
    if (!row) return base::error(ErrorCode::corruption, std::string(what) + ": " + row.error().message);
    return row;
  }

  // Values of the keys prefix + (after, end), in order.
  template <typename T>
  Result<std::vector<T>> list(base::ByteView prefix, std::uint64_t after, std::size_t limit,
                              std::string_view what) const {
    std::vector<T> rows;
    RETURN_IF_ERROR(visit(prefix, after, limit, [&](base::ByteView, base::ByteView value) -> Result<bool> {
      base::Result<T> row = core::decode_row<T>(value);
      if (!row) return base::error(ErrorCode::corruption, std::string(what) + ": " + row.error().message);
      rows.push_back(std::move(*row));
      return rows.size() < limit;
    }));
    return rows;
  }

  // The last number of each key prefix + (after, end), in order: an index of primary keys.
  Result<std::vector<std::uint64_t>> numbers(base::ByteView prefix, std::uint64_t after, std::size_t limit) const {
    std::vector<std::uint64_t> result;
    RETURN_IF_ERROR(visit(prefix, after, limit, [&](base::ByteView key, base::ByteView) -> Result<bool> {
      result.push_back(get_big_endian(key.subspan(key.size() - 8)));
      return result.size() < limit;
    }));
    return result;
  }

  Result<std::uint64_t> number(base::ByteView key, std::string_view what) const {
    ASSIGN_OR_RETURN(const base::Bytes value, get(database_, Family::state, key, what, snapshot_));
    if (value.size() != 8) return base::error(ErrorCode::corruption, std::string(what) + ": an index row is damaged");
    return get_big_endian(value);
  }

  Result<void> visit(base::ByteView prefix, std::uint64_t after, std::size_t limit, const RowVisitor& row) const {
    if (limit == 0 || after == std::numeric_limits<std::uint64_t>::max()) return {};
    Key<8> from;
    put_big_endian(from.bytes.data(), after + 1, 8);
    return scan(database_, Family::state, prefix, from.view(), row, snapshot_);
  }

  const rocksdb::Snapshot* snapshot() const noexcept { return snapshot_; }

 private:
  const Database& database_;
  const rocksdb::Snapshot* snapshot_;
};

std::string named(std::string_view what, std::uint64_t number) {
  return std::string(what) + " " + std::to_string(number);
}

class RocksReader final : public api::LedgerReader {
 public:
  RocksReader(const Database& database, const Follower* follower) : database_(database), journal_(database, follower) {}

  Result<core::LedgerHead> head() const override {
    return View(database_).object<core::LedgerHead>(core::table_prefix(Table::head), "head row");
  }
  Result<core::Payer> payer(core::PayerId id) const override {
    return primary<core::Payer>(View(database_), Table::payer, "payer", id.value);
  }
  Result<core::Payer> payer(const core::Address& address) const override {
    return by_address<core::Payer>(Table::payer_by_address, Table::payer, "payer", address);
  }
  Result<core::Payee> payee(core::PayeeId id) const override {
    return primary<core::Payee>(View(database_), Table::payee, "payee", id.value);
  }
  Result<core::Payee> payee(const core::Address& address) const override {
    return by_address<core::Payee>(Table::payee_by_address, Table::payee, "payee", address);
  }
  Result<core::Server> server(core::ServerId id) const override {
    return primary<core::Server>(View(database_), Table::server, "server", id.value);
  }
  Result<core::Server> server(const core::Address& key) const override {
    return by_address<core::Server>(Table::server_by_key, Table::server, "server", key);
  }
  Result<core::Plan> plan(core::PlanId id) const override {
    return primary<core::Plan>(View(database_), Table::plan, "plan", id.value);
  }
  Result<core::Asset> asset(core::AssetId id) const override {
    return primary<core::Asset>(View(database_), Table::asset, "asset", id.value);
  }
  Result<core::MandateState> mandate(core::MandateId id) const override {
    return primary<core::MandateState>(View(database_), Table::mandate, "mandate", id.value);
  }
  Result<core::Tab> tab(core::TabId id) const override {
    return primary<core::Tab>(View(database_), Table::tab, "tab", id.value);
  }
  Result<core::Statement> statement(core::StatementId id) const override { return statement_in(View(database_), id); }
  Result<core::Notice> notice(core::NoticeId id) const override { return by_notice(View(database_), id.value); }
  Result<core::Relay> relay(core::SettlementId id) const override {
    return primary<core::Relay>(View(database_), Table::relay, "relay", id.value);
  }
  Result<core::Settlement> settlement(core::SettlementId id) const override {
    return primary<core::Settlement>(View(database_), Table::settlement, "settlement", id.value);
  }
  Result<core::Channel> channel(core::ChannelId id) const override {
    return primary<core::Channel>(View(database_), Table::channel, "channel", id.value);
  }
  Result<core::Channel> channel(const core::Hash& key) const override {
    const View view(database_);
    ASSIGN_OR_RETURN(const std::uint64_t id,
                     view.number(core::row_key(Table::channel_by_key, key), "channel " + base::to_hex(key)));
    return primary<core::Channel>(view, Table::channel, "channel", id);
  }
  Result<core::PayeeBalance> payee_balance(core::PayeeId payee, core::AssetId asset) const override {
    return View(database_).object<core::PayeeBalance>(
        core::row_key(Table::payee_balance, payee.value, asset.value),
        "balance of " + named("payee", payee.value) + " in " + named("asset", asset.value));
  }
  Result<core::OperatorBalance> operator_balance(core::AssetId asset) const override {
    return primary<core::OperatorBalance>(View(database_), Table::operator_balance, "operator balance of asset",
                                          asset.value);
  }
  Result<core::Tally> tally(core::PayerId payer, core::AssetId asset) const override;

  Result<std::vector<core::Asset>> assets() const override {
    return all<core::Asset>(Table::asset, 0, std::numeric_limits<std::size_t>::max(), "asset");
  }
  Result<std::vector<core::Plan>> plans() const override {
    return all<core::Plan>(Table::plan, 0, std::numeric_limits<std::size_t>::max(), "plan");
  }
  Result<std::vector<core::Payer>> payers(core::PayerId after, std::size_t limit) const override {
    return all<core::Payer>(Table::payer, after.value, limit, "payer");
  }
  Result<std::vector<core::Payee>> payees(core::PayeeId after, std::size_t limit) const override {
    return all<core::Payee>(Table::payee, after.value, limit, "payee");
  }
  Result<std::vector<core::Server>> servers(core::ServerId after, std::size_t limit) const override {
    return all<core::Server>(Table::server, after.value, limit, "server");
  }
  Result<std::vector<core::Tally>> tallies(core::PayerId payer) const override {
    return View(database_).list<core::Tally>(core::row_key(Table::tally, payer.value), 0,
                                             std::numeric_limits<std::size_t>::max(), "tally");
  }
  Result<std::vector<core::PayeeBalance>> payee_balances(core::PayeeId payee) const override {
    return View(database_).list<core::PayeeBalance>(core::row_key(Table::payee_balance, payee.value), 0,
                                                    std::numeric_limits<std::size_t>::max(), "payee balance");
  }
  Result<std::vector<core::MandateState>> mandates(core::PayerId payer, core::MandateId after,
                                                   std::size_t limit) const override {
    return indexed<core::MandateState>(core::row_key(Table::mandate_by_payer, payer.value), after.value, limit,
                                       [](const View& view, std::uint64_t id) {
                                         return primary<core::MandateState>(view, Table::mandate, "mandate", id);
                                       });
  }
  Result<std::vector<core::Statement>> statements(core::StatementId after, std::size_t limit) const override {
    return indexed<core::Statement>(core::table_prefix(Table::statement), after.value, limit, by_statement);
  }
  Result<std::vector<core::Statement>> statements_of(core::PayerId payer, core::StatementId after,
                                                     std::size_t limit) const override {
    return indexed<core::Statement>(core::row_key(Table::statement_by_payer, payer.value), after.value, limit,
                                    by_statement);
  }
  Result<std::vector<core::Settlement>> settlements(core::SettlementId after, std::size_t limit) const override {
    return all<core::Settlement>(Table::settlement, after.value, limit, "settlement");
  }
  Result<std::vector<core::Settlement>> settlements_in(core::SettlementState state, core::SettlementId after,
                                                       std::size_t limit) const override {
    core::Bytes prefix = core::table_prefix(Table::settlement_by_state);
    prefix.push_back(static_cast<std::uint8_t>(state));
    return indexed<core::Settlement>(prefix, after.value, limit, by_settlement);
  }
  Result<std::vector<core::Settlement>> settlements_of(core::PayerId payer, core::SettlementId after,
                                                       std::size_t limit) const override {
    return indexed<core::Settlement>(core::row_key(Table::settlement_by_payer, payer.value), after.value, limit,
                                     by_settlement);
  }
  Result<std::vector<core::Settlement>> due_settlements(core::Time now, std::size_t limit) const override;
  Result<std::vector<core::Notice>> notices(core::NoticeId after, std::size_t limit) const override {
    return indexed<core::Notice>(core::table_prefix(Table::notice), after.value, limit, by_notice);
  }
  Result<std::vector<core::Notice>> notices_in(core::NoticeState state, core::NoticeId after,
                                               std::size_t limit) const override {
    core::Bytes prefix = core::table_prefix(Table::notice_by_state);
    prefix.push_back(static_cast<std::uint8_t>(state));
    return indexed<core::Notice>(prefix, after.value, limit, by_notice);
  }
  Result<std::vector<core::Notice>> notices_of(core::SettlementId settlement, std::size_t limit) const override;
  Result<core::CreditNote> credit_note(core::CreditNoteId id) const override {
    return by_credit_note(View(database_), id.value);
  }
  Result<std::vector<core::CreditNote>> credit_notes(core::CreditNoteId after, std::size_t limit) const override {
    return all<core::CreditNote>(Table::credit_note, after.value, limit, "credit note");
  }
  Result<std::vector<core::CreditNote>> credit_notes_of(core::PayerId payer, core::CreditNoteId after,
                                                        std::size_t limit) const override {
    return indexed<core::CreditNote>(core::row_key(Table::credit_note_by_payer, payer.value), after.value, limit,
                                     by_credit_note);
  }
  Result<std::vector<core::CreditNote>> credit_notes_on(core::StatementId statement, std::size_t limit) const override {
    return indexed<core::CreditNote>(core::row_key(Table::credit_note_by_statement, statement.value), 0, limit,
                                     by_credit_note);
  }
  Result<std::vector<core::Payment>> payments(core::PaymentId after, std::size_t limit) const override {
    return all<core::Payment>(Table::payment, after.value, limit, "payment");
  }
  Result<std::vector<core::Payment>> payments_of(core::PayerId payer, core::PaymentId after,
                                                 std::size_t limit) const override {
    return indexed<core::Payment>(
        core::row_key(Table::payment_by_payer, payer.value), after.value, limit,
        [](const View& view, std::uint64_t id) { return primary<core::Payment>(view, Table::payment, "payment", id); });
  }
  Result<core::ReleaseDefaults> release_defaults() const override {
    Result<core::ReleaseDefaults> row =
        View(database_).object<core::ReleaseDefaults>(core::table_prefix(Table::release_defaults), "release defaults");
    if (!row && row.error().code == ErrorCode::not_found) return core::ReleaseDefaults{};
    return row;
  }
  Result<std::vector<core::Channel>> channels(core::ChannelId after, std::size_t limit) const override {
    return all<core::Channel>(Table::channel, after.value, limit, "channel");
  }
  Result<std::vector<core::Earnings>> earnings(std::size_t limit) const override {
    return all<core::Earnings>(Table::earnings, 0, limit, "earnings");
  }

  Result<std::vector<api::StoredEntry>> entries(core::Sequence from, std::size_t limit) const override {
    return journal_.entries(from, limit);
  }
  Result<api::StoredEntry> entry(core::Sequence sequence) const override { return journal_.entry(sequence); }
  Result<std::vector<api::StoredEntry>> payer_entries(core::PayerId payer, core::Sequence after,
                                                      std::size_t limit) const override {
    return journal_.of_payer(payer, HistoryClass::charging, after, limit);
  }
  Result<std::vector<api::StoredEntry>> payer_windows(core::PayerId payer, core::Sequence after,
                                                      std::size_t limit) const override {
    return journal_.of_payer(payer, HistoryClass::window_closed, after, limit);
  }
  Result<core::Segment> segment_of(core::Sequence sequence) const override { return journal_.segment_of(sequence); }
  Result<core::Segment> segment(core::SegmentId id) const override { return journal_.segment(id); }
  Result<std::vector<core::Hash>> segment_hashes(core::SegmentId first, std::size_t count) const override {
    return journal_.segment_hashes(first, count);
  }

 private:
  template <typename T>
  static Result<T> primary(const View& view, Table table, std::string_view what, std::uint64_t id) {
    return view.object<T>(core::row_key(table, id), named(what, id));
  }
  template <typename T>
  Result<T> by_address(Table index, Table table, std::string_view what, const core::Address& address) const {
    const View view(database_);
    const std::string name = std::string(what) + " with address " + base::to_hex(address);
    ASSIGN_OR_RETURN(const std::uint64_t id, view.number(core::row_key(index, address), name));
    return primary<T>(view, table, what, id);
  }
  template <typename T>
  Result<std::vector<T>> all(Table table, std::uint64_t after, std::size_t limit, std::string_view what) const {
    return View(database_).list<T>(core::table_prefix(table), after, limit, what);
  }
  template <typename T, typename Get>
  Result<std::vector<T>> indexed(const core::Bytes& prefix, std::uint64_t after, std::size_t limit,
                                 const Get& get_object) const {
    const View view(database_);
    ASSIGN_OR_RETURN(const std::vector<std::uint64_t> numbers, view.numbers(prefix, after, limit));
    std::vector<T> objects;
    objects.reserve(numbers.size());
    for (const std::uint64_t number : numbers) {
      ASSIGN_OR_RETURN(T object, get_object(view, number));
      objects.push_back(std::move(object));
    }
    return objects;
  }
  static Result<core::Statement> by_statement(const View& view, std::uint64_t id) {
    return statement_in(view, core::StatementId(id));
  }
  static Result<core::CreditNote> by_credit_note(const View& view, std::uint64_t id) {
    return primary<core::CreditNote>(view, Table::credit_note, "credit note", id);
  }
  static Result<core::Settlement> by_settlement(const View& view, std::uint64_t id) {
    return primary<core::Settlement>(view, Table::settlement, "settlement", id);
  }
  static Result<core::Statement> statement_in(const View& view, core::StatementId id);
  static Result<core::Notice> by_notice(const View& view, std::uint64_t id);

  const Database& database_;
  JournalReader journal_;
};

// A statement's row with what has happened to it since.
Result<core::Statement> RocksReader::statement_in(const View& view, core::StatementId id) {
  ASSIGN_OR_RETURN(core::Statement statement, primary<core::Statement>(view, Table::statement, "statement", id.value));
  Result<core::StatementMark> mark =
      primary<core::StatementMark>(view, Table::statement_mark, "mark of statement", id.value);
  if (mark) {
    statement.mark = std::move(*mark);
  } else if (mark.error().code != ErrorCode::not_found) {
    return tl::unexpected(mark.error());
  }
  return statement;
}

// As a statement's.
Result<core::Notice> RocksReader::by_notice(const View& view, std::uint64_t id) {
  ASSIGN_OR_RETURN(core::Notice notice, primary<core::Notice>(view, Table::notice, "notice", id));
  notice.mark.state = notice.recorded_as;
  Result<core::NoticeMark> mark = primary<core::NoticeMark>(view, Table::notice_mark, "mark of notice", id);
  if (mark) {
    notice.mark = std::move(*mark);
  } else if (mark.error().code != ErrorCode::not_found) {
    return tl::unexpected(mark.error());
  }
  return notice;
}

Result<std::vector<core::Notice>> RocksReader::notices_of(core::SettlementId settlement, std::size_t limit) const {
  const View view(database_);
  ASSIGN_OR_RETURN(std::vector<std::uint64_t> numbers,
                   view.numbers(core::row_key(Table::notice_by_settlement, settlement.value), 0,
                                std::numeric_limits<std::size_t>::max()));
  if (numbers.size() > limit) numbers.erase(numbers.begin(), numbers.end() - static_cast<std::ptrdiff_t>(limit));
  std::vector<core::Notice> notices;
  for (const std::uint64_t number : numbers) {
    ASSIGN_OR_RETURN(core::Notice notice, by_notice(view, number));
    notices.push_back(std::move(notice));
  }
  return notices;
}

Result<core::Tally> RocksReader::tally(core::PayerId payer, core::AssetId asset) const {
  const View view(database_);
  const std::string name = "tally of " + named("payer", payer.value) + " in " + named("asset", asset.value);
  ASSIGN_OR_RETURN(core::Tally tally,
                   view.object<core::Tally>(core::row_key(Table::tally, payer.value, asset.value), name));
  const core::Bytes prefix = core::row_key(Table::line, payer.value, asset.value);
  RETURN_IF_ERROR(scan(
      database_, Family::state, prefix, {},
      [&](base::ByteView, base::ByteView value) -> Result<bool> {
        base::Result<aggregator::Line> line = core::decode_row<aggregator::Line>(value);
        if (!line) return base::error(ErrorCode::corruption, "line of the " + name + ": " + line.error().message);
        tally.lines.restore(*line);
        return true;
      },
      view.snapshot()));
  return tally;
}

Result<std::vector<core::Settlement>> RocksReader::due_settlements(core::Time now, std::size_t limit) const {
  const View view(database_);
  std::vector<std::uint64_t> ids;
  if (limit == 0) return std::vector<core::Settlement>();
  RETURN_IF_ERROR(scan(
      database_, Family::state, core::table_prefix(Table::settlement_due), {},
      [&](base::ByteView key, base::ByteView) -> Result<bool> {
        const std::vector<std::uint64_t> columns = core::row_key_columns(key);
        if (columns.size() != 2) return base::error(ErrorCode::corruption, "a settlement_due key has a wrong length");
        if (columns[0] > now.us) return false;
        ids.push_back(columns[1]);
        return ids.size() < limit;
      },
      view.snapshot()));
  std::vector<core::Settlement> due;
  for (const std::uint64_t id : ids) {
    ASSIGN_OR_RETURN(core::Settlement settlement, by_settlement(view, id));
    due.push_back(std::move(settlement));
  }
  return due;
}

}  // namespace

std::unique_ptr<api::LedgerReader> make_reader(const Database& database, const Follower* follower) {
  return std::make_unique<RocksReader>(database, follower);
}

}  // namespace ledger::store
