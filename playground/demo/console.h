#pragma once

// What the demo says: headings, sentences, one live line on a terminal.

#include <fmt/format.h>

#include <string>

namespace playground::demo {

class Console {
 public:
  Console();
  bool tty() const noexcept { return tty_; }

  void heading(const std::string& text);
  template <typename... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    line(fmt::format(text, std::forward<Args>(args)...));
  }
  void line(const std::string& text);
  // Replaces itself on a terminal. Elsewhere it is a plain line.
  void live(const std::string& text);
  // The live line stays, and what follows goes below it.
  void keep_live();
  // A command as a person would type it, and then what it printed, indented.
  void command(const std::string& text, const std::string& output);

 private:
  void clear_live();
  bool tty_;
  bool live_shown_ = false;
};

}  // namespace playground::demo
