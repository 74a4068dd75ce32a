// What the chain has on record: the tokens' Transfer events from and to the operator's account.

#include <algorithm>
#include <charconv>

#include "evm/eip3009.h"
#include "settlers/stablecoin/settler_impl.h"

namespace settlers::stablecoin {

namespace json = boost::json;

namespace {

// What public nodes give logs of at a time.
constexpr std::uint64_t kBlocksAtATime = 5'000;

// Empty if it does not fit, or has more digits than the ledger keeps.
std::optional<Amount> ledger_amount(base::u128 value, unsigned decimals, unsigned scale) {
  base::u128 factor = 1;
  for (unsigned i = std::min(scale, decimals); i < std::max(scale, decimals); ++i) factor *= 10;
  if (decimals > scale && value % factor != 0) return std::nullopt;
  const std::optional<Amount> amount = Amount::from_units(decimals > scale ? value / factor : value);
  return amount && scale > decimals ? amount->multiply_divide(factor, 1, base::Rounding::down) : amount;
}

base::Hash topic_of(const base::Address& address) {
  base::Hash word;
  std::copy(address.bytes.begin(), address.bytes.end(), word.bytes.end() - 20);
  return word;
}

tl::unexpected<base::Error> unread(const std::string& what) {
  return base::error(base::ErrorCode::unavailable, "the node does not tell: " + what);
}

}  // namespace

// Cursor: "FIRST LAST", the blocks that are left.
struct StablecoinSettler::Listing {
  MovementQuery query;
  Done<base::Result<MovementPage>> done;
  std::uint64_t low = 0, high = 0;  // the first block of the time is in [low, high]
  std::uint64_t last = 0;           // the newest block
  std::uint64_t upto = 0;           // of this page
  std::vector<RailMovement> found;
  std::vector<std::uint64_t> blocks;  // of each of `found`
};

void StablecoinSettler::movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) {
  auto work = std::make_shared<Listing>();
  work->query = query;
  work->done = std::move(done);
  if (!query.after.empty()) {
    const std::size_t space = query.after.find(' ');
    const char* text = query.after.data();
    std::from_chars(text, text + space, work->low);
    std::from_chars(text + space + 1, text + query.after.size(), work->last);
    return list_logs(work);
  }
  client_->call("eth_getBlockByNumber", {"latest", false}, [this, work](const RpcResult& result) {
    const auto head = result ? parse_block(*result) : std::nullopt;
    if (!head) return work->done(unread("its newest block"));
    work->last = work->high = head->number;
    find_first_block(work);
  });
}

// Halves what is left until the first block that is not before the time is known.
void StablecoinSettler::find_first_block(const std::shared_ptr<Listing>& work) {
  if (work->low >= work->high) return list_logs(work);
  const std::uint64_t middle = work->low + (work->high - work->low) / 2;
  client_->call("eth_getBlockByNumber", {to_quantity(middle), false}, [this, work, middle](const RpcResult& result) {
    const auto block = result ? parse_block(*result) : std::nullopt;
    if (!block) return work->done(unread("block " + std::to_string(middle)));
    if (block->timestamp_s < work->query.from.seconds())
      work->low = middle + 1;
    else
      work->high = middle;
    find_first_block(work);
  });
}

void StablecoinSettler::list_logs(const std::shared_ptr<Listing>& work) {
  work->upto = std::min(work->last, work->low + kBlocksAtATime - 1);
  json::array tokens;
  for (const Token& token : options_.tokens) tokens.emplace_back(base::to_hex(token.address));
  const std::string account = base::to_hex(topic_of(account_)), topic = base::to_hex(evm::transfer_topic());
  std::vector<RpcCall> calls;
  for (const bool incoming : {true, false}) {
    json::object filter;
    filter["address"] = tokens;
    filter["topics"] = incoming ? json::array{topic, nullptr, account} : json::array{topic, account};
    filter["fromBlock"] = to_quantity(work->low);
    filter["toBlock"] = to_quantity(work->upto);
    calls.push_back({"eth_getLogs", {std::move(filter)}});
  }
  client_->batch(std::move(calls), [this, work](const std::vector<RpcResult>& results) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i] || !results[i]->is_array())
        return work->done(unread("logs, " + (results[i] ? std::string("no list") : results[i].error().message)));
      for (const json::value& log : results[i]->as_array()) {
        const auto text = [&log](const char* name) {
          const json::value* value = member(log, name);
          return value == nullptr ? json::value() : *value;
        };
        const auto transaction = data_fixed<base::Hash>(text("transactionHash"));
        const auto contract = data_fixed<base::Address>(text("address"));
        const auto block = quantity64(text("blockNumber"));
        const auto data = data_bytes(text("data"));
        const auto value = data ? number_from_word(*data) : std::nullopt;
        if (!transaction || !contract || !block || !value) return work->done(unread("a log that can be read"));
        const auto token = std::find_if(options_.tokens.begin(), options_.tokens.end(),
                                        [&](const Token& one) { return one.address == *contract; });
        if (token == options_.tokens.end()) return work->done(unread("logs of our tokens alone"));
        RailMovement movement;
        movement.reference = base::to_hex(*transaction);
        movement.incoming = i == 0;
        movement.asset = token->asset;
        for (const Asset& asset : work->query.assets)
          if (asset.id == token->asset) movement.amount = ledger_amount(*value, token->decimals, asset.scale);
        work->found.push_back(std::move(movement));
        work->blocks.push_back(*block);
      }
    }
    std::vector<std::uint64_t> wanted = work->blocks;
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    if (wanted.empty()) return date_logs(work, {});
    std::vector<RpcCall> dates;
    for (const std::uint64_t block : wanted) dates.push_back({"eth_getBlockByNumber", {to_quantity(block), false}});
    client_->batch(std::move(dates), [this, work](const std::vector<RpcResult>& blocks) { date_logs(work, blocks); });
  });
}

void StablecoinSettler::date_logs(const std::shared_ptr<Listing>& work, const std::vector<RpcResult>& results) {
  std::map<std::uint64_t, std::uint64_t> times;
  for (const RpcResult& result : results) {
    const auto block = result ? parse_block(*result) : std::nullopt;
    if (!block) return work->done(unread("the time of a block"));
    times[block->number] = block->timestamp_s;
  }
  MovementPage page;
  for (std::size_t i = 0; i < work->found.size(); ++i) {
    work->found[i].time = Time::from_seconds(times[work->blocks[i]]);
    if (work->found[i].time < work->query.to) page.movements.push_back(std::move(work->found[i]));
  }
  if (work->upto < work->last) page.next = std::to_string(work->upto + 1) + " " + std::to_string(work->last);
  work->done(std::move(page));
}

}  // namespace settlers::stablecoin
