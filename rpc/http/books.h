#pragma once

// What payers, payees and their servers may read, as JSON. Plain functions over the ledger; they run on the reading
// thread. Amounts are texts of digits in ledger units; times are seconds with six decimals.

#include <optional>
#include <span>
#include <string>

#include "facilitator/protocol.h"
#include "ledger/api/reader.h"
#include "rpc/http/api_keys.h"

namespace rpc::http {

struct PageQuery {
  std::uint64_t after = 0;
  std::size_t limit = 0;
};

// A JSON body, or why there is none.
using BookAnswer = tl::expected<std::string, facilitator::Refusal>;

// Of a payer: its own. Of payees: what concerns them, found by looking at up to limits::kHttpScanMax rows; a page may
// then hold few items, or none, and still have a `next`. `looked` becomes how many rows were looked at.
BookAnswer read_statements(const ledger::api::LedgerReader& reader, const ApiKey& key, const PageQuery& page,
                           std::size_t& looked);
BookAnswer read_statement(const ledger::api::LedgerReader& reader, const ApiKey& key, std::uint64_t id);
// Of a payer: its collections and refunds. Of payees: their payouts.
BookAnswer read_settlements(const ledger::api::LedgerReader& reader, const ApiKey& key, const PageQuery& page,
                            std::size_t& looked);
BookAnswer read_charges(const ledger::api::LedgerReader& reader, const ApiKey& key, const PageQuery& page,
                        std::size_t& looked);
// Of a payer: what it owes and may still spend, for each asset. Of payees: what is owed to them.
BookAnswer read_exposure(const ledger::api::LedgerReader& reader, const ApiKey& key);
// The payment channels that are kept here (docs/bindings/channel.md, section 6): of a payer its own, of payees those
// that pay them. Amounts in the token's smallest units.
BookAnswer read_channels(const ledger::api::LedgerReader& reader, const ApiKey& key, const PageQuery& page,
                         std::size_t& looked);
BookAnswer read_channel(const ledger::api::LedgerReader& reader, const ApiKey& key, const base::Hash& id);

}  // namespace rpc::http
