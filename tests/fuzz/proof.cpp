// Proofs and extensions from strangers: decoding gives back the same bytes, verifying never accepts what the operator
// of this test did not sign.

#include <algorithm>

#include "base/check.h"
#include "ledger/proof/proof.h"
#include "tests/fuzz/target.h"
#include "tests/support/actors.h"

namespace proof = ledger::proof;

bool fuzz::run_input(base::ByteView bytes) {
  static const commitments::tab::Domain domain{support::kNetwork};
  static const base::Address keeper = support::secret_key(support::Role::keeper, 0).address();
  static const base::Address stranger = support::secret_key(support::Role::keeper, 1).address();
  if (const base::Result<proof::Extension> extension = proof::decode_extension(bytes)) {
    const base::Bytes again = proof::encode(*extension);
    CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
    CHECK(!proof::verify_extension(*extension, domain, stranger));
    return proof::verify_extension(*extension, domain, keeper).has_value();
  }
  const base::Result<proof::Proof> value = proof::decode(bytes);
  if (!value) {
    CHECK(value.error().code == base::ErrorCode::invalid_argument && !value.error().message.empty());
    return false;
  }
  const base::Bytes again = proof::encode(*value);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  CHECK(!proof::verify(*value, domain, stranger));
  const base::Result<proof::VerifiedClaims> claims = proof::verify(*value, domain, keeper);
  if (!claims) {
    CHECK(claims.error().code == base::ErrorCode::invalid_argument && !claims.error().message.empty());
    return false;
  }
  CHECK(claims->sequence.value == value->inclusion.header.first_sequence.value + value->inclusion.index);
  CHECK(claims->statement.has_value() == value->statement.has_value());
  CHECK(claims->batch.has_value() == value->batch.has_value());
  return true;
}
