#pragma once

// Values as people read them, and as people write them. The inverse of every parser here is a formatter here.
// Nothing reads the clock: what is relative to now gets `now` passed in.

#include <optional>
#include <string>
#include <string_view>

#include "aggregator/calendar.h"
#include "base/amount.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "cli/exit_code.h"
#include "commitments/tab/types.h"

namespace cli {

// "1.250000 USDC".
std::string money(base::Amount amount, unsigned scale, std::string_view symbol);
// "1250000 units": of a token whose scale is not known.
std::string units_text(base::u128 units);
// "-1.250000": for balances, which may be negative.
std::string signed_decimal(base::i128 units, unsigned scale);
// "12,345,678".
std::string thousands(std::uint64_t value);
// "0x1234...abcd"; the whole when it is short.
std::string short_hex(base::ByteView bytes);
// "1 d 2 h", "3 min 5 s", "250 ms": the two largest parts.
std::string duration_text(std::uint64_t us);
// "1.4 MiB".
std::string bytes_text(std::uint64_t bytes);

// "2026-11-21 04:58:21 CET (03:58:21 UTC)", or only the UTC part where that is the local zone. "-" for zero.
std::string time_text(base::Time time);
// "2026-11-21T03:58:21.123456Z": for machines. Empty for zero.
std::string time_iso(base::Time time);

// "90", "90s", "15m", "12h", "30d", "2w"; a number alone is seconds.
Result<std::uint64_t> parse_duration(std::string_view text);
std::string duration_spec(std::uint64_t seconds);
// Seconds since 1970: "2026-12-31", "2026-12-31T12:00:00Z", "+30d" (from now), a number of seconds, or "never" (0).
Result<std::uint64_t> parse_when(std::string_view text, base::Time now);
// "day", "week", "month", each with "@Europe/Berlin" or another zone (UTC otherwise), or a duration such as "20s".
Result<aggregator::WindowSpec> parse_window(std::string_view text);
std::string window_text(const aggregator::WindowSpec& spec);

// "1.25" at the asset's scale. `what` names the value in the message.
Result<base::Amount> parse_money(std::string_view what, std::string_view text, unsigned scale);
Result<base::Address> parse_address(std::string_view what, std::string_view text);
Result<base::Hash> parse_hash(std::string_view what, std::string_view text);
// Decimal digits only.
Result<std::uint64_t> parse_number(std::string_view what, std::string_view text);
// Decimal or 0x hexadecimal, below 2^128.
Result<base::u128> parse_nonce(std::string_view text);
std::string nonce_text(base::u128 nonce);
// A URL is hashed (keccak-256), "0x" and 64 digits is taken as the hash, empty or "any" is zero.
Result<base::Hash> parse_resource(std::string_view text);
// "any" for zero, otherwise the short hash.
std::string resource_text(const base::Hash& resource);
// "2.5%" or "250" basis points; up to 100 %.
Result<std::uint32_t> parse_basis_points(std::string_view text);
std::string basis_points_text(std::uint32_t basis_points);

Result<commitments::tab::Period> parse_period(std::string_view text);
std::string_view period_name(commitments::tab::Period period) noexcept;

}  // namespace cli
