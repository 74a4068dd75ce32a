#pragma once

// Whether everybody's books agree: the servers' own sums, tabd's, the chain's, the card provider's and the bank's.

#include <vector>

#include "playground/demo/traffic.h"

namespace playground::demo {

base::Result<std::vector<core::Settlement>> all_settlements(Stage& stage);
base::Result<std::vector<core::Statement>> all_statements(Stage& stage);

// What somebody has more or less, as those say who keep the account.
struct Movement {
  std::string who;
  base::Address party;
  std::string rail;
  std::string account;    // the address, the provider's name or the IBAN
  base::i128 change = 0;  // ledger units
};
// Of payers, payees and the operator's treasury; the chain's part from what changed between `before` and `after`
// (empty: without it). Only what is not zero.
base::Result<std::vector<Movement>> movements_outside(Stage& stage, const Holdings& before, const Holdings& after);

// Every way in which they do not agree; empty when all is well.
base::Result<std::vector<std::string>> differences(Stage& stage, const TrafficStats& stats, const Holdings& before);

}  // namespace playground::demo
