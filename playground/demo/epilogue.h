#pragma once

// After the traffic: bills, money, proof, and whether books and chain agree.

#include <map>
#include <vector>

#include "playground/demo/traffic.h"

namespace playground::demo {

// Closes every open window and waits until nothing is under way any more. Whoever cannot pay gets money on the way; it
// is added to `before`, the balances from the start.
base::Result<void> close_and_settle(Stage& stage, Console& console, std::map<base::Address, base::u128>& before);

// A statement, a proof that is checked offline, a checkpoint and its audit, each by `tabctl`.
base::Result<void> show_paper(Stage& stage, Console& console);

// Transactions and balances.
base::Result<void> show_money(Stage& stage, Console& console, const std::map<base::Address, base::u128>& before);

// Every way in which what the servers were told, the books and the chain do not agree; empty when all is well.
base::Result<std::vector<std::string>> differences(Stage& stage, const TrafficStats& stats,
                                                   const std::map<base::Address, base::u128>& before);

}  // namespace playground::demo
