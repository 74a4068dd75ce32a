#pragma once

// Cards through a provider with Stripe's REST interface. Collections are off-session PaymentIntents against a saved
// payment method; payouts are transfers to connected accounts. docs/rails/card.md is for operators.
//
// What makes a payment happen once:
//   - The idempotency key follows from ledger, settlement and attempt, and is in the ledger before anything is sent.
//   Every
//     repetition of a request carries it, and every object of the provider has it in its metadata.
//   - A request whose reply was lost, or that was answered 409 or 5xx, is `unknown`. A probe first lists the payer's
//     payments and looks for the key; if there is none, and the provider still knows the key (kResendSeconds), it sends
//     the same bytes again. Later it only lists.
//   - A collection is reported as failed when its PaymentIntent can no longer succeed: it is cancelled, or was never
//   made.
//     A payer who authenticates late cannot pay what another attempt or rail is collecting.
//   - What is read must carry the key, the amount and the currency that were sent; otherwise nothing is concluded.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "settlers/card/currency.h"
#include "settlers/http/client.h"
#include "settlers/inbox.h"
#include "settlers/settler.h"

namespace boost::asio {
class io_context;
}

namespace settlers::card {

// The provider keeps idempotency keys for at least 24 hours; an hour is for clocks and slow calls.
inline constexpr std::uint64_t kResendSeconds = 23 * 3600;

struct CardAsset {
  ledger::core::AssetId asset;
  std::string currency;    // lower case: "usd"
  std::string rate = "1";  // units of the currency for one unit of the asset
};

struct CardOptions {
  std::string base_url = "https://api.stripe.com";
  std::string ca_file;                            // PEM; empty: the system's authorities
  std::string api_version = "2026-10-28.endive";  // sent with every call
  bool livemode = false;                          // real money; must be what the key is for
  std::string account;                            // acct_...: the key must belong to it; empty: any
  std::string ledger;                             // in metadata: which ledger a payment belongs to
  std::vector<CardAsset> assets;
  std::string statement_descriptor_suffix;  // on the payer's card statement; empty: the account's own
  std::uint64_t timeout_ms = 30'000;
  std::size_t in_flight_max = 16;
  std::uint32_t requests_per_s = 50;           // of all calls; half of the provider's limit for live keys
  std::uint32_t endpoint_requests_per_s = 15;  // of calls of one kind; the provider allows 25
  std::uint64_t poll_ms = 30'000;              // between probes of what the provider is processing
  std::uint64_t settled_probe_s = 7 * 86'400;  // between probes of what is paid, beside those that events cause
  std::uint64_t final_after_s = 120 * 86'400;  // from the charge until a dispute is taken to be impossible
  // From when a collection of which there is no trace is taken as never made. At least 25 hours; 0: the operator
  // decides.
  std::uint64_t absent_after_s = 0;
  std::uint64_t events_poll_ms = 60'000;         // how often events are looked for that no webhook brought; 0: never
  std::uint64_t events_lookback_s = 3 * 86'400;  // how far back at the start; the provider keeps 30 days
  std::vector<std::string> webhook_secrets;      // whsec_...: any of them; none: webhooks are refused
};

// "cus_...;pm_...": whom to charge, with what. The bytes of a payer's mandate for this rail. Payers say it themselves,
// so the customer's metadata must have the payer's address (0x..., lower case) as `tabd_payer`; nobody else is charged.
struct CardMandate {
  std::string customer;
  std::string payment_method;
};
base::Result<CardMandate> parse_mandate(base::ByteView bytes);

// invalid_argument: it is no secret key of the provider, or one of the other mode. The message does not hold the key.
base::Result<void> check_api_key(const std::string& key, bool livemode);

// How requests leave. The default is settlers/http; tests put a provider in its place.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual base::Result<void> check() const { return {}; }
  virtual void send(http::Request request, http::Done done) = 0;
};

struct WebhookAnswer {
  unsigned status = 200;  // HTTP
  std::string problem;    // a sentence for the sender; empty with 200
};

class CardSettler : public Settler {
 public:
  // What was posted to the webhook: `signature` is the Stripe-Signature header, `body` the bytes as they came. 200 when
  // it is durable, was before, or is about nothing of ours; 400 if it is refused; 503 if it is to be sent again. From
  // any thread; `done` is called once, on the io_context's thread or one of the ledger's, and not at all after stop().
  virtual void receive(std::string signature, std::string body, Done<WebhookAnswer> done) = 0;
};

// `io`, `clock` and `inbox` must outlive it. `inbox` may be null: then there are no events and webhooks. `api_key`:
// sk_... or rk_...; never logged. `transport` may be null. invalid_argument: an option or the key cannot be used.
base::Result<std::unique_ptr<CardSettler>> make_card(boost::asio::io_context& io, CardOptions options,
                                                     std::string api_key, const base::Clock& clock, Inbox* inbox,
                                                     std::unique_ptr<Transport> transport = nullptr);

}  // namespace settlers::card
