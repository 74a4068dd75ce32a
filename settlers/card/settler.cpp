#include <algorithm>

#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

namespace {

// What one collection's customer may have paid since it was prepared: a hundred to a page.
constexpr std::uint32_t kPagesMax = 50;
// How far the provider's clock may be behind ours.
constexpr std::uint64_t kClockSlackSeconds = 900;
constexpr std::size_t kAnswerBytesMax = 4 * 1024 * 1024;

class HttpTransport final : public Transport {
 public:
  HttpTransport(boost::asio::io_context& io, http::ClientOptions options) : client_(io, std::move(options)) {}
  base::Result<void> check() const override { return client_.check(); }
  void send(http::Request request, http::Done done) override { client_.send(std::move(request), std::move(done)); }

 private:
  http::Client client_;
};

class Card final : public CardSettler {
 public:
  explicit Card(std::shared_ptr<CardImpl> impl) : impl_(std::move(impl)) {}
  ~Card() override { impl_->stop(); }
  std::string_view rail() const override { return "card"; }
  Capabilities capabilities() const override {
    Capabilities capabilities;
    capabilities.pull = true;
    capabilities.push = true;
    capabilities.refunds = true;
    capabilities.can_probe = true;
    capabilities.deduplicates = true;  // for a day; later probes only look
    capabilities.in_flight_max = impl_->options().in_flight_max;
    capabilities.finality_s = impl_->options().final_after_s;
    return capabilities;
  }
  void start(Done<base::Result<void>> done) override { impl_->start(std::move(done)); }
  void set_sending(bool allowed) override { impl_->set_sending(allowed); }
  void stop() override { impl_->stop(); }
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    impl_->prepare(instruction, std::move(done));
  }
  void send(const Instruction& instruction, Done<Outcome> done) override { impl_->send(instruction, std::move(done)); }
  void probe(const Instruction& instruction, Done<Outcome> done) override {
    impl_->probe(instruction, std::move(done));
  }
  void movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) override {
    impl_->movements(query, std::move(done));
  }
  void receive(std::string signature, std::string body, Done<WebhookAnswer> done) override {
    impl_->receive(std::move(signature), std::move(body), std::move(done));
  }
  std::string describe() const override { return impl_->describe(); }
  std::vector<Gauge> gauges() const override { return impl_->gauges(); }

 private:
  const std::shared_ptr<CardImpl> impl_;
};

tl::unexpected<base::Error> refuse(std::string message) {
  return base::error(base::ErrorCode::invalid_argument, "rails.card." + std::move(message));
}

// Where objects of a kind are made, listed and read.
struct Resource {
  std::string_view create, list;  // endpoints
  const char* path;
  std::string_view prefix;  // of their ids
  const char* would;
};
constexpr Resource kCharge = {"POST /v1/payment_intents", "GET /v1/payment_intents", "/v1/payment_intents", "pi_",
                              "would charge "};
constexpr Resource kTransfer = {"POST /v1/transfers", "GET /v1/transfers", "/v1/transfers", "tr_", "would transfer "};
constexpr Resource kRefund = {"POST /v1/refunds", "GET /v1/refunds", "/v1/refunds", "re_", "would refund "};

const Resource& resource_of(Operation operation) {
  switch (operation) {
    case Operation::charge: return kCharge;
    case Operation::transfer: return kTransfer;
    case Operation::refund: break;
  }
  return kRefund;
}

base::Result<void> check_options(const CardOptions& options) {
  for (const CardAsset& asset : options.assets) {
    if (!is_currency(asset.currency))
      return refuse("asset.currency: \"" + asset.currency + "\" is no currency; expected three lower-case letters");
    if (!parse_rate(asset.rate))
      return refuse("asset.rate: \"" + asset.rate + "\" is no rate; expected a decimal above zero, such as \"0.92\"");
  }
  if (options.ledger.empty() || options.ledger.size() > 200) return refuse("ledger: 1 to 200 bytes are expected");
  for (const std::string& secret : options.webhook_secrets) {
    if (!secret.starts_with("whsec_"))
      return refuse("webhook_secret_files: a file does not hold a signing secret; expected one line, whsec_...");
  }
  if (options.absent_after_s != 0 && options.absent_after_s < 25 * 3600)
    return refuse("absent_after: at least 25 hours, because the provider keeps keys for a day");
  return {};
}

}  // namespace

base::Result<void> check_api_key(const std::string& key, bool livemode) {
  const bool known = key.starts_with("sk_") || key.starts_with("rk_");
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!known || !plain || key.size() > 512)
    return refuse("api_key_file: the file does not hold a secret key; expected one line, sk_... or rk_...");
  const bool live = key.compare(3, 5, "live_") == 0;
  const bool test = key.compare(3, 5, "test_") == 0;
  if ((live && !livemode) || (test && livemode))
    return refuse(std::string("livemode: it is ") + (livemode ? "true" : "false") + ", and the key is for " +
                  (live ? "real money" : "the test mode"));
  return {};
}

base::Result<std::unique_ptr<CardSettler>> make_card(boost::asio::io_context& io, CardOptions options,
                                                     std::string api_key, const base::Clock& clock, Inbox* inbox,
                                                     std::unique_ptr<Transport> transport) {
  RETURN_IF_ERROR(check_options(options));
  RETURN_IF_ERROR(check_api_key(api_key, options.livemode));
  if (!transport) {
    http::ClientOptions client;
    ASSIGN_OR_RETURN(client.url, http::parse_url(options.base_url, "rails.card.base_url"));
    if (client.url.target != "/") return refuse("base_url: the address of the server is expected, without a path");
    client.ca_file = options.ca_file;
    client.timeout_ms = options.timeout_ms;
    client.connections_max = options.in_flight_max;
    client.answer_bytes_max = kAnswerBytesMax;
    transport = std::make_unique<HttpTransport>(io, std::move(client));
  }
  RETURN_IF_ERROR(transport->check());
  return std::make_unique<Card>(
      std::make_shared<CardImpl>(io, std::move(options), std::move(api_key), clock, inbox, std::move(transport)));
}

CardImpl::CardImpl(boost::asio::io_context& io, CardOptions options, std::string api_key, const base::Clock& clock,
                   Inbox* inbox, std::unique_ptr<Transport> transport)
    : io_(io),
      options_(std::move(options)),
      clock_(clock),
      inbox_(inbox),
      api_(std::make_shared<Api>(io, options_, std::move(api_key), clock, std::move(transport))),
      poll_timer_(io) {}

void CardImpl::stop() {
  stopped_ = true;
  poll_timer_.cancel();
  api_->stop();
}

void CardImpl::prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) {
  Prepared prepared;
  prepared.idempotency_key = key_of(options_, instruction.settlement);
  std::string unmovable, note;
  base::Result<StoredRequest> request =
      build_request(options_, instruction, prepared.idempotency_key, now(), unmovable, note);
  if (!request) return done(tl::unexpected<base::Error>(request.error()));
  if (!unmovable.empty()) {
    prepared.failure = FailureClass::rejected;
    prepared.code = "amount_not_movable";
    prepared.detail = std::move(unmovable);
    return done(std::move(prepared));
  }
  const unsigned exponent = currency_rules(request->currency, request->operation).exponent;
  prepared.detail = resource_of(request->operation).would + base::Amount(request->units).to_decimal_string(exponent) +
                    " " + request->currency + " to " + request->party + (note.empty() ? "" : ", " + note);
  prepared.request = encode(*request);
  if (instruction.dry_run) return done(std::move(prepared));
  const auto answer = [done = std::move(done), prepared = std::move(prepared)](const base::Result<void>& checked) {
    if (!checked) return done(tl::unexpected<base::Error>(checked.error()));
    done(prepared);
  };
  const std::string payer = base::to_hex(instruction.payer_address);
  const auto with_key = [self = shared_from_this(), request = std::move(*request), payer,
                         answer](const base::Result<void>& verified) {
    // Whatever is wrong with the key is not the payer's fault.
    if (!verified) return answer(base::error(base::ErrorCode::unavailable, verified.error().message));
    if (request.operation == Operation::transfer) return answer({});
    if (request.operation == Operation::refund) return self->check_origin(request, answer);
    self->check_customer(request.party, payer, answer);
  };
  // The provider may not have been there at the start to say whose key this is.
  verified_ ? with_key({}) : verify(with_key);
}

CardImpl::WorkPtr CardImpl::begin(const Instruction& instruction, Done<Outcome> done) {
  auto work = std::make_shared<Work>();
  work->instruction = instruction;
  work->done = std::move(done);
  base::Result<StoredRequest> request = decode_request(instruction.settlement.request);
  if (!request) {
    // Nobody else makes such bytes: nothing can be sent or looked for.
    finish(work, unknown(request.error().message, 0, now(), true));
    return nullptr;
  }
  work->request = std::move(*request);
  return work;
}

void CardImpl::finish(const WorkPtr& work, Outcome outcome) {
  {
    const std::lock_guard<std::mutex> lock(shown_mutex_);
    shown_calls_ = api_->calls();
    shown_limited_ = api_->limited();
  }
  const Done<Outcome> done = std::move(work->done);
  work->done = nullptr;
  if (done) done(outcome);
}

void CardImpl::send(const Instruction& instruction, Done<Outcome> done) {
  const WorkPtr work = begin(instruction, std::move(done));
  if (!work) return;
  work->first = true;
  create(work);
}

void CardImpl::probe(const Instruction& instruction, Done<Outcome> done) {
  const WorkPtr work = begin(instruction, std::move(done));
  if (!work) return;
  const Operation operation = work->request.operation;
  if (instruction.settlement.reference.starts_with(resource_of(operation).prefix)) {
    if (operation == Operation::charge) return read_charge(work);
    return operation == Operation::refund ? read_refund_again(work) : read_transfer_again(work);
  }
  const std::uint64_t age_s = now().seconds() > work->request.created_s ? now().seconds() - work->request.created_s : 0;
  work->may_create = sending_ && age_s < kResendSeconds;
  list(work, {});
}

void CardImpl::unclear(const WorkPtr& work, const Reply& reply) {
  Outcome outcome = unknown(reply.problem, work->request.created_s, now(), reply.fault);
  outcome.next_probe_ms = std::max(outcome.next_probe_ms, reply.retry_after_ms);
  finish(work, std::move(outcome));
}

// Sends exactly the bytes that the ledger has.
void CardImpl::create(const WorkPtr& work) {
  const Resource& resource = resource_of(work->request.operation);
  Call call;
  call.endpoint = resource.create;
  call.method = http::Method::post;
  call.target = resource.path;
  call.form = work->request.form;
  call.idempotency_key = key_text(work->key());
  call.api_version = work->request.api_version;
  work->may_create = false;
  api_->call(std::move(call), [self = shared_from_this(), work](const Reply& reply) { self->on_created(work, reply); });
}

void CardImpl::on_created(const WorkPtr& work, const Reply& reply) {
  const bool charge = work->request.operation == Operation::charge;
  const base::Result<ApiError> error = read_error(reply.body);
  switch (reply.said) {
    case Said::unclear: return unclear(work, reply);
    case Said::unsent:
    case Said::limited:
    case Said::denied: {
      // Not carried out now; but only the first call knows that it never was.
      if (!work->first) return unclear(work, reply);
      return finish(work, failed(FailureClass::technical, reply.problem));
    }
    case Said::declined:
    case Said::refused:
      if (charge && error && error->intent) {
        work->decline = error->decline;
        return on_intent(work, *error->intent);
      }
      // Said so, and looked: there is no trace of it.
      work->otherwise =
          reply.said == Said::declined ? declined(error->decline, {}) : refused(*error, reply, work->request.operation);
      work->otherwise->detail = work->otherwise->detail.empty() ? reply.problem : work->otherwise->detail;
      return list(work, {});
    case Said::done: break;
  }
  if (charge) {
    const base::Result<Intent> intent = read_intent(reply.body);
    if (intent) return on_intent(work, *intent);
    return finish(work, unknown(intent.error().message, work->request.created_s, now(), true));
  }
  if (work->request.operation == Operation::refund) {
    const base::Result<Refund> refund = read_refund(reply.body);
    if (refund) return on_refund(work, *refund);
    return finish(work, unknown(refund.error().message, work->request.created_s, now(), true));
  }
  const base::Result<Transfer> transfer = read_transfer(reply.body);
  if (transfer) return on_transfer(work, *transfer);
  finish(work, unknown(transfer.error().message, work->request.created_s, now(), true));
}

// What the customer or account was part of since the request was prepared. Lists are consistent; searches are not.
void CardImpl::list(const WorkPtr& work, const std::string& after) {
  const Operation operation = work->request.operation;
  if (work->pages++ >= kPagesMax)
    return finish(work, unknown("there are too many payments to look through for this one", work->request.created_s,
                                now(), false));
  const std::uint64_t from_s =
      work->request.created_s > kClockSlackSeconds ? work->request.created_s - kClockSlackSeconds : 0;
  Call call;
  call.endpoint = resource_of(operation).list;
  call.target = resource_of(operation).path;
  switch (operation) {
    case Operation::charge: call.target += "?customer="; break;
    case Operation::transfer: call.target += "?transfer_group=" + key_text(work->key()) + "&destination="; break;
    case Operation::refund: call.target += "?payment_intent="; break;
  }
  call.target += percent_encoded(work->request.party);
  call.target += "&created[gte]=" + std::to_string(from_s) + "&limit=100";
  if (operation == Operation::charge) call.target += "&expand[]=data.latest_charge.balance_transaction";
  if (!after.empty()) call.target += "&starting_after=" + percent_encoded(after);
  call.api_version = work->request.api_version;
  api_->call(std::move(call), [self = shared_from_this(), work, operation](const Reply& reply) {
    if (reply.said != Said::done) return self->unclear(work, reply);
    if (operation == Operation::charge) return self->on_charges(work, reply);
    operation == Operation::refund ? self->on_refunds(work, reply) : self->on_transfers(work, reply);
  });
}

// The provider has no trace of it.
void CardImpl::absent(const WorkPtr& work) {
  if (work->otherwise) return finish(work, std::move(*work->otherwise));
  if (work->may_create) return create(work);
  const std::uint64_t age_s = now().seconds() > work->request.created_s ? now().seconds() - work->request.created_s : 0;
  const std::string since = "the provider has no trace of it " + std::to_string(age_s / 3600) + " h after it was sent";
  if (options_.absent_after_s != 0 && age_s >= options_.absent_after_s)
    return finish(work, failed(FailureClass::technical, since + "; taken as never made (rails.card.absent_after)"));
  std::string detail = since;
  if (!sending_ && age_s < kResendSeconds) detail += "; the rail is switched off, so it is not asked again";
  finish(work, unknown(std::move(detail), work->request.created_s, now(), false));
}

std::string CardImpl::describe() const {
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  std::string text = account_.empty() ? std::string("account not known yet") : account_;
  text += options_.livemode ? ", real money" : ", test mode";
  text += "; " + std::to_string(shown_calls_) + " calls since start";
  if (shown_limited_ > 0) text += ", " + std::to_string(shown_limited_) + " over the provider's rate";
  if (events_ > 0) text += "; " + std::to_string(events_) + " events";
  if (events_refused_ > 0) text += ", " + std::to_string(events_refused_) + " refused";
  if (events_unkept_ > 0) text += " (" + std::to_string(events_unkept_) + " of them not kept)";
  if (!events_problem_.empty()) text += "; events cannot be read: " + events_problem_;
  if (!problem_.empty()) text += "; nothing is sent: " + problem_;
  return text;
}

std::vector<Gauge> CardImpl::gauges() const {
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  return {{"provider_calls_total", static_cast<std::int64_t>(shown_calls_)},
          {"provider_rate_limited_total", static_cast<std::int64_t>(shown_limited_)},
          {"provider_events_total", static_cast<std::int64_t>(events_)},
          {"provider_events_refused_total", static_cast<std::int64_t>(events_refused_)},
          {"provider_events_refused_not_kept_total", static_cast<std::int64_t>(events_unkept_)},
          {"provider_verified", problem_.empty() ? 1 : 0}};
}

}  // namespace settlers::card
