#include "ledger/api/ledger_service.h"

#include <future>

namespace ledger::api {

CommandReceipt LedgerService::submit_and_wait(core::Command command) {
  std::promise<CommandReceipt> promise;
  std::future<CommandReceipt> future = promise.get_future();
  submit(std::move(command), [&promise](CommandReceipt receipt) { promise.set_value(std::move(receipt)); });
  return future.get();
}

}  // namespace ledger::api
