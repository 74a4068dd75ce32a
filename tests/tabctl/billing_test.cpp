// Tax, credit notes, refunds, payments that came by themselves, series: as a finance team asks for them, and what it is
// told when the answer is no.

#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

class TabctlBilling : public TabctlTest {
 protected:
  static Words with_reference(Words words, const std::string& reference) {
    words.insert(words.end(), {"--reference", reference});
    return words;
  }
  static Words note(const std::string& amount, const std::string& statement, const std::string& reference) {
    return with_reference({"credit-note", "Crawler", amount, "--statement", statement, "--reason", "it was down"},
                          reference);
  }
  static Words refund(const std::string& amount, const std::string& statement, const std::string& reference) {
    return with_reference({"refund", "Crawler", amount, "--statement", statement, "--reason", "asked for it"},
                          reference);
  }
  std::string credit() {
    return text_of(json("operator", {"balance", "--payer", "Crawler"}).at("items").at(0), "credit");
  }
};

TEST_F(TabctlBilling, TaxIsPutOnTheNextStatement) {
  EXPECT_TRUE(contains(good("operator", {"payer", "tax", "Crawler", "19", "--label", "VAT 19 %", "--note", "note!"}),
                       "From the next statement on Crawler pays 19 % tax."));
  charge("1");
  const std::string statement = bill();
  const cli::Json shown = json("operator", {"statement", "show", statement});
  EXPECT_EQ(text_of(shown, "net"), "1.000000");
  EXPECT_EQ(text_of(shown, "tax"), "0.190000");
  EXPECT_EQ(text_of(shown, "billed"), "1.190000");
  EXPECT_EQ(text_of(shown, "tax_rate_ppm"), "190000");
  EXPECT_EQ(text_of(shown, "tax_label"), "VAT 19 %");
  EXPECT_EQ(text_of(shown, "tax_note"), "note!");
  EXPECT_TRUE(contains(good("payer", {"statement", "show", statement, "--role", "payer"}), "VAT 19 %"));
  EXPECT_EQ(text_of(json("operator", {"payer", "show", "Crawler"}).at("tax"), "rate_ppm"), "190000");
  EXPECT_TRUE(contains(fails(2, "operator", {"payer", "tax", "Crawler", "100.1"}), "more than 100 %"));
  fails(2, "operator", {"payer", "tax", "Crawler", "much"});
  EXPECT_TRUE(contains(fails(1, "operator", {"payer", "tax", "Nobody", "19"}), "Nobody"));
}

TEST_F(TabctlBilling, ANoteIsMadeOnceForEachReference) {
  EXPECT_TRUE(contains(good("operator", {"credit-notes"}), "There are no credit notes yet"));
  charge("2");
  const std::string statement = bill();
  const std::string made = good("operator", note("0.50", statement, "ticket 7"));
  EXPECT_TRUE(contains(made, "By credit note 1 statement " + statement + " is credited with 0.500000 USD")) << made;
  EXPECT_TRUE(contains(made, "tabctl invoice --credit-note 1")) << made;
  const std::string again = good("operator", note("0.50", statement, "ticket 7"));
  EXPECT_TRUE(contains(again, "By credit note 1 ")) << again;
  EXPECT_TRUE(contains(again, "Nothing changed: it was asked for before with this reference.")) << again;
  const cli::Json receipt = json("operator", note("0.50", statement, "ticket 7"));
  EXPECT_EQ(text_of(receipt, "status"), "already_accepted");
  EXPECT_EQ(text_of(receipt, "changed"), "false");
  EXPECT_EQ(text_of(receipt, "id"), "1");
  EXPECT_EQ(credit(), "0.500000");

  const std::string conflict = fails(1, "operator", note("0.60", statement, "ticket 7"));
  EXPECT_TRUE(contains(conflict, "reference_conflict")) << conflict;
  EXPECT_TRUE(contains(conflict, "credit note 1")) << conflict;
  const std::string for_machines =
      fails(1, "operator",
            with_reference({"credit-note", "Crawler", "0.50", "--reason", "it was down", "--json"}, "ticket 7"));
  EXPECT_TRUE(contains(for_machines, R"("status":"reference_conflict")")) << for_machines;
  EXPECT_TRUE(contains(fails(1, "operator", note("1.51", statement, "ticket 8")), "can still be credited"));
  good("operator", note("1.50", statement, "ticket 8"));
  EXPECT_EQ(credit(), "2.000000");

  EXPECT_TRUE(contains(fails(2, "operator", {"credit-note", "Crawler", "1", "--reason", "x"}), "--reference"));
  EXPECT_TRUE(contains(fails(1, "operator", note("1", "99", "ticket 9")), "there is no statement 99"));
  EXPECT_TRUE(
      contains(fails(1, "operator", with_reference({"credit-note", "Nobody", "1", "--reason", "x"}, "a")), "Nobody"));
  EXPECT_TRUE(contains(fails(1, "operator", with_reference({"credit-note", "Crawler", "1", "--reason", "x"}, "")),
                       "reference: it is empty"));

  const std::string list = good("operator", {"credit-notes"});
  for (const char* part : {"CN-000001", "CN-000002", "ticket 7", "it was down"})
    EXPECT_TRUE(contains(list, part)) << list;
  const cli::Json notes = json("payer", {"credit-notes", "--role", "payer"}).at("items");
  ASSERT_EQ(notes.as_array().size(), 2u);
  EXPECT_EQ(text_of(notes.at(1), "amount"), "1.500000");
  EXPECT_EQ(text_of(notes.at(1), "reference"), "ticket 8");
  EXPECT_EQ(text_of(notes.at(1), "statement"), statement);
}

TEST_F(TabctlBilling, ARefundIsSentOnceForEachReference) {
  charge("2");
  const std::string statement = bill();
  const std::string early = fails(1, "operator", refund("0.50", statement, "ticket 7"));
  EXPECT_TRUE(contains(early, "credit the statement first")) << early;
  good("operator", note("0.50", statement, "ticket 7"));
  const cli::Json sent = json("operator", refund("0.50", statement, "ticket 7"));
  const std::string id = text_of(sent, "id");
  EXPECT_EQ(text_of(sent, "status"), "ok") << "a note's reference is another one than a refund's";
  const std::string again = good("operator", refund("0.50", statement, "ticket 7"));
  EXPECT_TRUE(contains(again, "Settlement " + id + " refunds 0.500000 USD")) << again;
  EXPECT_TRUE(contains(again, "asked for before with this reference")) << again;
  EXPECT_TRUE(contains(fails(1, "operator", refund("0.40", statement, "ticket 7")), "reference_conflict"));
  EXPECT_EQ(credit(), "0.000000");
  EXPECT_TRUE(contains(fails(1, "operator", refund("0.10", statement, "ticket 8")), "the payer's credit is 0"));
  EXPECT_TRUE(contains(fails(1, "operator", refund("0.10", "99", "ticket 8")), "there is no statement 99"));
  EXPECT_TRUE(contains(fails(2, "operator", {"refund", "Crawler", "1", "--statement", statement, "--reason", "x"}),
                       "--reference"));
  good("operator", with_reference({"credit-note", "Crawler", "5", "--reason", "goodwill"}, "ticket 9"));
  const std::string much = fails(1, "operator", refund("1.60", statement, "ticket 9"));
  EXPECT_TRUE(contains(much, "can still be refunded")) << much;

  EXPECT_TRUE(eventually([&] {
    return text_of(json("operator", {"settlement", "show", id}), "state") == "final";
  })) << tabd_->log();
  EXPECT_EQ(text_of(json("operator", {"settlement", "show", id}), "operator_reference"), "ticket 7");
  EXPECT_TRUE(contains(good("operator", {"settlement", "show", id}), "ticket 7"));
  const cli::Json own = json("payer", {"settlement", "list", "--role", "payer"}).at("items");
  ASSERT_EQ(own.as_array().size(), 2u) << "what was collected, and what came back";
  EXPECT_EQ(text_of(own.at(0), "kind"), "collection");
  EXPECT_EQ(text_of(own.at(1), "kind"), "refund");
  EXPECT_EQ(text_of(own.at(1), "amount"), "0.500000");
  EXPECT_TRUE(contains(good("payer", {"settlement", "list", "--role", "payer"}), "refund"));
}

TEST_F(TabctlBilling, APaymentIsRecordedOnceForEachReference) {
  EXPECT_TRUE(contains(good("operator", {"payment", "list"}), "No payment came by itself yet"));
  good("operator", {"rails", "disable", "sandbox"});
  charge("2");
  good("operator", {"close", "Crawler"});
  const auto pay = [](const std::string& amount, const std::string& reference) {
    return with_reference({"payment", "record", "Crawler", amount}, reference);
  };
  Words first = pay("1.50", "wire 1");
  first.insert(first.end(), {"--received", "2026-11-20"});
  EXPECT_TRUE(contains(good("operator", first), "Payment 1 of 1.500000 USD is recorded"));
  EXPECT_TRUE(contains(good("operator", pay("1.50", "wire 1")), "asked for before with this reference"));
  EXPECT_TRUE(contains(fails(1, "operator", pay("1.40", "wire 1")), "reference_conflict"));
  EXPECT_EQ(text_of(json("operator", {"statement", "show", "1"}), "to_collect"), "0.500000");
  EXPECT_EQ(text_of(json("operator", pay("0.70", "wire 2")), "id"), "2");
  EXPECT_EQ(text_of(json("operator", {"statement", "show", "1"}), "state"), "paid");
  EXPECT_EQ(credit(), "0.200000") << "what was too much";
  const cli::Json payments = json("operator", {"payment", "list", "--payer", "Crawler"}).at("items");
  ASSERT_EQ(payments.as_array().size(), 2u);
  EXPECT_EQ(text_of(payments.at(0), "received"), "2026-11-20T00:00:00.000000Z");
  EXPECT_EQ(text_of(payments.at(1), "credited"), "0.200000");
  EXPECT_EQ(text_of(payments.at(1).at("parts").at(0), "amount"), "0.500000");
  EXPECT_TRUE(contains(good("operator", {"payment", "list"}), "wire 2"));
  fails(2, "operator", {"payment", "record", "Crawler", "1"});
  EXPECT_TRUE(contains(fails(1, "operator", {"payment", "record", "Nobody", "1", "--reference", "x"}), "Nobody"));
}

TEST_F(TabctlBilling, APlanKeepsItsSeriesUntilItGetsOthers) {
  const Words add = {"plan", "add", "daily", "--window", "day", "--credit-limit", "50", "--rail", "sandbox"};
  Words named = add;
  named.insert(named.end(), {"--series", "A-2026", "--credit-note-series", "AC-2026"});
  good("operator", named);
  EXPECT_TRUE(contains(good("operator", {"plan", "show", "daily"}), "series A-2026, credit notes AC-2026"));
  EXPECT_TRUE(contains(good("operator", {"plan", "list"}), "A-2026"));
  good("operator", add);
  const cli::Json plan = json("operator", {"plan", "show", "daily"});
  EXPECT_EQ(text_of(plan, "series"), "A-2026");
  EXPECT_EQ(text_of(plan, "credit_note_series"), "AC-2026");
  charge("2");
  const std::string statement = bill();
  EXPECT_EQ(text_of(json("operator", {"statement", "show", statement}), "invoice"), "A-2026-000001");
  good("operator", note("1", statement, "one"));
  EXPECT_EQ(text_of(json("operator", {"credit-notes"}).at("items").at(0), "number"), "AC-2026-000001");
  const auto with_series = [&](const std::string& series) {
    Words words = add;
    words.insert(words.end(), {"--series", series});
    return words;
  };
  EXPECT_TRUE(contains(fails(2, "operator", with_series("A-NAME-THAT-IS-TOO-LONG")), "--series"));
  EXPECT_TRUE(contains(fails(1, "operator", with_series("A/B")), "1 to 16 letters, digits and '-'"));
}

}  // namespace
}  // namespace system_test
