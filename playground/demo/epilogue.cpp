#include "playground/demo/epilogue.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace playground::demo {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;
using core::SettlementKind;
using core::SettlementState;

constexpr std::uint64_t kSettleUs = 45'000'000;

Result<std::vector<core::Settlement>> all_settlements(Stage& stage) {
  return tabd::collect<core::Settlement>([&](rpc::Page page) { return stage.books().settlements(page); });
}

Result<std::vector<core::Statement>> all_statements(Stage& stage) {
  return tabd::collect<core::Statement>(
      [&](rpc::Page page) { return stage.books().statements(base::Address{}, page); });
}

struct Progress {
  std::size_t collections = 0, collected = 0, payouts = 0, paid = 0, stuck = 0;
  core::Amount collected_amount, paid_amount;
};

Progress progress_of(const std::vector<core::Settlement>& settlements) {
  Progress progress;
  for (const core::Settlement& one : settlements) {
    const bool collection = one.kind == SettlementKind::collection;
    const bool done = one.state == SettlementState::final;
    ++(collection ? progress.collections : progress.payouts);
    if (done) ++(collection ? progress.collected : progress.paid);
    if (done) {
      core::Amount& sum = collection ? progress.collected_amount : progress.paid_amount;
      sum = base::add_checked(sum, one.amount);
    }
    if (one.state == SettlementState::failed || one.state == SettlementState::returned ||
        one.state == SettlementState::disputed)
      ++progress.stuck;
  }
  return progress;
}

// Money of payees that is collected and final, enough for a payout, and in none. What is left is less than the fixed
// fee and one of the rail's units.
Result<bool> something_payable(Stage& stage) {
  core::Amount rail_unit(1);
  for (unsigned i = kRailScale; i < kLedgerScale; ++i)
    rail_unit = base::Amount(static_cast<std::uint64_t>(rail_unit.units() * 10));
  for (const Payee& payee : stage.cast().payees) {
    ASSIGN_OR_RETURN(const rpc::PayeeAccount account, stage.books().payee(payee.party.address));
    for (const core::PayeeBalance& balance : account.balances) {
      const bool enough = balance.payable_now >= base::add_checked(account.payee.fee_fixed, rail_unit);
      if (enough || balance.open_payout.valid()) return true;
    }
  }
  return false;
}

std::string payer_name(const Stage& stage, base::PayerId id) {
  // Payers were registered in order.
  const std::size_t index = id.value - 1;
  return index < kPayers ? stage.cast().payers[index].label : std::to_string(id.value);
}

std::string payee_name(const Stage& stage, base::PayeeId id) {
  const std::size_t index = id.value - 1;
  return index < kPayees ? stage.cast().payees[index].party.label : std::to_string(id.value);
}

std::string text(const Stage& stage, core::Amount amount) {
  const core::Asset asset = stage.asset();
  return cli::money(amount, asset.scale, asset.symbol);
}

// Runs tabctl as a person would, and shows both.
Result<std::string> tabctl(Stage& stage, Console& console, const Party& who, std::vector<std::string> arguments) {
  std::string shown = "tabctl";
  for (const std::string& argument : arguments) shown += " " + argument;
  arguments.insert(arguments.begin(), stage.tabctl());
  ASSIGN_OR_RETURN(const Ran ran,
                   run_program(arguments, {"TABCTL_SOCKET=" + stage.socket(), "TABCTL_KEY_FILE=" + who.key_file}));
  console.command(shown, ran.output);
  if (ran.exit_code != 0) return error(ErrorCode::io, fmt::format("{} ended with {}", shown, ran.exit_code));
  return ran.output;
}

}  // namespace

namespace {

// The poor payer's collections could not be made and wait for their next attempt: its wallet is filled once, and it
// asks for another attempt of each at once. `asked` holds those that it asked for.
Result<void> help_poor_payer(Stage& stage, Console& console, const std::vector<core::Settlement>& settlements,
                             std::map<base::Address, base::u128>& before, std::set<std::uint64_t>& asked) {
  const Party& payer = stage.cast().payers[kPoorPayer];
  for (const core::Settlement& one : settlements) {
    const bool waits =
        one.kind == SettlementKind::collection && one.state == SettlementState::ready && one.dunning_step > 0;
    if (!waits || asked.contains(one.id.value)) continue;
    console.say("{} could not pay {}: {} ({}).", payer.label, text(stage, one.amount), cli::word(one.failure),
                one.detail);
    if (asked.empty()) {
      const base::u128 had = before.at(payer.address);
      RETURN_IF_ERROR(stage.fill_poor_wallet());
      before[payer.address] = had + base::Amount::parse_decimal(kWallet, kRailScale)->units();
      console.say("Its wallet gets {} more.", kWallet);
    }
    asked.insert(one.id.value);
    console.say("It asks for another attempt:\n");
    RETURN_IF_ERROR(
        tabctl(stage, console, payer, {"settlement", "retry", std::to_string(one.id.value), "--role", "payer"}));
  }
  return {};
}

std::string settled_line(const Stage& stage, const Progress& now) {
  return fmt::format("{} of {} collections final ({}), {} of {} payouts final ({})", now.collected, now.collections,
                     text(stage, now.collected_amount), now.paid, now.payouts, text(stage, now.paid_amount));
}

}  // namespace

Result<void> close_and_settle(Stage& stage, Console& console, std::map<base::Address, base::u128>& before) {
  for (const Party& payer : stage.cast().payers)
    RETURN_IF_ERROR(accepted(stage.books().close_now(payer.address, kAsset), "closing the window of " + payer.label));
  const std::uint64_t give_up_ns = stage.clock().monotonic_ns() + kSettleUs * 1000;
  std::string shown;
  std::set<std::uint64_t> asked;
  while (!g_interrupted) {
    ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
    const Progress now = progress_of(settlements);
    if (stage.chain() != nullptr) RETURN_IF_ERROR(help_poor_payer(stage, console, settlements, before, asked));
    ASSIGN_OR_RETURN(const bool payable, something_payable(stage));
    const std::string line = settled_line(stage, now);
    if (line != shown) console.live(line);
    shown = line;
    if (now.stuck > 0) break;
    if (now.collected == now.collections && now.paid == now.payouts && now.collections > 0 && !payable) break;
    if (!stage.daemon_running()) return error(ErrorCode::unavailable, "tabd ended:\n" + stage.last_words());
    if (stage.clock().monotonic_ns() > give_up_ns)
      return error(ErrorCode::timeout, "settling took too long; tabd says:\n" + stage.last_words());
    ::usleep(200'000);
  }
  console.keep_live();
  return {};
}

Result<void> show_paper(Stage& stage, Console& console) {
  const Cast& cast = stage.cast();
  ASSIGN_OR_RETURN(const std::vector<core::Statement> statements, all_statements(stage));
  if (statements.empty()) return error(ErrorCode::not_found, "no statement was made");
  const core::Statement& largest =
      *std::max_element(statements.begin(), statements.end(),
                        [](const core::Statement& a, const core::Statement& b) { return a.entries < b.entries; });
  console.say("{} statements were issued. The one with the most entries:\n", statements.size());
  RETURN_IF_ERROR(tabctl(stage, console, cast.operator_, {"statement", "show", std::to_string(largest.id.value)}));

  const Party& payer = cast.payers[largest.payer.value - 1];
  ASSIGN_OR_RETURN(const rpc::PageOf<rpc::ChargeRecord> charges, stage.books().charges(payer.address, {0, 1}));
  if (charges.items.empty()) return error(ErrorCode::not_found, "the payer has no charges");
  const std::string sequence = std::to_string(charges.items.front().entry.sequence.value);
  const std::string file = stage.folder() + "/charge.proof";
  console.say(
      "{} asks for a proof of its first charge. Checking it needs no connection and no key, only the operator's "
      "address:\n",
      payer.label);
  RETURN_IF_ERROR(tabctl(stage, console, payer, {"prove", sequence, "-o", file, "--role", "payer", "--quiet"}));
  RETURN_IF_ERROR(tabctl(
      stage, console, payer,
      {"verify-proof", file, "--network", kNetwork, "--operator", base::to_hex(stage.client().info().operator_key)}));
  console.say("A checkpoint of the running ledger, and an audit of it that repeats everything:\n");
  RETURN_IF_ERROR(tabctl(stage, console, cast.operator_, {"checkpoint", "demo"}));
  RETURN_IF_ERROR(tabctl(stage, console, cast.operator_,
                         {"audit", stage.folder() + "/checkpoints/demo", "--network", kNetwork, "--quiet"}));
  return {};
}

Result<void> show_money(Stage& stage, Console& console, const std::map<base::Address, base::u128>& before) {
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  cli::Table moves({{"NUMBER", cli::Align::right},
                    {"KIND"},
                    {"PARTY"},
                    {"AMOUNT", cli::Align::right},
                    {"STATE"},
                    {stage.chain() != nullptr ? "TRANSACTION" : "REFERENCE"}});
  for (const core::Settlement& one : settlements) {
    const bool collection = one.kind == SettlementKind::collection;
    moves.row({std::to_string(one.id.value), std::string(cli::word(one.kind)),
               collection ? payer_name(stage, one.payer) : payee_name(stage, one.payee), text(stage, one.amount),
               std::string(cli::word(one.state)), one.reference});
  }
  console.line(moves.render(console.tty()));
  if (stage.chain() == nullptr) return {};
  ASSIGN_OR_RETURN(const auto after, stage.balances());
  cli::Table balances({{"ACCOUNT"},
                       {"ADDRESS"},
                       {"BEFORE", cli::Align::right},
                       {"AFTER", cli::Align::right},
                       {"CHANGE", cli::Align::right}});
  const auto row = [&](const std::string& label, const base::Address& address) {
    const base::u128 was = before.at(address);
    const base::u128 is = after.at(address);
    balances.row({label, base::to_hex(address), cli::signed_decimal(static_cast<base::i128>(was), kRailScale),
                  cli::signed_decimal(static_cast<base::i128>(is), kRailScale),
                  cli::signed_decimal(static_cast<base::i128>(is) - static_cast<base::i128>(was), kRailScale)});
  };
  for (const Party& payer : stage.cast().payers) row(payer.label, payer.address);
  for (const Payee& payee : stage.cast().payees) row(payee.party.label, payee.party.address);
  row("operator's treasury", stage.cast().treasury.address);
  console.line(balances.render(console.tty()));
  return {};
}

namespace {

// The sums that have to agree, in ledger units.
struct Sums {
  std::map<base::PayerId, core::Amount> billed;     // statements
  std::map<base::PayerId, core::Amount> due;        // ... less credit
  std::map<base::PayerId, core::Amount> collected;  // final collections
  std::map<base::PayeeId, core::Amount> paid;       // final payouts
  base::i128 treasury = 0;                          // collected - paid
};

Result<Sums> sums_of(Stage& stage) {
  Sums sums;
  const auto add = [](auto& map, auto id, core::Amount amount) { map[id] = base::add_checked(map[id], amount); };
  ASSIGN_OR_RETURN(const std::vector<core::Statement> statements, all_statements(stage));
  for (const core::Statement& one : statements) {
    add(sums.billed, one.payer, one.billed);
    add(sums.due, one.payer, one.due_amount());
  }
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  for (const core::Settlement& one : settlements) {
    if (one.state != SettlementState::final) continue;
    const bool collection = one.kind == SettlementKind::collection;
    if (collection)
      add(sums.collected, one.payer, one.amount);
    else
      add(sums.paid, one.payee, one.amount);
    sums.treasury += collection ? one.amount.signed_units() : -one.amount.signed_units();
  }
  return sums;
}

class Comparison {
 public:
  void same(const std::string& what, base::i128 a, const char* a_name, base::i128 b, const char* b_name) {
    if (a == b) return;
    found_.push_back(fmt::format("{}: {} {}, {} {}", what, a_name, cli::signed_decimal(a, kLedgerScale), b_name,
                                 cli::signed_decimal(b, kLedgerScale)));
  }
  void add(std::string difference) { found_.push_back(std::move(difference)); }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

// A change of a chain balance in ledger units.
base::i128 change(const std::map<base::Address, base::u128>& before, const std::map<base::Address, base::u128>& after,
                  const base::Address& account) {
  base::i128 difference = static_cast<base::i128>(after.at(account)) - static_cast<base::i128>(before.at(account));
  for (unsigned i = kRailScale; i < kLedgerScale; ++i) difference *= 10;
  return difference;
}

// Every final settlement names a transaction that succeeded, and no two name the same.
Result<void> check_transactions(Stage& stage, Comparison& compare) {
  if (stage.chain() == nullptr) return {};
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  std::set<std::string> seen;
  for (const core::Settlement& one : settlements) {
    if (one.state != SettlementState::final) {
      compare.add(fmt::format("settlement {} is {}", one.id.value, cli::word(one.state)));
      continue;
    }
    const std::optional<base::Hash> transaction = base::hash_from_hex(one.reference);
    if (!transaction || !seen.insert(one.reference).second) {
      compare.add(fmt::format("settlement {}: \"{}\" is no transaction of its own", one.id.value, one.reference));
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<int> status, stage.chain()->receipt_status(*transaction));
    if (status != 1) compare.add(fmt::format("settlement {}: the chain does not know {}", one.id.value, one.reference));
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> differences(Stage& stage, const TrafficStats& stats,
                                             const std::map<base::Address, base::u128>& before) {
  ASSIGN_OR_RETURN(Sums sums, sums_of(stage));
  ASSIGN_OR_RETURN(const auto after, stage.balances());
  const Cast& cast = stage.cast();
  Comparison compare;
  for (std::size_t i = 0; i < kPayers; ++i) {
    const base::PayerId id(static_cast<std::uint32_t>(i + 1));
    ASSIGN_OR_RETURN(const rpc::TallyView tally, stage.books().tally(cast.payers[i].address, kAsset));
    const base::i128 open = tally.unbilled.signed_units();
    compare.same(cast.payers[i].label, stats.charged[i].signed_units(), "the servers were promised",
                 sums.billed[id].signed_units() + open, "the books billed or carry on");
    compare.same(cast.payers[i].label, sums.due[id].signed_units(), "its statements ask for",
                 sums.collected[id].signed_units(), "the rail collected");
    compare.same(cast.payers[i].label, tally.billed.signed_units() + tally.held.signed_units(), "still billed or held",
                 0, "after everything was paid");
    if (stage.chain() != nullptr)
      compare.same(cast.payers[i].label, sums.collected[id].signed_units(), "the books collected",
                   -change(before, after, cast.payers[i].address), "its wallet is less by");
  }
  for (std::size_t i = 0; i < kPayees; ++i) {
    const base::PayeeId id(static_cast<std::uint32_t>(i + 1));
    const base::Address& address = cast.payees[i].party.address;
    ASSIGN_OR_RETURN(const rpc::PayeeAccount account, stage.books().payee(address));
    core::Amount paid_out;
    for (const core::PayeeBalance& one : account.balances) paid_out = base::add_checked(paid_out, one.paid_out);
    compare.same(account.payee.label, paid_out.signed_units(), "the books paid", sums.paid[id].signed_units(),
                 "its final payouts are");
    if (stage.chain() != nullptr)
      compare.same(account.payee.label, sums.paid[id].signed_units(), "the books paid", change(before, after, address),
                   "its wallet is more by");
  }
  if (stage.chain() != nullptr)
    compare.same("operator", sums.treasury, "collected less paid out is", change(before, after, cast.treasury.address),
                 "the treasury changed by");
  RETURN_IF_ERROR(check_transactions(stage, compare));
  ASSIGN_OR_RETURN(const std::vector<core::OperatorBalance> balances, stage.books().operator_balances());
  base::i128 cash = 0;
  for (const core::OperatorBalance& one : balances) cash += one.cash.posted;
  compare.same("operator", cash, "the cash account is", sums.treasury, "collected less paid out is");
  std::vector<std::string> found = compare.take();
  found.insert(found.end(), stats.wrong.begin(), stats.wrong.end());
  return found;
}

}  // namespace playground::demo
