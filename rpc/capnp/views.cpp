#include "rpc/capnp/views.h"

namespace rpc {

std::string_view name(Role role) noexcept {
  switch (role) {
    case Role::server: return "server";
    case Role::payer: return "payer";
    case Role::operator_: return "operator";
    case Role::auditor: return "auditor";
    case Role::rail: return "rail";
  }
  return "unknown";
}

std::string_view name(ChargeKind kind) noexcept {
  switch (kind) {
    case ChargeKind::unspecified: break;
    case ChargeKind::charged: return "charged";
    case ChargeKind::held: return "held";
    case ChargeKind::captured: return "captured";
    case ChargeKind::released: return "released";
    case ChargeKind::voucher: return "voucher";
  }
  return "unknown";
}

std::string_view name(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::unspecified: break;
    case EventKind::accepted: return "accepted";
    case EventKind::released: return "released";
    case EventKind::window_opened: return "window_opened";
    case EventKind::window_closed: return "window_closed";
    case EventKind::settling: return "settling";
    case EventKind::settled: return "settled";
    case EventKind::failed: return "failed";
    case EventKind::reversed: return "reversed";
    case EventKind::suspended: return "suspended";
    case EventKind::resumed: return "resumed";
    case EventKind::mandate: return "mandate";
    case EventKind::credited: return "credited";
    case EventKind::configured: return "configured";
    case EventKind::channel_opened: return "channel_opened";
    case EventKind::channel_synced: return "channel_synced";
    case EventKind::channel_reserved: return "channel_reserved";
    case EventKind::channel_charged: return "channel_charged";
    case EventKind::channel_released: return "channel_released";
    case EventKind::channel_put_aside: return "channel_put_aside";
    case EventKind::channel_earnings: return "channel_earnings";
    case EventKind::notice: return "notice";
  }
  return "unknown";
}

}  // namespace rpc
