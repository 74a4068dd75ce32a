#include "ops/page.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/json/serialize.hpp>

#include "base/check.h"
#include "ops/page_files.h"
#include "ops/page_json.h"
#include "ops/payment_feed.h"
#include "ops/version.h"

namespace ops {
namespace {

namespace core = ledger::core;
namespace json = boost::json;
using base::Result;

constexpr std::uint64_t kRowsDefault = 20;
constexpr std::uint64_t kRowsMax = 100;
constexpr std::size_t kPaymentsShown = 40;
constexpr std::size_t kRateSeconds = 120;
constexpr std::uint64_t kLookSpacingNs = 300'000'000;
constexpr std::string_view kNone = "none";

std::string number_text(std::uint64_t number) { return std::to_string(number); }

// Nothing but this page may show this page, and it can load nothing from elsewhere.
std::vector<std::pair<std::string, std::string>> page_headers() {
  return {{"Content-Security-Policy",
           "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
           "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
          {"X-Content-Type-Options", "nosniff"},
          {"X-Frame-Options", "DENY"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"}};
}

HttpAnswer json_answer(unsigned status, const json::object& body) {
  return {status, "application/json", json::serialize(body) + "\n", page_headers()};
}

HttpAnswer problem(unsigned status, std::string_view code, const std::string& message, const std::string& hint) {
  HttpAnswer answer = json_answer(
      status, {{"error",
                json::object{{"code", json::string(code.data(), code.size())}, {"message", message}, {"hint", hint}}}});
  if (status == 503) answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

HttpAnswer unknown_path() {
  return problem(404, "not_found", "There is nothing at this path.",
                 "The page is at /page/; its data are live, payers, statements, statements/ID, statements/ID/lines, "
                 "settlements and channels below it.");
}

// What the environment says about a read.
HttpAnswer failed(const base::Error& error) {
  if (error.code == base::ErrorCode::not_found)
    return problem(404, "not_found", error.message, "Ask for a number that exists.");
  return problem(503, "unavailable", error.message, "Try again; if it stays, look at the log of tabd.");
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `after=12&limit=20`: numbers only, each at most once.
struct Query {
  std::optional<std::uint64_t> cursor;
  std::uint64_t limit = kRowsDefault;
};

// `cursor` names the cursor's parameter. On a mistake the message says which.
Result<Query> parse_query(std::string_view text, std::string_view cursor, bool with_limit) {
  Query query;
  std::optional<std::uint64_t> limit;
  const std::string allowed = "allowed here: " + std::string(cursor) + (with_limit ? ", limit" : "");
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name(pair.substr(0, equals));
    if (name != cursor && !(with_limit && name == "limit"))
      return base::error(base::ErrorCode::invalid_argument, "\"" + name + "\" is not a parameter; " + allowed);
    const std::optional<std::uint64_t> value = parse_number(pair.substr(std::min(equals + 1, pair.size())));
    if (!value)
      return base::error(base::ErrorCode::invalid_argument,
                         name + ": not a whole number; allowed: decimal digits, below 2^64");
    std::optional<std::uint64_t>& target = name == cursor ? query.cursor : limit;
    if (target) return base::error(base::ErrorCode::invalid_argument, name + ": given twice");
    target = value;
  }
  query.limit = limit.value_or(kRowsDefault);
  if (query.limit < 1 || query.limit > kRowsMax)
    return base::error(base::ErrorCode::invalid_argument,
                       "limit: " + number_text(query.limit) + " is not in 1 to " + number_text(kRowsMax));
  return query;
}

json::object page_of(json::array items, std::optional<std::uint64_t> next) {
  return {{"items", std::move(items)}, {"next", next ? json::value(number_text(*next)) : json::value()}};
}

HttpAnswer answer_of(Result<json::object> result) {
  if (result) return json_answer(200, *result);
  if (result.error().code == base::ErrorCode::invalid_argument)
    return problem(400, "bad_query", result.error().message, "Follow \"next\" of the page before, or leave it out.");
  return failed(result.error());
}

// Numbers are given without gaps: the rows before `before` (or the newest), newest first, as a range of ids.
struct NewestFirst {
  std::uint64_t after = 0;
  std::uint64_t count = 0;
  std::optional<std::uint64_t> next;
};
NewestFirst newest_first(const Query& query, std::uint64_t newest) {
  NewestFirst range;
  const std::uint64_t last =
      query.cursor ? std::min(newest, *query.cursor - std::min<std::uint64_t>(*query.cursor, 1)) : newest;
  range.count = std::min(query.limit, last);
  range.after = last - range.count;
  if (range.after > 0) range.next = range.after + 1;
  return range;
}

template <typename Found, typename Show>
json::object backwards(const std::vector<Found>& found, const NewestFirst& range, const Show& show) {
  json::array items;
  for (auto one = found.rbegin(); one != found.rend(); ++one) items.push_back(show(*one));
  return page_of(std::move(items), range.next);
}

std::string_view content_type_of(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "image/svg+xml";
}

const PageFile* file_named(std::string_view name) {
  for (const PageFile& file : page_files())
    if (file.name == name) return &file;
  return nullptr;
}

}  // namespace

// What is read from the ledger.
class Page::Books {
 public:
  explicit Books(PageParts parts) : parts_(std::move(parts)), feed_(parts_.reader) {}

  Result<json::object> live(const Query& query) {
    RETURN_IF_ERROR(look());
    PageJson view(parts_.reader);
    json::array payments;
    const std::uint64_t after = query.cursor.value_or(0);
    for (auto payment = feed_.payments().rbegin(); payment != feed_.payments().rend(); ++payment) {
      if (payment->sequence.value <= after || payments.size() == kPaymentsShown) break;
      payments.push_back(view.payment(*payment));
    }
    json::object answer = shared_;
    answer["payments"] = std::move(payments);
    return answer;
  }

  Result<json::object> payers(const Query& query) const {
    // Payers are numbered from 1 by 32 bits; a higher cursor is behind all of them.
    const std::uint64_t after = query.cursor.value_or(0);
    if (after > std::numeric_limits<core::PayerId::Value>::max()) return page_of({}, std::nullopt);
    ASSIGN_OR_RETURN(const std::vector<core::Payer> found,
                     parts_.reader.payers(core::PayerId(static_cast<core::PayerId::Value>(after)), query.limit + 1));
    PageJson view(parts_.reader);
    json::array items;
    const std::size_t shown = std::min<std::size_t>(found.size(), query.limit);
    for (std::size_t i = 0; i < shown; ++i) {
      ASSIGN_OR_RETURN(json::array rows, view.exposures(found[i]));
      for (json::value& row : rows) items.push_back(std::move(row));
    }
    std::optional<std::uint64_t> next;
    if (found.size() > shown) next = found[shown - 1].id.value;
    return page_of(std::move(items), next);
  }

  Result<json::object> statements(const Query& query) const {
    ASSIGN_OR_RETURN(const core::LedgerHead head, parts_.reader.head());
    const NewestFirst range = newest_first(query, head.statements);
    ASSIGN_OR_RETURN(const std::vector<core::Statement> found,
                     parts_.reader.statements(core::StatementId(range.after), range.count));
    PageJson view(parts_.reader);
    return backwards(found, range, [&view](const core::Statement& one) { return view.statement(one); });
  }

  Result<json::object> settlements(const Query& query) const {
    ASSIGN_OR_RETURN(const core::LedgerHead head, parts_.reader.head());
    const NewestFirst range = newest_first(query, head.settlements);
    ASSIGN_OR_RETURN(const std::vector<core::Settlement> found,
                     parts_.reader.settlements(core::SettlementId(range.after), range.count));
    PageJson view(parts_.reader);
    return backwards(found, range, [&view](const core::Settlement& one) { return view.settlement(one); });
  }

  Result<json::object> channels(const Query& query) const {
    ASSIGN_OR_RETURN(const std::vector<core::Channel> found,
                     parts_.reader.channels(core::ChannelId(query.cursor.value_or(0)), query.limit + 1));
    PageJson view(parts_.reader);
    json::array items;
    const std::size_t shown = std::min<std::size_t>(found.size(), query.limit);
    for (std::size_t i = 0; i < shown; ++i) items.push_back(view.channel(found[i]));
    return page_of(std::move(items),
                   found.size() > shown ? std::optional<std::uint64_t>(found[shown - 1].id.value) : std::nullopt);
  }

  Result<json::object> statement(std::uint64_t id) const {
    ASSIGN_OR_RETURN(const core::Statement found, parts_.reader.statement(core::StatementId(id)));
    return PageJson(parts_.reader).statement_in_full(found);
  }

  Result<json::object> lines(std::uint64_t id, const Query& query) const {
    ASSIGN_OR_RETURN(const core::Statement found, parts_.reader.statement(core::StatementId(id)));
    PageJson view(parts_.reader);
    json::array items;
    const std::size_t size = found.lines.size();
    const std::size_t begin = std::min<std::size_t>(query.cursor.value_or(0), size);
    const std::size_t end = begin + std::min<std::size_t>(query.limit, size - begin);
    for (std::size_t i = begin; i < end; ++i) items.push_back(view.line(found, found.lines[i]));
    return page_of(std::move(items), end < size ? std::optional<std::uint64_t>(end) : std::nullopt);
  }

 private:
  // Several watchers share one look.
  Result<void> look() {
    const std::uint64_t now_ns = parts_.clock.monotonic_ns();
    if (!shared_.empty() && now_ns - looked_ns_ < kLookSpacingNs) return {};
    ASSIGN_OR_RETURN(const core::LedgerHead head, parts_.reader.head());
    ASSIGN_OR_RETURN(json::array assets, PageJson(parts_.reader).assets());
    RETURN_IF_ERROR(feed_.look(head));
    const base::Time now = parts_.clock.now();
    json::array rate;
    for (const std::uint64_t charges : parts_.charges.before(now, kRateSeconds)) rate.push_back(charges);
    shared_ = {{"ready", true},
               {"network", head.network},
               {"version", kVersion},
               {"now_us", now.us},
               {"head", page_json(head)},
               {"assets", std::move(assets)},
               {"totals", page_json(parts_.totals())},
               {"rate", std::move(rate)},
               {"next", number_text(head.last_sequence.value)},
               {"health", page_json(parts_.health())}};
    looked_ns_ = now_ns;
    return {};
  }

  const PageParts parts_;
  PaymentFeed feed_;
  json::object shared_;  // what every watcher gets; empty before the first look
  std::uint64_t looked_ns_ = 0;
};

Page::Page(std::vector<std::string> hosts, std::function<std::string()> not_ready)
    : hosts_(std::move(hosts)), not_ready_(std::move(not_ready)) {}
Page::~Page() = default;

void Page::open(PageParts parts) {
  CHECK(!opened_);
  books_ = std::make_unique<Books>(std::move(parts));
  opened_ = true;
}

// A site that makes its own name point to this machine (DNS rebinding) would be "same origin" for the browser; it
// cannot make the browser send another name.
bool Page::host_allowed(std::string_view host) const {
  if (const std::size_t bracket = host.rfind(']'); bracket != std::string_view::npos) return host.starts_with('[');
  host = host.substr(0, host.find(':'));
  if (host.empty()) return true;  // not a browser
  if (host == "localhost" || std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end()) return true;
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

HttpAnswer Page::answer(const HttpRequest& request) {
  if (!host_allowed(request.host))
    return problem(421, "unknown_host", "This page is not served under the name \"" + std::string(request.host) + "\".",
                   "Add the name to http.page_hosts, or use the address.");
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin" && request.fetch_site != kNone) {
    // Following a link from elsewhere is fine; reading data from elsewhere is not.
    const bool whole_page = request.path == "/page" || request.path == "/page/";
    if (!whole_page)
      return problem(403, "another_site", "Another site asked for this.", "Open the page itself: /page/.");
  }
  std::string_view path = request.path.substr(kPagePrefix.size());
  if (path.empty()) {
    HttpAnswer moved{308, "text/plain; charset=utf-8", "The page is at page/.\n", page_headers()};
    moved.headers.emplace_back("Location", "page/");  // relative, so that a proxy may serve it under another path
    return moved;
  }
  if (path.front() != '/') return unknown_path();
  path.remove_prefix(1);
  if (const PageFile* file = file_named(path.empty() ? "index.html" : path); file != nullptr)
    return {200, std::string(content_type_of(file->name)), std::string(file->text), page_headers()};
  return data(path, request.query);
}

HttpAnswer Page::live(std::string_view query) {
  const Result<Query> parsed = parse_query(query, "after", false);
  if (!parsed) return answer_of(tl::unexpected(parsed.error()));
  if (const std::string cause = not_ready_(); !cause.empty() || !opened_)
    return json_answer(200, {{"ready", false}, {"cause", cause}, {"version", kVersion}});
  return answer_of(books_->live(*parsed));
}

HttpAnswer Page::data(std::string_view path, std::string_view query) {
  if (path == "live") return live(query);
  const std::string_view list = path.substr(0, path.find('/'));
  const bool ascending = list == "payers" || list == "channels";
  if (!ascending && list != "statements" && list != "settlements") return unknown_path();
  if (!opened_) return problem(503, "not_ready", "The ledger is being opened.", "Try again; /page/live says how far.");
  if (list == path) {
    const Result<Query> parsed = parse_query(query, ascending ? "after" : "before", true);
    if (!parsed) return answer_of(tl::unexpected(parsed.error()));
    if (list == "payers") return answer_of(books_->payers(*parsed));
    if (list == "channels") return answer_of(books_->channels(*parsed));
    return answer_of(list == "statements" ? books_->statements(*parsed) : books_->settlements(*parsed));
  }
  if (list != "statements") return unknown_path();
  path.remove_prefix(list.size() + 1);
  const std::string_view number = path.substr(0, path.find('/'));
  const std::optional<std::uint64_t> id = parse_number(number);
  const std::string_view rest = path.substr(number.size());
  if (!id || *id == 0 || (rest != "" && rest != "/lines")) return unknown_path();
  if (rest.empty()) {
    if (!query.empty()) return problem(400, "bad_query", "A statement takes no parameters.", "Leave the query out.");
    return answer_of(books_->statement(*id));
  }
  const Result<Query> parsed = parse_query(query, "after", true);
  if (!parsed) return answer_of(tl::unexpected(parsed.error()));
  return answer_of(books_->lines(*id, *parsed));
}

}  // namespace ops
