#pragma once

// `batch-settlement` on `<operator>:tab` (docs/bindings/tab.md, section 12): credit-backed, on the ledger of this
// daemon.
//
//   verify of a commitment   a durable hold of its maximum; the same again is the same answer while the hold is open
//   settle of a commitment   captures the hold, or charges at once if there is none
//   verify of a voucher      asks the ledger and records nothing
//   settle of a voucher      charges the tab at the index that the payload names
//
// The front is a resource server of the ledger with a key of its own and signs the batches; which payees a caller may
// charge for was checked before (facilitator.h).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/secp256k1.h"
#include "facilitator/scheme.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"

namespace facilitator {

struct TabSchemeParts {
  ledger::api::IngestService& ingest;
  ledger::api::LedgerService& ledger;
  const ledger::api::LedgerReader& reader;
  const base::Clock& clock;
  const crypto::SecretKey& server_key;
  std::function<std::vector<base::Address>()> payees;  // for whom the front registers itself, with an account
  Post post;
};

inline constexpr std::string_view kTabScheme = "batch-settlement";

// Reads the operator's assets. Everything in `parts` must outlive the last answer of the ledger, which may come after
// the scheme is gone only if `post` no longer runs anything.
base::Result<std::unique_ptr<Scheme>> make_tab_scheme(TabSchemeParts parts);

// The body of GET /.well-known/x402-tab: what a client needs to sign, and to check what the operator signed.
base::Result<std::string> describe_tab(const ledger::api::LedgerReader& reader, const base::Address& server);

}  // namespace facilitator
