#include "daemon/readiness.h"

#include "ops/log.h"

namespace tabd_daemon {

void Readiness::set(bool ready, std::string_view cause) {
  const std::lock_guard lock(mutex_);
  ready_ = ready;
  cause_ = cause;
}

std::string Readiness::cause() const {
  const std::lock_guard lock(mutex_);
  return ready_ ? std::string() : cause_;
}

ops::HttpAnswer Readiness::answer() const {
  const std::lock_guard lock(mutex_);
  if (ready_) return {200, "application/json", "{\"ready\":true}\n"};
  return {503, "application/json", "{\"ready\":false,\"cause\":\"" + ops::json_escape(cause_) + "\"}\n"};
}

}  // namespace tabd_daemon
