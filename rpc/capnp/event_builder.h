#pragma once

// Turns journal segments into events. One thread at a time; reads the ledger for the names behind ids.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ledger/api/observer.h"
#include "ledger/api/reader.h"
#include "rpc/capnp/views.h"

namespace rpc {

class EventBuilder {
 public:
  explicit EventBuilder(const ledger::api::LedgerReader& reader) : reader_(reader) {}
  // The events of a segment whose kinds are in `kinds` (bits), in order. An entry that cannot be read is left out.
  std::vector<Event> build(const ledger::api::CommittedSegment& segment, std::uint32_t kinds);

 private:
  struct Parties {
    core::PayerId payer;
    core::PayeeId payee;
    core::AssetId asset;
    core::StatementId statement;
    core::Amount amount;
  };
  struct Describe;  // the visitor over entries
  core::Address payer(core::PayerId id);
  core::Address payee(core::PayeeId id);
  Parties tab(core::TabId id);
  Parties hold(core::Sequence sequence);
  Parties settlement(core::SettlementId id);
  struct ChannelParties {
    core::Hash key;
    core::Address payer;
    core::Address receiver;
  };
  ChannelParties channel(core::ChannelId id);

  const ledger::api::LedgerReader& reader_;
  // What never changes about an id. Emptied when large.
  std::unordered_map<core::PayerId, core::Address> payers_;
  std::unordered_map<core::PayeeId, core::Address> payees_;
  std::unordered_map<core::TabId, Parties> tabs_;
  std::unordered_map<core::SettlementId, Parties> settlements_;
  std::unordered_map<core::ChannelId, ChannelParties> channels_;
};

}  // namespace rpc
