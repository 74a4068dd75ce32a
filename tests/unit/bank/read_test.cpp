// What banks write back. The documents are short here; the validators' test checks that they are what the schemas
// allow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settlers/bank/nacha.h"
#include "settlers/bank/report.h"
#include "tests/unit/bank/reports.h"

namespace {

using namespace settlers::bank;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(BankReports, StatusOfPaymentsBlocksAndFiles) {
  const auto report = read_report(reports::status());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->type, "pain.002");
  ASSERT_THAT(report->entries, SizeIs(2));
  EXPECT_EQ(report->entries[0].kind, EntryKind::rejected);
  EXPECT_EQ(report->entries[0].scope, EntryScope::payment);
  EXPECT_EQ(report->entries[0].reference, "PAYMENT-1");
  EXPECT_EQ(report->entries[0].reason, "AC04");
  EXPECT_EQ(report->entries[1].kind, EntryKind::accepted);
  EXPECT_EQ(report->entries[1].reference, "PAYMENT-2");

  const auto whole = read_report(reports::status_of_file("RJCT", "FF01"));
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_THAT(whole->entries, SizeIs(1));
  EXPECT_EQ(whole->entries[0].scope, EntryScope::message);
  EXPECT_EQ(whole->entries[0].message_id, "TABD-00000001");
  EXPECT_EQ(whole->entries[0].reason, "FF01");
}

TEST(BankReports, AStatementsEntries) {
  const auto report = read_report(reports::statement());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->type, "camt.053");
  EXPECT_EQ(report->account, "DE89370400440532013000");
  ASSERT_THAT(report->entries, SizeIs(5));  // the pending entry is not one
  const BankEntry& booked = report->entries[0];
  EXPECT_EQ(booked.kind, EntryKind::booked);
  EXPECT_EQ(booked.reference, "PAYMENT-1");
  EXPECT_TRUE(booked.incoming);
  EXPECT_EQ(booked.cents, 1'250U);
  EXPECT_EQ(date_text(*booked.date), "2026-11-20");
  EXPECT_GT(booked.line, 1U);
  EXPECT_THAT(booked.element, HasSubstr("Ntry"));
  const BankEntry& batch = report->entries[1];
  EXPECT_EQ(batch.scope, EntryScope::block);
  EXPECT_EQ(batch.payment_information_id, "TABD-00000001");
  EXPECT_EQ(batch.payments, 2U);
  const BankEntry& returned = report->entries[2];
  EXPECT_EQ(returned.kind, EntryKind::returned);
  EXPECT_EQ(returned.reason, "AM04");
  EXPECT_FALSE(returned.incoming);
  EXPECT_EQ(returned.fee_cents, 350U);
  EXPECT_EQ(report->entries[3].reference, "");
  EXPECT_EQ(report->entries[4].kind, EntryKind::booked);
  EXPECT_FALSE(report->entries[4].incoming);
}

TEST(BankReports, ANotificationIsReadWithAnyPrefix) {
  const auto report = read_report(reports::notification());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_THAT(report->entries, SizeIs(1));
  EXPECT_TRUE(report->entries[0].notified);
  EXPECT_EQ(report->entries[0].reference, "PAYMENT-1");
}

std::string refused(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "not found: " + from;
  text.replace(at, from.size(), to);
  const auto report = read_report(text);
  return report ? "" : report.error().message;
}

TEST(BankReports, AWrongOneIsRefusedWithLineAndElement) {
  EXPECT_THAT(refused(reports::statement(), "12.50", "12.505"), HasSubstr("Ntry: Amt \"12.505\""));
  EXPECT_THAT(refused(reports::statement(), "12.50", "13.50"), HasSubstr("do not give the closing balance"));
  EXPECT_THAT(refused(reports::statement(), "CRDT", "CREDIT"), HasSubstr("neither CRDT nor DBIT"));
  EXPECT_THAT(refused(reports::statement(), "camt.053.001.08", "camt.053.001.02"), HasSubstr("not read here"));
  EXPECT_THAT(refused(reports::statement(), "BOOK", "BOOKED"), HasSubstr("Sts"));
  EXPECT_THAT(refused(reports::status(), "RJCT", "NOPE"), HasSubstr("the status NOPE is not known"));
  EXPECT_THAT(refused(reports::status(), "<OrgnlMsgId>TABD-00000001</OrgnlMsgId>", "<OrgnlMsgId/>"),
              HasSubstr("OrgnlMsgId is missing"));
  EXPECT_THAT(refused(reports::statement(), "</Stmt>", ""), HasSubstr("line "));
  EXPECT_FALSE(read_report(""));
  EXPECT_FALSE(read_report("hello"));
}

TEST(BankReports, ReturnsAndChangesOfAch) {
  const auto report = read_report(reports::ach_returns());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_THAT(report->entries, SizeIs(2));
  EXPECT_EQ(report->entries[0].kind, EntryKind::returned);
  EXPECT_EQ(report->entries[0].reason, "R01");
  EXPECT_EQ(report->entries[0].trace, 231'380'100'000'001U);
  EXPECT_EQ(report->entries[0].reference, "REF100000");
  EXPECT_EQ(report->entries[0].cents, 1'250U);
  EXPECT_FALSE(report->entries[0].incoming);
  EXPECT_EQ(report->entries[1].kind, EntryKind::corrected);
  EXPECT_EQ(report->entries[1].reason, "C01");
  EXPECT_EQ(report->entries[1].text, "7654321");
  EXPECT_THAT(refused(reports::ach_returns(), "R01", "X01"), HasSubstr("does not belong to type 99"));
}

}  // namespace
