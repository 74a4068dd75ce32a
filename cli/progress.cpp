#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.h"

namespace cli {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kBarEveryNs = kSecondNs / 10;
constexpr std::uint64_t kLineEveryNs = 5 * kSecondNs;
constexpr std::size_t kBarWidth = 28;

std::uint64_t per_second(std::uint64_t done, std::uint64_t elapsed_ns) {
  if (elapsed_ns == 0) return 0;
  return static_cast<std::uint64_t>(static_cast<base::u128>(done) * kSecondNs / elapsed_ns);
}

std::string figures(std::uint64_t done, std::uint64_t total, std::uint64_t elapsed_ns) {
  const std::uint64_t rate = per_second(done, elapsed_ns);
  std::string text = thousands(done);
  if (total > 0) text += " of " + thousands(total);
  text += fmt::format("  {}/s", thousands(rate));
  if (total > done && rate > 0) text += fmt::format("  {} left", duration_text((total - done) * 1'000'000 / rate));
  if (total > 0 && done >= total) text += fmt::format("  in {}", duration_text(elapsed_ns / 1000));
  return text;
}

std::uint64_t percent(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 0 : static_cast<std::uint64_t>(static_cast<base::u128>(std::min(done, total)) * 100 / total);
}

}  // namespace

std::string progress_line(std::string_view phase, std::uint64_t done, std::uint64_t total, std::uint64_t elapsed_ns) {
  if (total == 0) return fmt::format("{}  {}", phase, figures(done, total, elapsed_ns));
  return fmt::format("{}  {} %  {}", phase, percent(done, total), figures(done, total, elapsed_ns));
}

std::string progress_bar(std::string_view phase, std::uint64_t done, std::uint64_t total, std::uint64_t elapsed_ns,
                         std::size_t width) {
  if (total == 0) return progress_line(phase, done, total, elapsed_ns);
  const auto full = static_cast<std::size_t>(percent(done, total) * width / 100);
  return fmt::format("{}  [{}{}] {:3} %  {}", phase, std::string(full, '#'), std::string(width - full, '.'),
                     percent(done, total), figures(done, total, elapsed_ns));
}

Progress::Progress(const base::Clock& clock, std::FILE* out, bool tty, bool quiet)
    : clock_(clock), out_(out), tty_(tty), quiet_(quiet), started_ns_(clock.monotonic_ns()), shown_ns_(started_ns_) {}

void Progress::update(std::string_view phase, std::uint64_t done, std::uint64_t total) {
  if (quiet_) return;
  if (phase != phase_) {
    if (!phase_.empty()) {
      finish();
      started_ns_ = clock_.monotonic_ns();
      shown_ns_ = started_ns_;
    }
    phase_ = std::string(phase);
  }
  const std::uint64_t now = clock_.monotonic_ns();
  done_ = done;
  total_ = total;
  dirty_ = true;
  if (now - shown_ns_ < (tty_ ? kBarEveryNs : kLineEveryNs)) return;
  shown_ns_ = now;
  show(false);
}

void Progress::finish() {
  if (dirty_ && (shown_ || clock_.monotonic_ns() - started_ns_ >= kSecondNs)) show(true);
  dirty_ = false;
  shown_ = false;
}

void Progress::show(bool last) {
  const std::uint64_t elapsed = clock_.monotonic_ns() - started_ns_;
  if (tty_) {
    fmt::print(out_, "\r\x1b[K{}{}", progress_bar(phase_, done_, total_, elapsed, kBarWidth), last ? "\n" : "");
  } else {
    fmt::print(out_, "{}\n", progress_line(phase_, done_, total_, elapsed));
  }
  std::fflush(out_);
  shown_ = true;
}

}  // namespace cli
