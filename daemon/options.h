#pragma once

// From the configuration to the options of each part. Secrets are read here, once.

#include "base/result.h"
#include "channels/parts.h"
#include "ledger/ingest/verify_pool.h"
#include "ledger/store/ledger_store.h"
#include "ops/config.h"
#include "ops/http_server.h"
#include "rpc/capnp/server.h"
#include "rpc/http/server.h"
#include "settlers/bank/bank.h"
#include "settlers/card/card.h"
#include "settlers/dispatcher.h"
#include "settlers/external/external.h"
#include "settlers/reconciler.h"
#include "settlers/sandbox/sandbox.h"
#include "settlers/stablecoin/stablecoin.h"

namespace tabd_daemon {

ledger::store::StoreOptions store_options(const ops::Config& config);
ledger::ingest::VerifyPoolOptions verify_options(const ops::Config& config);
settlers::DispatcherOptions dispatcher_options(const ops::Config& config);
settlers::sandbox::SandboxOptions sandbox_options(const ops::SandboxConfig& config, std::string rail = "sandbox");
settlers::stablecoin::StablecoinOptions stablecoin_options(const ops::Config& config);
settlers::card::CardOptions card_options(const ops::Config& config);
// Reads the provider's key (the one line of its file) and the webhook's secrets (one to a line); the options' secrets
// are left alone where there is no file.
base::Result<std::string> card_secrets(const ops::Config& config, settlers::card::CardOptions& options);
settlers::bank::BankOptions bank_options(const ops::Config& config);
settlers::external::Options external_options(const ops::ExternalRailConfig& config);
settlers::ReconcilerOptions reconciler_options(const ops::Config& config);
// `authorizer` may be null, and must outlive the options.
channels::Options channels_options(const ops::Config& config, const crypto::SecretKey* authorizer);
ops::HttpServerOptions http_options(const ops::HttpConfig& config);
// Checks the TLS key's file; `operator_key` may log in as operator beside those of the configuration.
base::Result<rpc::RpcServerOptions> rpc_options(const ops::Config& config, const base::Address& operator_key);

// Checks the TLS key's file.
std::vector<rpc::http::ApiKey> api_keys(const ops::X402Config& config);
base::Result<rpc::http::ServerOptions> x402_options(const ops::X402Config& config);

// What --check-config looks at beside the file itself: secrets and certificates. One sentence for each problem.
// Credentials that only systemd can give are not problems: they are listed in `unchecked`.
std::vector<std::string> check_files(const ops::Config& config, std::vector<std::string>& unchecked);

// What is allowed and may not be meant: a plan whose rail is off, or does not move the plan's asset. One sentence for
// each; a rail that is off for a while is no mistake.
std::vector<std::string> doubts(const ops::Config& config);

}  // namespace tabd_daemon
