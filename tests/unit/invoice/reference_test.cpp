#include "invoice/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "invoice/qr.h"

namespace invoice {
namespace {

using ::testing::HasSubstr;

Reference example() {
  Reference reference;
  reference.network = "acme:tab";
  for (std::size_t i = 0; i < 20; ++i) reference.operator_key.bytes[i] = static_cast<std::uint8_t>(i);
  reference.statement = 17;
  reference.entry = 1042;
  for (std::size_t i = 0; i < 32; ++i) reference.root.bytes[i] = static_cast<std::uint8_t>(255 - i);
  return reference;
}

TEST(InvoiceReference, IsReadBack) {
  for (const char* base : {"", "https://acme.example/verify", "http://127.0.0.1:8080/a/b"}) {
    const base::Result<std::string> text = reference_text(example(), base);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_TRUE(text->starts_with(*base == '\0' ? "tabd:invoice?network=acme%3Atab&operator=0x0001" : base)) << *text;
    const base::Result<Reference> read = parse_reference(*text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, example());
  }
}

NoteReference example_note() {
  return {"acme:tab", example().operator_key, "CN-000007", 17, 1057, base::Amount(1'000), base::Amount(190)};
}

TEST(InvoiceReference, OfACreditNote) {
  for (const char* base : {"", "https://acme.example/verify"}) {
    const base::Result<std::string> text = reference_text(example_note(), base);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_TRUE(is_note_reference(*text));
    const base::Result<NoteReference> read = parse_note_reference(*text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, example_note());
  }
  EXPECT_FALSE(reference_text(example_note(), "acme"));
  for (const char* text : {"", "hello", "tabd:credit-note"}) EXPECT_FALSE(is_note_reference(text)) << text;
  EXPECT_FALSE(is_note_reference(reference_text(example(), "").value()));
  const std::string whole = reference_text(example_note(), "").value();
  EXPECT_TRUE(whole.starts_with("tabd:credit-note?network=acme%3Atab&operator=0x0001")) << whole;
  for (const char* name : {"network", "operator", "note", "statement", "entry", "net", "tax"}) {
    std::string text = whole;
    text.replace(text.find("&" + std::string(name) + "=") == std::string::npos
                     ? text.find(std::string(name) + "=")
                     : text.find("&" + std::string(name) + "=") + 1,
                 1, "x");
    const base::Result<NoteReference> read = parse_note_reference(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr("\"" + std::string(name) + "\""));
  }
}

TEST(InvoiceReference, AnAddressOfAPageIsExpected) {
  for (const char* base : {"ftp://acme.example", "acme.example/verify", "https://", "https:///path",
                           "javascript:alert(1)", "https://acme.example/?a=b", "https://acme.example/#x",
                           "https://acme.example/\"><b>", "https://acme.example/ x"}) {
    const base::Result<std::string> text = reference_text(example(), base);
    EXPECT_FALSE(text) << base;
  }
  EXPECT_FALSE(reference_text(example(), "https://" + std::string(600, 'a')));
}

TEST(InvoiceReference, SaysWhatIsMissing) {
  const std::string whole = reference_text(example(), "").value();
  for (const char* name : {"network", "operator", "statement", "entry", "root"}) {
    std::string text = whole;
    text.replace(text.find(std::string(name) + "="), 1, "x");
    const base::Result<Reference> read = parse_reference(text);
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error().message, HasSubstr("\"" + std::string(name) + "\""));
  }
  for (const char* text : {"", "tabd:invoice", "?", "?network=%", "?network=a%zz", "?network=%4"})
    EXPECT_FALSE(parse_reference(text)) << text;
  for (std::size_t length = 0; length < whole.size() - 1; ++length)
    EXPECT_FALSE(parse_reference(whole.substr(0, length))) << "a part of it is not taken for it";
  EXPECT_TRUE(parse_reference(whole + "&more=1")) << "later versions may say more";
}

TEST(InvoiceQr, HasLimits) {
  EXPECT_FALSE(qr_svg(""));
  EXPECT_TRUE(qr_svg(std::string(2331, 'a')));
  EXPECT_FALSE(qr_svg(std::string(2332, 'a')));
  EXPECT_EQ(qr_svg("tabd").value(), qr_svg("tabd").value());
  EXPECT_NE(qr_svg("tabd").value(), qr_svg("tabe").value());
}

}  // namespace
}  // namespace invoice
