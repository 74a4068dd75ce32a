#include "playground/demo/epilogue.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"
#include "playground/demo/agreement.h"

namespace playground::demo {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;
using core::SettlementKind;
using core::SettlementState;

constexpr std::uint64_t kSettleUs = 45'000'000;

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
  for (unsigned i = stage.rail_scale(); i < kLedgerScale; ++i)
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

bool is_on(const core::Settlement& settlement, const char* rail) {
  return settlement.rail == *base::RailName::parse(rail);
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
                             Holdings& before, std::set<std::uint64_t>& asked) {
  const Party& payer = stage.cast().payers[kPoorPayer];
  for (const core::Settlement& one : settlements) {
    const bool waits = is_on(one, "stablecoin") && one.kind == SettlementKind::collection &&
                       one.state == SettlementState::ready && one.dunning_step > 0;
    if (!waits || asked.contains(one.id.value)) continue;
    console.say("{} could not pay {}: {} ({}).", payer.label, text(stage, one.amount), cli::word(one.failure),
                one.detail);
    if (asked.empty()) {
      const base::u128 had = before.at(payer.address);
      RETURN_IF_ERROR(stage.fill_poor_wallet());
      before[payer.address] = had + base::Amount::parse_decimal(kWallet, kTokenScale)->units();
      console.say("Its wallet gets {} more.", kWallet);
    }
    asked.insert(one.id.value);
    console.say("It asks for another attempt:\n");
    RETURN_IF_ERROR(
        tabctl(stage, console, payer, {"settlement", "retry", std::to_string(one.id.value), "--role", "payer"}));
  }
  return {};
}

// A card that was declined for good: its statement goes on to the plan's next rail by itself.
void tell_of_next_rails(const Stage& stage, Console& console, const std::vector<core::Settlement>& settlements,
                        std::set<std::uint64_t>& told) {
  for (const core::Settlement& one : settlements) {
    if (one.refusals.empty() || one.rail == one.refusals.front().rail || !told.insert(one.id.value).second) continue;
    const core::RailRefusal& refusal = one.refusals.front();
    console.say("{}'s rail {} refused statement {} for good ({}). Its plan goes on: attempt {} is made by {}.",
                payer_name(stage, one.payer), refusal.rail.view(), one.statement.value, cli::word(refusal.failure),
                one.attempt, one.rail.view());
  }
}

std::string settled_line(const Stage& stage, const Progress& now) {
  return fmt::format("{} of {} collections final ({}), {} of {} payouts final ({})", now.collected, now.collections,
                     text(stage, now.collected_amount), now.paid, now.payouts, text(stage, now.paid_amount));
}

}  // namespace

Result<void> close_and_settle(Stage& stage, Console& console, Holdings& before) {
  for (const Party& payer : stage.cast().payers)
    RETURN_IF_ERROR(accepted(stage.books().close_now(payer.address, kAsset), "closing the window of " + payer.label));
  const std::uint64_t give_up_ns = stage.clock().monotonic_ns() + kSettleUs * 1000;
  std::string shown;
  std::set<std::uint64_t> asked, told;
  while (!g_interrupted) {
    ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
    const Progress now = progress_of(settlements);
    if (stage.chain() != nullptr) RETURN_IF_ERROR(help_poor_payer(stage, console, settlements, before, asked));
    tell_of_next_rails(stage, console, settlements, told);
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

namespace {

void show_chain_accounts(Stage& stage, Console& console, const Holdings& before, const Holdings& after) {
  cli::Table balances({{"ACCOUNT"},
                       {"ADDRESS"},
                       {"BEFORE", cli::Align::right},
                       {"AFTER", cli::Align::right},
                       {"CHANGE", cli::Align::right}});
  const auto row = [&](const std::string& label, const base::Address& address) {
    const auto was = static_cast<base::i128>(before.at(address));
    const auto is = static_cast<base::i128>(after.at(address));
    if (was == 0 && is == 0) return;  // pays or is paid by another rail
    balances.row({label, base::to_hex(address), cli::signed_decimal(was, kTokenScale),
                  cli::signed_decimal(is, kTokenScale), cli::signed_decimal(is - was, kTokenScale)});
  };
  for (const Party& payer : stage.cast().payers) row(payer.label, payer.address);
  for (const Payee& payee : stage.cast().payees) row(payee.party.label, payee.party.address);
  row("operator's treasury", stage.cast().treasury.address);
  console.line(balances.render(console.tty()));
}

// What the provider and the bank say, each from its own books.
Result<void> show_their_books(Stage& stage, Console& console) {
  ASSIGN_OR_RETURN(const std::vector<Movement> movements, movements_outside(stage, {}, {}));
  cli::Table table({{"WHO"}, {"RAIL"}, {"ACCOUNT THERE"}, {"CHANGE", cli::Align::right}});
  for (const Movement& one : movements)
    table.row({one.who, one.rail, one.account, cli::signed_decimal(one.change, kLedgerScale)});
  console.line(table.render(console.tty()));
  ASSIGN_OR_RETURN(const CardProvider::Books cards, stage.provider()->books());
  ASSIGN_OR_RETURN(const Bank::Books bank, stage.bank()->books());
  console.say(
      "The provider took {} payments and kept {} for it. The bank took {} files with {} payments and sent {} "
      "statements.",
      cards.payments, cli::signed_decimal(static_cast<base::i128>(cards.fees), kCentScale), bank.files, bank.payments,
      bank.statements);
  console.say("tabd compares its books with theirs by itself, once a day, or when it is asked:\n");
  // The next whole second: the treasury was filled in the one before, which no settlement of ours explains.
  const base::Time from = base::Time::from_seconds(stage.opened().seconds() + 1);
  const std::string since = cli::time_iso(from).substr(0, std::string_view("2026-11-21T12:00:00").size());
  RETURN_IF_ERROR(tabctl(stage, console, stage.cast().operator_, {"reconcile", "--since", since + "Z"}));
  return {};
}

// The last window of one payer by each rail, and of the one whose card was declined.
void show_one_window(Stage& stage, Console& console, const std::vector<core::Settlement>& settlements) {
  console.say("One window, three rails:");
  for (const std::size_t index : {std::size_t{0}, kBankPayers, kStolenCardPayer, kBankPayers + kCardPayers}) {
    const core::Settlement* last = nullptr;
    for (const core::Settlement& one : settlements)
      if (one.kind == SettlementKind::collection && one.payer.value == index + 1) last = &one;
    if (last == nullptr) continue;
    const std::string before =
        last->refusals.empty() ? "" : fmt::format(", after {} said no", last->refusals.front().rail.view());
    console.say("  {:<9} paid {} by {:<10} as {}{}", stage.cast().payers[index].label, text(stage, last->amount),
                last->rail.view(), last->reference, before);
  }
  console.line("");
}

}  // namespace

Result<void> show_money(Stage& stage, Console& console, const Holdings& before) {
  ASSIGN_OR_RETURN(const std::vector<core::Settlement> settlements, all_settlements(stage));
  cli::Table moves({{"NUMBER", cli::Align::right},
                    {"KIND"},
                    {"PARTY"},
                    {"AMOUNT", cli::Align::right},
                    {"RAIL"},
                    {"TRY", cli::Align::right},
                    {"STATE"},
                    {stage.options().rail == Rail::stablecoin ? "TRANSACTION" : "REFERENCE"}});
  for (const core::Settlement& one : settlements) {
    const bool collection = one.kind == SettlementKind::collection;
    moves.row({std::to_string(one.id.value), std::string(cli::word(one.kind)),
               collection ? payer_name(stage, one.payer) : payee_name(stage, one.payee), text(stage, one.amount),
               std::string(one.rail.view()), std::to_string(one.attempt), std::string(cli::word(one.state)),
               one.reference});
  }
  console.line(moves.render(console.tty()));
  if (stage.options().rail == Rail::all) show_one_window(stage, console, settlements);
  if (stage.chain() != nullptr) {
    ASSIGN_OR_RETURN(const Holdings after, stage.balances());
    show_chain_accounts(stage, console, before, after);
  }
  return stage.provider() == nullptr ? Result<void>() : show_their_books(stage, console);
}

}  // namespace playground::demo
