#include "cli/text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>

#include "base/uint256.h"
#include "crypto/keccak.h"

namespace cli {
namespace {

constexpr std::uint64_t kMinute = 60;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kWeek = 7 * kDay;

std::string date_text(const std::tm& parts) {
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string clock_text(const std::tm& parts) {
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

template <typename T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::string money(base::Amount amount, unsigned scale, std::string_view symbol) {
  return fmt::format("{} {}", amount.to_decimal_string(scale), symbol);
}

std::string units_text(base::u128 units) { return base::to_decimal_string(units) + " units"; }

std::string signed_decimal(base::i128 units, unsigned scale) {
  const bool negative = units < 0;
  const base::u128 size = negative ? ~static_cast<base::u128>(units) + 1 : static_cast<base::u128>(units);
  const std::optional<base::Amount> amount = base::Amount::from_units(size);
  const std::string digits = amount ? amount->to_decimal_string(scale) : base::to_string(units);
  return negative ? "-" + digits : digits;
}

std::string thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

std::string short_hex(base::ByteView bytes) {
  std::string text = base::to_hex(bytes);
  if (text.size() <= 14) return text;
  return text.substr(0, 8) + "..." + text.substr(text.size() - 4);
}

std::string duration_text(std::uint64_t us) {
  if (us < 1000) return fmt::format("{} us", us);
  if (us < 1'000'000) return fmt::format("{} ms", us / 1000);
  const std::uint64_t s = us / 1'000'000;
  if (s < kMinute) return fmt::format("{} s", s);
  const auto two = [](std::uint64_t a, const char* a_name, std::uint64_t b, const char* b_name) {
    return b == 0 ? fmt::format("{} {}", a, a_name) : fmt::format("{} {} {} {}", a, a_name, b, b_name);
  };
  if (s < kHour) return two(s / kMinute, "min", s % kMinute, "s");
  if (s < kDay) return two(s / kHour, "h", s % kHour / kMinute, "min");
  return two(s / kDay, "d", s % kDay / kHour, "h");
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::uint64_t tenths = bytes * 10;
  std::size_t unit = 0;
  while (tenths >= 10240 && unit + 1 < kUnits.size()) {
    tenths /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[unit]);
}

std::string time_text(base::Time time) {
  if (time.us == 0) return "-";
  const auto seconds = static_cast<std::time_t>(time.seconds());
  std::tm utc{};
  std::tm local{};
  ::gmtime_r(&seconds, &utc);
  ::localtime_r(&seconds, &local);
  if (local.tm_gmtoff == 0) return fmt::format("{} {} UTC", date_text(utc), clock_text(utc));
  const std::string utc_date = local.tm_mday == utc.tm_mday ? "" : date_text(utc) + " ";
  return fmt::format("{} {} {} ({}{} UTC)", date_text(local), clock_text(local), local.tm_zone, utc_date,
                     clock_text(utc));
}

std::string time_iso(base::Time time) {
  if (time.us == 0) return "";
  const auto seconds = static_cast<std::time_t>(time.seconds());
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{}T{}.{:06}Z", date_text(utc), clock_text(utc), time.us % 1'000'000);
}

Result<std::uint64_t> parse_duration(std::string_view text) {
  const std::string_view all = text;
  std::uint64_t unit = 1;
  if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
    switch (text.back()) {
      case 's': unit = 1; break;
      case 'm': unit = kMinute; break;
      case 'h': unit = kHour; break;
      case 'd': unit = kDay; break;
      case 'w': unit = kWeek; break;
      default: unit = 0;
    }
    text.remove_suffix(1);
  }
  const auto number = whole_number<std::uint64_t>(text);
  if (unit == 0 || !number || *number > UINT64_MAX / unit / 1'000'000)
    return usage_failure(fmt::format("\"{}\" is not a duration.", all), "Write it like 90s, 15m, 12h, 30d or 2w.");
  return *number * unit;
}

std::string duration_spec(std::uint64_t seconds) {
  if (seconds == 0) return "0s";
  if (seconds % kWeek == 0) return fmt::format("{}w", seconds / kWeek);
  if (seconds % kDay == 0) return fmt::format("{}d", seconds / kDay);
  if (seconds % kHour == 0) return fmt::format("{}h", seconds / kHour);
  if (seconds % kMinute == 0) return fmt::format("{}m", seconds / kMinute);
  return fmt::format("{}s", seconds);
}

Result<std::uint64_t> parse_when(std::string_view text, base::Time now) {
  if (text == "never") return 0;
  if (!text.empty() && text.front() == '+') {
    CLI_TRY(const std::uint64_t seconds, parse_duration(text.substr(1)));
    return now.seconds() + seconds;
  }
  if (const auto seconds = whole_number<std::uint64_t>(text)) return *seconds;
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') {
    parts = std::tm{};
    end = ::strptime(copy.c_str(), "%Y-%m-%d", &parts);
  }
  const std::time_t seconds = end != nullptr && *end == '\0' ? ::timegm(&parts) : -1;
  if (seconds < 0)
    return usage_failure(fmt::format("\"{}\" is not a time.", text),
                         "Write it like 2026-12-31, 2026-12-31T12:00:00Z, +30d, or never.");
  return static_cast<std::uint64_t>(seconds);
}

Result<aggregator::WindowSpec> parse_window(std::string_view text) {
  aggregator::WindowSpec spec;
  const std::size_t at = text.find('@');
  const std::string_view kind = text.substr(0, at);
  if (at != std::string_view::npos) spec.time_zone = std::string(text.substr(at + 1));
  if (kind == "day" || kind == "week" || kind == "month") {
    spec.kind = kind == "day"    ? aggregator::WindowKind::day
                : kind == "week" ? aggregator::WindowKind::week
                                 : aggregator::WindowKind::month;
    if (spec.time_zone.empty()) return usage_failure(fmt::format("\"{}\" names no time zone after the @.", text));
    return spec;
  }
  const Result<std::uint64_t> seconds = parse_duration(kind);
  if (!seconds || *seconds == 0 || at != std::string_view::npos)
    return usage_failure(
        fmt::format("\"{}\" is not a billing window.", text),
        "Write day, week or month, with a zone if you like (month@Europe/Berlin), or a duration (1h).");
  spec.kind = aggregator::WindowKind::duration;
  spec.duration_s = *seconds;
  return spec;
}

std::string window_text(const aggregator::WindowSpec& spec) {
  const auto local = [&](const char* name) { return fmt::format("{}@{}", name, spec.time_zone); };
  switch (spec.kind) {
    case aggregator::WindowKind::duration: return duration_spec(spec.duration_s);
    case aggregator::WindowKind::day: return local("day");
    case aggregator::WindowKind::week: return local("week");
    case aggregator::WindowKind::month: return local("month");
  }
  return "";
}

Result<base::Amount> parse_money(std::string_view what, std::string_view text, unsigned scale) {
  const std::optional<base::Amount> amount = base::Amount::parse_decimal(text, scale);
  if (!amount)
    return usage_failure(fmt::format("{}: \"{}\" is not an amount with at most {} decimals.", what, text, scale),
                         "Write it like 12.5, without a sign, a symbol or thousands separators.");
  return *amount;
}

Result<base::Address> parse_address(std::string_view what, std::string_view text) {
  const std::optional<base::Address> address = base::address_from_hex(text);
  if (!address)
    return usage_failure(fmt::format("{}: \"{}\" is not an address; it has {} characters.", what, text, text.size()),
                         "An address is 0x and 40 hexadecimal digits.");
  return *address;
}

Result<base::Hash> parse_hash(std::string_view what, std::string_view text) {
  const std::optional<base::Hash> hash = base::hash_from_hex(text);
  if (!hash) return usage_failure(fmt::format("{}: \"{}\" is not 0x and 64 hexadecimal digits.", what, text));
  return *hash;
}

Result<std::uint64_t> parse_number(std::string_view what, std::string_view text) {
  const auto number = whole_number<std::uint64_t>(text);
  if (!number) return usage_failure(fmt::format("{}: \"{}\" is not a whole number.", what, text));
  return *number;
}

Result<base::u128> parse_nonce(std::string_view text) {
  if (text.substr(0, 2) == "0x" && text.size() > 2 && text.size() <= 34) {
    base::u128 value = 0;
    for (const char c : text.substr(2)) {
      const std::optional<std::uint8_t> digit = whole_number<std::uint8_t>(std::string_view(&c, 1));
      unsigned nibble = 0;
      if (digit)
        nibble = *digit;
      else if (c >= 'a' && c <= 'f')
        nibble = static_cast<unsigned>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'F')
        nibble = static_cast<unsigned>(c - 'A') + 10;
      else
        return usage_failure(fmt::format("nonce: \"{}\" has a character that is not hexadecimal.", text));
      value = value << 4 | nibble;
    }
    return value;
  }
  base::u128 value = 0;
  bool good = !text.empty();
  for (const char c : text) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (c < '0' || c > '9' || value > (~static_cast<base::u128>(0) - digit) / 10) {
      good = false;
      break;
    }
    value = value * 10 + digit;
  }
  if (!good)
    return usage_failure(fmt::format("nonce: \"{}\" is not a number below 2^128.", text),
                         "Write it in decimal, or as 0x and up to 32 hexadecimal digits.");
  return value;
}

std::string nonce_text(base::u128 nonce) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(nonce % 10)));
    nonce /= 10;
  } while (nonce != 0);
  return digits;
}

Result<base::Hash> parse_resource(std::string_view text) {
  if (text.empty() || text == "any") return base::Hash{};
  if (text.substr(0, 2) == "0x") return parse_hash("resource", text);
  return crypto::keccak256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string resource_text(const base::Hash& resource) {
  return resource.is_zero() ? "any" : short_hex(resource.view());
}

Result<std::uint32_t> parse_basis_points(std::string_view text) {
  std::optional<std::uint32_t> points;
  if (!text.empty() && text.back() == '%') {
    const auto percent = base::Amount::parse_decimal(text.substr(0, text.size() - 1), 2);
    if (percent && percent->units() <= 10'000) points = static_cast<std::uint32_t>(percent->units());
  } else {
    points = whole_number<std::uint32_t>(text);
  }
  if (!points || *points > 10'000)
    return usage_failure(fmt::format("\"{}\" is not a fee.", text),
                         "Write percent with at most two decimals (2.5%) or basis points (250), up to 100%.");
  return *points;
}

std::string basis_points_text(std::uint32_t basis_points) {
  return fmt::format("{}.{:02}%", basis_points / 100, basis_points % 100);
}

namespace {
constexpr std::array<std::string_view, 5> kPeriods = {"total", "hour", "day", "week", "month"};
}  // namespace

Result<commitments::tab::Period> parse_period(std::string_view text) {
  for (std::size_t i = 0; i < kPeriods.size(); ++i)
    if (kPeriods[i] == text) return static_cast<commitments::tab::Period>(i);
  return usage_failure(fmt::format("\"{}\" is not a period.", text), "Periods are total, hour, day, week and month.");
}

std::string_view period_name(commitments::tab::Period period) noexcept {
  const auto index = static_cast<std::size_t>(period);
  return index < kPeriods.size() ? kPeriods[index] : std::string_view("unknown");
}

}  // namespace cli
