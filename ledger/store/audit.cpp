#include "ledger/store/audit.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <stdlib.h>

#include <rocksdb/options.h>

#include "base/check.h"
#include "ledger/store/audit_journal.h"
#include "ledger/store/recovery.h"
#include "ledger/store/rows_to_batch.h"

namespace ledger::store {

namespace {

using base::ErrorCode;
using base::Result;

// Changed rows are written to the scratch database this often: seldom enough that a row that changes all the time is
// written once for many changes, often enough to bound memory.
constexpr std::uint64_t kDrainEveryEntries = 131'072;
constexpr std::size_t kShownBytesMax = 512;

std::string shown(base::ByteView bytes) {
  if (bytes.size() <= kShownBytesMax) return base::to_hex(bytes);
  return base::to_hex(bytes.first(kShownBytesMax)) + "... (" + std::to_string(bytes.size()) + " bytes)";
}

std::string_view table_name(std::uint8_t table) {
  switch (static_cast<core::Table>(table)) {
    case core::Table::head: return "head";
    case core::Table::asset: return "asset";
    case core::Table::plan: return "plan";
    case core::Table::payer: return "payer";
    case core::Table::tally: return "tally";
    case core::Table::line: return "line";
    case core::Table::payee: return "payee";
    case core::Table::payee_balance: return "payee_balance";
    case core::Table::server: return "server";
    case core::Table::mandate: return "mandate";
    case core::Table::tab: return "tab";
    case core::Table::hold: return "hold";
    case core::Table::statement: return "statement";
    case core::Table::settlement: return "settlement";
    case core::Table::operator_balance: return "operator_balance";
    case core::Table::statement_mark: return "statement_mark";
    case core::Table::open_settlement: return "open_settlement";
    case core::Table::relay: return "relay";
    case core::Table::channel: return "channel";
    case core::Table::notice: return "notice";
    case core::Table::notice_mark: return "notice_mark";
    case core::Table::open_notice: return "open_notice";
    case core::Table::series: return "series";
    case core::Table::credit_note: return "credit_note";
    case core::Table::payment: return "payment";
    case core::Table::closed_statement: return "closed_statement";
    case core::Table::release_defaults: return "release_defaults";
    case core::Table::credit_note_by_payer: return "credit_note_by_payer";
    case core::Table::credit_note_by_statement: return "credit_note_by_statement";
    case core::Table::payment_by_payer: return "payment_by_payer";
    case core::Table::settlement_by_payer: return "settlement_by_payer";
    case core::Table::notice_by_settlement: return "notice_by_settlement";
    case core::Table::notice_by_state: return "notice_by_state";
    case core::Table::earnings: return "earnings";
    case core::Table::channel_counts: return "channel_counts";
    case core::Table::payer_by_address: return "payer_by_address";
    case core::Table::payee_by_address: return "payee_by_address";
    case core::Table::server_by_key: return "server_by_key";
    case core::Table::mandate_by_payer: return "mandate_by_payer";
    case core::Table::tab_by_key: return "tab_by_key";
    case core::Table::statement_by_payer: return "statement_by_payer";
    case core::Table::settlement_due: return "settlement_due";
    case core::Table::settlement_by_state: return "settlement_by_state";
    case core::Table::channel_by_key: return "channel_by_key";
  }
  return "unknown table";
}

// A database of our own for the replayed rows, so that they can be compared in order without being in memory.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make();
  ~Scratch();
  Result<void> take(core::StateMachine& machine);
  std::unique_ptr<rocksdb::Iterator> rows() const {
    return std::unique_ptr<rocksdb::Iterator>(
        database_->db().NewIterator(rocksdb::ReadOptions(), database_->family(Family::state)));
  }

 private:
  std::string directory_;
  std::unique_ptr<Database> database_;
};

Result<std::unique_ptr<Scratch>> Scratch::make() {
  std::error_code failed;
  std::string path = (std::filesystem::temp_directory_path(failed) / "tabd-audit-XXXXXX").string();
  if (failed || ::mkdtemp(path.data()) == nullptr)
    return base::error(ErrorCode::io, "cannot make a temporary directory for the audit at " + path + ": set TMPDIR");
  auto scratch = std::make_unique<Scratch>();
  scratch->directory_ = path;
  ASSIGN_OR_RETURN(scratch->database_, Database::open({.path = path + "/rows", .create_if_missing = true}));
  return scratch;
}

Scratch::~Scratch() {
  database_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Result<void> Scratch::take(core::StateMachine& machine) {
  rocksdb::WriteBatch rows;
  RowsToBatch sink(database_->family(Family::state), rows);
  machine.drain_changes(sink);
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  const rocksdb::Status status = database_->db().Write(options, &rows);
  if (!status.ok()) return tl::unexpected(to_error(status, "write the audit's replayed rows", directory_));
  return {};
}

// Stored rows against replayed rows, in both directions: the first key or value that differs.
Finding compare_rows(const Database& database, const Scratch& scratch, AuditReport& report, const Progress& progress) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  const std::unique_ptr<rocksdb::Iterator> stored(database.db().NewIterator(options, database.family(Family::state)));
  const std::unique_ptr<rocksdb::Iterator> computed = scratch.rows();
  constexpr std::uint64_t kReportEvery = 65'536;
  std::uint64_t expected = 0;
  database.db().GetIntProperty(database.family(Family::state), "rocksdb.estimate-num-keys", &expected);
  for (stored->SeekToFirst(), computed->SeekToFirst(); stored->Valid() || computed->Valid();
       stored->Next(), computed->Next()) {
    const int order = !stored->Valid() ? 1 : !computed->Valid() ? -1 : stored->key().compare(computed->key());
    if (order == 0 && stored->value() == computed->value()) {
      ++report.rows;
      if (progress && report.rows % kReportEvery == 0)
        progress("compare rows", report.rows, std::max(report.rows, expected));
      continue;
    }
    const base::ByteView key = view(order <= 0 ? stored->key() : computed->key());
    AuditDifference difference;
    difference.kind = "row: " + std::string(table_name(key[0]));
    difference.field = base::to_hex(key);
    difference.stored = order <= 0 ? shown(view(stored->value())) : "no such row";
    difference.computed = order >= 0 ? shown(view(computed->value())) : "no such row";
    return difference;
  }
  if (!stored->status().ok()) return tl::unexpected(to_error(stored->status(), "read rows", database.path()));
  return std::optional<AuditDifference>();
}

class Audit {
 public:
  Audit(const Database& database, const aggregator::Calendar& calendar, const AuditOptions& options,
        const Progress& progress, core::Sequence indexed, std::unique_ptr<Scratch> scratch)
      : database_(database),
        progress_(progress),
        machine_(calendar),
        signatures_(options.threads),
        indexes_(database, indexed),
        scratch_(std::move(scratch)),
        journal_(database, machine_, signatures_, indexes_, options, report_) {}

  Result<AuditReport> run();

 private:
  Finding read_journal();
  Finding after_journal();
  Finding segment_places();

  const Database& database_;
  const Progress& progress_;
  AuditReport report_;
  core::StateMachine machine_;
  SignatureChecks signatures_;
  IndexAudit indexes_;
  std::unique_ptr<Scratch> scratch_;
  JournalAudit journal_;
};

Finding Audit::read_journal() {
  std::uint64_t total = 0;
  const Result<base::Bytes> head_row = get(database_, Family::state, core::table_prefix(core::Table::head), "head row");
  if (head_row) {
    if (const Result<core::LedgerHead> head = core::decode_row<core::LedgerHead>(*head_row))
      total = head->last_sequence.value;
  }
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2u << 20;
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator(options, database_.family(Family::journal)));
  std::uint64_t drained = 0;
  for (at->SeekToFirst(); at->Valid() && !signatures_.failed(); at->Next()) {
    ASSIGN_OR_RETURN(std::optional<AuditDifference> found, journal_.segment(view(at->key()), view(at->value())));
    if (found) return found;
    ASSIGN_OR_RETURN(found, indexes_.compare());
    if (found) return found;
    if (report_.entries - drained >= kDrainEveryEntries) {
      RETURN_IF_ERROR(scratch_->take(machine_));
      drained = report_.entries;
    }
    if (progress_) progress_("replay", report_.entries, std::max(total, report_.entries));
  }
  if (at->status().IsCorruption()) {
    return AuditDifference{core::SegmentId(report_.segments + 1),
                           {},
                           "segment",
                           "stored bytes",
                           at->status().ToString(),
                           "readable bytes"};
  }
  if (!at->status().ok()) return tl::unexpected(to_error(at->status(), "read the journal", database_.path()));
  if (report_.segments == 0) return AuditDifference{{}, {}, "journal", "segments", "0", "at least 1"};
  RETURN_IF_ERROR(scratch_->take(machine_));
  return std::optional<AuditDifference>();
}

// Place rows of segments that the journal does not have.
Finding Audit::segment_places() {
  std::uint64_t rows = 0;
  const std::uint8_t prefix[] = {kMetaSegment};
  RETURN_IF_ERROR(scan(database_, Family::meta, prefix, {}, [&](base::ByteView, base::ByteView) -> Result<bool> {
    ++rows;
    return true;
  }));
  if (rows == report_.segments) return std::optional<AuditDifference>();
  return AuditDifference{
      {}, {}, "row: segment place", "number of rows", std::to_string(rows), std::to_string(report_.segments)};
}

Finding Audit::after_journal() {
  ASSIGN_OR_RETURN(std::optional<AuditDifference> found, compare_rows(database_, *scratch_, report_, progress_));
  if (found) return found;
  ASSIGN_OR_RETURN(found, segment_places());
  if (found) return found;
  ASSIGN_OR_RETURN(found, indexes_.finish());
  if (found) return found;
  const Result<void> books = machine_.check_books();
  if (!books) return AuditDifference{{}, {}, "books", "balance", books.error().message, "books that add up"};
  return std::optional<AuditDifference>();
}

Result<AuditReport> Audit::run() {
  Finding found = read_journal();
  const std::optional<BadSignature> bad = signatures_.finish();
  if (!found) return tl::unexpected(found.error());
  report_.replay_keys = indexes_.keys();
  const bool signature_first = bad && (!*found || std::pair(bad->job.place.segment, bad->job.place.sequence) <=
                                                      std::pair((*found)->segment, (*found)->sequence));
  if (signature_first) {
    const SignatureJob& job = bad->job;
    report_.difference = AuditDifference{job.place.segment,
                                         job.place.sequence,
                                         job.place.kind == 0 ? "segment" : std::string(core::kind_name(job.place.kind)),
                                         job.field,
                                         base::to_hex(job.signature),
                                         bad->computed};
    return report_;
  }
  if (!*found) {
    found = after_journal();
    if (!found && found.error().code != ErrorCode::corruption) return tl::unexpected(found.error());
    if (!found) found = AuditDifference{{}, {}, "row", "stored bytes", found.error().message, "readable bytes"};
  }
  report_.replay_keys = indexes_.keys();
  report_.difference = *found;
  return report_;
}

// A running daemon holds the lock; its ledger cannot be read by another process.
Result<void> check_not_running(const std::string& path, rocksdb::Env* env) {
  const std::string file = path + "/LOCK";
  if (!env->FileExists(file).ok()) return {};  // a checkpoint
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::Status status = env->LockFile(file, &lock);
  if (status.ok()) {
    env->UnlockFile(lock).PermitUncheckedError();
    return {};
  }
  base::Error error = to_error(status, "lock the ledger", path);
  if (error.code == ErrorCode::unavailable)
    return base::error(ErrorCode::unavailable, "the ledger in " + path +
                                                   " is open in a running daemon: make a checkpoint with `tabctl "
                                                   "checkpoint` and audit that");
  return {};  // a directory that may only be read
}

}  // namespace

std::string AuditDifference::to_string() const {
  std::string text;
  if (segment.valid()) text += "segment " + std::to_string(segment.value);
  if (sequence.valid()) text += (text.empty() ? "entry " : ", entry ") + std::to_string(sequence.value);
  text += text.empty() ? kind : " (" + kind + ")";
  return text + ", " + field + ": stored " + stored + "; computed " + computed;
}

Result<AuditReport> audit(const std::string& path, const aggregator::Calendar& calendar, const AuditOptions& options,
                          const Progress& progress) {
  rocksdb::Env* const env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  RETURN_IF_ERROR(check_not_running(path, env));
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::open_read_only({.path = path, .env = env}));
  ASSIGN_OR_RETURN(const bool exists, has_ledger(*database));
  if (!exists) return base::error(ErrorCode::not_found, "there is no ledger in " + path);
  ASSIGN_OR_RETURN(const core::Sequence indexed, indexed_up_to(*database));
  ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Scratch::make());
  return Audit(*database, calendar, options, progress, indexed, std::move(scratch)).run();
}

}  // namespace ledger::store
