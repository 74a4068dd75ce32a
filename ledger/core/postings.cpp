#include "ledger/core/postings.h"

#include "base/check.h"
#include "ledger/core/invariants.h"

namespace ledger::core {

void Transaction::post_debit(Balance& account, Amount amount) {
  credit(account, Phase::pending, amount);
  debit(account, Phase::posted, amount);
}

void Transaction::post_credit(Balance& account, Amount amount) {
  debit(account, Phase::pending, amount);
  credit(account, Phase::posted, amount);
}

void Transaction::add(Balance& account, Phase phase, base::i128 amount) {
  if (amount == 0) return;
  postings_.push_back({&account, phase, amount});
}

void Transaction::commit() {
  base::i128 pending = 0;
  base::i128 posted = 0;
  for (const Posting& posting : postings_) (posting.phase == Phase::pending ? pending : posted) += posting.amount;
  invariants::BooksBalance::check(pending, posted);
  for (const Posting& posting : postings_) {
    base::i128& balance = posting.phase == Phase::pending ? posting.account->pending : posting.account->posted;
    balance += posting.amount;
  }
  for (const Posting& posting : postings_) invariants::BalanceBounds::check(*posting.account);
  postings_.clear();
}

}  // namespace ledger::core
