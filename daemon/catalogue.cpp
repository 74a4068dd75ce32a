#include "daemon/catalogue.h"

#include <algorithm>

namespace tabd_daemon {
namespace {

namespace core = ledger::core;
using base::Result;

Result<void> submit(core::Command command, ledger::api::LedgerService& ledger, const std::string& what, ops::Log& log) {
  const ledger::api::CommandReceipt receipt = ledger.submit_and_wait(std::move(command));
  if (!base::accepted(receipt.result.status)) {
    std::string message =
        what + " was refused by the ledger: " + std::string(base::info(receipt.result.status).sentence);
    if (!receipt.result.detail.empty()) message += " " + receipt.result.detail;
    return base::error(base::ErrorCode::invalid_argument, std::move(message));
  }
  log.info("configured", {{"what", what}});
  return {};
}

}  // namespace

Result<void> bring_catalogue_up_to_date(const ops::Config& config, ledger::api::LedgerService& ledger,
                                        const ledger::api::LedgerReader& reader, ops::Log& log) {
  ASSIGN_OR_RETURN(const std::vector<core::Asset> assets, reader.assets());
  for (const core::Asset& asset : config.assets)
    if (std::find(assets.begin(), assets.end(), asset) == assets.end())
      RETURN_IF_ERROR(submit(core::SetAsset{asset}, ledger, "[[asset]] " + asset.symbol, log));
  ASSIGN_OR_RETURN(const std::vector<core::Plan> plans, reader.plans());
  for (core::Plan plan : config.plans) {
    const auto stored = std::find_if(plans.begin(), plans.end(),
                                     [&plan](const core::Plan& other) { return other.label == plan.label; });
    if (stored != plans.end()) plan.id = stored->id;
    if (stored == plans.end() || *stored != plan)
      RETURN_IF_ERROR(submit(core::SetPlan{plan}, ledger, "[[plan]] " + plan.label, log));
  }
  ASSIGN_OR_RETURN(const core::ReleaseDefaults payouts, reader.release_defaults());
  if (payouts != config.payouts)
    RETURN_IF_ERROR(submit(core::SetReleaseDefaults{config.payouts}, ledger, "[payouts]", log));
  return {};
}

}  // namespace tabd_daemon
