// Golden bytes of every entry kind, every row, keys and a segment. The values are filled in field by field from a
// counter, so that two exchanged fields show.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "ledger/core/fields.h"
#include "ledger/core/replay_index.h"
#include "ledger/core/segment.h"

namespace ledger::core {
namespace {

// An archive like Writer and Reader that gives every field its own value.
class Filler {
 public:
  template <typename... Ts>
  void operator()(Ts&... values) {
    (fill(values), ...);
  }

 private:
  void fill(bool& value) { value = true; }
  template <std::unsigned_integral T>
  void fill(T& value) {
    value = static_cast<T>(next());
  }
  template <typename T>
  requires std::is_enum_v<T>
  void fill(T& value) { value = static_cast<T>(1); }
  void fill(base::u128& value) {
    const base::u128 high = next();
    value = (high << 64) | next();
  }
  void fill(base::i128& value) { value = -static_cast<base::i128>(next()); }
  void fill(Amount& value) {
    base::u128 units = 0;
    fill(units);
    value = *Amount::from_units(units);
  }
  void fill(Time& value) { value.us = next(); }
  template <typename Tag, typename Number>
  void fill(base::Id<Tag, Number>& value) {
    value.value = static_cast<Number>(next());
  }
  template <std::size_t N>
  void fill(base::FixedBytes<N>& value) {
    for (std::size_t i = 0; i < N; ++i) value.bytes[i] = static_cast<std::uint8_t>(next() + i);
  }
  template <std::size_t N>
  void fill(base::ShortText<N>& value) {
    value = *base::ShortText<N>::parse("t" + std::to_string(next() % 1000));
  }
  void fill(base::Uint256& value) {
    Hash word;
    fill(word);
    value = base::Uint256::from_word(word);
  }
  void fill(std::string& value) { value = "s" + std::to_string(next()); }
  void fill(Bytes& value) {
    value.resize(2);
    for (std::uint8_t& byte : value) byte = static_cast<std::uint8_t>(next());
  }
  void fill(crypto::MerkleFrontier& value) {
    for (int i = 0; i < 3; ++i) {
      Hash leaf;
      fill(leaf);
      value.append(leaf);
    }
  }
  template <typename T>
  requires(!std::same_as<T, std::uint8_t>) void fill(std::vector<T>& values) {
    for (int i = 0; i < 2; ++i) fill(values.emplace_back());
  }
  template <typename T>
  requires std::is_class_v<T>
  void fill(T& value) { fields(*this, value); }

  std::uint64_t next() { return ++counter_; }
  std::uint64_t counter_ = 0;
};

template <typename T>
T filled() {
  T value;
  Filler filler;
  filler(value);
  return value;
}

std::map<std::string, std::string> read_golden() {
  std::map<std::string, std::string> lines;
  std::ifstream file(TABD_GOLDEN_FILE);
  std::string name, hex;
  while (file >> name >> hex) lines[name] = hex;
  return lines;
}

using Named = std::vector<std::pair<std::string, Bytes>>;

template <std::size_t... Index>
void add_entries(Named& all, std::index_sequence<Index...>) {
  const auto add = [&all](const Entry& entry) {
    Bytes bytes;
    base::Encoder out(bytes);
    encode_entry(entry, out);
    all.emplace_back("entry." + std::string(kind_name(kind_of(entry))), std::move(bytes));
  };
  (add(Entry(filled<std::variant_alternative_t<Index, Entry>>())), ...);
}

Named present_bytes() {
  Named all;
  add_entries(all, std::make_index_sequence<std::variant_size_v<Entry>>{});
  all.emplace_back("row.head", encode_row(filled<LedgerHead>()));
  all.emplace_back("row.asset", encode_row(filled<Asset>()));
  all.emplace_back("row.plan", encode_row(filled<Plan>()));
  all.emplace_back("row.payer", encode_row(filled<Payer>()));
  all.emplace_back("row.tally", encode_row(filled<Tally>()));
  all.emplace_back("row.line", encode_row(filled<aggregator::Line>()));
  all.emplace_back("row.payee", encode_row(filled<Payee>()));
  all.emplace_back("row.payee_balance", encode_row(filled<PayeeBalance>()));
  all.emplace_back("row.server", encode_row(filled<Server>()));
  all.emplace_back("row.mandate", encode_row(filled<MandateState>()));
  all.emplace_back("row.tab", encode_row(filled<Tab>()));
  all.emplace_back("row.hold", encode_row(filled<Hold>()));
  all.emplace_back("row.statement", encode_row(filled<Statement>()));
  all.emplace_back("row.statement_mark", encode_row(filled<StatementMark>()));
  all.emplace_back("row.settlement", encode_row(filled<Settlement>()));
  all.emplace_back("row.open_settlement", encode_row(filled<OpenSettlement>()));
  all.emplace_back("row.operator_balance", encode_row(filled<OperatorBalance>()));
  all.emplace_back("row.relay", encode_row(filled<Relay>()));
  all.emplace_back("row.notice", encode_row(filled<Notice>()));
  all.emplace_back("row.notice_mark", encode_row(filled<NoticeMark>()));
  all.emplace_back("row.open_notice", encode_row(filled<OpenNotice>()));
  all.emplace_back("row.series", encode_row(filled<Series>()));
  all.emplace_back("row.credit_note", encode_row(filled<CreditNote>()));
  all.emplace_back("row.payment", encode_row(filled<Payment>()));
  all.emplace_back("row.closed_statement", encode_row(filled<ClosedStatement>()));
  all.emplace_back("row.release_defaults", encode_row(filled<ReleaseDefaults>()));
  all.emplace_back("row.channel", encode_row(filled<Channel>()));
  all.emplace_back("row.earnings", encode_row(filled<Earnings>()));
  all.emplace_back("row.channel_counts", encode_row(filled<ChannelCounts>()));
  all.emplace_back("key.one", row_key(Table::payer, 258));
  all.emplace_back("key.two", row_key(Table::tally, 258, 3));
  all.emplace_back("key.three", row_key(Table::line, 258, 3, 4));
  all.emplace_back("key.address", row_key(Table::payer_by_address, filled<Address>()));
  all.emplace_back("key.hash", row_key(Table::tab_by_key, filled<Hash>()));
  const auto replay = [&all](const char* name, const ReplayKey& key) {
    all.emplace_back(name, Bytes(key.bytes.begin(), key.bytes.end()));
  };
  replay("replay.single_use", replay_key_single_use(PayerId(258), (static_cast<base::u128>(1) << 64) | 2));
  replay("replay.finish", replay_key_finish(PayerId(258), 3));
  replay("replay.voucher", replay_key_voucher(TabId(258), 4));
  replay("replay.relay", replay_key_relay(filled<Hash>()));
  replay("replay.notice", replay_key_notice(*base::RailName::parse("card"), filled<Hash>()));
  replay("replay.capture", replay_key_capture(ChannelId(258), Sequence(5)));
  replay("replay.payment", replay_key_reference(Referenced::payment, filled<Hash>()));
  replay("replay.credit_note", replay_key_reference(Referenced::credit_note, filled<Hash>()));
  replay("replay.refund", replay_key_reference(Referenced::refund, filled<Hash>()));

  SegmentBuilder builder(SegmentId(2), Sequence(7), Time{1'893'456'000'000'000});
  builder.append(filled<Charged>());
  builder.append(Entry(filled<StandingSet>()));
  Segment segment = builder.finish(filled<Hash>(), Hash{});
  segment.signature = filled<Signature>();
  all.emplace_back("segment", encode(segment));
  const Hash hash = hash_of(segment.header);
  all.emplace_back("segment.hash", Bytes(hash.bytes.begin(), hash.bytes.end()));
  return all;
}

TEST(Golden, BytesAreWhatTheyWere) {
  const Named present = present_bytes();
  if (std::getenv("TABD_GOLDEN_UPDATE") != nullptr) {
    std::ofstream file(TABD_GOLDEN_FILE);
    for (const auto& [name, bytes] : present) file << name << ' ' << base::to_hex(base::ByteView(bytes)) << '\n';
    GTEST_SKIP() << "wrote " << TABD_GOLDEN_FILE;
  }
  const std::map<std::string, std::string> golden = read_golden();
  EXPECT_EQ(golden.size(), present.size());
  for (const auto& [name, bytes] : present) {
    const auto at = golden.find(name);
    ASSERT_NE(at, golden.end()) << name << " is not in " << TABD_GOLDEN_FILE;
    EXPECT_EQ(base::to_hex(base::ByteView(bytes)), at->second) << name;
  }
}

TEST(Golden, TheFastPathsWriteTheSameBytes) {
  const auto same = [](const auto& entry) {
    Bytes fast, general;
    base::Encoder fast_out(fast), general_out(general);
    encode_entry(entry, fast_out);
    encode_entry(Entry(entry), general_out);
    EXPECT_EQ(fast, general);
  };
  same(filled<Charged>());
  same(filled<VoucherCharged>());
}

TEST(Golden, EntriesAreReadBackExactly) {
  for (const auto& [name, bytes] : present_bytes()) {
    if (!name.starts_with("entry.")) continue;
    const base::Result<Entry> entry = decode_entry(bytes);
    ASSERT_TRUE(entry.has_value()) << name;
    Bytes again;
    base::Encoder out(again);
    encode_entry(*entry, out);
    EXPECT_EQ(again, bytes) << name;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_FALSE(decode_entry(base::ByteView(bytes).first(length)).has_value()) << name << ", " << length;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_entry(longer).has_value()) << name;
  }
  EXPECT_FALSE(decode_entry(Bytes{0}).has_value());
  EXPECT_FALSE(decode_entry(Bytes{42}).has_value());
  EXPECT_EQ(kind_name(15), "charged");
  EXPECT_EQ(kind_name(0), "unknown");
  EXPECT_EQ(kind_name(41), "payout_scheduled");
  EXPECT_EQ(kind_name(42), "unknown");
}

template <typename T>
void expect_row_round_trip() {
  const Bytes bytes = encode_row(filled<T>());
  const base::Result<T> value = decode_row<T>(bytes);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(encode_row(*value), bytes);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_row<T>(base::ByteView(bytes).first(length)).has_value()) << length;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_row<T>(longer).has_value());
}

TEST(Golden, RowsAreReadBackExactly) {
  expect_row_round_trip<LedgerHead>();
  expect_row_round_trip<Asset>();
  expect_row_round_trip<Plan>();
  expect_row_round_trip<Payer>();
  expect_row_round_trip<Tally>();
  expect_row_round_trip<aggregator::Line>();
  expect_row_round_trip<Payee>();
  expect_row_round_trip<PayeeBalance>();
  expect_row_round_trip<Server>();
  expect_row_round_trip<MandateState>();
  expect_row_round_trip<Tab>();
  expect_row_round_trip<Hold>();
  expect_row_round_trip<Statement>();
  expect_row_round_trip<StatementMark>();
  expect_row_round_trip<Settlement>();
  expect_row_round_trip<OpenSettlement>();
  expect_row_round_trip<OperatorBalance>();
  expect_row_round_trip<Relay>();
  expect_row_round_trip<Channel>();
  expect_row_round_trip<Earnings>();
  expect_row_round_trip<ChannelCounts>();
  expect_row_round_trip<Notice>();
  expect_row_round_trip<NoticeMark>();
  expect_row_round_trip<OpenNotice>();
}

TEST(Golden, OnlyOneEncodingOfEachValue) {
  Server server = filled<Server>();
  Bytes bytes = encode_row(server);
  bytes.back() = 2;  // `active`: a boolean is 0 or 1
  EXPECT_FALSE(decode_row<Server>(bytes).has_value());
  Bytes standing;
  base::Encoder out(standing);
  encode_entry(Entry(StandingSet{PayerId(1), Standing::active, ""}), out);
  standing[5] = 3;  // no such standing
  EXPECT_FALSE(decode_entry(standing).has_value());
  Payee payee = filled<Payee>();
  payee.payout_rail.chars[3] = '\0';
  payee.payout_rail.chars[5] = 'x';  // a text does not go on after its end
  EXPECT_FALSE(decode_row<Payee>(encode_row(payee)).has_value());
}

TEST(Golden, KeysSortLikeNumbers) {
  EXPECT_LT(row_key(Table::payer, 255), row_key(Table::payer, 256));
  EXPECT_LT(row_key(Table::tally, 1, 65535), row_key(Table::tally, 2, 0));
  EXPECT_EQ(row_key_columns(row_key(Table::line, 1, 2, 3)), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(row_key_columns(Bytes{1, 2}).empty());
}

}  // namespace
}  // namespace ledger::core
