#include "invoice/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace invoice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Markup, a template's tags, quotes, a comment's end, an entity, what turns writing around, what cannot be shown.
const std::string kHostile = "<script>alert('1')</script>\"{{root}}{{{root}}}-->&amp;\xE2\x80\xAE\x01\xFFz";

Document example() {
  Document page;
  page.title = "Invoice";
  page.number = "INV-000042";
  page.statement = "17";
  page.from = {"Acme & Sons", "0x01", {"1 Main St", "Springfield"}, "DE 1"};
  page.to = {"Crawler", "0x02", {}, ""};
  page.issued = "2026-11-21 04:58:21 UTC";
  page.due = "2026-11-22 04:58:21 UTC";
  page.period_from = "2026-11-20 00:00:00 UTC";
  page.period_to = "2026-11-21 00:00:00 UTC";
  page.currency = "USDC";
  page.lines = {{"weather", "0xabc", "3", "12", "0.130000"}};
  page.charges = page.net = page.total = page.to_pay = "0.130000";
  page.shares = {{"weather", "0x03", "0.130000"}};
  page.state = "open";
  page.network = "acme:tab";
  page.root = "0xroot";
  page.entries = "4";
  page.closed_by = "1042";
  page.verify_text = "tabd:invoice?network=acme%3Atab";
  return page;
}

std::string rendered(const Document& page, std::string_view page_template = default_template()) {
  base::Result<std::string> html = render(page, page_template);
  EXPECT_TRUE(html) << html.error().message;
  return html.value_or(std::string());
}

std::string refused(std::string_view page_template) {
  const base::Result<std::string> html = render(example(), page_template);
  EXPECT_FALSE(html) << page_template;
  return html ? std::string() : html.error().message;
}

TEST(InvoiceDocument, ShowsWhatItIsGivenAndLeavesOutTheRest) {
  const std::string html = rendered(example());
  for (const char* text : {"Acme &amp; Sons", "Springfield", "INV-000042", "0.130000 USDC", "0xroot", "1042"})
    EXPECT_THAT(html, HasSubstr(text));
  for (const char* text : {"Credit used", "Credit notes", "Carried in", "Nothing was charged", "Or: <a"})
    EXPECT_THAT(html, Not(HasSubstr(text)));
  Document page = example();
  page.tax = "0.024700";
  page.tax_label = "VAT 19 %";
  page.tax_note = "reverse charge";
  page.credit_applied = "0.010000";
  page.credited = "0.020000";
  page.carried_in = "0.000300";
  page.carried_on = "0.000400";
  page.verify_link = "https://acme.example/verify?a=b&c=d";
  const std::string more = rendered(page);
  for (const char* text : {"VAT 19 %", "0.024700 USDC", "reverse charge", "-0.010000 USDC", "-0.020000 USDC",
                           "0.000300 USDC", "-0.000400 USDC", "href=\"https://acme.example/verify?a=b&amp;c=d\""})
    EXPECT_THAT(more, HasSubstr(text));
}

TEST(InvoiceDocument, AnEmptyOneIsAPageToo) {
  Document page;
  page.verify_text = "x";
  const std::string html = rendered(page);
  EXPECT_THAT(html, HasSubstr("Nothing was charged"));
  EXPECT_THAT(html, HasSubstr("Nobody: nothing is billed."));
  page.verify_text.clear();
  EXPECT_FALSE(render(page, default_template())) << "a code that says nothing";
}

TEST(InvoiceDocument, NothingOfUsersBecomesMarkup) {
  Document page = example();
  page.from = page.to = {kHostile, kHostile, {kHostile}, kHostile};
  page.lines = {{kHostile, kHostile, kHostile, kHostile, kHostile}};
  page.shares = {{kHostile, kHostile, kHostile}};
  for (std::string* text : {&page.number, &page.currency, &page.tax, &page.tax_label, &page.tax_note, &page.state,
                            &page.payment, &page.network, &page.verify_text, &page.verify_link})
    *text = kHostile;
  const std::string html = rendered(page);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html,
              HasSubstr("&lt;script&gt;alert(&apos;1&apos;)&lt;/script&gt;&quot;{{root}}{{{root}}}--&gt;&amp;amp;"));
  for (const char* text : {"\xE2\x80\xAE", "\x01", "\xFF"}) EXPECT_THAT(html, Not(HasSubstr(text)));
  const auto count = [](const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
    return found;
  };
  Document plain = page;
  const auto calm = [](std::string& text) { text = "calm"; };
  plain.from = plain.to = {"calm", "calm", {"calm"}, "calm"};
  plain.lines = {{"calm", "calm", "calm", "calm", "calm"}};
  plain.shares = {{"calm", "calm", "calm"}};
  for (std::string* text : {&plain.number, &plain.currency, &plain.tax, &plain.tax_label, &plain.tax_note, &plain.state,
                            &plain.payment, &plain.network, &plain.verify_text, &plain.verify_link})
    calm(*text);
  const std::string other = rendered(plain);
  EXPECT_EQ(count(html, "<"), count(other, "<")) << "the same elements, whatever the texts";
  EXPECT_EQ(count(html, ">"), count(other, ">"));
}

CreditNote example_note() {
  CreditNote page;
  page.title = "Credit note";
  page.number = "CN-000007";
  page.statement = "17";
  page.invoice = "INV-000042";
  page.reason = "it was down";
  page.reference = "ticket 7";
  page.from = example().from;
  page.to = example().to;
  page.issued = "2026-11-21 04:58:21 UTC";
  page.currency = "USDC";
  page.net = "0.100000";
  page.tax = "0.019000";
  page.tax_label = "VAT 19 %";
  page.total = "0.119000";
  page.reduced_due = "0.100000";
  page.credited = "0.019000";
  page.network = "acme:tab";
  page.entry = "1057";
  page.verify_text = "tabd:credit-note?network=acme%3Atab";
  return page;
}

TEST(InvoiceDocument, ACreditNoteSaysWhatItCorrects) {
  const auto filled = [](const CreditNote& note) { return render(note, default_note_template()).value(); };
  const std::string html = filled(example_note());
  for (const char* text : {"Credit note <bdi>CN-000007</bdi>", "<bdi>INV-000042</bdi>", "ticket 7", "it was down",
                           "0.100000 USDC", "0.019000 USDC", "0.119000 USDC", "VAT 19 %", "Acme &amp; Sons",
                           "tabctl prove 1057", "Less to pay on the invoice", "Credit for later invoices"})
    EXPECT_THAT(html, HasSubstr(text));
  EXPECT_THAT(html, Not(HasSubstr("Goodwill")));
  CreditNote goodwill = example_note();
  for (std::string* text : {&goodwill.statement, &goodwill.invoice, &goodwill.tax, &goodwill.reduced_due})
    text->clear();
  const std::string other = filled(goodwill);
  EXPECT_THAT(other, HasSubstr("Goodwill credit"));
  for (const char* text : {"Corrects invoice", "VAT 19 %", "Less to pay"}) EXPECT_THAT(other, Not(HasSubstr(text)));
  CreditNote hostile = example_note();
  hostile.from = hostile.to = {kHostile, kHostile, {kHostile}, kHostile};
  for (std::string* text : {&hostile.number, &hostile.invoice, &hostile.reason, &hostile.reference, &hostile.tax_label,
                            &hostile.tax_note, &hostile.verify_link})
    *text = kHostile;
  EXPECT_THAT(filled(hostile), Not(HasSubstr("<script")));
  EXPECT_FALSE(render(example_note(), "{{lines}}")) << "an invoice has these";
  EXPECT_FALSE(render(example(), "{{reduced_due}}"));
  CreditNote silent = example_note();
  silent.verify_text.clear();
  EXPECT_FALSE(render(silent, default_note_template())) << "a code that says nothing";
}

TEST(InvoiceDocument, TheSameInGivesTheSameOut) { EXPECT_EQ(rendered(example()), rendered(example())); }

TEST(InvoiceDocument, ATemplateOfOnesOwn) {
  EXPECT_EQ(rendered(example(),
                     "{{title}} {{number}}{{#tax}} tax{{/tax}}{{^tax}} no tax{{/tax}}: {{to_pay}} {{ currency }}\n"
                     "{{! a comment }}{{#lines}}{{payee}}={{amount}};{{/lines}}{{#from}}{{name}}{{/from}}"),
            "Invoice INV-000042 no tax: 0.130000 USDC\nweather=0.130000;Acme &amp; Sons");
  EXPECT_THAT(rendered(example(), "<img src='{{qr}}'>"), HasSubstr("src='data:image/svg+xml,%3Csvg"));
}

TEST(InvoiceDocument, AWrongTemplateIsExplained) {
  EXPECT_THAT(refused("a\nb {{{number}}}"), HasSubstr("line 2 of the template: unescaped values"));
  EXPECT_THAT(refused("{{&number}}"), HasSubstr("unescaped values"));
  EXPECT_THAT(refused("{{=<% %>=}}<%&number%>"), HasSubstr("other delimiters"));
  EXPECT_THAT(refused("{{>file}}"), HasSubstr("partials"));
  EXPECT_THAT(refused("{{numbr}}"), HasSubstr("there is no \"numbr\""));
  EXPECT_THAT(refused("{{ \n}}"), HasSubstr("there is no \"\""));
  EXPECT_THAT(refused("{{number"), HasSubstr("line 1 of the template: a tag is not closed"));
  EXPECT_THAT(refused("{{#lines}}{{payee}}"), HasSubstr("no Mustache"));
  EXPECT_THAT(refused("{{/lines}}"), HasSubstr("no Mustache"));
  EXPECT_THAT(refused(""), HasSubstr("0 bytes"));
  EXPECT_THAT(refused(std::string(kTemplateBytesMax + 1, 'x')), HasSubstr("4194305 bytes"));
}

}  // namespace
}  // namespace invoice
