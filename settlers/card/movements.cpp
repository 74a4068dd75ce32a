// What the provider has on record: payments that succeeded, refunds, disputes that took money, and transfers.

#include <algorithm>
#include <array>
#include <type_traits>

#include "base/check.h"
#include "settlers/card/form.h"
#include "settlers/card/settler_impl.h"

namespace settlers::card {

namespace {

// The lists, in the order in which they are read. A cursor is the number of the list and the last object of it.
struct List {
  std::string_view path, expand;
};
constexpr std::array<List, 4> kLists = {List{"/v1/payment_intents", "data.latest_charge.balance_transaction"},
                                        List{"/v1/refunds", "data.payment_intent"},
                                        List{"/v1/disputes", "data.payment_intent"}, List{"/v1/transfers", ""}};

template <typename Item>
const Marks& marks_of(const Item& item) {
  return item.marks;
}
// Disputes carry none; their payment does.
const Marks& marks_of(const Dispute& dispute) {
  static const Marks kNone;
  return dispute.intent ? dispute.intent->marks : kNone;
}

}  // namespace

RailMovement CardImpl::movement_of(const Marks& marks, const std::string& currency, std::uint64_t units,
                                   const MovementQuery& query) const {
  RailMovement movement;
  movement.settlement = SettlementId(marks.ledger == options_.ledger ? marks.settlement : 0);
  const auto asset = std::find_if(options_.assets.begin(), options_.assets.end(),
                                  [&currency](const CardAsset& one) { return one.currency == currency; });
  if (asset == options_.assets.end()) {
    movement.detail = "in " + currency + ", which no asset here is";
    return movement;
  }
  movement.asset = asset->asset;
  const auto rate = parse_rate(asset->rate);
  for (const Asset& one : query.assets)
    if (one.id == asset->asset && rate) movement.amount = from_minor(units, one.scale, currency, *rate);
  return movement;
}

RailMovement CardImpl::movement_of(const Intent& intent, const MovementQuery& query) const {
  RailMovement movement = movement_of(intent.marks, intent.currency, intent.amount_received, query);
  movement.reference = intent.id;
  movement.incoming = true;
  movement.time = Time::from_seconds(intent.created_s);
  if (intent.marks.ledger.empty()) movement.detail = "it was not made by tabd";
  if (intent.charge && intent.charge->disputed) movement.detail = "disputed";
  return movement;
}

// A refund of ours is a settlement of its own. One that was made elsewhere belongs to the payment that it takes back,
// if that is in the lists too.
RailMovement CardImpl::movement_of(const Refund& refund, const MovementQuery& query) const {
  const bool own = !refund.marks.ledger.empty();
  const bool listed = refund.intent_created_s >= query.from.seconds();
  RailMovement movement = movement_of(own      ? refund.marks
                                      : listed ? refund.intent_marks
                                               : Marks{},
                                      refund.currency, refund.amount, query);
  movement.reference = refund.id;
  movement.time = Time::from_seconds(refund.created_s);
  if (!own) movement.detail = "a refund of " + refund.payment_intent + " that was not made by tabd";
  return movement;
}

// The provider takes what is disputed at once, and gives it back when the dispute is won. One of a whole payment undoes
// it. One of a part does not: it is a movement of its own, explained by the notice in suspense when it is lost.
RailMovement CardImpl::movement_of(const Dispute& dispute, const MovementQuery& query) const {
  const std::uint64_t paid = dispute.intent ? dispute.intent->amount_received : 0;
  const std::string currency = dispute.currency.empty() && dispute.intent ? dispute.intent->currency : dispute.currency;
  const bool same = dispute.intent && dispute.intent->currency == currency;
  const bool whole = same && dispute.amount >= paid;
  RailMovement movement =
      movement_of(whole ? dispute.intent->marks : Marks{}, currency, whole ? paid : dispute.amount, query);
  movement.reference = whole ? dispute.intent->id : dispute.id;
  movement.time = Time::from_seconds(dispute.created_s);
  movement.detail = "disputed, " + dispute.id + " of " + dispute.payment_intent + " is " + dispute.status_text;
  return movement;
}

RailMovement CardImpl::movement_of(const Transfer& transfer, const MovementQuery& query) const {
  const std::uint64_t reversed = std::min(transfer.amount_reversed, transfer.amount);
  RailMovement movement = movement_of(transfer.marks, transfer.currency, transfer.amount - reversed, query);
  movement.reference = transfer.id;
  movement.time = Time::from_seconds(transfer.created_s);
  if (transfer.marks.ledger.empty()) movement.detail = "it was not made by tabd";
  if (reversed > 0) movement.detail = "part or all of it was reversed";
  return movement;
}

// Another ledger's payments at the same account are not ours to judge; those that name none are.
void CardImpl::movements(const MovementQuery& query, Done<base::Result<MovementPage>> done) {
  const std::size_t list = query.after.empty() ? 0 : static_cast<std::size_t>(query.after.front() - '0');
  CHECK_MSG(list < kLists.size(), "a cursor is one that was given out");
  const std::string after = query.after.empty() ? "" : query.after.substr(1);
  Call call;
  call.endpoint = "GET " + std::string(kLists[list].path);
  call.target = std::string(kLists[list].path) + "?limit=100&created[gte]=" + std::to_string(query.from.seconds()) +
                "&created[lt]=" + std::to_string(query.to.seconds() + 1);
  if (!kLists[list].expand.empty()) call.target += "&expand[]=" + std::string(kLists[list].expand);
  if (!after.empty()) call.target += "&starting_after=" + percent_encoded(after);
  api_->call(std::move(call), [self = shared_from_this(), query, list, done = std::move(done)](const Reply& reply) {
    if (reply.said != Said::done) return done(base::error(base::ErrorCode::unavailable, reply.problem));
    done(list == 0   ? self->page_of(read_intents(reply.body), list, query)
         : list == 1 ? self->page_of(read_refunds(reply.body), list, query)
         : list == 2 ? self->page_of(read_disputes(reply.body), list, query)
                     : self->page_of(read_transfers(reply.body), list, query));
  });
}

template <typename Item>
base::Result<MovementPage> CardImpl::page_of(const base::Result<Page<Item>>& read, std::size_t list,
                                             const MovementQuery& query) const {
  if (!read) return tl::unexpected<base::Error>(read.error());
  MovementPage page;
  const auto ours = [this](const Marks& marks) { return marks.ledger.empty() || marks.ledger == options_.ledger; };
  for (const Item& one : read->items) {
    bool counts = ours(marks_of(one));
    if constexpr (std::is_same_v<Item, Intent>) counts = counts && one.status == IntentStatus::succeeded;
    if constexpr (std::is_same_v<Item, Refund>)
      counts = counts && ours(one.intent_marks) && one.status != RefundStatus::failed;
    if constexpr (std::is_same_v<Item, Dispute>) {
      counts = counts && (one.status == DisputeStatus::open || one.status == DisputeStatus::lost);
      // A payment that is older than what is listed: what is taken back is nothing without it.
      const bool older = one.intent && one.intent->created_s < query.from.seconds();
      if (counts && older && one.amount >= one.intent->amount_received)
        page.movements.push_back(movement_of(*one.intent, query));
    }
    if (counts) page.movements.push_back(movement_of(one, query));
  }
  if (read->has_more && !read->last_id.empty()) {
    page.next = std::to_string(list) + read->last_id;
  } else if (list + 1 < kLists.size()) {
    page.next = std::to_string(list + 1);
  }
  return page;
}

}  // namespace settlers::card
