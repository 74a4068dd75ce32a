// From a statement to its page: sums, states, and a window of a million commitments.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "cli/invoice_view.h"
#include "cli/text.h"
#include "crypto/merkle.h"
#include "tests/support/actors.h"

namespace cli {
namespace {

using core::Amount;
using ::testing::HasSubstr;

class InvoiceOfStatement : public testing::Test {
 protected:
  InvoiceOfStatement() {
    statement_.id = core::StatementId(17);
    statement_.series = *core::SeriesName::parse("INV");
    statement_.number = 42;
    statement_.payer = core::PayerId(1);
    statement_.window = {base::Time::from_seconds(1'795'219'200), base::Time::from_seconds(1'795'305'600)};
    statement_.issued = statement_.window.end;
    statement_.due = base::Time::from_seconds(1'795'392'000);
    statement_.closed_by = core::Sequence(1042);
    statement_.settlement = core::SettlementId(3);
    books_.network = "acme:tab";
    books_.asset.symbol = "USDC";
    books_.asset.scale = 6;
    books_.payer = {"Crawler", "0x02"};
    books_.payee = [](base::PayeeId id) {
      return NamedParty{"payee " + std::to_string(id.value), "0x" + std::to_string(id.value)};
    };
  }
  invoice::Document document() {
    Result<invoice::Document> made = invoice_document(statement_, books_, texts_);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(invoice::Document());
  }
  void bill(std::uint64_t units) {
    statement_.lines = {{core::PayeeId(1), support::test_hash(5), Amount(units), 3, 12}};
    statement_.total = statement_.net = Amount(units);
    statement_.shares = {{core::PayeeId(1), Amount(units)}};
  }

  core::Statement statement_;
  InvoiceBooks books_;
  InvoiceTexts texts_;
};

TEST_F(InvoiceOfStatement, ANoteOnItNamesIt) {
  bill(1'000'000);
  statement_.tax_terms = {190'000, "", "a note on tax"};
  core::CreditNote note;
  note.id = core::CreditNoteId(3);
  note.series = *core::SeriesName::parse("CN");
  note.number = 7;
  note.statement = statement_.id;
  note.amount = Amount(1'190);
  note.net = Amount(1'000);
  note.tax = note.reduced_due = Amount(190);
  note.credited = Amount(1'000);
  note.reason = "it was down";
  note.reference = "ticket 7";
  note.time = statement_.issued;
  note.noted_by = core::Sequence(1057);
  const invoice::CreditNote page = note_document(note, &statement_, books_, texts_).value();
  EXPECT_EQ(page.number, "CN-000007");
  EXPECT_EQ(page.invoice, "INV-000042");
  EXPECT_EQ(page.statement, "17");
  EXPECT_EQ(page.issued, "2026-11-22 00:00:00 UTC");
  EXPECT_EQ(page.tax, "0.000190");
  EXPECT_EQ(page.tax_label, "Tax 19 %");
  EXPECT_EQ(page.tax_note, "a note on tax");
  EXPECT_EQ(page.total, "0.001190");
  EXPECT_EQ(page.reduced_due, "0.000190");
  EXPECT_EQ(page.credited, "0.001000");
  EXPECT_THAT(page.verify_text, HasSubstr("&note=CN-000007&statement=17&entry=1057&net=1000&tax=190"));
  note.statement = {};
  note.net = note.amount;
  note.tax = note.reduced_due = Amount();
  const invoice::CreditNote goodwill = note_document(note, nullptr, books_, texts_).value();
  for (const std::string& text : {goodwill.invoice, goodwill.statement, goodwill.tax, goodwill.reduced_due})
    EXPECT_EQ(text, "");
  EXPECT_THAT(goodwill.verify_text, HasSubstr("&statement=0&entry=1057&net=1190&tax=0"));
  texts_.from.verify_url = "acme";
  EXPECT_FALSE(note_document(note, nullptr, books_, texts_));
}

TEST_F(InvoiceOfStatement, TimesAreUtcAndAmountsWhole) {
  bill(1'230'001);
  const invoice::Document page = document();
  EXPECT_EQ(page.period_from, "2026-11-21 00:00:00 UTC");
  EXPECT_EQ(page.due, "2026-11-23 00:00:00 UTC");
  EXPECT_EQ(page.lines.at(0).amount, "1.230001");
  EXPECT_EQ(page.lines.at(0).resource, resource_text(support::test_hash(5)));
  EXPECT_EQ(page.to_pay, "1.230001");
  EXPECT_EQ(page.tax, "");
  EXPECT_THAT(page.payment, HasSubstr("settlement 3"));
  EXPECT_TRUE(page.verify_text.starts_with("tabd:invoice?network=acme%3Atab&operator=0x")) << page.verify_text;
  EXPECT_THAT(page.verify_text, HasSubstr("&statement=17&entry=1042&root=0x"));
  EXPECT_EQ(page.verify_link, "");
  texts_.from.verify_url = "https://acme.example/verify";
  EXPECT_TRUE(document().verify_link.starts_with("https://acme.example/verify?network="));
  texts_.from.verify_url = "acme";
  EXPECT_FALSE(invoice_document(statement_, books_, texts_));
}

TEST_F(InvoiceOfStatement, OneUnitAndTheLargestAmount) {
  bill(1);
  EXPECT_EQ(document().total, "0.000001");
  books_.asset.scale = 0;
  const Amount largest = *Amount::from_units(~base::u128{0} >> 1);
  statement_.lines[0].amount = statement_.total = statement_.net = statement_.shares[0].amount = largest;
  EXPECT_EQ(document().total, largest.to_decimal_string(0));
  EXPECT_TRUE(invoice::render(document(), invoice::default_template()));
}

TEST_F(InvoiceOfStatement, WhatReducesIt) {
  bill(1'000'000);
  statement_.carried_in = {{core::PayeeId(1), Amount(7)}};
  statement_.carried_out = {{core::PayeeId(1), Amount(5)}, {core::PayeeId(2), Amount(2)}};
  statement_.credit_applied = Amount(300'000);
  statement_.mark.credited = Amount(200'000);
  invoice::Document page = document();
  EXPECT_EQ(page.carried_in, "0.000007");
  EXPECT_EQ(page.carried_on, "0.000007");
  EXPECT_EQ(page.credit_applied, "0.300000");
  EXPECT_EQ(page.credited, "0.200000");
  EXPECT_EQ(page.to_pay, "0.500000");
  statement_.mark.paid = Amount(100'000);
  page = document();
  EXPECT_EQ(page.paid, "0.100000");
  EXPECT_EQ(page.to_pay, "0.400000");
  statement_.mark.state = core::StatementState::paid;
  statement_.mark.credited = Amount(250'000);
  statement_.mark.credited_paid = Amount(50'000);
  statement_.mark.refunded = Amount(20'000);
  page = document();
  EXPECT_EQ(page.credited, "0.200000");
  EXPECT_EQ(page.credited_after, "0.050000");
  EXPECT_EQ(page.refunded, "0.020000");
  EXPECT_EQ(page.paid, "0.500000");
  EXPECT_EQ(page.to_pay, "0.000000");
  for (const auto state : {core::StatementState::written_off, core::StatementState::credited}) {
    statement_.mark.state = state;
    EXPECT_EQ(document().to_pay, "0.000000");
  }
}

TEST_F(InvoiceOfStatement, TaxIsShownBesideNet) {
  bill(1'000'000);
  EXPECT_EQ(document().number, "INV-000042");
  statement_.number = 0;
  EXPECT_EQ(document().number, "17") << "without a number of its own, the statement's";
  statement_.tax = Amount(190'000);
  statement_.tax_terms = {190'000, "VAT 19 %", ""};
  EXPECT_EQ(document().net, "1.000000");
  EXPECT_EQ(document().tax, "0.190000");
  EXPECT_EQ(document().tax_label, "VAT 19 %");
  EXPECT_EQ(document().total, "1.190000");
  EXPECT_EQ(document().to_pay, "1.190000");
  statement_.tax_terms.label.clear();
  EXPECT_EQ(document().tax_label, "Tax 19 %");
  statement_.tax_terms.rate_ppm = 77'500;
  EXPECT_EQ(document().tax_label, "Tax 7.75 %");
  statement_.tax = Amount(0);
  statement_.tax_terms = {0, "", "reverse charge"};
  EXPECT_EQ(document().tax, "");
  EXPECT_EQ(document().tax_note, "reverse charge");
}

TEST_F(InvoiceOfStatement, ResourcesThatAreKnownHaveTheirNames) {
  bill(1);
  const Result<base::Hash> hash = parse_resource("https://api.example/a?b=<c>");
  ASSERT_TRUE(hash);
  texts_.resources[*hash] = "https://api.example/a?b=<c>";
  statement_.lines[0].resource = *hash;
  EXPECT_EQ(document().lines.at(0).resource, "https://api.example/a?b=<c>");
  EXPECT_THAT(invoice::render(document(), invoice::default_template()).value(),
              HasSubstr("https://api.example/a?b=&lt;c&gt;"));
}

// The window adds up as commitments come, by payee and resource, so its invoice has a bounded number of lines.
TEST_F(InvoiceOfStatement, AMillionCommitments) {
  constexpr std::uint64_t kCommitments = 1'000'000;
  aggregator::LineSet lines;
  crypto::MerkleFrontier tree;
  std::vector<base::Hash> resources;
  for (std::uint64_t i = 0; i < 1000; ++i) resources.push_back(support::test_hash(i));
  Amount total;
  for (std::uint64_t i = 0; i < kCommitments; ++i) {
    lines.add(core::PayeeId(static_cast<std::uint32_t>(1 + i % 3)), resources[i % resources.size()], Amount(i + 1), 1);
    tree.append(resources[i % resources.size()]);
    total = base::add_checked(total, Amount(i + 1));
  }
  statement_.lines = lines.lines();
  statement_.entries = kCommitments;
  statement_.root = tree.root();
  statement_.total = statement_.net = total;
  statement_.shares = {{core::PayeeId(1), total}};
  ASSERT_LE(statement_.lines.size(), base::limits::kWindowLinesMax + 3)
      << "one more for what has no line, for each payee";
  const invoice::Document page = document();
  EXPECT_EQ(page.entries, "1,000,000");
  EXPECT_EQ(page.charges, total.to_decimal_string(6)) << "not one is lost in a line";
  EXPECT_EQ(page.charges, page.total);
  const std::string html = invoice::render(page, invoice::default_template()).value();
  EXPECT_LT(html.size(), 200'000u);
  EXPECT_THAT(html, HasSubstr(base::to_hex(statement_.root)));
}

}  // namespace
}  // namespace cli
