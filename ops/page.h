#pragma once

// The web page of the operations port (`http.page`): static files, and read-only JSON that the page asks for every
// second. It shows money and has no login, so it answers only browsers that show this very page (no other site may read
// it: Sec-Fetch-Site, and the Host header against DNS rebinding) and loads nothing from anywhere else.
//
//   /page/                           the page; its files (ops/page/) beside it
//   /page/live?after=SEQUENCE        head, totals, rates, health; the newest payments after SEQUENCE
//   /page/payers?after=ID&limit=N    exposure and open window of each payer and asset, ascending
//   /page/statements?before=ID&limit=N, /page/settlements?before=ID&limit=N    newest first
//   /page/channels?after=ID&limit=N  the payment channels that are kept, ascending
//   /page/statements/ID              one statement: window, totals, shares, root
//   /page/statements/ID/lines?after=N&limit=N   its lines; `after` counts lines
//
// Lists are {"items": [...], "next": "cursor" or null}; `limit` is 1 to 100. Amounts are decimal strings in whole units
// of their asset (of channels: the token's smallest units where "asset" is null), times microseconds since 1970,
// settlement kinds and states the names of ops/metrics.h. Errors are
// {"error": {"code", "message", "hint"}}: 400 bad query, 403 another site, 404, 421 unknown host, 503 not ready.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "ledger/api/reader.h"
#include "ops/charge_rate.h"
#include "ops/http_server.h"
#include "ops/ledger_gauges.h"

namespace ops {

inline constexpr std::string_view kPagePrefix = "/page";

// What the page shows beside the ledger; the daemon fills it from its parts.
struct PageQueue {
  std::string name;
  std::uint64_t waiting = 0;
  std::uint64_t limit = 0;
};
struct PageRail {
  std::string name;
  std::string description;  // the settler's own line
  bool enabled = true;
  bool dry_run = false;
  std::string breaker;  // "closed", "open", "half_open"
  std::uint64_t in_flight = 0, in_flight_max = 0, sent = 0, faults = 0;
  std::string last_error;  // empty: none since start
  base::Time last_error_time;
};
struct PageHealth {
  base::Time started;
  std::vector<std::string> degraded;  // causes, a sentence each
  std::vector<PageQueue> queues;
  std::vector<PageRail> rails;
  std::uint64_t charges = 0, refused = 0;                  // since start
  std::uint64_t commit_queue_us = 0, commit_write_us = 0;  // of the last group commit
  std::uint64_t connections = 0, subscribers = 0, disk_bytes = 0;
};

// All must outlive the page's last answer. The functions are called on the thread of answer().
struct PageParts {
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  const ChargeRate& charges;
  std::function<LedgerTotals()> totals;
  std::function<PageHealth()> health;
};

class Page {
 public:
  // `hosts`: names that a Host header may have besides IP addresses and localhost. `not_ready`: why nothing can be
  // shown, empty when all is well; called on the thread of answer().
  Page(std::vector<std::string> hosts, std::function<std::string()> not_ready);
  ~Page();
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  // The ledger can be read from now on. Once, from any thread.
  void open(PageParts parts);
  // For paths that are kPagePrefix or below. On one thread.
  HttpAnswer answer(const HttpRequest& request);

 private:
  class Books;
  HttpAnswer data(std::string_view path, std::string_view query);
  HttpAnswer live(std::string_view query);
  bool host_allowed(std::string_view host) const;

  const std::vector<std::string> hosts_;
  const std::function<std::string()> not_ready_;
  std::unique_ptr<Books> books_;
  std::atomic<bool> opened_{false};  // books_ may be used
};

}  // namespace ops
