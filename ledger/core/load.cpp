// Building the state from stored rows.

#include <algorithm>

#include "ledger/core/state.h"

namespace ledger::core {
namespace {

using base::ErrorCode;
using base::Result;

// More are not made: they come from the plans. Bounds what a damaged row can ask for.
constexpr std::uint64_t kSeriesMax = 1'000'000;

tl::unexpected<base::Error> damaged(const std::string& what) {
  return base::error(ErrorCode::corruption,
                     what + "; restore the ledger from a checkpoint, or rebuild its rows from the journal");
}

// Objects are numbered from 1 without gaps: the place of number `id`, with room made for it.
template <typename Record>
Record& place(ChunkedVector<Record>& records, std::uint64_t id) {
  while (records.size() < id) records.emplace_back();
  return records[id - 1];
}

// What most settlements that are open do not have.
void load_extra(const Settlement& from, SettlementRecord& record) {
  Settlement plain = from;  // what a settlement looks like that was never sent
  plain.fee = Amount{};
  plain.idempotency_key = Hash{};
  plain.request.clear();
  plain.reference.clear();
  plain.detail.clear();
  plain.failure = FailureClass::none;
  plain.submitted = plain.confirmed = plain.finalized = Time{};
  plain.code.clear();
  plain.rail_fee = Amount{};
  plain.refusals.clear();
  plain.operator_reference.clear();
  if (plain == from) return;
  SettlementExtra& extra = record.more();
  extra.fee = from.fee;
  extra.idempotency_key = from.idempotency_key;
  extra.request = from.request;
  extra.reference = from.reference;
  extra.detail = from.detail;
  extra.failure = from.failure;
  extra.submitted = from.submitted;
  extra.confirmed = from.confirmed;
  extra.finalized = from.finalized;
  if (from.kind == SettlementKind::refund) {
    extra.operator_reference = std::make_unique<std::string>(from.operator_reference);
  }
}

}  // namespace

bool StateMachine::loads(Table table) noexcept {
  switch (table) {
    case Table::head:
    case Table::asset:
    case Table::plan:
    case Table::payer:
    case Table::tally:
    case Table::line:
    case Table::payee:
    case Table::payee_balance:
    case Table::server:
    case Table::mandate:
    case Table::tab:
    case Table::hold:
    case Table::operator_balance:
    case Table::open_settlement:
    case Table::channel_counts:
    case Table::earnings:
    case Table::channel:
    case Table::open_notice:
    case Table::series:
    case Table::closed_statement:
    case Table::release_defaults: return true;
    case Table::credit_note:
    case Table::payment:
    case Table::credit_note_by_payer:
    case Table::credit_note_by_statement:
    case Table::payment_by_payer:
    case Table::settlement_by_payer:
    case Table::statement:
    case Table::settlement:
    case Table::statement_mark:
    case Table::relay:
    case Table::notice:
    case Table::notice_mark:
    case Table::notice_by_settlement:
    case Table::notice_by_state:
    case Table::payer_by_address:
    case Table::payee_by_address:
    case Table::server_by_key:
    case Table::mandate_by_payer:
    case Table::tab_by_key:
    case Table::statement_by_payer:
    case Table::settlement_due:
    case Table::settlement_by_state:
    case Table::channel_by_key: return false;
  }
  return false;
}

Result<void> StateMachine::State::load(base::ByteView key, base::ByteView value) {
  if (key.empty()) return damaged("a row has an empty key");
  const auto table = static_cast<Table>(key[0]);
  if (!StateMachine::loads(table)) return {};
  if (table == Table::head) {
    ASSIGN_OR_RETURN(head, decode_row<LedgerHead>(value));
    head_loaded = true;
    domain.emplace(head.network);
    std::vector<Row> rows;
    rows.swap(waiting_rows);
    for (const Row& row : rows) RETURN_IF_ERROR(load(row.key, row.value));
    return {};
  }
  if (!head_loaded) {  // the head's counts bound the numbers of everything else
    waiting_rows.push_back({Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())});
    return {};
  }
  if (table == Table::channel_counts) {
    ASSIGN_OR_RETURN(channel_counts, decode_row<ChannelCounts>(value));
    return {};
  }
  if (table == Table::release_defaults) {
    ASSIGN_OR_RETURN(release_defaults, decode_row<ReleaseDefaults>(value));
    release_defaults_set = true;
    return {};
  }
  if ((table == Table::earnings || table == Table::channel) && !channel_counts) {
    waiting_channel_rows.push_back({Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())});
    return {};
  }
  const Result<void> loaded = load_object(table, row_key_columns(key), value);
  if (!loaded) return damaged("row " + base::to_hex(key) + ": " + loaded.error().message);
  return {};
}

Result<void> StateMachine::State::load_object(Table table, const std::vector<std::uint64_t>& columns,
                                              base::ByteView value) {
  const std::size_t wanted = table == Table::line ? 3 : table == Table::tally || table == Table::payee_balance ? 2 : 1;
  if (columns.size() != wanted || columns[0] == 0) return mismatch("its key is malformed");
  switch (table) {
    case Table::asset: return load_asset(value);
    case Table::plan: return load_plan(value);
    case Table::payer: return load_payer(value);
    case Table::tally: return load_tally(value);
    case Table::line: {
      LoadedLine line;
      line.payer = PayerId(static_cast<std::uint32_t>(columns[0]));
      line.asset = AssetId(static_cast<std::uint16_t>(columns[1]));
      line.index = static_cast<std::uint32_t>(columns[2]);
      ASSIGN_OR_RETURN(line.line, decode_row<aggregator::Line>(value));
      // In ascending order each line comes right after the ones before it; others wait for the end.
      if (!add_line(line)) waiting_lines.push_back(line);
      return {};
    }
    case Table::payee: return load_payee(value);
    case Table::payee_balance: {
      ASSIGN_OR_RETURN(const PayeeBalance balance, decode_row<PayeeBalance>(value));
      if (!balance.payee.valid() || balance.payee.value > head.payees) return mismatch("there is no such payee");
      place(payees, balance.payee.value);
      payee_balance(balance.payee, balance.asset).balance = balance;
      return {};
    }
    case Table::server: return load_server(value);
    case Table::mandate: return load_mandate(value);
    case Table::tab: return load_tab(value);
    case Table::hold: return load_hold(value);
    case Table::operator_balance: {
      ASSIGN_OR_RETURN(const OperatorBalance balance, decode_row<OperatorBalance>(value));
      waiting_operators.push_back(balance);
      return {};
    }
    case Table::open_settlement: return load_settlement(value);
    case Table::earnings: return load_earnings(columns[0], value);
    case Table::channel: return load_channel(value);
    case Table::open_notice: return load_notice(value);
    case Table::series: {
      ASSIGN_OR_RETURN(const Series row, decode_row<Series>(value));
      if (columns[0] > kSeriesMax) return mismatch("its number is not one that was given");
      if (series.size() < columns[0]) series.resize(columns[0]);
      series[columns[0] - 1].series = row;
      return {};
    }
    case Table::closed_statement: {
      ASSIGN_OR_RETURN(const ClosedStatement row, decode_row<ClosedStatement>(value));
      if (row.mark.fees.size() != row.shares.size()) return mismatch("its shares and fees differ");
      closed_statements[row.statement.value] = row;
      return {};
    }
    default: return {};
  }
}

Result<void> StateMachine::State::load_asset(base::ByteView value) {
  ASSIGN_OR_RETURN(const Asset asset, decode_row<Asset>(value));
  if (find_asset(asset.id) != nullptr) return mismatch("the asset is there twice");
  static const Hash kNoLeaf;
  RETURN_IF_ERROR(apply(AssetSet{asset}, At{Sequence{}, kNoLeaf, Time{}}));
  AssetRecord& record = *find_asset(asset.id);
  record.dirty = record.operators_dirty = false;
  dirty_assets.clear();
  dirty_operators.clear();
  return {};
}

Result<void> StateMachine::State::load_plan(base::ByteView value) {
  ASSIGN_OR_RETURN(const Plan plan, decode_row<Plan>(value));
  if (!plan.id.valid() || plan.id.value > head.plans) return mismatch("its number is not one that was given");
  if (plan.rails.empty()) return mismatch("the plan has no rail");
  place(plans, plan.id.value).plan = plan;
  plan_labels[plan.label] = plan.id;
  return {};
}

Result<void> StateMachine::State::load_payer(base::ByteView value) {
  ASSIGN_OR_RETURN(const Payer payer, decode_row<Payer>(value));
  if (!payer.id.valid() || payer.id.value > head.payers) return mismatch("its number is not one that was given");
  pack(payer, place(payers, payer.id.value));
  payer_index.insert(hash(payer.address), payer.id.value,
                     [this](std::uint32_t number) { return hash(payers[number - 1].address); });
  return {};
}

Result<void> StateMachine::State::load_payee(base::ByteView value) {
  ASSIGN_OR_RETURN(const Payee payee, decode_row<Payee>(value));
  if (!payee.id.valid() || payee.id.value > head.payees) return mismatch("its number is not one that was given");
  PayeeRecord& record = place(payees, payee.id.value);
  record.payee = payee;
  record.present = true;
  payee_index.insert(hash(payee.address), payee.id.value,
                     [this](std::uint32_t number) { return hash(payees[number - 1].payee.address); });
  return {};
}

Result<void> StateMachine::State::load_server(base::ByteView value) {
  ASSIGN_OR_RETURN(const Server server, decode_row<Server>(value));
  if (!server.id.valid() || server.id.value > head.servers) return mismatch("its number is not one that was given");
  place(servers, server.id.value).server = server;
  server_index.insert(hash(server.key), server.id.value,
                      [this](std::uint32_t number) { return hash(servers[number - 1].server.key); });
  return {};
}

Result<void> StateMachine::State::load_mandate(base::ByteView value) {
  ASSIGN_OR_RETURN(const MandateState state, decode_row<MandateState>(value));
  if (!state.id.valid() || state.id.value > head.mandates) return mismatch("its number is not one that was given");
  MandateRecord& record = place(mandates, state.id.value);
  record.state = state;
  record.present = true;
  return {};  // its payer is looked up by finish_load(), when all payers are there
}

Result<void> StateMachine::State::load_tab(base::ByteView value) {
  ASSIGN_OR_RETURN(const Tab tab, decode_row<Tab>(value));
  if (!tab.id.valid() || tab.id.value > head.tabs) return mismatch("its number is not one that was given");
  TabRecord& record = place(tabs, tab.id.value);
  record.tab = tab;
  record.present = true;
  tab_index.insert(hash_tab(tab.payer, tab.payee, tab.asset, tab.salt), static_cast<std::uint32_t>(tab.id.value),
                   [this](std::uint32_t number) {
                     const Tab& present = tabs[number - 1].tab;
                     return hash_tab(present.payer, present.payee, present.asset, present.salt);
                   });
  return {};
}

Result<void> StateMachine::State::load_hold(base::ByteView value) {
  ASSIGN_OR_RETURN(const Hold hold, decode_row<Hold>(value));
  holds[hold.sequence.value] = hold;
  hold_index[HoldKey{hold.payer, hold.nonce}] = hold.sequence.value;
  hold_expiry.emplace(hold.expires, hold.sequence.value);
  return {};
}

Result<void> StateMachine::State::load_tally(base::ByteView value) {
  ASSIGN_OR_RETURN(Tally row, decode_row<Tally>(value));
  if (!row.payer.valid() || row.payer.value > head.payers) return mismatch("there is no such payer");
  place(payers, row.payer.value);
  if (find_tally(row.payer, row.asset) != nullptr) return mismatch("the tally is there twice");
  TallyRecord& record = tally(row.payer, row.asset);
  record.plan = row.plan;
  record.held = row.held;
  record.window = row.window;
  record.window_number = row.window_number;
  record.unbilled = row.account_unbilled;
  record.receivable = row.account_receivable;
  if (row.entries.size() != 0) {
    record.charges = std::make_unique<OpenCharges>();
    record.charges->entries = std::move(row.entries);
  }
  if (!row.carried_in.empty()) {
    record.carried_in = std::make_unique<std::vector<aggregator::PayeeShare>>(std::move(row.carried_in));
  }
  if (!row.credit_limit_override.is_zero() || row.account_credit != Balance{}) {
    record.extra = std::make_unique<TallyExtra>(TallyExtra{row.credit_limit_override, row.account_credit});
  }
  if (record.unbilled.posted + record.unbilled.pending < 0 || record.receivable.posted < 0) {
    return mismatch("its balances are below zero");
  }
  const bool agrees = row.unbilled.units() == record.unbilled_units() && row.billed.units() == record.billed_units() &&
                      row.credit.units() == record.credit_units();
  if (!agrees) return mismatch("its amounts and accounts differ");
  if (record.window_open()) ++open_windows;
  list_window(record);
  return {};
}

bool StateMachine::State::add_line(const LoadedLine& line) {
  TallyRecord* record = find_tally(line.payer, line.asset);
  if (record == nullptr || !record->charges || record->charges->lines.lines().size() != line.index) return false;
  record->charges->lines.restore(line.line);
  return true;
}

Result<void> StateMachine::State::load_settlement(base::ByteView value) {
  ASSIGN_OR_RETURN(OpenSettlement row, decode_row<OpenSettlement>(value));
  const Settlement& from = row.settlement;
  if (!from.id.valid() || from.id.value > head.settlements) return mismatch("its number is not one that was given");
  if (is_finished(from.kind, from.state)) return mismatch("a finished settlement is listed as open");
  SettlementRecord& record = settlements[from.id.value];
  record.kind = from.kind;
  record.state = from.state;
  record.amount = from.amount;
  record.net = row.net;
  record.statement = from.statement;
  record.next_action = from.next_action;
  record.created = from.created;
  record.attempt = from.attempt;
  record.technical_retries = from.technical_retries;
  record.dunning_step = from.dunning_step;
  record.payer = from.payer;
  record.payee = from.payee;
  record.plan = row.plan;
  record.asset = from.asset;
  record.rail = rail_index(from.rail);
  record.overdue = row.overdue;
  record.statement_state = stage_of(from.state) >= Stage::posted ? StatementState::paid : StatementState::open;
  if (from.kind == SettlementKind::collection) record.set_shares(row.shares);
  record.listed_state = static_cast<std::uint8_t>(from.state);
  record.listed_at = needs_action(from.state) ? from.next_action : Time{};
  load_extra(from, record);
  OpenSettlement simple;
  simple.settlement = from;
  simple.plan = row.plan;
  simple.net = row.net;
  simple.overdue = row.overdue;
  simple.shares = row.shares;
  if (simple != row) {
    record.more_bill() = {row.tax,          row.credited, row.credited_paid, row.paid, row.refunded, row.surplus,
                          row.refunds_open, {},           row.releases};
    if (!row.releases.empty() && row.releases.size() != row.shares.size())
      return mismatch("shares and releases differ");
    if (from.state == SettlementState::settled) list_release(record, from.id);
  }
  if (!from.code.empty() || !from.rail_fee.is_zero() || !from.refusals.empty()) {
    record.more_remarks() = RailRemarks{from.code, from.rail_fee, from.refusals};
  }
  if (from.kind == SettlementKind::relay) track_relay(from.id, record);
  if (from.kind == SettlementKind::collection) collections[from.statement.value] = from.id.value;
  return {};
}

Result<void> StateMachine::State::load_notice(base::ByteView value) {
  ASSIGN_OR_RETURN(const OpenNotice row, decode_row<OpenNotice>(value));
  if (!row.id.valid() || row.id.value > head.notices) return mismatch("its number is not one that was given");
  if (row.state != NoticeState::waiting && row.state != NoticeState::suspense) {
    return mismatch("a notice about which there is nothing to do is listed as open");
  }
  open_notices[row.id.value] = row;
  if (row.state == NoticeState::waiting) waiting_notices.emplace(row.settlement.value, row.id.value);
  return {};
}

// In ascending order nothing waits: the counts come first, then the earnings, then the channels.
Result<void> StateMachine::State::load_earnings(std::uint64_t number, base::ByteView value) {
  ASSIGN_OR_RETURN(const Earnings row, decode_row<Earnings>(value));
  if (!channel_counts || number > channel_counts->earnings) return mismatch("its number is not one that was given");
  EarningsRecord& record = place(earnings, number);
  if (record.present || find_earnings(row) != 0) return mismatch("these earnings are there twice");
  record.earnings = row;
  record.present = true;
  earnings_index.insert(hash_earnings(row), static_cast<std::uint32_t>(number),
                        [this](std::uint32_t present) { return hash_earnings(earnings[present - 1].earnings); });
  return {};
}

Result<void> StateMachine::State::load_channel(base::ByteView value) {
  ASSIGN_OR_RETURN(const Channel row, decode_row<Channel>(value));
  if (!channel_counts || !row.id.valid() || row.id.value > channel_counts->channels) {
    return mismatch("its number is not one that was given");
  }
  const std::uint32_t of = find_earnings(earnings_of(row));
  if (of == 0 && !finishing_load) {
    waiting_channel_rows.push_back({row_key(Table::channel, row.id.value), Bytes(value.begin(), value.end())});
    return {};
  }
  if (of == 0) return mismatch("its receiver has no earnings");
  ChannelRecord& record = place(channels, row.id.value);
  if (record.present || find_channel(row.key).valid()) return mismatch("the channel is there twice");
  pack(row, of, record);
  channel_index.insert(hash(row.key), static_cast<std::uint32_t>(row.id.value),
                       [this](std::uint32_t number) { return hash(channels[number - 1].key); });
  return {};
}

Result<void> StateMachine::State::finish_load() {
  if (!head_loaded) {
    return waiting_rows.empty() ? Result<void>{} : damaged("the ledger has rows and no head row");
  }
  finishing_load = true;
  std::sort(waiting_channel_rows.begin(), waiting_channel_rows.end(),
            [](const Row& a, const Row& b) { return a.key < b.key; });
  for (const Row& row : waiting_channel_rows) {
    const Result<void> loaded = load_object(static_cast<Table>(row.key[0]), row_key_columns(row.key), row.value);
    if (!loaded) return damaged("row " + base::to_hex(base::ByteView(row.key)) + ": " + loaded.error().message);
  }
  waiting_channel_rows = {};
  std::sort(waiting_lines.begin(), waiting_lines.end(),
            [](const LoadedLine& a, const LoadedLine& b) { return a.index < b.index; });
  for (const LoadedLine& line : waiting_lines) {
    if (!add_line(line)) {
      return damaged("line " + std::to_string(line.index) + " of payer " + std::to_string(line.payer.value) +
                     " belongs to no open window");
    }
  }
  waiting_lines = {};
  for (const OperatorBalance& balance : waiting_operators) {
    AssetRecord* asset = find_asset(balance.asset);
    if (asset == nullptr) return damaged("balances of the unknown asset " + std::to_string(balance.asset.value));
    asset->operators = balance;
  }
  waiting_operators = {};
  RETURN_IF_ERROR(check_complete());
  for (std::uint32_t number = 1; number <= mandates.size(); ++number) {
    MandateRecord& record = mandates[number - 1];
    record.payer = find_payer(record.state.mandate.payer);
    if (!record.payer.valid()) return damaged("mandate " + std::to_string(number) + " has an unknown payer");
    mandate_index.insert(hash_mandate(record.payer, record.state.mandate.agent, record.state.mandate.asset), number,
                         [this](std::uint32_t present) {
                           const MandateState& state = mandates[present - 1].state;
                           return hash_mandate(mandates[present - 1].payer, state.mandate.agent, state.mandate.asset);
                         });
  }
  settlements.for_each([this](std::uint64_t, const SettlementRecord& record) {
    if (record.overdue) ++payers[record.payer.value - 1].overdue;
  });
  for (std::size_t i = 0; i < payees.size(); ++i) {
    const PayeeRecord& record = payees[i];
    if (!record.payee.payout_rail.view().empty()) rail_index(record.payee.payout_rail);
    for (const auto& balance : record.balances) review_payout(record, balance->balance);
  }
  const Result<void> books = check_books();
  if (!books) return damaged(books.error().message);
  return {};
}

// Every number that was given has its object, and objects refer to objects that exist.
Result<void> StateMachine::State::check_complete() const {
  const auto all_there = [](const auto& records, std::uint64_t count, std::string_view kind,
                            const auto& is_there) -> Result<void> {
    for (std::uint64_t number = 1; number <= count; ++number) {
      if (number > records.size() || !is_there(records[number - 1])) {
        return damaged(std::string(kind) + " " + std::to_string(number) + " is missing");
      }
    }
    return {};
  };
  const auto is_present = [](const auto& record) { return record.present; };
  RETURN_IF_ERROR(all_there(plans, head.plans, "plan", [](const PlanRecord& r) { return r.plan.id.valid(); }));
  RETURN_IF_ERROR(all_there(payers, head.payers, "payer", is_present));
  RETURN_IF_ERROR(all_there(payees, head.payees, "payee", is_present));
  RETURN_IF_ERROR(
      all_there(servers, head.servers, "server", [](const ServerRecord& r) { return r.server.id.valid(); }));
  RETURN_IF_ERROR(all_there(mandates, head.mandates, "mandate", is_present));
  RETURN_IF_ERROR(all_there(tabs, head.tabs, "tab", is_present));
  const ChannelCounts counts = channel_counts.value_or(ChannelCounts{});
  RETURN_IF_ERROR(all_there(channels, counts.channels, "channel", is_present));
  RETURN_IF_ERROR(all_there(earnings, counts.earnings, "earnings", is_present));
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const TallyRecord& record = tallies[i];
    const bool known =
        find_asset(record.asset) != nullptr && (!record.plan.valid() || find_plan(record.plan) != nullptr);
    if (!known || (record.window_open() && !record.plan.valid())) {
      return damaged("the tally of payer " + std::to_string(record.payer.value) + " has an unknown asset or plan");
    }
  }
  for (const auto& [sequence, hold] : holds) {
    if (find_tally(hold.payer, hold.asset) == nullptr || find_payee(hold.payee) == nullptr) {
      return damaged("hold " + std::to_string(sequence) + " has an unknown payer or payee");
    }
  }
  for (const auto& [number, notice] : open_notices) {
    if (notice.asset.valid() && find_asset(notice.asset) == nullptr) {
      return damaged("notice " + std::to_string(number) + " has an unknown asset");
    }
  }
  Result<void> result;
  settlements.for_each([&](std::uint64_t number, const SettlementRecord& record) {
    bool known = find_asset(record.asset) != nullptr;
    switch (record.kind) {
      case SettlementKind::collection:
        known = find_tally(record.payer, record.asset) != nullptr && find_plan(record.plan) != nullptr;
        break;
      case SettlementKind::payout: known = known && find_payee(record.payee) != nullptr; break;
      case SettlementKind::relay: known = known || !record.asset.valid(); break;
      case SettlementKind::refund: known = find_tally(record.payer, record.asset) != nullptr; break;
    }
    if (!known) result = damaged("settlement " + std::to_string(number) + " has an unknown payer, payee or asset");
  });
  return result;
}

}  // namespace ledger::core
