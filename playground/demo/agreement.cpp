#include "playground/demo/agreement.h"

#include <set>

#include "cli/text.h"
#include "cli/views.h"

namespace playground::demo {
namespace {

using base::Result;
using core::SettlementKind;
using core::SettlementState;

base::i128 ledger_units(base::i128 units, unsigned scale) {
  for (; scale < kLedgerScale; ++scale) units *= 10;
  return units;
}
base::i128 cents(std::uint64_t amount) { return ledger_units(static_cast<base::i128>(amount), kCentScale); }
base::i128 cents(std::int64_t amount) { return ledger_units(amount, kCentScale); }

// A change of a chain balance in ledger units.
base::i128 change(const Holdings& before, const Holdings& after, const base::Address& account) {
  return ledger_units(static_cast<base::i128>(after.at(account)) - static_cast<base::i128>(before.at(account)),
                      kTokenScale);
}

// Payers and payees, in this order.
std::vector<const Party*> parties(const Cast& cast) {
  std::vector<const Party*> all;
  for (const Party& payer : cast.payers) all.push_back(&payer);
  for (const Payee& payee : cast.payees) all.push_back(&payee.party);
  return all;
}

using PartyOnRail = std::pair<std::string, base::Address>;

// The sums that have to agree, in ledger units.
struct Sums {
  std::map<base::PayerId, core::Amount> billed;     // statements
  std::map<base::PayerId, core::Amount> due;        // ... less credit
  std::map<base::PayerId, core::Amount> collected;  // final collections
  std::map<base::PayeeId, core::Amount> paid;       // final payouts
  std::map<PartyOnRail, base::i128> moved;          // of both, by rail: what the party has more
  std::map<std::string, base::i128> operators;      // by rail: collected - paid - what the rail kept
  base::i128 fees = 0;                              // what the rails kept
};

Result<Sums> sums_of(Stage& stage) {
  Sums sums;
  const auto add = [](auto& map, auto id, core::Amount amount) { map[id] = base::add_checked(map[id], amount); };
  ASSIGN_OR_RETURN(const std::vector<core::Statement> statements, all_statements(stage));
  for (const core::Statement& one : statements) {
    add(sums.billed, one.payer, one.billed());
    add(sums.due, one.payer, one.due_amount());
  }
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  for (const core::Settlement& one : settlements) {
    if (one.state != SettlementState::final) continue;
    const std::string rail(one.rail.view());
    const bool collection = one.kind == SettlementKind::collection;
    const base::i128 amount = one.amount.signed_units();
    const base::i128 fee = one.rail_fee.signed_units();
    if (collection) {
      add(sums.collected, one.payer, one.amount);
      sums.moved[{rail, stage.cast().payers[one.payer.value - 1].address}] -= amount;
    } else {
      add(sums.paid, one.payee, one.amount);
      sums.moved[{rail, stage.cast().payees[one.payee.value - 1].party.address}] += amount;
    }
    sums.operators[rail] += (collection ? amount : -amount) - fee;
    sums.fees += fee;
  }
  return sums;
}

class Comparison {
 public:
  void same(const std::string& what, base::i128 a, const std::string& a_name, base::i128 b, const std::string& b_name) {
    if (a == b) return;
    found_.push_back(fmt::format("{}: {} {}, {} {}", what, a_name, cli::signed_decimal(a, kLedgerScale), b_name,
                                 cli::signed_decimal(b, kLedgerScale)));
  }
  void add(std::string difference) { found_.push_back(std::move(difference)); }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

// Every final settlement has a reference of its own, and those on the chain name a transaction that succeeded.
Result<void> check_references(Stage& stage, Comparison& compare) {
  if (stage.chain() == nullptr) return {};
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  std::set<std::string> seen;
  bool went_on = false;
  for (const core::Settlement& one : settlements) {
    if (one.state != SettlementState::final) {
      compare.add(fmt::format("settlement {} is {}", one.id.value, cli::word(one.state)));
      continue;
    }
    if (!seen.insert(one.reference).second)
      compare.add(fmt::format("settlement {}: \"{}\" is not its own reference", one.id.value, one.reference));
    went_on =
        went_on || (!one.refusals.empty() && one.refusals.front().rail.view() == "card" && one.rail.view() == "bank");
    if (one.rail.view() != "stablecoin") continue;
    const std::optional<base::Hash> transaction = base::hash_from_hex(one.reference);
    ASSIGN_OR_RETURN(const std::optional<int> status,
                     transaction ? stage.chain()->receipt_status(*transaction) : Result<std::optional<int>>());
    if (status != 1) compare.add(fmt::format("settlement {}: the chain does not know {}", one.id.value, one.reference));
  }
  if (stage.bank() != nullptr && !went_on) compare.add("no statement went on from a declined card to the bank");
  return {};
}

void compare_outside(const Sums& sums, const std::vector<Movement>& movements, const base::Address& treasury,
                     Comparison& compare) {
  std::map<PartyOnRail, base::i128> outside;
  std::map<PartyOnRail, std::string> names;
  for (const Movement& one : movements) {
    if (one.party == treasury) {
      const auto ours = sums.operators.find(one.rail);
      compare.same("operator, " + one.rail, ours == sums.operators.end() ? 0 : ours->second, "the books moved",
                   one.change, "the account there changed by");
    } else {
      outside[{one.rail, one.party}] += one.change;
      names[{one.rail, one.party}] = one.who + ", " + one.rail;
    }
  }
  for (const auto& [key, ours] : sums.moved) outside.try_emplace(key, 0);
  for (const auto& [key, theirs] : outside) {
    const auto ours = sums.moved.find(key);
    const auto name = names.find(key);
    compare.same(name == names.end() ? key.first + " " + base::to_hex(key.second) : name->second,
                 ours == sums.moved.end() ? 0 : ours->second, "the books moved", theirs,
                 "its account there changed by");
  }
}

}  // namespace

Result<std::vector<core::Settlement>> all_settlements(Stage& stage) {
  return tabd::collect<core::Settlement>([&](rpc::Page page) { return stage.books().settlements(page); });
}

Result<std::vector<core::Statement>> all_statements(Stage& stage) {
  return tabd::collect<core::Statement>(
      [&](rpc::Page page) { return stage.books().statements(base::Address{}, page); });
}

Result<std::vector<Movement>> movements_outside(Stage& stage, const Holdings& before, const Holdings& after) {
  std::vector<Movement> found;
  const Party& treasury = stage.cast().treasury;
  const auto add = [&found](const Party& who, const char* rail, std::string account, base::i128 moved) {
    if (moved != 0) found.push_back({who.label, who.address, rail, std::move(account), moved});
  };
  if (!after.empty()) {
    for (const Party* one : parties(stage.cast()))
      add(*one, "stablecoin", base::to_hex(one->address), change(before, after, one->address));
    add(treasury, "stablecoin", base::to_hex(treasury.address), change(before, after, treasury.address));
  }
  if (stage.provider() != nullptr) {
    ASSIGN_OR_RETURN(const CardProvider::Books books, stage.provider()->books());
    const auto sum_of = [](const std::map<std::string, std::uint64_t>& sums, const std::string& name) {
      const auto sum = sums.find(name);
      return sum == sums.end() ? base::i128(0) : cents(sum->second);
    };
    for (const Party* one : parties(stage.cast())) {
      const auto known = stage.card_names().find(one->address);
      if (known == stage.card_names().end()) continue;
      const std::string name = known->second.substr(0, known->second.find(';'));
      add(*one, "card", name, sum_of(books.transferred, name) - sum_of(books.charged, name));
    }
    add(treasury, "card", "balance", cents(books.balance - kProviderOpeningCents));
  }
  if (stage.bank() != nullptr) {
    ASSIGN_OR_RETURN(const Bank::Books books, stage.bank()->books());
    for (const Party* one : parties(stage.cast())) {
      const auto known = stage.ibans().find(one->address);
      if (known == stage.ibans().end()) continue;
      const auto moved = books.changes.find(known->second);
      add(*one, "bank", known->second, moved == books.changes.end() ? 0 : cents(moved->second));
    }
    add(treasury, "bank", kOperatorIban, cents(books.balance - kBankOpeningCents));
  }
  return found;
}

Result<std::vector<std::string>> differences(Stage& stage, const TrafficStats& stats, const Holdings& before) {
  ASSIGN_OR_RETURN(Sums sums, sums_of(stage));
  ASSIGN_OR_RETURN(const Holdings after, stage.balances());
  const Cast& cast = stage.cast();
  Comparison compare;
  for (std::size_t i = 0; i < kPayers; ++i) {
    const base::PayerId id(static_cast<std::uint32_t>(i + 1));
    ASSIGN_OR_RETURN(const rpc::TallyView tally, stage.books().tally(cast.payers[i].address, kAsset));
    const base::i128 open = tally.unbilled.signed_units();
    compare.same(cast.payers[i].label, stats.charged[i].signed_units(), "the servers were promised",
                 sums.billed[id].signed_units() + open, "the books billed or carry on");
    compare.same(cast.payers[i].label, sums.due[id].signed_units(), "its statements ask for",
                 sums.collected[id].signed_units(), "the rails collected");
    compare.same(cast.payers[i].label, tally.billed.signed_units() + tally.held.signed_units(), "still billed or held",
                 0, "after everything was paid");
  }
  for (std::size_t i = 0; i < kPayees; ++i) {
    const base::PayeeId id(static_cast<std::uint32_t>(i + 1));
    ASSIGN_OR_RETURN(const rpc::PayeeAccount account, stage.books().payee(cast.payees[i].party.address));
    core::Amount paid_out;
    for (const core::PayeeBalance& one : account.balances) paid_out = base::add_checked(paid_out, one.paid_out);
    compare.same(account.payee.label, paid_out.signed_units(), "the books paid", sums.paid[id].signed_units(),
                 "its final payouts are");
  }
  if (stage.chain() != nullptr) {
    ASSIGN_OR_RETURN(const std::vector<Movement> movements, movements_outside(stage, before, after));
    compare_outside(sums, movements, cast.treasury.address, compare);
  }
  RETURN_IF_ERROR(check_references(stage, compare));
  ASSIGN_OR_RETURN(const std::vector<core::OperatorBalance> balances, stage.books().operator_balances());
  base::i128 cash = 0, kept = 0, moved = 0;
  for (const core::OperatorBalance& one : balances) {
    cash += one.cash.posted;
    kept += one.rail_fees.posted;
  }
  for (const auto& [rail, sum] : sums.operators) moved += sum;
  compare.same("operator", cash, "the cash account is", moved, "collected less paid out and kept by the rails is");
  compare.same("operator", kept, "the account of the rails' fees is", sums.fees, "what the rails kept is");
  std::vector<std::string> found = compare.take();
  found.insert(found.end(), stats.wrong.begin(), stats.wrong.end());
  return found;
}

}  // namespace playground::demo
