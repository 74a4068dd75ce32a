#include "channels/channels.h"

namespace channels {

Channels::Channels(Parts parts, Options options, Observer& observer)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      anchor_(parts_.post),
      claims_(parts_, options_, observer),
      watcher_(parts_, options_, observer, [this](const core::Channel& channel, std::uint64_t deadline_s) {
        claims_.withdrawal(channel, deadline_s);
      }) {}

void Channels::start() {
  claims_.start();
  watcher_.start();
  tick();
}

void Channels::stop() {
  anchor_.drop();
  watcher_.stop();
  claims_.stop();
}

void Channels::tick() {
  const Changes::Taken taken = changes_.take();
  for (const core::ChannelId id : taken.changed) claims_.changed(id);
  watcher_.opened(taken.opened);
  claims_.tick();
  {
    const std::lock_guard lock(mutex_);
    shown_.watcher = watcher_.status();
    shown_.claims = claims_.status();
  }
  parts_.after(options_.tick_ms, anchor_.later([this] { tick(); }));
}

Channels::Status Channels::status() const {
  const std::lock_guard lock(mutex_);
  Status status = shown_;
  status.in_step = watcher_.in_step();
  return status;
}

}  // namespace channels
