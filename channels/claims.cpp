#include "channels/claims.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/uint256.h"

namespace channels {

namespace {

using base::ErrorCode;
using evm::Depth;
using S = core::SettlementState;

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::size_t kPage = 1'000;
// Claims, and payouts, under way at a time: pools keep few transactions of one account, and the rail has other work.
constexpr std::size_t kFlightsMax = 4;
// A node or the ledger did not answer: the same again after so long. Milliseconds.
constexpr std::uint64_t kAgainMs = 5'000;
// A relay failed: the same channels again after so long, doubled each time, at most the claim interval; kAsideMs for a
// withdrawal.
constexpr std::uint64_t kFailedMs = 10'000;
constexpr unsigned kDoublingsMax = 10;
// A channel that was put aside and whose payer withdraws is tried again after so long; without a withdrawal after the
// claim interval.
constexpr std::uint64_t kAsideMs = 60'000;
// How often settling is thought about.
constexpr std::uint64_t kSettleLookMs = 10'000;

constexpr std::array<S, 4> kUnderWay{S::ready, S::sending, S::accepted, S::unknown};
bool has_happened(S state) { return state == S::confirmed || state == S::settled || state == S::final; }
bool has_failed(S state) { return state == S::failed || state == S::returned || state == S::cancelled; }

}  // namespace

// What is claimed together, on its way from the choice to the relay.
struct Claims::Batch {
  std::vector<core::Channel> channels;
  std::deque<std::vector<Candidate>> pieces;  // to be simulated
  std::vector<Candidate> good;
  bool refused = false;  // a piece was: the rest is simulated once more, together
  bool trial = false;    // one channel that was put aside
  bool urgent = false;
};

Claims::Claims(const Parts& parts, const Options& options, Observer& observer)
    : parts_(parts),
      options_(options),
      observer_(observer),
      domain_(parts.chain.chain_id(), options.contract),
      anchor_(parts.post),
      problem_(observer, "claims"),
      unclaimed_({parts.chain.chain_id(), options.contract,
                  options.authorizer == nullptr ? base::Address{} : options.authorizer->address()},
                 options.claim_minimum),
      rows_cap_(rows_max(options.claim_rows_max, options.claim_gas_max)) {}

void Claims::start() {
  for (const S state : kUnderWay) adopt(state, core::SettlementId(0));
  load(core::ChannelId(0));
}

// A page at a time, so that the thread does other things too.
void Claims::load(core::ChannelId after) {
  const base::Result<std::vector<core::Channel>> page = parts_.reader.channels(after, kPage);
  if (!page) {
    problem_.is(page.error().message);
    return parts_.after(kAgainMs, anchor_.later([this, after] { load(after); }));
  }
  for (const core::Channel& channel : *page) unclaimed_.update(channel, parts_.clock.now());
  if (page->size() == kPage) return parts_.post(anchor_.later([this, last = page->back().id] { load(last); }));
  loaded_ = true;
  tick();
}

// What was planned before a restart and has no end yet.
void Claims::adopt(S state, core::SettlementId after) {
  for (;;) {
    const base::Result<std::vector<core::Settlement>> page = parts_.reader.settlements_in(state, after, kPage);
    if (!page) return problem_.is(page.error().message);
    for (const core::Settlement& settlement : *page) {
      after = settlement.id;
      if (settlement.kind != core::SettlementKind::relay) continue;
      const base::Result<core::Relay> relay = parts_.reader.relay(settlement.id);
      const auto order =
          relay ? read_order(relay->order, parts_.chain.chain_id(), options_.contract) : std::optional<Planned>();
      if (!order) continue;
      Flight flight;
      flight.kind = order->kind;
      flight.earnings = {order->receiver, order->token};
      for (const base::Hash& key : order->channels)
        if (const base::Result<core::Channel> channel = parts_.reader.channel(key))
          flight.channels.push_back(channel->id.value);
      flights_[settlement.id.value] = std::move(flight);
    }
    if (page->size() < kPage) return;
  }
}

void Claims::changed(core::ChannelId id) {
  const base::Result<core::Channel> channel = parts_.reader.channel(id);
  if (!channel) return;
  unclaimed_.update(*channel, parts_.clock.now());
  // Other figures or an operator took it back: it need not wait.
  if (channel->put_aside.empty() && held_aside_.erase(id.value) != 0) held_.erase(id.value);
}

void Claims::withdrawal(const core::Channel& channel, std::uint64_t deadline_s) {
  if (!unclaimed_.note_withdrawal(channel.id, deadline_s, parts_.clock.now())) return;
  held_.erase(channel.id.value);  // whatever it waited for, there is no time for it now
  const Unclaimed::Row* row = unclaimed_.find(channel.id);
  observer_.on_withdrawal(channel.key, deadline_s, row == nullptr ? 0 : row->due);
}

void Claims::hold(std::uint64_t channel, std::uint64_t ms) {
  held_[channel] = parts_.clock.monotonic_ns() + ms * kNsPerMs;
}

void Claims::hold_all(const Batch& batch, std::uint64_t ms) {
  for (const core::Channel& channel : batch.channels) hold(channel.id.value, ms);
}

std::unordered_set<std::uint64_t> Claims::held(std::uint64_t now_ns) {
  std::erase_if(held_, [now_ns](const auto& one) { return one.second <= now_ns; });
  std::unordered_set<std::uint64_t> all;
  for (const auto& [channel, until] : held_) all.insert(channel);
  for (const auto& [id, flight] : flights_) all.insert(flight.channels.begin(), flight.channels.end());
  return all;
}

void Claims::tick() {
  if (!loaded_) return;
  follow();
  if (busy_) return;
  std::array<std::size_t, kRelayKinds> under_way{};
  for (const auto& [id, flight] : flights_) ++under_way[static_cast<std::size_t>(flight.kind)];
  const BatchPtr batch = under_way[0] < kFlightsMax ? choose() : nullptr;
  if (batch) {
    busy_ = true;
    return examine(batch);
  }
  busy_ = under_way[1] < kFlightsMax && choose_settle();
}

// ---- relays under way ----

void Claims::follow() {
  for (auto at = flights_.begin(); at != flights_.end();) {
    const core::SettlementId id(at->first);
    const base::Result<core::Settlement> settlement = parts_.reader.settlement(id);
    Flight& flight = at->second;
    const bool old_failure = settlement && flight.seen_failed && settlement->attempt == flight.failed_attempt;
    const bool done = settlement && has_happened(settlement->state);
    const bool failed = settlement && has_failed(settlement->state) && !old_failure;
    if (!done && !failed) {
      ++at;
      continue;
    }
    const Flight gone = std::move(flight);
    at = flights_.erase(at);
    ended(id, gone, *settlement, done);
  }
}

void Claims::ended(core::SettlementId, const Flight& flight, const core::Settlement& settlement, bool done) {
  ++(done ? status_.done : status_.failed)[static_cast<std::size_t>(flight.kind)];
  observer_.on_ended(flight.kind, settlement, flight.channels.size(), done);
  if (flight.kind == RelayKind::settle) {
    if (!done) settled_in_.erase(flight.earnings);
    return;
  }
  const std::size_t rows = rows_max(options_.claim_rows_max, options_.claim_gas_max);
  rows_cap_ = done ? std::min(rows, rows_cap_ * 2) : std::max<std::size_t>(flight.channels.size() / 2, 1);
  if (done) status_.rows_claimed += flight.channels.size();
  for (const std::uint64_t channel : flight.channels) {
    if (done) {
      failures_.erase(channel);
      hold(channel, kAgainMs);  // the mirror is about to say so
    } else {
      const unsigned doublings = std::min(failures_[channel]++, kDoublingsMax);
      const Unclaimed::Row* row = unclaimed_.find(core::ChannelId(channel));
      const bool withdraws = row != nullptr && row->deadline_s != 0;
      const std::uint64_t most = withdraws ? kAsideMs : std::max(options_.claim_interval_ms, kFailedMs);
      hold(channel, std::min(kFailedMs << doublings, most));
    }
  }
}

// ---- claims ----

Claims::BatchPtr Claims::choose() {
  if (options_.authorizer == nullptr) return nullptr;
  const std::unordered_set<std::uint64_t> all_held = held(parts_.clock.monotonic_ns());
  auto batch = std::make_shared<Batch>();
  std::vector<core::ChannelId> ids = unclaimed_.withdrawals(rows_cap_, all_held);
  batch->urgent = !ids.empty();
  const base::Time now = parts_.clock.now();
  if (ids.empty() && round_until_.us == 0) {
    const std::uint64_t interval_us = options_.claim_interval_ms * 1'000;
    const base::Time until{now.us - std::min(now.us, interval_us)};
    if (!unclaimed_.waiting(until, 1, all_held).empty()) round_until_ = now;
  }
  if (ids.empty() && round_until_.us != 0) {
    ids = unclaimed_.waiting(round_until_, rows_cap_, all_held);
    if (ids.empty()) round_until_ = {};
  }
  if (ids.empty()) {
    ids = unclaimed_.aside(1, all_held);
    batch->trial = !ids.empty();
  }
  for (const core::ChannelId id : ids)
    if (base::Result<core::Channel> channel = parts_.reader.channel(id)) batch->channels.push_back(std::move(*channel));
  return batch->channels.empty() ? nullptr : batch;
}

void Claims::give_up(const BatchPtr& batch, const std::string& why) {
  problem_.is(why);
  hold_all(*batch, kAgainMs);
  idle();
}

void Claims::examine(const BatchPtr& batch) {
  parts_.chain.gas_price(anchor_.then<base::Result<base::u128>>([this, batch](const base::Result<base::u128>& price) {
    // A withdrawal is claimed at any price, and so at one that the node does not tell.
    if (!price && !batch->urgent) return give_up(batch, price.error().message);
    if (price) status_.gas_price_wei = *price;
    const bool dear = price && options_.gas_price_max_wei != 0 && *price > options_.gas_price_max_wei;
    if (dear && !batch->urgent)
      return give_up(batch, "claims wait: gas costs more than " + base::to_decimal_string(options_.gas_price_max_wei) +
                                " wei, the most that is paid");
    std::vector<base::Hash> keys;
    for (const core::Channel& channel : batch->channels) keys.push_back(channel.key);
    parts_.chain.channels(options_.contract, std::move(keys), Depth::newest,
                          anchor_.then<base::Result<std::vector<evm::ChannelState>>>(
                              [this, batch](const base::Result<std::vector<evm::ChannelState>>& states) {
                                if (!states) return give_up(batch, states.error().message);
                                judge_rows(batch, *states);
                              }));
  }));
}

void Claims::judge_rows(const BatchPtr& batch, const std::vector<evm::ChannelState>& states) {
  std::vector<Candidate> rows;
  for (std::size_t i = 0; i < batch->channels.size(); ++i) {
    const core::Channel& channel = batch->channels[i];
    // One of several nodes behind an address may be far behind: there a deposit that counts has not come yet.
    if (states[i].block_number < channel.block)
      return give_up(batch, "the node lags: its newest block is " + std::to_string(states[i].block_number) +
                                ", and block " + std::to_string(channel.block) + " counts");
    Judgement judgement = judge(channel, states[i].channel);
    switch (judgement.kind) {
      case Judgement::Kind::claim: rows.push_back(std::move(judgement.candidate)); break;
      case Judgement::Kind::nothing: hold(channel.id.value, kAgainMs); break;  // the mirror is about to say so
      case Judgement::Kind::lost:
        put_aside(channel, judgement.reason + " (block " + std::to_string(states[i].block_number) + ")");
        break;
    }
  }
  if (rows.empty()) return idle();
  batch->pieces.push_back(std::move(rows));
  simulate(batch);
}

void Claims::simulate(const BatchPtr& batch) {
  if (batch->pieces.empty()) return gathered(batch);
  std::vector<Candidate> piece = std::move(batch->pieces.front());
  batch->pieces.pop_front();
  const evm::RelayOrder order = claim_order(domain_, piece, *options_.authorizer, options_.claim_gas_max);
  parts_.chain.simulate(order.to, order.data,
                        anchor_.then<base::Result<evm::Simulation>>(
                            [this, batch, piece = std::move(piece)](const base::Result<evm::Simulation>& answer) {
                              judge_piece(batch, piece, answer);
                            }));
}

void Claims::judge_piece(const BatchPtr& batch, std::vector<Candidate> piece,
                         const base::Result<evm::Simulation>& answer) {
  if (!answer) return give_up(batch, answer.error().message);
  if (answer->succeeds) {
    std::move(piece.begin(), piece.end(), std::back_inserter(batch->good));
    return simulate(batch);
  }
  if (!evm::is_revert(*answer)) {
    // Perhaps it simulates none of this size: fewer rows then. Each claim that is done doubles them again.
    if (piece.size() > 1) rows_cap_ = piece.size() / 2;
    return give_up(batch, "the node does not simulate a claim: " + answer->reason);
  }
  batch->refused = true;
  if (piece.size() == 1) {
    put_aside(piece.front().channel, answer->reason.empty() ? "it reverts without a reason" : answer->reason);
    return simulate(batch);
  }
  const auto middle = piece.begin() + static_cast<std::ptrdiff_t>(piece.size() / 2);
  batch->pieces.emplace_back(std::make_move_iterator(piece.begin()), std::make_move_iterator(middle));
  batch->pieces.emplace_back(std::make_move_iterator(middle), std::make_move_iterator(piece.end()));
  simulate(batch);
}

// Every row has been simulated. After a refusal the rest has not been so together.
void Claims::gathered(const BatchPtr& batch) {
  std::vector<Candidate> rows = std::exchange(batch->good, {});
  if (rows.empty()) return idle();
  if (batch->trial) {
    problem_.over();
    submit_all(parts_, anchor_, {core::PutChannelAside{rows.front().channel.key, {}}},
               [this, key = rows.front().channel.key](const std::vector<core::CommandResult>&) {
                 observer_.on_put_aside(key, {});
                 idle();
               });
    return;
  }
  if (std::exchange(batch->refused, false) && rows.size() > 1) {
    batch->pieces.push_back(std::move(rows));
    return simulate(batch);
  }
  plan(batch, std::move(rows));
}

void Claims::plan(const BatchPtr& batch, std::vector<Candidate> rows) {
  Flight flight;
  base::u128 amount = 0;
  for (const Candidate& row : rows) {
    flight.channels.push_back(row.channel.id.value);
    amount += row.gain;
  }
  core::PlanRelay relay =
      claim_relay(parts_.chain, rows, claim_order(domain_, rows, *options_.authorizer, options_.claim_gas_max));
  submit_all(parts_, anchor_, {std::move(relay)},
             [this, batch, flight = std::move(flight), amount](const std::vector<core::CommandResult>& results) {
               if (!base::accepted(results.front().status))
                 return give_up(batch, "the ledger does not take a claim: " + results.front().detail);
               planned(flight, results.front(), amount);
             });
}

// The relay is in the ledger; perhaps it was before, and has ended.
void Claims::planned(Flight flight, const core::CommandResult& result, base::u128 amount) {
  const core::SettlementId id(result.id);
  const bool known = result.status == base::Status::already_accepted;
  const base::Result<core::Settlement> settlement = parts_.reader.settlement(id);
  if (known && settlement && settlement->state == S::cancelled) {
    // Somebody does not want it; another total makes another relay.
    for (const std::uint64_t channel : flight.channels) hold(channel, options_.claim_interval_ms);
    return idle();
  }
  if (known && settlement && has_failed(settlement->state)) {
    flight.seen_failed = true;
    flight.failed_attempt = settlement->attempt;
    submit_all(parts_, anchor_, {core::RetrySettlement{id, settlement->attempt}},
               [](const std::vector<core::CommandResult>&) {});
  }
  problem_.over();
  observer_.on_planned(flight.kind, id, flight.channels.size(), amount);
  flights_[id.value] = std::move(flight);
  idle();
}

void Claims::put_aside(const core::Channel& channel, std::string_view reason) {
  const Unclaimed::Row* row = unclaimed_.find(channel.id);
  const bool withdraws = row != nullptr && row->deadline_s != 0;
  hold(channel.id.value, withdraws ? kAsideMs : std::max(options_.claim_interval_ms, kAsideMs));
  held_aside_.insert(channel.id.value);
  std::string text = std::string(kAsidePrefix) + std::string(reason);
  if (channel.put_aside == text) return;
  ++status_.put_aside;
  observer_.on_put_aside(channel.key, text);
  submit_all(parts_, anchor_, {core::PutChannelAside{channel.key, std::move(text)}},
             [](const std::vector<core::CommandResult>&) {});
}

// ---- payouts ----

std::uint64_t Claims::interval_now() const {
  return parts_.clock.now().us / (std::max<std::uint64_t>(options_.settle_interval_ms, 1) * 1'000);
}

bool Claims::in_flight(const Party& party) const {
  for (const auto& [id, flight] : flights_) {
    if (flight.kind == RelayKind::settle && flight.earnings == party) return true;
    for (const std::uint64_t channel : flight.channels) {
      const Unclaimed::Row* row = unclaimed_.find(core::ChannelId(channel));
      if (row != nullptr && Party(row->receiver, row->token) == party) return true;
    }
  }
  return false;
}

// One of those that have something to be paid out and were not paid in this interval.
bool Claims::choose_settle() {
  const std::uint64_t now_ns = parts_.clock.monotonic_ns();
  if (settle_look_ns_ != 0 && now_ns - settle_look_ns_ < kSettleLookMs * kNsPerMs) return false;
  const base::Result<std::vector<core::Earnings>> list = parts_.reader.earnings(SIZE_MAX);
  if (!list) return false;
  const std::uint64_t interval = interval_now();
  for (const core::Earnings& one : *list) {
    if (one.contract != options_.contract || one.chain_id != parts_.chain.chain_id()) continue;
    if (one.claimed <= one.settled || one.claimed - one.settled < options_.claim_minimum) continue;
    const Party party(one.receiver, one.token);
    const auto last = settled_in_.find(party);
    if (last != settled_in_.end() && last->second == interval) continue;
    if (in_flight(party)) continue;
    examine_settle(one, interval);
    return true;
  }
  settle_look_ns_ = now_ns + 1;
  return false;
}

void Claims::examine_settle(const core::Earnings& earnings, std::uint64_t interval) {
  settled_in_[{earnings.receiver, earnings.token}] = interval;  // whatever comes of it, not twice
  const auto failed = [this](const std::string& why) {
    problem_.is(why);
    idle();
  };
  const auto again = [this, failed, party = Party(earnings.receiver, earnings.token)](const std::string& why) {
    settled_in_.erase(party);
    settle_look_ns_ = parts_.clock.monotonic_ns() + 1;
    failed(why);
  };
  const auto simulated = [this, earnings, interval, failed, again](base::u128 due,
                                                                   const base::Result<evm::Simulation>& answer) {
    if (!answer) return again(answer.error().message);
    if (answer->succeeds) return plan_settle(earnings, interval, due);
    const std::string why = "the contract does not pay " + base::to_hex(earnings.receiver) + ": " + answer->reason;
    evm::is_revert(*answer) ? failed(why) : again(why);
  };
  parts_.chain.earnings(
      options_.contract, earnings.receiver, earnings.token, Depth::newest,
      anchor_.then<base::Result<evm::EarningsState>>(
          [this, earnings, again, simulated](const base::Result<evm::EarningsState>& state) {
            if (!state) return again(state.error().message);
            if (state->earnings.total_claimed <= state->earnings.total_settled) return idle();  // somebody else did it
            const base::u128 due = state->earnings.total_claimed - state->earnings.total_settled;
            parts_.chain.simulate(
                options_.contract, evm::call_settle(earnings.receiver, earnings.token),
                anchor_.then<base::Result<evm::Simulation>>(
                    [simulated, due](const base::Result<evm::Simulation>& answer) { simulated(due, answer); }));
          }));
}

void Claims::plan_settle(const core::Earnings& earnings, std::uint64_t interval, base::u128 due) {
  Flight flight;
  flight.kind = RelayKind::settle;
  flight.earnings = {earnings.receiver, earnings.token};
  core::PlanRelay relay = settle_relay(parts_.chain, domain_, earnings.receiver, earnings.token, interval, due);
  submit_all(parts_, anchor_, {std::move(relay)}, [this, flight, due](const std::vector<core::CommandResult>& results) {
    if (base::accepted(results.front().status)) return planned(flight, results.front(), due);
    settled_in_.erase(flight.earnings);
    problem_.is("the ledger does not take a settlement: " + results.front().detail);
    idle();
  });
}

Claims::Status Claims::status() const {
  Status status = status_;
  status.totals = unclaimed_.totals();
  for (const auto& [id, flight] : flights_) ++status.under_way[static_cast<std::size_t>(flight.kind)];
  status.loaded = loaded_;
  return status;
}

}  // namespace channels
