#pragma once

// The ledger's objects as JSON and as words. The JSON is stable and documented in cli/OUTPUT.md: amounts are decimal
// strings in the object's asset, times are ISO 8601 in UTC (null for "not yet"), bytes are hexadecimal.

#include "cli/json.h"
#include "cli/names.h"

namespace cli {

std::string_view word(core::Standing standing) noexcept;
std::string_view word(core::StatementState state) noexcept;
std::string_view word(core::SettlementKind kind) noexcept;
std::string_view word(core::SettlementState state) noexcept;
std::string_view word(core::FailureClass failure) noexcept;
std::string_view word(core::NoticeKind kind) noexcept;
std::string_view word(core::NoticeState state) noexcept;
std::string_view word(core::Resolution resolution) noexcept;
Result<core::SettlementState> parse_settlement_state(std::string_view text);
Result<core::NoticeState> parse_notice_state(std::string_view text);
// "dismiss", "went-back", "payer-credit", "operator".
Result<core::Resolution> parse_resolution(std::string_view text);

Json time_json(core::Time time);
Json asset_json(const core::Asset& asset);
Json plan_json(const core::Plan& plan, const AssetBook& assets);
Json payer_json(const core::Payer& payer, Names& names);
Json tally_json(const rpc::TallyView& tally, const AssetBook& assets, Names& names);
Json payee_json(const core::Payee& payee, const AssetBook& assets);
Json payee_balance_json(const core::PayeeBalance& balance, const AssetBook& assets);
Json operator_balance_json(const core::OperatorBalance& balance, const AssetBook& assets);
Json server_json(const core::Server& server, Names& names);
Json mandate_json(const commitments::tab::Mandate& mandate, const AssetBook& assets);
Json mandate_state_json(const core::MandateState& state, const AssetBook& assets);
Json statement_json(const core::Statement& statement, const AssetBook& assets, Names& names);
// Empty for relays, which have no party.
std::string party_of(const core::Settlement& settlement, Names& names);
std::string party_address_of(const core::Settlement& settlement, Names& names);
Json relay_json(const core::Relay& relay);
// Figures of channels are in the token's smallest units.
Json channel_json(const core::Channel& channel);
Json earnings_json(const core::Earnings& earnings);
// "open", "reserved", "refund", "withdrawal" or "put aside": the one that matters most.
std::string_view channel_state(const core::Channel& channel) noexcept;
Json settlement_json(const core::Settlement& settlement, const AssetBook& assets, Names& names);
Json notice_json(const core::Notice& notice, const AssetBook& assets, Names& names);
Json charge_json(const rpc::ChargeRecord& charge, const AssetBook& assets, Names& names);
Json event_json(const rpc::Event& event, const AssetBook& assets);
Json head_json(const rpc::Head& head);
Json rail_json(const rpc::RailStatus& rail);
Json rails_json(const std::vector<base::RailName>& rails);

}  // namespace cli
