#pragma once

// After the traffic: bills, money, proof, and whether books and chain agree.

#include "playground/demo/traffic.h"

namespace playground::demo {

// Closes every open window and waits until nothing is under way any more. Whoever cannot pay gets money on the way; it
// is added to `before`, the balances from the start.
base::Result<void> close_and_settle(Stage& stage, Console& console, Holdings& before);

// A statement, a proof that is checked offline, a checkpoint and its audit, each by `tabctl`.
base::Result<void> show_paper(Stage& stage, Console& console);

// Transactions and balances, and what the provider and the bank say.
base::Result<void> show_money(Stage& stage, Console& console, const Holdings& before);

}  // namespace playground::demo
