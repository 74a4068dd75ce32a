#include "aggregator/local_time.h"

#include <chrono>
#include <exception>

#include <date/date.h>
#include <date/tz.h>

#include "base/check.h"

namespace aggregator {
namespace {

constexpr date::sys_seconds kTimeEnd = date::sys_days{date::year{10000} / 1 / 1};

}  // namespace

struct LocalClock::Zone {
  const date::time_zone* zone = nullptr;  // null: UTC
};

LocalClock::LocalClock(std::unique_ptr<Zone> zone) : zone_(std::move(zone)) {}
LocalClock::LocalClock(LocalClock&&) noexcept = default;
LocalClock& LocalClock::operator=(LocalClock&&) noexcept = default;
LocalClock::~LocalClock() = default;

base::Result<LocalClock> LocalClock::make(const std::string& time_zone) {
  auto zone = std::make_unique<Zone>();
  if (time_zone == "UTC") return LocalClock(std::move(zone));
  try {
    zone->zone = date::locate_zone(time_zone);
    zone->zone->get_info(date::sys_seconds{});  // reads the zone's file, so that a damaged one is found here
    return LocalClock(std::move(zone));
  } catch (const std::exception& failure) {
    return base::error(base::ErrorCode::invalid_argument,
                       "unknown time zone \"" + time_zone + "\": use an IANA name such as \"Europe/Berlin\" (" +
                           failure.what() + "); the names come from the Debian package tzdata");
  }
}

LocalTime LocalClock::at(base::Time time) const {
  const date::sys_seconds utc{std::chrono::seconds{static_cast<std::int64_t>(time.seconds())}};
  CHECK_MSG(utc < kTimeEnd, "a time beyond the year 9999");
  const std::chrono::seconds since =
      zone_->zone == nullptr ? utc.time_since_epoch() : zone_->zone->to_local(utc).time_since_epoch();
  const date::local_seconds local{since};
  const date::local_days day = date::floor<date::days>(local);
  return {static_cast<std::int32_t>(day.time_since_epoch().count()),
          static_cast<std::uint32_t>((local - date::local_seconds{day}).count())};
}

base::Time LocalClock::instant(LocalTime local) const {
  const date::local_seconds wall = date::local_seconds{date::local_days{date::days{local.day}}} +
                                   std::chrono::seconds{static_cast<std::int64_t>(local.second)};
  date::sys_seconds utc{wall.time_since_epoch()};
  if (zone_->zone != nullptr) {
    const date::local_info info = zone_->zone->get_info(wall);
    utc = info.result == date::local_info::nonexistent ? info.first.end
                                                       : date::sys_seconds{wall.time_since_epoch() - info.first.offset};
  }
  const std::int64_t seconds = utc.time_since_epoch().count();
  return base::Time::from_seconds(seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds));
}

}  // namespace aggregator
