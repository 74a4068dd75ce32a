#include "cli/items.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/limits.h"
#include "cli/members.h"
#include "cli/text.h"

namespace cli {
namespace {

namespace tab = commitments::tab;
using tab::ItemKind;

constexpr std::array<std::string_view, 5> kKinds = {"charge", "hold", "capture", "release", "voucher"};
// A voucher item with the most charges that are allowed stays below this.
constexpr std::size_t kLineBytesMax = 1u << 20;

Result<base::Address> address_of(Members& in, std::string_view name, std::string_view why) {
  CLI_TRY(const std::string text, in.required(name, why));
  return parse_address(in.at(name), text);
}

Result<base::Amount> money_of(Members& in, std::string_view name, const ledger::core::Asset& asset,
                              std::string_view why) {
  CLI_TRY(const std::string text, in.required(name, why));
  return parse_money(in.at(name), text, asset.scale);
}

Result<std::uint64_t> when_of(Members& in, std::string_view name, base::Time now, std::uint64_t missing) {
  CLI_TRY(const std::optional<std::string> text, in.text(name));
  if (!text) return missing;
  return located(in.at(name), parse_when(*text, now));
}

Result<tab::Usage> usage_of(Members& in, const ledger::core::Asset& asset, const base::Hash& resource) {
  tab::Usage usage;
  CLI_TRY(usage.amount, money_of(in, "amount", asset, "what is charged, such as \"0.01\""));
  CLI_TRY(const std::optional<std::string> quantity, in.text("quantity"));
  usage.quantity = 1;
  if (quantity) {
    CLI_TRY(usage.quantity, parse_number(in.at("quantity"), *quantity));
  }
  CLI_TRY(const std::optional<std::string> unit, in.text("unit"));
  const std::optional<base::Unit> parsed = base::Unit::parse(unit.value_or("request"));
  if (!parsed)
    return usage_failure(fmt::format("{}: \"{}\" is longer than 8 characters or has a space.", in.at("unit"), *unit));
  usage.unit = *parsed;
  CLI_TRY(const std::optional<std::string> delivered, in.text("delivered"));
  usage.resource = resource;
  if (delivered) {
    CLI_TRY(usage.resource, located(in.at("delivered"), parse_resource(*delivered)));
  }
  return usage;
}

Outcome read_signature(Members& in, ParsedItem& out) {
  CLI_TRY(const std::optional<std::string> signer, in.text("signer"));
  if (signer) {
    CLI_TRY(out.item.signer, parse_address(in.at("signer"), *signer));
  }
  CLI_TRY(const std::optional<std::string> text, in.text("signature"));
  if (!text) return {};
  const std::optional<base::Bytes> bytes = base::from_hex(*text);
  if (!bytes) return usage_failure(fmt::format("{}: this is not hexadecimal.", in.at("signature")));
  // Another length goes to the ledger as it is, which answers with its own status.
  out.item.signature_length_ok = bytes->size() == base::Signature::kSize;
  if (out.item.signature_length_ok) out.item.signature = *base::fixed_from_bytes<base::Signature>(*bytes);
  out.is_signed = true;
  return {};
}

Outcome read_single(Members& in, const ledger::core::Asset& asset, base::Time now, tab::SingleUse& out) {
  out.asset = asset.id;
  CLI_TRY(out.payee, address_of(in, "payee", "who is paid, an address"));
  CLI_TRY(out.maximum, money_of(in, "maximum", asset, "the most that may be charged, such as \"0.05\""));
  CLI_TRY(const std::optional<std::string> resource, in.text("resource"));
  if (resource) {
    CLI_TRY(out.resource, located(in.at("resource"), parse_resource(*resource)));
  }
  CLI_TRY(out.valid_after, when_of(in, "valid_after", now, 0));
  if (!in.has("valid_before"))
    return usage_failure(
        fmt::format("{}: valid_before is missing: when the promise ends, such as \"+1h\".", in.where()));
  CLI_TRY(out.valid_before, when_of(in, "valid_before", now, 0));
  return {};
}

Outcome read_voucher(Members& in, const ledger::core::Asset& asset, base::Time now, tab::Item& item) {
  tab::Voucher& out = item.voucher;
  out.asset = asset.id;
  CLI_TRY(out.payee, address_of(in, "payee", "who is paid, an address"));
  CLI_TRY(const std::optional<std::string> salt, in.text("salt"));
  if (salt) {
    CLI_TRY(out.salt, parse_hash(in.at("salt"), *salt));
  }
  CLI_TRY(out.maximum, money_of(in, "maximum", asset, "the most that the tab may be charged in all"));
  CLI_TRY(out.valid_before, when_of(in, "valid_before", now, 0));
  CLI_TRY(const std::optional<std::string> first, in.text("first_index"));
  if (first) {
    CLI_TRY(item.first_index, parse_number(in.at("first_index"), *first));
  }
  return {};
}

Outcome read_usages(Members& in, const ledger::core::Asset& asset, tab::Item& item) {
  const JsonArray* usages = in.array("usages");
  if (usages == nullptr || usages->empty() || usages->size() > base::limits::kChargesPerVoucherMax) {
    return usage_failure(fmt::format("{}: usages must be a list of 1 to {} charges, each {{\"amount\": \"0.01\"}}.",
                                     in.where(), base::limits::kChargesPerVoucherMax));
  }
  for (std::size_t i = 0; i < usages->size(); ++i) {
    const JsonObject* object = (*usages)[i].if_object();
    if (object == nullptr) return usage_failure(fmt::format("{}: usage {} is not an object.", in.where(), i));
    Members usage(*object, fmt::format("{}, usage {}", in.where(), i));
    CLI_TRY(item.usages.emplace_back(), usage_of(usage, asset, base::Hash{}));
    CLI_CHECK(usage.finish());
  }
  return {};
}

Outcome read_fields(Members& in, const ledger::core::Asset& asset, base::Time now, ParsedItem& out) {
  tab::Item& item = out.item;
  CLI_TRY(const base::Address payer, address_of(in, "payer", "who promises to pay, an address"));
  item.single.payer = payer;
  item.voucher.payer = payer;
  if (item.kind == ItemKind::voucher) {
    CLI_CHECK(read_voucher(in, asset, now, item));
    CLI_CHECK(read_signature(in, out));
    return read_usages(in, asset, item);
  }
  CLI_TRY(
      const std::string nonce,
      in.required("nonce", "a number of your own for this promise, so that sending it again is not a second charge"));
  CLI_TRY(item.single.nonce, located(in.where(), parse_nonce(nonce)));
  if (item.kind == ItemKind::charge || item.kind == ItemKind::hold) {
    CLI_CHECK(read_single(in, asset, now, item.single));
    CLI_CHECK(read_signature(in, out));
  } else {
    item.single.asset = asset.id;  // not sent: it says in what the amount is written
    out.is_signed = true;
  }
  if (item.kind == ItemKind::charge || item.kind == ItemKind::capture) {
    CLI_TRY(item.usages.emplace_back(), usage_of(in, asset, item.single.resource));
  }
  return {};
}

void add_usage(JsonObject& out, const tab::Usage& usage, const ledger::core::Asset& asset, const base::Hash& resource) {
  out["amount"] = usage.amount.to_decimal_string(asset.scale);
  out["quantity"] = usage.quantity;
  out["unit"] = text_json(usage.unit.view());
  if (usage.resource != resource) out["delivered"] = base::to_hex(usage.resource);
}

}  // namespace

std::string_view kind_name(ItemKind kind) noexcept {
  const auto index = static_cast<std::size_t>(kind);
  return index >= 1 && index <= kKinds.size() ? kKinds[index - 1] : std::string_view("unknown");
}

Result<ParsedItem> item_from_json(const Json& value, const AssetBook& assets, base::Time now, std::string_view where) {
  const JsonObject* object = value.if_object();
  if (object == nullptr) return usage_failure(fmt::format("{}: an item is an object in braces.", where));
  Members in(*object, where);
  CLI_TRY(const std::string kind, in.required("kind", "charge, hold, capture, release or voucher"));
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end())
    return usage_failure(fmt::format("{}: there is no kind \"{}\".", where, kind),
                         "Kinds are charge, hold, capture, release and voucher.");
  ParsedItem out;
  out.item.kind = static_cast<ItemKind>(found - kKinds.begin() + 1);
  CLI_TRY(const std::optional<std::string> asset_name, in.text("asset"));
  CLI_TRY(const ledger::core::Asset asset, located(where, assets.find_or_only(asset_name.value_or(""))));
  CLI_CHECK(read_fields(in, asset, now, out));
  CLI_CHECK(in.finish());
  return out;
}

Json item_to_json(const tab::Item& item, const AssetBook& assets) {
  JsonObject out;
  const bool voucher = item.kind == ItemKind::voucher;
  const ledger::core::Asset asset = assets.get(voucher ? item.voucher.asset : item.single.asset);
  out["kind"] = text_json(kind_name(item.kind));
  out["payer"] = base::to_hex(item.payer());
  out["asset"] = asset.symbol;
  if (voucher) {
    out["payee"] = base::to_hex(item.voucher.payee);
    out["salt"] = base::to_hex(item.voucher.salt);
    out["maximum"] = item.voucher.maximum.to_decimal_string(asset.scale);
    out["valid_before"] = item.voucher.valid_before;
    out["first_index"] = item.first_index;
  } else {
    out["nonce"] = nonce_text(item.single.nonce);
  }
  const bool commitment = item.kind == ItemKind::charge || item.kind == ItemKind::hold;
  if (commitment) {
    out["payee"] = base::to_hex(item.single.payee);
    out["maximum"] = item.single.maximum.to_decimal_string(asset.scale);
    if (!item.single.resource.is_zero()) out["resource"] = base::to_hex(item.single.resource);
    out["valid_after"] = item.single.valid_after;
    out["valid_before"] = item.single.valid_before;
  }
  if (commitment || voucher) {
    if (!item.signer.is_zero()) out["signer"] = base::to_hex(item.signer);
    if (!item.signature.is_zero()) out["signature"] = base::to_hex(item.signature);
  }
  if (voucher) {
    JsonArray usages;
    for (const tab::Usage& usage : item.usages) {
      JsonObject one;
      add_usage(one, usage, asset, base::Hash{});
      usages.emplace_back(std::move(one));
    }
    out["usages"] = std::move(usages);
  } else if (!item.usages.empty()) {
    add_usage(out, item.usages.front(), asset, item.single.resource);
  }
  return out;
}

Result<std::unique_ptr<ItemReader>> ItemReader::open(const std::string& path) {
  if (path == "-") return std::unique_ptr<ItemReader>(new ItemReader(stdin, "standard input"));
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return tl::unexpected<Failure>(Failure{
        ExitCode::unreachable, fmt::format("cannot open {}: {}.", path, std::strerror(errno)), "", base::Status::ok});
  }
  return std::unique_ptr<ItemReader>(new ItemReader(file, path));
}

ItemReader::~ItemReader() {
  if (file_ != stdin) std::fclose(file_);
}

Result<bool> ItemReader::read_line(std::string& line) {
  line.clear();
  for (int c = std::getc(file_); c != EOF; c = std::getc(file_)) {
    if (c == '\n') {
      ++line_;
      return true;
    }
    line.push_back(static_cast<char>(c));
    if (!array_read_ && line.size() > kLineBytesMax && line.front() != '[') {
      return usage_failure(fmt::format("{}, line {}: longer than {}.", name_, line_ + 1, bytes_text(kLineBytesMax)),
                           "Write one item on each line, or one JSON array.");
    }
  }
  if (std::ferror(file_) != 0) {
    return tl::unexpected<Failure>(
        Failure{ExitCode::unreachable, fmt::format("cannot read {}.", name_), "", base::Status::ok});
  }
  if (line.empty()) return false;
  ++line_;
  return true;
}

Outcome ItemReader::read_array(std::string text) {
  array_read_ = true;
  std::string line;
  for (;;) {
    CLI_TRY(const bool more, read_line(line));
    if (!more) break;
    text += '\n' + line;
  }
  CLI_TRY(Json value, parse_json(text, name_));
  array_ = std::move(value.as_array());
  return {};
}

Result<std::optional<ItemReader::Next>> ItemReader::next() {
  std::string line;
  while (!array_read_) {
    CLI_TRY(const bool more, read_line(line));
    if (!more) return std::optional<Next>();
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string::npos) continue;
    if (line[start] == '[') {
      CLI_CHECK(read_array(line.substr(start)));
      break;
    }
    const std::string where = fmt::format("{}, line {}", name_, line_);
    CLI_TRY(Json value, parse_json(line, where));
    return std::optional<Next>(Next{std::move(value), where});
  }
  if (array_next_ == array_.size()) return std::optional<Next>();
  const std::size_t index = array_next_++;
  return std::optional<Next>(Next{std::move(array_[index]), fmt::format("{}, item {}", name_, index + 1)});
}

Result<std::string> read_whole_file(const std::string& path) {
  constexpr std::size_t kFileBytesMax = 16u << 20;
  const auto failure = [&](std::string message) {
    return tl::unexpected<Failure>(Failure{ExitCode::unreachable, std::move(message), "", base::Status::ok});
  };
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "re");
  if (file == nullptr) return failure(fmt::format("cannot open {}: {}.", path, std::strerror(errno)));
  std::string text;
  std::array<char, 65536> buffer{};
  for (std::size_t got = 1; got > 0 && text.size() <= kFileBytesMax;) {
    got = std::fread(buffer.data(), 1, buffer.size(), file);
    text.append(buffer.data(), got);
  }
  const bool broken = std::ferror(file) != 0;
  if (file != stdin) std::fclose(file);
  if (broken) return failure(fmt::format("cannot read {}.", path));
  if (text.size() > kFileBytesMax)
    return usage_failure(fmt::format("{} is longer than {}.", path, bytes_text(kFileBytesMax)));
  return text;
}

}  // namespace cli
