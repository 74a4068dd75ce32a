#pragma once

// An independent model of the ledger, written from the documents and headers and not from ledger/core. It keeps plain
// lists of what happened and adds them up whenever something is asked: slow, and simple enough to be believed.
// Configuration (assets, plans, payers, payees, servers, limits, standing, mandates) is given to it as the ledger wrote
// it down; the rest it predicts.

#include <optional>

#include "aggregator/calendar.h"
#include "tests/sim/reference.h"

namespace sim {

struct Expected {  // what the ledger must answer for one item
  Status status = Status::ok;
  Money limit = 0, allowed = 0;
  std::uint64_t index = 0;
};
struct ModelCharge {
  std::uint32_t payee = 0;
  Hash resource;
  Money amount = 0;
  std::uint64_t quantity = 0;
};
struct ModelAccount {  // a payer in one asset
  Money limit_override = 0, credit = 0;
  bool open = false;
  std::uint32_t plan = 0;  // when the window opened
  aggregator::WindowBounds window;
  std::uint64_t number = 0, entries = 0;
  std::vector<ModelCharge> charges;  // on no statement yet
  Shares carried;                    // remainders of earlier statements
};
struct ModelRelease {  // of one payee's share
  Time due;            // zero: at final
  std::uint32_t reserve_bp = 0;
  bool done = false;
  Money fee = 0, reserve = 0;
};
struct ModelStatement {
  AccountKey account;
  std::uint32_t plan = 0;
  std::uint64_t number = 0, entries = 0, settlement = 0;  // of the window; its collection
  Money total = 0, net = 0, tax = 0, credit_applied = 0;
  Shares shares, carried_out;
  Time due;
  std::uint64_t invoice = 0;
  core::StatementState state = core::StatementState::open;
  bool closed = false;  // its shares were released for good
  Money credited = 0, credited_paid = 0, paid = 0, refunded = 0;
  std::map<std::uint32_t, ModelRelease> releases{};
  Money due_amount() const { return net + tax - credit_applied - (credited - credited_paid) - paid; }
};
struct ModelHold {
  std::uint32_t payee = 0;
  std::uint16_t asset = 0;
  Money maximum = 0;
  Hash resource;
  Time expires;
  std::optional<AgentKey> agent{};  // none: the payer
  core::HoldState state = core::HoldState::open;
  std::string finish{};  // the item that captured or released it
};
struct ModelTab {
  Money charged = 0, maximum = 0;
  std::uint64_t charges = 0;
  std::map<std::uint64_t, std::string> seen;  // item, by first index
};
struct ModelMandate {
  tab::Mandate mandate;
  bool revoked = false;
  struct Spent {
    Time time;
    tab::Period period;  // of the mandate in force
    Money amount = 0;
  };
  std::vector<Spent> charges;
};
struct ModelSettlement {
  core::SettlementKind kind = core::SettlementKind::collection;
  AccountKey owner;             // payer or payee, asset
  std::uint64_t statement = 0;  // collection
  Money amount = 0, fee = 0;
  Time next_action;
  core::SettlementState state = core::SettlementState::ready;
  std::uint32_t attempt = 1, technical_retries = 0, dunning_step = 0;
  bool overdue = false;  // failed for good and not paid
  std::string rail{};
  std::map<std::string, FailureClass> refusals{};  // rails that are not asked again
  Money rail_fee = 0;                              // of the attempt
  Money surplus = 0;                               // that it moved above `amount`
};
struct ModelNotice {  // by its number
  std::string rail;
  std::uint64_t settlement = 0;
  std::uint16_t asset = 0;
  Money amount = 0;  // zero: it is not about money
  core::Direction direction = core::Direction::none;
  core::NoticeState state = core::NoticeState::waiting;
};
struct ModelRelay {  // by its key
  std::string rail_and_order;
  std::uint64_t settlement = 0;
};
struct ModelReservation {
  std::uint64_t sequence = 0;
  bool refund = false;
  Money maximum = 0, amount = 0, deposit = 0;
  base::FixedBytes<16> request;
  base::Signature signature;
  Time expires;
};
struct ModelChannel {  // by its key
  Address receiver;
  commitments::channel::Snapshot chain;
  std::uint64_t block = 0;
  struct Event {
    bool capture = false;
    Money amount = 0;   // captured, or the chain's total of claims
    Money maximum = 0;  // of the captured voucher
  };
  std::vector<Event> history;
  std::optional<ModelReservation> reservation;
  std::string put_aside;
  Money charged() const;
  Money captured() const;
};
struct ModelCapture {  // by the reservation
  std::uint64_t sequence = 0;
  std::string usage;
};
struct ModelMirror {  // of a receiver's earnings
  Money claimed = 0, settled = 0;
  std::uint64_t block = 0;
};
struct ModelEarnings {  // a payee in one asset
  Money payable = 0, paid_out = 0, fees = 0;
  std::uint64_t open_payout = 0;
  Time payout_from;  // of the next scheduled one; zero: not known
};
struct ModelClosing {  // of a window, as the journal must say it
  AccountKey account;
  std::uint64_t number = 0, entries = 0, statement = 0, settlement = 0;
  core::CloseReason reason = core::CloseReason::time;
  Money total = 0, net = 0, tax = 0;
  std::uint64_t invoice = 0;
};

class Model {
 public:
  explicit Model(const aggregator::Calendar& calendar) : calendar_(calendar) {}

  // One item of a batch by `server`, decided and, if accepted, applied. `stateless`: the verifier's answer.
  Expected item(Time now, const Address& server, const tab::Item& item, Status stateless);
  // The status that the ledger must give to a command (about a payer that is known).
  Status run(Time now, const core::WriteOff& command);
  Status run(Time now, const core::CloseNow& command);
  Status run(Time now, const core::StepSettlement& command);
  Status run(Time now, const core::RetrySettlement& command);
  Status run(Time now, const core::CancelSettlement& command);
  Status run(Time now, const core::PlanRelay& command);
  // model_billing.cpp
  Status run(Time now, const core::CreateCreditNote& command);
  Status run(Time now, const core::RefundPayer& command);
  Status run(Time now, const core::RecordPayment& command);
  bool release_due(Time now, std::uint64_t settlement);
  bool is_release_due(Time now, std::uint64_t settlement) const;
  core::ReleaseDefaults terms(std::uint32_t payee) const;
  // model_channels.cpp; set `replied` to the sequence that the ledger must give.
  Status run(Time now, const core::SyncChannel& command);
  Status run(Time now, const core::SyncEarnings& command);
  Status run(Time now, const core::ReserveVoucher& command);
  Status run(Time now, const core::CaptureReservation& command);
  Status run(Time now, const core::ReleaseReservation& command);
  Status run(Time now, const core::PutChannelAside& command);
  // model_notices.cpp; `answers`: what the ledger must say to each.
  Status run(Time now, const core::RecordNotices& command);
  Status run(Time now, const core::ResolveNotice& command);
  // What timers do to one object; false if it is not due.
  bool close_due(Time now, const AccountKey& key);
  bool expire(Time now, const HoldKey& key);
  bool plan_payout(Time now, const AccountKey& key);
  bool schedule_payout(Time now, const AccountKey& key, Time from);
  bool is_payout_due(Time now, const AccountKey& key) const;
  Money payout_amount(const AccountKey& payee) const;  // zero: none is due

  // Sums over the lists.
  Money held(const AccountKey& account) const;
  Money unbilled(const AccountKey& account) const;
  Money billed(const AccountKey& account) const;
  Money mandate_held(const AgentKey& agent) const;
  Money spent(const ModelMandate& mandate, Time now) const;  // what counts against its cap

  std::map<std::uint16_t, core::Asset> assets;
  std::map<std::uint32_t, core::Plan> plans;
  std::map<std::uint32_t, core::Payer> payers;
  std::map<std::uint32_t, core::Payee> payees;
  std::map<Address, core::Server> servers;
  std::map<AccountKey, ModelAccount> accounts;
  std::map<AgentKey, ModelMandate> mandates;
  std::map<HoldKey, std::string> nonces;
  std::map<HoldKey, ModelHold> holds;
  std::map<TabKey, ModelTab> tabs;
  std::map<std::uint64_t, ModelStatement> statements;
  std::map<std::uint64_t, ModelSettlement> settlements;
  std::map<Hash, ModelRelay> relays;
  std::map<AccountKey, ModelEarnings> earnings;
  std::map<Hash, ModelChannel> channels;
  std::map<std::pair<Hash, std::uint64_t>, ModelCapture> captures;
  std::map<Address, ModelMirror> mirrors;  // by receiver: one contract and token here
  std::map<std::uint64_t, ModelNotice> notices;
  std::map<std::pair<std::string, Hash>, std::uint64_t> notice_keys;
  std::vector<std::pair<Status, std::uint64_t>> answers;  // of the last RecordNotices: status and number
  std::map<std::uint16_t, Money> suspense, rail_fees;     // by asset; what is owed to others is positive
  std::uint64_t next_sequence = 0, replied = 0;           // of the next entry; of the answer, zero: none
  std::vector<ModelClosing> closings;                     // all of them, in order
  std::map<std::string, std::uint64_t> series;            // the last number of each
  using Reference = std::pair<AccountKey, std::string>;
  struct Asked {
    std::uint64_t statement = 0;
    Money amount = 0;
    std::string reason;
    bool operator==(const Asked&) const = default;
  };
  std::map<Reference, Money> payments;
  std::map<Reference, Asked> notes, refunds;
  core::ReleaseDefaults release_defaults;

 private:
  const core::Plan* plan_of(const AccountKey& account) const;
  Money limit(const AccountKey& account) const;
  Status check_agent(Time now, const AgentKey& agent, const Address& payee) const;
  Status check_seen(std::uint32_t payer, const tab::Item& item, const ModelTab& tab) const;
  Expected check_amount(Time now, const AccountKey& key, const std::optional<AgentKey>& agent, Money amount) const;
  void accept(Time now, const tab::Item& item, const AccountKey& account_key, const TabKey& tab_key,
              std::uint32_t payee, const std::optional<AgentKey>& agent, ModelHold* hold, Money amount);
  void charge(Time now, const AccountKey& account, std::uint32_t payee, const std::vector<tab::Usage>& usages);
  Money billable(const AccountKey& key) const;  // zero: everything is carried forward
  void close(Time now, const AccountKey& account, core::CloseReason reason);
  Money tax_on(const AccountKey& key, Money net) const;
  Money due_tax(Time now, const AccountKey& key) const;  // of a window that is over
  Money credited_net(const ModelStatement& statement, Money credited) const;
  void release(ModelStatement& statement);
  void plan_release(Time now, ModelSettlement& settlement);
  void take_back(ModelSettlement& settlement);
  void clear(ModelStatement& statement);
  Status pay(const AccountKey& account, Money amount, const std::string& reference,
             const std::vector<core::StatementId>& list);
  bool take_moved(Time now, std::uint64_t id, const core::StepSettlement& step);
  Status check_refund(const ModelSettlement& settlement) const;
  static Status check_moved(const ModelSettlement& settlement, const core::StepSettlement& step);
  void lift(std::uint32_t payer);
  void settle(Time now, std::uint64_t id, core::SettlementState to);
  void clear_overdue(ModelSettlement& settlement);
  // What follows from a definite failure that is not technical: the rail to ask next, and whether it is asked at once.
  std::pair<std::string, bool> next_rail(const ModelSettlement& collection, const core::Plan& plan) const;
  void fail(Time now, std::uint64_t settlement, const core::StepSettlement& step);
  void keep_fee(ModelSettlement& settlement, const core::StepSettlement& step);
  bool waits_for(const ModelNotice& notice, std::uint64_t settlement) const;
  // A notice says that the settlement's money has moved.
  bool contradicted(std::uint64_t settlement) const;
  // After a step: the notices that it knew, and those that nobody will look at, are no longer waited for.
  void apply_notices(const core::StepSettlement& step, SettlementState before, const std::string& rail);
  core::NoticeState state_of(const core::Notice& notice) const;
  Status check_unpaid(core::StatementId id) const;
  Status wrote(bool wrote);

  const aggregator::Calendar& calendar_;
};

}  // namespace sim
