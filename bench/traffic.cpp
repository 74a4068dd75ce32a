#include "bench/traffic.h"

#include <fstream>
#include <iterator>
#include <thread>

#include "base/check.h"
#include "base/codec.h"
#include "crypto/keccak.h"

namespace bench {
namespace {

using commitments::tab::Item;
using commitments::tab::ItemKind;
using commitments::tab::Usage;

crypto::SecretKey key_from(std::string_view purpose, std::uint64_t index) {
  base::Bytes seed;
  base::Encoder out(seed);
  out.string(purpose);
  out.u64(index);
  std::optional<crypto::SecretKey> key = crypto::SecretKey::from_bytes(crypto::keccak256(seed).view());
  CHECK(key.has_value());
  return std::move(*key);
}

struct Signers {
  explicit Signers(std::uint64_t index) : server(server_key(index)) {}
  commitments::tab::Usage unit = one_unit();
  commitments::tab::Domain domain{kNetwork};
  commitments::tab::AssetTable assets;
  std::vector<crypto::SecretKey> payers;
  std::vector<base::Address> addresses;
  crypto::SecretKey server;
};

Item single_use(const Signers& signers, std::size_t payer, const TrafficSpec& spec, std::uint64_t nonce) {
  Item item;
  item.kind = ItemKind::charge;
  item.single.payer = signers.addresses[payer];
  item.single.payee = payee_address();
  item.single.asset = kAsset;
  item.single.maximum = base::Amount(10);
  item.single.resource = signers.unit.resource;
  item.single.nonce = nonce;
  item.single.valid_before = spec.valid_before;
  item.usages.push_back(signers.unit);
  return item;
}

Item voucher(const Signers& signers, std::size_t payer, const TrafficSpec& spec, std::uint64_t round) {
  Item item;
  item.kind = ItemKind::voucher;
  item.voucher.payer = signers.addresses[payer];
  item.voucher.payee = payee_address();
  item.voucher.asset = kAsset;
  std::memcpy(item.voucher.salt.data(), &spec.salt, sizeof spec.salt);
  item.first_index = round * spec.charges_per_voucher;
  item.voucher.maximum = base::Amount((round + 1) * spec.charges_per_voucher);
  item.usages.assign(spec.charges_per_voucher, signers.unit);
  return item;
}

// Items number `first` .. `first + count - 1` of the run, as one signed batch.
UnverifiedBatch make_batch(const Signers& signers, const TrafficSpec& spec, std::size_t batch) {
  UnverifiedBatch result;
  result.network = std::string(kNetwork);
  for (std::size_t i = 0; i < spec.batch_items; ++i) {
    const std::size_t number = batch * spec.batch_items + i;
    const std::size_t payer = number % spec.payers;
    result.items.push_back(spec.kind == Traffic::single_use
                               ? single_use(signers, payer, spec, spec.first_nonce + number)
                               : voucher(signers, payer, spec, number / spec.payers));
    sign_item(signers.payers[payer], signers.domain, signers.assets, result.items.back());
    const auto wrong_so_far = [&](std::size_t items) {
      return static_cast<std::size_t>(static_cast<double>(items) * spec.wrong_share);
    };
    if (wrong_so_far(number + 1) != wrong_so_far(number)) result.items.back().signature.bytes[64] ^= 27 ^ 28;
  }
  result.header =
      sign_batch(signers.server, signers.domain, signers.assets, spec.first_batch_number + batch, result.items);
  return result;
}

void encode_item(const Item& item, base::Encoder& out) {
  out.u8(static_cast<std::uint8_t>(item.kind));
  const bool is_voucher = item.kind == ItemKind::voucher;
  out.fixed(is_voucher ? item.voucher.payer : item.single.payer);
  out.fixed(is_voucher ? item.voucher.payee : item.single.payee);
  out.amount(is_voucher ? item.voucher.maximum : item.single.maximum);
  out.fixed(is_voucher ? item.voucher.salt : item.single.resource);
  out.wide(item.single.nonce);
  out.u64(item.single.valid_before);
  out.u64(item.first_index);
  out.fixed(item.signature);
  out.u32(static_cast<std::uint32_t>(item.usages.size()));
}

Item decode_item(base::Decoder& in, const Usage& unit) {
  Item item;
  item.kind = static_cast<ItemKind>(in.u8());
  const bool is_voucher = item.kind == ItemKind::voucher;
  (is_voucher ? item.voucher.payer : item.single.payer) = in.fixed<base::Address>();
  (is_voucher ? item.voucher.payee : item.single.payee) = in.fixed<base::Address>();
  (is_voucher ? item.voucher.maximum : item.single.maximum) = in.amount();
  (is_voucher ? item.voucher.salt : item.single.resource) = in.fixed<base::Hash>();
  (is_voucher ? item.voucher.asset : item.single.asset) = kAsset;
  item.single.nonce = in.wide();
  item.single.valid_before = in.u64();
  item.first_index = in.u64();
  item.signature = in.fixed<base::Signature>();
  item.usages.assign(in.u32(), unit);
  return item;
}

}  // namespace

crypto::SecretKey payer_key(std::size_t index) { return key_from("bench payer", index); }
crypto::SecretKey server_key(std::uint64_t index) { return key_from("bench server", index); }
crypto::SecretKey operator_key() { return key_from("bench operator", 0); }
base::Address payee_address() { return key_from("bench payee", 0).address(); }

Usage one_unit() {
  Usage usage;
  usage.amount = base::Amount(1);
  usage.quantity = 1;
  usage.unit = *base::Unit::parse("request");
  usage.resource = crypto::keccak256(base::Bytes{'b', 'e', 'n', 'c', 'h'});
  return usage;
}

std::vector<UnverifiedBatch> make_traffic(const TrafficSpec& spec, unsigned threads) {
  Signers signers(spec.server);
  signers.assets.add(kAsset, kAssetText);
  for (std::size_t i = 0; i < spec.payers; ++i) {
    signers.payers.push_back(payer_key(i));
    signers.addresses.push_back(signers.payers.back().address());
  }
  std::vector<UnverifiedBatch> batches(spec.batches);
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::size_t i = worker; i < spec.batches; i += threads) batches[i] = make_batch(signers, spec, i);
    });
  }
  for (std::thread& worker : workers) worker.join();
  return batches;
}

base::Result<void> write_traffic(const std::string& path, const std::vector<UnverifiedBatch>& batches) {
  base::Bytes bytes;
  base::Encoder out(bytes);
  out.u64(batches.size());
  for (const UnverifiedBatch& batch : batches) {
    out.fixed(batch.header.server);
    out.u64(batch.header.number);
    out.fixed(batch.header.root);
    out.fixed(batch.header.signature);
    out.u32(batch.header.count);
    for (const Item& item : batch.items) encode_item(item, out);
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return base::error(base::ErrorCode::io, "cannot write " + path);
  return {};
}

base::Result<std::vector<UnverifiedBatch>> read_traffic(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return base::error(base::ErrorCode::io, "cannot read " + path);
  base::Decoder in(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  const Usage unit = one_unit();
  std::vector<UnverifiedBatch> batches(in.u64());
  for (UnverifiedBatch& batch : batches) {
    batch.network = std::string(kNetwork);
    batch.header.server = in.fixed<base::Address>();
    batch.header.number = in.u64();
    batch.header.root = in.fixed<base::Hash>();
    batch.header.signature = in.fixed<base::Signature>();
    batch.header.count = in.u32();
    for (std::uint32_t i = 0; i < batch.header.count && in.ok(); ++i) batch.items.push_back(decode_item(in, unit));
  }
  if (!in.complete()) return base::error(base::ErrorCode::corruption, path + " is not a traffic file");
  return batches;
}

}  // namespace bench
