#include "facilitator/tab_front.h"

#include <algorithm>

#include "base/text.h"

namespace facilitator {
namespace {

namespace core = ledger::core;

constexpr const char* kLabel = "x402 over HTTP";

bool contains(const std::vector<base::Address>& sorted, const base::Address& address) {
  return std::binary_search(sorted.begin(), sorted.end(), address);
}

}  // namespace

TabFront::TabFront(const TabSchemeParts& parts) : parts_(parts) {}

void TabFront::admit(const base::Address& payee, std::function<void(bool)> done) {
  if (contains(registered_, payee)) return done(false);  // the operator took it away, or suspended us
  waiting_.emplace_back(payee, std::move(done));
  if (!under_way_) register_now();
}

std::vector<base::Address> TabFront::payees_with_account() const {
  std::vector<base::Address> result;
  for (const base::Address& payee : parts_.payees())
    if (parts_.reader.payee(payee)) result.push_back(payee);
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

void TabFront::register_now() {
  under_way_ = true;
  core::SetServer command;
  command.key = parts_.server_key.address();
  command.label = kLabel;
  command.payees = payees_with_account();
  if (const base::Result<core::Server> present = parts_.reader.server(command.key)) {
    if (base::flaw_of_text(present->label).empty()) command.label = present->label;  // older ledgers took any
    command.active = present->active;
  }
  std::vector<base::Address> payees = command.payees;
  parts_.ledger.submit(std::move(command), [this, payees = std::move(payees),
                                            post = parts_.post](ledger::api::CommandReceipt receipt) mutable {
    post([this, payees = std::move(payees), good = base::accepted(receipt.result.status)]() mutable {
      under_way_ = false;
      if (good) registered_ = std::move(payees);
      const auto waiting = std::move(waiting_);
      waiting_.clear();
      for (const auto& [payee, done] : waiting) done(good);
    });
  });
}

}  // namespace facilitator
