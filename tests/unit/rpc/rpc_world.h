#pragma once

// A whole server for tests: a real ledger in a temporary directory, real verification, a unix socket, a few parties,
// and switches for what is hard to bring about (a full queue, answers that wait).

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/tabd_client.h"
#include "ledger/ingest/verify_pool.h"
#include "ledger/store/ledger_store.h"
#include "rpc/capnp/server.h"
#include "tests/support/actors.h"

namespace rpc {

using base::Status;
using support::kNow;
using support::kUsdc;
using support::SingleSpec;
using support::VoucherSpec;

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The wall clock is set by hand (from any thread), the steady one is real: timeouts pass.
class TestClock final : public base::Clock {
 public:
  base::Time now() const override { return base::Time{now_us_.load()}; }
  std::uint64_t monotonic_ns() const override { return real_.monotonic_ns(); }
  void advance(std::uint64_t seconds) { now_us_.fetch_add(seconds * 1'000'000); }

 private:
  base::SystemClock real_;
  std::atomic<std::uint64_t> now_us_{kNow * 1'000'000};
};

// Passes batches on, or keeps them, or refuses them.
class SwitchedIngest final : public ledger::api::IngestService {
 public:
  enum class Mode : std::uint8_t { pass, hold, overloaded };
  explicit SwitchedIngest(ledger::api::IngestService& to) : to_(to) {}
  void submit(commitments::tab::UnverifiedBatch batch, ledger::api::BatchDone done) override;
  bool run(std::size_t signatures, std::function<void()> work) override { return to_.run(signatures, std::move(work)); }
  const commitments::tab::Domain& domain() const override { return to_.domain(); }

  void set(Mode mode);  // leaving `hold` passes on what was held
  std::size_t held() const;
  void wait_until_held(std::size_t count) const;  // at most 10 s

 private:
  ledger::api::IngestService& to_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Mode mode_ = Mode::pass;
  std::vector<std::pair<commitments::tab::UnverifiedBatch, ledger::api::BatchDone>> held_;
};

class TestHooks final : public OperatorHooks {
 public:
  explicit TestHooks(ledger::store::LedgerStore& store) : store_(store) {}
  base::Result<std::string> checkpoint(const std::string& name) override;
  std::vector<RailStatus> rails() override;
  base::Result<void> set_rail(const std::string& name, bool enabled) override;
  DaemonStatus status() override;
  base::Result<core::Bytes> proof(core::Sequence sequence) override;
  base::Result<core::Bytes> extension(core::SegmentId older, core::SegmentId newer) override;

  std::atomic<bool> slow{false};  // status() takes its time

 private:
  ledger::store::LedgerStore& store_;
  TemporaryDirectory checkpoints_;
  bool sandbox_enabled_ = true;
};

// Keys 0.. of each role are as in support::Actors. Registered: kUsdc, plan "day", payees 0 and 1, server 0 for payee 0,
// server 1 for payee 1, payers 0, 1 and 2.
struct RpcWorld {
  explicit RpcWorld(RpcServerOptions changes = {});
  ~RpcWorld();

  std::unique_ptr<tabd::Client> connect() const;
  tabd::ServerSession server_session(std::uint64_t index = 0);
  tabd::PayerSession payer_session(std::uint64_t index = 0);
  tabd::OperatorSession operator_session();
  tabd::AuditorSession auditor_session();

  core::CommandResult must(core::Command command);
  // Signed charges of payer `payer` at payee `payee` with fresh nonces.
  std::vector<commitments::tab::Item> charges(std::size_t count, std::uint64_t payer = 0, std::uint64_t payee = 0);
  tabd::UnverifiedBatch batch(std::vector<commitments::tab::Item> items, std::uint64_t server = 0);
  // The socket still serves a login and a batch.
  void expect_alive();
  // Waits (at most 10 s) until the condition on the counters holds.
  bool eventually(const std::function<bool(const RpcCounters&)>& condition) const;
  std::string log() const;

  TemporaryDirectory directory;
  TestClock clock;
  support::Actors actors;
  crypto::SecretKey operator_key = support::secret_key(support::Role::keeper, 0);
  crypto::SecretKey auditor_key = support::secret_key(support::Role::keeper, 1);
  std::string socket_path = directory / "tabd.sock";
  std::unique_ptr<aggregator::Calendar> calendar = aggregator::make_calendar();
  std::unique_ptr<RpcServer> server;
  std::unique_ptr<ledger::store::LedgerStore> store;
  std::unique_ptr<ledger::api::IngestService> pool;
  std::optional<SwitchedIngest> ingest;
  std::optional<TestHooks> hooks;
  base::u128 next_nonce = 1;
  std::uint64_t next_batch = 1;

 private:
  mutable std::mutex log_mutex_;
  std::string log_;
};

}  // namespace rpc
