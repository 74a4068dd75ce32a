#include "ledger/store/failure.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace ledger::store {

namespace {

void print_and_abort(const std::string& message) {
  std::fprintf(stderr, "tabd: the ledger stops: %s\n", message.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace

Failure::Failure(Action action) : action_(action ? std::move(action) : Action(print_and_abort)) {}

void Failure::fail(const base::Error& error) noexcept {
  if (failed_.exchange(true, std::memory_order_acq_rel)) return;
  action_(error.to_string());
}

}  // namespace ledger::store
