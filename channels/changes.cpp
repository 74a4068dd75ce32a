#include "channels/changes.h"

#include <utility>

#include "base/codec.h"
#include "ledger/core/entry.h"

namespace channels {

namespace core = ledger::core;

void Changes::on_committed(const ledger::api::CommittedSegment& segment) {
  static const std::uint8_t opened = core::kind_of(core::ChannelOpened{});
  static const std::uint8_t synced = core::kind_of(core::ChannelSynced{});
  static const std::uint8_t charged = core::kind_of(core::ChannelCharged{});
  static const std::uint8_t aside = core::kind_of(core::ChannelPutAside{});
  const base::Result<std::vector<base::ByteView>> entries = core::entries_of(segment.body);
  if (!entries) return;
  Taken seen;
  for (const base::ByteView bytes : *entries) {
    const std::uint8_t kind = bytes.empty() ? std::uint8_t{0} : bytes[0];
    if (kind != opened && kind != synced && kind != charged && kind != aside) continue;
    base::Decoder in(bytes);
    static_cast<void>(in.u8());
    const auto id = in.id<core::ChannelId>();  // the first field of all of them
    seen.changed.insert(id);
    if (kind == opened) seen.opened.push_back(id);
  }
  if (seen.changed.empty()) return;
  const std::lock_guard lock(mutex_);
  taken_.changed.merge(seen.changed);
  taken_.opened.insert(taken_.opened.end(), seen.opened.begin(), seen.opened.end());
}

Changes::Taken Changes::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(taken_, {});
}

}  // namespace channels
