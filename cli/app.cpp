#include "cli/app.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <sstream>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/suggest.h"
#include "ops/version.h"

namespace cli {
namespace {

constexpr const char* kDescription = "tabctl talks to tabd, the billing daemon, and checks what it says.\n";
constexpr const char* kFooter =
    "\nExamples:\n"
    "  tabctl status\n"
    "  tabctl payer list --json\n"
    "  tabctl submit items.jsonl --key server.key\n"
    "  tabctl audit /var/lib/tabd/checkpoints/monday\n"
    "\nEvery command has --help. Answers go to stdout, everything else to stderr.\n"
    "Exit codes: 0 done; 1 refused by the ledger; 2 usage; 3 cannot reach the daemon or a file; 4 verification "
    "failed.\n"
    "Defaults come from TABCTL_SOCKET, TABCTL_CONNECT and TABCTL_KEY_FILE, then from tabctl.toml in $XDG_CONFIG_HOME\n"
    "or ~/.config (settings: socket, connect, ca, certificate, tls_key, key, role). Keys are files, never arguments.\n";

void add_global_options(CLI::App& root, Settings& settings) {
  root.add_option("--socket", settings.socket, fmt::format("The daemon's unix socket (default {}).", kDefaultSocket))
      ->type_name("PATH");
  root.add_option("--connect", settings.connect, "The daemon over TCP with TLS.")->type_name("HOST:PORT");
  root.add_option("--ca", settings.ca_file, "TLS: who signed the daemon's certificate (PEM).")->type_name("FILE");
  root.add_option("--certificate", settings.certificate_file, "TLS: our own certificate (PEM).")->type_name("FILE");
  root.add_option("--tls-key", settings.tls_key_file, "TLS: its key (PEM).")->type_name("FILE");
  root.add_option("--key", settings.key_file, "The secret key that logs in and signs.")->type_name("FILE");
  root.add_option("--role", settings.role, "operator, auditor, payer or server; what the command needs, if not given.")
      ->type_name("ROLE");
  root.add_option("--config", settings.config_file, "In place of tabctl.toml.")->type_name("FILE");
  root.add_flag("--json", settings.json, "Answers for machines; documented in cli/OUTPUT.md.");
  root.add_flag("--no-color", settings.no_color, "No bold titles on a terminal.");
  root.add_flag("--quiet", settings.quiet, "No progress and no hints on stderr.");
  root.set_version_flag("--version", std::string("tabctl ") + ops::kVersion);
}

struct CompletionOptions {
  std::string shell;
};

void add_completion(CLI::App& root, Chosen& chosen) {
  CLI::App* app = root.add_subcommand("completion", "Print a script for the shell's completion.");
  app->footer("\nExamples:\n  source <(tabctl completion bash)\n  tabctl completion zsh > \"${fpath[1]}/_tabctl\"");
  auto options = std::make_shared<CompletionOptions>();
  app->add_option("shell", options->shell, "bash or zsh.")->required()->check(CLI::IsMember({"bash", "zsh"}));
  app->callback([&root, &chosen, options] {
    chosen.action = [&root, options](Context& context) -> Outcome {
      context.write(options->shell == "bash" ? bash_completion(root) : zsh_completion(root));
      return {};
    };
  });
}

// The innermost command that the command line reached.
const CLI::App* reached(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::vector<std::string> words_of(const CLI::App& app, bool options) {
  std::vector<std::string> words;
  if (options) {
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    return words;
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back(child->get_name());
  return words;
}

std::string usage_hint(const CLI::App& root) {
  const CLI::App* app = reached(root);
  std::string name = app->get_name();
  for (const CLI::App* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent())
    name = fmt::format("{} {}", parent->get_name(), name);
  return fmt::format("See: {} --help", name);
}

// The words of the command line that nobody wanted. CLI11 names them at the end of its message.
std::vector<std::string> unexpected_words(const CLI::ParseError& problem) {
  const std::string message = problem.what();
  const std::size_t colon = message.find(": ");
  std::vector<std::string> words;
  std::istringstream in(colon == std::string::npos ? "" : message.substr(colon + 2));
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// CLI11 reads -1 as the largest number.
void refuse_negative_numbers(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (option->get_type_name().starts_with("UINT"))
      option->check(CLI::Validator(
          [](std::string& text) { return text.starts_with('-') ? text + " is below zero" : std::string(); }, ""));
  for (CLI::App* child : app.get_subcommands([](CLI::App*) { return true; })) refuse_negative_numbers(*child);
}

// Options of all commands may stand before the command.
int after_options(const CLI::App& root, int at, int argc, char** argv) {
  while (at < argc && argv[at][0] == '-') {
    const CLI::Option* option = root.get_option_no_throw(argv[at]);
    if (option == nullptr) break;
    at += option->get_items_expected_max() == 0 ? 1 : 2;
  }
  return at;
}

// The word that stands where a command was expected; empty when the line ends there.
std::string mistaken_command(const CLI::App& root, const CLI::App& app, int argc, char** argv) {
  // What follows the innermost command that was understood.
  int at = 1;
  for (int i = 1; i < argc; ++i)
    if (app.get_parent() != nullptr && argv[i] == app.get_name()) at = i + 1;
  at = after_options(root, at, argc, argv);
  const bool next = at < argc && argv[at][0] != '-';
  return next ? argv[at] : "";
}

// What CLI11 could not use, with the word that was probably meant.
Failure usage_of(const CLI::App& root, const CLI::ParseError& problem, int argc, char** argv) {
  const CLI::App* app = reached(root);
  Failure failure{ExitCode::usage, problem.what(), usage_hint(root), base::Status::ok};
  const int kind = problem.get_exit_code();
  const bool extras = kind == static_cast<int>(CLI::ExitCodes::ExtrasError);
  const bool no_command =
      kind == static_cast<int>(CLI::ExitCodes::RequiredError) && app->get_require_subcommand_min() > 0;
  if (!extras && !no_command) return failure;
  const std::vector<std::string> unexpected = unexpected_words(problem);
  std::string word = extras && !unexpected.empty() ? unexpected.back() : mistaken_command(root, *app, argc, argv);
  for (const std::string& one : unexpected)  // a mistaken option makes its value unexpected too
    if (extras && one.front() == '-') word = one;
  const bool is_option = !word.empty() && word.front() == '-';
  std::vector<std::string> words = words_of(*app, is_option);
  if (is_option && app != &root)
    for (std::string& global : words_of(root, true)) words.push_back(std::move(global));
  if (word.empty()) {
    failure.message = fmt::format("Which command? One of: {}.", fmt::join(words, ", "));
    return failure;
  }
  failure.message = is_option ? fmt::format("There is no option {} here.", word)
                              : fmt::format("\"{}\" is not {} here.", word, no_command ? "a command" : "expected");
  const std::string meant = closest(word, words);
  if (!meant.empty()) failure.next = fmt::format("Did you mean {}? {}", meant, failure.next);
  return failure;
}

void print_failure(const Settings& settings, const Failure& failure) {
  if (settings.json) {
    JsonObject error;
    error["code"] = static_cast<int>(failure.code);
    if (failure.status != base::Status::ok) error["status"] = text_json(base::name(failure.status));
    error["message"] = failure.message;
    if (!failure.next.empty()) error["next"] = failure.next;
    JsonObject out;
    out["error"] = std::move(error);
    fmt::print(stderr, "{}\n", to_line(out));
    return;
  }
  fmt::print(stderr, "tabctl: {}\n", failure.message);
  if (!failure.next.empty()) fmt::print(stderr, "{}\n", failure.next);
}

Outcome execute(Settings& settings, const Chosen& chosen) {
  CLI_CHECK(complete(settings));
  const base::SystemClock clock;
  Context context(settings, clock);
  CLI_CHECK(chosen.action(context));
  if (std::fflush(stdout) != 0) {
    return tl::unexpected<Failure>(
        Failure{ExitCode::unreachable, "cannot write the answer to standard output.", "", base::Status::ok});
  }
  return {};
}

int run_parsed(int argc, char** argv) {
  Settings settings;
  Chosen chosen;
  CLI::App root(kDescription, "tabctl");
  root.footer(kFooter);
  root.require_subcommand(1);
  root.fallthrough();
  root.option_defaults()->always_capture_default(false);
  add_global_options(root, settings);
  for (const auto add : {add_status_commands,    add_payer_commands,     add_payee_commands,      add_plan_commands,
                         add_mandate_commands,   add_submit_commands,    add_sign_commands,       add_apikey_commands,
                         add_statement_commands, add_invoice_commands,   add_settlement_commands, add_channel_commands,
                         add_inbox_commands,     add_reconcile_commands, add_bank_commands,       add_money_commands,
                         add_billing_commands,   add_follow_commands,    add_proof_commands,      add_store_commands})
    add(root, chosen);
  add_completion(root, chosen);
  refuse_negative_numbers(root);
  try {
    root.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return root.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return root.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return root.exit(version);
  } catch (const CLI::ParseError& problem) {
    print_failure(settings, usage_of(root, problem, argc, argv));
    return static_cast<int>(ExitCode::usage);
  }
  const Outcome outcome = execute(settings, chosen);
  if (outcome) return static_cast<int>(ExitCode::ok);
  std::fflush(stdout);
  print_failure(settings, outcome.error());
  return static_cast<int>(outcome.error().code);
}

}  // namespace

int run(int argc, char** argv) noexcept {
  // A reader that goes away (head, less) ends the command quietly, with an error from the write.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run_parsed(argc, argv);
  } catch (const std::exception& problem) {
    fmt::print(stderr, "tabctl: {}\n", problem.what());
    return static_cast<int>(ExitCode::unreachable);
  }
}

}  // namespace cli
