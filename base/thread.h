#pragma once

// How the scheduler should treat the calling thread.

namespace base {

// Lets threads that answer somebody (I/O loops, writer, committer) run before this one, which has bulk work to do: sets
// the thread's nice value, 1 (a little) .. 19 (only when nothing else runs). Best effort: if the system refuses,
// nothing changes.
void give_way(int nice) noexcept;

}  // namespace base
