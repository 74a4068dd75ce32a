#pragma once

// The card rail's inside. settler.cpp: options, prepare and send; start.cpp: whose key it is, and whose customers;
// charge.cpp: from a reply to what became of a collection; transfer.cpp, refund.cpp: the same for these;
// events.cpp: webhooks and the look for events that none brought. Everything runs on the
// io_context's thread except where a member says otherwise.

#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "settlers/card/api.h"
#include "settlers/card/verdict.h"

namespace settlers::card {

class CardImpl : public std::enable_shared_from_this<CardImpl> {
 public:
  CardImpl(boost::asio::io_context& io, CardOptions options, std::string api_key, const base::Clock& clock,
           Inbox* inbox, std::unique_ptr<Transport> transport);

  void start(Done<base::Result<void>> done);
  void stop();
  void receive(std::string signature, std::string body, Done<WebhookAnswer> done);  // any thread
  void set_sending(bool allowed) { sending_ = allowed; }
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done);
  void send(const Instruction& instruction, Done<Outcome> done);
  void probe(const Instruction& instruction, Done<Outcome> done);
  void movements(const MovementQuery& query, Done<base::Result<MovementPage>> done);
  std::string describe() const;       // any thread
  std::vector<Gauge> gauges() const;  // any thread
  const CardOptions& options() const { return options_; }

 private:
  // One call of send() or probe() under way.
  struct Work {
    Instruction instruction;
    StoredRequest request;
    Done<Outcome> done;
    bool first = false;                // send(): nothing was asked before
    bool may_create = false;           // a probe that found nothing may send the same bytes again
    bool cancelled = false;            // the intent was told to be cancelled
    DeclineText decline;               // as the provider's error had it
    std::optional<Outcome> otherwise;  // what follows if the provider has no trace of it
    std::uint32_t pages = 0;
    std::uint64_t refunded_elsewhere = 0;  // minor units of a charge
    bool refunds_read = false;
    std::vector<Dispute> disputes;  // of a charge
    const Hash& key() const { return instruction.settlement.idempotency_key; }
  };
  using WorkPtr = std::shared_ptr<Work>;

  // start.cpp
  void verify(std::function<void(base::Result<void>)> done);
  void verify_account(std::function<void(base::Result<void>)> done);
  base::Result<void> read_balance(const Reply& reply);
  base::Result<void> read_owner(const Reply& reply);

  base::Result<void> read_customer_of(const Reply& reply, const std::string& customer, const std::string& payer);
  void check_customer(const std::string& customer, const std::string& payer,
                      std::function<void(base::Result<void>)> done);

  // settler.cpp
  WorkPtr begin(const Instruction& instruction, Done<Outcome> done);
  void finish(const WorkPtr& work, Outcome outcome);
  void unclear(const WorkPtr& work, const Reply& reply);
  void create(const WorkPtr& work);
  void on_created(const WorkPtr& work, const Reply& reply);
  void list(const WorkPtr& work, const std::string& after);
  void absent(const WorkPtr& work);
  base::Time now() const { return clock_.now(); }

  // charge.cpp
  void read_charge(const WorkPtr& work);
  void on_charges(const WorkPtr& work, const Reply& reply);
  void on_intent(const WorkPtr& work, const Intent& intent);
  void cancel(const WorkPtr& work, const Intent& intent);
  void look_at_disputes(const WorkPtr& work, const Intent& intent, const std::string& after);
  void tell_lost_parts(const WorkPtr& work, Outcome outcome);

  // transfer.cpp
  void read_transfer_again(const WorkPtr& work);
  void on_transfers(const WorkPtr& work, const Reply& reply);
  void on_transfer(const WorkPtr& work, const Transfer& transfer);

  // refund.cpp
  void check_origin(const StoredRequest& request, std::function<void(base::Result<void>)> done);
  void read_refund_again(const WorkPtr& work);
  void on_refunds(const WorkPtr& work, const Reply& reply);
  void on_refund(const WorkPtr& work, const Refund& refund);
  void look_at_refunds(const WorkPtr& work, const Intent& intent, const std::string& after);

  // movements.cpp
  RailMovement movement_of(const Intent& intent, const MovementQuery& query) const;
  RailMovement movement_of(const Refund& refund, const MovementQuery& query) const;
  RailMovement movement_of(const Dispute& dispute, const MovementQuery& query) const;
  RailMovement movement_of(const Transfer& transfer, const MovementQuery& query) const;
  template <typename Item>
  base::Result<MovementPage> page_of(const base::Result<Page<Item>>& read, std::size_t list,
                                     const MovementQuery& query) const;
  RailMovement movement_of(const Marks& marks, const std::string& currency, std::uint64_t units,
                           const MovementQuery& query) const;

  // events.cpp
  using Recorded = std::function<void(base::Result<void>)>;
  void take(const std::string& signature, std::string body, Done<WebhookAnswer> done);
  void refuse(const std::string& signature, const std::string& body, std::string problem, bool is_signed,
              const Done<WebhookAnswer>& done);
  bool keeps_refusal();
  void place(Event event, std::string source, std::function<void(base::Result<std::optional<Notice>>)> done);
  void record(std::vector<Notice> notices, Recorded done);
  void poll_later();
  void poll(const std::string& after, std::uint32_t pages);
  void on_events(const Reply& reply, const std::string& after, std::uint32_t pages);
  void record_page(std::shared_ptr<std::vector<Event>> events, std::size_t next,
                   std::shared_ptr<std::vector<Notice>> notices, std::function<void()> done);
  void poll_failed(std::string problem);

  boost::asio::io_context& io_;
  const CardOptions options_;
  const base::Clock& clock_;
  Inbox* const inbox_;
  const std::shared_ptr<Api> api_;
  bool sending_ = true;
  bool stopped_ = false;
  bool verifying_ = false;
  bool verified_ = false;
  // Customers that are whose they are said to be: the payer, and until when that is believed.
  struct Owner {
    std::string payer;
    base::Time until;
  };
  std::map<std::string, Owner> owners_;

  std::uint64_t refusals_since_ns_ = 0;  // the hour that is counted
  std::uint32_t refusals_kept_ = 0;      // in it
  std::uint64_t refusals_unkept_ = 0;    // since the last one that was kept
  boost::asio::steady_timer poll_timer_;
  std::uint64_t polled_until_s_ = 0;  // events up to here were seen; 0: none yet
  std::uint64_t poll_newest_s_ = 0;   // of the look under way
  std::string poll_rest_;             // where that stopped and goes on; empty: at the newest
  std::set<std::string> seen_;        // events of the last looks and webhooks: they need not be recorded again

  std::set<std::string> told_lost_;  // disputes of a part of a charge whose money is in suspense

  mutable std::mutex shown_mutex_;
  std::string account_;                                // guarded by shown_mutex_
  std::string problem_;                                // guarded by shown_mutex_; why nothing is sent
  std::uint64_t shown_calls_ = 0, shown_limited_ = 0;  // guarded by shown_mutex_
  std::uint64_t events_ = 0, events_refused_ = 0;      // guarded by shown_mutex_
  std::uint64_t events_unkept_ = 0;                    // guarded by shown_mutex_; refused and not in the ledger
  std::string events_problem_;                         // guarded by shown_mutex_
};

}  // namespace settlers::card
