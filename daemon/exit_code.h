#pragma once

// What tabd's exit code means; `tabd --help` and docs/operating.md list them. A broken invariant or a failed write
// aborts (134 in a shell).

namespace tabd_daemon {

enum class ExitCode : int {
  ok = 0,               // stopped as asked, or the question was answered
  failed = 1,           // could not start: the environment (address in use, disk, rail)
  usage = 2,            // the command line or the configuration is wrong
  already_running = 3,  // another process has the ledger open
  damaged = 4,          // the ledger is damaged; nothing was changed
  stopped_hard = 5,     // ended by a second signal, or the stop took too long
};

}  // namespace tabd_daemon
