// Journal entries: whatever decodes must encode to the same bytes, as an entry has one encoding.

#include "ledger/core/entry.h"
#include "base/check.h"
#include "tests/fuzz/target.h"

bool fuzz::run_input(base::ByteView bytes) {
  const base::Result<ledger::core::Entry> entry = ledger::core::decode_entry(bytes);
  if (!entry) {
    CHECK(entry.error().code == base::ErrorCode::corruption && !entry.error().message.empty());
    return false;
  }
  CHECK(ledger::core::kind_of(*entry) == bytes[0]);
  CHECK(ledger::core::kind_name(bytes[0]) != ledger::core::kind_name(0));
  base::Bytes again;
  base::Encoder out(again);
  ledger::core::encode_entry(*entry, out);
  CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()));
  return true;
}
