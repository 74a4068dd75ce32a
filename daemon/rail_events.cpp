#include "daemon/rail_events.h"

#include <thread>

namespace tabd_daemon {

void RailEvents::on_step(const settlers::Settlement& before, settlers::SettlementState to,
                         settlers::FailureClass failure, std::string_view detail) {
  metrics_.on_settlement_step(before.rail.view(), before.kind, to);
  const bool bad = failure != settlers::FailureClass::none || to == settlers::SettlementState::unknown ||
                   to == settlers::SettlementState::returned || to == settlers::SettlementState::disputed;
  log_.write(bad ? ops::LogLevel::warning : ops::LogLevel::info, "settlement step",
             {{"settlement", before.id.value},
              {"rail", before.rail.view()},
              {"kind", ops::name(before.kind)},
              {"from", ops::name(before.state)},
              {"to", ops::name(to)},
              {"detail", detail}});
}

void RailEvents::on_would_send(const settlers::Instruction& instruction, const settlers::Prepared& prepared) {
  log_.info("dry run: would send",
            {{"settlement", instruction.settlement.id.value},
             {"rail", instruction.settlement.rail.view()},
             {"kind", ops::name(instruction.settlement.kind)},
             {"amount", instruction.settlement.amount.to_decimal_string(instruction.asset.scale)},
             {"asset", instruction.asset.symbol},
             {"reference", prepared.reference}});
}

void RailEvents::on_notices(const std::vector<settlers::Notice>& notices) {
  for (const settlers::Notice& notice : notices) {
    const bool refused = notice.recorded_as == settlers::NoticeState::refused;
    const bool stray = !notice.settlement.valid() && !notice.amount.is_zero();
    log_.write(refused || stray ? ops::LogLevel::warning : ops::LogLevel::info, "notice",
               {{"notice", notice.id.value},
                {"rail", notice.rail.view()},
                {"source", notice.source},
                {"external_id", notice.external_id},
                {"settlement", notice.settlement.value},
                {"detail", notice.detail}});
  }
}

void RailEvents::on_breaker(std::string_view rail, settlers::BreakerState state) {
  log_.warning("circuit breaker", {{"rail", rail}, {"state", settlers::name(state)}});
}

void RailEvents::on_problem(std::string_view rail, ledger::core::SettlementId id, std::string_view message) {
  log_.warning("rail problem", {{"rail", rail}, {"settlement", id.value}, {"problem", message}});
}

void DispatcherWaker::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>&,
                                   const ledger::api::CommitTimings&) {
  ++calling_;
  if (settlers::Dispatcher* dispatcher = dispatcher_.load()) dispatcher->wake();
  --calling_;
}

void DispatcherWaker::clear() {
  dispatcher_ = nullptr;
  while (calling_ != 0) std::this_thread::yield();
}

void log_reconciliation(ops::Log& log, const ledger::api::Reconciliation& made) {
  for (const ledger::api::RailReconciliation& rail : made.rails) {
    if (rail.problem.empty())
      log.info("reconciled", {{"rail", rail.rail},
                              {"movements", rail.movements},
                              {"settlements", rail.settlements},
                              {"matched", rail.matched},
                              {"uncompared", rail.uncompared}});
    else
      log.warning("a rail could not be reconciled", {{"rail", rail.rail}, {"why", rail.problem}});
  }
  if (made.differences_total > 0)
    log.warning("the books and the rails differ; see: tabctl reconcile --last",
                {{"differences", made.differences_total}});
}

}  // namespace tabd_daemon
