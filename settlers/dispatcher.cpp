#include "settlers/dispatcher.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "base/check.h"
#include "settlers/dispatcher_impl.h"

namespace settlers {

namespace {

// Settlements of one rail between prepare() and the answer to send(): a rail may have many more under way, but each
// that is being worked on is read again by every look, so their number must not grow with what waits.
constexpr std::size_t kSendsPerRailMax = 1'024;
// Rows of one state read in one step of the sweep.
constexpr std::size_t kSweepRows = 256;
// The sweep finds what the due list hides behind settlements that cannot move (a stuck rail); without such pressure it
// runs this often, as a safety net.
constexpr std::uint64_t kSweepIntervalNs = 10'000'000'000;
constexpr std::uint64_t kNsPerMs = 1'000'000;
// Names of rails without a settler that status() shows.
constexpr std::size_t kMissingRailsMax = 16;

constexpr SettlementState kSweptStates[] = {
    SettlementState::ready,     SettlementState::sending, SettlementState::accepted, SettlementState::unknown,
    SettlementState::confirmed, SettlementState::settled, SettlementState::disputed};

}  // namespace

std::uint64_t technical_delay_ms(std::uint32_t retries, std::uint64_t random) noexcept {
  constexpr std::uint32_t kFastRetries = 8;
  constexpr std::uint64_t kSlowMs[] = {300'000, 1'800'000, 7'200'000, 21'600'000};
  if (retries < kFastRetries) {
    const std::uint64_t ceiling = std::min<std::uint64_t>(60'000, 500ULL << retries);
    return random % (ceiling + 1);
  }
  const std::size_t step = std::min<std::size_t>(retries - kFastRetries, std::size(kSlowMs) - 1);
  return kSlowMs[step];
}

// Submits to the ledger and nothing else: what became due is found by the look that its commit brings about.
class Dispatcher::Impl::LedgerInbox final : public Inbox {
 public:
  LedgerInbox(ledger::api::LedgerService& service, DispatcherObserver* observer)
      : service_(service), observer_(observer) {}

  void record(std::vector<Notice> notices, Done<base::Result<std::vector<NoticeAnswer>>> done) override {
    auto kept = std::make_shared<std::vector<Notice>>(notices);
    service_.submit(ledger::core::RecordNotices{std::move(notices)},
                    [observer = observer_, kept, done = std::move(done)](ledger::api::CommandReceipt receipt) {
                      ledger::core::CommandResult& result = receipt.result;
                      if (result.status != base::Status::ok) {
                        return done(base::error(base::ErrorCode::unavailable,
                                                "the ledger recorded no notice (" +
                                                    std::string(base::name(result.status)) + "): " + result.detail));
                      }
                      std::vector<Notice> fresh;
                      for (std::size_t i = 0; i < result.notices.size(); ++i) {
                        if (result.notices[i].status != base::Status::ok) continue;
                        fresh.push_back((*kept)[i]);
                        fresh.back().id = result.notices[i].id;
                      }
                      if (observer != nullptr && !fresh.empty()) observer->on_notices(fresh);
                      done(std::move(result.notices));
                    });
  }

 private:
  ledger::api::LedgerService& service_;
  DispatcherObserver* observer_;
};

Dispatcher::Impl::Impl(boost::asio::io_context& io, ledger::api::LedgerService& service,
                       const ledger::api::LedgerReader& reader, const base::Clock& clock, DispatcherOptions options,
                       DispatcherObserver* observer)
    : io_(io),
      service_(service),
      reader_(reader),
      clock_(clock),
      options_(std::move(options)),
      observer_(observer),
      timer_(io),
      stop_timer_(io),
      random_state_(options_.jitter_seed) {
  inbox_ = std::make_unique<LedgerInbox>(service_, observer_);
}

void Dispatcher::Impl::add(std::unique_ptr<Settler> settler) {
  CHECK(!running_);
  CHECK_MSG(find(settler->rail()) == nullptr, "two settlers for one rail");
  auto rail = std::make_unique<Rail>(options_.breaker);
  rail->name = std::string(settler->rail());
  rail->capabilities = settler->capabilities();
  rail->settler = std::move(settler);
  rail->enabled = std::find(options_.disabled_rails.begin(), options_.disabled_rails.end(), rail->name) ==
                  options_.disabled_rails.end();
  rail->shown.rail = rail->name;
  rail->shown.in_flight_max = rail->capabilities.in_flight_max;
  rails_.push_back(std::move(rail));
}

Dispatcher::Impl::Rail* Dispatcher::Impl::find(std::string_view name) const {
  for (const std::unique_ptr<Rail>& rail : rails_) {
    if (rail->name == name) return rail.get();
  }
  return nullptr;
}

std::uint64_t Dispatcher::Impl::random() {
  // SplitMix64: the jitter needs an even spread, not secrecy.
  std::uint64_t z = (random_state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

void Dispatcher::Impl::start(Done<base::Result<void>> done) {
  boost::asio::post(
      io_, [self = shared_from_this(), done = std::move(done)]() mutable { self->start_next(0, std::move(done)); });
}

void Dispatcher::Impl::start_next(std::size_t index, Done<base::Result<void>> done) {
  if (detached_) return;
  if (index < rails_.size()) {
    Rail& rail = *rails_[index];
    rail.settler->set_sending(rail.enabled && !options_.dry_run);
    rail.settler->start([self = shared_from_this(), index, done = std::move(done)](base::Result<void> started) mutable {
      if (started) return self->start_next(index + 1, std::move(done));
      for (const std::unique_ptr<Rail>& other : self->rails_) other->settler->stop();
      base::Error error = std::move(started).error();
      error.message = "rail " + self->rails_[index]->name + ": " + error.message;
      done(tl::unexpected<base::Error>(std::move(error)));
    });
    return;
  }
  const base::Result<void> adopted = adopt_open();
  if (!adopted) {
    for (const std::unique_ptr<Rail>& rail : rails_) rail->settler->stop();
    return done(adopted);
  }
  running_ = true;
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    shown_running_ = true;
  }
  done({});
  schedule(0);
}

// What is on its way on the rails: the settlers learn of it, and it takes its place before anything new is sent.
base::Result<void> Dispatcher::Impl::adopt_open() {
  for (const SettlementState state : kSweptStates) {
    if (!is_probed(state)) continue;
    SettlementId after;
    for (;;) {
      ASSIGN_OR_RETURN(const std::vector<Settlement> page, reader_.settlements_in(state, after, kSweepRows));
      for (const Settlement& settlement : page) {
        after = settlement.id;
        Rail* rail = find(settlement.rail.view());
        if (rail == nullptr) continue;
        rail->settler->adopt(settlement);
        if (takes_place(state)) rail->in_flight.insert(settlement.id.value);
      }
      if (page.size() < kSweepRows) break;
    }
  }
  const std::lock_guard<std::mutex> lock(status_mutex_);
  for (const std::unique_ptr<Rail>& rail : rails_) rail->shown.in_flight = rail->in_flight.size();
  return {};
}

void Dispatcher::Impl::stop(std::function<void()> done) {
  boost::asio::post(io_, [self = shared_from_this(), done = std::move(done)]() mutable {
    CHECK_MSG(!self->stop_done_, "stop() is called once");
    self->stop_done_ = std::move(done);
    self->running_ = false;
    self->timer_.cancel();
    if (self->operations_.empty()) return self->finish_stop();
    self->stop_timer_.expires_after(std::chrono::milliseconds(self->options_.stop_grace_ms));
    self->stop_timer_.async_wait([self](const boost::system::error_code& failed) {
      if (!failed) self->finish_stop();
    });
  });
}

void Dispatcher::Impl::finish_stop() {
  if (!stop_done_ || detached_) return;
  stop_timer_.cancel();
  for (const std::unique_ptr<Rail>& rail : rails_) rail->settler->stop();
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    shown_running_ = false;
  }
  const std::function<void()> done = std::move(stop_done_);
  stop_done_ = nullptr;
  detached_ = true;  // what still comes from the rails is found again by probes after the next start
  operations_.clear();
  done();
}

void Dispatcher::Impl::detach() {
  detached_ = true;
  running_ = false;
  timer_.cancel();
  stop_timer_.cancel();
  for (const std::unique_ptr<Rail>& rail : rails_) rail->settler->stop();
  operations_.clear();
  rails_.clear();
}

void Dispatcher::Impl::wake() {
  if (wake_pending_.exchange(true)) return;
  boost::asio::post(io_, [self = shared_from_this()] {
    self->wake_pending_ = false;
    if (!self->running_ || self->tick_scheduled_soon_) return;
    const std::uint64_t since_ms = (self->clock_.monotonic_ns() - self->last_look_ns_) / kNsPerMs;
    const std::uint64_t spacing_ms = self->options_.wake_spacing_ms;
    self->schedule(since_ms >= spacing_ms ? 0 : spacing_ms - since_ms);
    self->tick_scheduled_soon_ = true;
  });
}

void Dispatcher::Impl::schedule(std::uint64_t delay_ms) {
  timer_.expires_after(std::chrono::milliseconds(delay_ms));
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
    if (!failed) self->tick();
  });
}

void Dispatcher::Impl::tick() {
  if (!running_) return;
  tick_scheduled_soon_ = false;
  last_look_ns_ = clock_.monotonic_ns();
  look();
  std::uint64_t delay_ms = options_.poll_ms;
  for (const auto& [id, deferral] : deferrals_) {
    if (deferral.until_ns <= last_look_ns_) continue;
    delay_ms = std::min(delay_ms, (deferral.until_ns - last_look_ns_) / kNsPerMs + 1);
  }
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    shown_scheduled_ = deferrals_.size();
  }
  schedule(std::max(delay_ms, options_.wake_spacing_ms));
}

void Dispatcher::Impl::look() {
  const std::size_t limit = options_.due_read_max + operations_.size() + deferrals_.size();
  const base::Result<std::vector<Settlement>> due = reader_.due_settlements(clock_.now(), limit);
  if (!due) return problem({}, {}, "cannot read due settlements: " + due.error().to_string());
  for (const Settlement& settlement : *due) consider(settlement);
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (due->size() >= limit || now_ns - last_sweep_ns_ >= kSweepIntervalNs) sweep();
  forget_old_deferrals();
}

// One page of each state in turn, from where the last sweep ended.
void Dispatcher::Impl::sweep() {
  last_sweep_ns_ = clock_.monotonic_ns();
  const base::Time now = clock_.now();
  const SettlementState state = kSweptStates[sweep_state_];
  const base::Result<std::vector<Settlement>> page = reader_.settlements_in(state, sweep_after_, kSweepRows);
  if (!page) return problem({}, {}, "cannot read settlements: " + page.error().to_string());
  for (const Settlement& settlement : *page) {
    sweep_after_ = settlement.id;
    if (settlement.next_action <= now || state == SettlementState::sending) consider(settlement);
  }
  if (page->size() < kSweepRows) {
    sweep_after_ = {};
    sweep_state_ = (sweep_state_ + 1) % std::size(kSweptStates);
  }
}

bool Dispatcher::Impl::deferred(const Settlement& settlement) {
  const auto found = deferrals_.find(settlement.id.value);
  if (found == deferrals_.end()) return false;
  const Deferral& deferral = found->second;
  if (deferral.until_ns > clock_.monotonic_ns() && deferral.state == settlement.state &&
      deferral.attempt == settlement.attempt && deferral.technical_retries == settlement.technical_retries &&
      deferral.next_action == settlement.next_action) {
    return true;
  }
  deferrals_.erase(found);
  return false;
}

void Dispatcher::Impl::forget_old_deferrals() {
  // One that is long over belongs to a settlement that is no longer due.
  const std::uint64_t now_ns = clock_.monotonic_ns();
  for (auto it = deferrals_.begin(); it != deferrals_.end();) {
    it = it->second.until_ns + kSweepIntervalNs < now_ns ? deferrals_.erase(it) : std::next(it);
  }
}

void Dispatcher::Impl::consider(const Settlement& settlement) {
  if (operations_.count(settlement.id.value) != 0 || deferred(settlement)) return;
  Rail* rail = find(settlement.rail.view());
  if (rail == nullptr && settlement.state == SettlementState::ready && another_rail_is_here(settlement)) {
    return fail_unsent(settlement, "the rail " + std::string(settlement.rail.view()) + " is not configured");
  }
  if (rail == nullptr) {
    const std::string missing(settlement.rail.view());
    bool is_new = false;
    {
      const std::lock_guard<std::mutex> lock(status_mutex_);
      is_new = missing_rails_.size() < kMissingRailsMax && missing_rails_.insert(missing).second;
    }
    if (is_new) problem(missing, settlement.id, "no settler for this rail is configured: its settlements wait");
    return;
  }
  const Capabilities& can = rail->capabilities;
  if (settlement.state == SettlementState::ready) {
    if (settlement.kind == SettlementKind::collection && !can.pull && !can.request)
      return fail_unsent(settlement, "the rail " + rail->name + " cannot collect");
    if (settlement.kind == SettlementKind::payout && !can.push)
      return fail_unsent(settlement, "the rail " + rail->name + " cannot pay out");
    if (settlement.kind == SettlementKind::refund && !can.refunds)
      return fail_unsent(settlement, "the rail " + rail->name + " cannot refund", FailureClass::rejected);
  }
  if (!rail->settler->available() || !rail->breaker.would_begin(clock_.monotonic_ns())) return;
  if (settlement.state == SettlementState::ready) {
    if (!rail->enabled || rail->in_flight.size() >= rail->capabilities.in_flight_max) return;
    if (rail->sends >= kSendsPerRailMax) return;
    if (options_.dry_run && deferrals_.size() >= options_.scheduled_max) return;
    begin(*rail, settlement, false);
  } else if (is_probed(settlement.state)) {
    if (options_.dry_run || rail->probes >= rail->settler->probes_max()) return;
    begin(*rail, settlement, true);
  }
}

bool Dispatcher::Impl::set_enabled(std::string_view rail_name, bool enabled) {
  Rail* rail = find(rail_name);
  if (rail == nullptr) return false;
  rail->enabled = enabled;
  boost::asio::post(io_, [self = shared_from_this(), rail, enabled] {
    if (!self->detached_) rail->settler->set_sending(enabled && !self->options_.dry_run);
  });
  wake();
  return true;
}

std::vector<std::string> Dispatcher::Impl::rails() const {
  std::vector<std::string> names;
  for (const std::unique_ptr<Rail>& rail : rails_) names.push_back(rail->name);
  return names;
}

void Dispatcher::Impl::movements(std::string_view rail_name, MovementQuery query,
                                 Done<base::Result<MovementPage>> done) {
  boost::asio::post(
      io_, [self = shared_from_this(), rail = find(rail_name), query = std::move(query), done = std::move(done)] {
        if (self->detached_) return;
        if (rail == nullptr || !self->running_)
          return done(base::error(base::ErrorCode::unavailable, "the rail is not running"));
        rail->settler->movements(query, done);
      });
}

bool Dispatcher::Impl::keeps_record(std::string_view rail_name, const Settlement& settlement) const {
  const Rail* rail = find(rail_name);
  return rail != nullptr && rail->settler->keeps_record(settlement);
}

DispatcherStatus Dispatcher::Impl::status() const {
  DispatcherStatus status;
  {
    const std::lock_guard<std::mutex> lock(status_mutex_);
    status.running = shown_running_;
    status.scheduled = shown_scheduled_;
    status.missing_rails.assign(missing_rails_.begin(), missing_rails_.end());
    for (const std::unique_ptr<Rail>& rail : rails_) status.rails.push_back(rail->shown);
  }
  for (std::size_t i = 0; i < rails_.size(); ++i) {
    status.rails[i].enabled = rails_[i]->enabled;
    status.rails[i].dry_run = options_.dry_run;
    status.rails[i].available = rails_[i]->settler->available();
    status.rails[i].description = rails_[i]->settler->describe();
    status.rails[i].gauges = rails_[i]->settler->gauges();
  }
  return status;
}

Dispatcher::Dispatcher(boost::asio::io_context& io, ledger::api::LedgerService& service,
                       const ledger::api::LedgerReader& reader, const base::Clock& clock, DispatcherOptions options,
                       DispatcherObserver* observer)
    : impl_(std::make_shared<Impl>(io, service, reader, clock, std::move(options), observer)) {}

Dispatcher::~Dispatcher() { impl_->detach(); }

void Dispatcher::add(std::unique_ptr<Settler> settler) { impl_->add(std::move(settler)); }
void Dispatcher::start(Done<base::Result<void>> done) { impl_->start(std::move(done)); }
void Dispatcher::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
void Dispatcher::wake() { impl_->wake(); }
std::vector<std::string> Dispatcher::rails() const { return impl_->rails(); }
void Dispatcher::movements(std::string_view rail, MovementQuery query, Done<base::Result<MovementPage>> done) {
  impl_->movements(rail, std::move(query), std::move(done));
}
bool Dispatcher::keeps_record(std::string_view rail, const Settlement& settlement) const {
  return impl_->keeps_record(rail, settlement);
}
Inbox& Dispatcher::inbox() { return impl_->inbox(); }
bool Dispatcher::set_enabled(std::string_view rail, bool enabled) { return impl_->set_enabled(rail, enabled); }
DispatcherStatus Dispatcher::status() const { return impl_->status(); }

}  // namespace settlers
