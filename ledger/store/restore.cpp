#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include "ledger/store/acknowledged.h"
#include "ledger/store/audit.h"
#include "ledger/store/database.h"
#include "ledger/store/recovery.h"

namespace ledger::store {

namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;

tl::unexpected<base::Error> failed(const std::string& doing, const fs::path& path, const std::error_code& code) {
  return base::error(ErrorCode::io, "cannot " + doing + " " + path.string() + ": " + code.message());
}

Result<void> sync_path(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return failed("open", path, {errno, std::generic_category()});
  const int synced = ::fsync(descriptor);
  const std::error_code code(errno, std::generic_category());
  ::close(descriptor);
  if (synced != 0) return failed("sync", path, code);
  return {};
}

// What a checkpoint consists of; the lock, logs and the acknowledgement mark of a ledger that was used are not copied.
Result<std::vector<fs::path>> files_of(const std::string& checkpoint) {
  std::error_code code;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(checkpoint, code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    if (name == "LOCK" || name == kAcknowledgedFile || name.rfind("LOG", 0) == 0) continue;
    if (at->is_regular_file()) files.push_back(at->path());
  }
  if (code) return failed("list", checkpoint, code);
  return files;
}

Result<void> copy_and_verify(const std::string& checkpoint, const fs::path& partial, const Progress& progress) {
  ASSIGN_OR_RETURN(const std::vector<fs::path> files, files_of(checkpoint));
  std::uint64_t total = 0;
  std::error_code code;
  for (const fs::path& file : files) total += fs::file_size(file, code);
  fs::create_directories(partial, code);
  if (code) return failed("make", partial, code);
  std::uint64_t done = 0;
  for (const fs::path& file : files) {
    const fs::path target = partial / file.filename();
    fs::copy_file(file, target, code);
    if (code) return failed("copy to", target, code);
    RETURN_IF_ERROR(sync_path(target, O_RDONLY));
    done += fs::file_size(target, code);
    if (progress) progress("copy", done, total);
  }
  RETURN_IF_ERROR(sync_path(partial, O_RDONLY | O_DIRECTORY));
  if (progress) progress("verify", 0, 1);
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::open_read_only({.path = partial.string()}));
  ASSIGN_OR_RETURN(const bool exists, has_ledger(*database));
  if (!exists) return base::error(ErrorCode::not_found, "there is no ledger in " + checkpoint);
  // The end would open; the years before it are read only by an audit or a late replay, so every block is read now.
  if (const rocksdb::Status intact = database->db().VerifyChecksum(); !intact.ok())
    return tl::unexpected(to_error(intact, "verify the copy of", checkpoint));
  RETURN_IF_ERROR(verify_end(*database));
  if (progress) progress("verify", 1, 1);
  return {};
}

}  // namespace

Result<void> restore(const std::string& checkpoint, const std::string& target, const Progress& progress) {
  if (!database_exists(checkpoint, nullptr))
    return base::error(ErrorCode::not_found, "there is no checkpoint in " + checkpoint);
  std::error_code code;
  if (fs::exists(target, code))
    return base::error(ErrorCode::invalid_argument,
                       "there is something at " + target + " already: move it away or name another directory");
  // Complete and verified under another name first: a target that exists is good.
  const fs::path partial = target + ".restoring";
  fs::remove_all(partial, code);
  Result<void> done = copy_and_verify(checkpoint, partial, progress);
  if (!done) {
    fs::remove_all(partial, code);
    return done;
  }
  fs::rename(partial, target, code);
  if (code) return failed("rename the copy to", target, code);
  const fs::path parent = fs::absolute(target, code).parent_path();
  return sync_path(parent, O_RDONLY | O_DIRECTORY);
}

}  // namespace ledger::store
