#pragma once

// A settler at the other end of a connection: RailLine is its capability on the KJ thread, WirePeer what the rails'
// thread holds of it. WirePeer knows the line by a number, so that it can be used when the line is gone.

#include <kj/async.h>

#include <memory>
#include <string>
#include <utility>

#include "rpc/capnp/connection.h"
#include "rpc/capnp/context.h"
#include "rpc/capnp/convert_rail.h"

namespace rpc {

// KJ thread. Every call ends by its answer, by call_ms, or with the line.
class RailLine final : private kj::TaskSet::ErrorHandler {
 public:
  RailLine(Context& context, Connection& connection, schema::Settler::Client settler);
  ~RailLine() noexcept(false);
  KJ_DISALLOW_COPY(RailLine);

  std::uint64_t number() const noexcept { return number_; }

  void capabilities(rail::Done<base::Result<rail::Capabilities>> done);
  void start(const rail::Opening& opening, rail::Done<base::Result<void>> done);
  void adopt(const std::vector<core::Settlement>& settlements, rail::Done<base::Result<void>> done);
  void set_sending(bool allowed);
  void stop();
  void prepare(const rail::Instruction& instruction, rail::Done<base::Result<rail::Prepared>> done);
  void abandon(const core::Hash& key);
  void send(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done);
  void probe(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done);
  void report(rail::Done<base::Result<rail::Report>> done);
  void close(const std::string& reason) { connection_.close(reason); }

 private:
  // `read` takes the response into a value and says what is wrong with it, or null.
  template <typename T, typename Results, typename Read>
  void run(capnp::RemotePromise<Results> sent, Read read, rail::Done<base::Result<T>> done);
  template <typename Results>
  void run(capnp::RemotePromise<Results> sent, rail::Done<base::Result<void>> done);
  template <typename Results>
  void forget(capnp::RemotePromise<Results> sent);
  void taskFailed(kj::Exception&& exception) override;

  Context& context_;
  Connection& connection_;
  const std::uint64_t number_;
  schema::Settler::Client settler_;
  std::uint64_t call_ms_;
  kj::TaskSet tasks_;
};

// Any thread, at any time.
class WirePeer final : public rail::Peer {
 public:
  WirePeer(Context& context, std::uint64_t line) : mailbox_(context.mailbox), context_(context), line_(line) {}

  void capabilities(rail::Done<base::Result<rail::Capabilities>> done) override;
  void start(const rail::Opening& opening, rail::Done<base::Result<void>> done) override;
  void adopt(const std::vector<core::Settlement>& settlements, rail::Done<base::Result<void>> done) override;
  void set_sending(bool allowed) override;
  void stop() override;
  void prepare(const rail::Instruction& instruction, rail::Done<base::Result<rail::Prepared>> done) override;
  void abandon(const rail::Prepared& prepared) override;
  void send(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) override;
  void probe(const rail::Instruction& instruction, rail::Done<base::Result<rail::Outcome>> done) override;
  void report(rail::Done<base::Result<rail::Report>> done) override;
  void close(const std::string& reason) override;

 private:
  // Runs `work` with the line on the KJ thread; not at all when it is gone: the desk hears of that by itself.
  template <typename Work>
  void on_line(Work work) {
    mailbox_->post([&context = context_, line = line_, work = std::move(work)]() mutable {
      const auto found = context.rail_lines.find(line);
      if (found == context.rail_lines.end()) return;
      // A call that cannot even be begun is one without an answer.
      const kj::Maybe<kj::Exception> failed = kj::runCatchingExceptions([&] { work(*found->second); });
      KJ_IF_MAYBE (exception, failed) {
        context.log(LogLevel::info, exception->getDescription().cStr());
      }
    });
  }

  const std::shared_ptr<Mailbox> mailbox_;
  Context& context_;  // touched by the mailbox's tasks only, which run while it lives
  const std::uint64_t line_;
};

}  // namespace rpc
