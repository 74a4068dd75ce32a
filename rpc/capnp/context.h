#pragma once

// What all connections and sessions of one server share. Lives on the KJ thread; the parts that other threads touch say
// so.

#include <kj/async-io.h>
#include <kj/async.h>
#include <kj/debug.h>
#include <kj/timer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "rpc/capnp/counters.h"
#include "rpc/capnp/event_hub.h"
#include "rpc/capnp/guarded_stream.h"
#include "rpc/capnp/mailbox.h"
#include "rpc/capnp/server.h"
#include "rpc/capnp/worker.h"

namespace rpc {

// Calls that wait for another thread's answer. KJ thread only.
class PendingCalls {
 public:
  template <typename T>
  std::pair<std::uint64_t, kj::Promise<T>> open() {
    kj::PromiseFulfillerPair<T> pair = kj::newPromiseAndFulfiller<T>();
    calls_.emplace(++last_id_, std::make_unique<Call<T>>(kj::mv(pair.fulfiller)));
    return {last_id_, kj::mv(pair.promise)};
  }
  // A call whose caller has gone swallows the value.
  template <typename T>
  void complete(std::uint64_t id, T&& value) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    static_cast<Call<T>&>(*found->second).fulfiller->fulfill(kj::mv(value));
    calls_.erase(found);
  }
  void forget(std::uint64_t id) { calls_.erase(id); }
  std::size_t size() const noexcept { return calls_.size(); }

 private:
  struct AnyCall {
    virtual ~AnyCall() noexcept(false) = default;
  };
  template <typename T>
  struct Call final : AnyCall {
    explicit Call(kj::Own<kj::PromiseFulfiller<T>> own) : fulfiller(kj::mv(own)) {}
    kj::Own<kj::PromiseFulfiller<T>> fulfiller;
  };
  std::unordered_map<std::uint64_t, std::unique_ptr<AnyCall>> calls_;
  std::uint64_t last_id_ = 0;
};

class RailLine;

// Turns an environment failure into what the caller sees as an exception.
kj::Exception to_exception(const base::Error& error);

struct Context {
  Context(const RpcServerOptions& options_in, const RpcDependencies& deps_in, LiveCounters& counters_in,
          std::shared_ptr<Mailbox> mailbox_in, Worker& reads_in, EventHub& events_in, kj::Timer& timer_in)
      : options(options_in),
        deps(deps_in),
        counters(counters_in),
        mailbox(std::move(mailbox_in)),
        reads(reads_in),
        events(events_in),
        timer(timer_in) {}

  const RpcServerOptions& options;
  const RpcDependencies& deps;
  LiveCounters& counters;
  std::shared_ptr<Mailbox> mailbox;
  Worker& reads;
  EventHub& events;
  kj::Timer& timer;
  ReadBudget read_budget{base::limits::kRpcReadBudgetBytes};
  PendingCalls pending;
  std::unordered_map<std::uint64_t, RailLine*> rail_lines;  // the settlers that are connected, by number
  std::uint64_t last_rail_line = 0;
  bool stopping = false;

  void log(LogLevel level, const std::string& message) const {
    if (options.log) options.log(level, message);
  }

  // Starts work elsewhere: `start` gets a copyable callback that may be called once, from any thread and also after
  // this server is gone, and returns whether it will be.
  template <typename T, typename Start>
  kj::Promise<T> hop(Start start) {
    std::pair<std::uint64_t, kj::Promise<T>> call = pending.open<T>();
    const std::uint64_t id = call.first;
    const bool started = start([mailbox = mailbox, this, id](T value) {
      mailbox->post([this, id, value = std::move(value)]() mutable {
        pending.complete<T>(id, std::move(value));
        counters.calls_in_flight.store(pending.size(), std::memory_order_relaxed);
      });
    });
    if (!started) {
      pending.forget(id);
      count(counters.overloaded_total);
      return KJ_EXCEPTION(OVERLOADED, "overloaded: too many reads are waiting; try again");
    }
    counters.calls_in_flight.store(pending.size(), std::memory_order_relaxed);
    return kj::mv(call.second);
  }

  // Runs `job` on the worker thread. It must own what it uses, or use what outlives the server.
  template <typename T>
  kj::Promise<T> read(std::function<T()> job) {
    if (stopping) return KJ_EXCEPTION(OVERLOADED, "shutting_down: the daemon is stopping");
    return hop<T>(
        [this, job = std::move(job)](auto done) { return reads.post([job, done = std::move(done)] { done(job()); }); });
  }

  kj::Promise<ledger::api::BatchReceipt> submit(commitments::tab::UnverifiedBatch batch);
  kj::Promise<ledger::api::CommandReceipt> command(core::Command command);
};

}  // namespace rpc
