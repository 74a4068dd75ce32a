#include "aggregator/bill.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/limits.h"

namespace aggregator {
namespace {

constexpr std::size_t kNotFound = ~std::size_t{0};

// Where the search for a line starts. No seed is needed: with the line limit, even prepared collisions cost a scan of a
// few hundred numbers.
std::size_t slot_of(PayeeId payee, const Hash& resource, std::size_t slots) {
  std::uint64_t word = 0;
  std::memcpy(&word, resource.data(), sizeof word);
  word = (word ^ payee.value) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(word >> 32) & (slots - 1);
}

std::uint64_t add_saturating(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

// The amounts of each payee added up, ascending by payee.
std::vector<PayeeShare> earned_by_payee(std::span<const Line> lines, std::span<const PayeeShare> carried_in) {
  std::vector<PayeeShare> earned;
  earned.reserve(lines.size() + carried_in.size());
  for (const Line& line : lines) earned.push_back({line.payee, line.amount});
  earned.insert(earned.end(), carried_in.begin(), carried_in.end());
  std::sort(earned.begin(), earned.end(), [](const PayeeShare& a, const PayeeShare& b) { return a.payee < b.payee; });
  std::size_t used = 0;
  for (const PayeeShare& share : earned) {
    if (used > 0 && earned[used - 1].payee == share.payee) {
      earned[used - 1].amount = base::add_checked(earned[used - 1].amount, share.amount);
    } else {
      earned[used++] = share;
    }
  }
  earned.resize(used);
  return earned;
}

Amount floor_share(Amount total, Amount weight, Amount sum) {
  const std::optional<Amount> share = total.multiply_divide(weight.units(), sum.units(), base::Rounding::down);
  CHECK_MSG(share.has_value(), "a share of a total fits, as its weight is at most the sum of weights");
  return *share;
}

}  // namespace

LineSet& LineSet::operator=(const LineSet& other) {
  if (this == &other) return *this;
  *this = LineSet(other);
  return *this;
}

std::size_t LineSet::add(PayeeId payee, const Hash& resource, Amount amount, std::uint64_t quantity) {
  std::size_t at = find(payee, resource);
  if (at == kNotFound && lines_.size() >= base::limits::kWindowLinesMax && !resource.is_zero()) {
    const Hash overflow_resource;
    at = find(payee, overflow_resource);
    if (at == kNotFound) at = append(Line{payee, overflow_resource, Amount{}, 0, 0});
  } else if (at == kNotFound) {
    at = append(Line{payee, resource, Amount{}, 0, 0});
  }
  Line& line = lines_[at];
  line.amount = base::add_checked(line.amount, amount);
  line.charges = add_saturating(line.charges, 1);
  line.quantity = add_saturating(line.quantity, quantity);
  last_ = static_cast<std::uint32_t>(at);
  return at;
}

void LineSet::restore(const Line& line) {
  CHECK_MSG(find(line.payee, line.resource) == kNotFound, "a window has one line for each payee and resource");
  append(line);
}

void LineSet::clear() { *this = LineSet(); }

std::size_t LineSet::find(PayeeId payee, const Hash& resource) {
  const auto is_it = [&](const Line& line) { return line.payee == payee && line.resource == resource; };
  if (last_ < lines_.size() && is_it(lines_[last_])) return last_;
  if (lines_.size() < kIndexedFrom) {
    const auto at = std::find_if(lines_.begin(), lines_.end(), is_it);
    return at == lines_.end() ? kNotFound : static_cast<std::size_t>(at - lines_.begin());
  }
  if (!index_) build_index();
  const Index& index = *index_;
  for (std::size_t slot = slot_of(payee, resource, index.size()); index[slot] != 0;
       slot = (slot + 1) & (index.size() - 1)) {
    const std::size_t at = index[slot] - 1;
    if (is_it(lines_[at])) return at;
  }
  return kNotFound;
}

std::size_t LineSet::append(const Line& line) {
  const std::size_t at = lines_.size();
  CHECK(at < std::numeric_limits<std::uint32_t>::max());
  lines_.push_back(line);
  if (!index_) return at;
  if (index_->size() < 2 * lines_.size()) {
    build_index();
  } else {
    insert_into_index(static_cast<std::uint32_t>(at));
  }
  return at;
}

// At most half full right after it was built for twice the present lines, so that searches stay short.
void LineSet::build_index() {
  std::size_t slots = 64;
  while (slots < 4 * lines_.size()) slots *= 2;
  index_ = std::make_unique<Index>(slots, 0);
  for (std::size_t at = 0; at < lines_.size(); ++at) insert_into_index(static_cast<std::uint32_t>(at));
}

void LineSet::insert_into_index(std::uint32_t line) {
  Index& index = *index_;
  std::size_t slot = slot_of(lines_[line].payee, lines_[line].resource, index.size());
  while (index[slot] != 0) slot = (slot + 1) & (index.size() - 1);
  index[slot] = line + 1;
}

std::vector<Amount> split_largest_remainder(Amount total, std::span<const Amount> weights) {
  CHECK_MSG(!weights.empty(), "nothing to split over");
  Amount sum;
  for (const Amount weight : weights) sum = base::add_checked(sum, weight);
  std::vector<Amount> parts(weights.size());
  if (sum.is_zero()) {
    parts[0] = total;
    return parts;
  }
  if (sum == total) return {weights.begin(), weights.end()};

  // Every part gets its whole units; the units that are left go one each to the largest remainders.
  std::vector<std::pair<base::u128, std::size_t>> remainders(weights.size());
  Amount given;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    parts[i] = floor_share(total, weights[i], sum);
    given = base::add_checked(given, parts[i]);
    // total * weight - part * sum is below 2^127, so that the difference of the low 128 bits is all of it.
    remainders[i] = {total.units() * weights[i].units() - parts[i].units() * sum.units(), i};
  }
  const base::u128 left = base::subtract_checked(total, given).units();
  CHECK_MSG(left < weights.size(), "fewer units are left than there are parts");
  const auto larger_first = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  const auto middle = remainders.begin() + static_cast<std::ptrdiff_t>(left);
  std::partial_sort(remainders.begin(), middle, remainders.end(), larger_first);
  for (auto at = remainders.begin(); at != middle; ++at) {
    parts[at->second] = base::add_checked(parts[at->second], Amount(1));
  }
  return parts;
}

Bill make_bill(std::span<const Line> lines, std::span<const PayeeShare> carried_in, base::u128 rounding_unit) {
  CHECK_MSG(rounding_unit != 0, "a rounding unit is at least 1");
  const std::vector<PayeeShare> earned = earned_by_payee(lines, carried_in);
  Bill bill;
  for (const PayeeShare& share : earned) bill.total = base::add_checked(bill.total, share.amount);
  bill.billed =
      base::subtract_checked(bill.total, Amount::from_units(bill.total.units() % rounding_unit).value_or(bill.total));
  if (bill.total.is_zero()) return bill;

  std::vector<Amount> weights;
  weights.reserve(earned.size());
  for (const PayeeShare& share : earned) weights.push_back(share.amount);
  const std::vector<Amount> parts = split_largest_remainder(bill.billed, weights);
  for (std::size_t i = 0; i < earned.size(); ++i) {
    const Amount rest = base::subtract_checked(earned[i].amount, parts[i]);
    if (!parts[i].is_zero()) bill.shares.push_back({earned[i].payee, parts[i]});
    if (!rest.is_zero()) bill.carry_out.push_back({earned[i].payee, rest});
  }
  return bill;
}

Amount fee_of(Amount amount, std::uint32_t basis_points) {
  constexpr std::uint32_t kWhole = 10'000;
  CHECK(basis_points <= kWhole);
  const std::optional<Amount> fee = amount.multiply_divide(basis_points, kWhole, base::Rounding::down);
  CHECK(fee.has_value());
  return *fee;
}

static_assert(sizeof(LineSet) <= 40, "one of these for each payer and asset");

}  // namespace aggregator
