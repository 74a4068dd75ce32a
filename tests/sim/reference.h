#pragma once

// The small rules that the model needs, in their plainest form: what makes an item the same, calendar periods, shares.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ledger/core/command.h"

namespace sim {

namespace core = ledger::core;
namespace tab = commitments::tab;

using Kind = tab::ItemKind;
using base::Address;
using base::Hash;
using base::Status;
using base::Time;
using core::CloseReason;
using core::FailureClass;
using core::HoldState;
using core::SettlementKind;
using core::SettlementState;
using core::StatementState;
using AccountKey = std::pair<std::uint32_t, std::uint16_t>;                    // payer (or payee), asset
using AgentKey = std::tuple<std::uint32_t, Address, std::uint16_t>;            // payer, agent, asset
using HoldKey = std::pair<std::uint32_t, base::u128>;                          // payer, nonce
using TabKey = std::tuple<std::uint32_t, std::uint32_t, std::uint16_t, Hash>;  // payer, payee, asset, salt
using Money = base::i128;
using Shares = std::map<std::uint32_t, Money>;  // by payee; nothing that is zero

inline Money money(base::Amount amount) { return amount.signed_units(); }

inline Money total_of(const std::vector<tab::Usage>& usages) {
  Money total = 0;
  for (const tab::Usage& usage : usages) total += money(usage.amount);
  return total;
}

// Everything that makes an item the same item: what the payer signed and what the server reports.
inline std::string content_of(const tab::Item& item) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.u8(static_cast<std::uint8_t>(item.kind));
  const tab::Voucher& v = item.voucher;
  const tab::SingleUse& s = item.single;
  if (item.kind == tab::ItemKind::voucher) {
    out.fixed(v.payer), out.fixed(v.payee), out.id(v.asset), out.fixed(v.salt), out.amount(v.maximum);
    out.u64(v.valid_before), out.u64(item.first_index);
  } else if (item.kind == tab::ItemKind::charge || item.kind == tab::ItemKind::hold) {
    out.fixed(s.payee), out.id(s.asset), out.amount(s.maximum), out.fixed(s.resource);
    out.u64(s.valid_after), out.u64(s.valid_before);
  }
  for (const tab::Usage& u : item.usages) {
    out.amount(u.amount), out.u64(u.quantity), out.text(u.unit), out.fixed(u.resource);
  }
  return {bytes.begin(), bytes.end()};
}

// Calendar periods in UTC, in seconds; weeks start on Monday.
inline std::uint64_t period_start(tab::Period period, std::uint64_t seconds) {
  const std::uint64_t day = seconds / 86'400;
  if (period == tab::Period::total) return 0;
  if (period == tab::Period::hour) return seconds - seconds % 3600;
  if (period == tab::Period::day) return day * 86'400;
  if (period == tab::Period::week) return (day - (day + 3) % 7) * 86'400;  // 1970-01-01 was a Thursday
  std::uint64_t start = 0;
  for (std::uint64_t year = 1970, month = 1;; ++month) {
    if (month == 13) ++year, month = 1;
    constexpr std::uint64_t kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const std::uint64_t next = start + kLengths[month - 1] + (leap ? 1 : 0);
    if (day < next) return start * 86'400;
    start = next;
  }
}

// Whole units by weight; what is left goes one by one to the largest remainders, ties to the lower payee. Amounts stay
// below 2^60 here, so that the products fit.
inline Shares split(Money total, const Shares& weights) {
  Money sum = 0, left = total;
  for (const auto& [payee, weight] : weights) sum += weight;
  Shares parts;
  if (sum == 0) return parts;
  std::vector<std::pair<Money, std::uint32_t>> remainders;
  for (const auto& [payee, weight] : weights) {
    left -= parts[payee] = total * weight / sum;
    remainders.emplace_back(-(total * weight % sum), payee);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; left > 0; ++i, --left) parts[remainders.at(i).second] += 1;
  std::erase_if(parts, [](const auto& part) { return part.second == 0; });
  return parts;
}

inline Money rail_unit(const core::Asset& asset) {
  Money unit = 1;
  for (int i = asset.rail_scale; i < asset.scale; ++i) unit *= 10;
  return unit;
}

inline Money whole_rail_units(Money amount, const core::Asset& asset) { return amount - amount % rail_unit(asset); }

template <typename Objects>
auto find_address(Objects& objects, const base::Address& address) {
  return std::find_if(objects.begin(), objects.end(), [&](auto& one) { return one.second.address == address; });
}

// How far the money has come: 0 not sent or back, 1 under way, 2 confirmed, 3 cash, 4 final.
inline int stage(SettlementState state) {
  constexpr int kStages[] = {0, 0, 1, 1, 2, 3, 4, 0, 1, 0, 3, 0, 0};  // by the state's number
  return kStages[static_cast<std::size_t>(state)];
}

// The dispatcher's edges: for each state the numbers of the states that may follow (10 is a).
inline bool edge(SettlementKind kind, SettlementState from, SettlementState to) {
  const std::string next[] = {"", "27", "345678", "345678", "34569a", "569a", "", "", "345678", "", "59a", "", ""};
  const bool no_dispute = kind != SettlementKind::collection && to == SettlementState::disputed;
  const char number = "0123456789abc"[static_cast<std::size_t>(to)];
  return !no_dispute && next[static_cast<std::size_t>(from)].find(number) != std::string::npos;
}

}  // namespace sim
