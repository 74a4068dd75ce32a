#include "ledger/core/entry.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "ledger/core/fields.h"

namespace ledger::core {
namespace {

constexpr std::size_t kKinds = std::variant_size_v<Entry>;

constexpr std::array<std::string_view, kKinds> kKindNames = {"genesis",
                                                             "asset_set",
                                                             "plan_set",
                                                             "payer_set",
                                                             "payee_set",
                                                             "server_set",
                                                             "credit_limit_set",
                                                             "mandate_set",
                                                             "mandate_revoked",
                                                             "rail_mandate_set",
                                                             "standing_set",
                                                             "window_opened",
                                                             "window_closed",
                                                             "tab_opened",
                                                             "charged",
                                                             "hold_made",
                                                             "hold_captured",
                                                             "hold_released",
                                                             "voucher_charged",
                                                             "batch_signed",
                                                             "credit_noted",
                                                             "settlement_planned",
                                                             "settlement_stepped",
                                                             "statement_closed",
                                                             "relay_planned",
                                                             "channel_opened",
                                                             "channel_synced",
                                                             "earnings_synced",
                                                             "channel_reserved",
                                                             "channel_charged",
                                                             "channel_released",
                                                             "channel_put_aside",
                                                             "notice_recorded",
                                                             "notices_applied",
                                                             "notice_resolved",
                                                             "tax_set",
                                                             "statement_recalled",
                                                             "payment_recorded",
                                                             "release_defaults_set",
                                                             "shares_released",
                                                             "payout_scheduled"};

template <typename T>
Entry read_as(Reader& reader) {
  T value;
  fields(reader, value);
  return Entry(std::move(value));
}

template <std::size_t... Index>
constexpr auto make_readers(std::index_sequence<Index...>) {
  return std::array<Entry (*)(Reader&), sizeof...(Index)>{&read_as<std::variant_alternative_t<Index, Entry>>...};
}
constexpr auto kReaders = make_readers(std::make_index_sequence<kKinds>{});

template <typename T, std::size_t Index = 0>
constexpr std::uint8_t kind_number() {
  static_assert(Index < kKinds, "not an entry");
  if constexpr (std::same_as<T, std::variant_alternative_t<Index, Entry>>) {
    return Index + 1;
  } else {
    return kind_number<T, Index + 1>();
  }
}

template <typename T>
void encode_one(const T& entry, base::Encoder& out) {
  out.u8(kind_number<T>());
  Writer writer(out);
  fields(writer, entry);
}

}  // namespace

std::string_view kind_name(std::uint8_t kind) noexcept {
  if (kind < 1 || kind > kKinds) return "unknown";
  return kKindNames[kind - 1u];
}

void encode_entry(const Entry& entry, base::Encoder& out) {
  std::visit([&out](const auto& alternative) { encode_one(alternative, out); }, entry);
}
void encode_entry(const Charged& entry, base::Encoder& out) { encode_one(entry, out); }
void encode_entry(const VoucherCharged& entry, base::Encoder& out) { encode_one(entry, out); }

base::Result<Entry> decode_entry(base::ByteView bytes) {
  if (bytes.empty()) return base::error(base::ErrorCode::corruption, "an entry has no bytes");
  const std::uint8_t kind = bytes[0];
  if (kind < 1 || kind > kKinds) {
    return base::error(base::ErrorCode::corruption, "an entry has the unknown kind " + std::to_string(kind));
  }
  Reader reader(bytes.subspan(1));
  Entry entry = kReaders[kind - 1u](reader);
  if (!reader.complete()) {
    return base::error(base::ErrorCode::corruption, "the bytes of an entry of kind " + std::to_string(kind) + " (" +
                                                        std::string(kind_name(kind)) + ") are not exactly one entry");
  }
  return entry;
}

}  // namespace ledger::core
