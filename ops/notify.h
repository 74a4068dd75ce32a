#pragma once

// systemd's readiness protocol (sd_notify(3)): a datagram to the socket that $NOTIFY_SOCKET names. Does nothing when
// the variable is not set. `state` is for example "READY=1", "STOPPING=1", "STATUS=...".

#include <string_view>

namespace ops {

void notify_service_manager(std::string_view state);

}  // namespace ops
