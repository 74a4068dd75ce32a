// One settlement's way to its rail and back: prepare, make it durable, send or probe, record what the rail says.

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "settlers/dispatcher_impl.h"

namespace settlers {

namespace {

using ledger::api::CommandReceipt;
using ledger::core::Direction;
using ledger::core::StepSettlement;

// A step that was refused because somebody else changed the settlement: it is read again after this.
constexpr std::uint64_t kReadAgainMs = 250;
// The writer's queue is full: the step waits this long, at most so often. Then it is left to the next look.
constexpr std::uint64_t kOverloadedMs = 100;
// No money of a notice counts for more than this when notices are added up: 32 of them fit.
constexpr base::u128 kExplainedMax = static_cast<base::u128>(1) << 120;
// Dry run: an instruction that was shown is shown again after this.
constexpr std::uint64_t kDryRunRepeatMs = 3'600'000;
constexpr std::size_t kDetailBytesMax = 512;

// How far along a settlement is on the way to final.
int progress(SettlementState state) {
  switch (state) {
    case SettlementState::accepted: return 1;
    case SettlementState::confirmed: return 2;
    case SettlementState::settled: return 3;
    case SettlementState::final: return 4;
    default: return 0;
  }
}

bool was_confirmed(SettlementState state) { return progress(state) >= progress(SettlementState::confirmed); }

// The next edge from `from` toward what the rail says; the same state if there is nothing to do.
SettlementState next_edge(SettlementState from, SettlementState said) {
  if (said == from) return from;
  const bool posted = progress(from) >= progress(SettlementState::confirmed);
  switch (said) {
    case SettlementState::accepted: return said;  // also back from confirmed: a reorganisation
    case SettlementState::confirmed:
    case SettlementState::settled:
    case SettlementState::final:
      if (from == SettlementState::disputed)  // won: the money is back where it belongs
        return progress(said) >= progress(SettlementState::settled) ? SettlementState::settled : from;
      return progress(from) < progress(said) ? said : from;
    case SettlementState::failed: return said;
    case SettlementState::returned:
    case SettlementState::disputed:
      // Only something that was confirmed can come back.
      return posted || from == SettlementState::disputed ? said : SettlementState::confirmed;
    case SettlementState::unknown: return from == SettlementState::sending ? said : from;
    default: return from;
  }
}

RailHealth health_of(const Outcome& outcome) {
  const bool technical = outcome.state == SettlementState::failed && outcome.failure == FailureClass::technical;
  return outcome.rail_fault || technical ? RailHealth::fault : RailHealth::good;
}

std::string shortened(std::string text) {
  if (text.size() > kDetailBytesMax) text.resize(kDetailBytesMax);
  return text;
}

}  // namespace

void Dispatcher::Impl::problem(std::string_view rail, SettlementId id, std::string_view message) {
  if (Rail* known = find(rail)) {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    known->shown.last_error = std::string(message);
    known->shown.last_error_time = clock_.now();
  }
  if (observer_ != nullptr) observer_->on_problem(rail, id, message);
}

base::Time Dispatcher::Impl::after_ms(std::uint64_t delay_ms) const {
  return base::Time{clock_.now().us + delay_ms * 1000};
}

bool Dispatcher::Impl::defer(const Settlement& settlement, std::uint64_t delay_ms) {
  const bool known = deferrals_.count(settlement.id.value) != 0;
  if (!known && deferrals_.size() >= options_.scheduled_max) return false;
  deferrals_[settlement.id.value] = Deferral{clock_.monotonic_ns() + delay_ms * 1'000'000, settlement.state,
                                             settlement.attempt, settlement.technical_retries, settlement.next_action};
  return true;
}

// The last ones of the settlement's rail. `last`: of any rail, so that a later step knows what was there.
base::Result<void> Dispatcher::Impl::read_notices(Instruction& instruction, NoticeId& last) const {
  const Settlement& settlement = instruction.settlement;
  ASSIGN_OR_RETURN(std::vector<Notice> all, reader_.notices_of(settlement.id, base::limits::kNoticesPerProbeMax));
  if (!all.empty()) last = all.back().id;
  for (Notice& notice : all) {
    const bool speaks = notice.mark.state == NoticeState::waiting || notice.mark.state == NoticeState::applied;
    if (speaks && notice.rail == settlement.rail) instruction.notices.push_back(std::move(notice));
  }
  return {};
}

bool Dispatcher::Impl::another_rail_is_here(const Settlement& settlement) {
  if (settlement.kind != SettlementKind::collection) return false;
  const base::Result<ledger::core::Statement> statement = reader_.statement(settlement.statement);
  if (!statement) return false;
  const base::Result<ledger::core::Plan> plan = reader_.plan(statement->plan);
  if (!plan) return false;
  return std::any_of(plan->rails.begin(), plan->rails.end(),
                     [&](const base::RailName& rail) { return find(rail.view()) != nullptr; });
}

void Dispatcher::Impl::fail_unsent(const Settlement& settlement, std::string detail, FailureClass failure) {
  // Until the ledger has it; then the settlement is another one.
  if (!defer(settlement, options_.journal_delay_ms)) return;
  if (options_.dry_run) return problem(settlement.rail.view(), settlement.id, "would fail: " + detail);
  StepSettlement step;
  step.id = settlement.id;
  step.attempt = settlement.attempt;
  step.to = SettlementState::failed;
  step.failure = failure;
  step.detail = std::move(detail);
  step.next_action = clock_.now();
  submit(step, [self = shared_from_this(), settlement, step](const CommandReceipt& receipt) {
    if (receipt.result.status == base::Status::ok) {
      if (self->observer_ != nullptr)
        self->observer_->on_step(settlement, SettlementState::failed, step.failure, step.detail);
      return self->wake();
    }
    self->deferrals_.erase(settlement.id.value);
    self->defer(settlement, kReadAgainMs);
  });
}

base::Result<Instruction> Dispatcher::Impl::resolve(const Settlement& settlement) const {
  Instruction instruction;
  instruction.settlement = settlement;
  instruction.dry_run = options_.dry_run;
  if (settlement.asset.valid()) {
    ASSIGN_OR_RETURN(instruction.asset, reader_.asset(settlement.asset));
  }
  switch (settlement.kind) {
    case SettlementKind::collection: {
      ASSIGN_OR_RETURN(const ledger::core::Payer payer, reader_.payer(settlement.payer));
      instruction.payer_address = payer.address;
      for (const ledger::core::RailMandate& mandate : payer.rail_mandates) {
        if (mandate.rail == settlement.rail) instruction.payer_rail_mandate = mandate.mandate;
      }
      break;
    }
    case SettlementKind::refund: {
      ASSIGN_OR_RETURN(const ledger::core::Payer payer, reader_.payer(settlement.payer));
      instruction.payer_address = payer.address;
      for (const ledger::core::RailMandate& mandate : payer.rail_mandates) {
        if (mandate.rail == settlement.rail) instruction.payer_rail_mandate = mandate.mandate;
      }
      ASSIGN_OR_RETURN(const ledger::core::Statement statement, reader_.statement(settlement.statement));
      ASSIGN_OR_RETURN(const Settlement origin, reader_.settlement(statement.settlement));
      instruction.origin_reference = origin.reference;
      instruction.origin_request = origin.request;
      break;
    }
    case SettlementKind::payout: {
      ASSIGN_OR_RETURN(const ledger::core::Payee payee, reader_.payee(settlement.payee));
      instruction.payee_account = payee.payout_account;
      break;
    }
    case SettlementKind::relay: {
      ASSIGN_OR_RETURN(const ledger::core::Relay relay, reader_.relay(settlement.id));
      instruction.relay_order = relay.order;
      break;
    }
  }
  return instruction;
}

void Dispatcher::Impl::begin(Rail& rail, const Settlement& settlement, bool is_probe) {
  base::Result<Instruction> instruction = resolve(settlement);
  if (!instruction) {
    problem(rail.name, settlement.id, "cannot resolve the instruction: " + instruction.error().to_string());
    defer(settlement, options_.journal_delay_ms);
    return;
  }
  auto operation = std::make_shared<Operation>();
  operation->rail = &rail;
  operation->instruction = std::move(*instruction);
  if (const base::Result<void> read = read_notices(operation->instruction, operation->notices_read); !read) {
    problem(rail.name, settlement.id, "cannot read what the rail said: " + read.error().to_string());
    defer(settlement, options_.journal_delay_ms);
    return;
  }
  operation->is_probe = is_probe;
  operation->begun = rail.breaker.begin(clock_.monotonic_ns(), operation->trial);
  CHECK(operation->begun);
  operations_[settlement.id.value] = operation;
  if (is_probe) {
    ++rail.probes;
    {
      const std::lock_guard<std::mutex> lock(status_mutex_);
      ++rail.shown.probed;
    }
    rail.settler->probe(operation->instruction, [self = shared_from_this(), operation](const Outcome& outcome) {
      self->on_outcome(operation, outcome);
    });
    return;
  }
  rail.in_flight.insert(settlement.id.value);
  ++rail.sends;
  rail.settler->prepare(operation->instruction,
                        [self = shared_from_this(), operation](base::Result<Prepared> prepared) {
                          self->on_prepared(operation, std::move(prepared));
                        });
}

void Dispatcher::Impl::rail_answered(const OperationPtr& operation, RailHealth health, std::string_view detail) {
  if (!operation->begun) return;
  operation->begun = false;
  Rail& rail = *operation->rail;
  const BreakerState before = rail.breaker.state();
  rail.breaker.end(clock_.monotonic_ns(), operation->trial, health);
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    rail.shown.breaker = rail.breaker.state();
    if (health == RailHealth::fault) ++rail.shown.faults;
  }
  if (health == RailHealth::fault) problem(rail.name, operation->settlement().id, detail);
  if (rail.breaker.state() != before && observer_ != nullptr) observer_->on_breaker(rail.name, rail.breaker.state());
}

// The operation is over. The settlement is read from the ledger again, after `defer_ms` if it is still due.
void Dispatcher::Impl::end(const OperationPtr& operation, std::uint64_t defer_ms) {
  rail_answered(operation, RailHealth::unknown, {});
  Rail& rail = *operation->rail;
  const Settlement& settlement = operation->settlement();
  operations_.erase(settlement.id.value);
  --(operation->is_probe ? rail.probes : rail.sends);
  if (!takes_place(settlement.state)) rail.in_flight.erase(settlement.id.value);
  if (defer_ms > 0) defer(settlement, defer_ms);
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    rail.shown.in_flight = rail.in_flight.size();
  }
  if (running_) wake();
  if (stop_done_ && operations_.empty()) finish_stop();
}

void Dispatcher::Impl::submit(StepSettlement step, std::function<void(CommandReceipt)> done) {
  step.detail = shortened(std::move(step.detail));
  service_.submit(std::move(step), [self = shared_from_this(), done = std::move(done)](CommandReceipt receipt) {
    // On a thread of the ledger's: cross over.
    boost::asio::post(self->io_, [self, done, receipt = std::move(receipt)]() mutable {
      if (!self->detached_) done(std::move(receipt));
    });
  });
}

void Dispatcher::Impl::on_prepared(const OperationPtr& operation, base::Result<Prepared> prepared) {
  if (detached_) return;
  Rail& rail = *operation->rail;
  if (!prepared) {
    const base::Error& error = prepared.error();
    if (error.code == base::ErrorCode::invalid_argument) {
      rail_answered(operation, RailHealth::unknown, {});
      return fail_definitely(operation, FailureClass::no_mandate, error.message);
    }
    rail_answered(operation, RailHealth::fault, error.to_string());
    return fail_definitely(operation, FailureClass::technical, error.to_string());
  }
  // For the breaker the operation goes on until the rail has answered send().
  if (prepared->failure != FailureClass::none || options_.dry_run) rail_answered(operation, RailHealth::good, {});
  if (prepared->failure != FailureClass::none)
    return fail_definitely(operation, prepared->failure, std::move(prepared->detail), std::move(prepared->code));
  if (options_.dry_run) {
    if (observer_ != nullptr) observer_->on_would_send(operation->instruction, *prepared);
    return end(operation, kDryRunRepeatMs);
  }
  if (prepared->request.size() > base::limits::kSettlementRequestBytesMax) {
    rail.settler->abandon(*prepared);
    return fail_definitely(operation, FailureClass::rejected, "the rail's request is larger than the ledger can hold");
  }
  if (!running_ || !rail.enabled) {
    rail.settler->abandon(*prepared);
    return end(operation, 0);
  }
  operation->prepared = std::move(*prepared);
  commit_sending(operation);
}

// A failure before anything was sent. In a dry run it is only told.
void Dispatcher::Impl::fail_definitely(const OperationPtr& operation, FailureClass failure, std::string detail,
                                       std::string code) {
  if (options_.dry_run) {
    problem(operation->rail->name, operation->settlement().id, "would fail: " + detail);
    return end(operation, kDryRunRepeatMs);
  }
  Outcome outcome;
  outcome.state = SettlementState::failed;
  outcome.failure = failure;
  outcome.detail = std::move(detail);
  outcome.code = std::move(code);
  record(operation, outcome);
}

void Dispatcher::Impl::commit_sending(const OperationPtr& operation) {
  const Settlement& settlement = operation->settlement();
  StepSettlement step;
  step.id = settlement.id;
  step.attempt = settlement.attempt;
  step.to = SettlementState::sending;
  step.idempotency_key = operation->prepared.idempotency_key;
  step.request = operation->prepared.request;
  step.reference = operation->prepared.reference;
  step.amount = settlement.amount;
  step.notices_read = operation->notices_read;
  step.next_action = clock_.now();  // if this process dies now, the next one probes at once
  submit(std::move(step), [self = shared_from_this(), operation](const CommandReceipt& receipt) {
    self->on_sending(operation, receipt);
  });
}

void Dispatcher::Impl::on_sending(const OperationPtr& operation, const CommandReceipt& receipt) {
  Rail& rail = *operation->rail;
  Settlement& settlement = operation->instruction.settlement;
  if (receipt.result.status != base::Status::ok) {
    rail.settler->abandon(operation->prepared);
    const base::Status status = receipt.result.status;
    if (status == base::Status::value_invalid &&
        settlement.kind == SettlementKind::refund)  // nothing is left to refund
      return fail_definitely(operation, FailureClass::rejected, receipt.result.detail);
    if (status == base::Status::wrong_state) {
      // Somebody else changed it; or nobody did, and a notice says that it was paid before.
      const base::Result<Settlement> actual = reader_.settlement(settlement.id);
      const bool same = actual && actual->state == settlement.state && actual->attempt == settlement.attempt &&
                        actual->amount == settlement.amount;
      if (same) {
        problem(rail.name, settlement.id, "not sent: " + receipt.result.detail);
        return end(operation, options_.journal_delay_ms);
      }
    } else if (status != base::Status::not_found)
      problem(rail.name, settlement.id, "cannot record that it is sent: " + receipt.result.detail);
    return end(operation, kReadAgainMs);
  }
  if (observer_ != nullptr) observer_->on_step(settlement, SettlementState::sending, FailureClass::none, {});
  settlement.state = SettlementState::sending;
  settlement.idempotency_key = operation->prepared.idempotency_key;
  settlement.request = operation->prepared.request;
  if (!operation->prepared.reference.empty()) settlement.reference = operation->prepared.reference;
  if (!rail.enabled) {
    // The kill switch came in between. Nothing was sent, and nothing will be: that is a definite failure.
    rail.settler->abandon(operation->prepared);
    return fail_definitely(operation, FailureClass::technical, "the rail was disabled before it was sent");
  }
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    ++rail.shown.sent;
    rail.shown.in_flight = rail.in_flight.size();
  }
  rail.settler->send(operation->instruction, [self = shared_from_this(), operation](const Outcome& outcome) {
    if (self->detached_) return;
    self->rail_answered(operation, health_of(outcome), outcome.detail);
    self->record(operation, outcome);
  });
}

void Dispatcher::Impl::on_outcome(const OperationPtr& operation, const Outcome& outcome) {
  if (detached_) return;
  rail_answered(operation, health_of(outcome), outcome.detail);
  record(operation, outcome);
}

namespace {

// With which step the ledger hears that the rail moved another amount than it was asked for.
bool says_moved(const Settlement& settlement, const Outcome& outcome, SettlementState to) {
  const bool is_there =
      to == SettlementState::confirmed || to == SettlementState::settled || to == SettlementState::final;
  return settlement.kind == SettlementKind::collection && outcome.moved && !outcome.moved->is_zero() && is_there;
}

// Which waiting notices about money the step to `to` books. What has moved once in this attempt does not explain that
// it moved again, nor that anything moved before the rail's answer says so: that is left waiting, for the operator.
std::vector<NoticeId> explained(const Instruction& instruction, const Outcome& outcome, SettlementState to) {
  const Settlement& settlement = instruction.settlement;
  const bool incoming = settlement.kind == SettlementKind::collection;
  const bool in_part = says_moved(settlement, outcome, to) && *outcome.moved < settlement.amount;
  const bool is_there = in_part || to == SettlementState::disputed || was_confirmed(to);
  const bool went_back = to == SettlementState::disputed || to == SettlementState::failed ||
                         (was_confirmed(settlement.state) && !was_confirmed(to)) ||
                         (settlement.state == SettlementState::disputed && to == SettlementState::returned);
  const base::u128 asked = outcome.moved && incoming ? outcome.moved->units() : settlement.amount.units();
  // A rail that counts in hundredths rounds: the first booking may be that much more.
  base::u128 hundredth = 1;
  for (std::uint32_t i = 2; i < instruction.asset.scale; ++i) hundredth *= 10;
  if (instruction.notices.size() >= base::limits::kNoticesPerProbeMax) return {};  // there may be more of them
  base::u128 came = 0, back = 0;
  std::vector<const Notice*> waiting;
  for (const Notice& notice : instruction.notices) {
    if (notice.direction == Direction::none || notice.asset != settlement.asset) continue;
    const bool own = (notice.direction == Direction::in) == incoming;
    if (notice.mark.state == NoticeState::waiting) {
      waiting.push_back(&notice);
    } else if (notice.mark.changed >= settlement.submitted) {
      (own ? came : back) += std::min(notice.amount.units(), kExplainedMax);
    }
  }
  // What fits best comes first: a small sum beside it, or the booking of an earlier attempt, must not take its place.
  const auto distance = [&](const Notice* notice) {
    const base::u128 amount = notice->amount.units();
    return std::pair(notice->external_id != settlement.reference, amount > asked ? amount - asked : asked - amount);
  };
  std::stable_sort(waiting.begin(), waiting.end(),
                   [&](const Notice* a, const Notice* b) { return distance(a) < distance(b); });
  std::vector<NoticeId> result;
  for (const Notice* notice : waiting) {
    const base::u128 amount = std::min(notice->amount.units(), kExplainedMax);
    const bool own = (notice->direction == Direction::in) == incoming;
    base::u128& sum = own ? came : back;
    const base::u128 most = own ? asked + back : std::max(came, asked);
    if (!(own ? is_there : went_back) || sum + amount > most + (sum == 0 ? hundredth : 0)) continue;
    sum += amount;
    result.push_back(notice->id);
  }
  return result;
}

// Whether the ledger has not heard yet that they were looked at.
bool has_news(const Instruction& instruction, const std::vector<NoticeId>& explained) {
  return !explained.empty() ||
         std::any_of(instruction.notices.begin(), instruction.notices.end(), [](const Notice& notice) {
           return notice.mark.state == NoticeState::waiting && notice.direction == Direction::none;
         });
}

}  // namespace

// What is kept comes out of what is moved; a rail that says it kept more than that is not to be believed by itself. The
// state is judged without it.
void Dispatcher::Impl::judge_fee(const OperationPtr& operation, Outcome& outcome) {
  const Settlement& settlement = operation->settlement();
  if (!outcome.fee || settlement.kind == SettlementKind::relay) return;
  if (*outcome.fee <= outcome.moved.value_or(settlement.amount)) return;
  const unsigned scale = operation->instruction.asset.scale;
  const std::string why = "the rail says that it kept " + outcome.fee->to_decimal_string(scale) +
                          ", which is more than what was moved: not booked, ask the rail";
  outcome.fee.reset();
  outcome.detail += outcome.detail.empty() ? why : "; " + why;
  problem(operation->rail->name, settlement.id, why);
}

void Dispatcher::Impl::record(const OperationPtr& operation, Outcome outcome) {
  const Settlement& settlement = operation->settlement();
  judge_fee(operation, outcome);
  // What was confirmed before did happen: if it is undone now, it came back.
  const bool was_there = was_confirmed(settlement.state) || settlement.state == SettlementState::disputed;
  if (outcome.state == SettlementState::failed && was_there) outcome.state = SettlementState::returned;
  const SettlementState to = next_edge(settlement.state, outcome.state);
  std::vector<NoticeId> booked = explained(operation->instruction, outcome, to);
  const bool reference_changed = !outcome.reference.empty() && outcome.reference != settlement.reference;
  const bool has_fee = outcome.fee && settlement.kind != SettlementKind::relay;
  const bool fee_changed = has_fee && *outcome.fee != settlement.rail_fee;
  if (to == settlement.state && !reference_changed && !fee_changed && !has_news(operation->instruction, booked)) {
    // Nothing new. The next look is scheduled in memory, unless that is far away or too many are waiting.
    if (outcome.next_probe_ms < options_.journal_delay_ms && defer(settlement, outcome.next_probe_ms))
      return end(operation, 0);
    if (settlement.state == SettlementState::sending) return end(operation, 0);
  }
  StepSettlement step;
  step.id = settlement.id;
  step.attempt = settlement.attempt;
  step.to = to;
  step.reference = outcome.reference;
  step.detail = outcome.detail;
  step.code = outcome.code;
  if (has_fee) step.rail_fee = outcome.fee;
  if (says_moved(settlement, outcome, to)) step.moved = outcome.moved;
  step.notices_read = operation->notices_read;
  step.explained = std::move(booked);
  std::uint64_t delay_ms = outcome.next_probe_ms;
  if (to == SettlementState::failed) {
    step.failure = outcome.failure == FailureClass::none ? FailureClass::technical : outcome.failure;
    if (step.failure == FailureClass::technical) delay_ms = technical_delay_ms(settlement.technical_retries, random());
  } else if (to != outcome.state) {
    delay_ms = 0;  // more edges follow at once
  }
  step.next_action = after_ms(delay_ms);
  submit(std::move(step), [self = shared_from_this(), operation, outcome, to](const CommandReceipt& receipt) {
    self->on_recorded(operation, outcome, to, receipt);
  });
}

void Dispatcher::Impl::on_recorded(const OperationPtr& operation, const Outcome& outcome, SettlementState to,
                                   const CommandReceipt& receipt) {
  Settlement& settlement = operation->instruction.settlement;
  const base::Status status = receipt.result.status;
  if (status == base::Status::overloaded && running_) {
    // What the rail said must not get lost for a full queue: it would cost another probe.
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(kOverloadedMs));
    timer->async_wait([self = shared_from_this(), operation, outcome, timer](const boost::system::error_code&) {
      if (!self->detached_) self->record(operation, outcome);
    });
    return;
  }
  if (status != base::Status::ok) {
    // wrong_state: somebody else moved it, or the ledger has no such edge. It is read again; the rail's answer can be
    // had again by a probe.
    problem(operation->rail->name, settlement.id,
            "the ledger refused the step to state " + std::to_string(static_cast<unsigned>(to)) + " (" +
                std::string(base::name(status)) + "): " + receipt.result.detail);
    const base::Result<Settlement> actual = reader_.settlement(settlement.id);
    if (actual) settlement = *actual;
    return end(operation, outcome.next_probe_ms + kReadAgainMs);
  }
  if (observer_ != nullptr) {
    const FailureClass failure = to == SettlementState::failed ? outcome.failure : FailureClass::none;
    observer_->on_step(settlement, to, failure, outcome.detail);
  }
  // A part was moved: the ledger made a new attempt of the rest.
  if (says_moved(settlement, outcome, to) && *outcome.moved < settlement.amount) return end(operation, kReadAgainMs);
  const SettlementState before = settlement.state;
  settlement.state = to;
  if (!outcome.reference.empty()) settlement.reference = outcome.reference;
  if (to != before && to != outcome.state && next_edge(to, outcome.state) != to) return record(operation, outcome);
  end(operation, 0);
}

}  // namespace settlers
