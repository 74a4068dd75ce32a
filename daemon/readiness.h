#pragma once

// Whether tabd can take work, and if not, why: what /readyz says.

#include <mutex>
#include <string>
#include <string_view>

#include "ops/http_server.h"

namespace tabd_daemon {

// Safe from any thread.
class Readiness {
 public:
  void set_ready() { set(true, ""); }
  // `cause` for people: "replaying the journal: 1,200 of 10,000".
  void set_not_ready(std::string_view cause) { set(false, cause); }

  // 200 {"ready":true} or 503 {"ready":false,"cause":"..."}.
  ops::HttpAnswer answer() const;
  // Empty when ready.
  std::string cause() const;

 private:
  void set(bool ready, std::string_view cause);

  mutable std::mutex mutex_;
  bool ready_ = false;              // guarded by mutex_
  std::string cause_ = "starting";  // guarded by mutex_
};

}  // namespace tabd_daemon
