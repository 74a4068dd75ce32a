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
constexpr const char* kTokenName = "USD Coin";
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
  const std::optional<core::Amount> parsed = core::Amount::parse_decimal(decimal, kRailScale);
  CHECK(parsed.has_value());
  return parsed->units();
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
  if (options.rail == Rail::stablecoin) RETURN_IF_ERROR(stage->start_chain(console));
  RETURN_IF_ERROR(stage->write_config());
  RETURN_IF_ERROR(stage->start_daemon(console));
  RETURN_IF_ERROR(stage->register_parties(console));
  RETURN_IF_ERROR(stage->register_mandates(console));
  return stage;
}

Stage::~Stage() {
  operator_.reset();
  client_.reset();
  daemon_.stop();  // before the chain that it talks to
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
  ASSIGN_OR_RETURN(token_, chain_->deploy_token(*artifact, kTokenName, kTokenVersion));
  asset_text_ = fmt::format("eip155:{}/erc20:{}", options.chain_id, base::to_hex(token_));
  console.say("A local chain listens on {}; the test token is {}.", chain_->rpc_url(), base::to_hex(token_));
  RETURN_IF_ERROR(chain_->set_gas_balance(cast_.treasury.address, kGas));
  for (const Party& payer : cast_.payers) {
    const bool poor = &payer == &cast_.payers[kPoorPayer];
    RETURN_IF_ERROR(chain_->set_gas_balance(payer.address, kGas));
    RETURN_IF_ERROR(chain_->mint(token_, payer.address, tokens(poor ? kPoorWallet : kWallet)));
    RETURN_IF_ERROR(chain_->approve(token_, payer.key, cast_.treasury.address, tokens(kWallet)));
  }
  // The treasury can pay fees' worth of rounding from the start, as a real one could.
  RETURN_IF_ERROR(chain_->mint(token_, cast_.treasury.address, tokens("100")));
  console.say("{} payers have {} tokens each, {} only {}. All allow the operator's treasury {} to collect.",
              cast_.payers.size() - 1, kWallet, cast_.payers[kPoorPayer].label, kPoorWallet,
              base::to_hex(cast_.treasury.address));
  // From here on a block every second, as on a real chain, so that confirmations take their time.
  ASSIGN_OR_RETURN(const std::string mining, chain_->rpc("evm_setIntervalMining", "[1]"));
  return {};
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
      << "[[asset]]\nid = " << kAsset.value << "\ntext = \"" << asset_text_ << "\"\nsymbol = \""
      << (chain_ ? "USDC" : "USD") << "\"\nscale = " << kLedgerScale << "\nrail_scale = " << kRailScale << "\n\n"
      << "[settlement]\npoll_interval = \"200ms\"\n\n";
  if (chain_) {
    out << "[rails.stablecoin]\nenabled = true\nrpc_url = \"" << chain_->rpc_url() << "\"\nchain_id = 31337\n"
        << "signer_key_file = \"treasury.key\"\nstate_directory = \"stablecoin\"\n"
        << "confirmed = \"1\"\nfinality = \"2\"\npoll_interval = \"200ms\"\nin_flight_max = 16\n\n"
        << "[[rails.stablecoin.token]]\nasset = \"USDC\"\naddress = \"" << base::to_hex(token_)
        << "\"\neip712_name = \"" << kTokenName << "\"\neip712_version = \"" << kTokenVersion << "\"\n";
  } else {
    out << "[rails.sandbox]\nenabled = true\nreply_delay = \"50ms\"\nconfirm_delay = \"200ms\"\nfinal_delay = "
           "\"300ms\"\n";
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

Result<void> Stage::register_parties(Console& console) {
  core::Plan plan;
  plan.label = kPlan;
  plan.asset = kAsset;
  plan.window = {aggregator::WindowKind::duration, options_.keep ? 60u : std::max(options_.seconds, 5u), "UTC"};
  plan.credit_limit = amount("500");
  plan.rails = {*base::RailName::parse(rail_name(options_.rail))};
  plan.dunning_s = {60, 120};
  RETURN_IF_ERROR(accepted(operator_->set_plan(plan), "plan"));
  for (const Payee& one : cast_.payees) {
    core::Payee payee;
    payee.address = one.party.address;
    payee.label = one.party.label;
    payee.fee_basis_points = one.fee_basis_points;
    payee.fee_fixed = amount(one.fee_fixed);
    payee.payout_rail = plan.rails.front();
    payee.payout_account = base::to_hex(one.party.address);
    RETURN_IF_ERROR(accepted(operator_->set_payee(payee), "payee " + payee.label));
  }
  for (std::size_t i = 0; i < cast_.servers.size(); ++i) {
    const core::SetServer server{cast_.servers[i].address,
                                 cast_.servers[i].label,
                                 {cast_.payees[i].party.address, cast_.payees[i + 1].party.address},
                                 true};
    RETURN_IF_ERROR(accepted(operator_->set_server(server), "server " + server.label));
  }
  for (const Party& payer : cast_.payers)
    RETURN_IF_ERROR(accepted(operator_->set_payer({payer.address, payer.label, {kPlan}}), "payer " + payer.label));
  console.say(
      "The books know {} payees (fees 2.5 %, 1 % and 0.05, none), {} servers and {} payers on a plan with "
      "{} s windows.",
      cast_.payees.size(), cast_.servers.size(), cast_.payers.size(), plan.window.duration_s);
  return client_->refresh_info();
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

Result<std::map<base::Address, base::u128>> Stage::balances() {
  std::map<base::Address, base::u128> result;
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
