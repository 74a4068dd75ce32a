#include "tests/unit/rpc/rpc_world.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/check.h"
#include "ledger/proof/make_proof.h"

namespace rpc {

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tabd-rpc-XXXXXX").string();
  CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void SwitchedIngest::submit(commitments::tab::UnverifiedBatch batch, ledger::api::BatchDone done) {
  {
    const std::lock_guard lock(mutex_);
    if (mode_ == Mode::hold) {
      held_.emplace_back(std::move(batch), std::move(done));
      changed_.notify_all();
      return;
    }
    if (mode_ == Mode::overloaded) {
      ledger::api::BatchReceipt receipt;
      receipt.status = Status::overloaded;
      receipt.retry_after_ms = 25;
      done(std::move(receipt));
      return;
    }
  }
  to_.submit(std::move(batch), std::move(done));
}

void SwitchedIngest::set(Mode mode) {
  std::vector<std::pair<commitments::tab::UnverifiedBatch, ledger::api::BatchDone>> free;
  {
    const std::lock_guard lock(mutex_);
    mode_ = mode;
    if (mode != Mode::hold) free.swap(held_);
  }
  for (auto& [batch, done] : free) to_.submit(std::move(batch), std::move(done));
}

std::size_t SwitchedIngest::held() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

void SwitchedIngest::wait_until_held(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(10), [&] { return held_.size() >= count; });
}

base::Result<std::string> TestHooks::checkpoint(const std::string& name) {
  const std::string directory = checkpoints_ / name;
  if (std::filesystem::exists(directory)) return base::error(base::ErrorCode::invalid_argument, directory + " exists");
  RETURN_IF_ERROR(store_.checkpoint(directory));
  return directory;
}

std::vector<RailStatus> TestHooks::rails() {
  RailStatus sandbox;
  sandbox.name = "sandbox";
  sandbox.enabled = sandbox_enabled_;
  sandbox.pull = true;
  sandbox.in_flight_max = 8;
  sandbox.description = "test rail";
  return {sandbox};
}

base::Result<void> TestHooks::set_rail(const std::string& name, bool enabled) {
  if (name != "sandbox") return base::error(base::ErrorCode::not_found, "there is no rail " + name);
  sandbox_enabled_ = enabled;
  return {};
}

DaemonStatus TestHooks::status() {
  if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  DaemonStatus status;
  status.version = "test";
  status.dry_run = true;
  status.degraded = {"nothing really"};
  status.figures = {{"answer", 42}, {"negative", -1}};
  return status;
}

base::Result<core::Bytes> TestHooks::proof(core::Sequence sequence) {
  ASSIGN_OR_RETURN(const ledger::proof::Proof proof, ledger::proof::make_proof(store_.reader(), sequence));
  return ledger::proof::encode(proof);
}

base::Result<core::Bytes> TestHooks::extension(core::SegmentId older, core::SegmentId newer) {
  ASSIGN_OR_RETURN(const ledger::proof::Extension extension,
                   ledger::proof::make_extension(store_.reader(), older, newer));
  return ledger::proof::encode(extension);
}

RpcWorld::RpcWorld(RpcServerOptions options) {
  options.unix_path = socket_path;
  options.operators = {operator_key.address()};
  options.auditors = {auditor_key.address()};
  options.version = "1.2.3";
  options.log = [this](LogLevel, std::string_view message) {
    const std::lock_guard lock(log_mutex_);
    log_ += message;
    log_ += '\n';
  };
  server = std::make_unique<RpcServer>(std::move(options));
  ledger::store::StoreOptions store_options;
  store_options.path = directory / "ledger";
  store_options.network = std::string(support::kNetwork);
  store_options.memory_bytes = 8u << 20;
  auto opened = ledger::store::LedgerStore::open(store_options, clock, *calendar, operator_key, server.get());
  CHECK_MSG(opened.has_value(), opened ? "" : opened.error().message.c_str());
  store = std::move(*opened);
  ledger::ingest::VerifyPoolOptions pool_options;
  pool_options.threads = 2;
  pool = ledger::ingest::make_verify_pool(
      actors.domain(), [this] { return store->asset_table(); }, store->service(), nullptr, pool_options);
  ingest.emplace(*pool);
  hooks.emplace(*store);

  core::Asset usdc;
  usdc.id = kUsdc;
  usdc.text = std::string(support::kUsdcText);
  usdc.symbol = "USDC";
  must(core::SetAsset{usdc});
  core::Plan plan;
  plan.label = "day";
  plan.asset = kUsdc;
  plan.credit_limit = base::Amount(1'000'000);
  plan.rails = {*base::RailName::parse("sandbox")};
  must(core::SetPlan{plan});
  for (std::uint64_t i = 0; i < 2; ++i) {
    core::Payee payee;
    payee.address = actors.payee(i);
    payee.label = "payee " + std::to_string(i);
    payee.payout_rail = *base::RailName::parse("sandbox");
    payee.payout_account = "account " + std::to_string(i);
    must(core::SetPayee{payee});
    must(core::SetServer{actors.server(i), "server " + std::to_string(i), {actors.payee(i)}, true});
  }
  for (std::uint64_t i = 0; i < 3; ++i) must(core::SetPayer{actors.payer(i), "payer " + std::to_string(i), {"day"}});

  const auto started = server->start({*ingest, store->service(), store->reader(), clock, *hooks});
  CHECK_MSG(started.has_value(), started ? "" : started.error().message.c_str());
}

RpcWorld::~RpcWorld() {
  ingest->set(SwitchedIngest::Mode::pass);
  server->stop();
  pool.reset();
  store->stop();
}

std::unique_ptr<tabd::Client> RpcWorld::connect() const {
  auto client = tabd::Client::connect(tabd::Endpoint::unix_socket(socket_path));
  CHECK_MSG(client.has_value(), client ? "" : client.error().message.c_str());
  return std::move(*client);
}

namespace {

template <typename Session>
Session must_login(tabd::Result<Session> session) {
  CHECK_MSG(session.has_value(), session ? "" : session.error().message.c_str());
  return std::move(*session);
}

}  // namespace

tabd::ServerSession RpcWorld::server_session(std::uint64_t index) {
  return must_login(connect()->login_server(actors.key(support::Role::server, index)));
}
tabd::PayerSession RpcWorld::payer_session(std::uint64_t index) {
  return must_login(connect()->login_payer(actors.key(support::Role::payer, index)));
}
tabd::OperatorSession RpcWorld::operator_session() { return must_login(connect()->login_operator(operator_key)); }
tabd::AuditorSession RpcWorld::auditor_session() { return must_login(connect()->login_auditor(auditor_key)); }

core::CommandResult RpcWorld::must(core::Command command) {
  const ledger::api::CommandReceipt receipt = store->service().submit_and_wait(std::move(command));
  CHECK_MSG(receipt.result.status == Status::ok, receipt.result.detail.c_str());
  return receipt.result;
}

std::vector<commitments::tab::Item> RpcWorld::charges(std::size_t count, std::uint64_t payer, std::uint64_t payee) {
  std::vector<commitments::tab::Item> items;
  for (std::size_t i = 0; i < count; ++i) {
    SingleSpec spec;
    spec.payer = payer;
    spec.payee = payee;
    spec.maximum = 100;
    spec.amount = 10;
    spec.nonce = next_nonce++;
    items.push_back(actors.charge(spec));
  }
  return items;
}

tabd::UnverifiedBatch RpcWorld::batch(std::vector<commitments::tab::Item> items, std::uint64_t server_index) {
  return actors.batch(server_index, next_batch++, std::move(items));
}

void RpcWorld::expect_alive() {
  const auto answer = server_session().submit(batch(charges(1)));
  ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
  ASSERT_EQ(answer->status, Status::ok);
  EXPECT_EQ(answer->items.at(0).status, Status::ok);
}

bool RpcWorld::eventually(const std::function<bool(const RpcCounters&)>& condition) const {
  for (int i = 0; i < 1000; ++i) {
    if (condition(server->counters())) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::string RpcWorld::log() const {
  const std::lock_guard lock(log_mutex_);
  return log_;
}

}  // namespace rpc
