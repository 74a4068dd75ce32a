#include "invoice/document.h"

#include <algorithm>
#include <array>
#include <kainjow/mustache.hpp>

#include "base/text.h"
#include "invoice/qr.h"

namespace invoice {

namespace {

namespace mustache = kainjow::mustache;

constexpr std::size_t kTextBytesMax = 4096;  // of one text; labels have 128 bytes

// The places that name what a template may use.
constexpr std::array<std::pair<std::string_view, std::string Document::*>, 30> kTexts = {{
    {"title", &Document::title},
    {"number", &Document::number},
    {"statement", &Document::statement},
    {"issued", &Document::issued},
    {"due", &Document::due},
    {"period_from", &Document::period_from},
    {"period_to", &Document::period_to},
    {"currency", &Document::currency},
    {"charges_total", &Document::charges},
    {"carried_in", &Document::carried_in},
    {"carried_on", &Document::carried_on},
    {"net", &Document::net},
    {"tax", &Document::tax},
    {"tax_label", &Document::tax_label},
    {"tax_note", &Document::tax_note},
    {"total", &Document::total},
    {"credit_applied", &Document::credit_applied},
    {"credited", &Document::credited},
    {"paid", &Document::paid},
    {"to_pay", &Document::to_pay},
    {"credited_after", &Document::credited_after},
    {"refunded", &Document::refunded},
    {"state", &Document::state},
    {"payment", &Document::payment},
    {"network", &Document::network},
    {"root", &Document::root},
    {"entries", &Document::entries},
    {"closed_by", &Document::closed_by},
    {"verify_text", &Document::verify_text},
    {"verify_link", &Document::verify_link},
}};
constexpr std::array<std::pair<std::string_view, std::string CreditNote::*>, 19> kNoteTexts = {{
    {"title", &CreditNote::title},
    {"number", &CreditNote::number},
    {"statement", &CreditNote::statement},
    {"invoice", &CreditNote::invoice},
    {"reason", &CreditNote::reason},
    {"reference", &CreditNote::reference},
    {"issued", &CreditNote::issued},
    {"currency", &CreditNote::currency},
    {"net", &CreditNote::net},
    {"tax", &CreditNote::tax},
    {"tax_label", &CreditNote::tax_label},
    {"tax_note", &CreditNote::tax_note},
    {"total", &CreditNote::total},
    {"reduced_due", &CreditNote::reduced_due},
    {"credited", &CreditNote::credited},
    {"network", &CreditNote::network},
    {"entry", &CreditNote::entry},
    {"verify_text", &CreditNote::verify_text},
    {"verify_link", &CreditNote::verify_link},
}};
constexpr std::string_view kOfBoth[] = {"from", "to", "name", "address", "address_lines", "text", "tax_id", "qr"};
constexpr std::string_view kOfInvoices[] = {"lines", "payee", "charges", "resource", "quantity", "amount", "shares"};

using Names = std::vector<std::string_view>;

template <typename Texts>
Names names_of(const Texts& texts) {
  Names names(std::begin(kOfBoth), std::end(kOfBoth));
  for (const auto& one : texts) names.push_back(one.first);
  return names;
}

tl::unexpected<base::Error> refuse(std::string_view page_template, std::size_t at, const std::string& message) {
  const auto line =
      1 + std::count(page_template.begin(), page_template.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return base::error(base::ErrorCode::invalid_argument,
                     "line " + std::to_string(line) + " of the template: " + message);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

// What Mustache would let through: raw values, names that are misspelt (nothing stands there then), other files.
base::Result<void> check_tags(std::string_view page_template, const Names& names) {
  for (std::size_t at = 0; (at = page_template.find("{{", at)) != std::string_view::npos;) {
    const std::size_t end = page_template.find("}}", at);
    if (end == std::string_view::npos) return refuse(page_template, at, "a tag is not closed by }}");
    std::string_view tag = page_template.substr(at + 2, end - at - 2);
    const char kind = tag.empty() ? '\0' : tag.front();
    if (kind == '{' || kind == '&')
      return refuse(page_template, at,
                    "unescaped values ({{{name}}}, {{&name}}) are not allowed: labels and resources come from users");
    if (kind == '=' || kind == '>')
      return refuse(page_template, at, "other delimiters and partials ({{=, {{>) are not allowed");
    if (kind == '#' || kind == '^' || kind == '/') tag.remove_prefix(1);
    if (kind != '!' && std::find(names.begin(), names.end(), trimmed(tag)) == names.end())
      return refuse(page_template, at, "there is no \"" + base::without_flaws(trimmed(tag), 100) + "\"");
    at = end + 2;
  }
  return {};
}

std::string clean(const std::string& text) { return base::without_flaws(text, kTextBytesMax); }

// A text, or nothing: then a section of its name is left out.
void put(mustache::data& to, const std::string& name, const std::string& text) {
  if (text.empty())
    to.set(name, mustache::data(false));
  else
    to.set(name, mustache::data(clean(text)));
}

mustache::data party_data(const Party& party) {
  mustache::data data;
  put(data, "name", party.name);
  put(data, "address", party.address);
  put(data, "tax_id", party.tax_id);
  mustache::data lines(mustache::data::type::list);
  for (const std::string& line : party.lines) {
    mustache::data row;
    put(row, "text", line);
    lines.push_back(row);
  }
  data.set("address_lines", lines);
  return data;
}

mustache::data lines_data(const std::vector<Line>& lines) {
  mustache::data list(mustache::data::type::list);
  for (const Line& line : lines) {
    mustache::data row;
    put(row, "payee", line.payee);
    put(row, "resource", line.resource);
    put(row, "charges", line.charges);
    put(row, "quantity", line.quantity);
    put(row, "amount", line.amount);
    list.push_back(row);
  }
  return list;
}

mustache::data shares_data(const std::vector<Share>& shares) {
  mustache::data list(mustache::data::type::list);
  for (const Share& share : shares) {
    mustache::data row;
    put(row, "payee", share.payee);
    put(row, "address", share.address);
    put(row, "amount", share.amount);
    list.push_back(row);
  }
  return list;
}

// An image as a URL that holds it: pages have no other files.
std::string data_url(std::string_view svg) {
  std::string url = "data:image/svg+xml,";
  for (const char c : svg) {
    switch (c) {
      case '%': url += "%25"; break;
      case '#': url += "%23"; break;
      case '<': url += "%3C"; break;
      case '>': url += "%3E"; break;
      case '"': url += "%22"; break;
      case ' ': url += "%20"; break;
      default: url += c;
    }
  }
  return url;
}

// What both have: texts by name, the two parties, the code.
template <typename Page, typename Texts>
base::Result<mustache::data> common_data(const Page& page, const Texts& texts) {
  ASSIGN_OR_RETURN(const std::string svg, qr_svg(page.verify_text));
  mustache::data data;
  for (const auto& [name, member] : texts) put(data, std::string(name), page.*member);
  data.set("from", party_data(page.from));
  data.set("to", party_data(page.to));
  data.set("qr", mustache::data(data_url(svg)));
  return data;
}

base::Result<std::string> fill(std::string_view page_template, const Names& names, const mustache::data& data) {
  if (page_template.empty() || page_template.size() > kTemplateBytesMax)
    return base::error(base::ErrorCode::invalid_argument, "the template has " + std::to_string(page_template.size()) +
                                                              " bytes; 1 to " + std::to_string(kTemplateBytesMax) +
                                                              " are expected");
  RETURN_IF_ERROR(check_tags(page_template, names));
  mustache::mustache page{std::string(page_template)};
  if (!page.is_valid())
    return base::error(base::ErrorCode::invalid_argument, "the template is no Mustache: " + page.error_message());
  std::string html = page.render(data);
  if (!page.error_message().empty())
    return base::error(base::ErrorCode::invalid_argument, "the template is no Mustache: " + page.error_message());
  return html;
}

}  // namespace

base::Result<std::string> render(const Document& document, std::string_view page_template) {
  ASSIGN_OR_RETURN(mustache::data data, common_data(document, kTexts));
  data.set("lines", lines_data(document.lines));
  data.set("shares", shares_data(document.shares));
  Names names = names_of(kTexts);
  names.insert(names.end(), std::begin(kOfInvoices), std::end(kOfInvoices));
  return fill(page_template, names, data);
}

base::Result<std::string> render(const CreditNote& note, std::string_view page_template) {
  ASSIGN_OR_RETURN(const mustache::data data, common_data(note, kNoteTexts));
  return fill(page_template, names_of(kNoteTexts), data);
}

}  // namespace invoice
