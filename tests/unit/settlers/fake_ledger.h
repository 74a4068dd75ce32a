#pragma once

// A ledger of settlements only, in memory: the dispatcher's two interfaces with the edges of the real state machine,
// and switches for what is hard to provoke on the real one. Answers at once, on the calling thread.

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"

namespace fake {

namespace core = ledger::core;
using base::Result;
using core::FailureClass;
using core::Settlement;
using core::SettlementId;
using core::SettlementKind;
using core::SettlementState;

class Ledger final : public ledger::api::LedgerService, public ledger::api::LedgerReader {
 public:
  explicit Ledger(const base::Clock& clock) : clock_(clock) {
    asset_.id = core::AssetId(1);
    asset_.text = "eip155:31337/erc20:0x0000000000000000000000000000000000000001";
    asset_.symbol = "USDC";
  }

  // ---- setting up
  core::PayerId add_payer(const core::Address& address, core::Bytes mandate = {}) {
    core::Payer payer;
    payer.id = core::PayerId(static_cast<std::uint32_t>(payers_.size() + 1));
    payer.address = address;
    if (!mandate.empty()) payer.rail_mandates = {{*base::RailName::parse("stablecoin"), std::move(mandate)}};
    payers_.push_back(payer);
    return payer.id;
  }
  core::PayeeId add_payee(const std::string& account) {
    core::Payee payee;
    payee.id = core::PayeeId(static_cast<std::uint32_t>(payees_.size() + 1));
    payee.payout_account = account;
    payees_.push_back(payee);
    return payee.id;
  }
  SettlementId collect(core::PayerId payer, std::uint64_t amount, std::string_view rail = "sandbox") {
    Settlement settlement = plan(SettlementKind::collection, amount, rail);
    settlement.payer = payer;
    settlements_[settlement.id.value] = settlement;
    return settlement.id;
  }
  SettlementId pay_out(core::PayeeId payee, std::uint64_t amount, std::string_view rail = "sandbox") {
    Settlement settlement = plan(SettlementKind::payout, amount, rail);
    settlement.payee = payee;
    settlements_[settlement.id.value] = settlement;
    return settlement.id;
  }
  // Of a part of what `collection` collected.
  SettlementId refund(SettlementId collection, std::uint64_t amount) {
    const Settlement origin = at(collection);
    Settlement settlement = plan(SettlementKind::refund, amount, origin.rail.view());
    settlement.payer = origin.payer;
    settlement.statement = core::StatementId(collection.value);  // statement(): one for each collection
    settlements_[settlement.id.value] = settlement;
    return settlement.id;
  }
  SettlementId relay(core::Bytes order, std::string_view rail = "sandbox") {
    Settlement settlement = plan(SettlementKind::relay, 0, rail);
    settlement.asset = core::AssetId{};
    settlements_[settlement.id.value] = settlement;
    relays_[settlement.id.value] = {settlement.id, core::Hash{}, {}, std::move(order)};
    return settlement.id;
  }
  Settlement& at(SettlementId id) { return settlements_.at(id.value); }
  core::Payer& payer_at(core::PayerId id) { return payers_.at(id.value - 1); }

  // ---- switches
  std::deque<base::Status> refuse;           // the next steps are refused with these
  std::set<SettlementState> never_recorded;  // steps to these states are lost without an answer: the process died
  std::function<void(const core::StepSettlement&)> before_step;
  const std::vector<core::Notice>& kept() const { return notices_; }

  // ---- what happened
  struct Step {
    SettlementId id;
    SettlementState from, to;
    FailureClass failure;
    std::uint64_t wait_ms;
  };
  std::vector<Step> steps;
  std::vector<SettlementState> path(SettlementId id) const {
    std::vector<SettlementState> states;
    for (const Step& step : steps) {
      if (step.id == id) states.push_back(step.to);
    }
    return states;
  }
  std::size_t count(SettlementState state) const {
    return static_cast<std::size_t>(std::count_if(settlements_.begin(), settlements_.end(),
                                                  [state](const auto& entry) { return entry.second.state == state; }));
  }

  // ---- LedgerService
  void submit(commitments::tab::VerifiedBatch, ledger::api::BatchDone) override { CHECK(false); }
  void submit(core::Command command, ledger::api::CommandDone done) override {
    if (const auto* recorded = std::get_if<core::RecordNotices>(&command)) return keep(*recorded, done);
    const core::StepSettlement& step = std::get<core::StepSettlement>(command);
    if (before_step) before_step(step);
    if (never_recorded.count(step.to) != 0) return;
    ledger::api::CommandReceipt receipt;
    if (!refuse.empty()) {
      receipt.result.status = refuse.front();
      refuse.pop_front();
    } else {
      receipt.result.status = take(step);
    }
    done(receipt);
  }

  // ---- LedgerReader: what the dispatcher reads
  Result<core::Payer> payer(core::PayerId id) const override { return payers_.at(id.value - 1); }
  Result<core::Payee> payee(core::PayeeId id) const override { return payees_.at(id.value - 1); }
  Result<core::Asset> asset(core::AssetId) const override { return asset_; }
  Result<Settlement> settlement(SettlementId id) const override { return settlements_.at(id.value); }
  Result<std::vector<Settlement>> settlements_in(SettlementState state, SettlementId after,
                                                 std::size_t limit) const override {
    std::vector<Settlement> page;
    for (auto it = settlements_.upper_bound(after.value); it != settlements_.end() && page.size() < limit; ++it) {
      if (it->second.state == state) page.push_back(it->second);
    }
    return page;
  }
  Result<std::vector<Settlement>> due_settlements(core::Time now, std::size_t limit) const override {
    std::vector<Settlement> due;
    for (const auto& [id, settlement] : settlements_) {
      if (needs_action(settlement.state) && settlement.next_action <= now) due.push_back(settlement);
    }
    std::stable_sort(due.begin(), due.end(),
                     [](const Settlement& a, const Settlement& b) { return a.next_action < b.next_action; });
    if (due.size() > limit) due.resize(limit);
    largest_read = std::max(largest_read, due.size());
    return due;
  }
  mutable std::size_t largest_read = 0;

  Result<std::vector<core::Notice>> notices_of(SettlementId id, std::size_t limit) const override {
    std::vector<core::Notice> found;
    for (const core::Notice& notice : notices_) {
      if (notice.settlement == id) found.push_back(notice);
    }
    if (found.size() > limit) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
    return found;
  }
  Result<core::Relay> relay(SettlementId id) const override {
    const auto found = relays_.find(id.value);
    if (found == relays_.end()) return base::error(base::ErrorCode::not_found, "there is no such relay");
    return found->second;
  }

  // ---- LedgerReader: the rest is not used
  Result<core::LedgerHead> head() const override { return none(); }
  Result<core::Payer> payer(const core::Address&) const override { return none(); }
  Result<core::Payee> payee(const core::Address&) const override { return none(); }
  Result<core::Server> server(core::ServerId) const override { return none(); }
  Result<core::Server> server(const core::Address&) const override { return none(); }
  Result<core::Plan> plan(core::PlanId) const override { return none(); }
  Result<core::MandateState> mandate(core::MandateId) const override { return none(); }
  Result<core::Tab> tab(core::TabId) const override { return none(); }
  Result<core::Statement> statement(core::StatementId id) const override {
    core::Statement statement;
    statement.id = id;
    statement.settlement = SettlementId(id.value);
    return statement;
  }
  Result<core::Notice> notice(core::NoticeId) const override { return none(); }
  Result<std::vector<core::Notice>> notices(core::NoticeId, std::size_t) const override { return none(); }
  Result<std::vector<core::Notice>> notices_in(core::NoticeState, core::NoticeId, std::size_t) const override {
    return none();
  }
  Result<core::Channel> channel(core::ChannelId) const override { return none(); }
  Result<core::Channel> channel(const core::Hash&) const override { return none(); }
  Result<std::vector<core::Channel>> channels(core::ChannelId, std::size_t) const override { return none(); }
  Result<std::vector<core::Earnings>> earnings(std::size_t) const override { return none(); }
  Result<core::PayeeBalance> payee_balance(core::PayeeId, core::AssetId) const override { return none(); }
  Result<core::OperatorBalance> operator_balance(core::AssetId) const override { return none(); }
  Result<core::Tally> tally(core::PayerId, core::AssetId) const override { return none(); }
  Result<std::vector<core::Asset>> assets() const override { return none(); }
  Result<std::vector<core::Plan>> plans() const override { return none(); }
  Result<std::vector<core::Payer>> payers(core::PayerId, std::size_t) const override { return none(); }
  Result<std::vector<core::Payee>> payees(core::PayeeId, std::size_t) const override { return none(); }
  Result<std::vector<core::Server>> servers(core::ServerId, std::size_t) const override { return none(); }
  Result<std::vector<core::Tally>> tallies(core::PayerId) const override { return none(); }
  Result<std::vector<core::PayeeBalance>> payee_balances(core::PayeeId) const override { return none(); }
  Result<std::vector<core::MandateState>> mandates(core::PayerId, core::MandateId, std::size_t) const override {
    return none();
  }
  Result<std::vector<core::Statement>> statements(core::StatementId, std::size_t) const override { return none(); }
  Result<std::vector<core::Statement>> statements_of(core::PayerId, core::StatementId, std::size_t) const override {
    return none();
  }
  Result<std::vector<Settlement>> settlements(SettlementId, std::size_t) const override {
    return std::vector<Settlement>();
  }
  Result<std::vector<ledger::api::StoredEntry>> entries(core::Sequence, std::size_t) const override { return none(); }
  Result<ledger::api::StoredEntry> entry(core::Sequence) const override { return none(); }
  Result<std::vector<ledger::api::StoredEntry>> payer_entries(core::PayerId, core::Sequence,
                                                              std::size_t) const override {
    return none();
  }
  Result<core::Segment> segment_of(core::Sequence) const override { return none(); }
  Result<core::Segment> segment(core::SegmentId) const override { return none(); }
  Result<std::vector<core::Hash>> segment_hashes(core::SegmentId, std::size_t) const override { return none(); }

 private:
  static tl::unexpected<base::Error> none() {
    return base::error(base::ErrorCode::unsupported, "the fake ledger has settlements only");
  }
  static bool needs_action(SettlementState state) {
    using S = SettlementState;
    return state == S::ready || state == S::sending || state == S::accepted || state == S::unknown ||
           state == S::confirmed || state == S::settled || state == S::disputed;
  }
  static bool edge_allowed(SettlementState from, SettlementState to) {
    using S = SettlementState;
    switch (from) {
      case S::ready: return to == S::sending || to == S::failed;
      case S::sending:
      case S::unknown:
        return to == S::accepted || to == S::confirmed || to == S::settled || to == S::final || to == S::failed ||
               to == S::unknown;
      case S::accepted:
        return to == S::accepted || to == S::confirmed || to == S::settled || to == S::final || to == S::failed;
      case S::confirmed:
        return to == S::confirmed || to == S::accepted || to == S::settled || to == S::final || to == S::returned ||
               to == S::disputed;
      case S::settled: return to == S::settled || to == S::final || to == S::returned || to == S::disputed;
      case S::disputed: return to == S::disputed || to == S::settled || to == S::returned;
      default: return false;
    }
  }

  Settlement plan(SettlementKind kind, std::uint64_t amount, std::string_view rail) {
    Settlement settlement;
    settlement.id = SettlementId(settlements_.empty() ? 1 : settlements_.rbegin()->first + 1);
    settlement.kind = kind;
    settlement.asset = asset_.id;
    settlement.amount = core::Amount(amount);
    settlement.rail = *base::RailName::parse(rail);
    settlement.next_action = clock_.now();
    return settlement;
  }

  void keep(const core::RecordNotices& recorded, const ledger::api::CommandDone& done) {
    ledger::api::CommandReceipt receipt;
    for (core::Notice notice : recorded.notices) {
      notice.id = core::NoticeId(notices_.size() + 1);
      notice.mark.state = core::NoticeState::waiting;
      notices_.push_back(notice);
      receipt.result.notices.push_back({base::Status::ok, notice.id, {}});
      const auto found = settlements_.find(notice.settlement.value);
      if (found != settlements_.end()) found->second.next_action = clock_.now();
    }
    done(receipt);
  }

  base::Status take(const core::StepSettlement& step) {
    const auto found = settlements_.find(step.id.value);
    if (found == settlements_.end()) return base::Status::not_found;
    Settlement& settlement = found->second;
    if (!edge_allowed(settlement.state, step.to) || settlement.attempt != step.attempt)
      return base::Status::wrong_state;
    if (step.to == SettlementState::sending && step.amount != settlement.amount) return base::Status::wrong_state;
    const std::uint64_t now_us = clock_.now().us;
    steps.push_back({step.id, settlement.state, step.to, step.failure,
                     step.next_action.us > now_us ? (step.next_action.us - now_us) / 1000 : 0});
    if (step.to == SettlementState::sending) {
      settlement.idempotency_key = step.idempotency_key;
      settlement.request = step.request;
      settlement.reference.clear();
    }
    if (!step.reference.empty()) settlement.reference = step.reference;
    settlement.detail = step.detail;
    settlement.failure = step.failure;
    if (!step.code.empty()) settlement.code = step.code;
    if (step.rail_fee) settlement.rail_fee = *step.rail_fee;
    for (core::Notice& notice : notices_) {
      const bool named = std::find(step.explained.begin(), step.explained.end(), notice.id) != step.explained.end();
      if (notice.settlement == step.id && notice.id <= step.notices_read &&
          (notice.direction == core::Direction::none || named)) {
        notice.mark.state = core::NoticeState::applied;
        notice.mark.changed = clock_.now();
      }
    }
    settlement.next_action = step.next_action;
    settlement.state = step.to;
    if (step.to == SettlementState::failed && step.failure == FailureClass::technical) {
      settlement.state = SettlementState::ready;
      ++settlement.technical_retries;
      ++settlement.attempt;
    }
    return base::Status::ok;
  }

  const base::Clock& clock_;
  core::Asset asset_;
  std::vector<core::Payer> payers_;
  std::vector<core::Payee> payees_;
  std::map<std::uint64_t, Settlement> settlements_;
  std::map<std::uint64_t, core::Relay> relays_;
  std::vector<core::Notice> notices_;
};

}  // namespace fake
