#include "playground/demo/stand_ins.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>

#include "settlers/http/client.h"

namespace playground::demo {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;
namespace json = boost::json;
namespace http = settlers::http;

constexpr int kStartTries = 1000;  // of 10 ms

// As a shell finds it.
Result<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string program = folder + "/" + name;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return error(ErrorCode::not_found, "there is no " + name +
                                         ". Install it with tools/setup.sh, or use the rail that needs none: "
                                         "make demo RAIL=sandbox");
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Waits until the process has written a first line.
Result<std::string> first_line(Child& process, const std::string& log, const char* what) {
  for (int i = 0; i < kStartTries; ++i) {
    const std::string text = content(log);
    if (const std::size_t end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
    if (!process.running()) break;
    ::usleep(10'000);
  }
  return error(ErrorCode::unavailable, std::string(what) + " did not start:\n" + content(log));
}

std::uint64_t number(const json::value& value) { return value.to_number<std::uint64_t>(); }

}  // namespace

std::string iban(std::uint64_t account) {
  const std::string digits = std::to_string(account);
  const std::string rest = "37040044" + std::string(10 - digits.size(), '0') + digits;
  unsigned remainder = 0;  // of the number with "DE00" at its end (ISO 13616)
  for (const char c : rest + "131400") remainder = (remainder * 10 + static_cast<unsigned>(c - '0')) % 97;
  const std::string check = std::to_string(98 - remainder);
  return "DE" + std::string(2 - check.size(), '0') + check + rest;
}

// One request at a time.
class CardProvider::Http {
 public:
  explicit Http(http::Url url) : client_(io_, options(std::move(url))) {}

  Result<json::value> call(http::Method method, const std::string& target, const std::string& body) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.repeatable = true;  // the provider is on this machine: a kept connection that it closed is no loss
    request.fields = {{"Authorization", std::string("Bearer ") + kProviderKey},
                      {"Content-Type", "application/x-www-form-urlencoded"}};
    std::optional<http::Result> answer;
    client_.send(std::move(request), [&answer](http::Result result) { answer = std::move(result); });
    io_.restart();
    while (!answer && io_.run_one() > 0) {
    }
    if (!answer || !*answer)
      return error(ErrorCode::io, "card provider: " + (answer ? answer->error().message : std::string("no answer")));
    if ((*answer)->status != 200) return error(ErrorCode::io, "card provider, " + target + ": " + (*answer)->body);
    std::error_code failure;
    json::value value = json::parse((*answer)->body, failure);
    if (failure) return error(ErrorCode::io, "card provider, " + target + ": " + failure.message());
    return value;
  }

 private:
  static http::ClientOptions options(http::Url url) {
    http::ClientOptions options;
    options.url = std::move(url);
    return options;
  }
  boost::asio::io_context io_{1};
  http::Client client_;
};

CardProvider::CardProvider() = default;
CardProvider::~CardProvider() = default;

Result<std::unique_ptr<CardProvider>> CardProvider::start(const std::string& source_root, const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string node, find_program("node"));
  const std::string log = folder + "/provider.log";
  std::unique_ptr<CardProvider> provider(new CardProvider());
  ASSIGN_OR_RETURN(provider->process_,
                   Child::start({node, source_root + "/playground/provider/main.mjs", "--until-stopped"}, log));
  ASSIGN_OR_RETURN(provider->url_, first_line(provider->process_, log, "the card provider"));
  ASSIGN_OR_RETURN(http::Url url, http::parse_url(provider->url_, "the card provider"));
  provider->http_ = std::make_unique<Http>(std::move(url));
  ASSIGN_OR_RETURN(const json::value told,
                   provider->http_->call(http::Method::post, "/_test", "{\"availableAfter\": 1}"));
  return provider;
}

Result<std::string> CardProvider::save_card(const base::Address& payer, const std::string& card) {
  ASSIGN_OR_RETURN(const json::value customer,
                   http_->call(http::Method::post, "/v1/customers", "metadata[tabd_payer]=" + base::to_hex(payer)));
  const std::string id(customer.at("id").as_string());
  ASSIGN_OR_RETURN(const json::value method,
                   http_->call(http::Method::post, "/v1/payment_methods/" + card + "/attach", "customer=" + id));
  return id + ";" + std::string(method.at("id").as_string());
}

Result<std::string> CardProvider::connect_account() {
  ASSIGN_OR_RETURN(const json::value account, http_->call(http::Method::post, "/v1/accounts", "type=express"));
  return std::string(account.at("id").as_string());
}

Result<CardProvider::Books> CardProvider::books() {
  ASSIGN_OR_RETURN(const json::value told, http_->call(http::Method::get, "/_test", ""));
  Books books;
  for (const json::value& intent : told.at("intents").as_array()) {
    if (intent.at("status").as_string() != "succeeded") continue;
    books.charged[std::string(intent.at("customer").as_string())] += number(intent.at("amount_received"));
    ++books.payments;
  }
  for (const json::value& charge : told.at("charges").as_array())
    books.fees += number(charge.at("balance_transaction").at("fee"));
  for (const json::value& transfer : told.at("transfers").as_array())
    books.transferred[std::string(transfer.at("destination").as_string())] += number(transfer.at("amount"));
  books.balance = told.at("balance").to_number<std::int64_t>();
  return books;
}

Result<std::unique_ptr<Bank>> Bank::start(const std::string& source_root, const std::string& folder,
                                          const std::string& spool, const std::string& day_s) {
  ASSIGN_OR_RETURN(const std::string python, find_program("python3"));
  const std::string log = folder + "/bank.log";
  auto bank = std::make_unique<Bank>();
  bank->books_file_ = folder + "/bank.json";
  ASSIGN_OR_RETURN(bank->process_, Child::start({python, source_root + "/playground/bank/bank.py", spool, "--account",
                                                 std::string(kOperatorIban) + "=" + std::to_string(kBankOpeningCents),
                                                 "--day", day_s, "--books", bank->books_file_},
                                                log));
  ASSIGN_OR_RETURN(const std::string said, first_line(bank->process_, log, "the bank"));
  return bank;
}

Result<Bank::Books> Bank::books() const {
  std::error_code failure;
  const json::value told = json::parse(content(books_file_), failure);
  if (failure) return error(ErrorCode::io, books_file_ + ": " + failure.message());
  Books books;
  for (const auto& [account, change] : told.at("accounts").as_object())
    books.changes[std::string(account)] = change.to_number<std::int64_t>();
  books.balance = told.at("own").to_number<std::int64_t>();
  books.files = number(told.at("files"));
  books.payments = number(told.at("payments"));
  books.statements = number(told.at("statements"));
  return books;
}

}  // namespace playground::demo
