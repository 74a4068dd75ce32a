#pragma once

// Names for the ledger's numbers, and numbers for people's names. Reads each object at most once.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cli/context.h"

namespace cli {

class Names {
 public:
  // `viewer` must outlive the object.
  explicit Names(Viewer& viewer) : viewer_(viewer) {}

  // "weather-api", or the short address where there is no label; "payee 3" when it cannot be read.
  std::string payer(base::PayerId id);
  std::string payee(base::PayeeId id);
  std::string plan(base::PlanId id);
  // Full addresses, for JSON. Empty when unknown.
  std::string payer_address(base::PayerId id);
  std::string payee_address(base::PayeeId id);

 private:
  struct Party {
    std::string label;
    base::Address address;
    bool known = false;
  };
  const Party& payer_of(base::PayerId id);
  const Party& payee_of(base::PayeeId id);
  Viewer& viewer_;
  std::unordered_map<base::PayerId, Party> payers_;
  std::unordered_map<base::PayeeId, Party> payees_;
  std::unordered_map<base::PlanId, std::string> plans_;
  bool plans_read_ = false;
};

// A payer or payee as a person names it: an address, a number ("3" or "#3"), or a label. A label that is not there is
// answered with the nearest one that is.
Result<base::Address> find_payer(tabd::BooksSession& books, const std::string& name);
Result<base::Address> find_payee(tabd::BooksSession& books, const std::string& name);
Result<core::Server> find_server(tabd::BooksSession& books, const std::string& name);

// "label (0x1234...abcd)", or the address alone.
std::string party_text(const std::string& label, const base::Address& address);

}  // namespace cli
