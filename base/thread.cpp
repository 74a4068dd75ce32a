#include "base/thread.h"

#include <sys/resource.h>
#include <unistd.h>

namespace base {

void give_way(int nice) noexcept { (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice); }

}  // namespace base
