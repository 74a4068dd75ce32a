#pragma once

// The stablecoin settler's inside, on the io_context thread. settler.cpp: life, sending, what is shown; start.cpp:
// checks against the chain; prepare.cpp: instruction to signed bytes; probe.cpp, absence.cpp: what became of a payment;
// relay.cpp, seek.cpp: the same for relays; watch.cpp: the signer's nonces, gaps and stuck transactions.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <set>

#include "evm/order.h"
#include "evm/refusal.h"
#include "settlers/stablecoin/evidence.h"
#include "settlers/stablecoin/json_rpc.h"
#include "settlers/stablecoin/nonce_store.h"
#include "settlers/stablecoin/stablecoin.h"

namespace settlers::stablecoin {

class StablecoinSettler final : public Settler {
 public:
  StablecoinSettler(boost::asio::io_context& io, StablecoinOptions options, RpcUrl url, crypto::SecretKey signer,
                    const base::Clock& clock);
  ~StablecoinSettler() override;

  std::string_view rail() const override { return options_.rail; }
  Capabilities capabilities() const override;
  void start(Done<base::Result<void>> done) override;
  void adopt(const Settlement& settlement) override;
  void set_sending(bool allowed) override { sending_allowed_ = allowed; }
  void stop() override;
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override;
  void abandon(const Prepared& prepared) override;
  void send(const Instruction& instruction, Done<Outcome> done) override;
  void probe(const Instruction& instruction, Done<Outcome> done) override;
  void movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) override;
  std::string describe() const override;
  std::vector<Gauge> gauges() const override;

 private:
  enum class Checked : std::uint8_t { not_yet, passed, refused };
  struct Preparing;  // prepare.cpp
  struct Probing;    // probing.h
  struct Relaying;   // relay.cpp
  struct Seeking;    // seek.cpp
  struct Listing;    // movements.cpp
  struct Call {
    base::Address to;
    base::Bytes data;
    std::uint64_t gas_limit = 0;
  };
  // What a transaction costs now, and what the signer has.
  struct GasMarket {
    base::u128 base_fee_wei = 0;
    base::u128 tip_wei = 0;
    base::u128 gas_money_wei = 0;
  };
  // What was found of a relay that somebody else may have done.
  struct Sought {
    enum class Kind : std::uint8_t {
      unanswered,  // the node did not tell
      nothing,     // no such event
      otherwise,   // the event, in a transaction that did not do all of it
      done,
    };
    Kind kind = Kind::unanswered;
    base::Hash transaction;  // otherwise, done
    std::string detail;      // unanswered
  };

  // What was last seen of the chain; copied into shown_ for other threads.
  struct View {
    Block head;
    base::u128 gas_balance_wei = 0;
    std::uint64_t mined_nonces = 0;  // eth_getTransactionCount at latest
    std::uint64_t next_nonce = 0;
    std::uint64_t bumps = 0;
    std::uint64_t fillers = 0;
    std::uint64_t reorganisations = 0;
    std::string problem;  // empty: none
    bool seen = false;
  };
  // When a nonce's transaction was first and last handed to the node; rebuilt after a restart.
  struct Age {
    std::uint64_t first_ns = 0;
    std::uint64_t last_ns = 0;
  };

  // start.cpp
  void check_chain(Done<base::Result<void>> done);
  std::vector<RpcCall> chain_calls() const;
  base::Result<void> judge_chain(const std::vector<RpcResult>& results);
  base::Result<void> judge_token(const Token& token, const RpcResult* results) const;

  // prepare.cpp
  base::Result<Movement> intended(const Instruction& instruction, const Token& token) const;
  std::optional<Prepared> prepared_before(const base::Hash& key,
                                          const std::function<bool(const Transaction&)>& is_meant);
  void ask_balances(const std::shared_ptr<Preparing>& work);
  void choose(const std::shared_ptr<Preparing>& work, const std::vector<RpcResult>& results);
  void simulate(const std::shared_ptr<Preparing>& work);
  void judge_simulation(const std::shared_ptr<Preparing>& work, const std::vector<RpcResult>& results);
  GasMarket market_of(const Block& head, base::u128 gas_money_wei, const RpcResult& tip) const;
  std::optional<Fees> affordable(const GasMarket& market, base::u128 gas_total,
                                 const Done<base::Result<Prepared>>& done) const;
  base::Result<Prepared> sign_and_reserve(const base::Hash& key, const std::vector<Call>& calls, const Fees& fees,
                                          bool dry_run);
  base::Hash key_of(const Settlement& settlement) const;

  // relay.cpp
  void prepare_relay(const Instruction& instruction, Done<base::Result<Prepared>> done);
  std::string check_order(const evm::RelayOrder& order) const;
  void judge_relay(const std::shared_ptr<Relaying>& work, const std::vector<RpcResult>& results);
  void relay_refused(const std::shared_ptr<Relaying>& work, const Block& head, evm::Refusal refusal,
                     const std::string& text);
  void begin_relay_probe(const std::shared_ptr<Probing>& work);
  void relay_unproved(const std::shared_ptr<Probing>& work, std::string reason);
  void seen_is_gone(const std::shared_ptr<Probing>& work);

  // seek.cpp
  void seek(const evm::RelayOrder& order, std::uint64_t head, std::function<void(Sought)> done);
  void seek_logs(const std::shared_ptr<Seeking>& work);
  void judge_logs(const std::shared_ptr<Seeking>& work, const boost::json::value& logs);

  // movements.cpp
  void find_first_block(const std::shared_ptr<Listing>& work);
  void list_logs(const std::shared_ptr<Listing>& work);
  void date_logs(const std::shared_ptr<Listing>& work, const std::vector<RpcResult>& results);

  // settler.cpp
  void broadcast(std::shared_ptr<std::vector<SignedTransaction>> transactions, std::size_t index,
                 const Instruction& instruction, Done<Outcome> done);
  base::Result<void> arm(const std::vector<SignedTransaction>& transactions, const base::Hash& key);
  void note_problem(std::string problem);
  void show();
  const Token* token_of(ledger::core::AssetId asset) const;
  FeeCaps caps() const { return {options_.max_fee_per_gas_wei, options_.max_priority_fee_per_gas_wei}; }
  RpcCall eth_call(const base::Address& to, const base::Bytes& data) const;
  std::uint64_t now_ns() const { return clock_.monotonic_ns(); }

  // probe.cpp
  void watch_variants(const std::shared_ptr<Probing>& work, std::vector<SignedTransaction> request,
                      const Transaction& payment);
  void ask_receipts(const std::shared_ptr<Probing>& work);
  void judge_receipts(const std::shared_ptr<Probing>& work, const std::vector<RpcResult>& results);
  void in_block(const std::shared_ptr<Probing>& work);
  void note_block(std::uint64_t nonce, const base::Hash& block);
  void not_in_block(const std::shared_ptr<Probing>& work);
  void reverted(const std::shared_ptr<Probing>& work);
  void rebroadcast(const std::shared_ptr<Probing>& work);

  // absence.cpp
  void nonce_taken(const std::shared_ptr<Probing>& work);
  void find_block(const std::shared_ptr<Probing>& work);
  void ask_count(const std::shared_ptr<Probing>& work, std::uint64_t block, std::function<void(bool used)> done);
  void read_block(const std::shared_ptr<Probing>& work);
  void judge_taker(const std::shared_ptr<Probing>& work, const boost::json::value& block);

  // watch.cpp
  void schedule_watch();
  void watch();
  void judge_watch(const std::vector<RpcResult>& results);
  void tend_nonces(std::uint64_t pending_nonces, base::u128 tip_wei);
  void bump(const Slot& slot, base::u128 tip_wei);
  void fill(std::uint64_t nonce, base::u128 tip_wei);
  void push(const SignedTransaction& transaction, const char* what);
  void forget_old();

  boost::asio::io_context& io_;
  const StablecoinOptions options_;
  const RpcUrl url_;
  const crypto::SecretKey signer_;
  const base::Address account_;
  const base::Clock& clock_;
  std::shared_ptr<bool> alive_;  // false once stopped or gone: timers ask it
  std::unique_ptr<JsonRpcClient> client_;
  std::unique_ptr<NonceStore> nonces_;
  boost::asio::steady_timer watch_timer_;
  Checked checked_ = Checked::not_yet;
  std::string refusal_;  // with Checked::refused
  bool sending_allowed_ = true;
  std::set<std::uint64_t> preparing_;  // reserved in this process, and neither sent nor abandoned yet
  std::map<std::uint64_t, Age> ages_;
  std::map<std::uint64_t, base::Hash> last_block_;  // nonce -> block hash its receipt was last seen in
  View view_;
  mutable std::mutex shown_mutex_;
  View shown_;  // guarded by shown_mutex_
};

}  // namespace settlers::stablecoin
