#pragma once

// An x402 facilitator (protocol version 2): knows the schemes, reads requests, says who may ask for whom, and leaves
// the money to the scheme. No sockets: rpc/http brings the bytes.
//
// Order of checks: the envelope (400), scheme and network (400), the caller's payees (403), `accepted` against
// `paymentRequirements` (a rejection), the payment identifier (409), then the scheme's own.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "facilitator/payment_identifiers.h"
#include "facilitator/scheme.h"

namespace facilitator {

// Who asks: a resource server that has shown its API key.
struct Caller {
  std::uint32_t id = 0;
  std::span<const base::Address> payees;  // ascending
};

// Belongs to one thread; Done is called on it.
class Facilitator {
 public:
  // `clock` must outlive this.
  explicit Facilitator(const base::Clock& clock);
  ~Facilitator();
  Facilitator(const Facilitator&) = delete;
  Facilitator& operator=(const Facilitator&) = delete;

  void add(std::unique_ptr<Scheme> scheme);
  // The body of GET /supported.
  std::string supported() const;

  // `request` as in decode_request; the document is not needed after the call.
  void run(const Caller& caller, Operation operation, const JsonDocument& document, const JsonNode& request,
           const Done& done);
  // Call it when everything that arrived together has been given to run().
  void flush();
  // Before the end: payments that wait for a chain are answered as pending, now and from here on.
  void hurry();

 private:
  std::variant<Scheme*, Refusal> scheme_for(const PaymentRequirements& requirements) const;

  std::vector<std::unique_ptr<Scheme>> schemes_;
  PaymentIdentifiers identifiers_;
};

}  // namespace facilitator
