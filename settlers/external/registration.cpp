// Who is there: registration, what is handed over, signs of life, the end.

#include <array>

#include "base/check.h"
#include "settlers/external/stand_in.h"

namespace settlers::external {

namespace {

using base::error;
using base::ErrorCode;
using S = SettlementState;

// Between sending and final: what a settler must know of before it is asked for anything new.
constexpr std::array kOpenStates = {S::sending, S::accepted, S::unknown, S::confirmed, S::settled, S::disputed};
constexpr std::uint64_t kUsPerSecond = 1'000'000;

}  // namespace

Rails::StandIn::StandIn(std::shared_ptr<const Parts> parts, Options options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      name_(*base::RailName::parse(options_.rail)),
      heartbeat_(parts_->io),
      quota_(options_.notices_per_s, options_.notices_open_max),
      since_(parts_->clock.now()) {}

void Rails::StandIn::enter(std::shared_ptr<Peer> peer, Done<base::Result<void>> done) {
  if (stopped_) return done(error(ErrorCode::unavailable, "the daemon is stopping"));
  if (peer_) {
    return done(error(ErrorCode::unavailable, "another settler serves the rail " + options_.rail +
                                                  ". One that is gone without a word is let go "
                                                  "within " +
                                                  std::to_string(2 * options_.heartbeat_ms) +
                                                  " ms: try again until then"));
  }
  peer_ = std::move(peer);
  entering_ = std::move(done);
  ask<Capabilities>(
      "capabilities()", options_.call_ms, [](Peer& to, auto answered) { to.capabilities(std::move(answered)); },
      [self = shared_from_this()](base::Result<Capabilities> said) {
        if (!said) return self->refuse(said.error());
        self->on_capabilities(*said);
      });
}

void Rails::StandIn::on_capabilities(const Capabilities& can) {
  std::string lacks = missing(can, options_);
  if (!lacks.empty())
    return refuse({ErrorCode::invalid_argument, "rails.external \"" + options_.rail + "\": " + std::move(lacks)});
  start_peer();
}

void Rails::StandIn::start_peer() {
  Opening opening{options_.rail,    parts_->network,       options_.in_flight_max,
                  options_.call_ms, options_.heartbeat_ms, sending_};
  ask<void>(
      "start()", options_.call_ms, [opening](Peer& to, auto answered) { to.start(opening, std::move(answered)); },
      [self = shared_from_this()](base::Result<void> said) {
        if (!said) return self->refuse(said.error());
        self->adopt_state_ = 0;
        self->adopt_after_ = {};
        self->adopt_next();
      });
}

// One call's worth of open settlements, then the next. Nothing is prepared or sent meanwhile.
void Rails::StandIn::adopt_next() {
  std::vector<Settlement> batch;
  std::size_t bytes = 0;
  while (batch.empty() && adopt_state_ < kOpenStates.size()) {
    const base::Result<std::vector<Settlement>> page =
        parts_->reader.settlements_in(kOpenStates[adopt_state_], adopt_after_, base::limits::kRailAdoptItemsMax);
    if (!page) return refuse({ErrorCode::unavailable, "cannot read what is open: " + page.error().to_string()});
    bool cut = false;
    for (const Settlement& settlement : *page) {
      if (bytes > base::limits::kRailAdoptBytesMax) {
        cut = true;
        break;
      }
      adopt_after_ = settlement.id;
      if (settlement.rail != name_) continue;
      bytes += settlement.request.size();
      batch.push_back(settlement);
    }
    if (!cut && page->size() < base::limits::kRailAdoptItemsMax) {
      ++adopt_state_;
      adopt_after_ = {};
    }
  }
  if (batch.empty()) return serve();
  ask<void>(
      "adopt()", options_.call_ms, [&batch](Peer& to, auto answered) { to.adopt(batch, std::move(answered)); },
      [self = shared_from_this()](base::Result<void> said) {
        if (!said) return self->refuse(said.error());
        self->adopt_next();
      });
}

void Rails::StandIn::serve() {
  peer_->set_sending(sending_);
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    since_ = parts_->clock.now();
    ++registrations_;
    report_ = {};
  }
  serving_ = true;
  news("its settler is connected");
  if (const auto done = std::exchange(entering_, nullptr)) done({});
  beat();
  parts_->wake();
}

// Of a peer that is not registered yet.
void Rails::StandIn::refuse(base::Error error) {
  const auto done = std::exchange(entering_, nullptr);
  if (peer_) forget("not registered: " + error.message);
  if (done) done(tl::unexpected<base::Error>(std::move(error)));
}

void Rails::StandIn::leave(const std::shared_ptr<Peer>& peer, const std::string& reason) {
  if (peer_ == peer) drop(reason);
}

void Rails::StandIn::drop(const std::string& reason) {
  const std::shared_ptr<Peer> peer = peer_;
  forget(reason);
  peer->close(reason);
}

// What still comes from the peer is dropped, and what waits for it gets its error. Its connection is left alone: one
// that was refused reads why.
void Rails::StandIn::forget(const std::string& reason) {
  peer_ = nullptr;
  const bool was_serving = serving_.exchange(false);
  heartbeat_.cancel();
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    if (was_serving) since_ = parts_->clock.now();
    gone_because_ = reason;
    report_ = {};
  }
  news("its settler is gone: " + reason);
  const base::Error gone{ErrorCode::io, "the settler is gone: " + reason};
  for (auto& [id, call] : std::exchange(calls_, {})) {
    call->timer.cancel();
    call->fail(gone);
  }
}

// The description is the sign of life.
void Rails::StandIn::beat() {
  ask<Report>(
      "report()", options_.heartbeat_ms, [](Peer& to, auto answered) { to.report(std::move(answered)); },
      [self = shared_from_this(), peer = peer_](base::Result<Report> said) {
        if (self->peer_ != peer) return;
        if (!said) return self->drop("no sign of life: " + said.error().message);
        {
          const std::lock_guard<std::mutex> lock(self->shown_mutex_);
          self->report_ = judged(std::move(*said));
        }
        self->heartbeat_.expires_after(std::chrono::milliseconds(self->options_.heartbeat_ms));
        self->heartbeat_.async_wait([self](const boost::system::error_code& ended) {
          if (!ended && self->peer_) self->beat();
        });
      });
}

void Rails::StandIn::set_sending(bool allowed) {
  sending_ = allowed;
  if (serving_) peer_->set_sending(allowed);
}

void Rails::StandIn::stop() {
  stopped_ = true;
  serving_ = false;
  heartbeat_.cancel();
  for (auto& [id, call] : std::exchange(calls_, {})) call->timer.cancel();  // unanswered: found again in the ledger
  if (const std::shared_ptr<Peer> peer = std::exchange(peer_, nullptr)) peer->stop();
  if (const auto done = std::exchange(entering_, nullptr))
    done(error(ErrorCode::unavailable, "the daemon is stopping"));
}

std::string Rails::StandIn::describe() const {
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  const std::uint64_t now_us = parts_->clock.now().us;
  const std::string for_s = std::to_string((now_us - std::min(now_us, since_.us)) / kUsPerSecond) + " s";
  if (serving_) return "connected for " + for_s + (report_.description.empty() ? "" : ": " + report_.description);
  return "not connected for " + for_s + (gone_because_.empty() ? "" : ": " + gone_because_);
}

std::vector<Gauge> Rails::StandIn::gauges() const {
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  std::vector<Gauge> all = report_.gauges;
  all.push_back({"registrations_total", static_cast<std::int64_t>(registrations_)});
  all.push_back({"nonsense_answers_total", static_cast<std::int64_t>(nonsense_)});
  all.push_back({"unanswered_calls_total", static_cast<std::int64_t>(unanswered_)});
  return all;
}

}  // namespace settlers::external
