#include "settlers/card/api.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>

#include "settlers/card/answer.h"

namespace settlers::card {

namespace {

// Calls that wait for the rate: a probe of everything that is open, and events. Beyond it a call fails unsent.
constexpr std::size_t kWaitingMax = 4096;
constexpr std::uint64_t kPauseMs = 1'000;           // after a 429 that does not say how long
constexpr std::uint64_t kRetryAfterMsMax = 60'000;  // a longer wait is the dispatcher's to decide

std::uint64_t retry_after_ms(const http::Response& answer) {
  const std::string_view text = answer.field("retry-after");
  std::uint64_t seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return 0;
  return std::min(seconds, kRetryAfterMsMax / 1000) * 1000;
}

Said said_by(unsigned status, const ApiError& error) {
  if (status == 402) return Said::declined;
  // 403 is also the answer about a connected account that is no longer ours to pay.
  if (status == 401 || (status == 403 && error.code != "account_invalid")) return Said::denied;
  // The key is in use with other parameters: whose payment that is has to be looked up.
  if (error.type == "idempotency_error") return Said::unclear;
  if (status == 429) return error.code == "lock_timeout" ? Said::unclear : Said::limited;
  if (status == 400 || status == 403 || status == 404 || status == 405 || status == 413 || status == 414 ||
      status == 422)
    return Said::refused;
  return Said::unclear;
}

std::string problem_of(unsigned status, const ApiError& error) {
  std::string problem = "HTTP " + std::to_string(status);
  if (!error.code.empty()) problem += " " + error.code;
  if (!error.decline.decline_code.empty()) problem += " (" + error.decline.decline_code + ")";
  if (error.code.empty() && !error.type.empty()) problem += " " + error.type;
  if (!error.parameter.empty()) problem += " at " + error.parameter;
  if (!error.message.empty()) problem += ": " + error.message;
  return problem;
}

}  // namespace

Api::Api(boost::asio::io_context& io, const CardOptions& options, std::string api_key, const base::Clock& clock,
         std::unique_ptr<Transport> transport)
    : io_(io),
      options_(options),
      authorization_("Bearer " + std::move(api_key)),
      clock_(clock),
      transport_(std::move(transport)),
      limit_(options.requests_per_s, options.endpoint_requests_per_s) {}

void Api::call(Call call, std::function<void(Reply)> done) {
  if (stopped_) return;
  if (waiting_.size() >= kWaitingMax) {
    boost::asio::post(io_, [self = shared_from_this(), done = std::move(done)] {
      if (!self->stopped_)
        done({Said::unsent, 0, {}, "too many calls wait for the provider's rate limit", true, true, 0});
    });
    return;
  }
  waiting_.push_back({std::move(call), std::move(done)});
  pump();
}

void Api::stop() {
  stopped_ = true;
  waiting_.clear();
}

// In their order, but a kind that has to wait does not hold up the others.
void Api::pump() {
  std::uint64_t shortest_ns = ~std::uint64_t{0};
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    const std::uint64_t wait_ns = limit_.wait_ns(next->call.endpoint, clock_.monotonic_ns());
    if (wait_ns > 0) {
      shortest_ns = std::min(shortest_ns, wait_ns);
      ++next;
      continue;
    }
    limit_.take(next->call.endpoint);
    Waiting ready = std::move(*next);
    next = waiting_.erase(next);
    send(std::move(ready));
  }
  if (waiting_.empty() || timer_set_) return;
  timer_set_ = true;
  auto timer = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::nanoseconds(shortest_ns));
  timer->async_wait([self = shared_from_this(), timer](const boost::system::error_code&) {
    self->timer_set_ = false;
    if (!self->stopped_) self->pump();
  });
}

void Api::send(Waiting waiting) {
  ++calls_;
  http::Request request;
  request.method = waiting.call.method;
  request.target = waiting.call.target;
  request.fields.push_back({"Authorization", authorization_});
  request.fields.push_back(
      {"Stripe-Version", waiting.call.api_version.empty() ? options_.api_version : waiting.call.api_version});
  if (waiting.call.method == http::Method::post) {
    request.fields.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    request.fields.push_back({"Idempotency-Key", waiting.call.idempotency_key});
  }
  request.body = waiting.call.form;
  request.repeatable = true;  // reads, and writes with their key
  auto kept = std::make_shared<Waiting>(std::move(waiting));
  transport_->send(std::move(request), [self = shared_from_this(), kept](const http::Result& answer) {
    if (self->stopped_) return;
    kept->done(self->read(kept->call, answer));
  });
}

Reply Api::read(const Call& call, const http::Result& answer) {
  Reply reply;
  if (!answer) {
    reply.said = answer.error().sent ? Said::unclear : Said::unsent;
    reply.problem = answer.error().message;
    reply.fault = true;
    return reply;
  }
  reply.status = answer->status;
  reply.body = answer->body;
  reply.retry_after_ms = retry_after_ms(*answer);
  if (reply.status >= 200 && reply.status < 300) {
    reply.said = Said::done;
    return reply;
  }
  const base::Result<ApiError> error = read_error(reply.body);
  reply.said = error ? said_by(reply.status, *error) : Said::unclear;
  reply.problem = error ? problem_of(reply.status, *error)
                        : "HTTP " + std::to_string(reply.status) + ", and " + error.error().message;
  // The provider's own word on whether the outcome is decided.
  const std::string_view again = answer->field("stripe-should-retry");
  const bool decided = reply.said != Said::unclear && reply.said != Said::limited;
  if (again == "true" && decided) reply.said = Said::unclear;
  reply.ask_again = again != "false" && !(error && error->type == "idempotency_error");
  reply.fault = reply.status >= 500 || reply.said == Said::denied || !error || !reply.ask_again;
  if (reply.status == 429) {
    ++limited_;
    const std::uint64_t for_ms = reply.retry_after_ms == 0 ? kPauseMs : reply.retry_after_ms;
    limit_.pause(call.endpoint, clock_.monotonic_ns(), for_ms * 1'000'000,
                 answer->field("stripe-rate-limited-reason") == "global-rate");
  }
  return reply;
}

}  // namespace settlers::card
