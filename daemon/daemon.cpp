#include "daemon/daemon.h"

#include <sys/stat.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>
#include <iterator>
#include <map>
#include <optional>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "crypto/batch.h"
#include "daemon/catalogue.h"
#include "daemon/channel_events.h"
#include "daemon/disk_room.h"
#include "daemon/fan_out.h"
#include "daemon/operator_hooks.h"
#include "daemon/options.h"
#include "daemon/rail_events.h"
#include "daemon/readiness.h"
#include "daemon/relay_events.h"
#include "evm/channel_contract.h"
#include "facilitator/channel_scheme.h"
#include "facilitator/exact.h"
#include "ops/http_server.h"
#include "ops/ledger_gauges.h"
#include "ops/notify.h"
#include "ops/page.h"
#include "ops/secret.h"
#include "ops/version.h"
#include "settlers/stablecoin/chain_reader.h"

namespace tabd_daemon {
namespace {

using base::error;
using base::ErrorCode;
using base::Result;

constexpr std::uint64_t kGaugeIntervalMs = 5'000;
constexpr std::uint64_t kGaugeIntervalWithPageMs = 1'000;  // somebody may be looking on

// The thread of the rails. Joined when destroyed.
class IoThread {
 public:
  IoThread() : guard_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  ~IoThread() { join(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  boost::asio::io_context& context() noexcept { return context_; }
  void join() {
    guard_.reset();
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace

class Daemon::Impl {
 public:
  Impl(const ops::Config& config, ops::Log& log, const base::Clock& clock, const aggregator::Calendar& calendar)
      : config_(config), log_(log), clock_(clock), calendar_(calendar), started_(clock.now()) {}
  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> start() {
    RETURN_IF_ERROR(start_http());
    RETURN_IF_ERROR(open_ledger());
    RETURN_IF_ERROR(bring_catalogue_up_to_date(config_, store_->service(), store_->reader(), log_));
    domain_.emplace(config_.network);
    ledger::ingest::VerifyPoolOptions verifying = verify_options(config_);
    verifying.figures = figures_.verify();
    verify_pool_ = ledger::ingest::make_verify_pool(
        *domain_, [this] { return store_->asset_table(); }, store_->service(), &*fan_out_, std::move(verifying));
    log_.info("signatures", {{"checked", figures_.verify()->together ? "together" : "one by one"},
                             {"built", crypto::batch_verification_built()}});
    RETURN_IF_ERROR(start_rails());
    RETURN_IF_ERROR(start_channels());
    RETURN_IF_ERROR(start_rpc());
    RETURN_IF_ERROR(start_x402());
    gauges_.emplace(store_->reader(), clock_, page_ ? kGaugeIntervalWithPageMs : kGaugeIntervalMs);
    metrics_shown_ = true;
    if (page_)
      page_->open({store_->reader(), clock_, figures_.charge_rate(), [this] { return gauges_->totals(); },
                   [this] { return page_health(); }});
    ready_ = true;
    readiness_.set_ready();
    ops::notify_service_manager("READY=1\nSTATUS=ready");
    log_.info("ready", {{"version", ops::kVersion}, {"network", config_.network}});
    return {};
  }

  void reload_api_keys(const ops::Config& config) {
    if (x402_) x402_->set_api_keys(api_keys(config.x402));
    log_.info("API keys read again", {{"api_keys", config.x402.api_keys.size()}});
    ops::Config rest = config;
    rest.x402.api_keys = config_.x402.api_keys;
    if (!(rest == config_)) log_.warning("what else changed in the configuration takes effect at a restart");
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    readiness_.set_not_ready("stopping");
    ops::notify_service_manager("STOPPING=1");
    if (x402_) x402_->stop();
    stop_rails();  // while its outside settlers can still be heard
    if (rpc_) rpc_->stop();
    verify_pool_.reset();
    // A scrape looks at all the parts: it ends before the ledger closes.
    if (http_) http_->stop();
    if (gauges_) gauges_->stop();
    if (store_) store_->stop();
    if (ready_) log_.info("stopped; everything acknowledged is on disk");
  }

 private:
  ops::HttpAnswer answer(const ops::HttpRequest& request) {
    const std::string_view path = request.path;
    if (path == "/metrics") return {200, std::string(ops::Metrics::content_type()), metrics_.render()};
    if (path == "/healthz") return {200, "application/json", "{\"alive\":true}\n"};
    if (path == "/readyz") return readiness_.answer();
    if (page_ && path.starts_with(ops::kPagePrefix)) return page_->answer(request);
    return {404, "text/plain; charset=utf-8",
            std::string("Here are /metrics, /healthz and /readyz") + (page_ ? ", and the page at /page/.\n" : ".\n")};
  }

  Result<void> start_http() {
    metrics_.add_source(ops::build_metrics());
    metrics_.add_source(ops::process_metrics());
    metrics_.add_source([this] { return more_metrics(); });
    if (config_.http.listen.empty()) return {};
    if (config_.http.page) page_.emplace(config_.http.page_hosts, [this] { return readiness_.cause(); });
    ASSIGN_OR_RETURN(http_, ops::HttpServer::start(http_options(config_.http), [this](const ops::HttpRequest& request) {
                       return answer(request);
                     }));
    const std::string address = ops::to_string(http_->endpoint());
    log_.info("listening", {{"what", "http"}, {"address", address}});
    if (!page_) return {};
    log_.info("the web page is on", {{"url", "http://" + address + "/page/"}});
    if (!ops::is_loopback(config_.http.listen.front()))
      log_.warning(
          "the web page shows money and has no login: keep http.listen on a loopback address, or reachable "
          "through a proxy alone");
    return {};
  }

  ops::PageHealth page_health() const {
    const settlers::DispatcherStatus status = dispatcher_->status();
    ops::PageHealth health = figures_.page_health(rpc_->counters(), store_->stats());
    health.started = started_;
    health.rails = page_rails(status);
    health.degraded = degraded_causes(status);
    return health;
  }

  // The families of parts that exist only after recovery.
  std::vector<ops::MetricFamily> more_metrics() const {
    if (!metrics_shown_) return {};
    std::vector<ops::MetricFamily> all = gauges_->collect();
    for (std::vector<ops::MetricFamily>& families : std::array{
             metrics_of(dispatcher_->status()), metrics_of(*reconciler_->last(), dispatcher_->rails(), clock_.now()),
             metrics_of(rpc_->counters()), metrics_of(store_->stats()), metrics_of(*figures_.verify()),
             x402_ ? metrics_of(x402_->counters()) : std::vector<ops::MetricFamily>(),
             channels_ ? metrics_of(channels_->status(), chain_->tokens(), clock_.now())
                       : std::vector<ops::MetricFamily>()})
      std::move(families.begin(), families.end(), std::back_inserter(all));
    return all;
  }

  // A new one is for our user alone.
  Result<void> make_data_directory() const {
    std::error_code failure;
    if (std::filesystem::create_directories(config_.data_dir, failure))
      std::filesystem::permissions(config_.data_dir, std::filesystem::perms::owner_all, failure);
    if (failure) return error(ErrorCode::io, "data_dir: cannot make " + config_.data_dir + ": " + failure.message());
    const std::filesystem::space_info disk = std::filesystem::space(config_.data_dir, failure);
    if (failure) return error(ErrorCode::io, "data_dir: cannot read " + config_.data_dir + ": " + failure.message());
    return check_disk_room(config_.data_dir + "/ledger", disk.available);
  }

  Result<void> open_ledger() {
    RETURN_IF_ERROR(make_data_directory());
    ASSIGN_OR_RETURN(crypto::SecretKey key, ops::read_secret_key(config_.operator_key_file));
    operator_key_.emplace(std::move(key));
    ASSIGN_OR_RETURN(rpc::RpcServerOptions rpc, rpc_options(config_, operator_key_->address()));
    rpc.log = [this](rpc::LogLevel level, std::string_view message) {
      log_.write(static_cast<ops::LogLevel>(level), message, {{"part", "rpc"}});
    };
    rpc_.emplace(std::move(rpc));
    fan_out_.emplace(
        std::vector<ledger::api::Observer*>{&metrics_, &figures_, &*rpc_, &waker_, &relay_events_, &channel_events_});
    const auto progress = [this](std::string_view phase, std::uint64_t done, std::uint64_t total) {
      std::string cause = "opening the ledger: " + std::string(phase);
      if (total != 0) cause += " " + std::to_string(done) + " of " + std::to_string(total);
      readiness_.set_not_ready(cause);
    };
    ASSIGN_OR_RETURN(store_, ledger::store::LedgerStore::open(store_options(config_), clock_, calendar_, *operator_key_,
                                                              &*fan_out_, progress));
    const ledger::store::LedgerStore::Stats stats = store_->stats();
    log_.info("ledger open", {{"path", config_.data_dir + "/ledger"},
                              {"operator", base::to_hex(operator_key_->address())},
                              {"entries_read", stats.replayed_entries},
                              {"took_ms", stats.open_ms}});
    return {};
  }

  Result<void> add_settlers() {
    const auto add = [this](std::unique_ptr<settlers::Settler> settler) {
      capabilities_[std::string(settler->rail())] = settler->capabilities();
      metrics_.add_rail(settler->rail());
      dispatcher_->add(std::move(settler));
    };
    // The rails. A new one is one line here.
    const auto add_sandbox = [&](const ops::SandboxConfig& sandbox, const char* name) {
      if (!sandbox.enabled) return;
      add(std::make_unique<settlers::sandbox::SandboxSettler>(io_->context(), clock_, sandbox_options(sandbox, name),
                                                              &dispatcher_->inbox()));
    };
    add_sandbox(config_.sandbox, "sandbox");
    add_sandbox(config_.sandbox2, "sandbox2");
    if (config_.bank.enabled) {
      ASSIGN_OR_RETURN(std::unique_ptr<settlers::bank::BankSettler> settler,
                       settlers::bank::make_bank(io_->context(), bank_options(config_), dispatcher_->inbox(), clock_,
                                                 [this](std::string_view news) {
                                                   log_.info("bank", {{"news", news}});
                                                 }));
      bank_ = settler.get();
      add(std::move(settler));
    }
    if (config_.stablecoin.enabled) {
      ASSIGN_OR_RETURN(crypto::SecretKey signer, ops::read_secret_key(config_.stablecoin.signer_key_file));
      ASSIGN_OR_RETURN(chain_, settlers::stablecoin::make_chain_reader(io_->context(), stablecoin_options(config_),
                                                                       signer.address()));
      ASSIGN_OR_RETURN(std::unique_ptr<settlers::Settler> settler,
                       settlers::stablecoin::make_stablecoin(io_->context(), stablecoin_options(config_),
                                                             std::move(signer), clock_));
      add(std::move(settler));
    }
    if (config_.card.enabled) {
      settlers::card::CardOptions options = card_options(config_);
      ASSIGN_OR_RETURN(std::string api_key, card_secrets(config_, options));
      ASSIGN_OR_RETURN(std::unique_ptr<settlers::card::CardSettler> settler,
                       settlers::card::make_card(io_->context(), std::move(options), std::move(api_key), clock_,
                                                 &dispatcher_->inbox()));
      card_ = settler.get();
      add(std::move(settler));
    }
    if (config_.external.empty()) return {};
    external_.emplace(settlers::external::Parts{io_->context(), store_->reader(), clock_, dispatcher_->inbox(),
                                                [this] { dispatcher_->wake(); },
                                                [this](std::string_view rail, std::string_view news) {
                                                  log_.info("external rail", {{"rail", rail}, {"news", news}});
                                                },
                                                config_.network});
    for (const ops::ExternalRailConfig& rail : config_.external) add(external_->add(external_options(rail)));
    return {};
  }

  Result<void> start_rails() {
    io_.emplace();
    dispatcher_ = std::make_unique<settlers::Dispatcher>(io_->context(), store_->service(), store_->reader(), clock_,
                                                         dispatcher_options(config_), &rail_events_);
    RETURN_IF_ERROR(add_settlers());
    std::promise<Result<void>> begun;
    boost::asio::post(io_->context(), [this, &begun] {
      dispatcher_->start([&begun](Result<void> result) { begun.set_value(std::move(result)); });
    });
    Result<void> result = begun.get_future().get();
    if (!result) return error(ErrorCode::io, "a rail cannot start: " + result.error().message);
    rails_running_ = true;
    waker_.set(*dispatcher_);
    reconciler_.emplace(*dispatcher_, store_->reader(), clock_, reconciler_options(config_),
                        [this](const settlers::Reconciliation& made) { log_reconciliation(log_, made); });
    for (const auto& [rail, capabilities] : capabilities_)
      log_.info("rail started", {{"rail", rail}, {"collects", capabilities.pull}, {"pays", capabilities.push}});
    for (const std::string& doubt : doubts(config_)) log_.warning("is this meant?", {{"doubt", doubt}});
    if (capabilities_.empty()) log_.warning("no rail is enabled: statements are issued and nothing is collected");
    return {};
  }

  // On the rails' thread, which is the chain's.
  Result<void> start_channels() {
    const ops::ChannelsConfig& config = config_.x402.channels;
    if (config.contract.is_zero() || !chain_) return {};
    if (!config.authorizer_key_file.empty()) {
      ASSIGN_OR_RETURN(crypto::SecretKey authorizer, ops::read_secret_key(config.authorizer_key_file));
      authorizer_.emplace(std::move(authorizer));
    }
    boost::asio::io_context& io = io_->context();
    const channels::Post post = [&io](std::function<void()> job) { boost::asio::post(io, std::move(job)); };
    const channels::After after = [&io](std::uint64_t ms, std::function<void()> job) {
      auto timer = std::make_shared<boost::asio::steady_timer>(io, std::chrono::milliseconds(ms));
      timer->async_wait([timer, job = std::move(job)](const boost::system::error_code& cancelled) {
        if (!cancelled) job();
      });
    };
    channels_.emplace(channels::Parts{*chain_, store_->service(), store_->reader(), clock_, post, after},
                      channels_options(config_, authorizer_ ? &*authorizer_ : nullptr), channel_events_);
    channel_events_.set(*channels_);
    boost::asio::post(io, [this] { channels_->start(); });
    log_.info("channels are followed",
              {{"contract", base::to_hex(config.contract)},
               {"claims", authorizer_ ? base::to_hex(authorizer_->address()) : "no authorizer_key_file: none"}});
    return {};
  }

  void stop_rails() {
    if (!io_) return;
    if (external_) external_->close();
    if (reconciler_) reconciler_->stop();
    waker_.clear();
    channel_events_.clear();
    if (channels_) {
      std::promise<void> ended;
      boost::asio::post(io_->context(), [this, &ended] {
        channels_->stop();
        ended.set_value();
      });
      ended.get_future().wait();
    }
    if (rails_running_) {
      std::promise<void> ended;
      boost::asio::post(io_->context(), [this, &ended] { dispatcher_->stop([&ended] { ended.set_value(); }); });
      ended.get_future().wait();
    }
    io_->join();
  }

  Result<void> start_rpc() {
    hooks_.emplace(HooksParts{*store_, *dispatcher_, *reconciler_, bank_, figures_, *rpc_,
                              config_.ledger.checkpoint_root, started_, config_.settlement.dry_run, capabilities_});
    settlers::external::Rails* external = external_ ? &*external_ : nullptr;
    RETURN_IF_ERROR(rpc_->start({*verify_pool_, store_->service(), store_->reader(), clock_, *hooks_, external}));
    const std::string& path = config_.rpc.unix_socket;
    if (!path.empty()) {
      if (::chmod(path.c_str(), static_cast<mode_t>(config_.rpc.unix_socket_mode)) != 0)
        return error(ErrorCode::io, "rpc.unix_socket: cannot set the mode of " + path + ": " + std::strerror(errno));
      log_.info("listening", {{"what", "rpc"}, {"address", "unix:" + path}});
    }
    if (!config_.rpc.listen.empty())
      log_.info("listening", {{"what", "rpc"},
                              {"address", ops::to_string({config_.rpc.listen.front().host, rpc_->tcp_port()})},
                              {"client_certificates", !config_.rpc.tls_client_ca_file.empty()}});
    return {};
  }

  // Whether the contract makes the same identity of a channel as we do, on this chain.
  Result<void> check_channel_contract(const base::Address& contract) {
    commitments::channel::ChannelConfig channel;
    channel.payer = channel.payer_authorizer = channel.receiver = channel.receiver_authorizer = contract;
    channel.token = chain_->tokens().empty() ? contract : chain_->tokens().front().address;
    channel.withdraw_delay_s = commitments::channel::kWithdrawDelaySecondsMin;
    const base::Hash id = commitments::channel::channel_id({chain_->chain_id(), contract}, channel);
    std::promise<Result<evm::Simulation>> answer;
    chain_->simulate(contract, evm::call_get_channel_id(channel),
                     [&answer](Result<evm::Simulation> said) { answer.set_value(std::move(said)); });
    const Result<evm::Simulation> said = answer.get_future().get();
    // An error of the node's own, such as a limit on requests, says nothing about the contract. A revert does.
    const bool asked = said && (said->succeeds || evm::is_revert(*said));
    if (!asked) {
      log_.warning("the channel contract could not be asked who it is",
                   {{"why", said ? said->reason : said.error().message}});
    } else if (said->data != base::Bytes(id.bytes.begin(), id.bytes.end())) {
      return error(ErrorCode::invalid_argument, "x402.channels.contract: at " + base::to_hex(contract) +
                                                    " there is no x402BatchSettlement on chain " +
                                                    std::to_string(chain_->chain_id()) +
                                                    ": it makes another identity of a channel than we do");
    }
    return {};
  }

  // Comes after `exact`, which makes the relays.
  Result<void> add_channels(std::vector<rpc::http::MakeScheme>& schemes) {
    const ops::ChannelsConfig& channels = config_.x402.channels;
    if (channels.contract.is_zero()) return {};
    RETURN_IF_ERROR(check_channel_contract(channels.contract));
    schemes.emplace_back([this](const facilitator::Post& post, const facilitator::After& after) {
      facilitator::ChannelSchemeParts parts{*chain_,          *relays_, *verify_pool_, store_->service(),
                                            store_->reader(), clock_,   post,          after};
      parts.contract = config_.x402.channels.contract;
      parts.collector = config_.x402.channels.collector;
      parts.authorizer = authorizer_ ? &*authorizer_ : nullptr;
      parts.withdraw_delay_s = config_.x402.channels.withdraw_delay_ms / 1000;
      parts.claim_gas_max = config_.x402.channels.claim_gas_max;
      parts.settle_wait_ms = config_.x402.settle_wait_ms;
      parts.together = config_.verify.batch;
      parts.in_step = [this] { return channels_ && channels_->in_step(); };
      return facilitator::make_channel_scheme(std::move(parts));
    });
    return {};
  }

  Result<void> start_x402() {
    if (config_.x402.listen.empty()) return {};
    ASSIGN_OR_RETURN(crypto::SecretKey key, ops::read_secret_key(config_.x402.server_key_file));
    x402_key_.emplace(std::move(key));
    ASSIGN_OR_RETURN(rpc::http::ServerOptions options, x402_options(config_.x402));
    std::vector<rpc::http::MakeScheme> more;
    if (chain_) {
      more.emplace_back([this](const facilitator::Post& post, const facilitator::After& after) {
        relays_.emplace(facilitator::RelayParts{store_->service(), store_->reader(), post, after});
        relay_events_.set(*relays_);
        return facilitator::make_exact({*chain_, *relays_, clock_, post, config_.x402.settle_wait_ms});
      });
      RETURN_IF_ERROR(add_channels(more));
    }
    std::vector<rpc::http::Webhook> webhooks;
    if (card_ != nullptr && !config_.card.webhook_secret_file.empty())
      webhooks.push_back(
          {"/webhooks/card", "Stripe-Signature", [this](std::string signature, std::string body, const auto& done) {
             card_->receive(std::move(signature), std::move(body), [done](const settlers::card::WebhookAnswer& answer) {
               done(answer.status, answer.problem);
             });
           }});
    x402_.emplace();
    RETURN_IF_ERROR(x402_->start(std::move(options), {*verify_pool_, store_->service(), store_->reader(), clock_,
                                                      *x402_key_, std::move(more), std::move(webhooks)}));
    log_.info("listening", {{"what", "x402"},
                            {"address", ops::to_string({config_.x402.listen.front().host, x402_->port()})},
                            {"tls", !config_.x402.tls_certificate_file.empty()},
                            {"server", base::to_hex(x402_key_->address())},
                            {"api_keys", config_.x402.api_keys.size()}});
    return {};
  }

  const ops::Config& config_;
  ops::Log& log_;
  const base::Clock& clock_;
  const aggregator::Calendar& calendar_;
  const base::Time started_;
  bool stopped_ = false;
  bool ready_ = false;
  bool rails_running_ = false;
  settlers::card::CardSettler* card_ = nullptr;  // the dispatcher's
  settlers::bank::BankSettler* bank_ = nullptr;  // the dispatcher's
  std::atomic<bool> metrics_shown_{false};

  // The parts, each using only what stands above it.
  Readiness readiness_;
  ops::Metrics metrics_;
  Figures figures_;
  RailEvents rail_events_{log_, metrics_};
  DispatcherWaker waker_;
  RelayEvents relay_events_;
  ChannelEvents channel_events_{log_};
  std::optional<crypto::SecretKey> operator_key_;
  std::optional<crypto::SecretKey> x402_key_;
  std::optional<crypto::SecretKey> authorizer_;  // of channels
  std::optional<facilitator::Relays> relays_;    // as x402_, on whose thread it works
  std::optional<rpc::http::Server> x402_;        // goes after the ledger, whose last answers it takes
  std::optional<rpc::RpcServer> rpc_;
  std::optional<FanOut> fan_out_;
  std::unique_ptr<ledger::store::LedgerStore> store_;
  std::optional<commitments::tab::Domain> domain_;
  std::unique_ptr<ledger::api::IngestService> verify_pool_;
  std::optional<IoThread> io_;
  std::unique_ptr<evm::Chain> chain_;           // of the stablecoin rail; null without it
  std::optional<channels::Channels> channels_;  // on the thread of io_
  std::map<std::string, settlers::Capabilities> capabilities_;
  std::optional<settlers::external::Rails> external_;  // goes after the dispatcher, whose settlers are its
  std::unique_ptr<settlers::Dispatcher> dispatcher_;
  std::optional<settlers::Reconciler> reconciler_;
  std::optional<Hooks> hooks_;
  std::optional<ops::LedgerGauges> gauges_;
  std::optional<ops::Page> page_;
  std::unique_ptr<ops::HttpServer> http_;
};

Daemon::Daemon(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(const ops::Config& config, ops::Log& log, const base::Clock& clock,
                                              const aggregator::Calendar& calendar) {
  auto impl = std::make_unique<Impl>(config, log, clock, calendar);
  RETURN_IF_ERROR(impl->start());
  return std::unique_ptr<Daemon>(new Daemon(std::move(impl)));
}

void Daemon::reload_api_keys(const ops::Config& config) { impl_->reload_api_keys(config); }
void Daemon::stop() { impl_->stop(); }

}  // namespace tabd_daemon
