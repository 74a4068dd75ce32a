#include "ledger/store/manifest.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include <rocksdb/env.h>

#include "ledger/store/database.h"

namespace ledger::store {

namespace {

// The log format that RocksDB took over from LevelDB: blocks of 32 KiB with records of `u32` masked CRC-32C (over type
// and data), `u16` length, `u8` type, data. The last bytes of a block that cannot hold a header are zero.
constexpr std::size_t kBlockBytes = 32'768;
constexpr std::size_t kHeaderBytes = 7;
enum RecordType : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

std::uint32_t crc32c(std::string_view bytes) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

std::uint32_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

// The size of the whole and right record at `at`; zero if there is none.
std::size_t record_at(std::string_view bytes, std::size_t at) {
  const std::size_t left = std::min(kBlockBytes - at % kBlockBytes, bytes.size() - at);
  if (left < kHeaderBytes) return 0;
  const std::size_t length = byte_at(bytes, at + 4) | byte_at(bytes, at + 5) << 8;
  const std::uint32_t type = byte_at(bytes, at + 6);
  if (type < kFull || type > kLast || length == 0 || length > left - kHeaderBytes) return 0;
  const std::uint32_t stored =
      byte_at(bytes, at) | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2) << 16 | byte_at(bytes, at + 3) << 24;
  return masked(crc32c(bytes.substr(at + 6, length + 1))) == stored ? kHeaderBytes + length : 0;
}

struct Extent {
  std::size_t whole = 0;  // where the last whole record ends: of all parts
  std::size_t wrong = 0;  // where the first wrong part begins
};

Extent read_records(std::string_view bytes) {
  Extent extent;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (kBlockBytes - at % kBlockBytes < kHeaderBytes) {
      at += kBlockBytes - at % kBlockBytes;
      continue;
    }
    const std::size_t size = record_at(bytes, at);
    if (size == 0) break;
    const std::uint32_t type = byte_at(bytes, at + 6);
    at += size;
    if (type == kFull || type == kLast) extent.whole = at;
  }
  extent.wrong = std::min(at, bytes.size());
  return extent;
}

base::Result<bool> failed(const rocksdb::Status& status, const std::string& file) {
  return tl::unexpected(to_error(status, "mend the file index", file));
}

}  // namespace

base::Result<bool> cut_torn_manifest(const std::string& path, rocksdb::Env& env) {
  std::string current;
  rocksdb::Status status = rocksdb::ReadFileToString(&env, path + "/CURRENT", &current);
  if (!status.ok()) return failed(status, path + "/CURRENT");
  while (!current.empty() && current.back() == '\n') current.pop_back();
  const std::string file = path + "/" + current;
  std::string bytes;
  status = rocksdb::ReadFileToString(&env, file, &bytes);
  if (!status.ok()) return failed(status, file);

  const Extent extent = read_records(bytes);
  if (extent.wrong == bytes.size() || extent.whole == 0) return false;  // nothing torn, or nothing to keep
  for (std::size_t at = extent.wrong + 1; at < bytes.size(); ++at) {
    if (record_at(bytes, at) == 0) continue;
    return base::error(base::ErrorCode::corruption, file + " is damaged at byte " + std::to_string(extent.wrong) +
                                                        ", and whole records follow: synced bytes have changed; " +
                                                        std::string(kRestoreRemedy));
  }
  const std::string mended = path + "/MANIFEST.dbtmp";
  status = rocksdb::WriteStringToFile(&env, std::string_view(bytes).substr(0, extent.whole), mended, true);
  if (status.ok()) status = env.RenameFile(mended, file);
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env.NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  if (!status.ok()) return failed(status, file);
  return true;
}

}  // namespace ledger::store
