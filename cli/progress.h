#pragma once

// Progress of long work: a bar with rate and remaining time on a terminal, a plain line now and then otherwise. It is
// written to stderr, so that stdout stays what the command answers.

#include <cstdio>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace cli {

// One line without control characters: "verifying  45 %  450,000 of 1,000,000  90,000/s  6 s left".
std::string progress_line(std::string_view phase, std::uint64_t done, std::uint64_t total, std::uint64_t elapsed_ns);
// As progress_line with a bar of `width` characters behind the phase.
std::string progress_bar(std::string_view phase, std::uint64_t done, std::uint64_t total, std::uint64_t elapsed_ns,
                         std::size_t width);

// Not safe for several threads at once.
class Progress {
 public:
  // `clock` must outlive the object. `quiet`: nothing is shown.
  Progress(const base::Clock& clock, std::FILE* out, bool tty, bool quiet);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0: not known. The first phase began with this object, every other with the end of the one before.
  void update(std::string_view phase, std::uint64_t done, std::uint64_t total);
  // Ends the line of the bar. Work that took less than a second and showed nothing leaves no trace. Idempotent.
  void finish();

 private:
  void show(bool last);
  const base::Clock& clock_;
  std::FILE* out_;
  bool tty_;
  bool quiet_;
  std::string phase_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t started_ns_ = 0;
  std::uint64_t shown_ns_ = 0;
  bool dirty_ = false;  // an update was not shown, or a bar is on the line
  bool shown_ = false;  // something of this phase
};

}  // namespace cli
