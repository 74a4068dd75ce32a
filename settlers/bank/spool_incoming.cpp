// What the bank sends: in/ and archive/, and whether a payment is still open for it.

#include <algorithm>
#include <filesystem>

#include "crypto/sha256.h"
#include "settlers/bank/spool.h"
#include "settlers/bank/spool_disk.h"

namespace settlers::bank {
namespace {

namespace fs = std::filesystem;

// Banks use a name again: the file that is there already is kept.
std::string unused_name(const std::string& directory, const std::string& name) {
  std::error_code ignored;
  const std::string kept = shortened_name(name);
  std::string candidate = kept;
  for (int i = 2; fs::exists(directory + "/" + candidate, ignored); ++i) candidate = kept + "." + std::to_string(i);
  return candidate;
}

}  // namespace

std::vector<std::string> Spool::incoming() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_ + "/in", ignored)) {
    const std::string name = entry.path().filename().string();
    const bool unfinished = name.starts_with(".") || name.ends_with(".tmp") || name.ends_with(".part");
    if (!unfinished && entry.is_regular_file(ignored)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

base::Result<std::string> Spool::read_incoming(const std::string& name) const {
  return read_file(directory_ + "/in/" + name);
}

base::Result<void> Spool::archive_incoming(const std::string& name) {
  return move_file(directory_ + "/in", directory_ + "/archive", name, unused_name(directory_ + "/archive", name));
}

std::vector<std::string> Spool::archived() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_ + "/archive", ignored))
    if (entry.is_regular_file(ignored)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

base::Result<std::string> Spool::read_archived(const std::string& name) const {
  return read_file(directory_ + "/archive/" + name);
}

base::Result<void> Spool::reject_incoming(const std::string& name, const std::string& reason) {
  const std::string kept = unused_name(directory_ + "/in/rejected", name);
  RETURN_IF_ERROR(write_file(directory_ + "/in/rejected", kept + ".reason", reason + "\n"));
  return move_file(directory_ + "/in", directory_ + "/in/rejected", name, kept);
}

bool Spool::is_written_here(const std::string& bytes) const {
  const base::Hash hash =
      crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  return std::any_of(files_.begin(), files_.end(), [&](const auto& each) { return each.second.sha256 == hash; });
}

bool Spool::is_superseded(const FiledPayment& payment) const {
  const auto found = latest_.find(payment.settlement.value);
  return found != latest_.end() && found->second != payment.reference;
}

}  // namespace settlers::bank
