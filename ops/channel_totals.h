#pragma once

// What is in payment channels, summed up for people. Amounts are in the token's smallest units; a sum that would not
// fit stays at the largest number.

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ledger/core/types.h"

namespace ops {

// From this time on the payer may take the money; zero: no withdrawal is under way.
base::Time withdrawal_deadline(const ledger::core::Channel& channel) noexcept;
// Charged with a voucher at hand, and not claimed on the chain.
base::u128 unclaimed(const ledger::core::Channel& channel) noexcept;

// Of one token on one chain.
struct TokenTotals {
  std::uint64_t chain_id = 0;
  ledger::core::Address token;
  std::uint64_t channels = 0;
  // Of the channels that are kept, as confirmed.
  base::u128 escrow = 0;  // paid in and neither claimed nor withdrawn
  base::u128 charged = 0;
  base::u128 unclaimed = 0;
  base::u128 claimed = 0;
  // Of their receivers, as the contract has it: channels that are not kept included.
  base::u128 settled = 0;
  base::u128 unsettled = 0;  // claimed, and not paid out yet
};

struct ChannelTotals {
  std::uint64_t channels = 0;
  std::uint64_t put_aside = 0;
  std::uint64_t withdrawals = 0;
  std::uint64_t withdrawals_unclaimed = 0;  // of these, with something that is not claimed
  // The nearest deadline of a withdrawal: of one with something unclaimed if there is any, otherwise of all.
  base::Time next_deadline;              // zero: there is no withdrawal
  ledger::core::ChannelId next_channel;  // whose deadline it is
  std::vector<TokenTotals> tokens;       // by chain and token
};

// Adds up one after the other.
class ChannelSums {
 public:
  void add(const ledger::core::Channel& channel);
  void add(const ledger::core::Earnings& earnings);
  ChannelTotals totals() const;

 private:
  TokenTotals& of(std::uint64_t chain_id, const ledger::core::Address& token);

  ChannelTotals totals_;
  bool deadline_unclaimed_ = false;  // next_deadline is of one with something unclaimed
  std::map<std::pair<std::uint64_t, ledger::core::Address>, TokenTotals> tokens_;
};

}  // namespace ops
