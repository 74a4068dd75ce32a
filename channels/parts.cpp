#include "channels/parts.h"

namespace channels {

void submit_all(const Parts& parts, const Anchor& anchor, std::vector<core::Command> commands,
                std::function<void(const std::vector<core::CommandResult>&)> done) {
  struct Work {
    std::vector<core::CommandResult> results;
    std::size_t left = 0;
    std::function<void(const std::vector<core::CommandResult>&)> done;
  };
  auto work = std::make_shared<Work>();
  work->results.resize(commands.size());
  work->left = commands.size();
  work->done = std::move(done);
  if (commands.empty()) return parts.post(anchor.later([work] { work->done(work->results); }));
  for (std::size_t i = 0; i < commands.size(); ++i) {
    parts.service.submit(std::move(commands[i]),
                         anchor.then<ledger::api::CommandReceipt>([work, i](ledger::api::CommandReceipt receipt) {
                           work->results[i] = std::move(receipt.result);
                           if (--work->left == 0) work->done(work->results);
                         }));
  }
}

}  // namespace channels
