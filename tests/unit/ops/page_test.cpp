#include "ops/page.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "ops/page_files.h"
#include "ops/payment_feed.h"
#include "tests/support/channels.h"
#include "tests/unit/ledger_store/store_world.h"

namespace {

namespace core = ledger::core;
namespace json = boost::json;
using ledger::store::World;

json::object parse(const ops::HttpAnswer& answer) {
  EXPECT_EQ(answer.content_type, "application/json");
  boost::system::error_code failure;
  const json::value value = json::parse(answer.body, failure);
  EXPECT_FALSE(failure) << answer.body;
  return value.is_object() ? value.as_object() : json::object();
}

std::string header(const ops::HttpAnswer& answer, const std::string& name) {
  for (const auto& [known, value] : answer.headers)
    if (known == name) return value;
  return "";
}

// What must stay text.
const std::string kHostile = "</script><img src=x onerror=\"alert(1)\">";

// A page over a ledger with one of everything.
class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.set_up(*store_);
    world_.live(*store_);
  }

  void open() {
    page_.open({store_->reader(), world_.clock, rate_, [this] { return totals_; }, [this] { return health_; }});
    cause_ = "";
  }
  ops::HttpAnswer get(const std::string& target, const std::string& host = "127.0.0.1:9402",
                      const std::string& site = "same-origin") {
    world_.clock.advance(1);  // several answers within a moment share one look
    const std::size_t mark = std::min(target.find('?'), target.size());
    const std::string path = target.substr(0, mark);
    const std::string query = target.substr(std::min(mark + 1, target.size()));
    return page_.answer({path, query, host, site});
  }
  json::object read(const std::string& target) {
    const ops::HttpAnswer answer = get(target);
    EXPECT_EQ(answer.status, 200u) << target << ": " << answer.body;
    return parse(answer);
  }
  // The ids of all pages of a list, in the order in which they come.
  std::vector<std::uint64_t> walk(const std::string& list, const std::string& cursor) {
    std::vector<std::uint64_t> ids;
    std::string target = list + "?limit=1";
    for (int pages = 0; pages < 50; ++pages) {
      const json::object page = read(target);
      for (const json::value& item : page.at("items").as_array()) ids.push_back(item.at("id").to_number<unsigned>());
      if (page.at("next").is_null()) return ids;
      target = list + "?limit=1&" + cursor + "=" + std::string(page.at("next").as_string());
    }
    ADD_FAILURE() << list << " does not end";
    return ids;
  }

  // What the gauges make of the ledger.
  ops::LedgerTotals look() {
    ops::LedgerGauges gauges(store_->reader(), world_.clock, 10);
    ops::LedgerTotals totals;
    for (int i = 0; i < 1000 && totals.looked.us == 0; ++i) {
      totals = gauges.totals();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_NE(totals.looked.us, 0u);
    return totals;
  }

  World world_;
  std::unique_ptr<ledger::store::LedgerStore> store_ = world_.open();
  ops::ChargeRate rate_;
  ops::LedgerTotals totals_;
  ops::PageHealth health_;
  std::string cause_ = "opening the ledger: journal 5 of 10";
  ops::Page page_{{"tabd.example.net"}, [this] { return cause_; }};
};

TEST_F(PageTest, FilesComeWithTypesAndGuards) {
  const std::pair<const char*, const char*> files[] = {{"/page/", "text/html; charset=utf-8"},
                                                       {"/page/page.css", "text/css; charset=utf-8"},
                                                       {"/page/page.js", "text/javascript; charset=utf-8"},
                                                       {"/page/icon.svg", "image/svg+xml"}};
  for (const auto& [path, type] : files) {
    const ops::HttpAnswer answer = get(path);
    EXPECT_EQ(answer.status, 200u) << path;
    EXPECT_EQ(answer.content_type, type);
    EXPECT_GT(answer.body.size(), 100u) << path;
    EXPECT_EQ(header(answer, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(answer, "Content-Security-Policy").rfind("default-src 'none'; script-src 'self';", 0), 0u);
  }
  EXPECT_NE(get("/page/").body.find("</html>"), std::string::npos);
  const ops::HttpAnswer moved = get("/page");
  EXPECT_EQ(moved.status, 308u);
  EXPECT_EQ(header(moved, "Location"), "page/");
}

TEST_F(PageTest, FilesNameNoOtherPlace) {
  for (const ops::PageFile& file : ops::page_files()) {
    std::string text(file.text);
    const std::string name_space = "xmlns=\"http://www.w3.org/2000/svg\"";  // a name, never fetched
    if (const std::size_t at = text.find(name_space); at != std::string::npos) text.erase(at, name_space.size());
    for (const char* scheme : {"http://", "https://", "ws://", "@import", "url(//", "innerHTML", "insertAdjacentHTML"})
      EXPECT_EQ(text.find(scheme), std::string::npos) << file.name << ": " << scheme;
  }
}

TEST_F(PageTest, BeforeTheLedgerIsOpen) {
  const json::object live = read("/page/live");
  EXPECT_FALSE(live.at("ready").as_bool());
  EXPECT_EQ(live.at("cause").as_string(), cause_);
  const ops::HttpAnswer early = get("/page/payers");
  EXPECT_EQ(early.status, 503u);
  EXPECT_EQ(header(early, "Retry-After"), "1");
  EXPECT_EQ(get("/page/").status, 200u);
  open();
  EXPECT_TRUE(read("/page/live").at("ready").as_bool());
  cause_ = "stopping";
  EXPECT_EQ(read("/page/live").at("cause").as_string(), "stopping");
}

TEST_F(PageTest, LiveTellsPaymentsOnce) {
  open();
  const json::object live = read("/page/live");
  EXPECT_EQ(live.at("network").as_string(), support::kNetwork);
  const json::array& payments = live.at("payments").as_array();
  std::multiset<std::string> how;
  std::uint64_t charges = 0;
  for (const json::value& payment : payments) {
    how.insert(std::string(payment.at("how").as_string()));
    charges += payment.at("charges").to_number<unsigned>();
    EXPECT_TRUE(payment.at("payer").is_object());
    EXPECT_TRUE(payment.at("payee").is_object());
  }
  EXPECT_EQ(how, (std::multiset<std::string>{"hold", "single-use", "single-use", "single-use", "single-use",
                                             "single-use", "voucher", "voucher"}));
  EXPECT_EQ(charges, 10u);  // three and one under the vouchers
  EXPECT_EQ(payments.back().at("by_agent").as_bool(), true);
  EXPECT_EQ(payments.back().at("amount").as_string(), "0.001000");
  const std::string next(live.at("next").as_string());
  EXPECT_TRUE(read("/page/live?after=" + next).at("payments").as_array().empty());
  world_.submit(*store_, world_.charges(2));
  EXPECT_EQ(read("/page/live?after=" + next).at("payments").as_array().size(), 2u);
  EXPECT_TRUE(read("/page/live?after=18446744073709551615").at("payments").as_array().empty());
}

TEST_F(PageTest, FeedStopsAtTheHeadThatItIsGiven) {
  const core::LedgerHead head = *store_->reader().head();
  world_.submit(*store_, world_.charges(2));
  ops::PaymentFeed feed(store_->reader());
  ASSERT_TRUE(feed.look(head).has_value());
  EXPECT_EQ(feed.payments().size(), 8u);
  ASSERT_TRUE(feed.look(*store_->reader().head()).has_value());
  EXPECT_EQ(feed.payments().size(), 10u);
  ASSERT_TRUE(feed.look(head).has_value());
  EXPECT_EQ(feed.payments().size(), 10u);
}

TEST_F(PageTest, PaymentsAreBounded) {
  open();
  for (int i = 0; i < 3; ++i) world_.submit_trusted(*store_, world_.charges(1000, 0, false));
  EXPECT_EQ(read("/page/live").at("payments").as_array().size(), 40u);
}

TEST_F(PageTest, RateTotalsAndHealth) {
  open();
  rate_.add(world_.clock.now(), 7);
  totals_.open_windows = 3;
  health_.degraded = {"rail \"x\": <b>"};
  health_.rails.resize(1);
  health_.rails[0].breaker = "open";
  const json::object live = read("/page/live");
  EXPECT_EQ(live.at("rate").as_array().size(), 120u);
  EXPECT_EQ(live.at("rate").as_array().back().to_number<int>(), 7);
  EXPECT_EQ(live.at("totals").at("open_windows").to_number<int>(), 3);
  EXPECT_EQ(live.at("health").at("degraded").as_array().front().as_string(), "rail \"x\": <b>");
  EXPECT_EQ(live.at("health").at("rails").as_array().front().at("breaker").as_string(), "open");
}

TEST_F(PageTest, ListsPageByCursor) {
  open();
  EXPECT_EQ(walk("/page/payers", "after"), (std::vector<std::uint64_t>{1, 2, 3}));
  const core::LedgerHead head = *store_->reader().head();
  ASSERT_GE(head.statements, 2u);
  for (const auto& [list, count] :
       {std::pair{"/page/statements", head.statements}, std::pair{"/page/settlements", head.settlements}}) {
    std::vector<std::uint64_t> expected;
    for (std::uint64_t id = count; id > 0; --id) expected.push_back(id);
    EXPECT_EQ(walk(list, "before"), expected) << list;
  }
  EXPECT_TRUE(read("/page/payers?after=4294967296").at("items").as_array().empty());
  EXPECT_TRUE(read("/page/statements?before=0").at("items").as_array().empty());
}

TEST_F(PageTest, ExposureIsWhatTheBooksSay) {
  open();
  const json::object row = read("/page/payers").at("items").as_array().front().as_object();
  const core::Tally tally = *store_->reader().tally(core::PayerId(1), support::kUsdc);
  EXPECT_EQ(row.at("exposure").as_string(), tally.exposure().to_decimal_string(6));
  EXPECT_EQ(row.at("window").at("end_us").to_number<std::uint64_t>(), tally.window.end.us);
  const json::array rows = read("/page/payers").at("items").as_array();
  EXPECT_EQ(rows[2].at("standing").as_string(), "suspended_by_operator");
}

TEST_F(PageTest, StatementWithItsLines) {
  open();
  const core::Statement statement = *store_->reader().statement(core::StatementId(1));
  const json::object full = read("/page/statements/1");
  EXPECT_EQ(full.at("root").as_string(), base::to_hex(statement.root));
  EXPECT_EQ(full.at("billed").as_string(), statement.billed().to_decimal_string(6));
  EXPECT_EQ(full.at("net").as_string(), statement.net.to_decimal_string(6));
  EXPECT_EQ(full.at("tax").as_string(), statement.tax.to_decimal_string(6));
  EXPECT_EQ(full.at("invoice").as_string(), core::document_number(statement.series, statement.number));
  EXPECT_EQ(full.at("refunded").as_string(), statement.mark.refunded.to_decimal_string(6));
  ASSERT_EQ(full.at("lines").to_number<std::size_t>(), statement.lines.size());
  json::array lines;
  std::string after = "0";
  for (std::size_t i = 0; i <= statement.lines.size(); ++i) {
    const json::object page = read("/page/statements/1/lines?limit=1&after=" + after);
    for (const json::value& line : page.at("items").as_array()) lines.push_back(line);
    if (page.at("next").is_null()) break;
    after = std::string(page.at("next").as_string());
  }
  ASSERT_EQ(lines.size(), statement.lines.size());
  EXPECT_EQ(lines[0].at("amount").as_string(), statement.lines[0].amount.to_decimal_string(6));
  EXPECT_TRUE(read("/page/statements/1/lines?after=18446744073709551615").at("items").as_array().empty());
}

TEST_F(PageTest, SettlementsNameKindAndState) {
  open();
  const json::array items = read("/page/settlements").at("items").as_array();
  ASSERT_FALSE(items.empty());
  EXPECT_EQ(items.back().at("kind").as_string(), "collection");
  EXPECT_EQ(items.back().at("state").as_string(), "sending");
  EXPECT_EQ(items.back().at("statement").to_number<int>(), 1);
  EXPECT_TRUE(items.back().at("payee").is_null());
}

TEST_F(PageTest, HostileLabelsStayText) {
  open();
  World::must(*store_, core::SetPayer{world_.actors.payer(0), kHostile, {"day"}});
  const ops::HttpAnswer answer = get("/page/payers");
  EXPECT_EQ(header(answer, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(parse(answer).at("items").as_array().front().at("label").as_string(), kHostile);
}

TEST_F(PageTest, BadQueriesSayWhatIsWrong) {
  open();
  const std::pair<const char*, const char*> cases[] = {
      {"/page/live?after=", "after: not a whole number"},
      {"/page/live?after=-1", "after: not a whole number"},
      {"/page/live?after=1e3", "after: not a whole number"},
      {"/page/live?after=18446744073709551616", "after: not a whole number"},
      {"/page/live?limit=5", "\"limit\" is not a parameter; allowed here: after"},
      {"/page/payers?before=5", "\"before\" is not a parameter; allowed here: after, limit"},
      {"/page/payers?after=1&after=2", "after: given twice"},
      {"/page/payers?&", "\"\" is not a parameter"},
      {"/page/statements?limit=0", "limit: 0 is not in 1 to 100"},
      {"/page/statements?limit=101", "limit: 101 is not in 1 to 100"},
      {"/page/settlements?limit=x", "limit: not a whole number"},
      {"/page/statements/1?x=1", "takes no parameters"},
      {"/page/statements/1/lines?before=1", "\"before\" is not a parameter"}};
  for (const auto& [target, message] : cases) {
    const ops::HttpAnswer answer = get(target);
    EXPECT_EQ(answer.status, 400u) << target;
    const json::object error = parse(answer).at("error").as_object();
    EXPECT_EQ(error.at("code").as_string(), "bad_query");
    EXPECT_NE(std::string(error.at("message").as_string()).find(message), std::string::npos) << answer.body;
    EXPECT_FALSE(error.at("hint").as_string().empty());
  }
}

TEST_F(PageTest, UnknownPlacesAreNotFound) {
  open();
  for (const char* target :
       {"/pages", "/page/other", "/page/../etc/passwd", "/page/live/", "/page/payers/1", "/page/settlements/1",
        "/page/statements/0", "/page/statements/x", "/page/statements/", "/page/statements/99999",
        "/page/statements/1/other", "/page/statements/1/lines/", "/page/statements/99999/lines"})
    EXPECT_EQ(get(target).status, 404u) << target;
}

TEST_F(PageTest, OnlyItsOwnPageReadsIt) {
  open();
  for (const char* host :
       {"127.0.0.1:9402", "[::1]:9402", "localhost", "localhost:80", "10.1.2.3", "tabd.example.net:443", ""})
    EXPECT_EQ(get("/page/live", host).status, 200u) << host;
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:9402", "tabd", "a]"})
    EXPECT_EQ(get("/page/live", host).status, 421u) << host;
  for (const char* site : {"cross-site", "same-site", "something new"}) {
    EXPECT_EQ(get("/page/live", "localhost", site).status, 403u) << site;
    EXPECT_EQ(get("/page/page.js", "localhost", site).status, 403u) << site;
    EXPECT_EQ(get("/page/", "localhost", site).status, 200u) << "following a link: " << site;
  }
  EXPECT_EQ(get("/page/live", "localhost", "none").status, 200u);
  EXPECT_EQ(get("/page/live", "localhost", "").status, 200u);
}

TEST_F(PageTest, TotalsAgreeWithThePayers) {
  const ops::LedgerTotals totals = look();
  core::Amount unbilled, billed;
  const std::vector<core::Payer> payers = *store_->reader().payers(core::PayerId(), 100);
  for (const core::Payer& payer : payers) {
    const std::vector<core::Tally> tallies = *store_->reader().tallies(payer.id);
    for (const core::Tally& tally : tallies) {
      unbilled = base::add_checked(unbilled, tally.unbilled);
      billed = base::add_checked(billed, tally.billed);
    }
  }
  ASSERT_EQ(totals.assets.size(), 1u);
  EXPECT_EQ(totals.assets[0].unbilled, unbilled);
  EXPECT_EQ(totals.assets[0].billed, billed);
  EXPECT_EQ(totals.payers_suspended, 1u);
  EXPECT_GT(totals.open_windows, 0u);
  EXPECT_GT(totals.next_close, world_.clock.now());
  ASSERT_FALSE(totals.settlements.empty());
}

// ---- Payment channels

// Channel 1 is reserved and partly charged, 2 is withdrawn with a charge that is not claimed, 3 is put aside, 4 is
// withdrawn and there is nothing to lose.
class PageChannelsTest : public PageTest {
 protected:
  void SetUp() override {
    PageTest::SetUp();
    for (const std::uint64_t n : {1u, 2u, 3u}) {
      sync(n, support::escrow(5'000'000));
      const core::CommandResult reserved = World::must(*store_, support::reserve_charge(n, 1'200'000, 1'200'000));
      World::must(*store_, support::capture(n, reserved.sequence, 1'200'000));
    }
    World::must(*store_, support::reserve_charge(1, 1'500'000, 300'000));
    commitments::channel::Snapshot leaving = support::escrow(5'000'000, 200'000);
    leaving.withdrawal = 3'000'000;
    leaving.withdraw_requested_at_s = support::kNow + 100;
    sync(2, leaving);
    World::must(*store_, core::PutChannelAside{support::channel_key(3), "claim: " + kHostile});
    commitments::channel::Snapshot idle = support::escrow(7);
    idle.withdrawal = 7;
    idle.withdraw_requested_at_s = support::kNow + 1;
    sync(4, idle);
  }
  void sync(std::uint64_t n, const commitments::channel::Snapshot& snapshot) {
    World::must(*store_, support::sync_channel(n, snapshot, ++block_));
  }
  void name_token() {
    World::must(*store_,
                core::SetAsset{{core::AssetId(9), "eip155:84532/erc20:0x" + std::string(40, '5'), "TUSD", 9, 6}});
  }
  json::array channels() { return read("/page/channels").at("items").as_array(); }

  std::uint64_t block_ = 10;
};

TEST_F(PageChannelsTest, ListSaysHowEachStands) {
  open();
  const json::array rows = channels();
  ASSERT_EQ(rows.size(), 4u);
  const json::value& reserved = rows[0];
  EXPECT_EQ(reserved.at("key").as_string(), base::to_hex(support::channel_key(1)));
  EXPECT_EQ(reserved.at("state").as_string(), "reserved");
  EXPECT_EQ(reserved.at("balance").as_string(), "5000000");
  EXPECT_EQ(reserved.at("charged").as_string(), "1200000");
  EXPECT_EQ(reserved.at("unclaimed").as_string(), "1200000");
  EXPECT_TRUE(reserved.at("asset").is_null());
  EXPECT_EQ(reserved.at("reservation").at("kind").as_string(), "charge");
  EXPECT_EQ(reserved.at("reservation").at("amount").as_string(), "300000");
  EXPECT_EQ(reserved.at("payer").at("label").as_string(), "payer 1");
  EXPECT_EQ(reserved.at("receiver").at("label").as_string(), "payee 1");
  EXPECT_TRUE(reserved.at("withdrawal").is_null());
  const json::value& leaving = rows[1];
  EXPECT_EQ(leaving.at("state").as_string(), "withdrawal");
  EXPECT_EQ(leaving.at("withdrawal").at("amount").as_string(), "3000000");
  EXPECT_EQ(leaving.at("withdrawal").at("deadline_us").to_number<std::uint64_t>(),
            (support::kNow + 100 + 86'400) * 1'000'000);
  EXPECT_EQ(leaving.at("claimed").as_string(), "200000");
  EXPECT_EQ(leaving.at("unclaimed").as_string(), "1000000");
  EXPECT_GT(leaving.at("block").to_number<unsigned>(), 10u);
  EXPECT_TRUE(leaving.at("reservation").is_null());
  EXPECT_EQ(rows[2].at("state").as_string(), "put_aside");
  EXPECT_EQ(rows[2].at("put_aside").as_string(), "claim: " + kHostile);
  EXPECT_EQ(rows[2].at("payer").at("label").as_string(), "");  // not registered
  EXPECT_EQ(rows[2].at("payer").at("address").as_string(), base::to_hex(support::channel_config(3).payer));
}

TEST_F(PageChannelsTest, AmountsAreInUnitsOfTheAssetThatTheTokenIs) {
  name_token();
  open();
  const json::array rows = channels();
  EXPECT_EQ(rows[0].at("asset").to_number<int>(), 9);
  EXPECT_EQ(rows[0].at("charged").as_string(), "1.200000");
  EXPECT_EQ(rows[3].at("withdrawal").at("amount").as_string(), "0.000007");
  sync(5, support::escrow(~base::u128{0}));
  EXPECT_EQ(channels()[4].at("balance").as_string(), "340282366920938463463374607431768.211455");
}

TEST_F(PageChannelsTest, ChargesAreAmongThePayments) {
  open();
  const json::array payments = read("/page/live").at("payments").as_array();
  ASSERT_GE(payments.size(), 3u);
  std::vector<std::uint64_t> channels;
  for (const json::value& payment : payments)
    if (payment.at("how").as_string() == "channel")
      channels.push_back(payment.at("channel").to_number<std::uint64_t>());
    else
      EXPECT_TRUE(payment.at("channel").is_null());
  EXPECT_EQ(channels, (std::vector<std::uint64_t>{3, 2, 1}));  // newest first
  const json::value& known = payments[2];
  EXPECT_EQ(known.at("payer").at("label").as_string(), "payer 1");
  EXPECT_EQ(known.at("payee").at("label").as_string(), "payee 1");
  EXPECT_EQ(known.at("amount").as_string(), "1200000");
  EXPECT_TRUE(known.at("asset").is_null());
  EXPECT_EQ(known.at("charges").to_number<int>(), 1);
  const json::value& stranger = payments.front();
  EXPECT_EQ(stranger.at("payer").at("label").as_string(), "");
  EXPECT_EQ(stranger.at("payer").at("address").as_string(), base::to_hex(support::channel_config(3).payer));
  name_token();
  const json::value named = read("/page/live").at("payments").as_array().front();
  EXPECT_EQ(named.at("asset").to_number<int>(), 9);
  EXPECT_EQ(named.at("amount").as_string(), "1.200000");
}

TEST_F(PageChannelsTest, ListPagesByCursor) {
  open();
  EXPECT_EQ(walk("/page/channels", "after"), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_TRUE(read("/page/channels?after=18446744073709551615").at("items").as_array().empty());
  EXPECT_EQ(get("/page/channels?before=3").status, 400u);
  EXPECT_EQ(get("/page/channels?limit=101").status, 400u);
  EXPECT_EQ(get("/page/channels/1").status, 404u);
}

TEST_F(PageChannelsTest, TotalsSumUpWhatIsInChannels) {
  World::must(*store_, support::sync_earnings(0, 900'000, 350'000, ++block_));
  World::must(*store_, support::sync_earnings(1, 50, 50, ++block_));
  name_token();
  totals_ = look();
  open();
  const json::value totals = read("/page/live").at("totals").at("channels");
  EXPECT_EQ(totals.at("channels").to_number<int>(), 4);
  EXPECT_EQ(totals.at("put_aside").to_number<int>(), 1);
  EXPECT_EQ(totals.at("withdrawals").to_number<int>(), 2);
  EXPECT_EQ(totals.at("withdrawals_unclaimed").to_number<int>(), 1);
  // The other one's is earlier, but there is nothing to lose.
  EXPECT_EQ(totals.at("next_channel").to_number<int>(), 2);
  EXPECT_EQ(totals.at("next_deadline_us").to_number<std::uint64_t>(), (support::kNow + 100 + 86'400) * 1'000'000);
  ASSERT_EQ(totals.at("tokens").as_array().size(), 1u);
  const json::value& token = totals.at("tokens").as_array().front();
  EXPECT_EQ(token.at("asset").to_number<int>(), 9);
  EXPECT_EQ(token.at("escrow").as_string(), "14.800007");
  EXPECT_EQ(token.at("charged").as_string(), "3.600000");
  EXPECT_EQ(token.at("unclaimed").as_string(), "3.400000");
  EXPECT_EQ(token.at("claimed").as_string(), "0.200000");
  EXPECT_EQ(token.at("settled").as_string(), "0.350050");
  EXPECT_EQ(token.at("unsettled").as_string(), "0.550000");
}

TEST_F(PageChannelsTest, TotalsOfNumbersOfAnySize) {
  for (const std::uint64_t n : {5u, 6u}) sync(n, support::escrow(~base::u128{0}));
  commitments::channel::Snapshot late = support::escrow(1);
  late.withdrawal = 1;
  late.withdraw_requested_at_s = ~std::uint64_t{0};
  sync(7, late);
  totals_ = look();
  open();
  const json::value totals = read("/page/live").at("totals").at("channels");
  EXPECT_EQ(totals.at("tokens").as_array().front().at("escrow").as_string(), "340282366920938463463374607431768211455");
  EXPECT_EQ(totals.at("withdrawals").to_number<int>(), 3);
  EXPECT_EQ(channels().size(), 7u);
}

TEST_F(PageTest, WithoutChannelsThereIsNothingToShow) {
  open();
  const json::value totals = read("/page/live").at("totals").at("channels");
  EXPECT_EQ(totals.at("channels").to_number<int>(), 0);
  EXPECT_TRUE(totals.at("next_deadline_us").is_null());
  EXPECT_TRUE(totals.at("tokens").as_array().empty());
  EXPECT_TRUE(read("/page/channels").at("items").as_array().empty());
  EXPECT_TRUE(read("/page/settlements").at("items").as_array().front().at("relay").is_null());
}

TEST_F(PageTest, RelaysSayWhatTheyAre) {
  open();
  const std::pair<std::string, const char*> relays[] = {{"exact 0x01", "exact"},
                                                        {"deposit 0x02", "deposit"},
                                                        {"claim of 3 channels: 500", "claim"},
                                                        {"settle to 0x03: 4", "settle"},
                                                        {"refund 0x04", "refund"},
                                                        {"claims", "other"},
                                                        {"", "other"},
                                                        {"settle " + kHostile, "settle"}};
  std::uint64_t key = 0;
  for (const auto& [label, kind] : relays) {
    core::PlanRelay relay;
    relay.rail = *base::RailName::parse("stablecoin");
    relay.key = support::test_hash(++key);
    relay.order = {1, 2, 3};
    relay.label = label;
    World::must(*store_, relay);
    const json::value row = read("/page/settlements").at("items").as_array().front();
    EXPECT_EQ(row.at("kind").as_string(), "relay");
    EXPECT_EQ(row.at("relay").at("kind").as_string(), kind) << label;
    EXPECT_EQ(row.at("relay").at("label").as_string(), label);
  }
}

TEST(ChargeRate, ForgetsWhatIsOld) {
  ops::ChargeRate rate;
  rate.add(base::Time::from_seconds(1000), 5);
  rate.add(base::Time::from_seconds(1000), 1);
  rate.add(base::Time::from_seconds(1002), 2);
  EXPECT_EQ(rate.before(base::Time::from_seconds(1003), 4), (std::vector<std::uint64_t>{0, 6, 0, 2}));
  EXPECT_EQ(rate.before(base::Time::from_seconds(1002), 1), std::vector<std::uint64_t>{0});
  rate.add(base::Time::from_seconds(1300), 9);  // the same place in the ring as second 1000
  rate.add(base::Time::from_seconds(1000), 5);
  EXPECT_EQ(rate.before(base::Time::from_seconds(1301), 1), std::vector<std::uint64_t>{9});
  EXPECT_EQ(rate.before(base::Time::from_seconds(1301), 10'000).size(), ops::ChargeRate::kSecondsMax);
  EXPECT_EQ(rate.before(base::Time::from_seconds(1), 3), (std::vector<std::uint64_t>{0, 0, 0}));
}

}  // namespace
