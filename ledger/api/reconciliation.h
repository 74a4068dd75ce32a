#pragma once

// What a reconciliation found: our books beside a rail's own record of what it moved (a provider's lists, a bank's
// statements, a chain's events), our clearing accounts, and money that belongs to nothing. Made by
// settlers/reconciler.h; shown over RPC and as metrics.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/core/types.h"

namespace ledger::api {

// Numbers are permanent.
enum class DifferenceKind : std::uint8_t {
  not_in_books = 1,  // the rail moved money, and no settlement here says so
  not_at_rail = 2,   // a settlement says that money moved, and the rail has no record of it
  amount = 3,        // both, and not the same amount
  stuck = 4,         // under way for longer than is allowed
  clearing = 5,      // a clearing account is not what is under way: it would not return to zero
  suspense = 6,      // money that a rail told of and that belongs to no settlement
};
inline constexpr std::uint8_t kDifferenceKinds = 6;
// Differences that are listed, about 300 bytes each; all are counted.
inline constexpr std::size_t kDifferencesShownMax = 1'000;

struct Difference {
  DifferenceKind kind = DifferenceKind::not_in_books;
  std::string rail;               // empty: clearing
  core::SettlementId settlement;  // none: not known
  core::NoticeId notice;          // suspense
  std::string reference;          // the rail's own
  core::AssetId asset;            // none: an asset that is not configured
  std::optional<core::Amount> ours, theirs;
  bool incoming = false;  // seen from the operator's account
  core::Time since;       // when it happened; zero: not known
  std::string detail;     // for people
};

struct RailReconciliation {
  std::string rail;
  std::uint64_t movements = 0;    // that the rail has on record in the time
  std::uint64_t settlements = 0;  // that say in the time that money moved
  std::uint64_t matched = 0;      // settlements for which both say the same
  std::uint64_t uncompared = 0;   // settlements of which the rail keeps no record, or none that an amount is in
  std::string problem;            // not empty: the rail could not be read, and nothing is concluded
};

struct DifferenceCount {
  std::string rail;
  DifferenceKind kind = DifferenceKind::not_in_books;
  std::uint64_t count = 0;
};

struct Reconciliation {
  std::uint64_t number = 0;  // of the run, from 1 since the start of the daemon; zero: there was none
  core::Time started, finished;
  core::Time from, to;  // movements in [from, to) are compared
  std::vector<RailReconciliation> rails;
  std::vector<Difference> differences;  // the oldest, at most kDifferencesShownMax
  std::uint64_t differences_total = 0;
  std::vector<DifferenceCount> counts;  // of all, ascending by rail and kind
  core::Time oldest;                    // Difference::since; zero: there is none
};

struct ReconcileRequest {
  std::string rail;                 // empty: all
  core::Time from;                  // zero: as far back as is configured
  std::uint64_t stuck_after_s = 0;  // zero: as configured
};

}  // namespace ledger::api
