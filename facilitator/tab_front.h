#pragma once

// The front as a registered resource server: makes sure that the ledger lets it charge for the payees that the
// configuration names, as soon as they have an account.

#include <functional>
#include <string_view>
#include <vector>

#include "facilitator/tab_scheme.h"

namespace facilitator {

// Belongs to the facilitator's thread.
class TabFront {
 public:
  explicit TabFront(const TabSchemeParts& parts);

  // After the ledger said that this server may not charge for `payee`: registers what can be registered and calls
  // `done` with whether it is worth trying again. Rare: reads a few rows on this thread.
  void admit(const base::Address& payee, std::function<void(bool)> done);

 private:
  void register_now();
  std::vector<base::Address> payees_with_account() const;

  const TabSchemeParts& parts_;
  std::vector<base::Address> registered_;  // by this object; ascending
  std::vector<std::pair<base::Address, std::function<void(bool)>>> waiting_;
  bool under_way_ = false;
};

}  // namespace facilitator
