// Whose key it is: the account, and whether it is about real money. Whose customers are charged.

#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

namespace {

// How long a customer is believed to be the payer's without asking again, and for how many that is remembered.
constexpr std::uint64_t kOwnerSeconds = 3'600;
constexpr std::size_t kOwnersMax = 65'536;

base::Result<void> not_asked(const Reply& reply) {
  return base::error(base::ErrorCode::unavailable,
                     "the card provider cannot be asked whose key it is: " + reply.problem);
}

base::Result<void> wrong(std::string message) {
  return base::error(base::ErrorCode::invalid_argument, "rails.card." + std::move(message));
}

}  // namespace

// A provider that does not answer must not keep the daemon from starting: the other rails work. Until it has answered
// nothing is sent.
void CardImpl::start(Done<base::Result<void>> done) {
  verify([self = shared_from_this(), done = std::move(done)](base::Result<void> result) {
    if (!result && result.error().code == base::ErrorCode::unavailable) result = base::Result<void>();
    if (result) self->poll_later();
    done(std::move(result));
  });
}

void CardImpl::verify(std::function<void(base::Result<void>)> done) {
  Call call;
  call.endpoint = "GET /v1/balance";
  call.target = "/v1/balance";
  api_->call(std::move(call), [self = shared_from_this(), done = std::move(done)](const Reply& reply) mutable {
    const base::Result<void> balance = self->read_balance(reply);
    if (balance) return self->verify_account(std::move(done));
    {
      const std::lock_guard<std::mutex> lock(self->shown_mutex_);
      self->problem_ = balance.error().message;
    }
    done(balance);
  });
}

void CardImpl::verify_account(std::function<void(base::Result<void>)> done) {
  Call call;
  call.endpoint = "GET /v1/account";
  call.target = "/v1/account";
  api_->call(std::move(call), [self = shared_from_this(), done = std::move(done)](const Reply& reply) {
    const base::Result<void> owner = self->read_owner(reply);
    {
      const std::lock_guard<std::mutex> lock(self->shown_mutex_);
      self->problem_ = owner ? std::string() : owner.error().message;
    }
    self->verified_ = owner.has_value();
    done(owner);
  });
}

base::Result<void> CardImpl::read_balance(const Reply& reply) {
  if (reply.said == Said::denied) return wrong("api_key_file: the provider refuses the key: " + reply.problem);
  if (reply.said != Said::done) return not_asked(reply);
  const base::Result<bool> livemode = read_livemode(reply.body);
  if (!livemode) return wrong("base_url: " + livemode.error().message);
  if (*livemode != options_.livemode)
    return wrong(std::string("livemode: it is ") + (options_.livemode ? "true" : "false") + ", and the key is for " +
                 (*livemode ? "real money" : "the test mode"));
  return {};
}

base::Result<void> CardImpl::read_owner(const Reply& reply) {
  // A restricted key need not be able to read the account, unless it is to be compared.
  if (reply.said == Said::denied && options_.account.empty()) return {};
  if (reply.said == Said::denied) return wrong("account: the key may not read its account: " + reply.problem);
  if (reply.said != Said::done) return not_asked(reply);
  const base::Result<Account> account = read_account(reply.body);
  if (!account) return wrong("base_url: " + account.error().message);
  if (!options_.account.empty() && account->id != options_.account)
    return wrong("account: it is " + options_.account + ", and the key belongs to " + account->id);
  if (!account->charges_enabled)
    return wrong("account: the provider does not let " + account->id + " charge cards yet; finish its registration");
  const std::lock_guard<std::mutex> lock(shown_mutex_);
  account_ = account->id;
  return {};
}

// A payer says with the mandate whose card is charged, so the provider has to agree: otherwise anybody who learns the
// name of a customer could let that customer pay.
void CardImpl::check_customer(const std::string& customer, const std::string& payer,
                              std::function<void(base::Result<void>)> done) {
  if (const auto known = owners_.find(customer);
      known != owners_.end() && known->second.payer == payer && now() < known->second.until)
    return done({});
  Call call;
  call.endpoint = "GET /v1/customers/{id}";
  call.target = "/v1/customers/" + percent_encoded(customer);
  api_->call(std::move(call), [self = shared_from_this(), customer, payer, done = std::move(done)](const Reply& reply) {
    done(self->read_customer_of(reply, customer, payer));
  });
}

base::Result<void> CardImpl::read_customer_of(const Reply& reply, const std::string& customer,
                                              const std::string& payer) {
  const auto refuse = [](std::string message) {
    return base::error(base::ErrorCode::invalid_argument, std::move(message));
  };
  if (reply.said == Said::refused) return refuse(customer + ": " + reply.problem);
  if (reply.said != Said::done)
    return base::error(base::ErrorCode::unavailable,
                       "the card provider cannot be asked whose " + customer + " is: " + reply.problem);
  const base::Result<Customer> read = read_customer(reply.body);
  if (!read) return base::error(base::ErrorCode::unavailable, read.error().message);
  if (read->deleted) return refuse(customer + " was deleted at the provider");
  if (read->payer != payer)
    return refuse(customer + " is not this payer's: its metadata has no tabd_payer with the payer's address, " + payer);
  if (owners_.size() >= kOwnersMax) owners_.clear();
  owners_[customer] = {payer, base::Time::from_seconds(now().seconds() + kOwnerSeconds)};
  return {};
}

}  // namespace settlers::card
