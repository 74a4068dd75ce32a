#pragma once

// Carries events from the ledger's threads to the subscribers' capabilities, and wakes those who follow the journal.
//
//   on_committed (ledger) -> events worker (decodes, looks up names) -> mailbox -> dispatch (KJ) -> Listener
//
// Each arrow is bounded; where a bound is met, subscribers are dropped with a reason and the ledger is never held up.

#include <kj/async.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/api/observer.h"
#include "rpc/capnp/counters.h"
#include "rpc/capnp/event_builder.h"
#include "rpc/capnp/mailbox.h"
#include "rpc/capnp/worker.h"
#include "rpc/schema/tabd.capnp.h"

namespace rpc {

// Whose events a session may see.
struct Audience {
  bool all = false;                   // operator, auditor
  core::Address payer;                // a payer's own; zero = none
  std::vector<core::Address> payees;  // a server's; ascending
  bool admits(const Event& event) const;
};

// Somebody who follows the journal: told, in the middle of whatever he does, that it ends. KJ thread.
class Following {
 public:
  virtual void stop(const std::string& reason) = 0;

 protected:
  ~Following() = default;
};

class EventHub final : public kj::TaskSet::ErrorHandler {
 public:
  EventHub(std::shared_ptr<Mailbox> mailbox, LiveCounters& counters, std::size_t queue_events);
  ~EventHub() noexcept(false);

  // Before the ledger is served; starts the worker. The reader must outlive stop_worker().
  void start_worker(const ledger::api::LedgerReader& reader);
  void stop_worker() { worker_.stop(); }

  // Any thread, at any time.
  void on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment);

  // All below: KJ thread, between open() and close().
  void open();
  // Ends every subscription and following with a reason; nothing is dispatched afterwards.
  void end(const std::string& reason);
  // Drops every capability and promise.
  void close();

  // `attachment` lives as long as the client keeps the subscription.
  template <typename Attachment>
  schema::Subscription::Client subscribe(Audience audience, const EventFilter& filter,
                                         schema::Listener::Client listener, kj::Own<Attachment> attachment) {
    return make_subscription(std::move(audience), filter, kj::mv(listener)).attach(kj::mv(attachment));
  }
  // Stopped when the hub ends, unless it was removed.
  void add(Following& following) { followings_.insert(&following); }
  void remove(Following& following) { followings_.erase(&following); }
  // Resolves when segment `id` is durable, or may be.
  kj::Promise<void> when_committed(core::SegmentId id);
  // Adds work that ends with the hub; failures are ignored.
  void run(kj::Promise<void> task);

 private:
  using EventList = std::shared_ptr<const std::vector<Event>>;
  struct Subscriber;
  class SubscriptionImpl;
  struct Waiter {
    core::SegmentId id;
    kj::Own<kj::PromiseFulfiller<void>> fulfiller;
  };

  kj::Own<schema::Subscription::Server> make_subscription(Audience audience, const EventFilter& filter,
                                                          schema::Listener::Client listener);
  void dispatch(const EventList& events);
  void send(const std::shared_ptr<Subscriber>& subscriber);
  void drop(const std::shared_ptr<Subscriber>& subscriber, const std::string& reason);
  void drop_all(const std::string& reason);
  void remove(Subscriber& subscriber);
  void update_wanted();
  void wake_waiters();
  void taskFailed(kj::Exception&& exception) override;

  const std::shared_ptr<Mailbox> mailbox_;
  LiveCounters& counters_;
  const std::size_t queue_events_;
  Worker worker_;
  std::optional<EventBuilder> builder_;  // used on the worker

  // Any thread.
  std::atomic<std::uint32_t> wanted_{0};  // union of the subscribers' kinds
  std::atomic<std::size_t> segments_under_way_{0};
  std::atomic<bool> overflow_posted_{false};
  std::atomic<std::uint64_t> latest_segment_{0};
  std::atomic<bool> wake_posted_{false};
  std::atomic<bool> waiting_{false};

  // KJ thread.
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::vector<Waiter> waiters_;
  std::set<Following*> followings_;
  kj::Own<kj::TaskSet> tasks_;
};

}  // namespace rpc
