// Rows of changed objects, and of all objects.

#include <algorithm>

#include "ledger/core/state.h"

namespace ledger::core {
namespace {

// Encodes one row after another into the same buffer.
class RowWriter {
 public:
  explicit RowWriter(RowSink& sink) : sink_(sink) {}

  template <typename T>
  void put(const Bytes& key, const T& value) {
    buffer_.clear();
    base::Encoder out(buffer_);
    encode(value, out);
    sink_.put(key, buffer_);
  }
  // A secondary row whose value is a number.
  void put_number(const Bytes& key, std::uint64_t number) {
    buffer_.clear();
    for (int shift = 56; shift >= 0; shift -= 8) buffer_.push_back(static_cast<std::uint8_t>(number >> shift));
    sink_.put(key, buffer_);
  }
  void put_empty(const Bytes& key) { sink_.put(key, {}); }
  void erase(const Bytes& key) { sink_.erase(key); }
  RowSink& sink() { return sink_; }

 private:
  RowSink& sink_;
  Bytes buffer_;
};

Bytes tally_key(const TallyRecord& record) { return row_key(Table::tally, record.payer.value, record.asset.value); }
Bytes line_key(const TallyRecord& record, std::uint32_t line) {
  return row_key(Table::line, record.payer.value, record.asset.value, line);
}
Bytes balance_key(const PayeeBalance& balance) {
  return row_key(Table::payee_balance, balance.payee.value, balance.asset.value);
}
Bytes due_key(Time when, SettlementId id) { return row_key(Table::settlement_due, when.us, id.value); }
Bytes state_key(std::uint8_t state, SettlementId id) {
  Bytes key = row_key(Table::settlement_by_state, id.value);
  key.insert(key.begin() + 1, state);
  return key;
}

Bytes notice_state_key(std::uint8_t state, NoticeId id) {
  Bytes key = row_key(Table::notice_by_state, id.value);
  key.insert(key.begin() + 1, state);
  return key;
}

std::size_t line_count(const TallyRecord& record) { return record.charges ? record.charges->lines.lines().size() : 0; }

void put_payee_secondary(RowWriter& rows, const PayeeRecord& record) {
  rows.put_number(row_key(Table::payee_by_address, record.payee.address), record.payee.id.value);
}
void put_server_secondary(RowWriter& rows, const ServerRecord& record) {
  rows.put_number(row_key(Table::server_by_key, record.server.key), record.server.id.value);
}
void put_mandate_secondary(RowWriter& rows, const MandateRecord& record) {
  rows.put_empty(row_key(Table::mandate_by_payer, record.payer.value, record.state.id.value));
}
void put_tab_secondary(RowWriter& rows, const TabRecord& record) {
  rows.put_number(row_key(Table::tab_by_key, record.tab.key), record.tab.id.value);
}

OpenSettlement open_row(const Settlement& settlement, const SettlementRecord& record) {
  OpenSettlement row;
  row.settlement = settlement;
  row.plan = record.plan;
  const BillExtra& bill = record.bill();
  row.net = record.net;
  row.tax = bill.tax;
  row.credited = bill.credited;
  row.credited_paid = bill.credited_paid;
  row.paid = bill.paid;
  row.refunded = bill.refunded;
  row.surplus = bill.surplus;
  row.refunds_open = bill.refunds_open;
  row.releases = bill.releases;
  row.overdue = record.overdue;
  row.shares = record.share_list();
  return row;
}

// Moves the secondary rows of a settlement from where they stand in the store to where they belong now.
void move_settlement_rows(RowWriter& rows, SettlementId id, SettlementRecord& record) {
  const auto state = static_cast<std::uint8_t>(record.state);
  if (record.listed_state != state) {
    if (record.listed_state != 0) rows.erase(state_key(record.listed_state, id));
    rows.put_empty(state_key(state, id));
    record.listed_state = state;
  }
  const Time due = needs_action(record.state) ? record.next_action : Time{};
  if (record.listed_at != due) {
    if (record.listed_at.us != 0) rows.erase(due_key(record.listed_at, id));
    if (due.us != 0) rows.put_empty(due_key(due, id));
    record.listed_at = due;
  }
}

}  // namespace

Tally StateMachine::State::to_row(const TallyRecord& record) const {
  Tally tally;
  tally.payer = record.payer;
  tally.asset = record.asset;
  tally.plan = record.plan;
  tally.held = record.held;
  tally.unbilled = *Amount::from_units(record.unbilled_units());
  tally.billed = *Amount::from_units(record.billed_units());
  tally.credit = *Amount::from_units(record.credit_units());
  tally.window = record.window;
  tally.window_number = record.window_number;
  if (record.charges) tally.entries = record.charges->entries;
  if (record.carried_in) tally.carried_in = *record.carried_in;
  tally.account_unbilled = record.unbilled;
  tally.account_receivable = record.receivable;
  if (record.extra) {
    tally.credit_limit_override = record.extra->limit_override;
    tally.account_credit = record.extra->credit;
  }
  return tally;
}

// ---- changed rows ----

namespace {

void drain_lines(std::vector<StateMachine::State::LineRef>& dirty, std::vector<StateMachine::State::LineRef>& cleared,
                 RowWriter& rows) {
  using LineRef = StateMachine::State::LineRef;
  const auto by_place = [](const LineRef& a, const LineRef& b) {
    return a.tally->number != b.tally->number ? a.tally->number < b.tally->number : a.line < b.line;
  };
  const auto same_place = [](const LineRef& a, const LineRef& b) { return a.tally == b.tally && a.line == b.line; };
  std::sort(dirty.begin(), dirty.end(), by_place);
  dirty.erase(std::unique(dirty.begin(), dirty.end(), same_place), dirty.end());
  for (const LineRef& ref : dirty) {
    // Lines of a window that closed meanwhile are gone.
    if (ref.line < line_count(*ref.tally)) {
      rows.put(line_key(*ref.tally, ref.line), ref.tally->charges->lines.lines()[ref.line]);
    }
  }
  dirty.clear();

  // Of the windows that a tally closed since the last drain, the one with most lines covers the others.
  std::sort(cleared.begin(), cleared.end(), by_place);
  for (std::size_t i = 0; i < cleared.size(); ++i) {
    const bool is_last_of_tally = i + 1 == cleared.size() || cleared[i + 1].tally != cleared[i].tally;
    if (!is_last_of_tally) continue;
    const TallyRecord& record = *cleared[i].tally;
    for (std::size_t line = line_count(record); line < cleared[i].line; ++line) {
      rows.erase(line_key(record, static_cast<std::uint32_t>(line)));
    }
  }
  cleared.clear();
}

}  // namespace

void StateMachine::State::drain_settlements(RowSink& sink) {
  RowWriter rows(sink);
  for (const SettlementId id : dirty_settlements) {
    SettlementRecord& record = *find_settlement(id);
    record.dirty = false;
    const Settlement settlement = unpack(id, record);
    rows.put(row_key(Table::settlement, id.value), settlement);
    move_settlement_rows(rows, id, record);
    const bool closed = dirty_closed.contains(record.statement.value);  // then its mark is among theirs
    if (std::exchange(record.mark_dirty, false) && !closed) {
      rows.put(row_key(Table::statement_mark, record.statement.value), record.mark());
    }
    const Bytes open_key = row_key(Table::open_settlement, id.value);
    if (!record.finished) {
      rows.put(open_key, open_row(settlement, record));
      continue;
    }
    rows.erase(open_key);
    if (record.kind == SettlementKind::collection) collections.erase(record.statement.value);
    settlements.erase(id.value);
  }
  dirty_settlements.clear();
}

// After the settlements: a collection that finished may be among the closed ones since.
void StateMachine::State::drain_documents(RowSink& sink) {
  RowWriter rows(sink);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (std::exchange(series[i].dirty, false)) rows.put(row_key(Table::series, i + 1), series[i].series);
  }
  if (std::exchange(release_defaults_dirty, false)) rows.put(table_prefix(Table::release_defaults), release_defaults);
  for (const std::uint64_t statement : dirty_closed) {
    const ClosedStatement& closed = closed_statements.at(statement);
    rows.put(row_key(Table::statement_mark, statement), closed.mark);
    const Bytes key = row_key(Table::closed_statement, statement);
    if (closed.refunds_open != 0) {
      rows.put(key, closed);
    } else {
      rows.erase(key);
      closed_statements.erase(statement);
    }
  }
  dirty_closed.clear();
}

void StateMachine::State::drain_accounts(RowSink& sink) {
  RowWriter rows(sink);
  for (TallyRecord* record : dirty_tallies) {
    record->dirty = false;
    rows.put(tally_key(*record), to_row(*record));
  }
  dirty_tallies.clear();
  drain_lines(dirty_lines, cleared_lines, rows);
  for (PayeeBalanceRecord* record : dirty_balances) {
    record->dirty = false;
    rows.put(balance_key(record->balance), record->balance);
  }
  dirty_balances.clear();
  for (AssetRecord* record : dirty_operators) {
    record->operators_dirty = false;
    rows.put(row_key(Table::operator_balance, record->asset.id.value), record->operators);
  }
  dirty_operators.clear();
  std::sort(dirty_holds.begin(), dirty_holds.end());
  dirty_holds.erase(std::unique(dirty_holds.begin(), dirty_holds.end()), dirty_holds.end());
  for (const std::uint64_t sequence : dirty_holds) {
    const auto hold = holds.find(sequence);
    if (hold == holds.end()) {
      rows.erase(row_key(Table::hold, sequence));
    } else {
      rows.put(row_key(Table::hold, sequence), hold->second);
    }
  }
  dirty_holds.clear();
  for (TabRecord* record : dirty_tabs) {
    record->dirty = false;
    rows.put(row_key(Table::tab, record->tab.id.value), record->tab);
    if (std::exchange(record->fresh, false)) put_tab_secondary(rows, *record);
  }
  dirty_tabs.clear();
}

void StateMachine::State::drain_channels(RowSink& sink) {
  RowWriter rows(sink);
  if (std::exchange(channel_counts_dirty, false)) {
    rows.put(table_prefix(Table::channel_counts), ChannelCounts{channels.size(), earnings.size()});
  }
  for (const std::uint32_t number : dirty_earnings) {
    EarningsRecord& record = earnings[number - 1];
    record.dirty = false;
    rows.put(row_key(Table::earnings, number), record.earnings);
  }
  dirty_earnings.clear();
  for (const ChannelId id : dirty_channels) {
    ChannelRecord& record = channels[id.value - 1];
    record.dirty = false;
    rows.put(row_key(Table::channel, id.value), unpack(id, record));
    if (std::exchange(record.fresh, false)) rows.put_number(row_key(Table::channel_by_key, record.key), id.value);
  }
  dirty_channels.clear();
}

void StateMachine::State::drain_notices(RowSink& sink) {
  RowWriter rows(sink);
  for (const NoticeChange& change : notice_changes) {
    if (change.from != 0) {
      rows.erase(notice_state_key(change.from, change.id));
      rows.put(row_key(Table::notice_mark, change.id.value), change.mark);
    }
    rows.put_empty(notice_state_key(static_cast<std::uint8_t>(change.mark.state), change.id));
    const Bytes open_key = row_key(Table::open_notice, change.id.value);
    const auto open = open_notices.find(change.id.value);
    if (open != open_notices.end()) {
      rows.put(open_key, open->second);
    } else if (change.from != 0) {
      rows.erase(open_key);
    }
  }
  notice_changes.clear();
}

void StateMachine::State::drain_registry(RowSink& sink) {
  RowWriter rows(sink);
  for (AssetRecord* record : dirty_assets) {
    record->dirty = false;
    rows.put(row_key(Table::asset, record->asset.id.value), record->asset);
  }
  dirty_assets.clear();
  for (PlanRecord* record : dirty_plans) {
    record->dirty = false;
    rows.put(row_key(Table::plan, record->plan.id.value), record->plan);
  }
  dirty_plans.clear();
  for (const PayerId id : dirty_payers) {
    PayerRecord& record = payers[id.value - 1];
    record.dirty = false;
    rows.put(row_key(Table::payer, id.value), unpack(id));
    if (std::exchange(record.fresh, false)) {
      rows.put_number(row_key(Table::payer_by_address, record.address), id.value);
    }
  }
  dirty_payers.clear();
  for (PayeeRecord* record : dirty_payees) {
    record->dirty = false;
    rows.put(row_key(Table::payee, record->payee.id.value), record->payee);
    if (std::exchange(record->fresh, false)) put_payee_secondary(rows, *record);
  }
  dirty_payees.clear();
  for (ServerRecord* record : dirty_servers) {
    record->dirty = false;
    rows.put(row_key(Table::server, record->server.id.value), record->server);
    if (std::exchange(record->fresh, false)) put_server_secondary(rows, *record);
  }
  dirty_servers.clear();
  for (MandateRecord* record : dirty_mandates) {
    record->dirty = false;
    rows.put(row_key(Table::mandate, record->state.id.value), record->state);
    if (std::exchange(record->fresh, false)) put_mandate_secondary(rows, *record);
  }
  dirty_mandates.clear();
}

void StateMachine::State::drain(RowSink& sink) {
  if (std::exchange(head_dirty, false)) RowWriter(sink).put(table_prefix(Table::head), head);
  drain_registry(sink);
  drain_accounts(sink);
  for (const Row& row : new_rows) sink.put(row.key, row.value);
  new_rows.clear();
  drain_settlements(sink);
  drain_documents(sink);
  drain_channels(sink);
  drain_notices(sink);
}

// ---- all rows ----

void StateMachine::State::dump_accounts(RowSink& sink) const {
  RowWriter rows(sink);
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    rows.put(tally_key(record), to_row(record));
    for (std::size_t line = 0; line < line_count(record); ++line) {
      rows.put(line_key(record, static_cast<std::uint32_t>(line)), record.charges->lines.lines()[line]);
    }
  }
  for (std::size_t i = 0; i < payees.size(); ++i) {
    for (const auto& record : payees[i].balances) rows.put(balance_key(record->balance), record->balance);
  }
  for (const auto& [sequence, hold] : holds) rows.put(row_key(Table::hold, sequence), hold);
  for (std::size_t i = 0; i < tabs.size(); ++i) {
    rows.put(row_key(Table::tab, tabs[i].tab.id.value), tabs[i].tab);
    put_tab_secondary(rows, tabs[i]);
  }
  settlements.for_each([&](std::uint64_t number, const SettlementRecord& record) {
    if (record.finished) return;
    const SettlementId id(number);
    const Settlement settlement = unpack(id, record);
    rows.put(row_key(Table::settlement, number), settlement);
    rows.put(row_key(Table::open_settlement, number), open_row(settlement, record));
    rows.put_empty(state_key(static_cast<std::uint8_t>(record.state), id));
    if (needs_action(record.state)) rows.put_empty(due_key(record.next_action, id));
  });
}

void StateMachine::State::dump_channels(RowSink& sink) const {
  RowWriter rows(sink);
  if (earnings.size() != 0) {
    rows.put(table_prefix(Table::channel_counts), ChannelCounts{channels.size(), earnings.size()});
  }
  for (std::size_t i = 0; i < earnings.size(); ++i) {
    rows.put(row_key(Table::earnings, i + 1), earnings[i].earnings);
  }
  for (std::size_t i = 0; i < channels.size(); ++i) {
    rows.put(row_key(Table::channel, i + 1), unpack(ChannelId(i + 1), channels[i]));
    rows.put_number(row_key(Table::channel_by_key, channels[i].key), i + 1);
  }
}

void StateMachine::State::dump(RowSink& sink) const {
  RowWriter rows(sink);
  rows.put(table_prefix(Table::head), head);
  for (const auto& record : assets) {
    rows.put(row_key(Table::asset, record->asset.id.value), record->asset);
    rows.put(row_key(Table::operator_balance, record->asset.id.value), record->operators);
  }
  for (std::size_t i = 0; i < plans.size(); ++i) {
    rows.put(row_key(Table::plan, plans[i].plan.id.value), plans[i].plan);
  }
  for (std::uint32_t number = 1; number <= payers.size(); ++number) {
    rows.put(row_key(Table::payer, number), unpack(PayerId(number)));
    rows.put_number(row_key(Table::payer_by_address, payers[number - 1].address), number);
  }
  for (std::size_t i = 0; i < payees.size(); ++i) {
    rows.put(row_key(Table::payee, payees[i].payee.id.value), payees[i].payee);
    put_payee_secondary(rows, payees[i]);
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    rows.put(row_key(Table::server, servers[i].server.id.value), servers[i].server);
    put_server_secondary(rows, servers[i]);
  }
  for (std::size_t i = 0; i < mandates.size(); ++i) {
    rows.put(row_key(Table::mandate, mandates[i].state.id.value), mandates[i].state);
    put_mandate_secondary(rows, mandates[i]);
  }
  dump_accounts(sink);
  dump_channels(sink);
  for (std::size_t i = 0; i < series.size(); ++i) rows.put(row_key(Table::series, i + 1), series[i].series);
  if (release_defaults_set) rows.put(table_prefix(Table::release_defaults), release_defaults);
  for (const auto& [statement, closed] : closed_statements) {
    if (closed.refunds_open != 0) rows.put(row_key(Table::closed_statement, statement), closed);
  }
  for (const auto& [number, notice] : open_notices) {
    rows.put(row_key(Table::open_notice, number), notice);
    rows.put_empty(notice_state_key(static_cast<std::uint8_t>(notice.state), notice.id));
  }
}

}  // namespace ledger::core
