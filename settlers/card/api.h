#pragma once

// Calls to the provider: authentication, version, idempotency key, rates. It never repeats a call; what is not known
// stays unknown. On the io_context's thread; completions never come from within call().

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "settlers/card/card.h"
#include "settlers/card/rate_limit.h"

namespace settlers::card {

struct Call {
  std::string_view endpoint;  // with static storage: "POST /v1/payment_intents"; what the rate limit counts
  http::Method method = http::Method::get;
  std::string target;           // path and query
  std::string form;             // of a POST
  std::string idempotency_key;  // of a POST
  std::string api_version;      // empty: the options'
};

// How far a call got.
enum class Said : std::uint8_t {
  done,      // 2xx
  declined,  // 402: a card was asked and said no
  refused,   // 400, 404 and the like: the request was not carried out
  denied,    // 401, 403: the key may not do this; not carried out
  limited,   // 429 of a rate limit: not carried out, and not remembered under the key
  unsent,    // no connection: nothing left this machine
  unclear,   // no answer, 409, 5xx, nonsense: it may have been carried out
};
struct Reply {
  Said said = Said::unclear;
  unsigned status = 0;  // HTTP; 0: no answer
  std::string body;
  std::string problem;               // for people, unless done
  bool fault = false;                // the provider or the way to it does not work
  bool ask_again = true;             // unclear: the same call may be made again (Stripe-Should-Retry is not false)
  std::uint64_t retry_after_ms = 0;  // what the provider asks for; 0: nothing
};

class Api : public std::enable_shared_from_this<Api> {
 public:
  Api(boost::asio::io_context& io, const CardOptions& options, std::string api_key, const base::Clock& clock,
      std::unique_ptr<Transport> transport);
  void call(Call call, std::function<void(Reply)> done);
  void stop();  // completions no longer come
  // Since the start.
  std::uint64_t calls() const noexcept { return calls_; }
  std::uint64_t limited() const noexcept { return limited_; }

 private:
  struct Waiting {
    Call call;
    std::function<void(Reply)> done;
  };
  void pump();
  void send(Waiting waiting);
  Reply read(const Call& call, const http::Result& answer);

  boost::asio::io_context& io_;
  const CardOptions& options_;
  const std::string authorization_;
  const base::Clock& clock_;
  const std::unique_ptr<Transport> transport_;
  RateLimit limit_;
  std::deque<Waiting> waiting_;
  bool timer_set_ = false;
  bool stopped_ = false;
  std::uint64_t calls_ = 0;
  std::uint64_t limited_ = 0;
};

}  // namespace settlers::card
