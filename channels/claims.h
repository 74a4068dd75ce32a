#pragma once

// When what was charged is claimed, and what was claimed is paid out. A withdrawal is answered at once; otherwise a
// round begins when a charge has waited the interval, and takes all that waits. Each batch is checked against the
// newest block and simulated; one that the contract refuses is halved until the row that it refuses stands alone. That
// channel is put aside with the reason, and tried again by itself later; the others go on in the same round.

#include <array>
#include <deque>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "channels/batch.h"
#include "channels/unclaimed.h"

namespace channels {

class Claims {
 public:
  struct Status {
    Unclaimed::Totals totals;
    std::array<std::uint64_t, kRelayKinds> under_way{};  // relays
    std::array<std::uint64_t, kRelayKinds> done{};       // since start, by RelayKind
    std::array<std::uint64_t, kRelayKinds> failed{};
    std::uint64_t rows_claimed = 0;
    std::uint64_t put_aside = 0;  // times, since start
    base::u128 gas_price_wei = 0;
    bool loaded = false;
  };

  // What the references name must outlive this. On the thread of channels, like everything here.
  Claims(const Parts& parts, const Options& options, Observer& observer);

  void start();
  void stop() { anchor_.drop(); }
  void changed(core::ChannelId id);
  void withdrawal(const core::Channel& channel, std::uint64_t deadline_s);
  // Whatever is due now begins; the rest waits for the next tick.
  void tick();
  Status status() const;

 private:
  struct Flight {
    RelayKind kind = RelayKind::claim;
    std::vector<std::uint64_t> channels;
    std::pair<base::Address, base::Address> earnings;  // (receiver, token) of a settle
    bool seen_failed = false;                          // it had failed before, and another attempt was asked for
    std::uint32_t failed_attempt = 0;
  };
  struct Batch;  // being examined
  using BatchPtr = std::shared_ptr<Batch>;
  using Party = std::pair<base::Address, base::Address>;  // receiver, token

  void load(core::ChannelId after);
  void adopt(core::SettlementState state, core::SettlementId after);
  void follow();
  void ended(core::SettlementId id, const Flight& flight, const core::Settlement& settlement, bool done);
  BatchPtr choose();
  std::unordered_set<std::uint64_t> held(std::uint64_t now_ns);
  void examine(const BatchPtr& batch);
  void judge_rows(const BatchPtr& batch, const std::vector<evm::ChannelState>& states);
  void simulate(const BatchPtr& batch);
  void judge_piece(const BatchPtr& batch, std::vector<Candidate> piece, const base::Result<evm::Simulation>& answer);
  void gathered(const BatchPtr& batch);
  void plan(const BatchPtr& batch, std::vector<Candidate> rows);
  void planned(Flight flight, const core::CommandResult& result, base::u128 amount);
  void put_aside(const core::Channel& channel, std::string_view reason);
  void hold(std::uint64_t channel, std::uint64_t ms);
  void hold_all(const Batch& batch, std::uint64_t ms);
  void give_up(const BatchPtr& batch, const std::string& why);
  void idle() { busy_ = false; }
  bool choose_settle();
  void examine_settle(const core::Earnings& earnings, std::uint64_t interval);
  void plan_settle(const core::Earnings& earnings, std::uint64_t interval, base::u128 due);
  std::uint64_t interval_now() const;
  bool in_flight(const Party& party) const;

  const Parts parts_;
  const Options& options_;
  Observer& observer_;
  const commitments::channel::Domain domain_;
  Anchor anchor_;
  Problem problem_;
  Unclaimed unclaimed_;
  Status status_;
  bool loaded_ = false;
  bool busy_ = false;       // a batch or a settlement is being examined
  base::Time round_until_;  // the round takes what has waited since then; zero: there is no round
  // Halved when a relay fails, so that a row that makes it fail ends up alone, and when a node does not simulate.
  std::size_t rows_cap_;
  std::map<std::uint64_t, Flight> flights_;                // by settlement
  std::unordered_map<std::uint64_t, std::uint64_t> held_;  // channel -> until, monotonic ns
  std::unordered_set<std::uint64_t> held_aside_;           // of these, channels that were put aside
  std::unordered_map<std::uint64_t, unsigned> failures_;   // relays that failed in a row, by channel
  std::map<Party, std::uint64_t> settled_in_;              // the interval in which it was settled last
  std::uint64_t settle_look_ns_ = 0;
};

}  // namespace channels
