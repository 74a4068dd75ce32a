#pragma once

// Who plays: every key follows from its role and number, and is worth nothing outside the demo.

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secp256k1.h"

namespace playground::demo {

struct Party {
  std::string label;
  crypto::SecretKey key;
  base::Address address;
  std::string key_file;  // set by write_keys
};

struct Payee {
  Party party;
  std::uint32_t fee_basis_points = 0;
  std::string fee_fixed;               // decimal
  std::vector<std::string> resources;  // URLs that it sells
};

struct Cast {
  Party operator_;
  Party auditor;
  Party treasury;              // the account that collects and pays out
  std::vector<Party> servers;  // 0 sells for payees 0 and 1, 1 for payees 1 and 2
  std::vector<Payee> payees;
  std::vector<Party> payers;
  std::vector<Party> agents;  // agent i signs for payer i
};

inline constexpr std::size_t kServers = 2;
inline constexpr std::size_t kPayees = 3;
inline constexpr std::size_t kPayers = 12;
inline constexpr std::size_t kAgents = 2;
inline constexpr std::size_t kPoorPayer = kPayers - 1;  // on a chain: its wallet is too small for its bill
// With all rails: the first four pay by bank, the next four by card, the others on the chain.
inline constexpr std::size_t kBankPayers = 4;
inline constexpr std::size_t kCardPayers = 4;
inline constexpr std::size_t kStolenCardPayer = kBankPayers + kCardPayers - 1;  // then its plan goes on to the bank

Cast make_cast();
// Writes each key to `folder`/LABEL.key with mode 0400.
base::Result<void> write_keys(Cast& cast, const std::string& folder);

}  // namespace playground::demo
