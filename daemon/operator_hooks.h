#pragma once

// What the remote interface needs of the daemon beside the ledger: checkpoints, rails, status, proofs.

#include <map>
#include <string>

#include "daemon/figures.h"
#include "rpc/capnp/server.h"

namespace tabd_daemon {

struct HooksParts {
  ledger::store::LedgerStore& store;
  settlers::Dispatcher& dispatcher;
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
  base::Result<ledger::core::Bytes> proof(ledger::core::Sequence sequence) override;
  base::Result<ledger::core::Bytes> extension(ledger::core::SegmentId older, ledger::core::SegmentId newer) override;

 private:
  HooksParts parts_;
};

}  // namespace tabd_daemon
