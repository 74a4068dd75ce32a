#include "playground/demo/console.h"

#include <unistd.h>

#include <cstdio>

namespace playground::demo {

Console::Console() : tty_(::isatty(STDOUT_FILENO) == 1) {}

void Console::clear_live() {
  if (live_shown_) fmt::print("\r\x1b[K");
  live_shown_ = false;
}

void Console::heading(const std::string& text) {
  clear_live();
  if (tty_)
    fmt::print("\n\x1b[1m== {}\x1b[0m\n", text);
  else
    fmt::print("\n== {}\n", text);
  std::fflush(stdout);
}

void Console::line(const std::string& text) {
  clear_live();
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void Console::live(const std::string& text) {
  if (!tty_) {
    line(text);
    return;
  }
  clear_live();
  fmt::print("{}", text);
  std::fflush(stdout);
  live_shown_ = true;
}

void Console::keep_live() {
  if (live_shown_) fmt::print("\n");
  live_shown_ = false;
}

void Console::command(const std::string& text, const std::string& output) {
  line("$ " + text);
  std::string indented = "    ";
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (output[i] == '\n' && i + 1 == output.size()) break;
    indented += output[i];
    if (output[i] == '\n' && output[i + 1] != '\n') indented += "    ";
  }
  line(indented + "\n");
}

}  // namespace playground::demo
