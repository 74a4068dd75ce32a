// The whole way on real parts: a signed charge, the real ledger, the real chain, and a restart in between.

#include "tests/chain/ledger_fixture.h"

namespace chain_test {
namespace {

TEST_F(LedgerOnChain, BooksAndChainAgree) {
  begin_real();
  const SettlementId collection = real_->bill(10'000'000);
  dispatcher_->wake();
  run_until_final_real(collection);
  EXPECT_EQ(balance(operator_), 10'000'000u);
  const SettlementId payout = real_->plan_payouts();
  ASSERT_NE(payout, collection);
  dispatcher_->wake();
  run_until_final_real(payout);
  EXPECT_EQ(balance(payee_), 9'000'000u);
  EXPECT_EQ(balance(operator_), 1'000'000u);
  const auto books = real_->reader().operator_balance(support::kUsdc);
  ASSERT_TRUE(books);
  EXPECT_EQ(books->cash.posted, static_cast<base::i128>(balance(operator_)));
}

TEST_F(LedgerOnChain, ARestartOfEverythingInBetweenPaysOnce) {
  ASSERT_TRUE(chain_->set_automine(false));
  begin_real();
  const SettlementId id = real_->bill(10'000'000);
  dispatcher_->wake();
  run_until([&] { return real_->settlement(id).state == S::accepted; });
  end();
  real_->close();
  ASSERT_TRUE(chain_->rpc("anvil_dropAllTransactions", "[]"));  // the node forgot it too
  ASSERT_TRUE(chain_->set_automine(true));
  real_->open();
  begin_real();
  run_until_final_real(id);
  EXPECT_EQ(balance(operator_), 10'000'000u);
  EXPECT_EQ(nonce(), 1u);
  EXPECT_EQ(real_->settlement(id).attempt, 1u);
}

TEST_F(LedgerOnChain, AReorganisationReversesTheBooksAndThenBooksAgain) {
  stablecoin_.finality = {BlockRule::Kind::depth, 20};
  ASSERT_TRUE(chain_->mine(3));
  begin_real();
  const SettlementId id = real_->bill(10'000'000);
  dispatcher_->wake();
  run_until([&] { return real_->settlement(id).state == S::confirmed; });
  const auto receivable = [&] {
    return real_->reader().tally(real_->settlement(id).payer, support::kUsdc)->account_receivable;
  };
  EXPECT_EQ(receivable().posted, 0);
  ASSERT_TRUE(chain_->set_automine(false));
  ASSERT_TRUE(chain_->reorganise(1));
  run_until([&] { return real_->settlement(id).state == S::accepted; });
  EXPECT_EQ(receivable().posted, 10'000'000) << "owed again";
  ASSERT_TRUE(chain_->set_automine(true));
  run_until([&] {
    const S state = real_->settlement(id).state;
    if (state != S::final) mine_one();
    return state == S::final;
  });
  EXPECT_EQ(receivable().posted, 0);
  EXPECT_EQ(balance(operator_), 10'000'000u);
}

}  // namespace
}  // namespace chain_test
