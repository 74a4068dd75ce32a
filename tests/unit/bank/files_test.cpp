// What we write, byte by byte, and the rules that it must pass before it leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/unit/bank/examples.h"

namespace {

using namespace examples;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

void expect_golden(const std::string& name, const std::string& bytes) {
  const std::string path = std::string(TABD_BANK_GOLDEN) + "/" + name;
  const char* update = std::getenv("TABD_GOLDEN_UPDATE");
  if (update != nullptr && std::string(update) == "1") std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(read(path), bytes) << name;
}

TEST(BankFiles, AreTheSameBytesForEver) {
  expect_golden("core-rcur.xml", write_sepa(sepa_file(SepaScheme::core)));
  expect_golden("core-ooff.xml", write_sepa(sepa_file(SepaScheme::core, SequenceType::one_off, 1)));
  expect_golden("core-frst.xml", write_sepa(sepa_file(SepaScheme::core, SequenceType::first, 1)));
  expect_golden("b2b-fnal.xml", write_sepa(sepa_file(SepaScheme::b2b, SequenceType::final, 1)));
  expect_golden("transfer.xml", write_sepa(sepa_file(SepaScheme::transfer)));
  expect_golden("instant.xml", write_sepa(sepa_file(SepaScheme::instant_transfer, SequenceType::recurring, 1)));
  expect_golden("ppd-debits.ach", write_nacha(ach_file(EntryClass::ppd, true)));
  expect_golden("web-debits.ach", write_nacha(ach_file(EntryClass::web, true)));
  expect_golden("ccd-debits.ach", write_nacha(ach_file(EntryClass::ccd, true)));
  expect_golden("ppd-credits.ach", write_nacha(ach_file(EntryClass::ppd, false)));
  expect_golden("ccd-credits.ach", write_nacha(ach_file(EntryClass::ccd, false)));
}

TEST(BankFiles, WhatWeWritePassesTheRules) {
  for (const SepaScheme scheme :
       {SepaScheme::core, SepaScheme::b2b, SepaScheme::transfer, SepaScheme::instant_transfer})
    EXPECT_THAT(sepa_rule_findings(write_sepa(sepa_file(scheme))), IsEmpty());
  for (const EntryClass entry_class : {EntryClass::ppd, EntryClass::ccd, EntryClass::web})
    EXPECT_THAT(nacha_rule_findings(write_nacha(ach_file(entry_class, true))), IsEmpty());
  EXPECT_THAT(sepa_rule_findings(write_sepa(sepa_file(SepaScheme::core, SequenceType::recurring, 10'000))), IsEmpty());
  EXPECT_THAT(nacha_rule_findings(write_nacha(ach_file(EntryClass::ppd, true, 10'000))), IsEmpty());
}

// Each mandatory element of the scheme taken out in turn: the schema would let most of them go.
TEST(BankFiles, EveryElementThatTheSchemeDemandsIsMissed) {
  const std::string whole = write_sepa(sepa_file(SepaScheme::core, SequenceType::recurring, 1));
  ASSERT_THAT(sepa_rule_findings(whole), IsEmpty());
  for (const char* name :
       {"MsgId",   "CreDtTm",     "InitgPty", "PmtInfId",     "PmtMtd",    "BtchBookg", "PmtTpInf",
        "SvcLvl",  "LclInstrm",   "SeqTp",    "ReqdColltnDt", "Cdtr",      "CdtrAcct",  "CdtrAgt",
        "ChrgBr",  "CdtrSchmeId", "PmtId",    "InstdAmt",     "DrctDbtTx", "MndtId",    "DtOfSgntr",
        "DbtrAgt", "Dbtr",        "DbtrAcct", "NbOfTxs",      "CtrlSum",   "SchmeNm",   "DrctDbtTxInf"}) {
    const std::string open = std::string("<") + name, close = std::string("</") + name + ">";
    const std::size_t first = std::min(whole.find(open + ">"), whole.find(open + " "));
    ASSERT_NE(first, std::string::npos) << name;
    std::string without = whole;
    without.erase(first, whole.find(close, first) + close.size() - first);
    EXPECT_FALSE(sepa_rule_findings(without).empty()) << name;
  }
  const std::string transfer = write_sepa(sepa_file(SepaScheme::transfer, SequenceType::recurring, 1));
  for (const char* name : {"ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt", "Amt", "Cdtr", "CdtrAcct", "EndToEndId"}) {
    const std::string open = std::string("<") + name + ">", close = std::string("</") + name + ">";
    std::string without = transfer;
    const std::size_t first = transfer.find(open);
    ASSERT_NE(first, std::string::npos) << name;
    without.erase(first, transfer.find(close, first) + close.size() - first);
    EXPECT_FALSE(sepa_rule_findings(without).empty()) << name;
  }
}

std::string broken(const std::function<void(SepaFile&)>& change) {
  SepaFile file = sepa_file(SepaScheme::core, SequenceType::recurring, 2);
  change(file);
  const std::vector<std::string> findings = sepa_rule_findings(write_sepa(file));
  return findings.empty() ? "" : findings.front();
}

TEST(BankFiles, RulesNameWhatIsWrong) {
  EXPECT_THAT(broken([](SepaFile& f) { f.due = *parse_date("2026-12-25"); }), HasSubstr("not a TARGET day"));
  EXPECT_THAT(broken([](SepaFile& f) { f.creditor_id = "DE97ZZZ09999999999"; }), HasSubstr("check digits 97"));
  EXPECT_THAT(broken([](SepaFile& f) { f.own.iban = "DE88370400440532013000"; }), HasSubstr("CdtrAcct"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].party.name = "M\xC3\xBCller"; }), HasSubstr("Nm has a character"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].party.name = std::string(71, 'A'); }), HasSubstr("71 characters"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].cents = 0; }), HasSubstr("0.01 to 999999999.99"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].cents = kSepaCentsMax + 1; }), HasSubstr("0.01 to 999999999.99"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[1].end_to_end_id = f.payments[0].end_to_end_id; }),
              HasSubstr("used twice"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].end_to_end_id = "A//B"; }), HasSubstr("two slashes"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[1].party.address = {}; }), HasSubstr("outside the European"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[1].party.address.town = ""; }), HasSubstr("TwnNm"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].mandate.signed_on = f.due + 1; }),
              HasSubstr("after the collection"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].mandate.id = ""; }), HasSubstr("MndtId"));
  EXPECT_THAT(broken([](SepaFile& f) { f.payments[0].remittance = std::string(141, 'x'); }), HasSubstr("141"));
  EXPECT_EQ(broken([](SepaFile&) {}), "");
}

TEST(BankFiles, HostileXmlIsRefusedWithItsLine) {
  const auto finding = [](const std::string& xml) { return sepa_rule_findings(xml).at(0); };
  EXPECT_THAT(finding("<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"cc\">]>\n<a>&b;</a>"), HasSubstr("line 2"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(finding(deep), HasSubstr("deep"));
  EXPECT_THAT(finding("<a>\n<b></a>"), HasSubstr("line 2"));
  EXPECT_THAT(finding(""), HasSubstr("line 1"));
  EXPECT_THAT(finding("<Document/>"), HasSubstr("neither"));
}

TEST(BankFiles, NachaRulesNameWhatIsWrong) {
  std::string text = write_nacha(ach_file(EntryClass::ppd, true));
  EXPECT_EQ(text.size() % (95 * 10), 0U);
  std::string changed = text;
  changed[2 * 95 + 38] = '7';  // the last digit of the first amount
  EXPECT_THAT(nacha_rule_findings(changed), ElementsAre(HasSubstr("total debits")));
  changed = text;
  changed[2 * 95 + 11] = '9';  // the check digit of the first routing number
  EXPECT_THAT(nacha_rule_findings(changed), ElementsAre(HasSubstr("line 3, entry detail: the routing number")));
  EXPECT_THAT(nacha_rule_findings(text.substr(0, 95 * 4)), ElementsAre(HasSubstr("without a record of type 9")));
  EXPECT_THAT(nacha_rule_findings(text.substr(0, 95 * 3 + 10)), ElementsAre(HasSubstr("instead of 94")));
}

}  // namespace
