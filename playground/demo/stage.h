#pragma once

// Everything that has to stand before the first promise is made: a temporary folder, the chain, a running tabd, and
// the parties in its books.

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "clients/cpp/tabd_client.h"
#include "playground/chain/dev_chain.h"
#include "playground/demo/cast.h"
#include "playground/demo/child.h"
#include "playground/demo/console.h"
#include "playground/demo/options.h"
#include "playground/demo/stand_ins.h"

namespace playground::demo {

namespace core = ledger::core;

inline constexpr const char* kNetwork = "demo:tab";
inline constexpr base::AssetId kAsset{1};
// A charge may be a hundredth of the token's smallest unit; statements round to what the token can move.
inline constexpr unsigned kLedgerScale = 8;
inline constexpr unsigned kTokenScale = 6;
inline constexpr unsigned kCentScale = 2;
inline constexpr const char* kWallet = "1000";  // what each payer has at the start, in tokens
inline constexpr const char* kPoorWallet = "1";

// Set by Ctrl-C; every loop of the demo looks at it.
extern std::atomic<bool> g_interrupted;

// On the chain, in the token's smallest units.
using Holdings = std::map<base::Address, base::u128>;

// Removes itself.
class Folder {
 public:
  static base::Result<Folder> make();
  Folder(Folder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  const std::string& path() const noexcept { return path_; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

class Stage {
 public:
  // Tells what it does. Errors say which part did not start; tabd's last words are in the message.
  static base::Result<std::unique_ptr<Stage>> set(const DemoOptions& options, Console& console);
  ~Stage();

  const DemoOptions& options() const noexcept { return options_; }
  const Cast& cast() const noexcept { return cast_; }
  const base::Clock& clock() const noexcept { return clock_; }
  // When everything stood: what moved before was ours to set up.
  base::Time opened() const noexcept { return opened_; }
  const std::string& folder() const noexcept { return folder_.path(); }
  std::string socket() const { return folder_.path() + "/tabd.sock"; }
  std::string data_dir() const { return folder_.path() + "/ledger"; }
  const std::string& tabctl() const noexcept { return tabctl_; }
  tabd::Client& client() noexcept { return *client_; }
  tabd::OperatorSession& books() noexcept { return *operator_; }
  core::Asset asset() const;
  // What the rails can move: statements round to it.
  unsigned rail_scale() const noexcept { return options_.rail == Rail::all ? kCentScale : kTokenScale; }
  // Null where the rail is not played.
  chain::DevChain* chain() noexcept { return chain_.get(); }
  CardProvider* provider() noexcept { return provider_.get(); }
  Bank* bank() noexcept { return bank_.get(); }
  // Of payers and payees who have one: the provider's name of them, and their IBAN.
  const std::map<base::Address, std::string>& card_names() const noexcept { return card_names_; }
  const std::map<base::Address, std::string>& ibans() const noexcept { return ibans_; }
  const base::Address& token() const noexcept { return token_; }
  // The rest of the poor payer's wallet. Only with a chain.
  base::Result<void> fill_poor_wallet();
  // Token balances in the token's smallest units, for everybody who has an account. Empty on the sandbox rail.
  base::Result<Holdings> balances();
  // Of tabd's web page.
  std::string page_url() const;
  bool daemon_running() { return daemon_.running(); }
  // The last lines of tabd's log.
  std::string last_words() const;
  // A new connection, for another thread.
  base::Result<std::unique_ptr<tabd::Client>> connect() const;

 private:
  Stage(DemoOptions options, Folder folder, Cast cast)
      : options_(std::move(options)), folder_(std::move(folder)), cast_(std::move(cast)) {}
  base::Result<void> find_programs();
  base::Result<void> start_chain(Console& console);
  std::string symbol() const;
  std::string token_name() const;
  base::Result<void> start_stand_ins(Console& console);
  base::Result<void> write_config();
  base::Result<void> start_daemon(Console& console);
  base::Result<void> set_plans();
  std::string plan_of(std::size_t payer) const;
  base::Result<void> set_payees();
  base::Result<void> register_parties(Console& console);
  base::Result<void> register_rails(Console& console);
  base::Result<void> register_mandates(Console& console);

  DemoOptions options_;
  base::SystemClock clock_;
  base::Time opened_;
  Folder folder_;
  Cast cast_;
  std::string tabd_;
  std::string tabctl_;
  std::string asset_text_ = "USD";
  base::Address token_;
  std::unique_ptr<chain::DevChain> chain_;
  std::unique_ptr<CardProvider> provider_;
  std::unique_ptr<Bank> bank_;
  std::map<base::Address, std::string> card_names_;
  std::map<base::Address, std::string> ibans_;
  Child daemon_;
  std::unique_ptr<tabd::Client> client_;
  std::optional<tabd::OperatorSession> operator_;
};

// A command's receipt must be ok.
base::Result<void> accepted(base::Result<ledger::api::CommandReceipt> answer, const std::string& what);

}  // namespace playground::demo
