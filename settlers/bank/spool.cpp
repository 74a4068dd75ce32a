#include "settlers/bank/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/check.h"
#include "base/codec.h"
#include "crypto/sha256.h"
#include "settlers/bank/reasons.h"
#include "settlers/bank/spool_disk.h"

namespace settlers::bank {
namespace {

using base::Bytes;
using base::ByteView;
namespace fs = std::filesystem;

constexpr std::string_view kMagic = "tabd bank spool 1\n";
constexpr std::uint8_t kQueued = 1, kFiled = 2, kFileState = 3, kBlocked = 4, kRefused = 5, kReturns = 6, kNext = 7,
                       kMoney = 8;
constexpr std::size_t kFrameHead = 4 + 8;
constexpr std::uint32_t kRecordBytesMax = 16u << 20;

Bytes frame(ByteView payload) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u32(static_cast<std::uint32_t>(payload.size()));
  out.raw(crypto::sha256(payload).view().first(8));
  out.raw(payload);
  return bytes;
}

Bytes queued_record(const QueuedPayment& payment) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kQueued);
  out.string(payment.reference);
  out.id(payment.settlement);
  out.bytes(payment.request);
  return bytes;
}

Bytes file_record(const SpoolFile& file) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kFiled);
  out.u64(file.number);
  out.string(file.name);
  out.string(file.message_id);
  out.fixed(file.sha256);
  out.u8(static_cast<std::uint8_t>((file.collection ? 1 : 0) | (file.ach ? 2 : 0) | (file.consumer ? 4 : 0) |
                                   (file.may_have_left ? 8 : 0)));
  out.u32(static_cast<std::uint32_t>(file.due));
  out.u32(static_cast<std::uint32_t>(file.written_on));
  out.u64(file.cents);
  out.u8(static_cast<std::uint8_t>(file.state));
  out.string(file.hold_reason);
  out.u32(static_cast<std::uint32_t>(file.payments.size()));
  for (const FiledPayment& payment : file.payments) {
    out.string(payment.reference);
    out.id(payment.settlement);
    out.u64(payment.cents);
    out.u64(payment.trace);
    out.u8(payment.refused ? 1 : 0);
    out.fixed(payment.account);
  }
  return bytes;
}

Bytes state_record(std::uint64_t number, FileState state, const std::string& reason) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kFileState);
  out.u64(number);
  out.u8(static_cast<std::uint8_t>(state));
  out.string(reason);
  return bytes;
}

Bytes money_record(const FiledMoney& money) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kMoney);
  out.string(money.reference);
  out.u8(money.returned ? 1 : 0);
  out.fixed(money.key);
  return bytes;
}

Bytes blocked_record(const base::Hash& account, const BlockedAccount& why) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kBlocked);
  out.fixed(account);
  out.string(why.reason);
  out.id(why.except);
  return bytes;
}

Bytes returns_record(Day day, std::uint8_t category, std::uint64_t count) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kReturns);
  out.u32(static_cast<std::uint32_t>(day));
  out.u8(category);
  out.u64(count);
  return bytes;
}

Bytes next_record(std::uint64_t file, std::uint64_t trace) {
  Bytes bytes;
  base::Encoder out(bytes);
  out.u8(kNext);
  out.u64(file);
  out.u64(trace);
  return bytes;
}

std::uint64_t sequence_of(std::uint64_t trace) { return trace % 10'000'000; }

constexpr std::string_view kFateUnknown =
    "tabd ended while it handed this file over, and it is not known whether the transport got it. Ask the bank for it, "
    "then answer: resend, if the bank does not have it; sent, if it has";

bool was_in_out(FileState state) {
  return state == FileState::handing || state == FileState::out || state == FileState::taken;
}

}  // namespace

std::string_view name(FileState state) noexcept {
  switch (state) {
    case FileState::written: return "written";
    case FileState::handing: return "handing over";
    case FileState::out: return "out";
    case FileState::taken: return "taken";
    case FileState::held: return "held";
    case FileState::voided: return "void";
  }
  return "?";
}

Spool::Spool(std::string directory) : directory_(std::move(directory)) {}

Spool::~Spool() {
  if (journal_fd_ >= 0) ::close(journal_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);  // releases the lock
}

base::Result<std::unique_ptr<Spool>> Spool::open(const std::string& directory, Day today, Day retention_days) {
  std::unique_ptr<Spool> spool(new Spool(directory));
  RETURN_IF_ERROR(spool->prepare_directories());
  RETURN_IF_ERROR(spool->load(today - retention_days));
  RETURN_IF_ERROR(spool->rewrite());
  spool->recover_handing();
  return spool;
}

base::Result<void> Spool::prepare_directories() {
  for (const char* each : {"", "/out", "/in", "/in/rejected", "/archive", "/gate", "/files"})
    RETURN_IF_ERROR(make_directory(directory_ + each));
  const std::string path = directory_ + "/lock";
  lock_fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return io_error("cannot open", path);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return io_error("cannot lock", path);
  return base::error(base::ErrorCode::permission, path + " is locked: another process uses this spool");
}

base::Result<void> Spool::load(Day oldest_due) {
  const std::string path = directory_ + "/journal";
  std::error_code ignored;
  made_now_ = !fs::exists(path, ignored);
  if (made_now_) return {};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open", path);
  Bytes bytes;
  std::uint8_t block[65536];
  for (ssize_t got; (got = ::read(fd, block, sizeof(block))) > 0;) bytes.insert(bytes.end(), block, block + got);
  ::close(fd);
  const auto damaged = [&](std::size_t at) {
    return base::error(base::ErrorCode::corruption,
                       path + " is damaged " + std::to_string(at) +
                           " bytes from its start. Restore it from a backup; do not start without it while payments "
                           "are under way");
  };
  if (bytes.size() < kMagic.size() || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) return damaged(0);
  ByteView rest = ByteView(bytes).subspan(kMagic.size());
  while (!rest.empty()) {
    base::Decoder in(rest);
    const std::uint32_t length = in.u32();
    const ByteView check = in.raw(8);
    const ByteView payload = in.raw(length);
    if (!in.ok()) break;  // torn by a crash: nothing relied on it
    const base::Hash hash = crypto::sha256(payload);
    if (!std::equal(check.begin(), check.end(), hash.bytes.begin()) || !apply(payload)) {
      if (in.at_end()) break;  // the last record, torn within
      return damaged(bytes.size() - rest.size());
    }
    rest = rest.subspan(kFrameHead + length);
  }
  for (auto it = files_.begin(); it != files_.end();) {
    const bool over =
        it->second.due < oldest_due && (it->second.state == FileState::taken || it->second.state == FileState::voided);
    if (over) {
      for (const FiledPayment& payment : it->second.payments) {
        filed_.erase(payment.reference);
        by_trace_.erase(payment.trace);
        const auto latest = latest_.find(payment.settlement.value);
        if (latest != latest_.end() && latest->second == payment.reference) latest_.erase(latest);
      }
    }
    it = over ? files_.erase(it) : std::next(it);
  }
  returns_.erase(returns_.begin(), returns_.lower_bound({oldest_due, std::uint8_t{0}}));
  return {};
}

bool Spool::apply(ByteView record) {
  base::Decoder in(record);
  switch (in.u8()) {
    case kQueued: {
      QueuedPayment payment;
      payment.reference = in.string();
      payment.settlement = in.id<base::SettlementId>();
      const ByteView request = in.bytes();
      payment.request.assign(request.begin(), request.end());
      if (!in.complete()) return false;
      if (filed_.count(payment.reference) != 0) return true;
      latest_[payment.settlement.value] = payment.reference;
      queued_.emplace(payment.reference, std::move(payment));
      return true;
    }
    case kFiled: return apply_file(in);
    case kFileState: {
      const auto found = files_.find(in.u64());
      const auto state = static_cast<FileState>(in.u8());
      std::string reason = in.string();
      if (!in.complete() || found == files_.end()) return false;
      found->second.state = state;
      found->second.hold_reason = std::move(reason);
      if (was_in_out(state)) found->second.may_have_left = true;
      return true;
    }
    case kBlocked: {
      const auto account = in.fixed<base::Hash>();
      BlockedAccount why;
      why.reason = in.string();
      why.except = in.id<base::SettlementId>();
      if (!in.complete()) return false;
      blocked_[account] = std::move(why);
      return true;
    }
    case kRefused: {
      const std::string reference = in.string();
      if (!in.complete()) return false;
      const auto found = filed_.find(reference);
      if (found != filed_.end()) files_.at(found->second.first).payments[found->second.second].refused = true;
      return true;
    }
    case kReturns: {
      const auto day = static_cast<Day>(in.u32());
      const std::uint8_t category = in.u8();
      const std::uint64_t count = in.u64();
      if (!in.complete()) return false;
      returns_[{day, category}] += count;
      return true;
    }
    case kMoney: return apply_money(in);
    case kNext:
      next_file_ = std::max(next_file_, in.u64());
      next_trace_ = in.u64();
      return in.complete();
    default: return false;
  }
}

bool Spool::apply_file(base::Decoder& in) {
  SpoolFile file;
  file.number = in.u64();
  file.name = in.string();
  file.message_id = in.string();
  file.sha256 = in.fixed<base::Hash>();
  const std::uint8_t flags = in.u8();
  file.collection = (flags & 1) != 0;
  file.ach = (flags & 2) != 0;
  file.consumer = (flags & 4) != 0;
  file.due = static_cast<Day>(in.u32());
  file.written_on = static_cast<Day>(in.u32());
  file.cents = in.u64();
  file.state = static_cast<FileState>(in.u8());
  file.hold_reason = in.string();
  // Journals of before the flag say it by the state, or by the first words of the reason.
  file.may_have_left = (flags & 8) != 0 || was_in_out(file.state) ||
                       (file.state == FileState::held && file.hold_reason.starts_with(kFateUnknown.substr(0, 40)));
  const std::uint32_t count = in.u32();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    FiledPayment payment;
    payment.reference = in.string();
    payment.settlement = in.id<base::SettlementId>();
    payment.cents = in.u64();
    payment.trace = in.u64();
    payment.refused = in.u8() != 0;
    payment.account = in.fixed<base::Hash>();
    file.payments.push_back(std::move(payment));
  }
  if (!in.complete()) return false;
  for (std::size_t i = 0; i < file.payments.size(); ++i) {
    const FiledPayment& payment = file.payments[i];
    queued_.erase(payment.reference);
    filed_[payment.reference] = {file.number, i};
    latest_[payment.settlement.value] = payment.reference;
    if (payment.trace == 0) continue;
    by_trace_[payment.trace] = {file.number, i};
    next_trace_ = sequence_of(payment.trace) + 1;  // starts again after 9,999,999
  }
  next_file_ = std::max(next_file_, file.number + 1);
  files_[file.number] = std::move(file);
  return true;
}

bool Spool::apply_money(base::Decoder& in) {
  const std::string reference = in.string();
  const bool returned = in.u8() != 0;
  const auto key = in.fixed<base::Hash>();
  if (!in.complete()) return false;
  const auto found = filed_.find(reference);
  if (found == filed_.end()) return true;
  FiledPayment& payment = files_.at(found->second.first).payments[found->second.second];
  (returned ? payment.returned : payment.booked) = key;
  return true;
}

base::Result<void> Spool::rewrite() {
  const std::string path = directory_ + "/journal";
  std::string bytes(kMagic);
  const auto add = [&bytes](const Bytes& record) {
    const Bytes framed = frame(record);
    bytes.append(framed.begin(), framed.end());
  };
  for (const auto& [number, file] : files_) {
    add(file_record(file));
    for (const FiledPayment& payment : file.payments) {
      if (!payment.booked.is_zero()) add(money_record({payment.reference, false, payment.booked}));
      if (!payment.returned.is_zero()) add(money_record({payment.reference, true, payment.returned}));
    }
  }
  add(next_record(next_file_, next_trace_));
  for (const auto& [reference, payment] : queued_) add(queued_record(payment));
  for (const auto& [account, why] : blocked_) add(blocked_record(account, why));
  for (const auto& [key, count] : returns_) add(returns_record(key.first, key.second, count));
  RETURN_IF_ERROR(write_file(directory_, "journal", bytes));
  journal_fd_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (journal_fd_ < 0) return io_error("cannot open", path);
  return {};
}

base::Result<void> Spool::append(const std::vector<Bytes>& records) {
  const std::string path = directory_ + "/journal";
  if (broken_) return base::error(base::ErrorCode::io, path + " could not be written before; restart tabd");
  Bytes bytes;
  for (const Bytes& record : records) {
    CHECK(record.size() <= kRecordBytesMax);
    const Bytes framed = frame(record);
    bytes.insert(bytes.end(), framed.begin(), framed.end());
  }
  if (base::Result<void> written = append_synced(journal_fd_, bytes, path); !written) {
    broken_ = true;  // what is on disk is not known any more
    return written;
  }
  for (const Bytes& record : records) CHECK(apply(record));
  return {};
}

base::Result<void> Spool::queue(const std::vector<QueuedPayment>& payments) {
  std::vector<Bytes> records;
  for (const QueuedPayment& payment : payments) {
    if (queued_.count(payment.reference) == 0 && filed_.count(payment.reference) == 0)
      records.push_back(queued_record(payment));
  }
  if (records.empty()) return {};
  return append(records);
}

Whereabouts Spool::find(const std::string& reference) const {
  Whereabouts where;
  where.queued = queued_.count(reference) != 0;
  const auto found = filed_.find(reference);
  if (found != filed_.end()) where.file = &files_.at(found->second.first);
  return where;
}

base::Result<void> Spool::add_file(SpoolFile file, const std::string& bytes) {
  CHECK(file.number == next_file_ && !file.payments.empty());
  for (const FiledPayment& payment : file.payments) CHECK(queued_.count(payment.reference) == 1);
  file.sha256 = crypto::sha256(ByteView(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  RETURN_IF_ERROR(write_file(directory_ + "/files", file.name, bytes));
  return append({file_record(file)});
}

base::Result<void> Spool::set_state(std::uint64_t number, FileState state, const std::string& reason) {
  return append({state_record(number, state, reason)});
}

base::Result<void> Spool::hold(std::uint64_t number, const std::string& reason) {
  return set_state(number, FileState::held, reason);
}

base::Result<void> Spool::hand_over(std::uint64_t number) {
  const SpoolFile& file = files_.at(number);
  CHECK(file.state == FileState::written);
  ASSIGN_OR_RETURN(const std::string bytes, read_file(directory_ + "/files/" + file.name));
  const base::Hash hash = crypto::sha256(ByteView(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  if (hash != file.sha256)
    return hold(number, "its bytes in files/ are not those that were written; restore them from a backup");
  RETURN_IF_ERROR(set_state(number, FileState::handing, {}));
  RETURN_IF_ERROR(write_file(directory_ + "/out", file.name, bytes));
  return set_state(number, FileState::out, {});
}

// After a crash between the two: what is in out/ or archive/ was handed over, anything else is for the operator.
void Spool::recover_handing() {
  std::error_code ignored;
  for (auto& [number, file] : files_) {
    if (file.state != FileState::handing) continue;
    const bool there = fs::exists(directory_ + "/out/" + file.name, ignored) ||
                       fs::exists(directory_ + "/archive/" + file.name, ignored);
    const base::Result<void> recorded =
        there ? set_state(number, FileState::out, {}) : hold(number, std::string(kFateUnknown));
    if (!recorded) broken_ = true;
  }
}

base::Result<void> Spool::mark_refused(const std::vector<std::string>& references) {
  std::vector<Bytes> records;
  for (const std::string& reference : references) {
    Bytes bytes;
    base::Encoder out(bytes);
    out.u8(kRefused);
    out.string(reference);
    records.push_back(std::move(bytes));
  }
  return records.empty() ? base::Result<void>() : append(records);
}

base::Result<void> Spool::mark_money(const std::vector<FiledMoney>& money) {
  std::vector<Bytes> records;
  for (const FiledMoney& each : money) {
    const FiledPayment* payment = find_filed(each.reference);
    const bool known = payment == nullptr || (each.returned ? payment->returned : payment->booked) == each.key;
    if (!known) records.push_back(money_record(each));
  }
  return records.empty() ? base::Result<void>() : append(records);
}

const SpoolFile* Spool::find_message(std::string_view message_id) const {
  if (message_id.empty()) return nullptr;
  for (auto it = files_.rbegin(); it != files_.rend(); ++it) {
    if (it->second.message_id == message_id) return &it->second;
  }
  return nullptr;
}

const FiledPayment* Spool::find_trace(std::uint64_t trace) const {
  const auto found = by_trace_.find(trace);
  return found == by_trace_.end() ? nullptr : &files_.at(found->second.first).payments[found->second.second];
}

base::Result<void> Spool::block(const std::vector<std::pair<base::Hash, BlockedAccount>>& accounts) {
  std::vector<Bytes> records;
  for (const auto& [account, why] : accounts) {
    const auto found = blocked_.find(account);
    if (found != blocked_.end() && found->second.reason == why.reason && found->second.except == why.except) continue;
    records.push_back(blocked_record(account, why));
  }
  return records.empty() ? base::Result<void>() : append(records);
}

const BlockedAccount* Spool::blocked(const base::Hash& account) const {
  const auto found = blocked_.find(account);
  return found == blocked_.end() ? nullptr : &found->second;
}

base::Result<void> Spool::raise_alarm(const std::string& reason) { return block({{base::Hash{}, {reason, {}}}}); }

std::string Spool::alarm() const {
  const BlockedAccount* found = blocked(base::Hash{});
  return found == nullptr ? std::string() : found->reason;
}

const FiledPayment* Spool::find_filed(const std::string& reference) const {
  const auto found = filed_.find(reference);
  return found == filed_.end() ? nullptr : &files_.at(found->second.first).payments[found->second.second];
}

base::Result<void> Spool::note_returns(Day day, const std::vector<std::uint8_t>& categories) {
  std::map<std::uint8_t, std::uint64_t> counts;
  for (const std::uint8_t category : categories) ++counts[category];
  std::vector<Bytes> records;
  for (const auto& [category, count] : counts) records.push_back(returns_record(day, category, count));
  return records.empty() ? base::Result<void>() : append(records);
}

Spool::ReturnCounts Spool::returns_since(Day day) const {
  ReturnCounts counts;
  for (const auto& [number, file] : files_) {
    if (file.ach && file.collection && file.due >= day && file.state != FileState::voided)
      counts.debits += file.payments.size();
  }
  for (const auto& [key, count] : returns_) {
    if (key.first < day) continue;
    counts.all += count;
    if (key.second == static_cast<std::uint8_t>(ReturnCategory::unauthorized)) counts.unauthorized += count;
    if (key.second == static_cast<std::uint8_t>(ReturnCategory::administrative)) counts.administrative += count;
  }
  return counts;
}

}  // namespace settlers::bank
