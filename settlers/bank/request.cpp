// What prepare() makes and what notices carry, as text that people can read.

#include <charconv>

#include "settlers/bank/engine.h"

namespace settlers::bank {
namespace {

constexpr std::string_view kRequestHead = "tabd bank payment 1\n";
constexpr std::string_view kNoticeHead = "tabd bank notice 1\n";

std::string_view text_of(const base::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

base::Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string take(Fields& fields, std::string_view key) {
  const auto found = fields.find(key);
  if (found == fields.end()) return {};
  std::string value = std::move(found->second);
  fields.erase(found);
  return value;
}

std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

tl::unexpected<base::Error> damaged(const char* what) {
  return base::error(base::ErrorCode::corruption, std::string("the request is damaged: ") + what);
}

}  // namespace

base::Bytes write_request(const Request& request, const Fields& account) {
  Fields own;
  own["payment.reference"] = request.reference;
  own["payment.cents"] = std::to_string(request.cents);
  own["payment.direction"] = request.collection ? "collection" : "payout";
  own["payment.retry"] = request.retry ? "1" : "";
  own["payment.not_before"] = request.not_before == 0 ? "" : date_text(request.not_before);
  own["payment.remittance"] = request.remittance;
  return bytes_of(std::string(kRequestHead) + write_fields(own) + write_fields(account));
}

base::Result<Request> read_request(const base::Bytes& bytes) {
  std::string_view text = text_of(bytes);
  if (!text.starts_with(kRequestHead)) return damaged("it does not begin as one");
  text.remove_prefix(kRequestHead.size());
  ASSIGN_OR_RETURN(Fields fields, parse_fields(text, "\n"));
  Request request;
  request.reference = take(fields, "payment.reference");
  const std::optional<std::uint64_t> cents = number_of(take(fields, "payment.cents"));
  if (!cents || request.reference.empty()) return damaged("no reference or amount");
  request.cents = *cents;
  request.collection = take(fields, "payment.direction") == "collection";
  request.retry = take(fields, "payment.retry") == "1";
  request.not_before = parse_date(take(fields, "payment.not_before")).value_or(0);
  request.remittance = take(fields, "payment.remittance");
  ASSIGN_OR_RETURN(request.party, read_counterparty(fields, request.collection));
  return request;
}

base::Bytes write_notice_body(const NoticeBody& body) {
  Fields fields;
  fields["kind"] = std::to_string(static_cast<unsigned>(body.kind));
  fields["reference"] = body.reference;
  fields["reason"] = body.reason.substr(0, 64);
  fields["text"] = body.text.substr(0, 200);
  fields["cents"] = std::to_string(body.cents);
  fields["fee_cents"] = std::to_string(body.fee_cents);
  fields["incoming"] = body.incoming ? "1" : "";
  fields["notified"] = body.notified ? "1" : "";
  fields["date"] = body.date ? date_text(*body.date) : "";
  fields["other.name"] = body.other_side.name;
  fields["other.account"] = body.other_side.account;
  fields["other.remittance"] = body.other_side.remittance;
  return bytes_of(std::string(kNoticeHead) + write_fields(fields));
}

std::optional<NoticeBody> read_notice_body(const base::Bytes& bytes) {
  std::string_view text = text_of(bytes);
  if (!text.starts_with(kNoticeHead)) return std::nullopt;
  text.remove_prefix(kNoticeHead.size());
  base::Result<Fields> fields = parse_fields(text, "\n");
  if (!fields) return std::nullopt;
  NoticeBody body;
  const std::uint64_t kind = number_of(take(*fields, "kind")).value_or(0);
  if (kind < 1 || kind > 5) return std::nullopt;
  body.kind = static_cast<EntryKind>(kind);
  body.reference = take(*fields, "reference");
  body.reason = take(*fields, "reason");
  body.text = take(*fields, "text");
  body.cents = number_of(take(*fields, "cents")).value_or(0);
  body.fee_cents = number_of(take(*fields, "fee_cents")).value_or(0);
  body.incoming = take(*fields, "incoming") == "1";
  body.notified = take(*fields, "notified") == "1";
  body.date = parse_date(take(*fields, "date"));
  body.other_side.name = take(*fields, "other.name");
  body.other_side.account = take(*fields, "other.account");
  body.other_side.remittance = take(*fields, "other.remittance");
  return body;
}

}  // namespace settlers::bank
