#pragma once

// One random ledger: who is in it, and what happens next. Everything follows from the seed.

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/sim/harness.h"
#include "tests/sim/model.h"
#include "tests/support/actors.h"

namespace sim {

class World {
 public:
  explicit World(std::uint64_t seed);

  // Does `steps` random things; "" or the first difference between ledger and model.
  std::string run(std::size_t steps);
  // What was done last, newest at the end.
  const std::vector<std::string>& trace() const { return trace_; }
  std::size_t items() const { return items_; }
  // How often each status was answered.
  const std::map<base::Status, std::size_t>& statuses() const { return statuses_; }

 private:
  using Item = commitments::tab::Item;

  // world.cpp
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  std::string set_up();
  std::string step();
  void pass_time();
  // actions.cpp
  std::uint64_t random_payee_for(std::uint64_t server);
  Item random_item(std::uint64_t server);
  Item random_single(std::uint64_t server, bool hold);
  Item random_voucher(std::uint64_t server);
  Item random_finish();
  std::string submit_batch();
  std::string run_command(const core::Command& command);
  std::string run_timer();
  void learn_configuration(const core::Command& command);
  void learn_mandate(const commitments::tab::Mandate& mandate);
  std::string judge_what_is_left(std::uint64_t which, bool more, base::Time last_end) const;
  core::Command random_command();
  core::Command random_billing_command();
  core::ReleaseDefaults random_terms();
  void reschedule(std::uint32_t payee);
  core::Command random_settlement_command();
  core::PlanRelay random_relay();
  // notice_actions.cpp
  core::Notice random_notice();
  core::Command random_notice_command();
  std::string judge_answers(const core::CommandResult& result);
  std::string judge_attempts() const;
  core::Command random_configuration();
  // channel_actions.cpp
  core::SyncChannel random_sync();
  core::Command random_channel_command();
  core::Plan random_plan(std::uint16_t asset, std::uint64_t number);
  core::Payee random_payee(std::uint64_t number);
  // compare.cpp
  std::string compare_closings();
  std::string compare_state() const;

  std::mt19937_64 random_;
  support::Actors actors_;
  std::unique_ptr<aggregator::Calendar> calendar_;
  Model model_;
  Harness ledger_;
  std::vector<Item> sent_;          // for sending again
  std::vector<core::Notice> said_;  // for saying again
  std::vector<std::string> trace_;
  std::map<base::Status, std::size_t> statuses_;
  std::map<std::string, std::uint64_t> sequences_;  // of accepted items
  std::vector<std::uint64_t> reservations_;         // that were made
  std::size_t closings_seen_ = 0;
  std::size_t items_ = 0;
  std::optional<core::CreateCreditNote> last_note_;  // asked for again now and then
  std::optional<core::RefundPayer> last_refund_;
  std::uint64_t mandate_nonce_ = 0;
  std::uint64_t nonces_ = 0;
};

}  // namespace sim
