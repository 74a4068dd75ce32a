#pragma once

// What the provider answers, as far as it matters here. Reading is strict about what money depends on and takes no
// notice of the rest: providers add fields at any time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "settlers/card/declines.h"

namespace settlers::card {

// What tabd wrote into an object.
struct Marks {
  std::string ledger;
  std::string key;
  std::uint64_t settlement = 0;  // 0: none
};

struct DeclineText {
  std::string code, decline_code, advice_code, network_advice_code, message;
  Decline view() const { return {code, decline_code, advice_code, network_advice_code}; }
  // The most telling of the codes.
  std::string_view raw() const { return decline_code.empty() ? code : decline_code; }
  bool empty() const { return code.empty() && decline_code.empty(); }
};

struct BalanceTransaction {
  std::string id;
  std::string currency;
  std::uint64_t fee = 0;  // minor units of `currency`
  std::uint64_t available_on_s = 0;
  bool available = false;
};

struct Charge {
  std::string id;
  std::uint64_t amount_refunded = 0;
  bool disputed = false;
  bool refunded = false;                      // all of it
  std::optional<BalanceTransaction> balance;  // not there yet, or not asked for
};

enum class IntentStatus : std::uint8_t { processing, succeeded, canceled, open };  // open: any requires_...
struct Intent {
  std::string id;
  IntentStatus status = IntentStatus::open;
  std::string status_text;
  std::uint64_t amount = 0;
  std::uint64_t amount_received = 0;
  std::string currency;
  std::string customer;
  std::uint64_t created_s = 0;
  bool livemode = false;
  Marks marks;
  DeclineText last_error;
  std::optional<Charge> charge;
};

struct Transfer {
  std::string id;
  std::uint64_t amount = 0;
  std::uint64_t amount_reversed = 0;
  std::string currency;
  std::string destination;
  std::uint64_t created_s = 0;
  bool livemode = false;
  Marks marks;
};

enum class RefundStatus : std::uint8_t { pending, succeeded, failed };  // failed: or canceled
struct Refund {
  std::string id;
  RefundStatus status = RefundStatus::pending;
  std::string status_text;
  std::uint64_t amount = 0;
  std::string currency;
  std::string payment_intent;
  std::string failure_reason;  // of a failed one; may be empty
  std::uint64_t created_s = 0;
  Marks marks;
  // Of the payment, where the answer holds all of it (`expand[]=data.payment_intent`).
  Marks intent_marks;
  std::uint64_t intent_created_s = 0;
};

enum class DisputeStatus : std::uint8_t { inquiry, open, won, lost };
struct Dispute {
  std::string id;
  DisputeStatus status = DisputeStatus::open;
  std::string status_text;
  std::string reason;
  std::uint64_t amount = 0;  // minor units; of a part of the charge, or of all of it
  std::string currency;      // empty: not said, the charge's
  std::uint64_t due_by_s = 0;
  std::uint64_t created_s = 0;
  std::string payment_intent;
  std::optional<Intent> intent;  // where the answer holds all of it (`expand[]=data.payment_intent`)
};

struct ApiError {
  std::string type, code, message, parameter;
  DeclineText decline;
  std::optional<Intent> intent;
};

template <typename T>
struct Page {
  std::vector<T> items;
  bool has_more = false;
  std::string last_id;
};

// io: the body is not what the provider promises; the message says what is missing.
base::Result<Intent> read_intent(std::string_view body);
base::Result<Transfer> read_transfer(std::string_view body);
base::Result<Page<Intent>> read_intents(std::string_view body);
base::Result<Page<Transfer>> read_transfers(std::string_view body);
base::Result<Page<Dispute>> read_disputes(std::string_view body);
base::Result<Refund> read_refund(std::string_view body);
base::Result<Page<Refund>> read_refunds(std::string_view body);
base::Result<ApiError> read_error(std::string_view body);

struct Customer {
  std::string id;
  std::string payer;  // metadata[tabd_payer]
  bool deleted = false;
};
base::Result<Customer> read_customer(std::string_view body);

struct Account {
  std::string id;
  bool charges_enabled = true;
};
base::Result<Account> read_account(std::string_view body);
// Whether the key is for real money.
base::Result<bool> read_livemode(std::string_view body);

// An event, as webhooks and GET /v1/events have it.
struct Event {
  std::string id;
  std::string type;
  std::string api_version;
  std::uint64_t created_s = 0;
  bool livemode = false;
  std::string object_id;
  std::string object_kind;     // "payment_intent", "charge", "dispute", ...
  std::string payment_intent;  // of a charge, refund or dispute; may be empty
  std::string status;
  Marks marks;  // of the object
};
base::Result<Event> read_event(std::string_view body);
base::Result<Page<Event>> read_events(std::string_view body);

// For messages: one line, printable, at most 200 bytes.
std::string printable(std::string_view text);

}  // namespace settlers::card
