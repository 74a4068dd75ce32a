#pragma once

// What must hold after every decision, refused ones too. Each is a small class with one CHECK, called where the
// decision is made; a broken one stops the process before anything false is said. Sums over the whole state are in
// StateMachine::check_books().

#include "base/check.h"
#include "ledger/core/types.h"

namespace ledger::core::invariants {

// Debits equal credits, for each asset and phase.
struct BooksBalance {
  static void check(base::i128 pending, base::i128 posted) {
    CHECK_MSG(pending == 0 && posted == 0, "a transaction's postings do not sum to zero");
  }
};

// No balance is beyond what was ever charged and taxed, so no sum of balances can overflow.
struct BalanceBounds {
  static void check(const Balance& balance) {
    constexpr base::i128 kMax = static_cast<base::i128>(2 * kVolumeMax);
    CHECK_MSG(balance.posted <= kMax && balance.posted >= -kMax && balance.pending <= kMax && balance.pending >= -kMax,
              "a balance is larger than the volume of its asset");
  }
};

// An accepted charge or hold leaves the exposure at what admission computed, and within what was allowed.
struct ExposureWithin {
  static void check(base::u128 exposure, base::u128 expected, base::u128 limit) {
    CHECK_MSG(exposure == expected, "the exposure after a charge is not the exposure before plus its amount");
    CHECK_MSG(exposure <= limit, "the exposure after a charge is above the limit");
  }
};

// What a channel was charged can be claimed: the voucher that is kept allows it, and the channel has the money.
struct VoucherCovers {
  static void check(base::u128 charged, base::u128 maximum, base::u128 balance) {
    CHECK_MSG(charged <= maximum, "a channel was charged more than the payer signed");
    CHECK_MSG(charged <= balance, "a channel was charged more than it has");
  }
};

// A refusal appends nothing and changes no object.
class RefusalChangesNothing {
 public:
  RefusalChangesNothing(std::size_t entries, std::uint64_t changes) : entries_(entries), changes_(changes) {}
  void check(std::size_t entries, std::uint64_t changes) const {
    CHECK_MSG(entries == entries_, "a refused command appended an entry");
    CHECK_MSG(changes == changes_, "a refused command changed the state");
  }

 private:
  std::size_t entries_;
  std::uint64_t changes_;
};

// Entries are numbered without gaps.
struct SequenceStep {
  static void check(Sequence last, Sequence next) {
    CHECK_MSG(next.value == last.value + 1, "an entry does not follow the last one");
  }
};

// A statement's shares sum to what it bills; what it bills and what it carries sum to its total.
struct StatementAddsUp {
  static void check(const aggregator::Bill& bill) {
    CHECK_MSG(sum(bill.shares) == bill.billed.units(), "a statement's shares do not sum to its amount");
    CHECK_MSG(sum(bill.carry_out) + bill.billed.units() == bill.total.units(), "a statement's parts do not sum up");
  }
  static base::u128 sum(const std::vector<aggregator::PayeeShare>& shares) {
    base::u128 total = 0;
    for (const aggregator::PayeeShare& share : shares) total += share.amount.units();
    return total;
  }
};

// A window's lines and what was carried into it are the payer's unbilled amount.
struct WindowAddsUp {
  static void check(base::u128 lines, base::u128 carried, const Balance& unbilled) {
    CHECK_MSG(static_cast<base::i128>(lines) == unbilled.pending, "a window's lines do not sum to its pending balance");
    CHECK_MSG(static_cast<base::i128>(carried) == unbilled.posted, "what was carried in is not the posted balance");
  }
};

}  // namespace ledger::core::invariants
