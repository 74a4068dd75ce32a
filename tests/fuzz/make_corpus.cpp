// Writes the corpus, all but the configuration files: fuzz_make_corpus <tests/fuzz/corpus>. Run it after a format
// changed on purpose and commit the result.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "crypto/merkle.h"
#include "evm/order.h"
#include "ledger/core/entry.h"
#include "ledger/core/row.h"
#include "ledger/core/segment.h"
#include "tests/fuzz/filler.h"
#include "tests/fuzz/proof_corpus.h"
#include "tests/support/actors.h"

namespace {

namespace core = ledger::core;
namespace tab = commitments::tab;

std::filesystem::path root;

void write_file(const std::string& target, const std::string& name, base::ByteView bytes) {
  std::filesystem::create_directories(root / target);
  std::ofstream file(root / target / name, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) {
    std::fprintf(stderr, "cannot write %s\n", (root / target / name).c_str());
    std::exit(1);
  }
}

void write_text(const std::string& target, const std::string& name, std::uint8_t first, std::string_view text) {
  base::Bytes bytes{first};
  bytes.insert(bytes.end(), text.begin(), text.end());
  write_file(target, name, bytes);
}

template <std::size_t... Kinds>
std::vector<core::Entry> all_entries(std::uint64_t seed, std::index_sequence<Kinds...>) {
  fuzz::Filler filler(seed);
  return {core::Entry(filler.make<std::variant_alternative_t<Kinds, core::Entry>>())...};
}
std::vector<core::Entry> all_entries(std::uint64_t seed) {
  return all_entries(seed, std::make_index_sequence<std::variant_size_v<core::Entry>>{});
}

void make_entries() {
  for (const std::uint64_t seed : {1u, 2u}) {
    for (const core::Entry& entry : all_entries(seed)) {
      base::Bytes bytes;
      base::Encoder out(bytes);
      core::encode_entry(entry, out);
      write_file("entry", "valid-" + std::string(core::kind_name(core::kind_of(entry))) + "-" + std::to_string(seed),
                 bytes);
    }
  }
}

void make_segments() {
  const crypto::SecretKey key = support::secret_key(support::Role::keeper, 0);
  const tab::Domain domain{support::kNetwork};
  for (const std::size_t count : {1u, 3u, 24u}) {
    core::SegmentBuilder builder(core::SegmentId(count), core::Sequence(10), base::Time::from_seconds(support::kNow));
    const std::vector<core::Entry> entries = all_entries(3);
    for (std::size_t i = 0; i < count; ++i) builder.append(entries[i]);
    core::Segment segment = builder.finish(support::test_hash(1), support::test_hash(2));
    segment.signature = key.sign(tab::segment_digest(domain, count, core::hash_of(segment.header)));
    write_file("segment", "valid-" + std::to_string(count) + "-entries", core::encode(segment));
  }
}

template <typename T>
void make_row(core::Table table, const std::string& name) {
  for (const std::uint64_t seed : {1u, 2u}) {
    base::Bytes bytes = core::table_prefix(table);
    fuzz::Filler filler(seed);
    const core::Bytes value = core::encode_row(filler.make<T>());
    bytes.insert(bytes.end(), value.begin(), value.end());
    write_file("row", "valid-" + name + "-" + std::to_string(seed), bytes);
  }
}

void make_rows() {
  make_row<core::LedgerHead>(core::Table::head, "head");
  make_row<core::Relay>(core::Table::relay, "relay");
  make_row<core::ChannelCounts>(core::Table::channel_counts, "channel_counts");
  make_row<core::Earnings>(core::Table::earnings, "earnings");
  make_row<core::Channel>(core::Table::channel, "channel");
  make_row<core::Notice>(core::Table::notice, "notice");
  make_row<core::NoticeMark>(core::Table::notice_mark, "notice_mark");
  make_row<core::OpenNotice>(core::Table::open_notice, "open_notice");
  make_row<core::Series>(core::Table::series, "series");
  make_row<core::CreditNote>(core::Table::credit_note, "credit_note");
  make_row<core::Payment>(core::Table::payment, "payment");
  make_row<core::ClosedStatement>(core::Table::closed_statement, "closed_statement");
  make_row<core::ReleaseDefaults>(core::Table::release_defaults, "release_defaults");
  make_row<core::Asset>(core::Table::asset, "asset");
  make_row<core::Plan>(core::Table::plan, "plan");
  make_row<core::Payer>(core::Table::payer, "payer");
  make_row<core::Tally>(core::Table::tally, "tally");
  make_row<aggregator::Line>(core::Table::line, "line");
  make_row<core::Payee>(core::Table::payee, "payee");
  make_row<core::PayeeBalance>(core::Table::payee_balance, "payee_balance");
  make_row<core::Server>(core::Table::server, "server");
  make_row<core::MandateState>(core::Table::mandate, "mandate");
  make_row<core::Tab>(core::Table::tab, "tab");
  make_row<core::Hold>(core::Table::hold, "hold");
  make_row<core::Statement>(core::Table::statement, "statement");
  make_row<core::StatementMark>(core::Table::statement_mark, "statement_mark");
  make_row<core::Settlement>(core::Table::settlement, "settlement");
  make_row<core::OpenSettlement>(core::Table::open_settlement, "open_settlement");
  make_row<core::OperatorBalance>(core::Table::operator_balance, "operator_balance");
}

void make_texts() {
  int number = 0;
  for (const char* text :
       {"0", "1250000", "170141183460469231731687303715884105727", "1.25", "0.000001", "0x", "0xdeadbeef", "DEADBEEF",
        "0x5fbdb2315678afecb367f032d93f642f64180aa3", "tokens", "stablecoin"}) {
    write_text("text", "valid-" + std::to_string(++number), 6, text);
  }
  for (const char* text :
       {"170141183460469231731687303715884105728", "1.", ".5", "-1", "1e3", "0x123", " 1", "1.2345678", "an empty line",
        "000000000000000000000000000000000000000000000000000000000000000000001"}) {
    write_text("text", "refused-" + std::to_string(++number), 6, text);
  }
}

// Programs for tests/fuzz/verify.cpp: piece, damage, then items.
void make_batches() {
  const base::Bytes charge = {1, 0, 0, 1, 1, 100, 0, 0, 7, 0, 200, 0, 0, 0, 0, 1, 0, 1, 50, 1, 1, 0};
  const base::Bytes head = {32, 0};
  base::Bytes one = head;
  one.insert(one.end(), charge.begin(), charge.end());
  write_file("verify", "one-charge", one);
  base::Bytes many = head;
  for (int i = 0; i < 20; ++i) {
    many.insert(many.end(), charge.begin(), charge.end());
    many.push_back(static_cast<std::uint8_t>(i * 13));
  }
  write_file("verify", "many", many);
  write_file("verify", "voucher", base::Bytes{1, 0, 5, 1, 1, 1, 1, 1, 90, 0, 0, 2, 0, 1, 5, 1, 1, 1, 9, 2, 2, 1});
  write_file("verify", "capture", base::Bytes{1, 0, 3, 1, 255, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 1, 5, 1, 1, 255});
  write_file("verify", "other-network", base::Bytes{1, 1, 1, 0, 0, 1});
}

// Streams for tests/fuzz/frame.cpp: limit and cutting, then messages.
void make_frames() {
  const auto word = [](base::Bytes& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  const auto message = [&](base::Bytes& out, std::initializer_list<std::uint32_t> sizes) {
    word(out, static_cast<std::uint32_t>(sizes.size() - 1));
    std::size_t words = 0;
    for (const std::uint32_t size : sizes) word(out, size), words += size;
    if (sizes.size() % 2 == 0) word(out, 0);
    out.insert(out.end(), 8 * words, 0x5a);
  };
  base::Bytes one{10}, several{13}, empty{3}, wraps{10}, greedy{4}, many{10}, cut{10};
  message(one, {3});
  message(several, {1, 2}), message(several, {4}), message(several, {0, 0, 1});
  message(empty, {0});
  word(wraps, 0xffffffff), word(wraps, 0);
  word(greedy, 0), word(greedy, 17);
  word(many, 100'000);
  message(cut, {5});
  cut.resize(cut.size() - 3);
  write_file("frame", "valid-one", one);
  write_file("frame", "valid-several", several);
  write_file("frame", "valid-empty", empty);
  write_file("frame", "refused-count-wraps", wraps);
  write_file("frame", "refused-too-many-words", greedy);
  write_file("frame", "refused-too-many-segments", many);
  write_file("frame", "unfinished", cut);
}

void make_orders() {
  evm::RelayOrder order;
  order.chain_id = 8453;
  order.to.bytes.fill(1);
  order.data = {1, 2, 3, 4, 5};
  order.deadline_s = 1'900'000'000;
  order.proof = {{order.to, {base::Hash{}}, std::nullopt}};
  write_file("order", "valid-short", evm::encode(order));
  order.proof.push_back({order.to, {base::Hash{}, base::Hash{}, base::Hash{}, base::Hash{}}, base::Bytes(32)});
  order.elsewhere = order.proof;
  write_file("order", "valid-long", evm::encode(order));
  base::Bytes cut = evm::encode(order);
  cut.pop_back();
  write_file("order", "refused-cut", cut);
  order.proof.clear();
  write_file("order", "refused-without-proof", evm::encode(order));
  write_file("order", "refused-version", base::Bytes{2, 0, 0});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s <corpus directory, normally tests/fuzz/corpus>\n", argv[0]);
    return 2;
  }
  root = argv[1];
  make_entries();
  make_segments();
  make_rows();
  make_texts();
  make_batches();
  make_frames();
  make_orders();
  for (const auto& [name, bytes] : fuzz::make_proofs()) write_file("proof", name, bytes);
  return 0;
}
