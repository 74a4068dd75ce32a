#pragma once

// What the remote interface says that the ledger has no type of its own for. Server and client library share these;
// rpc/schema/types.capnp is their form on the wire and explains each field. Everything else travels as the ledger's
// own types (ledger/core/types.h).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "commitments/tab/types.h"
#include "ledger/api/ledger_service.h"
#include "ledger/api/reader.h"
#include "ledger/core/types.h"

namespace rpc {

namespace core = ledger::core;

enum class Role : std::uint8_t { server = 0, payer = 1, operator_ = 2, auditor = 3, rail = 4 };
// "server", "payer", "operator", "auditor", "rail": the text that is signed at login.
std::string_view name(Role role) noexcept;

struct NetworkInfo {
  std::string network;
  core::Address operator_key;
  std::string version;
  std::vector<core::Asset> assets;
  core::Time now;  // the daemon's clock
  std::uint32_t batch_items_max = 0;
  std::uint32_t batch_charges_max = 0;
};

// `after` 0: from the beginning. `limit` 0: limits::kPageItemsMax.
struct Page {
  std::uint64_t after = 0;
  std::uint32_t limit = 0;
};
template <typename T>
struct PageOf {
  std::vector<T> items;
  std::uint64_t next = 0;  // `after` of the following page; 0: this was the last
};

// A batch's receipt as a client sees it.
struct BatchAnswer : ledger::api::BatchReceipt {
  std::string detail;  // for people; often empty
};

struct RefusedItem {
  std::uint64_t batch_number = 0;
  std::uint32_t index = 0;
  core::ItemResult result;
};
struct StreamSummary {
  std::uint64_t batches = 0;
  std::uint64_t items = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused_count = 0;
  std::vector<RefusedItem> refused;  // the first kStreamRefusedMax
  core::Sequence last_sequence;
};

// A payer's open window and balances in one asset, without the Merkle frontier.
struct TallyView {
  core::PayerId payer;
  core::AssetId asset;
  core::PlanId plan;
  core::Amount credit_limit;           // in force
  core::Amount credit_limit_override;  // zero = the plan's is in force
  core::Amount held;
  core::Amount unbilled;
  core::Amount billed;
  core::Amount credit;
  aggregator::WindowBounds window;
  std::uint64_t window_number = 0;
  std::uint64_t entries = 0;
  std::vector<aggregator::Line> lines;  // only where one tally is asked for
  std::vector<aggregator::PayeeShare> carried_in;
  core::Balance account_unbilled;
  core::Balance account_receivable;
  core::Balance account_credit;
  core::Amount exposure() const { return base::add_checked(base::add_checked(held, unbilled), billed); }
};

struct PayerAccount {
  core::Payer payer;
  std::vector<TallyView> tallies;  // without lines
};
struct PayeeAccount {
  core::Payee payee;
  std::vector<core::PayeeBalance> balances;
};
struct ServerAccount {
  core::Server server;
  std::vector<core::Payee> payees;
};

struct Exposure {
  core::Standing standing = core::Standing::active;
  core::Amount limit;
  core::Amount exposure;
  core::Amount available;
};

// A journal entry with where it stands; ledger::core::decode_entry(bytes) gives its content.
struct RawEntry {
  core::Sequence sequence;
  core::SegmentId segment;
  std::uint32_t index = 0;
  core::Time time;
  core::Bytes bytes;
};

enum class ChargeKind : std::uint8_t {
  unspecified = 0,
  charged = 1,
  held = 2,
  captured = 3,
  released = 4,
  voucher = 5
};
std::string_view name(ChargeKind kind) noexcept;
struct ChargeRecord {
  RawEntry entry;
  ChargeKind kind = ChargeKind::unspecified;
  core::PayeeId payee;
  core::AssetId asset;
  core::Amount amount;  // sum of the usages; for a hold the maximum
  std::vector<commitments::tab::Usage> usages;
};

struct Head {
  std::string network;
  core::Address operator_key;
  core::Sequence last_sequence;
  core::SegmentId last_segment;
  core::Hash segment_hash;
  core::Bytes header;         // encoded SegmentHeader; empty before the first segment
  core::Signature signature;  // of the operator, over segment_digest(last_segment, segment_hash)
  core::Time time;
  std::uint32_t payers = 0, payees = 0, servers = 0, plans = 0, mandates = 0;
  std::uint64_t tabs = 0, statements = 0, settlements = 0, notices = 0;
};

enum class EventKind : std::uint8_t {
  unspecified = 0,
  accepted = 1,
  released = 2,
  window_opened = 3,
  window_closed = 4,
  settling = 5,
  settled = 6,
  failed = 7,
  reversed = 8,
  suspended = 9,
  resumed = 10,
  mandate = 11,
  credited = 12,
  configured = 13,
  channel_opened = 14,
  channel_synced = 15,
  channel_reserved = 16,
  channel_charged = 17,
  channel_released = 18,
  channel_put_aside = 19,
  channel_earnings = 20,
  notice = 21,
};
inline constexpr EventKind kLastEventKind = EventKind::notice;
std::string_view name(EventKind kind) noexcept;
constexpr std::uint32_t bit(EventKind kind) noexcept { return 1u << static_cast<unsigned>(kind); }

struct Event {
  core::Sequence sequence;
  core::Time time;
  EventKind kind = EventKind::unspecified;
  core::Address payer;  // zero where there is none
  core::Address payee;
  core::AssetId asset;
  core::Amount amount;
  std::uint32_t charges = 0;
  core::StatementId statement;
  core::SettlementId settlement;
  core::SettlementState settlement_state{};  // 0 where there is none
  std::string text;
  core::Hash channel;  // zero where there is none
};

struct EventFilter {
  std::uint32_t kinds = 0;  // bit(EventKind) | ...; 0 = all
  core::Address payer;      // zero = every one that the session may see
  core::Address payee;
};

// A figure of the running daemon: "items_accepted_total", "queue_verify_items".
struct Figure {
  std::string name;
  std::int64_t value = 0;
};
struct DaemonStatus {
  std::string version;
  core::Time started;
  core::Time now;
  bool dry_run = false;
  std::vector<std::string> degraded;  // causes; empty when all is well
  std::vector<Figure> figures;
  Head head;
};
struct BankFile {
  std::string name, state, reason;
  bool collection = false;
  std::string due;  // "2026-11-24"
  std::uint64_t cents = 0, payments = 0;
  core::Hash sha256;
};
struct BankFiles {
  std::vector<BankFile> files;
  std::string alarm;
};
// As settlers::bank::FileAnswer.
enum class FileAnswer : std::uint8_t { release = 1, resend = 2, sent = 3, void_ = 4, clear_alarm = 5 };
struct RailStatus {
  std::string name;
  bool enabled = true;
  bool dry_run = false;
  bool pull = false;
  bool push = false;
  std::uint32_t in_flight = 0;
  std::uint32_t in_flight_max = 0;
  std::string description;
  bool available = true;
};

}  // namespace rpc
