// The canonical bytes of proofs: base/codec.h, one encoding for each value.

#include <string_view>
#include <utility>

#include "base/codec.h"
#include "ledger/proof/proof.h"

namespace ledger::proof {

namespace {

using base::Decoder;
using base::Encoder;
using base::ErrorCode;

constexpr std::string_view kProofMagic = "tabd.prf";
constexpr std::string_view kExtensionMagic = "tabd.ext";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 192;
// A path is as long as its tree is high; more is nonsense and not worth reading.
constexpr std::uint32_t kPathMax = 64;
constexpr std::uint8_t kHasParties = 1;
constexpr std::uint8_t kHasStatement = 2;
constexpr std::uint8_t kHasBatch = 4;

void put_magic(Encoder& out, std::string_view magic) {
  out.raw({reinterpret_cast<const std::uint8_t*>(magic.data()), magic.size()});
  out.u16(kVersion);
}

void put_path(Encoder& out, const std::vector<core::Hash>& path) {
  out.u32(static_cast<std::uint32_t>(path.size()));
  for (const core::Hash& hash : path) out.fixed(hash);
}

void put_head(Encoder& out, const core::SegmentHeader& header, const core::Signature& signature) {
  out.raw(core::encode(header));
  out.fixed(signature);
}

void put_inclusion(Encoder& out, const Inclusion& inclusion) {
  out.bytes(inclusion.entry);
  put_head(out, inclusion.header, inclusion.signature);
  out.u32(inclusion.index);
  put_path(out, inclusion.path);
}

bool get_magic(Decoder& in, std::string_view magic) {
  const base::ByteView bytes = in.raw(magic.size());
  if (!in.ok() || std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()) != magic) return false;
  return in.u16() == kVersion;
}

std::vector<core::Hash> get_path(Decoder& in) {
  const std::uint32_t count = in.u32();
  if (count > kPathMax) in.fail();
  std::vector<core::Hash> path;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) path.push_back(in.fixed<core::Hash>());
  return path;
}

void get_head(Decoder& in, core::SegmentHeader& header, core::Signature& signature) {
  const base::ByteView bytes = in.raw(kHeaderBytes + core::Signature::kSize);
  if (!in.ok()) return;
  base::Result<core::Segment> segment = core::decode_segment_header(bytes);
  if (!segment) return in.fail();
  header = segment->header;
  signature = segment->signature;
}

Inclusion get_inclusion(Decoder& in) {
  Inclusion inclusion;
  const base::ByteView entry = in.bytes();
  inclusion.entry.assign(entry.begin(), entry.end());
  get_head(in, inclusion.header, inclusion.signature);
  inclusion.index = in.u32();
  inclusion.path = get_path(in);
  return inclusion;
}

tl::unexpected<base::Error> not_a_proof(const char* what) {
  return base::error(ErrorCode::invalid_argument,
                     std::string("these bytes are not exactly one ") + what + " of a version that this build knows");
}

}  // namespace

core::Bytes encode(const Proof& proof) {
  core::Bytes bytes;
  Encoder out(bytes);
  put_magic(out, kProofMagic);
  out.u8(static_cast<std::uint8_t>((proof.parties ? kHasParties : 0) | (proof.statement ? kHasStatement : 0) |
                                   (proof.batch ? kHasBatch : 0)));
  put_inclusion(out, proof.inclusion);
  if (proof.parties) {
    out.fixed(proof.parties->payer);
    out.fixed(proof.parties->payee);
    out.fixed(proof.parties->signer);
    out.string(proof.parties->asset);
    out.fixed(proof.parties->tab_salt);
  }
  if (proof.statement) {
    put_inclusion(out, proof.statement->window_closed);
    out.u64(proof.statement->leaf_index);
    put_path(out, proof.statement->path);
  }
  if (proof.batch) {
    put_inclusion(out, proof.batch->batch_signed);
    out.fixed(proof.batch->server);
    out.u32(proof.batch->item_index);
    put_path(out, proof.batch->path);
  }
  return bytes;
}

base::Result<Proof> decode(base::ByteView bytes) {
  Decoder in(bytes);
  if (!get_magic(in, kProofMagic)) return not_a_proof("proof");
  const std::uint8_t parts = in.u8();
  if (parts > (kHasParties | kHasStatement | kHasBatch)) return not_a_proof("proof");
  Proof proof;
  proof.inclusion = get_inclusion(in);
  if ((parts & kHasParties) != 0) {
    Parties& parties = proof.parties.emplace();
    parties.payer = in.fixed<core::Address>();
    parties.payee = in.fixed<core::Address>();
    parties.signer = in.fixed<core::Address>();
    parties.asset = in.string();
    parties.tab_salt = in.fixed<core::Hash>();
  }
  if ((parts & kHasStatement) != 0) {
    StatementPart& statement = proof.statement.emplace();
    statement.window_closed = get_inclusion(in);
    statement.leaf_index = in.u64();
    statement.path = get_path(in);
  }
  if ((parts & kHasBatch) != 0) {
    BatchPart& batch = proof.batch.emplace();
    batch.batch_signed = get_inclusion(in);
    batch.server = in.fixed<core::Address>();
    batch.item_index = in.u32();
    batch.path = get_path(in);
  }
  if (!in.complete()) return not_a_proof("proof");
  return proof;
}

core::Bytes encode(const Extension& extension) {
  core::Bytes bytes;
  Encoder out(bytes);
  put_magic(out, kExtensionMagic);
  put_head(out, extension.older.header, extension.older.signature);
  put_head(out, extension.newer.header, extension.newer.signature);
  put_path(out, extension.inclusion);
  put_path(out, extension.consistency);
  return bytes;
}

base::Result<Extension> decode_extension(base::ByteView bytes) {
  Decoder in(bytes);
  if (!get_magic(in, kExtensionMagic)) return not_a_proof("proof of extension");
  Extension extension;
  get_head(in, extension.older.header, extension.older.signature);
  get_head(in, extension.newer.header, extension.newer.signature);
  extension.inclusion = get_path(in);
  extension.consistency = get_path(in);
  if (!in.complete()) return not_a_proof("proof of extension");
  return extension;
}

}  // namespace ledger::proof
