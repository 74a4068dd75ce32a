// The bank rail as a settler: the engine on a thread of its own, for its disk may be slow.

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/thread.h"
#include "settlers/bank/engine.h"
#include "settlers/bank/spool_disk.h"

namespace settlers::bank {
namespace {

constexpr std::size_t kSepaReferenceSize = 26;  // settlers/bank/reference.h
constexpr std::size_t kNoticesAtOnce = 1'000;   // RecordNotices takes 1,024
// Answered from memory; a statement makes ten thousand settlements due at once.
constexpr std::size_t kProbesMax = 1'024;

// Everything but the constructor and start() runs on the worker's thread, one call at a time.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  Worker(boost::asio::io_context& io, BankOptions options, Inbox& inbox, const base::Clock& clock, BankLog log)
      : io_(io), options_(std::move(options)), inbox_(inbox), clock_(clock), log_(std::move(log)), timer_(work_) {}

  base::Result<void> start() {
    ASSIGN_OR_RETURN(engine_, Engine::make(options_, clock_));
    engine_->set_sending(sending_);
    show();
    guard_.emplace(boost::asio::make_work_guard(work_));
    thread_ = std::thread([this] { work_.run(); });
    post([](Worker& worker) { worker.schedule(); });
    return {};
  }

  void stop() {
    guard_.reset();
    work_.stop();
    if (thread_.joinable()) thread_.join();
  }

  template <typename Job>
  void post(Job job) {
    boost::asio::post(work_, [weak = weak_from_this(), job = std::move(job)]() mutable {
      if (const std::shared_ptr<Worker> self = weak.lock()) job(*self);
    });
  }

  // The answer, on the settlers' thread.
  template <typename T>
  void answer(Done<T> done, T value) {
    boost::asio::post(io_, [weak = weak_from_this(), done = std::move(done), value = std::move(value)]() mutable {
      if (weak.lock()) done(std::move(value));
    });
  }

  // The first look comes when the last settlement was adopted some time ago: before, it is not known whether the spool
  // is whole.
  void adopt(const Settlement& settlement) {
    engine_->adopt(settlement);
    schedule();
  }

  void send(Settlement settlement, Done<Outcome> done) {
    sends_.emplace_back(std::move(settlement), std::move(done));
    if (sends_.size() == 1) post([](Worker& worker) { worker.flush(); });
  }

  void look() {
    looked_ = true;
    say(engine_->tick(sending_));
    tell_answered();
    if (!incoming_) read_next();
    show();
    schedule();
  }

  // Not before the first look has come in its own time.
  void look_now() {
    if (looked_) look();
  }

  // From any thread. With the lock held no look can end, so that an answer is either shown as waiting or carried out.
  base::Result<void> take_answer(const std::string& file, FileAnswer said) {
    const std::string& spool = options_.spool_directory;
    const bool alarm = said == FileAnswer::clear_alarm;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = std::find_if(files_.files.begin(), files_.files.end(),
                                    [&file](const BankFile& one) { return one.name == file; });
    if (alarm ? files_.alarm.empty() : found == files_.files.end())
      return base::error(alarm ? base::ErrorCode::invalid_argument : base::ErrorCode::not_found,
                         alarm ? "there is no alarm" : "there is no such file");
    const std::map<std::string, std::string> gate = waiting_answers(spool);
    const auto in_gate = gate.find(alarm ? "alarm" : file);
    std::string waits = in_gate == gate.end() ? std::string() : in_gate->second;
    if (waits.empty() && !alarm) waits = found->answer;
    if (!waits.empty()) return base::error(base::ErrorCode::invalid_argument, "an answer waits already: " + waits);
    const std::string problem =
        alarm ? std::string() : answer_problem(spool, file, found->state, found->may_have_left, said);
    if (!problem.empty()) return base::error(base::ErrorCode::invalid_argument, problem);
    RETURN_IF_ERROR(put_answer(spool, alarm ? "alarm.clear" : file + "." + std::string(word(said))));
    if (!alarm) found->answer = word(said);
    return {};
  }

  std::string shown_text() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return text_;
  }
  BankFiles shown_files() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return files_;
  }
  std::vector<Gauge> shown_gauges() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return gauges_;
  }

  std::atomic<bool> sending_{true};
  std::unique_ptr<Engine> engine_;

 private:
  // The payments of files that the operator's word moved are looked at at once. Not kept if the ledger does not take it
  // now: they are looked at anyway, later.
  void tell_answered() {
    const std::vector<Notice> notices = engine_->take_answered();
    for (std::size_t from = 0; from < notices.size(); from += kNoticesAtOnce) {
      const std::size_t to = std::min(notices.size(), from + kNoticesAtOnce);
      inbox_.record(
          {notices.begin() + static_cast<std::ptrdiff_t>(from), notices.begin() + static_cast<std::ptrdiff_t>(to)},
          [](const base::Result<std::vector<NoticeAnswer>>&) {});
    }
  }

  void schedule() {
    timer_.expires_after(std::chrono::milliseconds(options_.poll_ms));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
      const std::shared_ptr<Worker> self = weak.lock();
      if (!cancelled && self) self->look();
    });
  }

  // One sync for all that came meanwhile.
  void flush() {
    std::vector<std::pair<Settlement, Done<Outcome>>> sends = std::move(sends_);
    sends_.clear();
    std::vector<Settlement> settlements;
    for (const auto& [settlement, done] : sends) settlements.push_back(settlement);
    const base::Result<void> queued = engine_->queue(settlements);
    for (auto& [settlement, done] : sends) {
      Outcome outcome;
      if (queued) {
        Instruction instruction;
        instruction.settlement = settlement;
        outcome = engine_->probe(instruction);
      } else {
        outcome.detail = queued.error().message;  // unknown: part of it may be on the disk
        outcome.rail_fault = true;
      }
      answer(std::move(done), std::move(outcome));
    }
    show();
  }

  void read_next() {
    incoming_ = engine_->next_incoming();
    recorded_ = 0;
    if (incoming_) record();
  }

  void record() {
    if (recorded_ >= incoming_->notices.size()) {
      say(engine_->finish_incoming(*incoming_));
      incoming_.reset();
      show();
      // The next one at once, unless this one could not be put away.
      if (engine_->spool().incoming().empty()) return;
      return schedule_soon();
    }
    const std::size_t count = std::min(kNoticesAtOnce, incoming_->notices.size() - recorded_);
    const auto from = incoming_->notices.begin() + static_cast<std::ptrdiff_t>(recorded_);
    submit(std::vector<Notice>(from, from + static_cast<std::ptrdiff_t>(count)), count);
  }

  void schedule_soon() {
    post([](Worker& worker) {
      if (!worker.incoming_) worker.read_next();
    });
  }

  // `count`: by how much the file is further when these are recorded.
  void submit(std::vector<Notice> notices, std::size_t count) {
    inbox_.record(notices, [weak = weak_from_this(), notices, count](base::Result<std::vector<NoticeAnswer>> answers) {
      const std::shared_ptr<Worker> self = weak.lock();
      if (!self) return;
      self->post([notices, count, answers = std::move(answers)](Worker& worker) mutable {
        worker.on_recorded(std::move(notices), count, std::move(answers));
      });
    });
  }

  void on_recorded(std::vector<Notice> notices, std::size_t count, base::Result<std::vector<NoticeAnswer>> answers) {
    if (!incoming_) return;
    std::string why = answers ? "" : answers.error().message;
    std::vector<Notice> again;
    for (std::size_t i = 0; answers && i < notices.size() && i < answers->size(); ++i) {
      const NoticeAnswer& answer = (*answers)[i];
      if (base::accepted(answer.status)) continue;
      if (answer.status == base::Status::overloaded) why = "the ledger is overloaded";
      // A reference of ours to a settlement that this ledger does not have: the money is real all the same.
      if (notices[i].settlement.valid()) {
        notices[i].settlement = {};
        notices[i].detail = (notices[i].detail + "; " + answer.detail).substr(0, 512);
        again.push_back(notices[i]);
      } else {
        say({notices[i].source + " was not recorded: " + answer.detail});
      }
    }
    if (!why.empty()) {
      say({"in/" + incoming_->name + " waits: " + why});
      incoming_.reset();  // as a whole again at the next look; what is recorded already is recognised
      return;
    }
    if (!again.empty()) return submit(std::move(again), count);
    recorded_ += count;
    record();
  }

  void say(const std::vector<std::string>& news) const {
    for (const std::string& each : news) {
      if (log_) log_(each);
    }
  }

  void show() {
    std::string text = engine_->describe();
    std::vector<Gauge> gauges = engine_->gauges();
    const std::lock_guard<std::mutex> lock(mutex_);
    text_ = std::move(text);
    gauges_ = std::move(gauges);
    files_ = engine_->files();
  }

  boost::asio::io_context& io_;
  BankOptions options_;
  Inbox& inbox_;
  const base::Clock& clock_;
  BankLog log_;
  boost::asio::io_context work_{1};
  boost::asio::steady_timer timer_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_;
  std::thread thread_;
  std::vector<std::pair<Settlement, Done<Outcome>>> sends_;
  std::optional<Incoming> incoming_;
  std::size_t recorded_ = 0;
  bool looked_ = false;
  mutable std::mutex mutex_;
  std::string text_;           // guarded by mutex_
  std::vector<Gauge> gauges_;  // guarded by mutex_
  BankFiles files_;            // guarded by mutex_
};

class SpoolSettler final : public BankSettler {
 public:
  SpoolSettler(boost::asio::io_context& io, BankOptions options, Inbox& inbox, const base::Clock& clock, BankLog log)
      : rail_(options.rail),
        collects_((options.sepa && !options.sepa->creditor_id.empty()) || options.ach),
        in_flight_max_(options.in_flight_max),
        worker_(std::make_shared<Worker>(io, std::move(options), inbox, clock, std::move(log))) {}
  ~SpoolSettler() override { stop(); }

  std::string_view rail() const override { return rail_; }
  Capabilities capabilities() const override {
    Capabilities capabilities;
    capabilities.pull = collects_;
    capabilities.push = true;
    capabilities.refunds = true;  // by a transfer to the mandate's account
    capabilities.can_probe = true;
    capabilities.deduplicates = true;  // the spool, by reference
    capabilities.in_flight_max = in_flight_max_;
    capabilities.finality_s = 57ULL * 86'400;
    return capabilities;
  }
  void start(Done<base::Result<void>> done) override { done(worker_->start()); }
  void adopt(const Settlement& settlement) override {
    worker_->post([settlement](Worker& worker) { worker.adopt(settlement); });
  }
  void set_sending(bool allowed) override {
    worker_->sending_ = allowed;
    worker_->post([](Worker& worker) { worker.look_now(); });
  }
  void stop() override { worker_->stop(); }
  void prepare(const Instruction& instruction, Done<base::Result<Prepared>> done) override {
    worker_->post([instruction, done = std::move(done)](Worker& worker) mutable {
      worker.answer(std::move(done), worker.engine_->prepare(instruction));
    });
  }
  void send(const Instruction& instruction, Done<Outcome> done) override {
    worker_->post([settlement = instruction.settlement, done = std::move(done)](Worker& worker) mutable {
      worker.send(std::move(settlement), std::move(done));
    });
  }
  void probe(const Instruction& instruction, Done<Outcome> done) override {
    worker_->post([instruction, done = std::move(done)](Worker& worker) mutable {
      worker.answer(std::move(done), worker.engine_->probe(instruction));
    });
  }
  void movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) override {
    worker_->post([query, done = std::move(done)](Worker& worker) mutable {
      worker.answer(std::move(done), worker.engine_->movements(query));
    });
  }
  // ACH has no word of success, so a debit need not be on a statement that we read.
  bool keeps_record(const Settlement& settlement) const override {
    return settlement.reference.size() == kSepaReferenceSize;
  }
  BankFiles files() const override { return worker_->shown_files(); }
  base::Result<void> answer(const std::string& file, FileAnswer answer) override {
    RETURN_IF_ERROR(worker_->take_answer(file, answer));
    worker_->post([](Worker& worker) { worker.look_now(); });
    return {};
  }
  std::size_t probes_max() const override { return kProbesMax; }
  std::string describe() const override { return worker_->shown_text(); }
  std::vector<Gauge> gauges() const override { return worker_->shown_gauges(); }

 private:
  std::string rail_;
  bool collects_;
  std::size_t in_flight_max_;
  std::shared_ptr<Worker> worker_;
};

}  // namespace

base::Result<std::unique_ptr<BankSettler>> make_bank(boost::asio::io_context& io, BankOptions options, Inbox& inbox,
                                                     const base::Clock& clock, BankLog log) {
  if (const auto problem = bank_options_problem(options))
    return base::error(base::ErrorCode::invalid_argument, *problem);
  return std::make_unique<SpoolSettler>(io, std::move(options), inbox, clock, std::move(log));
}

}  // namespace settlers::bank
