#include "base/limits.h"
#include "cli/lists.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/views.h"

namespace cli {
namespace {

struct ChannelOptions {
  std::string channel;
  std::string reason;
};

std::string amount_of(base::u128 units, const core::Channel& channel, const AssetBook& assets) {
  return assets.token_text(units, channel.chain_id, channel.config.token);
}

Outcome list(Context& context, const ListOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(auto listed,
          read_list<core::Channel>(options, [&](rpc::Page page) { return viewer.books()->channels(page); }));
  if (context.json()) {
    write_list_json(context, listed, channel_json);
    return {};
  }
  if (listed.items.empty()) {
    context.write_line("No payment channel is kept here yet: the first voucher that a server reserves opens one.");
    return {};
  }
  Table table({{"NUMBER", Align::right},
               {"CHANNEL"},
               {"CHAIN", Align::right},
               {"PAYER"},
               {"RECEIVER"},
               {"CHARGED", Align::right},
               {"CLAIMED", Align::right},
               {"BALANCE", Align::right},
               {"STATE"}});
  for (const core::Channel& one : listed.items) {
    table.row({std::to_string(one.id.value), short_hex(one.key.view()), std::to_string(one.chain_id),
               short_hex(one.config.payer.view()), short_hex(one.config.receiver.view()),
               amount_of(one.charged, one, assets), amount_of(one.chain.total_claimed, one, assets),
               amount_of(one.chain.balance, one, assets), std::string(channel_state(one))});
  }
  context.write(table.render(context.color()));
  note_more(context, listed);
  return {};
}

// By its number here, or by its key on the chain.
Result<core::Channel> find_channel(tabd::BooksSession& books, const std::string& text) {
  if (text.starts_with("0x")) {
    CLI_TRY(const base::Hash key, parse_hash("channel", text));
    return asked_for("channel " + text, books.channel(key));
  }
  CLI_TRY(const std::uint64_t number, parse_number("channel", text));
  rpc::Page page;
  page.after = number == 0 ? 0 : number - 1;
  page.limit = 1;
  CLI_TRY(rpc::PageOf<core::Channel> found, asked(books.channels(page)));
  if (found.items.empty() || found.items.front().id.value != number) {
    return asked_for("channel " + text, base::Result<core::Channel>(base::error(base::ErrorCode::not_found, "")));
  }
  return std::move(found.items.front());
}

void add_reservation(Fields& fields, const core::Channel& one, const AssetBook& assets) {
  const core::ChannelReservation& reservation = one.reservation;
  if (!reservation.sequence.valid()) {
    fields.add("reservation", "-");
    return;
  }
  fields.add("reservation",
             fmt::format("{}: {} of {}{}", reservation.sequence.value, reservation.refund ? "a refund" : "a charge",
                         reservation.refund ? "" : "at most ", amount_of(reservation.amount, one, assets)));
  if (reservation.deposit != 0) fields.add("counts on", "a deposit of " + amount_of(reservation.deposit, one, assets));
  if (!reservation.refund) fields.add("others wait until", time_text(reservation.expires));
}

Outcome show(Context& context, const ChannelOptions& options) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  CLI_TRY(const core::Channel one, find_channel(*viewer.books(), options.channel));
  if (context.json()) {
    context.write_json(channel_json(one));
    return {};
  }
  const auto amount = [&](base::u128 units) { return amount_of(units, one, assets); };
  Fields fields;
  fields.add("channel", fmt::format("{} ({})", one.id.value, channel_state(one)));
  fields.add("key", base::to_hex(one.key));
  fields.add("contract", fmt::format("{} on chain {}", base::to_hex(one.contract), one.chain_id));
  fields.add("token", base::to_hex(one.config.token));
  fields.add("payer", base::to_hex(one.config.payer));
  fields.add("vouchers signed by",
             base::to_hex(one.config.payer_authorizer.is_zero() ? one.config.payer : one.config.payer_authorizer));
  fields.add("receiver", base::to_hex(one.config.receiver));
  fields.add("claims signed by", base::to_hex(one.config.receiver_authorizer));
  fields.add("balance", amount(one.chain.balance));
  fields.add("charged", fmt::format("{}, of it {} here in {} charges", amount(one.charged), amount(one.captured),
                                    thousands(one.charges)));
  fields.add("voucher", one.charges == 0 ? "-" : "up to " + amount(one.signed_maximum));
  fields.add("claimed", amount(one.chain.total_claimed));
  fields.add("as of block", std::to_string(one.block));
  if (one.chain.withdrawal != 0) {
    fields.add("withdrawal", fmt::format("{}, asked for {}", amount(one.chain.withdrawal),
                                         time_text(core::Time::from_seconds(one.chain.withdraw_requested_at_s))));
  }
  fields.add("withdraw delay", duration_text(one.config.withdraw_delay_s * 1'000'000));
  add_reservation(fields, one, assets);
  if (!one.put_aside.empty()) fields.add("put aside", one.put_aside);
  fields.add("opened", time_text(one.opened));
  fields.add("last charge", time_text(one.charged_at));
  context.write(fields.render());
  return {};
}

Outcome release(Context& context, const ChannelOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const core::Channel one, find_channel(session, options.channel));
  CLI_TRY(const auto receipt, decided(session.release_reservation(one.key, one.reservation.sequence)));
  context.report(receipt, one.reservation.sequence.valid()
                              ? fmt::format("Reservation {} of channel {} is released; nothing was charged.",
                                            one.reservation.sequence.value, one.id.value)
                              : fmt::format("Channel {} has no reservation.", one.id.value));
  return {};
}

Outcome aside(Context& context, const ChannelOptions& options) {
  CLI_TRY(tabd::OperatorSession session, context.operator_session());
  CLI_TRY(const core::Channel one, find_channel(session, options.channel));
  CLI_TRY(const auto receipt, decided(session.put_channel_aside(one.key, options.reason)));
  context.report(receipt,
                 options.reason.empty()
                     ? fmt::format("Channel {} is claimed and takes vouchers again.", one.id.value)
                     : fmt::format("Channel {} is put aside: it is not claimed and takes no voucher.", one.id.value));
  return {};
}

Outcome earnings(Context& context, const NoOptions&) {
  CLI_TRY(Viewer viewer, context.viewer(false));
  CLI_TRY(const AssetBook assets, context.assets());
  Listed<core::Earnings> listed;
  CLI_TRY(listed.items, asked(viewer.books()->earnings(static_cast<std::uint32_t>(base::limits::kPageItemsMax))));
  if (context.json()) {
    write_list_json(context, listed, earnings_json);
    return {};
  }
  if (listed.items.empty()) {
    context.write_line("Nothing was earned through payment channels yet.");
    return {};
  }
  Table table({{"RECEIVER"},
               {"CHAIN", Align::right},
               {"TOKEN"},
               {"CHARGED HERE", Align::right},
               {"CLAIMED", Align::right},
               {"SETTLED", Align::right},
               {"BLOCK", Align::right}});
  for (const core::Earnings& one : listed.items) {
    const auto amount = [&](base::u128 units) { return assets.token_text(units, one.chain_id, one.token); };
    const bool known = one.block != 0;
    table.row({base::to_hex(one.receiver), std::to_string(one.chain_id), short_hex(one.token.view()),
               amount(one.charged), known ? amount(one.claimed) : "-", known ? amount(one.settled) : "-",
               known ? std::to_string(one.block) : "-"});
  }
  context.write(table.render(context.color()));
  return {};
}

void define_channel(CLI::App& app, ChannelOptions& options) {
  app.add_option("channel", options.channel, "Its key (0x and 64 digits), or its number here.")->required();
}

}  // namespace

void add_channel_commands(CLI::App& root, Chosen& chosen) {
  CLI::App* group = add_group(root, "channel",
                              "Payment channels (x402 batch-settlement): what was charged, claimed and is reserved.");
  add_command<ListOptions>(*group, chosen, "list", "List the channels that are kept here.", "  tabctl channel list",
                           add_list_options, list);
  add_command<ChannelOptions>(*group, chosen, "show", "One channel with its figures on the chain and its reservation.",
                              "  tabctl channel show 3", define_channel, show);
  add_command<ChannelOptions>(
      *group, chosen, "release",
      "End a channel's reservation without a charge. Of a refund only when it is certain that none was sent.",
      "  tabctl channel release 3", define_channel, release);
  add_command<ChannelOptions>(
      *group, chosen, "aside", "Do not claim a channel and refuse its vouchers; without a reason: take that back.",
      "  tabctl channel aside 3 --reason \"the token refuses transfers\"\n  tabctl channel aside 3",
      [](CLI::App& app, ChannelOptions& options) {
        define_channel(app, options);
        app.add_option("--reason", options.reason, "For the journal, and for whoever looks at the channel.");
      },
      aside);
  add_command<NoOptions>(*group, chosen, "earnings", "What each receiver earned, claimed and was paid.",
                         "  tabctl channel earnings", no_options, earnings);
}

}  // namespace cli
