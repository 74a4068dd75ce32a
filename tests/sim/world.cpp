#include "tests/sim/world.h"

#include <algorithm>

namespace sim {
namespace {

constexpr std::uint64_t kStart = 1'893'456'000;  // 2030-01-01T00:00:00Z

}  // namespace

World::World(std::uint64_t seed)
    : random_(seed),
      calendar_(aggregator::make_calendar()),
      model_(*calendar_),
      ledger_(*calendar_, std::string(support::kNetwork), actors_.address(support::Role::keeper, 0),
              base::Time{kStart * 1'000'000 + seed % 1'000'000}) {}

std::string World::set_up() {
  std::vector<core::Command> commands;
  commands.push_back(core::SetAsset{{support::kUsdc, std::string(support::kUsdcText), "USDC", 6, 6}});
  commands.push_back(core::SetAsset{{support::kUsd, std::string(support::kUsdText), "USD", 6, 2}});
  for (std::uint64_t i = 0; i < 5; ++i) commands.push_back(core::SetPlan{random_plan(i < 3 ? 1 : 2, i)});
  for (std::uint64_t i = 0; i < 3; ++i) commands.push_back(core::SetPayee{random_payee(i)});
  for (std::uint64_t i = 0; i < 3; ++i) {
    core::SetServer server{actors_.server(i), "server", {}, i != 2};
    for (std::uint64_t payee = 0; payee < 3; ++payee) {
      if (i == 0 || payee == i) server.payees.push_back(actors_.payee(payee));
    }
    commands.push_back(server);
  }
  for (std::uint64_t i = 0; i < 4; ++i) {
    core::SetPayer payer{actors_.payer(i), "payer", {"plan-" + std::to_string(below(3))}};
    if (i != 3) payer.plans.push_back("plan-" + std::to_string(3 + below(2)));
    commands.push_back(payer);
  }
  for (std::uint64_t i = 0; i < 4; ++i) {
    for (std::uint16_t asset = 1; asset <= 2; ++asset) {
      commitments::tab::Mandate mandate;
      mandate.payer = actors_.payer(i);
      mandate.agent = actors_.agent(0);
      mandate.asset = core::AssetId(asset);
      mandate.cap = core::Amount(below(30'000));
      mandate.period = static_cast<commitments::tab::Period>(below(5));
      mandate.nonce = ++mandate_nonce_;
      commands.push_back(core::SetMandate{mandate, {}});
    }
  }
  for (const core::Command& command : commands) {
    if (std::string wrong = run_command(command); !wrong.empty()) return wrong;
  }
  return "";
}

void World::pass_time() {
  const base::Time now = ledger_.now();
  const auto later = [&](std::uint64_t us) { ledger_.advance_to(base::Time{now.us + us}); };
  const auto to = [&](base::Time time) {
    if (time.us != ~std::uint64_t{0} && time.us > 10) ledger_.advance_to(base::Time{time.us - 2 + below(4)});
  };
  switch (below(12)) {
    case 0:
    case 1: return later(below(200'000));
    case 2:
    case 3: return later(below(3'000'000));
    case 4: return to(ledger_.machine().next_window_end());
    case 5: return to(ledger_.machine().next_hold_expiry());
    case 6: return chance(20) ? later(below(90'000'000'000)) : later(below(60'000'000));
    case 7: return chance(5) ? later(below(20) * 86'400'000'000) : later(1);
    default: return;
  }
}

std::string World::step() {
  pass_time();
  const std::uint64_t what = below(100);
  if (what < 45) return submit_batch();
  if (what < 60) return run_command(random_channel_command());
  if (what < 69) return run_timer();
  if (what < 75) return run_command(random_notice_command());
  if (what < 88) return run_command(random_settlement_command());
  if (what < 98) return run_command(random_command());
  return run_command(random_configuration());
}

std::string World::run(std::size_t steps) {
  if (std::string wrong = set_up(); !wrong.empty()) return wrong;
  for (std::size_t i = 0; i < steps; ++i) {
    if (std::string wrong = step(); !wrong.empty()) return wrong;
    if (std::string wrong = compare_closings(); !wrong.empty()) return wrong;
    if (std::string wrong = judge_attempts(); !wrong.empty()) return wrong;
    if (i % 8 == 0 || i + 1 == steps) {
      if (std::string wrong = compare_state(); !wrong.empty()) return wrong;
      if (std::string wrong = ledger_.check_rows(); !wrong.empty()) return wrong;
    }
    if (chance(2)) {
      trace_.push_back("restart");
      ledger_.restart(random_());
    }
  }
  return ledger_.check_replay();
}

}  // namespace sim
