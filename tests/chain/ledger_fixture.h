#pragma once

// The chain, the rail, and a real ledger that can be closed and opened again.

#include "tests/chain/chain_fixture.h"
#include "tests/unit/settlers/real_ledger.h"

namespace chain_test {

class LedgerOnChain : public ChainTest {
 protected:
  void SetUp() override {
    ChainTest::SetUp();
    if (!chain_) return;
    real_.emplace(clock_, directory_, "stablecoin", base::to_hex(payee_), std::vector<std::uint64_t>{}, observer());
    const crypto::SecretKey& key = real_->actors.key(support::Role::payer, 0);
    ASSERT_TRUE(chain_->set_gas_balance(key.address(), 1'000'000'000'000'000'000));
    give(key.address(), 50'000'000);
    ASSERT_TRUE(chain_->approve(token_, key, operator_, kUnlimited));
  }
  void TearDown() override {
    end();
    real_.reset();
    ChainTest::TearDown();
  }
  virtual ledger::api::Observer* observer() { return nullptr; }  // of the ledger, from its opening on
  void begin_real() {
    dispatcher_.emplace(io_, real_->service(), real_->reader(), clock_, dispatch_, this);
    auto settler = settlers::stablecoin::make_stablecoin(io_, stablecoin_, dev_key(kOperator), clock_);
    ASSERT_TRUE(settler);
    dispatcher_->add(std::move(*settler));
    bool started = false;
    dispatcher_->start([&started](base::Result<void> result) { started = result.has_value(); });
    run_until([&started] { return started; });
  }
  void run_until_final_real(SettlementId id) {
    run_until([&] {
      const S state = real_->settlement(id).state;
      if (state == S::confirmed) mine_one();
      return state == S::final;
    });
  }
  std::optional<support::RealLedger> real_;
};

}  // namespace chain_test
