#pragma once

// Where a settler puts what its rail says on its own: a webhook, an entry of a bank's file. A notice is durable when
// `done` is called; a webhook is answered only then. It moves no money: its settlement is probed at once, with the
// notice in Instruction::notices.

#include <functional>
#include <vector>

#include "base/result.h"
#include "ledger/core/command.h"
#include "settlers/settler.h"

namespace settlers {

using ledger::core::NoticeAnswer;

class Inbox {
 public:
  virtual ~Inbox() = default;
  // 1 to base::limits::kNoticesPerCommandMax, each recorded once for its rail and key; the answers are in their order
  // (ledger::core::RecordNotices). `recorded_as` is only looked at for NoticeState::refused: forged or malformed, kept
  // for the operator; how many of those are recorded is for the caller to bound. An Error: nothing was recorded, and
  // all can be given again. From any thread; `done` is called once, on a thread of the ledger's or this one, and must
  // be quick.
  virtual void record(std::vector<Notice> notices, Done<base::Result<std::vector<NoticeAnswer>>> done) = 0;
};

}  // namespace settlers
