#include "settlers/stablecoin/nonce_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/check.h"
#include "crypto/sha256.h"

namespace settlers::stablecoin {

namespace {

using base::Bytes;
using base::ByteView;

constexpr std::string_view kMagic = "tabd nonces 1\n";
constexpr std::size_t kHeaderBytes = 14 + 8 + 20;
constexpr std::size_t kFrameBytes = 4 + 8;
// A slot with all replacements of a transaction that claims 256 channels (limits::kSettlementRequestBytesMax each).
constexpr std::uint32_t kPayloadBytesMax = 8 * 1024 * 1024;
// The file is rewritten without what is over when it has grown by this and to twice what it was then.
constexpr std::uint64_t kRewriteBytes = 4 * 1024 * 1024;
constexpr std::uint8_t kKindNext = 1;
constexpr std::uint8_t kKindSlot = 2;
constexpr std::uint8_t kKindForget = 3;
constexpr mode_t kFileMode = 0600;

tl::unexpected<base::Error> io_error(const std::string& what, const std::string& path) {
  return base::error(base::ErrorCode::io, what + " " + path + ": " + std::strerror(errno));
}

Bytes header(std::uint64_t chain_id, const base::Address& account) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.raw(ByteView(reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()));
  out.u64(chain_id);
  out.fixed(account);
  CHECK(bytes.size() == kHeaderBytes);
  return bytes;
}

Bytes frame(ByteView payload) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u32(static_cast<std::uint32_t>(payload.size()));
  out.raw(crypto::sha256(payload).view().first(8));
  out.raw(payload);
  return bytes;
}

Bytes number_payload(std::uint8_t kind, std::uint64_t number) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kind);
  out.u64(number);
  return bytes;
}

Bytes slot_payload(const Slot& slot) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kKindSlot);
  out.u64(slot.nonce);
  out.u8(static_cast<std::uint8_t>(slot.state));
  out.fixed(slot.key);
  out.fixed(slot.intent);
  out.u32(static_cast<std::uint32_t>(slot.variants.size()));
  for (const SignedTransaction& variant : slot.variants) {
    out.fixed(variant.hash);
    out.bytes(variant.raw);
  }
  return bytes;
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

bool sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

base::Result<Bytes> read_file(int fd, const std::string& path) {
  Bytes bytes;
  std::uint8_t block[65536];
  for (;;) {
    const ssize_t got = ::read(fd, block, sizeof(block));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("cannot read", path);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), block, block + got);
  }
}

}  // namespace

NonceStore::NonceStore(std::string directory, std::uint64_t chain_id, const base::Address& account)
    : directory_(std::move(directory)), chain_id_(chain_id), account_(account) {}

NonceStore::~NonceStore() {
  if (file_fd_ >= 0) ::close(file_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);  // releases the lock
}

base::Result<std::unique_ptr<NonceStore>> NonceStore::open(const std::string& directory, std::uint64_t chain_id,
                                                           const base::Address& account) {
  const std::string own = directory + "/" + std::to_string(chain_id) + "-" + base::to_hex(account);
  std::error_code failed;
  std::filesystem::create_directories(own, failed);
  if (failed) return base::error(base::ErrorCode::io, "cannot make " + own + ": " + failed.message());
  std::unique_ptr<NonceStore> store(new NonceStore(own, chain_id, account));
  RETURN_IF_ERROR(store->lock());
  RETURN_IF_ERROR(store->load());
  RETURN_IF_ERROR(store->rewrite());
  return store;
}

base::Result<void> NonceStore::lock() {
  const std::string path = directory_ + "/lock";
  lock_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (lock_fd_ < 0) return io_error("cannot open", path);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return io_error("cannot lock", path);
    return base::error(base::ErrorCode::permission, path + " is locked: another process owns the nonces of " +
                                                        base::to_hex(account_) + " on chain " +
                                                        std::to_string(chain_id_) +
                                                        "; two signers would overwrite each other's payments");
  }
  return {};
}

base::Result<void> NonceStore::load() {
  const std::string path = directory_ + "/nonces";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return {};
    return io_error("cannot open", path);
  }
  base::Result<Bytes> read = read_file(fd, path);
  ::close(fd);
  ASSIGN_OR_RETURN(const Bytes bytes, std::move(read));
  const Bytes expected = header(chain_id_, account_);
  if (bytes.size() < kHeaderBytes || !std::equal(expected.begin(), expected.end(), bytes.begin()))
    return base::error(base::ErrorCode::corruption,
                       path +
                           " does not begin as the nonces of this chain and account do. Restore it from a backup; "
                           "without one, move it away only when no payment is under way");
  ByteView rest = ByteView(bytes).subspan(kHeaderBytes);
  while (!rest.empty()) {
    base::Decoder in(rest);
    const std::uint32_t length = in.u32();
    const ByteView check = in.raw(8);
    if (length > kPayloadBytesMax) in.fail();
    const ByteView payload = in.raw(length);
    if (!in.ok() && rest.size() < kFrameBytes + kPayloadBytesMax) break;  // torn by a crash: nothing relied on it
    const base::Hash hash = crypto::sha256(payload);
    if (!in.ok() || !std::equal(check.begin(), check.end(), hash.bytes.begin()) || !apply(payload)) {
      if (in.ok() && in.at_end()) break;  // the last frame
      return base::error(base::ErrorCode::corruption,
                         path + " is damaged " + std::to_string(bytes.size() - rest.size()) +
                             " bytes from its start. Restore it from a backup; without one, move it away only when no "
                             "payment is under way");
    }
    rest = rest.subspan(kFrameBytes + length);
  }
  return {};
}

bool NonceStore::apply(ByteView payload) {
  base::Decoder in(payload);
  const std::uint8_t kind = in.u8();
  if (kind == kKindNext || kind == kKindForget) {
    const std::uint64_t number = in.u64();
    if (!in.complete()) return false;
    if (kind == kKindNext)
      next_ = std::max(next_, number);
    else
      slots_.erase(slots_.begin(), slots_.lower_bound(number));
    return true;
  }
  if (kind != kKindSlot) return false;
  Slot slot;
  slot.nonce = in.u64();
  slot.state = static_cast<SlotState>(in.u8());
  slot.key = in.fixed<base::Hash>();
  slot.intent = in.fixed<base::Hash>();
  const std::uint32_t variants = in.u32();
  for (std::uint32_t i = 0; i < variants && in.ok(); ++i) {
    SignedTransaction variant;
    variant.hash = in.fixed<base::Hash>();
    const ByteView raw = in.bytes();
    variant.raw.assign(raw.begin(), raw.end());
    slot.variants.push_back(std::move(variant));
  }
  if (!in.complete()) return false;
  next_ = std::max(next_, slot.nonce + 1);
  slots_[slot.nonce] = std::move(slot);
  return true;
}

base::Result<void> NonceStore::rewrite() {
  const std::string path = directory_ + "/nonces";
  const std::string fresh = path + ".new";
  Bytes bytes = header(chain_id_, account_);
  const auto add = [&bytes](ByteView payload) {
    const Bytes framed = frame(payload);
    bytes.insert(bytes.end(), framed.begin(), framed.end());
  };
  add(number_payload(kKindNext, next_));
  for (const auto& [nonce, slot] : slots_) add(slot_payload(slot));
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (fd < 0) return io_error("cannot create", fresh);
  if (!write_all(fd, bytes) || ::fsync(fd) != 0) {
    const auto failed = io_error("cannot write", fresh);
    ::close(fd);
    return failed;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0 || !sync_directory(directory_)) {
    const auto failed = io_error("cannot replace", path);
    ::close(fd);
    return failed;
  }
  if (file_fd_ >= 0) ::close(file_fd_);
  file_fd_ = fd;  // positioned at its end
  file_bytes_ = bytes.size();
  rewrite_at_ = 2 * file_bytes_ + kRewriteBytes;
  return {};
}

base::Result<void> NonceStore::append(const std::vector<Bytes>& payloads) {
  if (broken_) return base::error(base::ErrorCode::io, directory_ + " could not be written before; restart tabd");
  Bytes bytes;
  for (const Bytes& payload : payloads) {
    CHECK(payload.size() <= kPayloadBytesMax);
    const Bytes framed = frame(payload);
    bytes.insert(bytes.end(), framed.begin(), framed.end());
  }
  if (!write_all(file_fd_, bytes) || ::fdatasync(file_fd_) != 0) {
    broken_ = true;  // what is on disk is not known any more
    return io_error("cannot write", directory_ + "/nonces");
  }
  file_bytes_ += bytes.size();
  for (const Bytes& payload : payloads) CHECK(apply(payload));
  if (file_bytes_ > rewrite_at_) {
    base::Result<void> rewritten = rewrite();
    if (!rewritten) broken_ = true;
    return rewritten;
  }
  return {};
}

const Slot* NonceStore::find(std::uint64_t nonce) const {
  const auto found = slots_.find(nonce);
  return found == slots_.end() ? nullptr : &found->second;
}

const Slot* NonceStore::find_key(const base::Hash& key) const {
  for (const auto& [nonce, slot] : slots_) {
    if (slot.key == key && slot.state != SlotState::abandoned) return &slot;
  }
  return nullptr;
}

base::Result<void> NonceStore::raise_next(std::uint64_t at_least) {
  if (at_least <= next_) return {};
  return append({number_payload(kKindNext, at_least)});
}

base::Result<void> NonceStore::put(const std::vector<Slot>& slots) {
  std::vector<Bytes> payloads;
  for (const Slot& slot : slots) payloads.push_back(slot_payload(slot));
  return append(payloads);
}

base::Result<void> NonceStore::forget_below(std::uint64_t nonce) {
  if (slots_.empty() || slots_.begin()->first >= nonce) return {};
  return append({number_payload(kKindForget, nonce)});
}

}  // namespace settlers::stablecoin
