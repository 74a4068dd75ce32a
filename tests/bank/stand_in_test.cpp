// The bank of playground/bank, which the demo uses, before our own rail: it takes what we write, and we read what it
// writes. tests/bank/validators_test.cpp has the schemas of both.

#include <fcntl.h>
#include <sys/wait.h>

#include <cstdlib>
#include <thread>

#include "tests/unit/bank/engine_fixture.h"

namespace bank_test {
namespace {

const std::string kOwn = "DE89370400440532013000";

class BankStandIn : public BankEngine {
 protected:
  void SetUp() override {
    BankEngine::SetUp();
    options_.ach.reset();
    options_.demonstration_day_ms = 1;
    options_.sepa->core_final_days = options_.sepa->payout_final_days = 1;
    open();
  }
  void TearDown() override {
    if (stdin_ >= 0) ::close(stdin_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    BankEngine::TearDown();
  }
  // It ends with its standard input, so also when the test is killed.
  void start_bank(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"python3",
                                      TABD_SOURCE "/playground/bank/bank.py",
                                      directory_,
                                      "--account",
                                      kOwn + "=100000",
                                      "--day",
                                      "0.1",
                                      "--books",
                                      directory_ / "books.json",
                                      "--until-stdin-ends"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int in[2];
    ASSERT_EQ(::pipe2(in, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    stdin_ = in[1];
  }
  void take_what_came() {
    tick();
    while (auto incoming = engine_->next_incoming()) {
      EXPECT_EQ(incoming->problem, "") << incoming->name;
      engine_->finish_incoming(*incoming);
      for (const Notice& notice : incoming->notices) said_.push_back(notice);
    }
  }
  // Until the rail says so of the payment, or for half a minute.
  bool becomes(Instruction& instruction, S state) {
    for (int i = 0; i < 1'500; ++i) {
      clock_.advance_us(20'000);
      take_what_came();
      instruction.notices.clear();
      for (const Notice& notice : said_)
        if (notice.settlement == instruction.settlement.id) instruction.notices.push_back(notice);
      const Outcome outcome = probe(instruction);
      instruction.settlement.state = outcome.state;
      code_ = outcome.code;
      if (outcome.state == state) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  pid_t pid_ = -1;
  int stdin_ = -1;
  std::vector<Notice> said_;
  std::string code_;
};

TEST_F(BankStandIn, TakesBooksReturnsAndRefusesAsABankDoes) {
  Instruction good = collection(1, 1'250), poor = collection(2, 99), closed = collection(3, 500);
  Instruction payout = collection(4, 700);
  payout.settlement.kind = SettlementKind::payout;
  payout.payer_rail_mandate.clear();
  payout.payee_account = "scheme=sepa;name=Payee;iban=" + examples::german_iban(9);
  start_bank({"--returns", examples::german_iban(1'002) + "=AM04", "--closed", examples::german_iban(1'003)});
  for (Instruction* one : {&good, &poor, &closed, &payout}) send(*one);
  EXPECT_TRUE(becomes(closed, S::failed));
  EXPECT_EQ(code_, "AC04");
  EXPECT_TRUE(becomes(poor, S::settled));
  EXPECT_TRUE(becomes(poor, S::returned));
  EXPECT_EQ(code_, "AM04");
  EXPECT_TRUE(becomes(good, S::final));
  EXPECT_TRUE(becomes(payout, S::final));
  for (const Notice& notice : said_) EXPECT_TRUE(notice.settlement.valid()) << notice.detail;
  const std::string books = content("books.json");
  EXPECT_THAT(books, HasSubstr("\"own\": " + std::to_string(100'000 + 1'250 - 700)));
  EXPECT_THAT(books, HasSubstr("\"" + examples::german_iban(1'002) + "\": 0"));
  EXPECT_THAT(books, HasSubstr("\"" + examples::german_iban(9) + "\": 700"));
}

TEST_F(BankStandIn, AFileThatComesTwiceIsRefusedAndNotBookedTwice) {
  Instruction one = collection(1, 1'250);
  start_bank({});
  send(one);
  EXPECT_TRUE(becomes(one, S::settled));
  const std::string name = engine_->spool().files().begin()->second.name;
  put("gate/" + name + ".resend", "");
  tick();
  // What the bank refuses as a duplicate it has: the payment stays what it is, and an alarm says so.
  for (int i = 0; i < 1'500 && engine_->spool().alarm().empty(); ++i) {
    take_what_came();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(engine_->spool().alarm(), HasSubstr("AM05"));
  EXPECT_TRUE(becomes(one, S::final));
  EXPECT_THAT(content("books.json"), HasSubstr("\"own\": 101250"));
}

}  // namespace
}  // namespace bank_test
