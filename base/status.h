#pragma once

// What tabd says about a command. Numbers are permanent: they are on the wire and in clients' code. Never renumber,
// never reuse. The order in which checks are made is part of the contract (docs/bindings/tab.md, "Order of checks").

#include <cstdint>
#include <optional>
#include <string_view>

namespace base {

// What the caller can do about a refusal.
enum class NextStep : std::uint8_t {
  none = 0,          // nothing to do
  fix = 1,           // the request is wrong: change it
  retry_later = 2,   // the same request may succeed later
  top_up = 3,        // the payer must pay, raise a cap or a limit
  ask_operator = 4,  // the operator must act
};

// X(name, number, sentence, x402 error code or "", next step)
// clang-format off
#define TABD_STATUSES(X)                                                                                                                              \
  X(ok,                         0, "Accepted and durable.",                                                          "", none)                       \
  X(already_accepted,           1, "The same item was accepted before; this is the first result.",                   "", none)                       \
  X(signature_wrong,           10, "The signature was not made by the named signer over this content.",              "invalid_signature", fix)        \
  X(signature_high_s,          11, "The signature's s is in the upper half of the group order.",                     "invalid_signature", fix)        \
  X(signature_bad_v,           12, "The signature's v is neither 27 nor 28.",                                        "invalid_signature", fix)        \
  X(signature_length,          13, "A signature has 65 bytes: r, s, v.",                                             "invalid_signature", fix)        \
  X(signature_out_of_range,    14, "The signature's r or s is zero or not below the group order.",                   "invalid_signature", fix)        \
  X(domain_wrong,              15, "The batch names another network than this operator's.",                          "invalid_network", fix)          \
  X(batch_signature_wrong,     16, "The batch signature was not made by the session's registered server key.",       "invalid_payload", fix)          \
  X(batch_too_large,           17, "A batch holds 1 to 1,024 items.",                                                "invalid_payload", fix)          \
  X(item_malformed,            18, "A field of the item is missing, too long or out of range.",                      "invalid_payload", fix)          \
  X(expired,                   30, "The commitment's validBefore has passed.",                                       "invalid_payload", fix)          \
  X(not_yet_valid,             31, "The commitment's validAfter has not come.",                                      "invalid_payload", retry_later)  \
  X(validity_too_long,         32, "validBefore is further ahead than this operator admits.",                        "invalid_payload", fix)          \
  X(payer_unknown,             40, "The payer has no account here.",                                                 "invalid_payload", ask_operator) \
  X(payee_unknown,             41, "The payee has no account here.",                                                 "invalid_payment_requirements", ask_operator) \
  X(asset_unknown,             42, "The asset is not configured here.",                                              "invalid_payment_requirements", fix) \
  X(asset_not_enabled,         43, "The payer has no plan for this asset.",                                          "invalid_payment_requirements", ask_operator) \
  X(server_unknown,            44, "The resource server's key is not registered.",                                   "", ask_operator)               \
  X(server_not_for_payee,      45, "This resource server may not charge for this payee.",                            "", ask_operator)               \
  X(server_suspended,          46, "This resource server is suspended.",                                             "", ask_operator)               \
  X(signer_not_authorised,     47, "The signer is neither the payer nor an agent with a mandate for this asset.",    "invalid_signature", fix)        \
  X(mandate_revoked,           48, "The payer revoked the agent's mandate.",                                         "invalid_signature", fix)        \
  X(mandate_expired,           49, "The agent's mandate has expired.",                                               "invalid_signature", fix)        \
  X(mandate_not_yet_valid,     50, "The agent's mandate is not valid yet.",                                          "invalid_signature", retry_later) \
  X(mandate_payee_not_listed,  51, "The agent's mandate does not list this payee.",                                  "invalid_payment_requirements", fix) \
  X(mandate_cap_exceeded,      52, "The charge exceeds what is left of the mandate's cap in this period.",           "insufficient_funds", top_up)    \
  X(charge_above_maximum,      60, "The charge is above the commitment's maximum.",                                  "invalid_payload", fix)          \
  X(voucher_below_charged,     61, "The voucher's maximum is below what the tab has been charged with these charges.", "invalid_payload", fix)        \
  X(credit_limit_exceeded,     62, "The payer's exposure would exceed the credit limit.",                            "insufficient_funds", top_up)    \
  X(payer_suspended,           63, "The payer is suspended.",                                                        "insufficient_funds", top_up)    \
  X(amount_overflow,           64, "The amounts add up to more than can be represented.",                            "invalid_payload", fix)          \
  X(nonce_conflict,            70, "The nonce was used before with other content.",                                  "invalid_payload", fix)          \
  X(tab_out_of_order,          71, "The tab's next charge index is lower than this first index: charges are missing.", "invalid_payload", fix)        \
  X(tab_conflict,              72, "These charge indexes of the tab were used before with other content.",           "invalid_payload", fix)          \
  X(hold_unknown,              80, "There is no hold with this payer and nonce.",                                    "", fix)                        \
  X(hold_captured,             81, "The hold was captured before with another charge.",                              "", fix)                        \
  X(hold_released,             82, "The hold was released.",                                                         "", fix)                        \
  X(hold_expired,              83, "The hold expired and was released.",                                             "", fix)                        \
  X(not_found,                 90, "There is no such object.",                                                       "", fix)                        \
  X(already_exists,            91, "An object with this identity exists with other content.",                        "", fix)                        \
  X(wrong_state,               92, "The object's state does not allow this.",                                        "", fix)                        \
  X(mandate_nonce_old,         93, "A mandate or revocation with this or a higher nonce is on record.",              "", fix)                        \
  X(limit_reached,             94, "A configured number of objects is reached.",                                     "", ask_operator)               \
  X(value_invalid,             95, "A value is out of its range.",                                                   "", fix)                        \
  X(dry_run,                   96, "Checked and not recorded: this was a dry run.",                                  "", none)                       \
  X(relay_conflict,            97, "The relay's key was used before with another order.",                            "invalid_payload", fix)          \
  X(reference_conflict,        98, "The reference was used before with other content.",                              "", fix)                        \
  X(overloaded,               100, "The queue is full; nothing was recorded.",                                       "", retry_later)                \
  X(shutting_down,            101, "The daemon is stopping; nothing was recorded.",                                  "", retry_later)                \
  X(not_permitted,            102, "This session may not do this.",                                                  "", ask_operator)               \
  X(channel_unknown,          110, "This channel is not kept here.",                                                 "invalid_batch_settlement_evm_missing_channel", fix) \
  X(channel_busy,             111, "Another request has reserved this channel.",                                     "invalid_batch_settlement_evm_channel_busy", retry_later) \
  X(channel_amount_mismatch,  112, "The voucher's maximum is not what the channel was charged plus the amount.",     "invalid_batch_settlement_evm_cumulative_amount_mismatch", fix) \
  X(channel_exceeds_balance,  113, "The voucher's maximum is above the channel's balance.",                          "invalid_batch_settlement_evm_cumulative_exceeds_balance", top_up) \
  X(channel_below_claimed,    114, "The voucher's maximum is not above what was claimed on the chain.",              "invalid_batch_settlement_evm_cumulative_below_claimed", fix) \
  X(channel_put_aside,        115, "The channel was put aside: its claim cannot be sent.",                           "", ask_operator)               \
  X(channel_refund_too_high,  116, "The refund is above what the channel has left.",                                 "invalid_batch_settlement_evm_refund_no_balance", fix) \
  X(reservation_ended,        117, "The channel's reservation has ended, or another has taken its place.",           "", fix)                        \
  X(reservation_conflict,     118, "The reservation was captured before with another usage.",                        "", fix)
// clang-format on

enum class Status : std::uint16_t {
#define TABD_STATUS_ENUM(name, number, sentence, x402, step) name = number,
  TABD_STATUSES(TABD_STATUS_ENUM)
#undef TABD_STATUS_ENUM
};

struct StatusInfo {
  Status status;
  std::string_view name;
  std::string_view sentence;
  std::string_view x402_code;  // empty where x402 has none
  NextStep next_step;
};

// Never fails for a Status of this enum; a number from outside goes through status_from_number first.
const StatusInfo& info(Status status) noexcept;
inline std::string_view name(Status status) noexcept { return info(status).name; }
std::optional<Status> status_from_number(std::uint16_t number) noexcept;
std::string_view name(NextStep step) noexcept;

// The item's effect is in the ledger: now or from before.
constexpr bool accepted(Status status) noexcept { return status == Status::ok || status == Status::already_accepted; }

// All of them, in numerical order: for documentation, metrics and tests.
#define TABD_STATUS_COUNT(name, number, sentence, x402, step) +1
inline constexpr int kStatusCount = 0 TABD_STATUSES(TABD_STATUS_COUNT);
#undef TABD_STATUS_COUNT
const StatusInfo* all_statuses() noexcept;  // kStatusCount entries

}  // namespace base
