#include "rpc/capnp/event_hub.h"

#include <kj/debug.h>

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "rpc/capnp/convert.h"

namespace rpc {
namespace {

// Events in one call to a listener.
constexpr std::size_t kEventsPerCall = 256;

bool matches(const EventFilter& filter, const Event& event) {
  if (filter.kinds != 0 && (filter.kinds & bit(event.kind)) == 0) return false;
  if (!filter.payer.is_zero() && filter.payer != event.payer) return false;
  return filter.payee.is_zero() || filter.payee == event.payee;
}

}  // namespace

bool Audience::admits(const Event& event) const {
  if (all) return true;
  if (!payer.is_zero()) return event.payer == payer;
  return !event.payee.is_zero() && std::binary_search(payees.begin(), payees.end(), event.payee);
}

struct EventHub::Subscriber {
  Subscriber(Audience whose, const EventFilter& which, schema::Listener::Client to)
      : audience(std::move(whose)), filter(which), listener(kj::mv(to)) {}
  Audience audience;
  EventFilter filter;
  schema::Listener::Client listener;
  std::deque<std::pair<EventList, std::size_t>> queue;
  bool sending = false;
  bool gone = false;  // dropped or ended: nothing more is sent
};

// Lives as long as the client keeps it.
class EventHub::SubscriptionImpl final : public schema::Subscription::Server {
 public:
  SubscriptionImpl(EventHub& hub, std::shared_ptr<Subscriber> subscriber)
      : hub_(hub), subscriber_(std::move(subscriber)) {}
  ~SubscriptionImpl() noexcept(false) { hub_.remove(*subscriber_); }

 private:
  EventHub& hub_;
  std::shared_ptr<Subscriber> subscriber_;
};

EventHub::EventHub(std::shared_ptr<Mailbox> mailbox, LiveCounters& counters, std::size_t queue_events)
    : mailbox_(std::move(mailbox)),
      counters_(counters),
      queue_events_(queue_events),
      worker_(base::limits::kSubscriberSegmentsMax) {}

EventHub::~EventHub() noexcept(false) { worker_.stop(); }

void EventHub::start_worker(const ledger::api::LedgerReader& reader) {
  builder_.emplace(reader);
  worker_.start();
}

void EventHub::open() { tasks_ = kj::heap<kj::TaskSet>(*this); }

void EventHub::close() {
  tasks_ = nullptr;
  waiters_.clear();
  subscribers_.clear();
  update_wanted();
}

void EventHub::taskFailed(kj::Exception&&) {}  // a subscriber went away: its connection tells

void EventHub::run(kj::Promise<void> task) {
  if (tasks_.get() != nullptr) tasks_->add(kj::mv(task));
}

void EventHub::on_committed(const std::shared_ptr<const ledger::api::CommittedSegment>& segment) {
  latest_segment_.store(segment->header.number.value);
  if (waiting_.load() && !wake_posted_.exchange(true)) {
    mailbox_->post([this] {
      wake_posted_.store(false);
      wake_waiters();
    });
  }
  if (wanted_.load(std::memory_order_relaxed) == 0) return;
  const bool room = segments_under_way_.fetch_add(1) < base::limits::kSubscriberSegmentsMax;
  const bool taken = room && worker_.post([this, segment] {
    auto events =
        std::make_shared<const std::vector<Event>>(builder_->build(*segment, wanted_.load(std::memory_order_relaxed)));
    mailbox_->post([this, events = std::move(events)] {
      segments_under_way_.fetch_sub(1);
      dispatch(events);
    });
  });
  if (taken) return;
  segments_under_way_.fetch_sub(1);
  if (overflow_posted_.exchange(true)) return;
  mailbox_->post([this] {
    overflow_posted_.store(false);
    drop_all("events came faster than they could be prepared");
  });
}

kj::Own<schema::Subscription::Server> EventHub::make_subscription(Audience audience, const EventFilter& filter,
                                                                  schema::Listener::Client listener) {
  auto subscriber = std::make_shared<Subscriber>(std::move(audience), filter, kj::mv(listener));
  subscribers_.push_back(subscriber);
  update_wanted();
  return kj::heap<SubscriptionImpl>(*this, std::move(subscriber));
}

void EventHub::update_wanted() {
  std::uint32_t wanted = 0;
  for (const std::shared_ptr<Subscriber>& subscriber : subscribers_)
    wanted |= subscriber->filter.kinds == 0 ? UINT32_MAX : subscriber->filter.kinds;
  wanted_.store(wanted, std::memory_order_relaxed);
  counters_.subscribers.store(subscribers_.size(), std::memory_order_relaxed);
}

void EventHub::dispatch(const EventList& events) {
  std::vector<std::shared_ptr<Subscriber>> overrun;
  for (const std::shared_ptr<Subscriber>& subscriber : subscribers_) {
    for (std::size_t i = 0; i < events->size(); ++i) {
      const Event& event = (*events)[i];
      if (matches(subscriber->filter, event) && subscriber->audience.admits(event))
        subscriber->queue.emplace_back(events, i);
    }
    if (subscriber->queue.size() > queue_events_) {
      overrun.push_back(subscriber);
    } else {
      send(subscriber);
    }
  }
  for (const std::shared_ptr<Subscriber>& subscriber : overrun) {
    drop(subscriber, "the subscriber is more than " + std::to_string(queue_events_) + " events behind");
  }
}

// One call under way for each subscriber: what it does not take stays in its bounded queue.
void EventHub::send(const std::shared_ptr<Subscriber>& subscriber) {
  if (subscriber->sending || subscriber->gone || subscriber->queue.empty()) return;
  auto& queue = subscriber->queue;
  const std::size_t size = std::min(queue.size(), kEventsPerCall);
  auto request = subscriber->listener.eventsRequest();
  auto list = request.initEvents(list_size(size));
  for (std::size_t i = 0; i < size; ++i) {
    const auto& [events, index] = queue[i];
    encode((*events)[index], list[list_size(i)]);
  }
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(size));
  subscriber->sending = true;
  run(request.send().then(
      [this, subscriber]() {
        subscriber->sending = false;
        send(subscriber);
      },
      [this, subscriber](kj::Exception&&) { remove(*subscriber); }));
}

void EventHub::drop(const std::shared_ptr<Subscriber>& subscriber, const std::string& reason) {
  if (subscriber->gone) return;
  count(counters_.subscribers_dropped_total);
  remove(*subscriber);
  auto request = subscriber->listener.droppedRequest();
  request.setReason(text(reason));
  run(request.send().ignoreResult());
}

void EventHub::drop_all(const std::string& reason) {
  for (const std::shared_ptr<Subscriber>& subscriber : std::exchange(subscribers_, {})) drop(subscriber, reason);
  update_wanted();
}

void EventHub::end(const std::string& reason) {
  drop_all(reason);
  for (Following* following : std::exchange(followings_, {})) following->stop(reason);
}

void EventHub::remove(Subscriber& subscriber) {
  subscriber.gone = true;
  subscriber.queue.clear();
  const auto found = std::find_if(subscribers_.begin(), subscribers_.end(),
                                  [&](const std::shared_ptr<Subscriber>& own) { return own.get() == &subscriber; });
  if (found == subscribers_.end()) return;
  subscribers_.erase(found);
  update_wanted();
}

kj::Promise<void> EventHub::when_committed(core::SegmentId id) {
  waiting_.store(true);  // before the comparison: on_committed stores first and looks second
  if (latest_segment_.load() >= id.value) return kj::READY_NOW;
  kj::PromiseFulfillerPair<void> pair = kj::newPromiseAndFulfiller<void>();
  waiters_.push_back({id, kj::mv(pair.fulfiller)});
  return kj::mv(pair.promise);
}

void EventHub::wake_waiters() {
  std::vector<Waiter> woken = std::exchange(waiters_, {});
  waiting_.store(false);
  for (Waiter& waiter : woken) waiter.fulfiller->fulfill();
}

}  // namespace rpc
