// Invoices from a running tabd, read back by programs that know nothing of us: a parser of HTML, a reader of PDF, a
// decoder of QR codes.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "tests/support/skip.h"
#include "tests/tabctl/fixture.h"

namespace system_test {
namespace {

// A label as somebody might choose it.
const std::string kHostile = "<script>alert('1')</script>\"&amp;{{root}}";

class TabctlInvoice : public TabctlTest {
 protected:
  // Empty: it is there. Programs of Debian; tools/setup.sh installs them.
  static std::string missing(const Words& programs) {
    for (const std::string& program : programs) {
      if (run({"/bin/sh", "-c", "command -v " + program}).exit_code != 0) return program;
    }
    if (run({"/usr/bin/python3", "-c", "import html5lib"}).exit_code != 0) return "python3-html5lib";
    return {};
  }
  static bool skipped(const Words& programs) {
    const std::string absent = missing(programs);
    if (absent.empty()) return false;
    EXPECT_FALSE(support::everything_required()) << absent << " is missing: run tools/setup.sh full";
    std::cerr << "\n*** INVOICES ARE NOT READ BACK: " << absent << " is missing; run tools/setup.sh full\n\n";
    return true;
  }
  std::string cells(const std::string& html) {
    const Finished read = run({"/usr/bin/python3", std::string(TABD_SOURCE) + "/tests/tabctl/read_html.py", html});
    EXPECT_EQ(read.exit_code, 0) << read.output;
    return read.output;
  }
  std::string operator_address() { return text_of(json("operator", {"status"}), "operator"); }
};

TEST_F(TabctlInvoice, OfAnOpenAndOfAPaidStatement) {
  const std::string sequence = charge("0.40");
  charge("0.25");
  const std::string statement = bill();
  const std::string file = path("invoice.html");
  const cli::Json made = json(
      "operator", {"invoice", statement, "--html", file, "--from-name", "Acme & Sons", "--from-address", "1 Main St",
                   "--from-address", "Springfield", "--to-address", "2 Side St", "--from-tax-id", "DE 1"});
  EXPECT_EQ(text_of(made, "state"), "paid");
  EXPECT_EQ(text_of(made, "html"), file);
  EXPECT_EQ(text_of(made, "pdf"), "null");
  const std::string html = read_file(file);
  for (const char* text : {"Acme &amp; Sons", "Springfield", "2 Side St", "DE 1", "Crawler", "weather", "0.650000 USD",
                           "-0.650000 USD", "0.000000 USD"})
    EXPECT_TRUE(contains(html, text)) << text;

  // Whoever may see the statement gets the same bytes.
  EXPECT_EQ(good("payer", {"invoice", statement, "--role", "payer"}), good("operator", {"invoice", statement}));
  EXPECT_EQ(good("auditor", {"invoice", statement}), good("operator", {"invoice", statement}));
  EXPECT_TRUE(contains(fails(1, "operator", {"invoice", "99"}), "There is no statement 99"));
  fails(1, "payer", {"invoice", "99", "--role", "payer"});
  EXPECT_TRUE(contains(fails(2, "operator", {"invoice"}), "Of which statement?"));

  // What the code says is what the ledger proves.
  const std::string proof = path("invoice.proof");
  const std::string entry = text_of(json("operator", {"statement", "show", statement}), "closed_by");
  const Words check = {"--network", "test:tab", "--operator", operator_address(), "--quiet", "--invoice"};
  const auto verify = [&](const std::string& of, const std::string& text) {
    Words words = {"verify-proof", of};
    words.insert(words.end(), check.begin(), check.end());
    words.push_back(text);
    return tabctl(words);
  };
  std::string code = text_of(made, "verify");
  for (const std::string& of : {entry, sequence}) {
    of == entry ? good("operator", {"prove", of, "-o", proof})
                : good("payer", {"prove", of, "-o", proof, "--role", "payer"});
    const Finished holds = verify(proof, code);
    EXPECT_EQ(holds.exit_code, 0) << holds.output;
    EXPECT_TRUE(contains(holds.output, "The invoice is of this statement.")) << holds.output;
  }
  EXPECT_EQ(verify(proof, "hello").exit_code, 2);
  const auto forged = [&](const std::string& from, const std::string& to) {
    std::string text = code;
    text.replace(text.find(from), from.size(), to);
    const Finished refused = verify(proof, text);
    EXPECT_EQ(refused.exit_code, 4) << refused.output;
    return refused.output;
  };
  EXPECT_TRUE(contains(forged("network=test", "network=best"), "of another one"));
  EXPECT_TRUE(contains(forged("statement=" + statement, "statement=" + statement + "1"), "The proof is of statement"));
  const std::string root = code.substr(code.find("root=0x"), 9);
  EXPECT_TRUE(contains(forged(root, root.back() == '0' ? "root=0x11" : "root=0x00"), "root"));
}

TEST_F(TabctlInvoice, OfACreditNote) {
  good("operator", {"payer", "tax", "Crawler", "19", "--label", "VAT 19 %"});
  charge("1");
  const std::string statement = bill();
  good("operator", {"credit-note", "Crawler", "0.60", "--statement", statement, "--reason", "it was <down>",
                    "--reference", "ticket 7"});
  good("operator", {"credit-note", "Crawler", "2", "--reason", "goodwill", "--reference", "ticket 8"});
  const std::string file = path("note.html");
  const cli::Json made = json("operator", {"invoice", "--credit-note", "1", "--html", file, "--from-name", "Acme"});
  EXPECT_EQ(text_of(made, "number"), "CN-000001");
  EXPECT_EQ(text_of(made, "invoice"), "INV-000001");
  EXPECT_EQ(text_of(made, "statement"), statement);
  const std::string html = read_file(file);
  // 0.6 of 1.19 has 0.6 * 19 / 119 tax.
  for (const char* text : {"Credit note <bdi>CN-000001", "INV-000001", "Acme", "Crawler", "it was &lt;down&gt;",
                           "ticket 7", "VAT 19 %", "0.504202 USD", "0.095798 USD", "0.600000 USD"})
    EXPECT_TRUE(contains(html, text)) << text << html;
  EXPECT_FALSE(contains(html, "Goodwill"));
  const Words plain = {"invoice", "--credit-note", "1"};
  EXPECT_EQ(good("payer", {"invoice", "--credit-note", "1", "--role", "payer"}), good("operator", plain));
  EXPECT_EQ(good("auditor", plain), good("operator", plain));
  const std::string goodwill = good("operator", {"invoice", "--credit-note", "2"});
  EXPECT_TRUE(contains(goodwill, "Goodwill credit: it corrects no invoice."));
  EXPECT_FALSE(contains(goodwill, "Corrects invoice"));
  EXPECT_TRUE(contains(fails(1, "operator", {"invoice", "--credit-note", "9"}), "There is no credit note 9"));
  fails(2, "operator", {"invoice", statement, "--credit-note", "1"});

  // What the code says is what the ledger proves, to the payer too.
  const std::string proof = path("note.proof");
  const std::string entry = text_of(json("payer", {"credit-notes", "--role", "payer"}).at("items").at(0), "noted_by");
  good("payer", {"prove", entry, "-o", proof, "--role", "payer"});
  const auto verify = [&](const std::string& text) {
    return tabctl({"verify-proof", proof, "--network", "test:tab", "--operator", operator_address(), "--quiet",
                   "--invoice", text});
  };
  const std::string code = text_of(made, "verify");
  EXPECT_TRUE(contains(code, "tabd:credit-note?network=test%3Atab&operator=" + operator_address())) << code;
  const Finished holds = verify(code);
  EXPECT_EQ(holds.exit_code, 0) << holds.output;
  EXPECT_TRUE(contains(holds.output, "The credit note is of this entry.")) << holds.output;
  for (const auto& [from, to] : {std::pair{"net=504202", "net=504203"},
                                 {"tax=95798", "tax=0"},
                                 {"note=CN-000001", "note=CN-000002"},
                                 {"statement=1", "statement=2"},
                                 {"entry=", "entry=1"},
                                 {"network=test", "network=best"}}) {
    std::string forged = code;
    forged.replace(forged.find(from), std::string(from).size(), to);
    const Finished refused = verify(forged);
    EXPECT_EQ(refused.exit_code, 4) << forged << refused.output;
  }
  EXPECT_EQ(verify(code.substr(0, code.find("&tax"))).exit_code, 2);
  fails(1, "payer", {"prove", "1", "--role", "payer"});

  const std::string own = folder_.write("own.html", "{{number}} of {{invoice}}: {{total}} {{currency}}");
  EXPECT_EQ(good("operator", {"invoice", "--credit-note", "1", "--template", own}),
            "CN-000001 of INV-000001: 0.600000 USD");
  const std::string config =
      folder_.write("tabctl.toml", "[invoice]\nname = \"Acme\"\ncredit_note_template = \"" + own + "\"\n");
  EXPECT_TRUE(contains(good("operator", {"--config", config, "invoice", "--credit-note", "1"}), "of INV-000001: 0.6"));
  const std::string built_in =
      folder_.write("built-in.html", good("operator", {"invoice", "--credit-note", "1", "--print-template"}));
  EXPECT_EQ(good("operator", {"invoice", "--credit-note", "1", "--template", built_in}), good("operator", plain));
  const std::string wrong = folder_.write("wrong.html", "{{lines}}");
  EXPECT_TRUE(contains(fails(2, "operator", {"invoice", "--credit-note", "1", "--template", wrong}), "no \"lines\""));
}

TEST_F(TabctlInvoice, ACreditNoteIsReadBackByOthers) {
  if (skipped({"weasyprint", "pdftotext", "pdftoppm", "zbarimg"})) GTEST_SKIP();
  charge("1");
  const std::string statement = bill();
  good("operator",
       {"credit-note", "Crawler", "0.60", "--statement", statement, "--reason", kHostile, "--reference", kHostile});
  const std::string html = path("i.html");
  const std::string pdf = path("i.pdf");
  const cli::Json made = json("operator", {"invoice", "--credit-note", "1", "--html", html, "--pdf", pdf});
  EXPECT_TRUE(contains(cells(html), "Total credited | 0.600000 USD")) << cells(html);
  const Finished text = run({"pdftotext", "-layout", pdf, "-"});
  EXPECT_EQ(text.exit_code, 0) << text.output;
  for (const char* part : {"Credit note CN-000001", "INV-000001", "0.600000 USD", "alert('1')"})
    EXPECT_TRUE(contains(text.output, part)) << part << "\n" << text.output;
  EXPECT_EQ(run({"pdftoppm", "-r", "200", "-png", pdf, path("page")}).exit_code, 0);
  const Finished decoded = run({"/bin/sh", "-c", "zbarimg --quiet --raw " + path("page") + "-*.png 2>/dev/null"});
  EXPECT_EQ(decoded.output, text_of(made, "verify") + "\n");
}

TEST_F(TabctlInvoice, IsReadBackByOthers) {
  if (skipped({"weasyprint", "pdftotext", "pdftoppm", "zbarimg"})) GTEST_SKIP();
  charge("0.40");
  good("operator", {"payer", "add", address("payer"), "--label", kHostile, "--plan", "daily"});
  good("operator", {"payee", "add", address("payee"), "--label", kHostile, "--fee", "2.5%", "--rail", "sandbox"});
  good("operator", {"close", address("payer")});
  const std::string html = path("i.html");
  const std::string pdf = path("i.pdf");
  const cli::Json made = json(
      "operator", {"invoice", "1", "--html", html, "--pdf", pdf, "--from-name", kHostile, "--to-address", kHostile});
  EXPECT_TRUE(contains(cells(html), kHostile + " | any | 1 | 1 | 0.400000")) << cells(html);
  const Finished text = run({"pdftotext", "-layout", pdf, "-"});
  EXPECT_EQ(text.exit_code, 0) << text.output;
  for (const std::string& part :
       {"Invoice " + text_of(made, "number"), std::string("0.400000 USD"), std::string("Quantity"),
        std::string("alert('1')"), text_of(made, "root").substr(0, 20)})
    EXPECT_TRUE(contains(text.output, part)) << part << "\n" << text.output;
  EXPECT_EQ(run({"pdftoppm", "-r", "200", "-png", pdf, path("page")}).exit_code, 0);
  const Finished decoded = run({"/bin/sh", "-c", "zbarimg --quiet --raw " + path("page") + "-*.png 2>/dev/null"});
  EXPECT_EQ(decoded.output, text_of(made, "verify") + "\n");
  EXPECT_TRUE(contains(decoded.output, "tabd:invoice?network=test%3Atab&operator=" + operator_address()));
}

TEST_F(TabctlInvoice, ConfiguredOnce) {
  charge("0.40");
  const std::string statement = bill();
  const std::string config = folder_.write("tabctl.toml",
                                           "[invoice]\nname = \"Acme\"\naddress = [\"1 Main St\", \"Springfield\"]\n"
                                           "tax_id = \"DE 1\"\nverify_url = \"https://acme.example/verify\"\n");
  const std::string html = good("operator", {"--config", config, "invoice", statement});
  for (const char* text : {"Acme", "1 Main St", "Springfield", "DE 1", "href=\"https://acme.example/verify?network="})
    EXPECT_TRUE(contains(html, text)) << text;
  EXPECT_TRUE(contains(good("operator", {"--config", config, "invoice", statement, "--from-name", "Other"}), "Other"));
  const std::string wrong = folder_.write("wrong.toml", "[invoice]\nnames = \"Acme\"\n");
  EXPECT_TRUE(contains(fails(2, "operator", {"--config", wrong, "invoice", statement}), "invoice.names"));
  EXPECT_TRUE(contains(fails(2, "operator", {"invoice", statement, "--verify-url", "acme"}), "--verify-url"));
  EXPECT_TRUE(contains(fails(2, "operator", {"invoice", statement, "--from-name", "a\x01"}), "cannot stand on"));
}

TEST_F(TabctlInvoice, ATemplateOfOnesOwn) {
  charge("0.40");
  const std::string statement = bill();
  const std::string own = folder_.write("own.html", "{{number}}: {{total}} {{currency}}");
  const std::string number = text_of(json("operator", {"invoice", statement}), "number");
  EXPECT_NE(number, "");
  EXPECT_EQ(good("operator", {"invoice", statement, "--template", own}), number + ": 0.400000 USD");
  const std::string wrong = folder_.write("wrong.html", "<p>\n{{{number}}}");
  EXPECT_TRUE(contains(fails(2, "operator", {"invoice", statement, "--template", wrong}), "line 2 of the template"));
  EXPECT_TRUE(contains(fails(3, "operator", {"invoice", statement, "--template", path("none")}), "cannot open"));
  const std::string built_in = folder_.write("built-in.html", good("operator", {"invoice", "--print-template"}));
  EXPECT_EQ(good("operator", {"invoice", statement, "--template", built_in}), good("operator", {"invoice", statement}));
}

TEST_F(TabctlInvoice, TheRendererHasNoNetwork) {
  if (skipped({"weasyprint"})) GTEST_SKIP();
  charge("0.40");
  const std::string statement = bill();
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), length), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length), 0);
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/spy.png";
  const std::string spying =
      folder_.write("spying.html", "<img src=\"" + url + "\"><link rel=stylesheet href=\"" + url +
                                       "\"><p style=\"background:url(" + url + ")\">{{number}}");
  good("operator", {"invoice", statement, "--template", spying, "--pdf", path("i.pdf")});
  EXPECT_LT(::accept(listener, nullptr, nullptr), 0) << "somebody came";
  ::close(listener);
}

TEST_F(TabctlInvoice, WithoutARendererItSaysSo) {
  charge("0.40");
  const std::string statement = bill();
  const Finished absent =
      tabctl({"--socket", tabd_->socket(), "--key", key("operator"), "invoice", statement, "--pdf", path("i.pdf")},
             {{"PATH", folder_.path()}});
  EXPECT_EQ(absent.exit_code, 3);
  EXPECT_TRUE(contains(absent.output, "apt install weasyprint")) << absent.output;
  EXPECT_TRUE(contains(fails(3, "operator", {"invoice", statement, "--pdf", path("no/i.pdf")}), "cannot create"));
  EXPECT_TRUE(contains(fails(3, "operator", {"invoice", statement, "--html", path("no/i.html")}), "cannot create"));
}

// As many lines as a window can have: the table goes over several pages, with its head on each.
TEST_F(TabctlInvoice, LongOnesHavePages) {
  if (skipped({"weasyprint", "pdftotext"})) GTEST_SKIP();
  std::string items;
  for (int i = 1; i <= 256; ++i)
    items += signed_charge("0.01", {"--resource", "https://api.example/" + std::to_string(i)});
  good("server", {"submit", "-"}, items);
  const std::string statement = bill();
  std::string urls;
  for (int i = 1; i <= 256; ++i) urls += "https://api.example/" + std::to_string(i) + "\n";
  const std::string html = path("i.html");
  good("operator",
       {"invoice", statement, "--html", html, "--pdf", path("i.pdf"), "--resources", folder_.write("urls", urls)});
  const std::string read = cells(html);
  for (int i = 1; i <= 256; ++i)
    EXPECT_TRUE(contains(read, "weather | https://api.example/" + std::to_string(i) + " | 1 | 1 | 0.010000")) << i;
  const Finished text = run({"pdftotext", "-layout", path("i.pdf"), "-"});
  std::size_t heads = 0;
  for (std::size_t at = 0; (at = text.output.find("Quantity", at)) != std::string::npos; ++at) ++heads;
  EXPECT_GE(heads, 4u) << "on each page of the table";
  EXPECT_TRUE(contains(text.output, "2.560000 USD"));
}

}  // namespace
}  // namespace system_test
