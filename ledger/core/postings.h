#pragma once

// Double entry. A transaction is a few postings of one asset; it is applied as a whole, and only if debits and credits
// are equal in each phase. Accounts are the Balance fields of types.h: debit positive, credit negative.

#include <vector>

#include "ledger/core/types.h"

namespace ledger::core {

enum class Phase : std::uint8_t { pending, posted };

class Transaction {
 public:
  // `account` must live until commit(). The amount is below 2^127.
  void debit(Balance& account, Phase phase, Amount amount) { add(account, phase, amount.signed_units()); }
  void credit(Balance& account, Phase phase, Amount amount) { add(account, phase, -amount.signed_units()); }
  // From reserved to final, on the side where the amount is: debit positive, credit negative.
  void post_debit(Balance& account, Amount amount);
  void post_credit(Balance& account, Amount amount);

  // CHECKs the sums and the bounds, then applies. The transaction is empty afterwards.
  void commit();

 private:
  struct Posting {
    Balance* account;
    Phase phase;
    base::i128 amount;
  };
  void add(Balance& account, Phase phase, base::i128 amount);
  std::vector<Posting> postings_;
};

}  // namespace ledger::core
