#pragma once

// What the page shows, as JSON (ops/page.h says how amounts and times look). Names of parties are resolved here.

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <vector>

#include "ledger/api/reader.h"
#include "ops/page.h"
#include "ops/payment_feed.h"

namespace ops {

// One answer's view: remembers what it has looked up. Not safe for concurrent use.
class PageJson {
 public:
  explicit PageJson(const ledger::api::LedgerReader& reader) : reader_(reader) {}

  boost::json::object payment(const Payment& payment);
  // One object for each asset of the payer; one without an asset if there is none.
  base::Result<boost::json::array> exposures(const ledger::core::Payer& payer);
  boost::json::object statement(const ledger::core::Statement& statement);  // a row of the list
  boost::json::object statement_in_full(const ledger::core::Statement& statement);
  boost::json::object line(const ledger::core::Statement& statement, const aggregator::Line& line);
  boost::json::object settlement(const ledger::core::Settlement& settlement);
  boost::json::object channel(const ledger::core::Channel& channel);
  base::Result<boost::json::array> assets() const;

 private:
  const ledger::core::Asset& asset(ledger::core::AssetId id);
  // The asset that a chain's token is here; null if it is none.
  const ledger::core::Asset* asset(std::uint64_t chain_id, const ledger::core::Address& token);
  boost::json::value amount(ledger::core::Amount amount, ledger::core::AssetId asset);
  boost::json::value payer(ledger::core::PayerId id);
  boost::json::value payee(ledger::core::PayeeId id);
  void name_channel(boost::json::object& row, const Payment& payment);
  boost::json::value relay(const ledger::core::Settlement& settlement) const;
  boost::json::array shares(const std::vector<aggregator::PayeeShare>& shares, ledger::core::AssetId asset);

  const ledger::api::LedgerReader& reader_;
  std::map<ledger::core::AssetId, ledger::core::Asset> assets_;
  std::map<ledger::core::PayerId, boost::json::object> payers_;
  std::map<ledger::core::PayeeId, boost::json::object> payees_;
  std::map<ledger::core::PlanId, ledger::core::Plan> plans_;
  std::optional<std::vector<ledger::core::Asset>> all_assets_;
};

boost::json::object page_json(const PageHealth& health);
boost::json::object page_json(const LedgerTotals& totals);
boost::json::object page_json(const ledger::core::LedgerHead& head);

}  // namespace ops
