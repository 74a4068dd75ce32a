// kill -9 at random moments under load, with an oracle on the client's side: what was acknowledged is in the ledger
// exactly once after every restart, and nothing is counted twice, whatever is submitted again.
//
// TABD_KILLS says how often (default 25); TABD_SEED repeats a run.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "base/clock.h"
#include "clients/cpp/tabd_client.h"
#include "ledger/core/entry.h"
#include "tests/support/actors.h"
#include "tests/system/harness.h"

namespace {

namespace core = ledger::core;
using base::Status;
using system_test::Tabd;
using system_test::TempFolder;

constexpr std::uint64_t kPayers = 6;
constexpr std::uint64_t kPayees = 3;
constexpr std::size_t kBatchItems = 8;
constexpr std::size_t kInFlight = 16;  // batches

// Windows of a second: statements, collections and payouts are killed too.
constexpr const char* kConfig = R"(
[[asset]]
id = 1
text = "eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3"
symbol = "USDC"
[[plan]]
label = "fast"
asset = "USDC"
credit_limit = "1000000"
rails = ["sandbox"]
window = "1s"
[rails.sandbox]
enabled = true
)";

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// A promise by its nonce; one counter for all payers, so the nonce alone identifies it.
using Nonce = std::uint64_t;

// What the client knows of one promise.
struct Known {
  std::uint64_t payer = 0;
  std::uint64_t amount = 0;
  core::Sequence sequence;  // none: not acknowledged (yet)
};

class Kill9 : public testing::Test {
 protected:
  Kill9()
      : kills_(from_environment("TABD_KILLS", 25)),
        seed_(from_environment("TABD_SEED", static_cast<std::uint64_t>(::getpid()))),
        random_(seed_) {}

  std::uint64_t draw(std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random_);
  }

  std::unique_ptr<tabd::Client> connect() {
    base::Result<std::unique_ptr<tabd::Client>> client = base::error(base::ErrorCode::unavailable, "not tried");
    system_test::eventually([&] {
      client = tabd::Client::connect(tabd::Endpoint::unix_socket(tabd_.socket()));
      return client.has_value() || !tabd_.process().running();
    });
    EXPECT_TRUE(client.has_value()) << (client ? "" : client.error().message) << tabd_.log();
    return client ? std::move(*client) : nullptr;
  }

  crypto::SecretKey operator_key() { return support::anvil_key(0); }

  void register_everybody() {
    const auto client = connect();
    ASSERT_NE(client, nullptr);
    auto session = client->login_operator(operator_key());
    ASSERT_TRUE(session.has_value()) << session.error().message;
    for (std::uint64_t i = 0; i < kPayers; ++i) {
      const auto receipt = session->set_payer({actors_.payer(i), "payer " + std::to_string(i), {"fast"}});
      ASSERT_TRUE(receipt.has_value() && base::accepted(receipt->result.status)) << i;
    }
    core::SetServer server;
    server.key = actors_.server(0);
    server.label = "server";
    for (std::uint64_t i = 0; i < kPayees; ++i) {
      core::Payee payee;
      payee.address = actors_.payee(i);
      payee.label = "payee " + std::to_string(i);
      payee.payout_rail = *base::RailName::parse("sandbox");
      payee.payout_account = base::to_hex(payee.address);
      const auto receipt = session->set_payee(payee);
      ASSERT_TRUE(receipt.has_value() && base::accepted(receipt->result.status)) << i;
      server.payees.push_back(payee.address);
    }
    const auto receipt = session->set_server(server);
    ASSERT_TRUE(receipt.has_value() && base::accepted(receipt->result.status));
  }

  commitments::tab::Item item_of(Nonce nonce) const {
    const Known& known = oracle_.at(nonce);
    support::SingleSpec spec;
    spec.payer = known.payer;
    spec.payee = nonce % kPayees;
    spec.maximum = known.amount;
    spec.amount = known.amount;
    spec.nonce = nonce;
    spec.valid_before = valid_before_;
    return actors_.charge(spec);
  }

  // A batch of promises: new ones, some that were sent before and some that were acknowledged before.
  std::vector<Nonce> next_batch() {
    std::vector<Nonce> nonces;
    for (std::size_t i = 0; i < kBatchItems; ++i) {
      const bool again = !oracle_.empty() && draw(0, 9) == 0;
      if (again) {
        const Nonce old = draw(1, next_nonce_ - 1);
        if (std::find(nonces.begin(), nonces.end(), old) == nonces.end()) nonces.push_back(old);
        continue;
      }
      const Nonce nonce = next_nonce_++;
      oracle_[nonce] = {draw(0, kPayers - 1), draw(1, 5000), {}};
      nonces.push_back(nonce);
    }
    return nonces;
  }

  commitments::tab::UnverifiedBatch batch_of(const std::vector<Nonce>& nonces) {
    std::vector<commitments::tab::Item> items;
    for (const Nonce nonce : nonces) items.push_back(item_of(nonce));
    return actors_.batch(0, ++batch_number_, std::move(items));
  }

  // An answer that came is a promise of the daemon's: the oracle holds it to it.
  void learn(const std::vector<Nonce>& nonces, const rpc::BatchAnswer& answer) {
    ASSERT_EQ(answer.status, Status::ok) << base::name(answer.status) << " " << answer.detail;
    ASSERT_EQ(answer.items.size(), nonces.size());
    for (std::size_t i = 0; i < nonces.size(); ++i) {
      Known& known = oracle_.at(nonces[i]);
      const core::ItemResult& result = answer.items[i];
      ASSERT_TRUE(base::accepted(result.status)) << base::name(result.status) << " for nonce " << nonces[i];
      if (known.sequence.valid()) {
        ASSERT_EQ(result.status, Status::already_accepted) << "nonce " << nonces[i] << " was accepted twice";
        ASSERT_EQ(result.sequence, known.sequence) << "nonce " << nonces[i] << " moved";
      }
      known.sequence = result.sequence;
      ++acknowledged_;
    }
  }

  // Keeps the daemon busy for a while, then kills it with answers under way.
  void load_and_kill() {
    const auto client = connect();
    ASSERT_NE(client, nullptr);
    auto session = client->login_server(actors_.key(support::Role::server, 0));
    ASSERT_TRUE(session.has_value()) << session.error().message << tabd_.log();
    const std::uint64_t end = system_test::now_ms() + draw(30, 400);
    while (system_test::now_ms() < end && !HasFatalFailure()) {
      if (session->in_flight() >= kInFlight) {
        tabd::Client::run_for(10'000);
        continue;
      }
      const std::vector<Nonce> nonces = next_batch();
      session->submit_async(batch_of(nonces), [this, nonces](base::Result<rpc::BatchAnswer> answer) {
        if (answer) learn(nonces, *answer);
      });
      tabd::Client::run_for(0);
    }
    tabd_.kill();
    // Answers that had left before the kill count; the rest end with an error.
    for (int turns = 0; session->in_flight() > 0 && turns < 1000; ++turns) tabd::Client::run_for(10'000);
  }

  // Everything that was ever sent, again: acknowledged or not, it must be in the ledger exactly once afterwards.
  void submit_everything_again() {
    const auto client = connect();
    ASSERT_NE(client, nullptr);
    auto session = client->login_server(actors_.key(support::Role::server, 0));
    ASSERT_TRUE(session.has_value()) << session.error().message;
    std::vector<Nonce> nonces;
    for (auto at = oracle_.begin(); at != oracle_.end();) {
      nonces.push_back(at->first);
      ++at;
      if (nonces.size() < 512 && at != oracle_.end()) continue;
      const auto answer = session->submit(batch_of(nonces));
      ASSERT_TRUE(answer.has_value()) << answer.error().message;
      ASSERT_NO_FATAL_FAILURE(learn(nonces, *answer));
      nonces.clear();
    }
  }

  // The ledger's own books against the oracle.
  void compare_books() {
    const auto client = connect();
    ASSERT_NE(client, nullptr);
    auto session = client->login_operator(operator_key());
    ASSERT_TRUE(session.has_value()) << session.error().message;
    std::set<Nonce> seen;
    for (std::uint64_t payer = 0; payer < kPayers; ++payer) {
      const base::Address address = actors_.payer(payer);
      std::vector<rpc::ChargeRecord> charges;
      // The history index may lag by moments.
      std::uint64_t expected = 0, count = 0;
      for (const auto& [nonce, known] : oracle_) {
        if (known.payer != payer) continue;
        expected += known.amount;
        ++count;
      }
      ASSERT_TRUE(system_test::eventually([&] {
        auto all = tabd::collect<rpc::ChargeRecord>([&](rpc::Page page) { return session->charges(address, page); });
        if (all) charges = std::move(*all);
        return charges.size() >= count;
      })) << charges.size()
          << " of " << count;
      for (const rpc::ChargeRecord& charge : charges) {
        const auto entry = core::decode_entry(charge.entry.bytes);
        ASSERT_TRUE(entry.has_value());
        const auto& charged = std::get<core::Charged>(*entry);
        const auto nonce = static_cast<Nonce>(charged.commitment.nonce);
        ASSERT_TRUE(seen.insert(nonce).second) << "nonce " << nonce << " is charged twice";
        ASSERT_TRUE(oracle_.contains(nonce)) << "nonce " << nonce << " was never sent";
        ASSERT_EQ(charge.entry.sequence, oracle_.at(nonce).sequence);
        ASSERT_EQ(charge.amount, base::Amount(oracle_.at(nonce).amount));
      }
      ASSERT_NO_FATAL_FAILURE(compare_sums(*session, address, expected));
    }
    EXPECT_EQ(seen.size(), oracle_.size());
  }

  // Closed windows and the open one together hold exactly what was charged. Windows close meanwhile, so the sum is
  // asked for again until it is one picture.
  static void compare_sums(tabd::OperatorSession& session, const base::Address& payer, std::uint64_t expected) {
    base::Amount total;
    const bool equal = system_test::eventually(
        [&] {
          const auto statements =
              tabd::collect<core::Statement>([&](rpc::Page page) { return session.statements(payer, page); });
          const auto tally = session.tally(payer, support::kUsdc);
          if (!statements || !tally) return false;
          total = tally->unbilled;
          for (const core::Statement& statement : *statements) total = base::add_checked(total, statement.total);
          return total == base::Amount(expected);
        },
        10'000);
    ASSERT_TRUE(equal) << "charged " << expected << ", on statements and unbilled " << total.to_units_string();
  }

  const std::uint64_t kills_;
  const std::uint64_t seed_;
  std::mt19937_64 random_;
  const std::uint64_t valid_before_ = base::SystemClock().now().seconds() + 24 * 3600;
  const support::Actors actors_{"test:tab"};
  const TempFolder folder_;
  Tabd tabd_{folder_, kConfig};
  std::map<Nonce, Known> oracle_;
  Nonce next_nonce_ = 1;
  std::uint64_t batch_number_ = 0;
  std::uint64_t acknowledged_ = 0;
};

TEST_F(Kill9, NothingAcknowledgedIsLostOrCountedTwice) {
  SCOPED_TRACE("TABD_SEED=" + std::to_string(seed_));
  ASSERT_NO_FATAL_FAILURE(tabd_.start_ready());
  ASSERT_NO_FATAL_FAILURE(register_everybody());
  for (std::uint64_t kill = 0; kill < kills_; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill + 1));
    ASSERT_NO_FATAL_FAILURE(load_and_kill());
    ASSERT_NO_FATAL_FAILURE(tabd_.start_ready());
  }
  ASSERT_GT(acknowledged_, 0u);
  ASSERT_NO_FATAL_FAILURE(submit_everything_again());
  ASSERT_NO_FATAL_FAILURE(compare_books());
  EXPECT_EQ(tabd_.stop(), 0) << tabd_.log();
  const auto audit = system_test::run({system_test::tabctl_binary(), "audit", tabd_.data() + "/ledger"});
  EXPECT_EQ(audit.exit_code, 0) << audit.output;
  std::cout << kills_ << " kills, " << oracle_.size() << " promises, " << acknowledged_ << " acknowledgements, seed "
            << seed_ << "\n";
}

}  // namespace
