#include "aggregator/calendar.h"

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>

#include <date/date.h>
#include <date/tz.h>

#include "base/check.h"
#include "base/limits.h"

namespace aggregator {
namespace {

using std::chrono::microseconds;
using LocalDays = date::local_days;
using SystemMicroseconds = date::sys_time<microseconds>;

constexpr std::uint64_t kMicrosecondsPerSecond = 1'000'000;
// The tables of a time zone are for human dates: a clock beyond the year 9999 is broken, and must not be billed by.
// They know changes of daylight saving up to 2037 (the rule for later years is ignored by this library); days after
// that keep their zone's standard time.
constexpr SystemMicroseconds kTimeEnd = date::sys_days{date::year{10000} / 1 / 1};

SystemMicroseconds to_system(base::Time time) {
  CHECK_MSG(time.us < static_cast<std::uint64_t>(kTimeEnd.time_since_epoch().count()), "a time beyond the year 9999");
  return SystemMicroseconds{microseconds{static_cast<std::int64_t>(time.us)}};
}

// base::Time starts in 1970; a window that began before it is cut there.
base::Time from_system(SystemMicroseconds time) {
  const std::int64_t us = time.time_since_epoch().count();
  return base::Time{us < 0 ? 0 : static_cast<std::uint64_t>(us)};
}

// A zone of the database, or UTC, which needs no database.
class Zone {
 public:
  explicit Zone(const date::time_zone* zone) : zone_(zone) {}

  LocalDays day_of(SystemMicroseconds time) const {
    if (zone_ == nullptr) return LocalDays{date::floor<date::days>(time).time_since_epoch()};
    return date::floor<date::days>(zone_->to_local(time));
  }

  // The earliest instant of a local date: its midnight; the first of the two where the clock is set back across
  // midnight; the moment of the change where the clock jumps over midnight. A date that was skipped as a whole has no
  // length.
  SystemMicroseconds start_of(LocalDays day) const {
    if (zone_ == nullptr) return date::sys_days{day.time_since_epoch()};
    const date::local_info info = zone_->get_info(day);
    if (info.result == date::local_info::nonexistent) return info.first.end;
    return SystemMicroseconds{day.time_since_epoch()} - info.first.offset;
  }

 private:
  const date::time_zone* zone_;
};

LocalDays first_day(WindowKind kind, LocalDays day) {
  if (kind == WindowKind::week) return day - (date::weekday{day} - date::Monday);
  if (kind == WindowKind::month) {
    const date::year_month_day civil{day};
    return LocalDays{civil.year() / civil.month() / 1};
  }
  return day;
}

// The first day of the window `steps` after the one that starts on `day`.
LocalDays step(WindowKind kind, LocalDays day, int steps) {
  if (kind == WindowKind::week) return day + date::weeks{steps};
  if (kind == WindowKind::month) return LocalDays{date::year_month_day{day} + date::months{steps}};
  return day + date::days{steps};
}

WindowBounds bounds_at(const Zone& zone, WindowKind kind, base::Time time) {
  const SystemMicroseconds instant = to_system(time);
  LocalDays first = first_day(kind, zone.day_of(instant));
  // The local date of an instant can be the one before its window's where the clock was set back across midnight, and
  // windows can be empty where a date was skipped: walk to the window that really contains the instant.
  while (zone.start_of(first) > instant) first = step(kind, first, -1);
  LocalDays next = step(kind, first, 1);
  while (zone.start_of(next) <= instant) {
    first = next;
    next = step(kind, first, 1);
  }
  return {from_system(zone.start_of(first)), from_system(zone.start_of(next))};
}

WindowBounds duration_bounds(std::uint64_t duration_s, base::Time time) {
  const std::uint64_t length_us = duration_s * kMicrosecondsPerSecond;
  const std::uint64_t start = time.us - time.us % length_us;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - start;
  return {base::Time{start}, base::Time{start + (length_us < room ? length_us : room)}};
}

bool contains(const WindowBounds& bounds, base::Time time) { return bounds.start <= time && time < bounds.end; }

// "posix/" and "right/" are copies of the database in other counts of leap seconds, and not names of zones.
bool is_zone_name(std::string_view name) {
  return !name.starts_with("right/") && !name.starts_with("posix/") && name != "localtime" && name != "posixrules";
}

class TzCalendar final : public Calendar {
 public:
  base::Result<void> check(const WindowSpec& spec) const override {
    using base::ErrorCode;
    switch (spec.kind) {
      case WindowKind::duration:
        if (spec.duration_s < base::limits::kWindowSecondsMin || spec.duration_s > base::limits::kWindowSecondsMax) {
          return base::error(ErrorCode::invalid_argument,
                             "a billing window of " + std::to_string(spec.duration_s) + " s: use " +
                                 std::to_string(base::limits::kWindowSecondsMin) + " to " +
                                 std::to_string(base::limits::kWindowSecondsMax) + " seconds");
        }
        return {};
      case WindowKind::day:
      case WindowKind::week:
      case WindowKind::month: return check_zone(spec.time_zone);
    }
    return base::error(ErrorCode::invalid_argument,
                       "window kind " + std::to_string(static_cast<int>(spec.kind)) + " does not exist: use 0 to 3");
  }

  WindowBounds window_at(const WindowSpec& spec, base::Time time) const override {
    if (spec.kind == WindowKind::duration) {
      CHECK_MSG(
          spec.duration_s >= base::limits::kWindowSecondsMin && spec.duration_s <= base::limits::kWindowSecondsMax,
          "the window was not checked");
      return duration_bounds(spec.duration_s, time);
    }
    const std::size_t kind = static_cast<std::size_t>(spec.kind);
    CHECK(kind < kKinds);
    {
      const std::shared_lock lock(mutex_);
      const auto at = zones_.find(std::string_view(spec.time_zone));
      if (at != zones_.end() && contains(at->second.last[kind], time)) return at->second.last[kind];
    }
    return compute(spec, kind, time);
  }

 private:
  static constexpr std::size_t kKinds = 4;

  struct CachedZone {
    const date::time_zone* zone = nullptr;    // null: UTC
    std::array<WindowBounds, kKinds> last{};  // by kind; what was asked last
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  // Null for UTC; empty with the reason in `why` if there is no such zone or no database.
  static std::optional<const date::time_zone*> locate(const std::string& name, std::string* why) {
    if (name == "UTC") return nullptr;
    if (!is_zone_name(name)) {
      *why = "this is not the name of a zone";
      return std::nullopt;
    }
    try {
      const date::time_zone* zone = date::locate_zone(name);
      zone->get_info(date::sys_seconds{});  // reads the zone's file, so that a damaged one is found here
      return zone;
    } catch (const std::exception& failure) {
      *why = failure.what();
      return std::nullopt;
    }
  }

  base::Result<void> check_zone(const std::string& name) const {
    std::string why;
    if (locate(name, &why)) return {};
    return base::error(base::ErrorCode::invalid_argument,
                       "unknown time zone \"" + name + "\": use an IANA name such as \"Europe/Berlin\" or \"UTC\" (" +
                           why + "); the names come from the Debian package tzdata");
  }

  WindowBounds compute(const WindowSpec& spec, std::size_t kind, base::Time time) const {
    const std::unique_lock lock(mutex_);
    auto at = zones_.find(std::string_view(spec.time_zone));
    if (at == zones_.end()) {
      std::string why;
      const std::optional<const date::time_zone*> zone = locate(spec.time_zone, &why);
      CHECK_MSG(zone.has_value(), "the window was not checked, or the time zone database went away");
      at = zones_.emplace(spec.time_zone, CachedZone{*zone, {}}).first;
    }
    const WindowBounds bounds = bounds_at(Zone(at->second.zone), spec.kind, time);
    CHECK(contains(bounds, time));
    at->second.last[kind] = bounds;
    return bounds;
  }

  // At most as many entries as the database has zones.
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::string, CachedZone, TextHash, std::equal_to<>> zones_;
};

}  // namespace

std::unique_ptr<Calendar> make_calendar() { return std::make_unique<TzCalendar>(); }

}  // namespace aggregator
