#include "daemon/operator_hooks.h"

#include <algorithm>
#include <filesystem>

#include "ledger/proof/make_proof.h"
#include "ops/version.h"

namespace tabd_daemon {

using base::error;
using base::ErrorCode;

base::Result<std::string> Hooks::checkpoint(const std::string& name) {
  std::error_code failure;
  std::filesystem::create_directories(parts_.checkpoint_root, failure);
  if (failure)
    return error(ErrorCode::io,
                 "ledger.checkpoint_root: cannot make " + parts_.checkpoint_root + ": " + failure.message());
  const std::string directory = parts_.checkpoint_root + "/" + name;
  if (std::filesystem::exists(directory, failure))
    return error(ErrorCode::invalid_argument, "a checkpoint with this name exists: " + directory);
  RETURN_IF_ERROR(parts_.store.checkpoint(directory));
  return directory;
}

std::vector<rpc::RailStatus> Hooks::rails() {
  std::vector<rpc::RailStatus> result;
  for (const settlers::RailStatus& rail : parts_.dispatcher.status().rails) {
    rpc::RailStatus status;
    status.name = rail.rail;
    status.enabled = rail.enabled;
    status.dry_run = rail.dry_run;
    status.available = rail.available;
    const auto capabilities = parts_.capabilities.find(rail.rail);
    if (capabilities != parts_.capabilities.end()) {
      status.pull = capabilities->second.pull;
      status.push = capabilities->second.push;
    }
    status.in_flight = static_cast<std::uint32_t>(rail.in_flight);
    status.in_flight_max = static_cast<std::uint32_t>(rail.in_flight_max);
    status.description = rail.description;
    result.push_back(std::move(status));
  }
  return result;
}

base::Result<void> Hooks::set_rail(const std::string& name, bool enabled) {
  if (parts_.dispatcher.set_enabled(name, enabled)) return {};
  std::string known;
  for (const settlers::RailStatus& rail : parts_.dispatcher.status().rails)
    known += (known.empty() ? "" : ", ") + rail.rail;
  return error(ErrorCode::not_found,
               "there is no rail \"" + name + "\" here; configured: " + (known.empty() ? "none" : known));
}

base::Result<std::uint64_t> Hooks::reconcile(ledger::api::ReconcileRequest request) {
  const std::vector<std::string> rails = parts_.dispatcher.rails();
  if (!request.rail.empty() && std::find(rails.begin(), rails.end(), request.rail) == rails.end())
    return error(ErrorCode::not_found, "there is no rail \"" + request.rail + "\" here");
  return parts_.reconciler.request(std::move(request));
}

namespace {

// The wire has one text for all that is to be said of a file; tabctl knows how these begin (cli/cmd_bank.cpp).
std::string reason_of(const settlers::bank::BankFile& file) {
  std::string text;
  if (!file.answer.empty())
    text = "an answer waits: " + file.answer;
  else if (!file.refused_answer.empty())
    text = "an answer was refused: " + file.refused_answer;
  if (!text.empty() && !file.reason.empty()) text += "; ";
  return text + file.reason;
}

}  // namespace

base::Result<rpc::BankFiles> Hooks::bank_files() {
  if (parts_.bank == nullptr) return error(ErrorCode::not_found, "there is no bank rail here");
  const settlers::bank::BankFiles files = parts_.bank->files();
  rpc::BankFiles shown;
  shown.alarm = files.alarm;
  for (const settlers::bank::BankFile& one : files.files)
    shown.files.push_back({one.name, one.state, reason_of(one), one.collection, settlers::bank::date_text(one.due),
                           one.cents, one.payments, one.sha256});
  return shown;
}

base::Result<void> Hooks::answer_bank(const std::string& file, rpc::FileAnswer answer) {
  if (parts_.bank == nullptr) return error(ErrorCode::not_found, "there is no bank rail here");
  return parts_.bank->answer(file, static_cast<settlers::bank::FileAnswer>(answer));
}

rpc::DaemonStatus Hooks::status() {
  rpc::DaemonStatus status;
  status.version = ops::kVersion;
  status.started = parts_.started;
  status.dry_run = parts_.dry_run;
  status.degraded = degraded_causes(parts_.dispatcher.status());
  status.figures = parts_.figures.figures(parts_.server.counters(), parts_.store.stats());
  return status;
}

base::Result<ledger::core::Bytes> Hooks::proof(ledger::core::Sequence sequence) {
  ASSIGN_OR_RETURN(const ledger::proof::Proof proof, ledger::proof::make_proof(parts_.store.reader(), sequence));
  return ledger::proof::encode(proof);
}

base::Result<ledger::core::Bytes> Hooks::extension(ledger::core::SegmentId older, ledger::core::SegmentId newer) {
  ASSIGN_OR_RETURN(const ledger::proof::Extension extension,
                   ledger::proof::make_extension(parts_.store.reader(), older, newer));
  return ledger::proof::encode(extension);
}

}  // namespace tabd_daemon
