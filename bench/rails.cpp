#include "bench/rails.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "bench/http_load.h"
#include "clients/cpp/tabd_client.h"
#include "settlers/bank/report.h"
#include "settlers/card/signature.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using base::Result;
using ledger::core::SettlementState;

constexpr std::uint64_t kQuickCollections = 20'000;
constexpr std::size_t kRefusedEvery = 100;  // of the payments of a file: their accounts are closed
constexpr std::uint64_t kWaitSMax = 3'000;
constexpr std::size_t kWebhookConnections = 64;
constexpr std::size_t kWebhooksPerSecondMax = 20'000;
constexpr const char* kIban = "DE89370400440532013000";
constexpr const char* kSecret = "whsec_bench";

base::Error wrong(std::string what) { return {base::ErrorCode::corruption, std::move(what)}; }

std::uint64_t bytes_below(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(directory))
    if (file.is_regular_file()) bytes += file.file_size();
  return bytes;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

Result<void> write_secret(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text << "\n";
  std::error_code failed;
  fs::permissions(path, fs::perms::owner_read, failed);
  if (failed) return base::error(base::ErrorCode::io, "cannot write " + path.string());
  return {};
}

// A port of 127.0.0.1 that is free now.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

// `day_s`: a file is written once in that time, of all that wait. No provider answers for the card rail: what comes by
// webhook is recorded all the same.
std::string configuration(const std::string& directory, std::uint16_t port, unsigned day_s) {
  return fmt::format(R"(network = "{0}"
data_dir = "{1}/data"
operator_key_file = "{1}/operator.key"
[rpc]
unix_socket = "{1}/tabd.sock"
[http]
listen = ""
[log]
level = "error"
[x402]
listen = "127.0.0.1:{2}"
server_key_file = "{1}/operator.key"
[[asset]]
id = {3}
text = "{4}"
symbol = "USD"
scale = 6
rail_scale = 2
[rails.sandbox]
enabled = true
[rails.bank]
enabled = true
spool = "{1}/spool"
poll_interval = "100ms"
demonstration_day = "{5}s"
in_flight_max = 10000000
[rails.bank.sepa]
enabled = true
name = "Bench Operator"
iban = "{6}"
creditor_id = "DE98ZZZ09999999999"
core_final_days = 800
[[rails.bank.asset]]
asset = "USD"
currency = "EUR"
[rails.card]
enabled = true
base_url = "http://127.0.0.1:9"
api_key_file = "{1}/card.key"
webhook_secret_file = "{1}/webhook.key"
events_interval = "0s"
[[rails.card.asset]]
asset = "USD"
currency = "usd"
[[plan]]
label = "bench"
asset = "USD"
credit_limit = "1"
rails = ["bank"]
)",
                     kNetwork, directory, port, kAsset.value, kAssetText, day_s, kIban);
}

struct Payment {
  std::string reference;
  std::uint64_t cents = 0;
};
struct Order {
  std::string message_id;
  std::vector<Payment> payments;
};

// Transport and bank: takes what is in out/, and answers all of it when it is told to.
class FastBank {
 public:
  explicit FastBank(fs::path spool) : spool_(std::move(spool)) {}

  void take() {
    for (const auto& entry : fs::directory_iterator(spool_ / "out")) {
      const fs::path path = entry.path();
      if (path.extension() != ".xml") continue;
      const std::string xml = read_file(path);
      fs::rename(path, spool_ / "archive" / path.filename());
      file_bytes_ += xml.size();
      Order order;
      std::size_t at = 0;
      order.message_id = next(xml, at, "<MsgId>");
      for (std::string reference = next(xml, at, "<EndToEndId>"); !reference.empty();
           reference = next(xml, at, "<EndToEndId>")) {
        std::string amount = next(xml, at, "<InstdAmt Ccy=\"EUR\">");
        amount.erase(amount.find('.'), 1);
        order.payments.push_back({std::move(reference), std::stoull(amount)});
      }
      payments_ += order.payments.size();
      orders_.push_back(std::move(order));
    }
  }

  // One pain.002 for each file, which refuses every hundredth payment.
  std::uint64_t refuse() {
    std::uint64_t refused = 0;
    for (const Order& order : orders_) {
      std::string xml = kXml + "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.11\"><CstmrPmtStsRpt>" +
                        head("STATUS-" + order.message_id) + "<OrgnlGrpInfAndSts><OrgnlMsgId>" + order.message_id +
                        "</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId><GrpSts>PART</GrpSts>"
                        "</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>" +
                        order.message_id + "</OrgnlPmtInfId>";
      for (std::size_t i = 0; i < order.payments.size(); i += kRefusedEvery, ++refused)
        xml += "<TxInfAndSts><OrgnlEndToEndId>" + order.payments[i].reference +
               "</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>\n";
      prepare("status-" + order.message_id + ".xml", xml + "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>\n");
    }
    return refused;
  }

  // One camt.053 for each file, in which each of the other payments is an entry of its own: no sums.
  std::uint64_t book() {
    std::uint64_t booked = 0;
    for (const Order& order : orders_) {
      std::string entries;
      std::uint64_t cents = 0;
      for (std::size_t i = 0; i < order.payments.size(); ++i) {
        if (i % kRefusedEvery == 0) continue;
        const Payment& payment = order.payments[i];
        entries += entry(payment, ++booked);
        cents += payment.cents;
      }
      prepare("statement-" + order.message_id + ".xml",
              kXml + "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>" +
                  head("STATEMENT-" + order.message_id) + "<Stmt><Id>" + order.message_id +
                  "</Id><CreDtTm>2026-11-20T20:00:00</CreDtTm><Acct><Id><IBAN>" + kIban + "</IBAN></Id></Acct>" +
                  balance("OPBD", 0) + balance("CLBD", cents) + entries + "</Stmt></BkToCstmrStmt></Document>\n");
    }
    return booked;
  }

  // Makes the prepared files seen.
  void deliver() {
    for (const std::string& name : prepared_) fs::rename(spool_ / "in" / (name + ".part"), spool_ / "in" / name);
    prepared_.clear();
  }

  std::uint64_t payments() const { return payments_; }
  std::uint64_t files() const { return orders_.size(); }
  std::uint64_t file_bytes() const { return file_bytes_; }
  std::uint64_t answer_bytes() const { return answer_bytes_; }
  const std::string& last_answer() const { return last_answer_; }

 private:
  static std::string next(const std::string& xml, std::size_t& at, std::string_view tag) {
    const std::size_t found = xml.find(tag, at);
    if (found == std::string::npos) return {};
    const std::size_t from = found + tag.size();
    at = xml.find('<', from);
    return xml.substr(from, at - from);
  }
  static std::string head(const std::string& id) {
    return "<GrpHdr><MsgId>" + id + "</MsgId><CreDtTm>2026-11-20T20:00:00</CreDtTm></GrpHdr>";
  }
  static std::string decimal(std::uint64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }
  static std::string balance(const char* type, std::uint64_t cents) {
    return fmt::format(
        "<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>CRDT"
        "</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>\n",
        type, decimal(cents));
  }
  static std::string entry(const Payment& payment, std::uint64_t number) {
    const std::string money = "<Amt Ccy=\"EUR\">" + decimal(payment.cents) + "</Amt><CdtDbtInd>CRDT</CdtDbtInd>";
    return fmt::format(
        "<Ntry>{0}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>B{1}"
        "</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>ESDD</SubFmlyCd></Fmly>"
        "</Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{2}</EndToEndId></Refs>{0}</TxDtls>"
        "</NtryDtls></Ntry>\n",
        money, number, payment.reference);
  }
  void prepare(const std::string& name, const std::string& bytes) {
    std::ofstream(spool_ / "in" / (name + ".part"), std::ios::binary) << bytes;
    prepared_.push_back(name);
    answer_bytes_ += bytes.size();
    last_answer_ = bytes;
  }

  static inline const std::string kXml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  const fs::path spool_;
  std::vector<Order> orders_;
  std::vector<std::string> prepared_;
  std::string last_answer_;
  std::uint64_t payments_ = 0, file_bytes_ = 0, answer_bytes_ = 0;
};

class RailsBench {
 public:
  explicit RailsBench(Context& context)
      : context_(context),
        directory_(context.options.directory + "/rails"),
        count_(context.options.quick ? std::min(kQuickCollections, context.options.collections)
                                     : context.options.collections),
        bank_(directory_ + "/spool") {}

  Result<void> run() {
    port_ = free_port();
    fs::create_directories(directory_);
    RETURN_IF_ERROR(write_secret(directory_ + "/card.key", "sk_test_bench"));
    RETURN_IF_ERROR(write_secret(directory_ + "/webhook.key", kSecret));
    RETURN_IF_ERROR(plan());
    ASSIGN_OR_RETURN(const DaemonUnderTest daemon, start());
    ASSIGN_OR_RETURN(client_, tabd::Client::connect(tabd::Endpoint::unix_socket(daemon.socket())));
    const crypto::SecretKey key = operator_key();
    ASSIGN_OR_RETURN(auto session, client_->login_operator(key));
    session_.emplace(std::move(session));
    RETURN_IF_ERROR(file(daemon));
    RETURN_IF_ERROR(post(daemon));
    read_alone();
    return webhooks(daemon);
  }

 private:
  Result<DaemonUnderTest> start() {
    return DaemonUnderTest::start(context_.options.tabd, directory_, context_.clock,
                                  configuration(directory_, port_, context_.options.quick ? 2 : 20));
  }
  double seconds_since(std::uint64_t start_ns) const {
    return static_cast<double>(context_.clock.monotonic_ns() - start_ns) / 1e9;
  }
  void add_rate(const std::string& name, std::uint64_t count, double seconds) {
    context_.report.add({name, static_cast<double>(count) / seconds, "1/s", ""});
  }

  Result<void> plan() {
    {
      ASSIGN_OR_RETURN(const DaemonUnderTest daemon, start());
      RETURN_IF_ERROR(daemon.register_everyone(0));
    }
    Report::say(fmt::format("{} payers: a charge, a statement and a collection each", count_));
    ASSIGN_OR_RETURN(
        const std::string line,
        run_self(context_.options,
                 fmt::format("fill-collections '{}' {}", DaemonUnderTest::ledger_of(directory_), count_), false));
    plan_s_ = std::stod(line);
    add_rate("collections_planned_per_s", count_, plan_s_);
    return {};
  }

  // Until all collections are in files and the bank has these.
  Result<void> file(const DaemonUnderTest& daemon) {
    const std::uint64_t start = context_.clock.monotonic_ns();
    const double cpu = cpu_seconds(daemon.pid());
    RETURN_IF_ERROR(wait("in files", [this]() -> Result<std::uint64_t> {
      bank_.take();
      return bank_.payments() < count_ ? count_ - bank_.payments() : 0;
    }));
    file_s_ = seconds_since(start);
    add_rate("collections_filed_per_s", count_, file_s_);
    context_.report.add({"collections_filed_cpu_us", per_collection(cpu_seconds(daemon.pid()) - cpu) * 1e6, "us", ""});
    context_.report.add({"collections_filed_rss_mib", resident_mib(daemon.pid()), "MiB", ""});
    Report::say(fmt::format("{} files of SEPA direct debits, {:.0f} MB", bank_.files(),
                            static_cast<double>(bank_.file_bytes()) / 1e6));
    context_.report.add({"collections_file_bytes", per_collection(static_cast<double>(bank_.file_bytes())), "B", ""});
    return {};
  }

  // Until what the bank says of them is in the books.
  Result<void> post(const DaemonUnderTest& daemon) {
    const std::uint64_t refused = bank_.refuse();
    std::uint64_t start = context_.clock.monotonic_ns();
    bank_.deliver();
    RETURN_IF_ERROR(wait("refused", [this, refused] { return not_failed(refused); }));
    const double refused_s = seconds_since(start);
    add_rate("pain002_entries_per_s", refused, refused_s);
    const std::uint64_t booked = bank_.book();
    if (refused + booked != count_ || bank_.payments() != count_)
      return tl::unexpected(wrong(fmt::format("{} of {} payments are in files", bank_.payments(), count_)));
    start = context_.clock.monotonic_ns();
    const double cpu = cpu_seconds(daemon.pid());
    bank_.deliver();
    RETURN_IF_ERROR(wait("posted", [this, booked] { return not_in_cash(booked); }));
    const double post_s = seconds_since(start);
    add_rate("camt_entries_per_s", booked, post_s);
    context_.report.add(
        {"camt_entry_cpu_us", (cpu_seconds(daemon.pid()) - cpu) * 1e6 / static_cast<double>(booked), "us", ""});
    context_.report.add({"collections_all_s", plan_s_ + file_s_ + refused_s + post_s, "s", ""});
    context_.report.add({"collections_rss_mib", resident_mib(daemon.pid()), "MiB", ""});
    const std::uint64_t now = bytes_below(DaemonUnderTest::ledger_of(directory_));
    context_.report.add({"collections_ledger_bytes", per_collection(static_cast<double>(now)), "B", ""});
    context_.report.add(
        {"collections_answer_bytes", per_collection(static_cast<double>(bank_.answer_bytes())), "B", ""});
    return check(booked);
  }

  // Every cent that the bank booked is in cash, once.
  Result<void> check(std::uint64_t booked) {
    ASSIGN_OR_RETURN(const auto balances, session_->operator_balances());
    const base::i128 cash = balances.empty() ? 0 : balances[0].cash.posted;
    const auto expected = static_cast<base::i128>(booked) * 10'000;
    if (cash != expected)
      return tl::unexpected(wrong(
          fmt::format("{} cents were booked, {} are in the books", booked, static_cast<std::int64_t>(cash / 10'000))));
    Report::say(
        fmt::format("{} cents were booked by the bank, and are in the books: none lost, none counted twice", booked));
    return {};
  }

  // How many of `wanted` collections have not failed yet.
  Result<std::uint64_t> not_failed(std::uint64_t wanted) {
    std::uint64_t failed = 0;
    rpc::Page page{0, 1000};
    do {
      ASSIGN_OR_RETURN(const auto some, session_->settlements(SettlementState::failed, page));
      failed += some.items.size();
      page.after = some.next;
    } while (page.after != 0);
    return failed < wanted ? wanted - failed : 0;
  }
  // How many of `wanted` collections are not in cash yet: one cent each.
  Result<std::uint64_t> not_in_cash(std::uint64_t wanted) {
    ASSIGN_OR_RETURN(const auto balances, session_->operator_balances());
    const std::uint64_t cash = balances.empty() ? 0 : static_cast<std::uint64_t>(balances[0].cash.posted / 10'000);
    return cash < wanted ? wanted - cash : 0;
  }

  template <typename Left>
  Result<void> wait(const char* what, Left left) {
    const std::uint64_t start = context_.clock.monotonic_ns();
    std::uint64_t reported = start;
    for (;;) {
      ASSIGN_OR_RETURN(const std::uint64_t missing, left());
      if (missing == 0) return {};
      if (context_.clock.monotonic_ns() - start > kWaitSMax * 1'000'000'000)
        return tl::unexpected(wrong(fmt::format("{} of {} are not {}", missing, count_, what)));
      if (context_.clock.monotonic_ns() - reported > 5'000'000'000) {
        Report::say(fmt::format("{}: {} of {}", what, count_ - missing, count_));
        reported = context_.clock.monotonic_ns();
      }
      tabd::Client::run_for(50'000);
    }
  }
  double per_collection(double value) const { return value / static_cast<double>(count_); }

  // What the reading of a statement alone costs, without a ledger.
  void read_alone() {
    const std::uint64_t start = context_.clock.monotonic_ns();
    std::uint64_t entries = 0;
    do {
      const auto report = settlers::bank::read_report(bank_.last_answer());
      entries += report ? report->entries.size() : 0;
    } while (entries > 0 && seconds_since(start) < 1);
    add_rate("camt_read_per_s", entries, seconds_since(start));
  }

  // Signed events about settlements of this ledger, each another one.
  Result<void> webhooks(const DaemonUnderTest& daemon) {
    HttpLoadSpec spec;
    spec.port = port_;
    spec.expect = "\"received\":true";
    spec.seconds = context_.options.quick ? 2 : 5;
    spec.warm_s = 0.5;
    spec.processes = {daemon.pid()};
    const auto wanted = static_cast<std::size_t>((spec.seconds + spec.warm_s) * kWebhooksPerSecondMax);
    spec.requests.resize(kWebhookConnections);
    for (std::size_t i = 0; i < wanted; ++i) {
      const std::string body = fmt::format(
          R"({{"id":"evt_{0}","object":"event","type":"payment_intent.succeeded","created":{1},"livemode":false,)"
          R"("api_version":"2026-10-28.endive","data":{{"object":{{"id":"pi_{0}","object":"payment_intent",)"
          R"("status":"succeeded","amount":1,"metadata":{{"tabd_ledger":"{2}","tabd_settlement":"{3}",)"
          R"("tabd_key":"k"}}}}}}}})",
          i, context_.clock.now().seconds(), kNetwork, 1 + i % count_);
      const base::ByteView view(reinterpret_cast<const std::uint8_t*>(body.data()), body.size());
      spec.requests[i % kWebhookConnections].push_back(fmt::format(
          "POST /webhooks/card HTTP/1.1\r\nHost: bench\r\nStripe-Signature: {}\r\nContent-Length: {}\r\n\r\n{}",
          settlers::card::sign(view, kSecret, context_.clock.now()), body.size(), body));
    }
    ASSIGN_OR_RETURN(const HttpLoadResult load, run_http_load(spec, context_.clock));
    add_rate("webhooks_per_s", load.requests, load.seconds);
    context_.report.add({"webhooks_p99_ms", load.p99_ms, "ms", ""});
    context_.report.add({"webhook_cpu_us", load.cpu_s[0] * 1e6 / static_cast<double>(load.requests), "us", ""});
    return {};
  }

  Context& context_;
  const std::string directory_;
  const std::uint64_t count_;
  std::uint16_t port_ = 0;
  FastBank bank_;
  std::unique_ptr<tabd::Client> client_;
  std::optional<tabd::OperatorSession> session_;
  double plan_s_ = 0, file_s_ = 0;
};

}  // namespace

Result<void> bench_rails(Context& context) { return RailsBench(context).run(); }

}  // namespace bench
