// Everything that we write, before those who know nothing of us: the ISO 20022 schemas by xmllint, Python's XML parser,
// and moov-io/ach. tests/bank/fetch.sh brings them.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "settlers/bank/account_text.h"
#include "settlers/bank/report.h"
#include "tests/support/skip.h"
#include "tests/unit/bank/examples.h"
#include "tests/unit/bank/reports.h"

namespace {

using namespace examples;

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> block;
  for (std::size_t got; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;)
    ran.output.append(block.data(), got);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class Validators : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kTools + "/ready") || run("xmllint --version").status != 0) {
      SKIP_LOUDLY("the checkers of bank files are missing. To bring them: tools/setup.sh bank");
    }
    directory_ =
        std::filesystem::temp_directory_path() /
        ("tabd-bank-" + std::to_string(::getpid()) + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  std::string saved(const std::string& bytes) {
    const std::string path = directory_ / ("file-" + std::to_string(++files_));
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  Ran schema(const std::string& name, const std::string& bytes) {
    return run("xmllint --noout --nonet --schema " + kTools + "/" + name + ".xsd " + saved(bytes));
  }

  const std::string kTools = std::string(TABD_SOURCE) + "/tests/bank/validators";
  std::filesystem::path directory_;
  int files_ = 0;
};

std::string expected_lines(const SepaFile& file) {
  std::string lines;
  for (const SepaPayment& payment : file.payments)
    lines += payment.end_to_end_id + " " + std::to_string(payment.cents) + " " + payment.party.iban + " " +
             payment.party.name + "\n";
  return lines;
}

TEST_F(Validators, SchemasTakeWhatWeWriteAndAnotherParserReadsTheSame) {
  for (const SepaScheme scheme :
       {SepaScheme::core, SepaScheme::b2b, SepaScheme::transfer, SepaScheme::instant_transfer}) {
    for (const SequenceType sequence :
         {SequenceType::recurring, SequenceType::one_off, SequenceType::first, SequenceType::final}) {
      const SepaFile file = sepa_file(scheme, sequence);
      const std::string xml = write_sepa(file);
      const Ran ran = schema(is_collection(scheme) ? "pain.008.001.08" : "pain.001.001.09", xml);
      EXPECT_EQ(ran.status, 0) << ran.output;
      const Ran reread = run("python3 " + std::string(TABD_SOURCE) + "/tests/bank/reread.py " + saved(xml));
      EXPECT_EQ(reread.output, expected_lines(file));
    }
  }
}

// A refund goes to the account of the payer's mandate: what remains of a mandate makes a file that others take.
TEST_F(Validators, RefundsToTheAccountsOfMandates) {
  SepaFile file = sepa_file(SepaScheme::transfer, SequenceType::recurring, 0);
  AchFile ach = ach_file(EntryClass::ppd, false, 0);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const std::string sepa = std::string("scheme=") + (i == 1 ? "sepa-b2b" : "sepa-core") + ";name=Payer " +
                             std::to_string(i) + ";iban=" + german_iban(i) + ";mandate=M-1;signed=2026-01-31" +
                             (i == 3 ? ";street=Main St;town=Bern;country=CH;sequence=OOFF" : "");
    const auto party = read_counterparty(credit_account(parse_fields(sepa).value()), false);
    ASSERT_TRUE(party) << party.error().message;
    SepaPayment payment;
    payment.end_to_end_id = "REFUND-" + std::to_string(i);
    payment.cents = 1'250;
    payment.party = {party->name, party->iban, party->bic, party->address};
    payment.remittance = "Refund of statement " + std::to_string(i);
    file.payments.push_back(payment);
    const std::string us = std::string("scheme=") + (i == 1 ? "ach-web" : "ach-ppd") +
                           ";name=Payer;routing=021000021;account=500" + std::to_string(i) +
                           ";authorized=2026-01-31;frequency=single" + (i == 3 ? ";type=savings" : "");
    const auto to = read_counterparty(credit_account(parse_fields(us).value()), false);
    ASSERT_TRUE(to) << to.error().message;
    AchEntry entry;
    entry.routing_number = to->routing_number;
    entry.account = to->account;
    entry.savings = to->savings;
    entry.cents = 1'250;
    entry.reference = "REFUND" + std::to_string(i);
    entry.name = "PAYER";
    entry.trace = 231'380'100'000'000 + i;
    ach.entries.push_back(entry);
  }
  const std::string xml = write_sepa(file);
  const Ran taken = schema("pain.001.001.09", xml);
  EXPECT_EQ(taken.status, 0) << taken.output;
  EXPECT_EQ(run("python3 " + std::string(TABD_SOURCE) + "/tests/bank/reread.py " + saved(xml)).output,
            expected_lines(file));
  const Ran read = run(kTools + "/achcheck " + saved(write_nacha(ach)));
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_NE(read.output.find("32 021000021 5003 1250 REFUND3"), std::string::npos) << read.output;
}

TEST_F(Validators, TenThousandPaymentsInOneFile) {
  const SepaFile file = sepa_file(SepaScheme::core, SequenceType::recurring, 10'000);
  const std::string xml = write_sepa(file);
  const Ran ran = schema("pain.008.001.08", xml);
  EXPECT_EQ(ran.status, 0) << ran.output;
  const Ran reread = run("python3 " + std::string(TABD_SOURCE) + "/tests/bank/reread.py " + saved(xml));
  EXPECT_EQ(reread.output, expected_lines(file));
  const Ran ach = run(kTools + "/achcheck " + saved(write_nacha(ach_file(EntryClass::ppd, true, 10'000))));
  EXPECT_EQ(ach.status, 0) << ach.output.substr(0, 500);
  EXPECT_EQ(std::count(ach.output.begin(), ach.output.end(), '\n'), 10'000);
}

TEST_F(Validators, TenThousandTransfersInOneFile) {
  const SepaFile file = sepa_file(SepaScheme::transfer, SequenceType::recurring, 10'000);
  const std::string xml = write_sepa(file);
  const Ran ran = schema("pain.001.001.09", xml);
  EXPECT_EQ(ran.status, 0) << ran.output;
  const Ran reread = run("python3 " + std::string(TABD_SOURCE) + "/tests/bank/reread.py " + saved(xml));
  EXPECT_EQ(reread.output, expected_lines(file));
  const Ran ach = run(kTools + "/achcheck " + saved(write_nacha(ach_file(EntryClass::ccd, false, 10'000))));
  EXPECT_EQ(ach.status, 0) << ach.output.substr(0, 500);
  EXPECT_EQ(std::count(ach.output.begin(), ach.output.end(), '\n'), 10'000);
}

// What a bank writes back of ten thousand: a statement and a status with an entry for each, and a return of every
// debit.
TEST_F(Validators, TenThousandEntriesBack) {
  std::vector<reports::Line> lines;
  std::string statuses;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const std::string reference = "PAYMENT-" + std::to_string(i);
    lines.push_back({reference, 100 + i, i % 3 != 0, i % 3 == 0 ? "AM04" : "", 0, "", 0, "BOOK"});
    statuses += reports::payment_status(reference, i % 2 == 0 ? "RJCT" : "ACSP", i % 2 == 0 ? "AC04" : "");
  }
  const std::string statement = reports::statement_of(lines);
  const std::string status =
      reports::status_head("<GrpSts>PART</GrpSts>", "<OrgnlPmtInfAndSts><OrgnlPmtInfId>TABD-00000001</OrgnlPmtInfId>" +
                                                        statuses + "</OrgnlPmtInfAndSts>\n");
  const AchFile debits = ach_file(EntryClass::ppd, true, 10'000);
  const Ran returned = run(kTools + "/achcheck " + saved(write_nacha(debits)) + " return R01");
  ASSERT_EQ(returned.status, 0) << returned.output.substr(0, 500);
  for (const auto& [name, bytes] : {std::pair<std::string, std::string>{"camt.053.001.08", statement},
                                    {"pain.002.001.11", status},
                                    {"", returned.output}}) {
    const Ran ran = name.empty() ? run(kTools + "/achcheck " + saved(bytes)) : schema(name, bytes);
    EXPECT_EQ(ran.status, 0) << ran.output.substr(0, 500);
    const auto report = read_report(bytes);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->entries.size(), 10'000U) << name;
  }
}

TEST_F(Validators, SchemasAreReallyAsked) {
  std::string xml = write_sepa(sepa_file(SepaScheme::core));
  xml.replace(xml.find("<MsgId>"), 7, "<MsgID>");
  EXPECT_NE(schema("pain.008.001.08", xml).status, 0);
  EXPECT_NE(schema("pain.001.001.09", write_sepa(sepa_file(SepaScheme::core))).status, 0);
}

TEST_F(Validators, TheReportsOfOurTestsAreWhatBanksMaySend) {
  for (const auto& [name, xml] : {std::pair{"pain.002.001.11", reports::status()},
                                  {"pain.002.001.11", reports::status_of_file("RJCT", "FF01")},
                                  {"camt.053.001.08", reports::statement()},
                                  {"camt.054.001.08", reports::notification()}}) {
    const Ran ran = schema(name, xml);
    EXPECT_EQ(ran.status, 0) << ran.output;
  }
  const Ran ran = run(kTools + "/achcheck " + saved(reports::ach_returns()));
  EXPECT_EQ(ran.status, 0) << ran.output;
}

// Two days of the bank that the demo uses: a file booked as a sum, of another one refused and one returned.
TEST_F(Validators, TheBankOfThePlaygroundSendsWhatBanksMaySend) {
  for (const char* folder : {"in", "out", "archive"}) std::filesystem::create_directory(directory_ / folder);
  const SepaFile debits = sepa_file(SepaScheme::core);
  SepaFile transfers = sepa_file(SepaScheme::transfer, SequenceType::recurring, 1);
  transfers.message_id = transfers.payment_information_id = "TABD-00000002";
  std::ofstream(directory_ / "out/1.xml") << write_sepa(debits);
  std::ofstream(directory_ / "out/2.xml") << write_sepa(transfers);
  const Ran ran =
      run("cd " + std::string(TABD_SOURCE) + "/playground/bank && python3 -B -c \"import bank; b = bank.Bank('" +
          directory_.string() + "', '" + debits.own.iban + "', 100, closed=['" + debits.payments[2].party.iban +
          "'], returns={'" + debits.payments[1].party.iban + "': 'AM04'}); b.take(); b.close_day(); b.close_day()\"");
  ASSERT_EQ(ran.status, 0) << ran.output;
  std::size_t statements = 0, statuses = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "in")) {
    const bool statement = entry.path().filename().string().starts_with("statement");
    ++(statement ? statements : statuses);
    const Ran checked = run("xmllint --noout --nonet --schema " + kTools + "/" +
                            (statement ? "camt.053.001.08" : "pain.002.001.11") + ".xsd " + entry.path().string());
    EXPECT_EQ(checked.status, 0) << checked.output;
  }
  EXPECT_EQ(statuses, 2U);
  EXPECT_EQ(statements, 2U);
}

TEST_F(Validators, AchFilesAreReadBackByAnotherImplementation) {
  for (const EntryClass entry_class : {EntryClass::ppd, EntryClass::ccd, EntryClass::web}) {
    for (const bool debits : {true, false}) {
      if (entry_class == EntryClass::web && !debits) continue;  // not written: between persons only
      const AchFile file = ach_file(entry_class, debits);
      std::string expected;
      for (const AchEntry& entry : file.entries)
        expected += std::string(entry.savings ? "3" : "2") + (debits ? "7" : "2") + " " + entry.routing_number + " " +
                    entry.account + " " + std::to_string(entry.cents) + " " + entry.reference + " " +
                    std::to_string(entry.trace) + "\n";
      const Ran ran = run(kTools + "/achcheck " + saved(write_nacha(file)));
      EXPECT_EQ(ran.status, 0) << ran.output;
      EXPECT_EQ(ran.output, expected);
    }
  }
}

TEST_F(Validators, AReturnFileOfAnotherImplementationIsRead) {
  const AchFile file = ach_file(EntryClass::ppd, true);
  const Ran made = run(kTools + "/achcheck " + saved(write_nacha(file)) + " return R01");
  ASSERT_EQ(made.status, 0) << made.output;
  const auto report = read_report(made.output);
  ASSERT_TRUE(report) << report.error().message << "\n" << made.output;
  ASSERT_EQ(report->entries.size(), file.entries.size());
  for (std::size_t i = 0; i < file.entries.size(); ++i) {
    EXPECT_EQ(report->entries[i].kind, EntryKind::returned);
    EXPECT_EQ(report->entries[i].reason, "R01");
    EXPECT_EQ(report->entries[i].trace, file.entries[i].trace);
    EXPECT_EQ(report->entries[i].reference, file.entries[i].reference);
    EXPECT_EQ(report->entries[i].cents, file.entries[i].cents);
  }
}

}  // namespace
