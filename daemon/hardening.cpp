#include "daemon/hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace tabd_daemon {

void harden_process() {
#if !defined(__SANITIZE_ADDRESS__)
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

}  // namespace tabd_daemon
