#include "ledger/store/ledger_store.h"

#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "base/codec.h"
#include "crypto/random.h"
#include "ledger/store/committer.h"
#include "ledger/store/open_store.h"
#include "ledger/store/reader.h"
#include "ledger/store/recovery.h"
#include "ledger/store/rows_to_batch.h"
#include "ledger/store/writer.h"

namespace ledger::store {

namespace {

using base::ErrorCode;

// The assets that verifiers use; replaced by the committer when one is added.
class SharedAssets {
 public:
  std::shared_ptr<const commitments::tab::AssetTable> get() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }
  void set(std::shared_ptr<const commitments::tab::AssetTable> table) {
    const std::lock_guard lock(mutex_);
    table_ = std::move(table);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const commitments::tab::AssetTable> table_;
};

class RocksLedger final : public LedgerStore {
 public:
  RocksLedger(StoreOptions options, const base::Clock& clock, const aggregator::Calendar& calendar,
              const crypto::SecretKey& operator_key, api::Observer* observer, Failure::Action on_failure)
      : options_(std::move(options)),
        clock_(clock),
        operator_key_(operator_key),
        observer_(observer),
        failure_(std::move(on_failure)),
        domain_(options_.network),
        machine_(calendar, crypto::random_u64()) {}
  ~RocksLedger() override { stop(); }

  base::Result<void> open(const Progress& progress);

  api::LedgerService& service() override { return *writer_; }
  const api::LedgerReader& reader() const override { return *reader_; }
  std::shared_ptr<const commitments::tab::AssetTable> asset_table() const override { return assets_.get(); }
  void stop() override;
  base::Result<void> checkpoint(const std::string& where) override;
  Stats stats() const override;

 private:
  base::Result<void> create();
  base::Result<void> check_identity(const core::LedgerHead& head) const;
  void start_threads();
  std::uint64_t disk_bytes() const;

  const StoreOptions options_;
  const base::Clock& clock_;
  const crypto::SecretKey& operator_key_;
  api::Observer* observer_;
  Failure failure_;
  const commitments::tab::Domain domain_;
  core::StateMachine machine_;
  SharedAssets assets_;
  // Destroyed from the bottom up: threads before what they use.
  std::unique_ptr<Acknowledged> acknowledged_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Follower> follower_;
  std::unique_ptr<ReplayStore> replay_;
  std::unique_ptr<api::LedgerReader> reader_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Writer> writer_;
  std::mutex stop_mutex_;
  bool stopped_ = false;
  Stats opened_;
};

base::Result<void> RocksLedger::open(const Progress& progress) {
  const std::uint64_t start_ns = clock_.monotonic_ns();
  if (options_.network.empty())
    return base::error(ErrorCode::invalid_argument, "a ledger needs the operator's network name, such as \"acme:tab\"");
  if (progress) progress("open database", 0, 1);
  ASSIGN_OR_RETURN(database_,
                   Database::open({.path = options_.path,
                                   .create_if_missing = options_.mode == OpenMode::create_if_missing,
                                   .memory_bytes = options_.memory_bytes,
                                   .env = options_.env,
                                   .on_background_error = [this](const base::Error& error) { failure_.fail(error); }}));
  ASSIGN_OR_RETURN(acknowledged_, Acknowledged::open(options_.path));
  ASSIGN_OR_RETURN(const bool exists, has_ledger(*database_));
  if (!exists) {
    if (options_.mode != OpenMode::create_if_missing)
      return base::error(ErrorCode::not_found, "there is no ledger in " + options_.path);
    if (acknowledged_->last().valid()) return verify_acknowledged({}, acknowledged_->last());
    RETURN_IF_ERROR(create());
  }
  ASSIGN_OR_RETURN(const core::LedgerHead head, verify_end(*database_));
  RETURN_IF_ERROR(verify_acknowledged(head, acknowledged_->last()));
  RETURN_IF_ERROR(check_identity(head));
  if (exists) RETURN_IF_ERROR(load_state(*database_, machine_, progress));
  if (database_->mended()) RETURN_IF_ERROR(forget_indexes(*database_));
  ASSIGN_OR_RETURN(const core::Sequence indexed, indexed_up_to(*database_));
  follower_ = std::make_unique<Follower>(*database_, failure_, indexed);
  replay_ = std::make_unique<ReplayStore>(*database_, *follower_, failure_, options_.recent_replay_keys);
  ASSIGN_OR_RETURN(opened_.replayed_entries, rebuild_indexes(*database_, machine_, *replay_, *follower_, progress));
  acknowledged_->set(head.last_sequence);
  assets_.set(machine_.asset_table());
  start_threads();
  opened_.open_ms = (clock_.monotonic_ns() - start_ns) / 1'000'000;
  return {};
}

// The first segment: the genesis entry, together with the format row.
base::Result<void> RocksLedger::create() {
  core::SegmentBuilder builder(core::SegmentId(1), core::Sequence(1), clock_.now());
  machine_.create(options_.network, operator_key_.address(), builder);
  core::Segment segment = builder.finish(core::Hash{}, machine_.head().segments.root());
  const core::Hash hash = core::hash_of(segment.header);
  machine_.segment_done(segment.header, hash);
  rocksdb::WriteBatch rows;
  base::Bytes version;
  base::Encoder(version).u16(kStoreFormatVersion);
  const rocksdb::Status put = rows.Put(database_->family(Family::meta), slice(kMetaFormat.view()), slice(version));
  if (!put.ok()) return tl::unexpected(to_error(put, "create the ledger", options_.path));
  RowsToBatch sink(database_->family(Family::state), rows);
  machine_.drain_changes(sink);
  return write_segment(*database_, domain_, operator_key_, segment, hash, rows);
}

base::Result<void> RocksLedger::check_identity(const core::LedgerHead& head) const {
  if (head.network != options_.network) {
    return base::error(ErrorCode::invalid_argument, "the ledger in " + options_.path + " belongs to the network " +
                                                        head.network + "; the configuration says " + options_.network);
  }
  if (head.operator_key != operator_key_.address()) {
    return base::error(ErrorCode::invalid_argument,
                       "the ledger in " + options_.path + " is signed by " + base::to_hex(head.operator_key) +
                           "; the configured operator key is that of " + base::to_hex(operator_key_.address()));
  }
  return {};
}

void RocksLedger::start_threads() {
  committer_ = std::make_unique<Committer>(Committer::Parts{
      .database = *database_,
      .follower = *follower_,
      .failure = failure_,
      .acknowledged = *acknowledged_,
      .clock = clock_,
      .operator_key = operator_key_,
      .domain = domain_,
      .observer = observer_,
      .on_idle = [this] { writer_->wake(); },
      .on_assets = [this](std::shared_ptr<const commitments::tab::AssetTable> table) { assets_.set(std::move(table)); },
  });
  reader_ = make_reader(*database_, follower_.get());
  writer_ = std::make_unique<Writer>(Writer::Parts{.machine = machine_,
                                                   .replay = *replay_,
                                                   .committer = *committer_,
                                                   .failure = failure_,
                                                   .database = *database_,
                                                   .reader = *reader_,
                                                   .clock = clock_,
                                                   .observer = observer_});
  follower_->start();
  committer_->start();
  writer_->start();
}

void RocksLedger::stop() {
  const std::lock_guard lock(stop_mutex_);
  if (stopped_ || writer_ == nullptr) return;
  stopped_ = true;
  writer_->stop();
  committer_->stop();
  if (!failure_.failed()) replay_->close(machine_.head().last_sequence);
  follower_->stop();
  if (failure_.failed()) return;
  const base::Result<void> flushed = database_->flush();
  if (!flushed) failure_.fail(flushed.error());
}

base::Result<void> RocksLedger::checkpoint(const std::string& where) {
  std::error_code code;
  const std::string directory = std::filesystem::absolute(where, code).string();  // RocksDB asks for it
  if (code) return base::error(ErrorCode::invalid_argument, where + " is not a path: " + code.message());
  if (database_->env()->FileExists(directory).ok())
    return base::error(ErrorCode::invalid_argument,
                       "there is something at " + directory + " already: name a new directory");
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database_->db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
  if (!status.ok()) return tl::unexpected(to_error(status, "make a checkpoint in " + directory, options_.path));
  // A flush that failed in the background may be missing from it.
  if (failure_.failed())
    return base::error(ErrorCode::io,
                       "the ledger's disk failed while the checkpoint was made: do not use " + directory);
  return {};
}

LedgerStore::Stats RocksLedger::stats() const {
  Stats stats = opened_;
  stats.disk_bytes = disk_bytes();
  stats.queued_batches = writer_->queued_batches();
  return stats;
}

std::uint64_t RocksLedger::disk_bytes() const {
  std::vector<rocksdb::Env::FileAttributes> files;
  if (!database_->env()->GetChildrenFileAttributes(options_.path, &files).ok()) return 0;
  std::uint64_t total = 0;
  for (const auto& file : files) total += file.size_bytes;
  return total;
}

}  // namespace

base::Result<std::unique_ptr<LedgerStore>> open_store(StoreOptions options, const base::Clock& clock,
                                                      const aggregator::Calendar& calendar,
                                                      const crypto::SecretKey& operator_key, api::Observer* observer,
                                                      const Progress& progress, Failure::Action on_failure) {
  auto ledger =
      std::make_unique<RocksLedger>(std::move(options), clock, calendar, operator_key, observer, std::move(on_failure));
  RETURN_IF_ERROR(ledger->open(progress));
  return ledger;
}

base::Result<std::unique_ptr<LedgerStore>> LedgerStore::open(StoreOptions options, const base::Clock& clock,
                                                             const aggregator::Calendar& calendar,
                                                             const crypto::SecretKey& operator_key,
                                                             api::Observer* observer, const Progress& progress) {
  return open_store(std::move(options), clock, calendar, operator_key, observer, progress, {});
}

}  // namespace ledger::store
