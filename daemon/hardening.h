#pragma once

namespace tabd_daemon {

// No core dumps and no reading of our memory by others of the same user: keys live there. Does nothing under
// AddressSanitizer, whose leak check needs to read us.
void harden_process();

}  // namespace tabd_daemon
