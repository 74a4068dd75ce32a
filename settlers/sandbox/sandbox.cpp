#include "settlers/sandbox/sandbox.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <set>

#include "base/codec.h"
#include "crypto/sha256.h"

namespace settlers::sandbox {

namespace {

using ledger::core::Address;

// Payments that are over and still remembered: beyond it the oldest are forgotten, so that memory stays bounded.
constexpr std::size_t kFinishedMax = 65'536;

struct ScriptName {
  Script script;
  std::string_view name;
};
constexpr ScriptName kScriptNames[] = {
    {Script::success, "success"},           {Script::insufficient_funds, "insufficient_funds"},
    {Script::no_mandate, "no_mandate"},     {Script::rejected, "rejected"},
    {Script::technical, "technical"},       {Script::lost_accepted, "lost_accepted"},
    {Script::lost_absent, "lost_absent"},   {Script::unreachable, "unreachable"},
    {Script::returned, "returned"},         {Script::refused_at_prepare, "refused_at_prepare"},
    {Script::needs_action, "needs_action"}, {Script::stray, "stray"},
};

FailureClass failure_of(Script script) {
  switch (script) {
    case Script::insufficient_funds:
    case Script::refused_at_prepare: return FailureClass::insufficient_funds;
    case Script::no_mandate: return FailureClass::no_mandate;
    case Script::rejected: return FailureClass::rejected;
    case Script::needs_action: return FailureClass::needs_action;
    case Script::technical:
    case Script::lost_absent: return FailureClass::technical;
    default: return FailureClass::none;
  }
}

Outcome failed(FailureClass failure, std::string detail) {
  Outcome outcome;
  outcome.state = SettlementState::failed;
  outcome.failure = failure;
  outcome.detail = std::move(detail);
  return outcome;
}

Hash notice_key(const Hash& payment, std::string_view what) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.string("tabd sandbox notice 1");
  out.fixed(payment);
  out.string(std::string(what));
  return crypto::sha256(bytes);
}

Outcome no_answer() {
  Outcome outcome;
  outcome.state = SettlementState::unknown;
  outcome.detail = "sandbox: no answer (scripted)";
  outcome.rail_fault = true;
  return outcome;
}

}  // namespace

std::optional<Script> script_from_name(std::string_view text) noexcept {
  for (const ScriptName& entry : kScriptNames) {
    if (entry.name == text) return entry.script;
  }
  return std::nullopt;
}

std::string_view name(Script script) noexcept {
  for (const ScriptName& entry : kScriptNames) {
    if (entry.script == script) return entry.name;
  }
  return "success";
}

class SandboxSettler::Impl : public std::enable_shared_from_this<SandboxSettler::Impl> {
 public:
  struct Payment {
    Script script = Script::success;
    Address payer;
    bool sent = false;
    bool finished = false;
    std::uint64_t sent_us = 0;
  };

  Impl(boost::asio::io_context& io, const base::Clock& clock, SandboxOptions options, Inbox* inbox)
      : options_(std::move(options)), io_(io), clock_(clock), inbox_(inbox) {}

  Prepared prepare(const Instruction& instruction) {
    const Settlement& settlement = instruction.settlement;
    Prepared prepared;
    prepared.idempotency_key = key_of(settlement);
    base::Encoder out(prepared.request);
    out.string("tabd sandbox payment 1");
    out.id(settlement.id);
    out.amount(settlement.amount);
    prepared.reference = "sandbox-" + base::to_hex(prepared.idempotency_key).substr(2, 16);
    prepared.detail =
        "would move " + settlement.amount.to_decimal_string(instruction.asset.scale) + " " + instruction.asset.symbol;
    if (instruction.dry_run) return prepared;
    const auto [found, is_new] = payments_.try_emplace(prepared.idempotency_key);
    Payment& payment = found->second;
    if (is_new) {
      payment.script = script_for(instruction);
      payment.payer = instruction.payer_address;
      Moved& moved = moved_[prepared.idempotency_key];
      moved.settlement = settlement.id;
      moved.asset = settlement.asset;
      moved.amount = settlement.amount;
      moved.kind = settlement.kind;
    }
    if (payment.script == Script::refused_at_prepare) {
      prepared.failure = FailureClass::insufficient_funds;
      prepared.detail = "sandbox: refused before sending (scripted)";
      finish(prepared.idempotency_key);
    }
    return prepared;
  }

  void abandon(const Hash& key) {
    const auto found = payments_.find(key);
    if (found == payments_.end() || found->second.sent) return;
    payments_.erase(found);
    moved_.erase(key);
  }

  Outcome send(const Settlement& settlement) {
    const auto found = payments_.find(settlement.idempotency_key);
    if (found == payments_.end()) return failed(FailureClass::technical, "sandbox: sent without prepare");
    Payment& payment = found->second;
    Moved& moved = moved_[settlement.idempotency_key];
    ++moved.sends;
    moved.time = clock_.now();
    if (payment.script == Script::unreachable || payment.script == Script::lost_absent) return no_answer();
    if (failure_of(payment.script) != FailureClass::none) {
      finish(settlement.idempotency_key);
      Outcome outcome =
          failed(failure_of(payment.script), "sandbox: " + std::string(sandbox::name(payment.script)) + " (scripted)");
      outcome.code = sandbox::name(payment.script);
      return outcome;
    }
    if (!payment.sent) {  // a second send with the same key is the same payment
      payment.sent = true;
      payment.sent_us = clock_.now().us;
      ++moved.moved;
      const std::lock_guard<std::mutex> lock(mutex_);
      ++payments_moved_;
    }
    if (moved.sends == 1) tell(settlement, payment);
    if (payment.script == Script::lost_accepted) return no_answer();
    return progress(settlement.idempotency_key, payment);
  }

  // As a webhook comes: after the payment, and beside the answer.
  void tell(const Settlement& settlement, const Payment& payment) {
    if (inbox_ == nullptr || settlement.kind == SettlementKind::relay) return;
    std::vector<Notice> notices;
    Notice notice;
    notice.rail = settlement.rail;
    notice.source = "sandbox";
    notice.external_id = settlement.reference;
    if (options_.announce) {
      notice.key = notice_key(settlement.idempotency_key, "moved");
      notice.settlement = settlement.id;
      notices.push_back(notice);
    }
    if (payment.script == Script::stray) {
      notice.key = notice_key(settlement.idempotency_key, "stray");
      notice.kind = ledger::core::NoticeKind::booked;
      notice.settlement = SettlementId{};
      notice.asset = settlement.asset;
      notice.amount = settlement.amount;
      notice.direction = ledger::core::Direction::in;
      notice.detail = "sandbox: the same amount once more (scripted)";
      notices.push_back(notice);
    }
    if (!notices.empty()) inbox_->record(std::move(notices), [](const auto&) {});
  }

  Outcome probe(const Settlement& settlement) {
    const auto found = payments_.find(settlement.idempotency_key);
    if (found == payments_.end()) {
      if (!options_.forgotten_is_final)
        return failed(FailureClass::technical, "sandbox: there is no payment with this key");
      Outcome outcome;
      outcome.state = SettlementState::final;
      outcome.detail = "sandbox: forgotten in a restart, taken as final";
      return outcome;
    }
    Payment& payment = found->second;
    if (payment.script == Script::unreachable) return no_answer();
    if (!payment.sent) {
      finish(settlement.idempotency_key);
      return failed(FailureClass::technical, "sandbox: there is no payment with this key");
    }
    return progress(settlement.idempotency_key, payment);
  }

  // Calls `done` with what `make` says, after the scripted delay.
  template <typename T, typename Make>
  void reply(Done<T> done, Make make) {
    if (options_.reply_ms == 0) {
      boost::asio::post(io_, [self = shared_from_this(), done = std::move(done), make] {
        if (!self->stopped_) done(make());
      });
      return;
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds(options_.reply_ms));
    timer->async_wait([self = shared_from_this(), done = std::move(done), make, timer](const auto&) {
      if (!self->stopped_) done(make());
    });
  }

  std::string describe() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return "in memory, moves nothing; " + std::to_string(payments_moved_) + " payments since start";
  }

  void set_payer_script(const Address& payer, Script script) {
    options_.by_payer[payer] = script;
    for (auto& [key, payment] : payments_) {
      if (payment.payer == payer && payment.script == Script::unreachable) payment.script = Script::lost_absent;
    }
  }

  // A page is as large as what is remembered: at most kFinishedMax and what is under way.
  MovementPage movements(const MovementQuery& query) const {
    MovementPage page;
    for (const auto& [key, moved] : moved_) {
      if (moved.moved == 0 || moved.time < query.from || moved.time >= query.to) continue;
      RailMovement movement;
      movement.reference = "sandbox-" + base::to_hex(key).substr(2, 16);
      movement.settlement = moved.settlement;
      movement.incoming = moved.kind == SettlementKind::collection;
      movement.asset = moved.asset;
      movement.amount = moved.back ? Amount{} : moved.amount;
      movement.time = moved.time;
      page.movements.push_back(std::move(movement));
    }
    return page;
  }

  std::size_t charged_twice() const {
    std::set<std::uint64_t> once, twice;
    for (const auto& [key, moved] : moved_) {
      const bool again = moved.moved > 1 || (moved.moved == 1 && !once.insert(moved.settlement.value).second);
      if (again) twice.insert(moved.settlement.value);
    }
    return twice.size();
  }

  SandboxOptions options_;
  std::deque<Script> queue_;
  std::map<Hash, Moved> moved_;
  bool stopped_ = false;

 private:
  static Hash key_of(const Settlement& settlement) {
    base::Bytes bytes;
    base::Encoder out(bytes);
    out.string("tabd sandbox 1");
    out.id(settlement.id);
    out.u32(settlement.attempt);
    out.u32(settlement.technical_retries);
    return crypto::sha256(bytes);
  }

  Script script_for(const Instruction& instruction) {
    if (!queue_.empty()) {
      const Script script = queue_.front();
      queue_.pop_front();
      return script;
    }
    if (instruction.settlement.kind == SettlementKind::collection) {
      const auto found = options_.by_payer.find(instruction.payer_address);
      if (found != options_.by_payer.end()) return found->second;
    }
    for (const AmountRule& rule : options_.by_amount) {
      if (instruction.settlement.amount.units() % rule.modulus.units() == rule.remainder.units()) return rule.script;
    }
    return Script::success;
  }

  // Where a payment that moved stands now.
  Outcome progress(const Hash& key, Payment& payment) {
    Outcome outcome;
    const std::uint64_t now_us = std::max(clock_.now().us, payment.sent_us);
    const std::uint64_t confirmed_us = payment.sent_us + options_.confirm_ms * 1000;
    const bool returns = payment.script == Script::returned;
    const std::uint64_t end_us = confirmed_us + (returns ? options_.return_ms : options_.final_ms) * 1000;
    std::uint64_t next_us = now_us;
    if (now_us < confirmed_us) {
      outcome.state = SettlementState::accepted;
      next_us = confirmed_us;
    } else if (now_us < end_us) {
      outcome.state = SettlementState::confirmed;
      next_us = end_us;
    } else {
      outcome.state = returns ? SettlementState::returned : SettlementState::final;
      if (returns) outcome.detail = "sandbox: returned (scripted)";
      moved_[key].back = returns;
      finish(key);
    }
    if (outcome.state != SettlementState::accepted && !options_.fee.is_zero()) outcome.fee = options_.fee;
    outcome.next_probe_ms = (next_us - now_us + 999) / 1000;
    return outcome;
  }

  void finish(const Hash& key) {
    Payment& payment = payments_[key];
    if (payment.finished) return;
    payment.finished = true;
    finished_.push_back(key);
    if (finished_.size() <= kFinishedMax) return;
    payments_.erase(finished_.front());
    moved_.erase(finished_.front());
    finished_.pop_front();
  }

  boost::asio::io_context& io_;
  const base::Clock& clock_;
  Inbox* const inbox_;
  std::map<Hash, Payment> payments_;
  std::deque<Hash> finished_;
  mutable std::mutex mutex_;
  std::uint64_t payments_moved_ = 0;  // guarded by mutex_
};

SandboxSettler::SandboxSettler(boost::asio::io_context& io, const base::Clock& clock, SandboxOptions options,
                               Inbox* inbox)
    : impl_(std::make_shared<Impl>(io, clock, std::move(options), inbox)), started_(clock.now()) {}
SandboxSettler::~SandboxSettler() { impl_->stopped_ = true; }

std::string_view SandboxSettler::rail() const { return impl_->options_.rail; }

Capabilities SandboxSettler::capabilities() const {
  Capabilities capabilities;
  capabilities.pull = true;
  capabilities.push = true;
  capabilities.refunds = true;
  capabilities.can_probe = true;
  capabilities.deduplicates = true;
  capabilities.in_flight_max = impl_->options_.in_flight_max;
  capabilities.finality_s = (impl_->options_.confirm_ms + impl_->options_.final_ms) / 1000;
  return capabilities;
}

void SandboxSettler::start(Done<base::Result<void>> done) {
  for (const AmountRule& rule : impl_->options_.by_amount) {
    if (rule.modulus.is_zero())
      return done(base::error(base::ErrorCode::invalid_argument, "sandbox: an amount rule's modulus must not be 0"));
  }
  done({});
}

void SandboxSettler::stop() { impl_->stopped_ = true; }

void SandboxSettler::prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) {
  done(impl_->prepare(instruction));
}

void SandboxSettler::abandon(const Prepared& prepared) { impl_->abandon(prepared.idempotency_key); }

void SandboxSettler::send(const Instruction& instruction, Done<Outcome> done) {
  // Money moves now; only the answer is late.
  const Outcome outcome = impl_->send(instruction.settlement);
  impl_->reply(std::move(done), [outcome] { return outcome; });
}

void SandboxSettler::probe(const Instruction& instruction, Done<Outcome> done) {
  impl_->reply(std::move(done),
               [impl = impl_, settlement = instruction.settlement] { return impl->probe(settlement); });
}

std::string SandboxSettler::describe() const { return impl_->describe(); }
void SandboxSettler::enqueue(Script script) { impl_->queue_.push_back(script); }
void SandboxSettler::set_payer_script(const Address& payer, Script script) { impl_->set_payer_script(payer, script); }
const std::map<Hash, Moved>& SandboxSettler::moved() const { return impl_->moved_; }
void SandboxSettler::movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) {
  done(impl_->movements(query));
}
std::size_t SandboxSettler::settlements_moved_twice() const { return impl_->charged_twice(); }

}  // namespace settlers::sandbox
