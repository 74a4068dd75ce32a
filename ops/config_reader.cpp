#include "ops/config_reader.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>

#include "base/text.h"

namespace ops {
namespace {

constexpr std::uint64_t kSecondMs = 1000;

// The number at the front of `text`, and what follows it.
std::optional<std::pair<std::uint64_t, std::string_view>> split_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{}) return std::nullopt;
  return std::pair(number, text.substr(static_cast<std::size_t>(end - text.data())));
}

struct UnitFactor {
  std::string_view unit;
  std::uint64_t factor;
};

template <std::size_t N>
std::optional<std::uint64_t> parse_scaled(std::string_view text, const UnitFactor (&units)[N]) {
  const auto parts = split_number(text);
  if (!parts) return std::nullopt;
  for (const UnitFactor& candidate : units) {
    if (candidate.unit != parts->second) continue;
    if (parts->first > std::numeric_limits<std::uint64_t>::max() / candidate.factor) return std::nullopt;
    return parts->first * candidate.factor;
  }
  return std::nullopt;
}

constexpr UnitFactor kDurations[] = {
    {"d", 86'400 * kSecondMs}, {"h", 3'600 * kSecondMs}, {"m", 60 * kSecondMs}, {"s", kSecondMs}, {"ms", 1}};
constexpr UnitFactor kSizes[] = {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}};

std::string size_text(std::uint64_t bytes) {
  for (const UnitFactor& size : kSizes)
    if (bytes % size.factor == 0 && bytes != 0) return std::to_string(bytes / size.factor) + std::string(size.unit);
  return std::to_string(bytes) + " bytes";
}

std::string range_text(const std::string& low, const std::string& high) { return "allowed: " + low + " to " + high; }

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    default: return "a date or time";
  }
}

constexpr std::string_view kCredentialPrefix = "credential:";

}  // namespace

std::optional<std::uint64_t> parse_duration_ms(std::string_view text) { return parse_scaled(text, kDurations); }
std::optional<std::uint64_t> parse_size_bytes(std::string_view text) { return parse_scaled(text, kSizes); }

std::string duration_text(std::uint64_t ms) {
  for (const UnitFactor& duration : kDurations)
    if (ms != 0 && ms % duration.factor == 0) return std::to_string(ms / duration.factor) + std::string(duration.unit);
  return "0s";
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint result;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.front() == '[';
  if (bracketed) {
    if (host.size() < 3 || host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  }
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;
  if (host.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos) return std::nullopt;
  const auto port = split_number(text.substr(colon + 1));
  if (!port || !port->second.empty() || port->first > 65535) return std::nullopt;
  result.host = std::string(host);
  result.port = static_cast<std::uint16_t>(port->first);
  return result;
}

std::string to_string(const Endpoint& endpoint) {
  const bool brackets = endpoint.host.find(':') != std::string::npos;
  return (brackets ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

bool is_loopback(const Endpoint& endpoint) { return endpoint.host == "::1" || endpoint.host.starts_with("127."); }

void ConfigContext::add(const toml::node* at, const std::string& key, std::string message) {
  Mistake mistake{1, 1, key, std::move(message)};
  if (at != nullptr && at->source().begin) {
    mistake.line = at->source().begin.line;
    mistake.column = at->source().begin.column;
  }
  mistakes.push_back(std::move(mistake));
}

Section::Section(ConfigContext& context, const toml::table* table, std::string path)
    : context_(context), table_(table), path_(std::move(path)) {}

std::string Section::dotted(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const toml::node* Section::node(std::string_view key) {
  known_.emplace_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

void Section::mistake(std::string_view key, std::string message) {
  const toml::node* at = table_ == nullptr ? nullptr : table_->get(key);
  context_.add(at != nullptr ? at : table_, dotted(key), std::move(message));
}

const std::string* Section::string_at(std::string_view key) {
  const toml::node* found = node(key);
  if (found == nullptr) return nullptr;
  const toml::value<std::string>* value = found->as_string();
  if (value == nullptr) {
    mistake(key, "this is " + kind_of(*found) + "; allowed: a text in quotes");
    return nullptr;
  }
  if (const std::string_view flaw = base::flaw_of_text(value->get()); !flaw.empty()) {
    mistake(key, std::string(flaw) + "; allowed: text without control, direction and invisible characters");
    return nullptr;
  }
  return &value->get();
}

void Section::text(std::string_view key, std::string& value) {
  if (const std::string* found = string_at(key)) value = *found;
}

void Section::required_text(std::string_view key, std::string& value) {
  const std::size_t before = context_.mistakes.size();
  text(key, value);
  if (value.empty() && context_.mistakes.size() == before) mistake(key, "missing; this key has no default");
}

void Section::path(std::string_view key, std::string& value) {
  const std::string* found = string_at(key);
  if (found == nullptr) return;
  value = *found;
  if (value.empty() || value.front() == '/') return;
  const std::filesystem::path folder = std::filesystem::absolute(context_.file).parent_path();
  value = (folder / value).lexically_normal().string();
}

void Section::secret_file(std::string_view key, std::string& value) {
  if (const toml::node* found = table_ == nullptr ? nullptr : table_->get(key); found != nullptr) {
    const std::string name = found->value_or(std::string());
    if (name.rfind(kCredentialPrefix, 0) == 0) {
      text(key, value);
      if (name.size() == kCredentialPrefix.size() || name.find('/') != std::string::npos)
        mistake(key, "\"" + name + "\" names no credential; allowed: \"credential:NAME\", without a slash");
      return;
    }
  }
  path(key, value);
}

void Section::flag(std::string_view key, bool& value) {
  const toml::node* found = node(key);
  if (found == nullptr) return;
  if (const toml::value<bool>* flag = found->as_boolean()) {
    value = flag->get();
  } else {
    mistake(key, "this is " + kind_of(*found) + "; allowed: true, false");
  }
}

void Section::integer(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t& value) {
  const toml::node* found = node(key);
  if (found == nullptr) return;
  const std::string allowed = range_text(std::to_string(minimum), std::to_string(maximum));
  const toml::value<std::int64_t>* number = found->as_integer();
  if (number == nullptr) {
    mistake(key, "this is " + kind_of(*found) + "; " + allowed);
    return;
  }
  if (number->get() < 0 || static_cast<std::uint64_t>(number->get()) < minimum ||
      static_cast<std::uint64_t>(number->get()) > maximum) {
    mistake(key, std::to_string(number->get()) + " is out of range; " + allowed);
    return;
  }
  value = static_cast<std::uint64_t>(number->get());
}

void Section::integer(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint32_t& value) {
  std::uint64_t wide = value;
  integer(key, minimum, maximum, wide);
  value = static_cast<std::uint32_t>(wide);
}

void Section::duration_ms(std::string_view key, std::uint64_t minimum_ms, std::uint64_t maximum_ms,
                          std::uint64_t& value) {
  const std::string* found = string_at(key);
  if (found == nullptr) return;
  const std::optional<std::uint64_t> parsed = parse_duration_ms(*found);
  const std::string allowed = range_text(duration_text(minimum_ms), duration_text(maximum_ms));
  if (!parsed) {
    mistake(key,
            "\"" + *found + "\" is not a duration; allowed: a whole number with ms, s, m, h or d, such as \"15m\"");
  } else if (*parsed < minimum_ms || *parsed > maximum_ms) {
    mistake(key, "\"" + *found + "\" is out of range; " + allowed);
  } else {
    value = *parsed;
  }
}

void Section::size_bytes(std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint64_t& value) {
  const std::string* found = string_at(key);
  if (found == nullptr) return;
  const std::optional<std::uint64_t> parsed = parse_size_bytes(*found);
  if (!parsed) {
    mistake(key, "\"" + *found + "\" is not a size; allowed: a whole number with KiB, MiB or GiB, such as \"256MiB\"");
  } else if (*parsed < minimum || *parsed > maximum) {
    mistake(key, "\"" + *found + "\" is out of range; " + range_text(size_text(minimum), size_text(maximum)));
  } else {
    value = *parsed;
  }
}

void Section::file_mode(std::string_view key, std::uint32_t& value) {
  const std::string* found = string_at(key);
  if (found == nullptr) return;
  std::uint32_t mode = 0;
  const auto [end, failure] = std::from_chars(found->data(), found->data() + found->size(), mode, 8);
  if (failure != std::errc{} || end != found->data() + found->size() || mode < 0600 || mode > 0777) {
    mistake(key, "\"" + *found + "\" is not a file mode; allowed: \"0600\" to \"0777\", octal");
    return;
  }
  value = mode;
}

void Section::address(std::string_view key, base::Address& value) {
  const std::string* found = string_at(key);
  if (found == nullptr || found->empty()) return;
  if (const auto parsed = base::address_from_hex(*found)) {
    value = *parsed;
  } else {
    mistake(key, "\"" + *found + "\" is not an address; allowed: 0x and 40 hexadecimal digits");
  }
}

void Section::addresses(std::string_view key, std::vector<base::Address>& value) {
  std::vector<std::string> names;
  texts(key, names);
  for (const std::string& name : names) {
    const auto parsed = base::address_from_hex(name);
    if (!parsed) {
      mistake(key, "\"" + name + "\" is not an address; allowed: 0x and 40 hexadecimal digits");
    } else if (std::find(value.begin(), value.end(), *parsed) != value.end()) {
      mistake(key, "\"" + name + "\" is listed twice");
    } else {
      value.push_back(*parsed);
    }
  }
}

void Section::hash(std::string_view key, base::Hash& value) {
  const std::string* found = string_at(key);
  if (found == nullptr || found->empty()) return;
  if (const auto parsed = base::hash_from_hex(*found)) {
    value = *parsed;
  } else {
    mistake(key, "\"" + *found + "\" is not a hash; allowed: 0x and 64 hexadecimal digits");
  }
}

void Section::endpoint(std::string_view key, std::vector<Endpoint>& value) {
  const std::string* found = string_at(key);
  if (found == nullptr) return;
  if (found->empty()) {
    value.clear();
  } else if (const std::optional<Endpoint> parsed = parse_endpoint(*found)) {
    value = {*parsed};
  } else {
    mistake(key,
            "\"" + *found +
                "\" is not an address to listen on; allowed: \"127.0.0.1:9402\", \"[::1]:9402\", or \"\" for none");
  }
}

void Section::texts(std::string_view key, std::vector<std::string>& value) {
  const toml::node* found = node(key);
  if (found == nullptr) return;
  const toml::array* list = found->as_array();
  if (list == nullptr) {
    mistake(key, "this is " + kind_of(*found) + "; allowed: a list of texts, such as [\"a\", \"b\"]");
    return;
  }
  value.clear();
  for (const toml::node& element : *list) {
    const toml::value<std::string>* text = element.as_string();
    const std::string_view flaw = text == nullptr ? std::string_view() : base::flaw_of_text(text->get());
    if (!flaw.empty()) {
      context_.add(&element, dotted(key),
                   std::string(flaw) + "; allowed: text without control, direction and invisible characters");
    } else if (text != nullptr) {
      value.push_back(text->get());
    } else {
      context_.add(&element, dotted(key), "this element is " + kind_of(element) + "; allowed: texts in quotes");
    }
  }
}

void Section::durations_s(std::string_view key, std::vector<std::uint64_t>& value) {
  if (table_ == nullptr || table_->get(key) == nullptr) {
    known_.emplace_back(key);
    return;
  }
  std::vector<std::string> names;
  texts(key, names);
  value.clear();
  for (const std::string& name : names) {
    const std::optional<std::uint64_t> parsed = parse_duration_ms(name);
    if (!parsed || *parsed < kSecondMs || *parsed % kSecondMs != 0) {
      mistake(key, "\"" + name + "\" is not a wait; allowed: whole seconds or longer, such as \"30s\", \"1d\"");
    } else {
      value.push_back(*parsed / kSecondMs);
    }
  }
}

void Section::amount(std::string_view key, unsigned scale, base::Amount& value) {
  const toml::node* found = node(key);
  if (found == nullptr) return;
  const toml::value<std::string>* text = found->as_string();
  const std::optional<base::Amount> parsed =
      text == nullptr ? std::nullopt : base::Amount::parse_decimal(text->get(), scale);
  if (parsed) {
    value = *parsed;
    return;
  }
  mistake(key, (text == nullptr ? "this is " + kind_of(*found) : "\"" + text->get() + "\" is not an amount") +
                   (scale == 0 ? std::string("; allowed: a whole number in quotes, such as \"1250\"")
                               : "; allowed: a decimal in quotes with at most " + std::to_string(scale) +
                                     " digits after the point, such as \"12.50\""));
}

std::vector<std::string> Section::names() const {
  std::vector<std::string> result;
  if (table_ == nullptr) return result;
  for (const auto& [key, value] : *table_) result.emplace_back(key.str());
  return result;
}

Section Section::section(std::string_view key) {
  const toml::node* found = node(key);
  if (found != nullptr && !found->is_table())
    mistake(key, "this is " + kind_of(*found) + "; allowed: a table, [" + dotted(key) + "]");
  return {context_, found == nullptr ? nullptr : found->as_table(), dotted(key)};
}

std::vector<Section> Section::sections(std::string_view key) {
  std::vector<Section> result;
  const toml::node* found = node(key);
  if (found == nullptr) return result;
  const toml::array* list = found->as_array();
  if (list == nullptr || (!list->empty() && !list->is_array_of_tables())) {
    mistake(key, "this is " + kind_of(*found) + "; allowed: tables, each under [[" + dotted(key) + "]]");
    return result;
  }
  for (const toml::node& element : *list) result.emplace_back(context_, element.as_table(), dotted(key));
  return result;
}

void Section::finish() {
  if (table_ == nullptr) return;
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const auto& [key, value] : *table_) {
    if (std::binary_search(known_.begin(), known_.end(), std::string(key.str()))) continue;
    std::string allowed;
    for (const std::string& name : known_) allowed += (allowed.empty() ? "" : ", ") + name;
    Mistake mistake{key.source().begin.line, key.source().begin.column, dotted(key.str()),
                    "unknown key; allowed here: " + allowed};
    context_.mistakes.push_back(std::move(mistake));
  }
}

}  // namespace ops
