#pragma once

// Signed mandates and their revocations as JSON (docs/bindings/tab.md, sections 9 and 12). They carry the payer's
// signature, so it does not matter who brings them.

#include <functional>
#include <string>
#include <variant>

#include "commitments/tab/types.h"
#include "facilitator/json.h"
#include "facilitator/protocol.h"
#include "facilitator/scheme.h"
#include "facilitator/tab_payload.h"
#include "ledger/api/ledger_service.h"

namespace facilitator {

struct TabMandateParts {
  const commitments::tab::Domain& domain;
  ledger::api::LedgerService& ledger;
  Post post;
};

// Belongs to the facilitator's thread. What `parts` refer to must outlive the ledger's last answer, which may come
// after this is gone only if `post` no longer runs anything.
class TabMandates {
 public:
  // A JSON object once it is on disk, or why not. Called once.
  using Told = std::function<void(std::variant<std::string, Refusal>)>;

  TabMandates(TabMandateParts parts, TabAssets assets);

  // {"network", "mandate": {...}, "signature"}. The same again is the same answer while the mandate is in force.
  void set(const JsonDocument& document, Told told);
  // {"network", "revocation": {...}, "signature"}. The same again is the same answer.
  void revoke(const JsonDocument& document, Told told);

 private:
  void submit(ledger::core::Command command, std::string said, Told told);

  const TabMandateParts parts_;
  const TabAssets assets_;
};

}  // namespace facilitator
