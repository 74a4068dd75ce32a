#pragma once

// Distinct types for distinct kinds of number, so that a payer cannot be passed where a payee is meant.

#include <compare>
#include <cstdint>
#include <functional>

namespace base {

// A number with a kind. Zero is never assigned: it means "none".
template <typename Tag, typename Number>
struct Id {
  using Value = Number;
  Number value = 0;

  constexpr Id() = default;
  constexpr explicit Id(Number number) noexcept : value(number) {}
  constexpr bool valid() const noexcept { return value != 0; }
  constexpr auto operator<=>(const Id&) const = default;
};

using PayerId = Id<struct PayerTag, std::uint32_t>;            // assigned by the ledger in order of registration
using PayeeId = Id<struct PayeeTag, std::uint32_t>;            // same
using ServerId = Id<struct ServerTag, std::uint32_t>;          // a resource server's registered key
using AssetId = Id<struct AssetTag, std::uint16_t>;            // chosen by the operator's configuration, 1..65535
using PlanId = Id<struct PlanTag, std::uint32_t>;              // a billing plan
using MandateId = Id<struct MandateTag, std::uint32_t>;        // a payer's permission for an agent key
using TabId = Id<struct TabTag, std::uint64_t>;                // one (payer, payee, asset, salt)
using StatementId = Id<struct StatementTag, std::uint64_t>;    // gap-free statement number
using SettlementId = Id<struct SettlementTag, std::uint64_t>;  // one collection, payout, relay or refund
using CreditNoteId = Id<struct CreditNoteTag, std::uint64_t>;  // one credit note
using PaymentId = Id<struct PaymentTag, std::uint64_t>;        // one payment that came by itself
using NoticeId = Id<struct NoticeTag, std::uint64_t>;          // one notice of a rail
using ChannelId = Id<struct ChannelTag, std::uint64_t>;        // one kept payment channel (x402 batch-settlement)
using Sequence = Id<struct SequenceTag, std::uint64_t>;        // position of an entry in the journal, from 1
using SegmentId = Id<struct SegmentTag, std::uint64_t>;        // position of a segment in the chain, from 1

}  // namespace base

template <typename Tag, typename Number>
struct std::hash<base::Id<Tag, Number>> {
  std::size_t operator()(base::Id<Tag, Number> id) const noexcept { return std::hash<Number>{}(id.value); }
};
