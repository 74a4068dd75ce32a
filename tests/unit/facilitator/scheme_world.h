#pragma once

// What a scheme under test stands on: a real ledger, a facilitator's thread that the test turns by hand, timers that
// end when the test says so, and the dispatcher's part.

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <mutex>

#include "evm/order.h"
#include "facilitator/codec.h"
#include "facilitator/relays.h"
#include "tests/unit/settlers/real_ledger.h"

namespace support {

class SchemeWorld {
 public:
  explicit SchemeWorld(const std::string& name)
      : clock(base::Time::from_seconds(kNow)),
        directory_(std::filesystem::temp_directory_path() / ("tabd-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    ledger.emplace(clock, directory_, "stablecoin", "nowhere");
    relays.emplace(facilitator::RelayParts{ledger->service(), ledger->reader(), post(), after()});
  }
  ~SchemeWorld() {
    scheme.reset();
    ledger.reset();
    std::filesystem::remove_all(directory_);
  }
  SchemeWorld(const SchemeWorld&) = delete;
  SchemeWorld& operator=(const SchemeWorld&) = delete;

  facilitator::Post post() {
    return [this](std::function<void()> job) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(job));
    };
  }
  facilitator::After after() {
    return [this](std::uint64_t, std::function<void()> job) { timers.push_back(std::move(job)); };
  }

  // Asks; the answer comes when the test lets things run.
  void ask(facilitator::Operation operation, const std::string& request, std::vector<facilitator::Answer>& answers,
           std::span<const base::Address> payees = {}) {
    facilitator::JsonDocument document;
    facilitator::JsonLimits limits;
    limits.nodes = 16 * 1024;
    ASSERT_TRUE(document.parse(request, limits)) << document.mistake().to_string();
    auto decoded = facilitator::decode_request(operation, document, document.root());
    ASSERT_TRUE(std::holds_alternative<facilitator::PaymentRequest>(decoded))
        << std::get<facilitator::Refusal>(decoded).message;
    auto& payment = std::get<facilitator::PaymentRequest>(decoded);
    payment.payees = payees;
    scheme->run(payment, [&answers](facilitator::Answer answer) { answers.push_back(std::move(answer)); });
    scheme->flush();
  }
  bool run_one() {
    std::function<void()> job;
    {
      const std::lock_guard lock(mutex_);
      if (posted_.empty()) return false;
      job = std::move(posted_.front());
      posted_.pop_front();
    }
    job();
    return true;
  }
  // Runs what was posted until `done`; the ledger answers on its own threads.
  template <typename Done>
  void run_until(Done done) {
    const base::SystemClock real;
    const std::uint64_t start = real.monotonic_ns();
    while (!done() && real.monotonic_ns() - start < 20'000'000'000) {
      if (!run_one()) ::usleep(1'000);
    }
    ASSERT_TRUE(done());
  }
  facilitator::Answer answer_to(facilitator::Operation operation, const std::string& request,
                                std::span<const base::Address> payees = {}) {
    std::vector<facilitator::Answer> answers;
    ask(operation, request, answers, payees);
    run_until([&] { return !answers.empty(); });
    return answers.empty() ? facilitator::Answer(facilitator::Refusal{}) : answers[0];
  }
  // What the dispatcher would record.
  void step(ledger::core::SettlementState to, std::uint64_t settlement = 1,
            ledger::core::FailureClass failure = ledger::core::FailureClass::none, std::string detail = {}) {
    ledger::core::StepSettlement step;
    step.id = ledger::core::SettlementId(settlement);
    step.attempt = ledger->settlement(step.id).attempt;
    step.to = to;
    step.failure = failure;
    step.detail = std::move(detail);
    if (to == ledger::core::SettlementState::sending) {
      step.idempotency_key = test_hash(settlement * 100 + step.attempt);
      step.reference = "0xhash";
    }
    step.next_action = clock.now();
    ledger->must(step);
    const ledger::core::Segment segment = ledger->reader().segment_of(ledger->reader().head()->last_sequence).value();
    ledger::api::CommittedSegment committed;
    committed.header = segment.header;
    committed.body = segment.body;
    relays->on_committed(committed);
  }
  void confirm(std::uint64_t settlement = 1) {
    step(ledger::core::SettlementState::sending, settlement);
    step(ledger::core::SettlementState::accepted, settlement);
    step(ledger::core::SettlementState::confirmed, settlement);
  }
  std::uint64_t settlements() const { return ledger->reader().head()->settlements; }
  evm::RelayOrder order(std::uint64_t settlement = 1) const {
    return evm::decode_order(ledger->reader().relay(ledger::core::SettlementId(settlement))->order).value();
  }
  void time_is_up() {
    for (const auto& timer : std::exchange(timers, {})) timer();
  }

  base::ManualClock clock;
  std::vector<std::function<void()>> timers;
  std::optional<RealLedger> ledger;
  std::optional<facilitator::Relays> relays;
  std::unique_ptr<facilitator::Scheme> scheme;

 private:
  std::filesystem::path directory_;
  std::mutex mutex_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace support
