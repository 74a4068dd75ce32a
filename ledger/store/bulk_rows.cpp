#include "ledger/store/bulk_rows.h"

#include <algorithm>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include "base/check.h"
#include "ledger/store/rows.h"

namespace ledger::store {

void BulkRows::add(base::ByteView key, base::ByteView value) {
  rows_.push_back({bytes_.size(), static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())});
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

base::Result<void> BulkRows::write_file(const Database& database, const std::string& file) {
  CHECK(!rows_.empty());
  std::sort(rows_.begin(), rows_.end(), [this](const Row& a, const Row& b) {
    const base::ByteView left = key(a), right = key(b);
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  });
  // Left behind by a crash between writing and taking in.
  database.env()->DeleteFile(file).PermitUncheckedError();
  // With the database's own options, so that the file reaches the disk bit by bit and not when a commit wants it.
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(database.db().GetDBOptions()),
                                database.db().GetOptions(database.family(family_)), database.family(family_));
  rocksdb::Status status = writer.Open(file);
  for (std::size_t i = 0; i < rows_.size() && status.ok(); ++i) {
    const base::ByteView value =
        base::ByteView(bytes_).subspan(rows_[i].start + rows_[i].key_bytes, rows_[i].value_bytes);
    status = writer.Put(slice(key(rows_[i])), slice(value));
  }
  if (status.ok()) status = writer.Finish();
  if (!status.ok()) return tl::unexpected(to_error(status, "write an index file", file));
  return {};
}

base::Result<std::vector<BulkFile>> write_files(const Database& database, BulkRows& first, BulkRows& second) {
  std::vector<BulkFile> files;
  for (BulkRows* rows : {&first, &second}) {
    if (rows->empty()) continue;
    files.push_back(
        {rows->family(), database.path() + "/bulk-" + std::to_string(static_cast<unsigned>(rows->family())) + ".tmp"});
    RETURN_IF_ERROR(rows->write_file(database, files.back().path));
  }
  return files;
}

base::Result<void> take_in(Database& database, const std::vector<BulkFile>& files) {
  if (files.empty()) return {};
  std::vector<rocksdb::IngestExternalFileArg> arguments;
  for (const BulkFile& file : files) {
    rocksdb::IngestExternalFileArg argument;
    argument.column_family = database.family(file.family);
    argument.external_files = {file.path};
    argument.options.move_files = true;
    argument.options.write_global_seqno = false;
    arguments.push_back(std::move(argument));
  }
  const rocksdb::Status status = database.db().IngestExternalFiles(arguments);
  if (!status.ok()) return tl::unexpected(to_error(status, "take in index files", database.path()));
  return {};
}

}  // namespace ledger::store
