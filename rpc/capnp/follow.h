#pragma once

// The journal, live, for one follower: read from the store at the follower's own pace, so that a slow one costs
// nothing.

#include "rpc/capnp/context.h"
#include "rpc/schema/tabd.capnp.h"

namespace rpc {

// Runs until the returned capability is dropped, the follower fails or the daemon stops.
kj::Own<schema::Subscription::Server> start_follow(Context& context, core::Sequence from,
                                                   schema::Follower::Client follower);

}  // namespace rpc
