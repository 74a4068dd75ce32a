// What the dispatcher asks, and what it is told when the peer cannot say.

#include "settlers/external/stand_in.h"

namespace settlers::external {

namespace {

constexpr std::uint64_t kProbeAgainMs = 1'000;

Outcome unsure(std::string detail) {
  Outcome outcome;
  outcome.state = SettlementState::unknown;
  outcome.detail = std::move(detail);
  outcome.rail_fault = true;
  outcome.next_probe_ms = kProbeAgainMs;
  return outcome;
}

}  // namespace

void Rails::StandIn::prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) {
  if (instruction.settlement.kind == SettlementKind::relay)
    return done(base::error(base::ErrorCode::invalid_argument, "a rail in another process takes no relays"));
  if (!serving_) return done(base::error(base::ErrorCode::unavailable, "no settler of this rail is connected"));
  ask<Prepared>(
      "prepare()", options_.call_ms,
      [&instruction](Peer& to, auto answered) { to.prepare(instruction, std::move(answered)); },
      [self = shared_from_this(), instruction, done = std::move(done)](base::Result<Prepared> said) {
        base::Result<Prepared> believed = said ? judged(std::move(*said), instruction) : std::move(said);
        if (!believed) {
          const std::lock_guard<std::mutex> lock(self->shown_mutex_);
          ++(said ? self->nonsense_ : self->unanswered_);
        }
        // invalid_argument would be a definite failure; what is definite a peer says in Prepared::failure.
        if (!believed && believed.error().code == base::ErrorCode::invalid_argument)
          believed = base::error(base::ErrorCode::io, believed.error().message);
        done(std::move(believed));
      });
}

void Rails::StandIn::abandon(const Prepared& prepared) {
  if (serving_) peer_->abandon(prepared);
}

void Rails::StandIn::send(const Instruction& instruction, Done<Outcome> done) {
  if (!serving_) {
    Outcome outcome;
    outcome.state = SettlementState::failed;
    outcome.failure = FailureClass::technical;
    outcome.detail = "not sent: the settler has gone since it prepared it";
    return done(outcome);
  }
  ask<Outcome>(
      "send()", options_.call_ms,
      [&instruction](Peer& to, auto answered) { to.send(instruction, std::move(answered)); },
      [self = shared_from_this(), instruction, done = std::move(done)](base::Result<Outcome> said) {
        self->take("send()", std::move(said), instruction, Asked::send, done);
      });
}

void Rails::StandIn::probe(const Instruction& instruction, Done<Outcome> done) {
  if (!serving_) return done(unsure("not asked: no settler of this rail is connected"));
  ask<Outcome>(
      "probe()", options_.call_ms,
      [&instruction](Peer& to, auto answered) { to.probe(instruction, std::move(answered)); },
      [self = shared_from_this(), instruction, done = std::move(done)](base::Result<Outcome> said) {
        self->take("probe()", std::move(said), instruction, Asked::probe, done);
      });
}

void Rails::StandIn::take(const char* what, base::Result<Outcome> said, const Instruction& instruction, Asked asked,
                          const Done<Outcome>& done) {
  if (!said) {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    ++unanswered_;
  }
  if (!said) return done(unsure(std::string(what) + ": " + said.error().message));
  base::Result<Outcome> believed = judged(std::move(*said), instruction, asked);
  if (believed) return done(*believed);
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    ++nonsense_;
  }
  done(unsure(std::string(what) + " was answered with nonsense: " + believed.error().message));
}

}  // namespace settlers::external
