#pragma once

// The clock on the wall of a place, for cut-off times that banks give in local time.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace aggregator {

// A local date as days since 1970-01-01, and seconds since its midnight as the clock on the wall shows them.
struct LocalTime {
  std::int32_t day = 0;
  std::uint32_t second = 0;  // 0 .. 86,399
  bool operator==(const LocalTime&) const = default;
};

// One time zone. Immutable; safe from any thread.
class LocalClock {
 public:
  // An IANA name, such as "Europe/Berlin", from the machine's database; "UTC" works without it. invalid_argument names
  // the zone.
  static base::Result<LocalClock> make(const std::string& time_zone);
  LocalClock(LocalClock&&) noexcept;
  LocalClock& operator=(LocalClock&&) noexcept;
  ~LocalClock();

  // `time` before the year 10000.
  LocalTime at(base::Time time) const;
  // The first instant at which this clock shows `local`. Where the clock is set forward over it, the moment of the
  // change. Before 1970: 1970.
  base::Time instant(LocalTime local) const;

 private:
  struct Zone;
  explicit LocalClock(std::unique_ptr<Zone> zone);
  std::unique_ptr<Zone> zone_;
};

}  // namespace aggregator
