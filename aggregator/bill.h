#pragma once

// The arithmetic of a bill: lines, rounding once toward the payer, exact shares, carried remainders, fees. Pure.

#include <compare>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/amount.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace aggregator {

using base::Amount;
using base::Hash;
using base::PayeeId;

// The charges of one payee and resource in one window. A zero resource collects what exceeded the line limit.
struct Line {
  PayeeId payee;
  Hash resource;
  Amount amount;
  std::uint64_t charges = 0;
  std::uint64_t quantity = 0;  // saturates at 2^64-1
  bool operator==(const Line&) const = default;
};

// The lines of one open window, in order of first use. Small, because a million of them are in memory: 40 bytes and the
// lines; the index for finding a line is only made from kIndexedFrom lines on. Not safe for concurrent use.
class LineSet {
 public:
  LineSet() = default;
  // A copy has the same lines and makes its own index when it needs one.
  LineSet(const LineSet& other) : lines_(other.lines_) {}
  LineSet& operator=(const LineSet& other);
  LineSet(LineSet&&) noexcept = default;
  LineSet& operator=(LineSet&&) noexcept = default;
  ~LineSet() = default;

  // Adds one charge; returns the changed line's index. At limits::kWindowLinesMax lines, a resource without a line goes
  // to the payee's zero-resource line (which is always allowed). CHECKs against overflow of the amount.
  std::size_t add(PayeeId payee, const Hash& resource, Amount amount, std::uint64_t quantity);
  // Loading from storage, in the order of the indexes that add() gave. CHECKs that the line is not there yet.
  void restore(const Line& line);
  const std::vector<Line>& lines() const noexcept { return lines_; }
  // Gives the memory back as well.
  void clear();

  static constexpr std::size_t kIndexedFrom = 16;

 private:
  using Index = std::vector<std::uint32_t>;  // open addressing; a slot holds a line's index + 1, zero = free

  std::size_t find(PayeeId payee, const Hash& resource);
  std::size_t append(const Line& line);
  void build_index();
  void insert_into_index(std::uint32_t line);

  std::vector<Line> lines_;
  std::unique_ptr<Index> index_;
  std::uint32_t last_ = 0;  // the line used last: charges come in runs
};

// What belongs to one payee, out of a bill or a remainder.
struct PayeeShare {
  PayeeId payee;
  Amount amount;
  bool operator==(const PayeeShare&) const = default;
};

struct Bill {
  Amount total;                       // lines + carried in, at ledger scale
  Amount billed;                      // rounded down to a multiple of the rounding unit
  std::vector<PayeeShare> shares;     // of `billed`, ascending by payee; sums to it exactly
  std::vector<PayeeShare> carry_out;  // what was earned and not billed, ascending by payee; sums to total - billed
};

// `rounding_unit`: ledger units in the rail's smallest unit (1 = no rounding; not zero). With kBillNothing everything
// is carried out: the bill of a window that stays below its minimum. Shares by largest remainder over (line totals +
// carried in) of each payee, ties to the lower payee id; a share never exceeds what the payee earned. Payees whose
// share (or remainder) is zero are left out of `shares` (`carry_out`). CHECKs that `total` fits an Amount.
inline constexpr base::u128 kBillNothing = static_cast<base::u128>(1) << 127;
Bill make_bill(std::span<const Line> lines, std::span<const PayeeShare> carried_in, base::u128 rounding_unit);

// Splits `total` in proportion to `weights` by largest remainder; ties go to the lower index. The parts sum to `total`,
// a larger weight never gets less than a smaller one, and a zero weight gets nothing. All weights zero: everything to
// index 0. `weights` must not be empty and must sum to at most 2^127-1 (CHECKed).
std::vector<Amount> split_largest_remainder(Amount total, std::span<const Amount> weights);

// Basis points (1/10,000) of `amount`, rounded down. basis_points <= 10,000.
Amount fee_of(Amount amount, std::uint32_t basis_points);

}  // namespace aggregator
