#pragma once

// tabd as one object: makes every part, joins them, takes them down in the opposite order.
//
// Threads
//   main           starts, waits for a signal, stops; runs no request
//   signals        waits for SIGTERM, SIGINT and SIGHUP (daemon/signals.h)
//   ledger         writer, committer and follower belong to the store; observer calls come from them and must be short
//   verify pool    checks signatures, one thread for each core
//   rpc            the KJ loop with its worker threads (rpc/capnp/server.h)
//   x402           reads and answers HTTP for resource servers, with one thread for reads (rpc/http/server.h)
//   rails          one io_context thread for the dispatcher, all settlers, and the facilitator's reads of the chain
//   http           one thread for the operations port: probes are answered whatever the other threads do
//   page           one thread for answers of the web page, which read the ledger (ops/http_server.h)
//   gauges         one thread that looks over the ledger now and then (ops/ledger_gauges.h)
// Parts meet through ledger/api alone. Nothing here is shared by threads but what says so in its own header.
//
// The namespace is not `daemon`: unistd.h has a function of that name.

#include <memory>

#include "aggregator/calendar.h"
#include "base/clock.h"
#include "base/result.h"
#include "ops/config.h"
#include "ops/log.h"

namespace tabd_daemon {

class Daemon {
 public:
  // Returns when everything listens and the ledger is recovered; tells the service manager. All references must outlive
  // the daemon. Errors: unavailable (another process has the ledger), corruption (the ledger is damaged),
  // invalid_argument (configuration against the ledger or a rail), permission or not_found (a secret), io.
  static base::Result<std::unique_ptr<Daemon>> start(const ops::Config& config, ops::Log& log, const base::Clock& clock,
                                                     const aggregator::Calendar& calendar);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // The API keys of `config` and nothing else of it; connections stay. Not after stop().
  void reload_api_keys(const ops::Config& config);

  // Accepts nothing new, finishes what is under way within limits::kShutdownGraceMs for each part, flushes. Idempotent.
  void stop();

  class Impl;

 private:
  explicit Daemon(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tabd_daemon
