#pragma once

// Who moves money beside the chain: a card provider (playground/provider) and a bank (playground/bank), each a process
// of its own with books of its own.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "playground/demo/child.h"

namespace playground::demo {

inline constexpr const char* kProviderKey = "sk_test_provider";  // the stand-in's own, worth nothing elsewhere
// IBAN, creditor identifier: the examples of the standards' documents.
inline constexpr const char* kOperatorIban = "DE89370400440532013000";
inline constexpr const char* kCreditorId = "DE98ZZZ09999999999";
// Of another account at the same made-up bank.
std::string iban(std::uint64_t account);

class CardProvider {
 public:
  // Needs Node.js. Money is available a second after it was paid, where a real provider takes days.
  static base::Result<std::unique_ptr<CardProvider>> start(const std::string& source_root, const std::string& folder);
  ~CardProvider();
  const std::string& url() const noexcept { return url_; }

  // A customer of `payer` with one of the provider's test cards ("pm_card_visa"): the payer's mandate,
  // "cus_...;pm_...".
  base::Result<std::string> save_card(const base::Address& payer, const std::string& card);
  // A connected account that can be paid: "acct_...".
  base::Result<std::string> connect_account();

  // All in cents.
  struct Books {
    std::map<std::string, std::uint64_t> charged;      // by customer: payments that succeeded
    std::map<std::string, std::uint64_t> transferred;  // by connected account
    std::uint64_t fees = 0;
    std::int64_t balance = 0;  // of the operator
    std::size_t payments = 0;
  };
  base::Result<Books> books();

 private:
  class Http;
  CardProvider();
  std::unique_ptr<Http> http_;
  Child process_;
  std::string url_;
};

class Bank {
 public:
  // `day_s`: how long its day lasts. It has 100,000.00 of the operator's at the start.
  static base::Result<std::unique_ptr<Bank>> start(const std::string& source_root, const std::string& folder,
                                                   const std::string& spool, const std::string& day_s);
  // In cents.
  struct Books {
    std::map<std::string, std::int64_t> changes;  // by IBAN: what others have more or less
    std::int64_t balance = 0;                     // of the operator
    std::uint64_t files = 0, payments = 0, statements = 0;
  };
  base::Result<Books> books() const;

 private:
  Child process_;
  std::string books_file_;
};

// What the operator has there at the start.
inline constexpr std::int64_t kBankOpeningCents = 10'000'000;
inline constexpr std::int64_t kProviderOpeningCents = 100'000'000;

}  // namespace playground::demo
