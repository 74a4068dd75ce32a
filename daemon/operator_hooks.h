#pragma once

// What the remote interface needs of the daemon beside the ledger: checkpoints, rails, status, proofs.

#include <map>
#include <string>

#include "daemon/figures.h"
#include "rpc/capnp/server.h"
#include "settlers/bank/bank.h"
#include "settlers/reconciler.h"

namespace tabd_daemon {

struct HooksParts {
  ledger::store::LedgerStore& store;
  settlers::Dispatcher& dispatcher;
  settlers::Reconciler& reconciler;
  settlers::bank::BankSettler* bank = nullptr;  // the dispatcher's; null: there is no bank rail
  const Figures& figures;
  const rpc::RpcServer& server;
  std::string checkpoint_root;
  base::Time started;
  bool dry_run = false;
  std::map<std::string, settlers::Capabilities> capabilities;  // by rail
};

// Calls come from the RPC worker thread. All parts must outlive this.
class Hooks final : public rpc::OperatorHooks {
 public:
  explicit Hooks(HooksParts parts) : parts_(std::move(parts)) {}

  base::Result<std::string> checkpoint(const std::string& name) override;
  std::vector<rpc::RailStatus> rails() override;
  base::Result<void> set_rail(const std::string& name, bool enabled) override;
  rpc::DaemonStatus status() override;
  base::Result<std::uint64_t> reconcile(ledger::api::ReconcileRequest request) override;
  std::shared_ptr<const ledger::api::Reconciliation> reconciliation() override { return parts_.reconciler.last(); }
  base::Result<rpc::BankFiles> bank_files() override;
  base::Result<void> answer_bank(const std::string& file, rpc::FileAnswer answer) override;
  base::Result<ledger::core::Bytes> proof(ledger::core::Sequence sequence) override;
  base::Result<ledger::core::Bytes> extension(ledger::core::SegmentId older, ledger::core::SegmentId newer) override;

 private:
  HooksParts parts_;
};

}  // namespace tabd_daemon
