#pragma once

// How commands are declared: a name, a sentence, examples, options, and a function that runs after parsing.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include "cli/context.h"

namespace cli {

// Of --reference, where a command moves money because somebody says so.
inline constexpr const char* kReferenceHelp =
    "Yours, such as a ticket's number: asked for again with the same one it is not done again.";

using Action = std::function<Outcome(Context&)>;

// What a command line chose. Filled while it is parsed.
struct Chosen {
  Action action;
};

// A command that runs `run` with its options. `define` adds the options to the command, bound to the members of one
// Options object, which lives as long as the command.
template <typename Options, typename Define>
CLI::App* add_command(CLI::App& parent, Chosen& chosen, const std::string& name, const std::string& sentence,
                      const std::string& examples, Define define, Outcome (*run)(Context&, const Options&)) {
  CLI::App* app = parent.add_subcommand(name, sentence);
  if (!examples.empty()) app->footer("\nExamples:\n" + examples);
  auto options = std::make_shared<Options>();
  define(*app, *options);
  app->callback(
      [&chosen, options, run] { chosen.action = [options, run](Context& context) { return run(context, *options); }; });
  return app;
}

// A group of commands, such as `payer`.
inline CLI::App* add_group(CLI::App& parent, const std::string& name, const std::string& sentence) {
  CLI::App* app = parent.add_subcommand(name, sentence);
  app->require_subcommand(1);
  return app;
}

struct NoOptions {};
inline void no_options(CLI::App&, NoOptions&) {}

// Each adds its commands to the root.
void add_status_commands(CLI::App& root, Chosen& chosen);      // status, top
void add_payer_commands(CLI::App& root, Chosen& chosen);       // payer, exposure
void add_payee_commands(CLI::App& root, Chosen& chosen);       // payee, server
void add_plan_commands(CLI::App& root, Chosen& chosen);        // plan, asset
void add_mandate_commands(CLI::App& root, Chosen& chosen);     // mandate
void add_sign_commands(CLI::App& root, Chosen& chosen);        // sign, keygen, address
void add_apikey_commands(CLI::App& root, Chosen& chosen);      // apikey
void add_submit_commands(CLI::App& root, Chosen& chosen);      // submit
void add_statement_commands(CLI::App& root, Chosen& chosen);   // statement, charge
void add_invoice_commands(CLI::App& root, Chosen& chosen);     // invoice
void add_settlement_commands(CLI::App& root, Chosen& chosen);  // settlement, rails
void add_channel_commands(CLI::App& root, Chosen& chosen);     // channel
void add_inbox_commands(CLI::App& root, Chosen& chosen);       // inbox
void add_bank_commands(CLI::App& root, Chosen& chosen);        // bank
void add_reconcile_commands(CLI::App& root, Chosen& chosen);   // reconcile
void add_money_commands(CLI::App& root, Chosen& chosen);       // balance, credit-note, write-off, close
void add_billing_commands(CLI::App& root, Chosen& chosen);     // payer tax, refund, payment, credit-notes
void add_follow_commands(CLI::App& root, Chosen& chosen);      // events, journal
void add_proof_commands(CLI::App& root, Chosen& chosen);       // prove, prove-extension, verify-proof
void add_store_commands(CLI::App& root, Chosen& chosen);       // audit, checkpoint, restore

}  // namespace cli
