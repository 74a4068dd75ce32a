#pragma once

// Billing windows on the calendar. The result of every live call is written into the journal, so that a replay never
// depends on the time zone database of the machine that replays.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/codec.h"
#include "base/result.h"

namespace aggregator {

enum class WindowKind : std::uint8_t {
  duration = 0,  // [k*d, (k+1)*d) seconds since 1970
  day = 1,       // local midnight to local midnight; 23 or 25 hours at a change of daylight saving (see below)
  week = 2,      // local Monday to Monday
  month = 3,     // first of the month to first of the month
};

// Where local midnight is special, a local date starts at its earliest instant: at the moment of the change where the
// clock jumps over midnight (00:00 does not exist), at the first of the two midnights where the clock is set back
// across it. A date that a zone skipped as a whole has no window. So windows always tile time, without gap or overlap.
struct WindowSpec {
  WindowKind kind = WindowKind::day;
  std::uint64_t duration_s = 0;   // for kind duration: limits::kWindowSecondsMin .. kWindowSecondsMax
  std::string time_zone = "UTC";  // for the other kinds: an IANA name, such as "Europe/Berlin"
  bool operator==(const WindowSpec&) const = default;
};

// Half-open: start <= t < end. A window that began before 1970 is cut at 1970.
struct WindowBounds {
  base::Time start;
  base::Time end;
  bool operator==(const WindowBounds&) const = default;
};

// Safe from any thread. An interface, so that the core stays free of the time zone database.
class Calendar {
 public:
  virtual ~Calendar() = default;
  // invalid_argument if the zone is unknown or the duration out of range; the message says which.
  virtual base::Result<void> check(const WindowSpec& spec) const = 0;
  // The window that contains `time` (before the year 10000). `spec` must have passed check(). start <= time < end.
  // Cheap when the answer is the same as the last one for this zone and kind.
  virtual WindowBounds window_at(const WindowSpec& spec, base::Time time) const = 0;
};

// Uses the machine's IANA time zone database (Debian package tzdata), as it was when first used; "UTC" works without
// it.
std::unique_ptr<Calendar> make_calendar();

}  // namespace aggregator
