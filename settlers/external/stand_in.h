#pragma once

// The inside of external.h: one rail's registration, calls and notices. Everything runs on the io_context thread except
// where a member says otherwise.

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "settlers/external/external.h"
#include "settlers/external/judge.h"
#include "settlers/external/notice_quota.h"

namespace settlers::external {

class Rails::StandIn : public std::enable_shared_from_this<Rails::StandIn> {
 public:
  using Answers = std::vector<NoticeAnswer>;

  StandIn(std::shared_ptr<const Parts> parts, Options options);

  const Options& options() const { return options_; }

  // registration.cpp
  void enter(std::shared_ptr<Peer> peer, Done<base::Result<void>> done);
  void leave(const std::shared_ptr<Peer>& peer, const std::string& reason);
  void set_sending(bool allowed);
  void stop();
  bool available() const { return serving_; }  // any thread
  std::string describe() const;                // any thread
  std::vector<Gauge> gauges() const;           // any thread

  // calls.cpp
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done);
  void abandon(const Prepared& prepared);
  void send(const Instruction& instruction, Done<Outcome> done);
  void probe(const Instruction& instruction, Done<Outcome> done);

  // notices.cpp
  void record(const std::shared_ptr<Peer>& peer, std::vector<Notice> notices, Done<base::Result<Answers>> done);

 private:
  // A call that waits for its answer or its deadline.
  struct AnyCall {
    explicit AnyCall(boost::asio::io_context& io) : timer(io) {}
    virtual ~AnyCall() = default;
    virtual void fail(const base::Error& error) = 0;
    boost::asio::steady_timer timer;
  };
  template <typename T>
  struct Call final : AnyCall {
    Call(boost::asio::io_context& io, Done<base::Result<T>> own) : AnyCall(io), done(std::move(own)) {}
    void fail(const base::Error& error) override { done(tl::unexpected<base::Error>(error)); }
    Done<base::Result<T>> done;
  };

  // Starts a call and gives its answer, the error of its deadline, or that the peer went away: exactly one of them.
  // What comes later is dropped.
  template <typename T, typename Start>
  void ask(const char* what, std::uint64_t within_ms, Start start, Done<base::Result<T>> done) {
    if (!peer_) return done(base::error(base::ErrorCode::unavailable, "no settler of this rail is connected"));
    const std::uint64_t id = ++last_call_;
    const auto call = std::make_shared<Call<T>>(parts_->io, std::move(done));
    calls_.emplace(id, call);
    call->timer.expires_after(std::chrono::milliseconds(within_ms));
    call->timer.async_wait([self = shared_from_this(), id, what, within_ms](const boost::system::error_code& ended) {
      if (!ended)
        self->finish<T>(id, base::error(base::ErrorCode::timeout, "no answer to " + std::string(what) + " within " +
                                                                      std::to_string(within_ms) + " ms"));
    });
    start(*peer_, [self = shared_from_this(), id](base::Result<T> said) {
      boost::asio::post(self->parts_->io,
                        [self, id, said = std::move(said)]() mutable { self->finish<T>(id, std::move(said)); });
    });
  }
  template <typename T>
  void finish(std::uint64_t id, base::Result<T> said) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    const std::shared_ptr<AnyCall> call = std::move(found->second);
    calls_.erase(found);
    call->timer.cancel();
    static_cast<Call<T>&>(*call).done(std::move(said));
  }
  void take(const char* what, base::Result<Outcome> said, const Instruction& instruction, Asked asked,
            const Done<Outcome>& done);

  void on_capabilities(const Capabilities& can);
  void start_peer();
  void adopt_next();
  void serve();
  void refuse(base::Error error);
  void drop(const std::string& reason);
  void forget(const std::string& reason);
  void beat();
  void news(const std::string& text) const { parts_->news(options_.rail, text); }

  std::string not_of_this_rail(const Notice& notice) const;
  void recount();
  void count_page(NoticeState state, NoticeId after, std::size_t open);

  const std::shared_ptr<const Parts> parts_;
  const Options options_;
  const base::RailName name_;

  std::shared_ptr<Peer> peer_;         // registered, or on its way to be
  Done<base::Result<void>> entering_;  // its answer
  std::size_t adopt_state_ = 0;        // where adopt_next() reads
  ledger::core::SettlementId adopt_after_;
  bool sending_ = false;
  bool stopped_ = false;
  std::uint64_t last_call_ = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<AnyCall>> calls_;
  boost::asio::steady_timer heartbeat_;
  NoticeQuota quota_;
  std::size_t notice_calls_ = 0;

  std::atomic<bool> serving_{false};
  mutable std::mutex shown_mutex_;
  ledger::core::Time since_;  // guarded by shown_mutex_, as the following
  std::string gone_because_;
  Report report_;
  std::uint64_t registrations_ = 0;
  std::uint64_t nonsense_ = 0;    // answers that were not believed
  std::uint64_t unanswered_ = 0;  // calls without an answer
};

}  // namespace settlers::external
