#include "invoice/reference.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace invoice {

namespace {

constexpr std::size_t kBaseBytesMax = 512;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// RFC 3986, section 2.1.
std::string encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, failed] = std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
    if (failed != std::errc() || end != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

tl::unexpected<base::Error> refuse(std::string message) {
  return base::error(base::ErrorCode::invalid_argument, std::move(message));
}

// The value of `name` in "a=1&b=2".
std::optional<std::string> value_of(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return decoded(one.substr(name.size() + 1));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view query, std::string_view name) {
  const std::optional<std::string> text = value_of(query, name);
  std::uint64_t value = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failed != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

template <std::size_t N>
auto fixed_of(std::string_view query, std::string_view name) {
  return base::fixed_from_hex<N>(value_of(query, name).value_or(""));
}

std::optional<base::Amount> amount_of(std::string_view query, std::string_view name) {
  return base::Amount::parse_units(value_of(query, name).value_or(""));
}

// What stands before the question mark: `base`, or `name` if there is none.
base::Result<std::string> place(std::string_view base, std::string_view name) {
  if (base.empty()) return std::string(name);
  const std::string_view host = base.substr(std::min(base.size(), base.find("://") + 3));
  const bool web = (base.starts_with("https://") || base.starts_with("http://")) && !host.empty() && host[0] != '/';
  const bool clean = std::all_of(base.begin(), base.end(), [](char c) {
    return is_plain(c) || std::string_view(":/%@!$+,;=[]").find(c) != std::string_view::npos;
  });
  if (web && clean && base.size() <= kBaseBytesMax) return std::string(base);
  return refuse("\"" + std::string(base) +
                "\" is no address of a page: https://host/path is expected, without ? and #");
}

std::string ledger_text(const std::string& network, const base::Address& operator_key) {
  return "?network=" + encoded(network) + "&operator=" + base::to_hex(operator_key);
}

base::Result<std::string_view> query_of(std::string_view text) {
  const std::size_t mark = text.find('?');
  if (mark == std::string_view::npos)
    return refuse("there is no \"?\" in it, so it is not the text of a QR code of tabd");
  return text.substr(mark + 1);
}

base::Result<void> all_there(std::initializer_list<std::pair<const char*, bool>> members) {
  for (const auto& [name, there] : members) {
    if (!there) return refuse("\"" + std::string(name) + "\" is missing in it or cannot be read");
  }
  return {};
}

}  // namespace

base::Result<std::string> reference_text(const Reference& reference, std::string_view base) {
  ASSIGN_OR_RETURN(const std::string before, place(base, "tabd:invoice"));
  return before + ledger_text(reference.network, reference.operator_key) +
         "&statement=" + std::to_string(reference.statement) + "&entry=" + std::to_string(reference.entry) +
         "&root=" + base::to_hex(reference.root);
}

base::Result<std::string> reference_text(const NoteReference& reference, std::string_view base) {
  ASSIGN_OR_RETURN(const std::string before, place(base, "tabd:credit-note"));
  return before + ledger_text(reference.network, reference.operator_key) + "&note=" + encoded(reference.note) +
         "&statement=" + std::to_string(reference.statement) + "&entry=" + std::to_string(reference.entry) +
         "&net=" + reference.net.to_units_string() + "&tax=" + reference.tax.to_units_string();
}

base::Result<Reference> parse_reference(std::string_view text) {
  ASSIGN_OR_RETURN(const std::string_view query, query_of(text));
  const std::optional<std::string> network = value_of(query, "network");
  const std::optional<base::Address> operator_key = fixed_of<20>(query, "operator");
  const std::optional<std::uint64_t> statement = number_of(query, "statement");
  const std::optional<std::uint64_t> entry = number_of(query, "entry");
  const std::optional<base::Hash> root = fixed_of<32>(query, "root");
  RETURN_IF_ERROR(all_there({{"network", network.has_value() && !network->empty()},
                             {"operator", operator_key.has_value()},
                             {"statement", statement.has_value()},
                             {"entry", entry.has_value()},
                             {"root", root.has_value()}}));
  return Reference{*network, *operator_key, *statement, *entry, *root};
}

bool is_note_reference(std::string_view text) {
  const base::Result<std::string_view> query = query_of(text);
  return query && value_of(*query, "note").has_value();
}

base::Result<NoteReference> parse_note_reference(std::string_view text) {
  ASSIGN_OR_RETURN(const std::string_view query, query_of(text));
  const std::optional<std::string> network = value_of(query, "network");
  const std::optional<base::Address> operator_key = fixed_of<20>(query, "operator");
  const std::optional<std::string> note = value_of(query, "note");
  const std::optional<std::uint64_t> statement = number_of(query, "statement");
  const std::optional<std::uint64_t> entry = number_of(query, "entry");
  const std::optional<base::Amount> net = amount_of(query, "net");
  const std::optional<base::Amount> tax = amount_of(query, "tax");
  RETURN_IF_ERROR(all_there({{"network", network.has_value() && !network->empty()},
                             {"operator", operator_key.has_value()},
                             {"note", note.has_value() && !note->empty()},
                             {"statement", statement.has_value()},
                             {"entry", entry.has_value()},
                             {"net", net.has_value()},
                             {"tax", tax.has_value()}}));
  return NoteReference{*network, *operator_key, *note, *statement, *entry, *net, *tax};
}

}  // namespace invoice
