#include "facilitator/relays.h"

#include <algorithm>
#include <utility>

#include "base/codec.h"
#include "ledger/core/entry.h"

namespace facilitator {

namespace {

namespace core = ledger::core;
using S = core::SettlementState;

bool has_happened(S state) { return state == S::confirmed || state == S::settled || state == S::final; }
bool has_failed(S state) { return state == S::failed || state == S::returned || state == S::cancelled; }

}  // namespace

Refusal refusal_of(const RelayAnswer& answer) {
  constexpr std::uint32_t kRetryAfterMs = 1'000;
  const base::StatusInfo& info = base::info(answer.status);
  const bool later = info.next_step == base::NextStep::retry_later;
  return {503, std::string(info.name), answer.detail, later ? "Ask again in a moment." : "Tell the operator.",
          later ? kRetryAfterMs : 0};
}

SettleResponse pending_answer(SettleResponse response) {
  response.success = false;
  response.reason = "settlement_pending";
  response.message = "The transaction is not in a block that counts yet: ask again with the same payment.";
  return response;
}

void Relays::run(core::PlanRelay plan, Same same, std::uint64_t wait_ms, RelayDone done) {
  parts_.service.submit(
      std::move(plan), [this, same, wait_ms, done = std::move(done)](ledger::api::CommandReceipt receipt) {
        if (same == Same::key && receipt.result.status == base::Status::relay_conflict)
          receipt.result.status = base::Status::already_accepted;
        parts_.post([this, wait_ms, done, receipt = std::move(receipt)] { planned(receipt, true, wait_ms, done); });
      });
}

void Relays::find(const base::Hash& key, std::uint64_t wait_ms, RelayDone done) {
  core::PlanRelay question;
  question.rail = *base::RailName::parse("any");
  question.key = key;
  parts_.service.submit(
      std::move(question), [this, wait_ms, done = std::move(done)](ledger::api::CommandReceipt receipt) {
        parts_.post([this, wait_ms, done, receipt = std::move(receipt)] { planned(receipt, false, wait_ms, done); });
      });
}

void Relays::planned(const ledger::api::CommandReceipt& receipt, bool may_retry, std::uint64_t wait_ms,
                     RelayDone done) {
  if (!base::accepted(receipt.result.status)) {
    RelayAnswer answer;
    answer.status = receipt.result.status;
    answer.detail = receipt.result.detail;
    return done(answer);
  }
  const core::SettlementId id(receipt.result.id);
  if (hurrying_) return done(pending(id));
  Waiter waiter;
  waiter.number = ++last_number_;
  waiter.may_retry = may_retry && receipt.result.status == base::Status::already_accepted;
  waiter.done = std::move(done);
  // Watched from before the look, so that no step falls between the two.
  Wait& wait = waiting_[id.value];
  watched_.store(waiting_.size());
  const base::Result<core::Settlement> settlement = parts_.reader.settlement(id);
  if (settlement && decide(wait, waiter, *settlement)) {
    if (wait.waiters.empty()) waiting_.erase(id.value);
    watched_.store(waiting_.size());
    return;
  }
  parts_.after(wait_ms, [this, id, number = waiter.number] { give_up(id, number); });
  wait.waiters.push_back(std::move(waiter));
}

// Reads where the settlement stands, and answers those whom that concerns.
void Relays::look(core::SettlementId id) {
  const auto found = waiting_.find(id.value);
  if (found == waiting_.end()) return;
  const base::Result<core::Settlement> settlement = parts_.reader.settlement(id);
  if (!settlement) return;  // the deadline answers
  Wait& wait = found->second;
  // What an answer sets off comes by `post`: nothing joins or leaves meanwhile.
  std::vector<Waiter> left;
  for (Waiter& waiter : wait.waiters)
    if (!decide(wait, waiter, *settlement)) left.push_back(std::move(waiter));
  wait.waiters = std::move(left);
  if (wait.waiters.empty()) waiting_.erase(found);
  watched_.store(waiting_.size());
}

// True if the waiter has its answer.
bool Relays::decide(Wait& wait, Waiter& waiter, const core::Settlement& settlement) {
  RelayAnswer answer;
  if (has_happened(settlement.state)) {
    answer.kind = RelayAnswer::Kind::done;
  } else if (has_failed(settlement.state)) {
    if (std::exchange(waiter.may_retry, false) && settlement.state != S::cancelled) {
      waiter.failed_before = settlement.attempt;
      retry(wait, settlement);
      return false;
    }
    // The failure that it came after is not its answer, as long as another attempt may be beginning.
    if (waiter.failed_before == settlement.attempt && wait.retrying == settlement.attempt) return false;
    answer.kind = RelayAnswer::Kind::failed;
  } else {
    waiter.may_retry = false;  // under way: its end is this asker's answer
    return false;
  }
  answer.settlement = settlement;
  waiter.done(answer);
  return true;
}

// Only this attempt: of many who saw it failed one begins the next.
void Relays::retry(Wait& wait, const core::Settlement& settlement) {
  if (wait.retrying == settlement.attempt) return;
  wait.retrying = settlement.attempt;
  const auto answered = [this, id = settlement.id, attempt = settlement.attempt] {
    const auto found = waiting_.find(id.value);
    if (found == waiting_.end()) return;
    if (found->second.retrying == attempt) found->second.retrying = 0;
    look(id);
  };
  parts_.service.submit(core::RetrySettlement{settlement.id, settlement.attempt},
                        [this, answered](const ledger::api::CommandReceipt&) { parts_.post(answered); });
}

RelayAnswer Relays::pending(core::SettlementId id) const {
  RelayAnswer answer;
  answer.kind = RelayAnswer::Kind::pending;
  if (base::Result<core::Settlement> settlement = parts_.reader.settlement(id)) {
    answer.settlement = std::move(*settlement);
  } else {
    answer.settlement.id = id;
  }
  return answer;
}

void Relays::give_up(core::SettlementId id, std::uint64_t number) {
  const auto found = waiting_.find(id.value);
  if (found == waiting_.end()) return;
  std::vector<Waiter>& waiters = found->second.waiters;
  const auto at =
      std::find_if(waiters.begin(), waiters.end(), [number](const Waiter& waiter) { return waiter.number == number; });
  if (at == waiters.end()) return;
  const RelayDone done = std::move(at->done);
  waiters.erase(at);
  if (waiters.empty()) waiting_.erase(found);
  watched_.store(waiting_.size());
  done(pending(id));
}

void Relays::hurry() {
  hurrying_ = true;
  const std::unordered_map<std::uint64_t, Wait> all = std::exchange(waiting_, {});
  watched_.store(0);
  for (const auto& [id, wait] : all)
    for (const Waiter& waiter : wait.waiters) waiter.done(pending(core::SettlementId(id)));
}

void Relays::on_committed(const ledger::api::CommittedSegment& segment) {
  if (watched_.load() == 0) return;
  static const std::uint8_t stepped = core::kind_of(core::SettlementStepped{});
  const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment.body);
  if (!entries) return;
  std::vector<core::SettlementId> moved;
  for (const base::ByteView bytes : *entries) {
    base::Decoder in(bytes);
    if (in.u8() == stepped) moved.push_back(in.id<core::SettlementId>());
  }
  if (moved.empty()) return;
  parts_.post([this, moved = std::move(moved)] {
    for (const core::SettlementId id : moved) look(id);
  });
}

}  // namespace facilitator
