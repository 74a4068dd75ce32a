#include <algorithm>
#include <sstream>

#include "ledger/core/period.h"
#include "tests/sim/world.h"

// The ledger's rows against the model's sums.

namespace sim {
namespace {

std::string number(Money value) { return base::to_string(value); }

// Collects one line for each difference.
class Differences {
 public:
  void expect(const std::string& what, Money ledger, Money model) {
    if (ledger != model) text_ += what + ": ledger " + number(ledger) + ", model " + number(model) + "\n";
  }
  void expect(const std::string& what, base::Time ledger, base::Time model) {
    expect(what, static_cast<Money>(ledger.us), static_cast<Money>(model.us));
  }
  void expect_shares(const std::string& what, const std::vector<aggregator::PayeeShare>& ledger, const Shares& model) {
    Shares mine;
    for (const aggregator::PayeeShare& share : ledger) mine[share.payee.value] += money(share.amount);
    if (mine == model) return;
    text_ += what + ": ledger";
    for (const auto& [payee, amount] : mine) text_ += " " + std::to_string(payee) + "=" + number(amount);
    text_ += ", model";
    for (const auto& [payee, amount] : model) text_ += " " + std::to_string(payee) + "=" + number(amount);
    text_ += "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string name(const char* kind, const AccountKey& key) {
  return std::string(kind) + " " + std::to_string(key.first) + " in asset " + std::to_string(key.second) + ", ";
}

template <typename Value>
Money as_money(Value value) {
  return static_cast<Money>(value);
}

void compare_tallies(const MapRows& store, const Model& model, Differences& differences) {
  std::size_t rows = 0;
  store.for_each<core::Tally>(core::Table::tally, [&](const core::Bytes&, const core::Tally& tally) {
    ++rows;
    const AccountKey key{tally.payer.value, tally.asset.value};
    const std::string where = name("tally of payer", key);
    const auto at = model.accounts.find(key);
    const ModelAccount account = at == model.accounts.end() ? ModelAccount{} : at->second;
    differences.expect(where + "held", money(tally.held), model.held(key));
    differences.expect(where + "unbilled", money(tally.unbilled), model.unbilled(key));
    differences.expect(where + "billed", money(tally.billed), model.billed(key));
    differences.expect(where + "credit", money(tally.credit), account.credit);
    differences.expect(where + "override", money(tally.credit_limit_override), account.limit_override);
    differences.expect(where + "window number", as_money(tally.window_number), as_money(account.number));
    differences.expect(where + "window start", tally.window.start, account.open ? account.window.start : base::Time{});
    differences.expect(where + "window end", tally.window.end, account.open ? account.window.end : base::Time{});
    differences.expect(where + "entries", as_money(tally.entries.size()), as_money(account.entries));
    differences.expect_shares(where + "carried", tally.carried_in, account.carried);
    // The stored lines against the list of charges.
    std::map<std::pair<std::uint32_t, base::Hash>, ModelCharge> lines;
    std::map<std::pair<std::uint32_t, base::Hash>, std::uint64_t> counts;
    for (const ModelCharge& charge : account.charges) {
      ModelCharge& line = lines[{charge.payee, charge.resource}];
      line.amount += charge.amount;
      line.quantity += charge.quantity;
      ++counts[{charge.payee, charge.resource}];
    }
    std::size_t stored = 0;
    while (const auto line =
               store.get<aggregator::Line>(core::row_key(core::Table::line, key.first, key.second, stored))) {
      ++stored;
      const auto mine = lines[{line->payee.value, line->resource}];
      differences.expect(where + "line amount", money(line->amount), mine.amount);
      differences.expect(where + "line quantity", as_money(line->quantity), as_money(mine.quantity));
      differences.expect(where + "line charges", as_money(line->charges),
                         as_money(counts[{line->payee.value, line->resource}]));
    }
    differences.expect(where + "lines", as_money(stored), as_money(lines.size()));
  });
  for (const auto& [key, account] : model.accounts) {
    if (account.number == 0 && account.credit == 0 && account.limit_override == 0) continue;
    const bool stored = store.rows().contains(core::row_key(core::Table::tally, key.first, key.second));
    differences.expect(name("tally of payer", key) + "exists", stored ? 1 : 0, 1);
  }
}

void compare_statements(const MapRows& store, const Model& model, Differences& differences) {
  for (const auto& [id, mine] : model.statements) {
    const std::string where = "statement " + std::to_string(id) + ", ";
    const auto statement = store.get<core::Statement>(core::row_key(core::Table::statement, id));
    if (!statement) {
      differences.expect(where + "exists", 0, 1);
      continue;
    }
    const auto mark =
        store.get<core::StatementMark>(core::row_key(core::Table::statement_mark, id)).value_or(core::StatementMark{});
    differences.expect(where + "total", money(statement->total), mine.total);
    differences.expect(where + "net", money(statement->net), mine.net);
    differences.expect(where + "tax", money(statement->tax), mine.tax);
    differences.expect(where + "invoice", as_money(statement->number), as_money(mine.invoice));
    differences.expect(where + "credit applied", money(statement->credit_applied), mine.credit_applied);
    differences.expect(where + "entries", as_money(statement->entries), as_money(mine.entries));
    differences.expect(where + "due", statement->due, mine.due);
    differences.expect(where + "settlement", as_money(statement->settlement.value), as_money(mine.settlement));
    differences.expect(where + "window number", as_money(statement->window_number), as_money(mine.number));
    differences.expect(where + "state", as_money(mark.state), as_money(mine.state));
    differences.expect(where + "credited", money(mark.credited), mine.credited);
    differences.expect(where + "credited after payment", money(mark.credited_paid), mine.credited_paid);
    differences.expect(where + "paid", money(mark.paid), mine.paid);
    differences.expect(where + "refunded", money(mark.refunded), mine.refunded);
    Money fees = 0, my_fees = 0;
    for (const core::Amount fee : mark.fees) fees += money(fee);
    for (const auto& [payee, part] : mine.releases) my_fees += part.fee;
    if (mine.closed) differences.expect(where + "fees", fees, my_fees);
    differences.expect_shares(where + "shares", statement->shares, mine.shares);
    differences.expect_shares(where + "carried out", statement->carried_out, mine.carried_out);
  }
}

void compare_settlements(const MapRows& store, const Model& model, Differences& differences) {
  for (const auto& [id, mine] : model.settlements) {
    const std::string where = "settlement " + std::to_string(id) + ", ";
    const auto row = store.get<core::Settlement>(core::row_key(core::Table::settlement, id));
    if (!row) {
      differences.expect(where + "exists", 0, 1);
      continue;
    }
    const bool collection = mine.kind == core::SettlementKind::collection || mine.kind == core::SettlementKind::refund;
    differences.expect(where + "kind", as_money(row->kind), as_money(mine.kind));
    differences.expect(where + "owner", as_money(collection ? row->payer.value : row->payee.value), mine.owner.first);
    differences.expect(where + "asset", row->asset.value, mine.owner.second);
    differences.expect(where + "statement", as_money(row->statement.value), as_money(mine.statement));
    differences.expect(where + "amount", money(row->amount), mine.amount);
    differences.expect(where + "fee", money(row->fee), mine.fee);
    differences.expect(where + "state", as_money(row->state), as_money(mine.state));
    differences.expect(where + "attempt", row->attempt, mine.attempt);
    differences.expect(where + "technical retries", row->technical_retries, mine.technical_retries);
    differences.expect(where + "dunning step", row->dunning_step, mine.dunning_step);
    differences.expect(where + "rail fee", money(row->rail_fee), mine.rail_fee);
    differences.expect(where + "rail", row->rail.view() == mine.rail ? 1 : 0, 1);
    std::map<std::string, core::FailureClass> refusals;
    for (const core::RailRefusal& one : row->refusals) refusals[std::string(one.rail.view())] = one.failure;
    differences.expect(where + "refusals", refusals == mine.refusals ? 1 : 0, 1);
    const bool waits = mine.state == core::SettlementState::ready || (stage(mine.state) > 0 && stage(mine.state) < 4);
    if (waits) differences.expect(where + "next action", row->next_action, mine.next_action);
  }
}

void compare_rest(const MapRows& store, const Model& model, base::Time now, Differences& differences) {
  for (const auto& [key, mine] : model.earnings) {
    const std::string where = name("payee", key);
    const auto row = store.get<core::PayeeBalance>(core::row_key(core::Table::payee_balance, key.first, key.second));
    if (!row) {
      differences.expect(where + "balance exists", 0, 1);
      continue;
    }
    Money reserve = 0;
    for (const auto& [id, statement] : model.statements) {
      if (statement.account.second != key.second || !statement.releases.contains(key.first)) continue;
      reserve += statement.releases.at(key.first).reserve;
    }
    differences.expect(where + "payable now", money(row->payable_now), mine.payable < 0 ? 0 : mine.payable);
    differences.expect(where + "recoverable", row->recoverable.posted, mine.payable < 0 ? -mine.payable : 0);
    differences.expect(where + "reserve", -row->reserve.posted, reserve);
    differences.expect(where + "payout from", row->payout_from, mine.payout_from);
    differences.expect(where + "paid out", money(row->paid_out), mine.paid_out);
    differences.expect(where + "fees", money(row->fees), mine.fees);
    differences.expect(where + "open payout", as_money(row->open_payout.value), as_money(mine.open_payout));
  }
  std::size_t open_holds = 0;
  for (const auto& [key, hold] : model.holds) open_holds += hold.state == core::HoldState::open ? 1 : 0;
  std::size_t stored_holds = 0;
  store.for_each<core::Hold>(core::Table::hold, [&](const core::Bytes&, const core::Hold& hold) {
    ++stored_holds;
    const auto at = model.holds.find({hold.payer.value, hold.nonce});
    const bool known = at != model.holds.end() && at->second.state == core::HoldState::open;
    differences.expect("hold is open", 1, known ? 1 : 0);
    if (known) differences.expect("hold's maximum", money(hold.maximum), at->second.maximum);
  });
  differences.expect("open holds", as_money(stored_holds), as_money(open_holds));
  store.for_each<core::Tab>(core::Table::tab, [&](const core::Bytes&, const core::Tab& tab) {
    const auto at = model.tabs.find({tab.payer.value, tab.payee.value, tab.asset.value, tab.salt});
    const ModelTab mine = at == model.tabs.end() ? ModelTab{} : at->second;
    const std::string where = "tab " + std::to_string(tab.id.value) + ", ";
    differences.expect(where + "charged", money(tab.charged), mine.charged);
    differences.expect(where + "charges", as_money(tab.charges), as_money(mine.charges));
    differences.expect(where + "maximum", money(tab.maximum), mine.maximum);
  });
  store.for_each<core::Payer>(core::Table::payer, [&](const core::Bytes&, const core::Payer& payer) {
    differences.expect("standing of payer " + std::to_string(payer.id.value), as_money(payer.standing),
                       as_money(model.payers.at(payer.id.value).standing));
  });
  store.for_each<core::MandateState>(core::Table::mandate, [&](const core::Bytes&, const core::MandateState& row) {
    const std::string where = "mandate " + std::to_string(row.id.value) + ", ";
    for (const auto& [key, mine] : model.mandates) {
      const auto& [payer, agent, asset] = key;
      if (model.payers.at(payer).address != row.mandate.payer || agent != row.mandate.agent ||
          asset != row.mandate.asset.value) {
        continue;
      }
      differences.expect(where + "held", money(row.held), model.mandate_held(key));
      differences.expect(where + "revoked", row.revoked ? 1 : 0, mine.revoked ? 1 : 0);
      differences.expect(where + "spent", money(core::spent_at(row, now)), model.spent(mine, now));
    }
  });
}

void compare_notices(const MapRows& store, const Model& model, Differences& differences) {
  for (const auto& [number, mine] : model.notices) {
    const std::string where = "notice " + std::to_string(number) + ", ";
    const auto row = store.get<core::Notice>(core::row_key(core::Table::notice, number));
    if (!row) {
      differences.expect(where + "exists", 0, 1);
      continue;
    }
    const auto mark = store.get<core::NoticeMark>(core::row_key(core::Table::notice_mark, number));
    const core::NoticeState state = mark ? mark->state : row->recorded_as;
    differences.expect(where + "state", as_money(state), as_money(mine.state));
    differences.expect(where + "settlement", as_money(row->settlement.value), as_money(mine.settlement));
    const bool open = mine.state == core::NoticeState::waiting || mine.state == core::NoticeState::suspense;
    const bool listed = store.rows().contains(core::row_key(core::Table::open_notice, number));
    differences.expect(where + "is listed as open", listed ? 1 : 0, open ? 1 : 0);
  }
  std::size_t by_state = 0;
  const core::Bytes prefix = core::table_prefix(core::Table::notice_by_state);
  for (auto at = store.rows().lower_bound(prefix); at != store.rows().end() && at->first[0] == prefix[0]; ++at)
    ++by_state;
  differences.expect("notices by state", as_money(by_state), as_money(model.notices.size()));
  store.for_each<core::OperatorBalance>(core::Table::operator_balance,
                                        [&](const core::Bytes&, const core::OperatorBalance& row) {
                                          const auto sum = [&](const std::map<std::uint16_t, Money>& sums) {
                                            const auto at = sums.find(row.asset.value);
                                            return at == sums.end() ? Money{0} : at->second;
                                          };
                                          differences.expect("suspense", -row.suspense.posted, sum(model.suspense));
                                          differences.expect("rail fees", row.rail_fees.posted, sum(model.rail_fees));
                                        });
}

void compare_channels(const MapRows& store, const Model& model, Differences& differences) {
  std::map<base::Address, Money> captured;
  std::size_t rows = 0;
  store.for_each<core::Channel>(core::Table::channel, [&](const core::Bytes&, const core::Channel& row) {
    ++rows;
    const ModelChannel& mine = model.channels.at(row.key);
    const std::string where = "channel " + std::to_string(row.id.value) + ", ";
    const auto charges =
        std::count_if(mine.history.begin(), mine.history.end(), [](const auto& e) { return e.capture; });
    Money maximum = 0;
    for (const ModelChannel::Event& event : mine.history) maximum = event.capture ? event.maximum : maximum;
    const ModelReservation reservation = mine.reservation.value_or(ModelReservation{});
    differences.expect(where + "charged", as_money(row.charged), mine.charged());
    differences.expect(where + "captured", as_money(row.captured), mine.captured());
    differences.expect(where + "charges", as_money(row.charges), charges);
    differences.expect(where + "signed maximum", as_money(row.signed_maximum), maximum);
    differences.expect(where + "figures", row.chain == mine.chain ? 1 : 0, 1);
    differences.expect(where + "block", as_money(row.block), as_money(mine.block));
    differences.expect(where + "reservation", as_money(row.reservation.sequence.value), as_money(reservation.sequence));
    differences.expect(where + "reserved", as_money(row.reservation.amount), reservation.amount);
    differences.expect(where + "reserved until", row.reservation.expires, reservation.expires);
    differences.expect(where + "put aside", row.put_aside == mine.put_aside ? 1 : 0, 1);
    captured[mine.receiver] += mine.captured();
  });
  differences.expect("channels", as_money(rows), as_money(model.channels.size()));
  store.for_each<core::Earnings>(core::Table::earnings, [&](const core::Bytes&, const core::Earnings& row) {
    const std::string where = "earnings of " + base::to_hex(row.receiver).substr(0, 6) + ", ";
    const auto at = model.mirrors.find(row.receiver);
    const ModelMirror mine = at == model.mirrors.end() ? ModelMirror{} : at->second;
    differences.expect(where + "charged", as_money(row.charged), captured[row.receiver]);
    differences.expect(where + "claimed", as_money(row.claimed), mine.claimed);
    differences.expect(where + "settled", as_money(row.settled), mine.settled);
    differences.expect(where + "block", as_money(row.block), as_money(mine.block));
  });
}

}  // namespace

std::string World::compare_closings() {
  Differences differences;
  for (std::size_t i = ledger_.first_new(); i < ledger_.journal().size(); ++i) {
    const auto* entry = std::get_if<core::WindowClosed>(&ledger_.journal()[i].entry);
    if (entry == nullptr) continue;
    if (closings_seen_ == model_.closings.size()) return "the ledger closed a window, the model did not";
    const ModelClosing& mine = model_.closings[closings_seen_++];
    const std::string where = name("closing of payer", mine.account);
    differences.expect(where + "payer", entry->payer.value, mine.account.first);
    differences.expect(where + "asset", entry->asset.value, mine.account.second);
    differences.expect(where + "number", as_money(entry->number), as_money(mine.number));
    differences.expect(where + "reason", as_money(entry->reason), as_money(mine.reason));
    differences.expect(where + "statement", as_money(entry->statement.value), as_money(mine.statement));
    differences.expect(where + "total", money(entry->total), mine.total);
    differences.expect(where + "net", money(entry->net), mine.net);
    differences.expect(where + "tax", money(entry->tax), mine.tax);
    differences.expect(where + "invoice", as_money(entry->invoice), as_money(mine.invoice));
    differences.expect(where + "entries", as_money(entry->entries), as_money(mine.entries));
    differences.expect(where + "settlement", as_money(entry->settlement.value), as_money(mine.settlement));
  }
  if (closings_seen_ != model_.closings.size()) return "the model closed a window, the ledger did not";
  return differences.text();
}

std::string World::compare_state() const {
  Differences differences;
  compare_tallies(ledger_.store(), model_, differences);
  compare_statements(ledger_.store(), model_, differences);
  compare_settlements(ledger_.store(), model_, differences);
  compare_rest(ledger_.store(), model_, ledger_.now(), differences);
  compare_channels(ledger_.store(), model_, differences);
  compare_notices(ledger_.store(), model_, differences);
  const core::LedgerHead& head = ledger_.machine().head();
  differences.expect("head: statements", as_money(head.statements), as_money(model_.statements.size()));
  std::size_t names = 0;
  ledger_.store().for_each<core::Series>(core::Table::series, [&](const core::Bytes&, const core::Series& row) {
    ++names;
    const auto at = model_.series.find(std::string(row.name.view()));
    differences.expect("last number of " + std::string(row.name.view()), as_money(row.last),
                       as_money(at == model_.series.end() ? 0 : at->second));
  });
  differences.expect("series", as_money(names), as_money(model_.series.size()));
  differences.expect("head: payments", as_money(head.payments), as_money(model_.payments.size()));
  differences.expect("head: notices", as_money(head.notices), as_money(model_.notices.size()));
  differences.expect("head: settlements", as_money(head.settlements), as_money(model_.settlements.size()));
  return differences.text();
}

}  // namespace sim
