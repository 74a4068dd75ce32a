#include "cli/completion.h"

#include <fmt/format.h>

#include <vector>

namespace cli {
namespace {

// What can follow one command: its subcommands and options.
struct Level {
  std::string path;  // "payer add"; empty for the root
  std::vector<std::string> commands;
  std::vector<std::string> options;
};

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

void collect(const CLI::App& app, const std::string& path, std::vector<Level>& levels) {
  Level level{path, {}, option_names(app)};
  const std::vector<const CLI::App*> children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) level.commands.push_back(child->get_name());
  levels.push_back(std::move(level));
  for (const CLI::App* child : children)
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), levels);
}

// A case statement over the path, setting `commands` and `options`.
std::string cases(const std::vector<Level>& levels) {
  std::string out;
  for (const Level& level : levels) {
    out += fmt::format("    \"{}\") commands=\"{}\" options=\"{}\" ;;\n", level.path, fmt::join(level.commands, " "),
                       fmt::join(level.options, " "));
  }
  return out;
}

std::vector<Level> levels_of(const CLI::App& root) {
  std::vector<Level> levels;
  collect(root, "", levels);
  return levels;
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  const std::vector<Level> levels = levels_of(root);
  return fmt::format(R"(# Completion of tabctl for bash: source <(tabctl completion bash)
_tabctl_words() {{
  case "$1" in
{}    *) commands="" options="" ;;
  esac
}}
_tabctl() {{
  local word path="" next commands options global i
  _tabctl_words ""
  global="$options"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${{COMP_WORDS[i]}}"
    [[ "$word" == -* ]] && continue
    _tabctl_words "$path"
    for next in $commands; do
      if [[ "$next" == "$word" ]]; then path="${{path:+$path }}$word"; break; fi
    done
  done
  _tabctl_words "$path"
  word="${{COMP_WORDS[COMP_CWORD]}}"
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$options $global" -- "$word"))
  elif [[ -n "$commands" ]]; then
    COMPREPLY=($(compgen -W "$commands" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _tabctl tabctl
)",
                     cases(levels));
}

std::string zsh_completion(const CLI::App& root) {
  const std::vector<Level> levels = levels_of(root);
  return fmt::format(R"(#compdef tabctl
# Completion of tabctl for zsh: tabctl completion zsh > "${{fpath[1]}}/_tabctl"
_tabctl_words() {{
  case "$1" in
{}    *) commands="" options="" ;;
  esac
}}
_tabctl() {{
  local word place="" next commands options global i
  _tabctl_words ""
  global="$options"
  for ((i = 2; i < CURRENT; i++)); do
    word="${{words[i]}}"
    [[ "$word" == -* ]] && continue
    _tabctl_words "$place"
    for next in ${{=commands}}; do
      if [[ "$next" == "$word" ]]; then place="${{place:+$place }}$word"; break; fi
    done
  done
  _tabctl_words "$place"
  if [[ "${{words[CURRENT]}}" == -* ]]; then
    compadd -- ${{=options}} ${{=global}}
  elif [[ -n "$commands" ]]; then
    compadd -- ${{=commands}}
  else
    _files
  fi
}}
compdef _tabctl tabctl
)",
                     cases(levels));
}

}  // namespace cli
