#include "playground/demo/stage.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/check.h"
#include "commitments/tab/sign.h"

namespace playground::demo {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;

constexpr const char* kPlan = "demo";
constexpr const char* kChainPlan = "chain";
constexpr const char* kCardPlan = "card, then bank";
constexpr const char* kBankPlan = "bank";
constexpr const char* kTokenName = "USD Coin";
constexpr const char* kEuroTokenName = "Euro Coin";
constexpr const char* kMinimum = "1";  // no card is charged for less; smaller bills are carried on
constexpr const char* kBankDay = "1";  // second
constexpr const char* kTokenVersion = "2";
constexpr const char* kPagePath = "/page/";
constexpr std::uint64_t kDaemonStartUs = 20'000'000;
// Wei: ten coins, for approvals and for the treasury's transactions.
constexpr base::u128 kGas = static_cast<base::u128>(10'000'000'000'000'000'000ULL);

core::Amount amount(const std::string& decimal) {
  const std::optional<core::Amount> parsed = core::Amount::parse_decimal(decimal, kLedgerScale);
  CHECK(parsed.has_value());
  return *parsed;
}

base::u128 tokens(const std::string& decimal) {
  const std::optional<core::Amount> parsed = core::Amount::parse_decimal(decimal, kTokenScale);
  CHECK(parsed.has_value());
  return parsed->units();
}

// A new file that only its owner can read.
Result<void> write_secret(const std::string& path, const std::string& text) {
  std::ofstream(path) << text << "\n";
  std::error_code failure;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read, failure);
  if (failure) return error(ErrorCode::io, "cannot write " + path + ": " + failure.message());
  return {};
}

}  // namespace

std::atomic<bool> g_interrupted{false};

Result<Folder> Folder::make() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base == nullptr ? "/tmp" : base) + "/tabd-demo-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return error(ErrorCode::io, "cannot make a folder like " + pattern + ": " + std::strerror(errno));
  return Folder(pattern);
}

Folder::~Folder() {
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Result<void> accepted(Result<ledger::api::CommandReceipt> answer, const std::string& what) {
  if (!answer) return error(answer.error().code, what + ": " + answer.error().message);
  const core::CommandResult& result = answer->result;
  if (base::accepted(result.status)) return {};
  return error(ErrorCode::invalid_argument,
               fmt::format("{}: {} {}", what, base::info(result.status).sentence, result.detail));
}

Result<std::unique_ptr<Stage>> Stage::set(const DemoOptions& options, Console& console) {
  ASSIGN_OR_RETURN(Folder folder, Folder::make());
  std::unique_ptr<Stage> stage(new Stage(options, std::move(folder), make_cast()));
  RETURN_IF_ERROR(stage->find_programs());
  RETURN_IF_ERROR(write_keys(stage->cast_, stage->folder()));
  if (options.rail != Rail::sandbox) RETURN_IF_ERROR(stage->start_chain(console));
  if (options.rail == Rail::all) RETURN_IF_ERROR(stage->start_stand_ins(console));
  RETURN_IF_ERROR(stage->write_config());
  RETURN_IF_ERROR(stage->start_daemon(console));
  RETURN_IF_ERROR(stage->register_parties(console));
  if (options.rail == Rail::all) RETURN_IF_ERROR(stage->register_rails(console));
  RETURN_IF_ERROR(stage->register_mandates(console));
  stage->opened_ = stage->clock_.now();
  return stage;
}

Stage::~Stage() {
  operator_.reset();
  client_.reset();
  daemon_.stop();  // before those whom it talks to
}

Result<void> Stage::find_programs() {
  std::error_code failure;
  const std::filesystem::path here =
      std::filesystem::read_symlink("/proc/self/exe", failure).parent_path().parent_path();
  tabd_ = options_.tabd.empty() ? (here / "daemon" / "tabd").string() : options_.tabd;
  tabctl_ = options_.tabctl.empty() ? (here / "cli" / "tabctl").string() : options_.tabctl;
  for (const std::string& program : {tabd_, tabctl_})
    if (::access(program.c_str(), X_OK) != 0) return error(ErrorCode::not_found, "there is no program " + program);
  return {};
}

Result<void> Stage::start_chain(Console& console) {
  const std::optional<std::string> anvil = chain::find_anvil(TABD_SOURCE_ROOT);
  const std::optional<std::string> artifact = chain::find_token_artifact(TABD_SOURCE_ROOT);
  if (!anvil || !artifact) {
    return error(ErrorCode::not_found,
                 fmt::format("there is no {} for the local chain. Install it with tools/setup.sh, or "
                             "use the rail that needs none: make demo RAIL=sandbox",
                             anvil ? "compiled test token" : "anvil"));
  }
  chain::ChainOptions options;
  options.anvil = *anvil;
  options.log_path = folder() + "/anvil.log";
  ASSIGN_OR_RETURN(chain_, chain::DevChain::start(options));
  ASSIGN_OR_RETURN(token_, chain_->deploy_token(*artifact, token_name(), kTokenVersion));
  asset_text_ = fmt::format("eip155:{}/erc20:{}", options.chain_id, base::to_hex(token_));
  console.say("A local chain listens on {}; the test token is {}.", chain_->rpc_url(), base::to_hex(token_));
  RETURN_IF_ERROR(chain_->set_gas_balance(cast_.treasury.address, kGas));
  const std::size_t first = options_.rail == Rail::all ? kBankPayers + kCardPayers : 0;
  for (std::size_t i = first; i < kPayers; ++i) {
    const Party& payer = cast_.payers[i];
    RETURN_IF_ERROR(chain_->set_gas_balance(payer.address, kGas));
    RETURN_IF_ERROR(chain_->mint(token_, payer.address, tokens(i == kPoorPayer ? kPoorWallet : kWallet)));
    RETURN_IF_ERROR(chain_->approve(token_, payer.key, cast_.treasury.address, tokens(kWallet)));
  }
  // The treasury can pay fees' worth of rounding from the start, as a real one could.
  RETURN_IF_ERROR(chain_->mint(token_, cast_.treasury.address, tokens("100")));
  console.say("{} payers have {} tokens each, {} only {}. All allow the operator's treasury {} to collect.",
              kPayers - first - 1, kWallet, cast_.payers[kPoorPayer].label, kPoorWallet,
              base::to_hex(cast_.treasury.address));
  // From here on a block every second, as on a real chain, so that confirmations take their time.
  ASSIGN_OR_RETURN(const std::string mining, chain_->rpc("evm_setIntervalMining", "[1]"));
  return {};
}

std::string Stage::symbol() const {
  if (options_.rail == Rail::all) return "EURC";
  return options_.rail == Rail::stablecoin ? "USDC" : "USD";
}

std::string Stage::token_name() const { return options_.rail == Rail::all ? kEuroTokenName : kTokenName; }

Result<void> Stage::start_stand_ins(Console& console) {
  ASSIGN_OR_RETURN(provider_, CardProvider::start(TABD_SOURCE_ROOT, folder()));
  console.say("A card provider answers on {}; its money is available after a second in place of days.",
              provider_->url());
  // Its folders before the daemon is there, which needs a bank from its first file on.
  const std::string spool = folder() + "/bank";
  for (const char* part : {"/out", "/in", "/archive"}) {
    std::error_code failure;
    std::filesystem::create_directories(spool + part, failure);
    if (failure) return error(ErrorCode::io, "cannot make " + spool + part + ": " + failure.message());
  }
  ASSIGN_OR_RETURN(bank_, Bank::start(TABD_SOURCE_ROOT, folder(), spool, kBankDay));
  console.say("A bank takes SEPA files from {} and answers there; its day lasts {} s.", spool, kBankDay);
  const auto card_of = [](std::size_t payer) {
    return payer == kStolenCardPayer ? "pm_card_chargeDeclinedStolenCard" : "pm_card_visa";
  };
  for (std::size_t i = kBankPayers; i < kBankPayers + kCardPayers; ++i) {
    ASSIGN_OR_RETURN(card_names_[cast_.payers[i].address], provider_->save_card(cast_.payers[i].address, card_of(i)));
  }
  ASSIGN_OR_RETURN(card_names_[cast_.payees[1].party.address], provider_->connect_account());
  for (std::size_t i = 0; i < kBankPayers; ++i) ibans_[cast_.payers[i].address] = iban(1'000 + i);
  ibans_[cast_.payers[kStolenCardPayer].address] = iban(1'000 + kStolenCardPayer);
  ibans_[cast_.payees[2].party.address] = iban(2'000);
  return write_secret(folder() + "/provider.key", kProviderKey);
}

Result<void> Stage::write_config() {
  std::ofstream out(folder() + "/tabd.toml");
  out << "network = \"" << kNetwork << "\"\n"
      << "data_dir = \"ledger\"\n"
      << "operator_key_file = \"operator.key\"\n"
      << "auditors = [\"" << base::to_hex(cast_.auditor.address) << "\"]\n\n"
      << "[rpc]\nunix_socket = \"tabd.sock\"\nunix_socket_mode = \"0600\"\n\n"
      << "[http]\nlisten = \"127.0.0.1:0\"\npage = true\n\n"
      << "[ledger]\ncheckpoint_root = \"checkpoints\"\n\n"
      << "[[asset]]\nid = " << kAsset.value << "\ntext = \"" << asset_text_ << "\"\nsymbol = \"" << symbol()
      << "\"\nscale = " << kLedgerScale << "\nrail_scale = " << rail_scale() << "\n\n"
      << "[settlement]\npoll_interval = \"200ms\"\n\n";
  if (chain_) {
    out << "[rails.stablecoin]\nenabled = true\nrpc_url = \"" << chain_->rpc_url() << "\"\nchain_id = 31337\n"
        << "signer_key_file = \"treasury.key\"\nstate_directory = \"stablecoin\"\n"
        << "confirmed = \"1\"\nfinality = \"2\"\npoll_interval = \"200ms\"\nin_flight_max = 16\n\n"
        << "[[rails.stablecoin.token]]\nasset = \"" << symbol() << "\"\naddress = \"" << base::to_hex(token_)
        << "\"\neip712_name = \"" << token_name() << "\"\neip712_version = \"" << kTokenVersion
        << "\"\ndecimals = " << kTokenScale << "\n\n";
  } else {
    out << "[rails.sandbox]\nenabled = true\nreply_delay = \"50ms\"\nconfirm_delay = \"200ms\"\nfinal_delay = "
           "\"300ms\"\n";
  }
  if (provider_) {
    out << "[rails.card]\nenabled = true\nbase_url = \"" << provider_->url() << "\"\napi_key_file = \"provider.key\"\n"
        << "poll_interval = \"200ms\"\nsettled_interval = \"1s\"\nfinal_after = \"2s\"\nevents_interval = \"500ms\"\n\n"
        << "[[rails.card.asset]]\nasset = \"" << symbol() << "\"\ncurrency = \"eur\"\n\n";
  }
  if (bank_) {
    out << "[rails.bank]\nenabled = true\nspool = \"bank\"\npoll_interval = \"200ms\"\ndemonstration_day = \""
        << kBankDay << "s\"\n\n[rails.bank.sepa]\nenabled = true\nname = \"Tab Operator\"\niban = \"" << kOperatorIban
        << "\"\ncreditor_id = \"" << kCreditorId << "\"\ncore_final_days = 1\npayout_final_days = 1\n\n"
        << "[[rails.bank.asset]]\nasset = \"" << symbol() << "\"\ncurrency = \"EUR\"\n";
  }
  out.close();
  if (!out) return error(ErrorCode::io, "cannot write " + folder() + "/tabd.toml");
  return {};
}

Result<void> Stage::start_daemon(Console& console) {
  ASSIGN_OR_RETURN(daemon_, Child::start({tabd_, "--config", folder() + "/tabd.toml"}, folder() + "/tabd.log"));
  const std::uint64_t give_up_ns = clock_.monotonic_ns() + kDaemonStartUs * 1000;
  for (;;) {
    Result<std::unique_ptr<tabd::Client>> client = tabd::Client::connect(tabd::Endpoint::unix_socket(socket()));
    if (client) {
      client_ = std::move(*client);
      break;
    }
    if (!daemon_.running()) return error(ErrorCode::unavailable, "tabd did not start:\n" + last_words());
    if (clock_.monotonic_ns() > give_up_ns)
      return error(ErrorCode::timeout, "tabd does not answer on " + socket() + ":\n" + last_words());
    ::usleep(20'000);
  }
  ASSIGN_OR_RETURN(tabd::OperatorSession session, client_->login_operator(cast_.operator_.key));
  operator_.emplace(std::move(session));
  console.say("tabd {} runs as process {}, with its ledger in {}.", client_->info().version, daemon_.pid(), data_dir());
  console.say("Watch it in a browser: {}", page_url());
  return {};
}

// As its log says: the port is chosen by the system.
std::string Stage::page_url() const {
  std::ifstream in(folder() + "/tabd.log");
  for (std::string line; std::getline(in, line);) {
    const std::size_t begin = line.find("http://");
    const std::size_t end = line.find(kPagePath, begin == std::string::npos ? line.size() : begin);
    if (end != std::string::npos) return line.substr(begin, end + std::strlen(kPagePath) - begin);
  }
  return "";
}

Result<void> Stage::set_plans() {
  const auto set = [this](const char* label, const std::vector<const char*>& rails) -> Result<void> {
    core::Plan plan;
    plan.label = label;
    plan.asset = kAsset;
    plan.window = {aggregator::WindowKind::duration, options_.keep ? 60u : std::max(options_.seconds, 5u), "UTC"};
    plan.credit_limit = amount("500");
    if (options_.rail == Rail::all) plan.minimum = amount(kMinimum);
    for (const char* rail : rails) plan.rails.push_back(*base::RailName::parse(rail));
    plan.dunning_s = {60, 120};
    return accepted(operator_->set_plan(plan), "plan " + plan.label);
  };
  if (options_.rail == Rail::sandbox) return set(kPlan, {"sandbox"});
  if (options_.rail == Rail::stablecoin) return set(kPlan, {"stablecoin"});
  RETURN_IF_ERROR(set(kChainPlan, {"stablecoin"}));
  RETURN_IF_ERROR(set(kCardPlan, {"card", "bank"}));
  return set(kBankPlan, {"bank"});
}

std::string Stage::plan_of(std::size_t payer) const {
  if (options_.rail != Rail::all) return kPlan;
  if (payer < kBankPayers) return kBankPlan;
  return payer < kBankPayers + kCardPayers ? kCardPlan : kChainPlan;
}

// With all rails each payee has its own.
Result<void> Stage::set_payees() {
  for (std::size_t i = 0; i < kPayees; ++i) {
    const Payee& one = cast_.payees[i];
    core::Payee payee;
    payee.address = one.party.address;
    payee.label = one.party.label;
    payee.fee_basis_points = one.fee_basis_points;
    payee.fee_fixed = amount(one.fee_fixed);
    payee.payout_rail = *base::RailName::parse(options_.rail == Rail::sandbox ? "sandbox" : "stablecoin");
    payee.payout_account = base::to_hex(one.party.address);
    if (const auto card = card_names_.find(one.party.address); card != card_names_.end()) {
      payee.payout_rail = *base::RailName::parse("card");
      payee.payout_account = card->second;
    }
    if (const auto account = ibans_.find(one.party.address); account != ibans_.end()) {
      payee.payout_rail = *base::RailName::parse("bank");
      payee.payout_account = "scheme=sepa;name=" + one.party.label + ";iban=" + account->second;
    }
    RETURN_IF_ERROR(accepted(operator_->set_payee(payee), "payee " + payee.label));
  }
  return {};
}

Result<void> Stage::register_parties(Console& console) {
  RETURN_IF_ERROR(set_plans());
  RETURN_IF_ERROR(set_payees());
  for (std::size_t i = 0; i < cast_.servers.size(); ++i) {
    const core::SetServer server{cast_.servers[i].address,
                                 cast_.servers[i].label,
                                 {cast_.payees[i].party.address, cast_.payees[i + 1].party.address},
                                 true};
    RETURN_IF_ERROR(accepted(operator_->set_server(server), "server " + server.label));
  }
  for (std::size_t i = 0; i < kPayers; ++i) {
    const Party& payer = cast_.payers[i];
    RETURN_IF_ERROR(accepted(operator_->set_payer({payer.address, payer.label, {plan_of(i)}}), "payer " + payer.label));
  }
  console.say("The books know {} payees (fees 2.5 %, 1 % and 0.05, none), {} servers and {} payers with {} s windows.",
              cast_.payees.size(), cast_.servers.size(), cast_.payers.size(),
              options_.keep ? 60u : std::max(options_.seconds, 5u));
  return client_->refresh_info();
}

// What payers have agreed on with their card's provider and their bank.
Result<void> Stage::register_rails(Console& console) {
  const auto set = [this](const Party& payer, const char* rail, const std::string& text) {
    return accepted(
        operator_->set_rail_mandate({payer.address, *base::RailName::parse(rail), {text.begin(), text.end()}}),
        payer.label + "'s mandate for the rail " + rail);
  };
  for (const Party& payer : cast_.payers) {
    if (const auto card = card_names_.find(payer.address); card != card_names_.end())
      RETURN_IF_ERROR(set(payer, "card", card->second));
    if (const auto account = ibans_.find(payer.address); account != ibans_.end())
      RETURN_IF_ERROR(set(payer, "bank",
                          "scheme=sepa-core;name=" + payer.label + ";iban=" + account->second + ";mandate=M-" +
                              payer.label + ";signed=2026-01-31"));
  }
  console.say("{} pay by SEPA direct debit, {} by saved card, {} from their wallet on the chain.", kBankPayers,
              kCardPayers, kPayers - kBankPayers - kCardPayers);
  console.say(
      "{}'s card is stolen, which nobody knows yet; its plan says \"{}\". Payees are paid by chain, card "
      "transfer and bank.",
      cast_.payers[kStolenCardPayer].label, kCardPlan);
  return {};
}

Result<void> Stage::register_mandates(Console& console) {
  for (std::size_t i = 0; i < cast_.agents.size(); ++i) {
    const Party& payer = cast_.payers[i];
    commitments::tab::Mandate mandate;
    mandate.payer = payer.address;
    mandate.agent = cast_.agents[i].address;
    mandate.asset = kAsset;
    mandate.cap = amount("100");
    mandate.period = commitments::tab::Period::day;
    mandate.nonce = 1;
    const base::Signature signature =
        commitments::tab::sign(payer.key, client_->domain(), mandate, *client_->assets().text_hash(kAsset));
    ASSIGN_OR_RETURN(tabd::PayerSession session, client_->login_payer(payer.key));
    RETURN_IF_ERROR(accepted(session.set_mandate(mandate, signature), "mandate of " + cast_.agents[i].label));
  }
  console.say("{} and {} signed mandates: their agents may spend 100 a day.", cast_.payers[0].label,
              cast_.payers[1].label);
  return {};
}

Result<void> Stage::fill_poor_wallet() {
  return chain_->mint(token_, cast_.payers[kPoorPayer].address, tokens(kWallet));
}

core::Asset Stage::asset() const {
  for (const core::Asset& asset : client_->info().assets)
    if (asset.id == kAsset) return asset;
  return {};
}

Result<Holdings> Stage::balances() {
  Holdings result;
  if (!chain_) return result;
  std::vector<base::Address> accounts = {cast_.treasury.address};
  for (const Payee& payee : cast_.payees) accounts.push_back(payee.party.address);
  for (const Party& payer : cast_.payers) accounts.push_back(payer.address);
  for (const base::Address& account : accounts) {
    ASSIGN_OR_RETURN(result[account], chain_->token_balance(token_, account));
  }
  return result;
}

std::string Stage::last_words() const {
  std::ifstream in(folder() + "/tabd.log");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  constexpr std::size_t kLines = 15;
  std::string text;
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    text += "  " + lines[i] + "\n";
  return text.empty() ? "  (it said nothing)" : text;
}

Result<std::unique_ptr<tabd::Client>> Stage::connect() const {
  return tabd::Client::connect(tabd::Endpoint::unix_socket(socket()));
}

}  // namespace playground::demo
