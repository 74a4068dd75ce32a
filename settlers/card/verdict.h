#pragma once

// From what the provider says to what the ledger is told. Pure.

#include <optional>
#include <vector>

#include "settlers/card/answer.h"
#include "settlers/card/api.h"
#include "settlers/card/request.h"
#include "settlers/settler.h"

namespace settlers::card {

// Why an object cannot be the answer to this request: another key, amount, currency, mode. Empty: it is.
std::string mismatch(const Intent& intent, const StoredRequest& request, const Hash& key, bool livemode);
std::string mismatch(const Transfer& transfer, const StoredRequest& request, const Hash& key, bool livemode);

std::string mismatch(const Refund& refund, const StoredRequest& request, const Hash& key);

Outcome failed(FailureClass failure, std::string detail);
// Nothing is known; when to look again depends on how long that has been so.
Outcome unknown(std::string detail, std::uint64_t created_s, base::Time now, bool fault);

// A payment that did not happen and no longer can.
Outcome declined(const DeclineText& decline, std::string_view reference);
// A request that was not carried out.
Outcome refused(const ApiError& error, const Reply& reply, Operation operation);

// An intent that is processing or succeeded. `disputes`: of a charge that is disputed.
// The fee is told where it is in the currency of the charge and the asset can hold it. Disputes of a part of the charge
// change nothing but the detail: lost_part() says what they took.
Outcome progress(const Intent& intent, const StoredRequest& request, const std::vector<Dispute>& disputes,
                 const CardOptions& options, const Instruction& instruction, base::Time now);
// Of a settlement's amount, what `dispute` took: the same share as of the charge, and at most all.
Amount lost_part(const Dispute& dispute, const StoredRequest& request, Amount amount);
Outcome progress(const Transfer& transfer, const StoredRequest& request);
// Banks send refunds back for some time after they succeeded; `instruction` says how far it was.
Outcome progress(const Refund& refund, const CardOptions& options, const Instruction& instruction,
                 const StoredRequest& request, base::Time now);

}  // namespace settlers::card
