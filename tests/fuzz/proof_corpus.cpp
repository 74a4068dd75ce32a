#include "tests/fuzz/proof_corpus.h"

#include "crypto/merkle.h"
#include "ledger/proof/proof.h"
#include "tests/support/actors.h"

namespace fuzz {
namespace {

namespace core = ledger::core;
namespace proof = ledger::proof;
namespace tab = commitments::tab;

const support::Actors& actors() {
  static const support::Actors instance;
  return instance;
}

proof::SignedHead sign(const core::SegmentHeader& header) {
  const base::Hash digest = tab::segment_digest(actors().domain(), header.number.value, core::hash_of(header));
  return {header, actors().key(support::Role::keeper, 0).sign(digest)};
}

// Entries in one segment, and proofs that each is in it.
class TestSegment {
 public:
  TestSegment(std::uint64_t number, const std::vector<core::Entry>& entries) {
    core::SegmentBuilder builder(core::SegmentId(number), core::Sequence(number * 10),
                                 base::Time::from_seconds(support::kNow + number));
    for (const core::Entry& entry : entries) {
      base::Encoder out(bytes_.emplace_back());
      core::encode_entry(entry, out);
      leaves_.push_back(builder.append(entry).leaf);
    }
    head_ = sign(builder.finish(support::test_hash(number), support::test_hash(2)).header);
  }
  proof::Inclusion prove(std::uint32_t index) const {
    return {bytes_[index], head_.header, head_.signature, index, crypto::merkle_inclusion_proof(leaves_, index)};
  }
  const base::Hash& leaf(std::size_t index) const { return leaves_[index]; }

 private:
  std::vector<base::Bytes> bytes_;
  std::vector<base::Hash> leaves_;
  proof::SignedHead head_;
};

core::Entry charged(const tab::Item& item) {
  core::Charged entry;
  const tab::SingleUse& single = item.single;
  entry.commitment = {core::PayerId(1), core::PayeeId(1), single.asset,       core::MandateId(),   single.maximum,
                      single.resource,  single.nonce,     single.valid_after, single.valid_before, item.signature};
  entry.server = core::ServerId(1);
  entry.usage = item.usages[0];
  return entry;
}

// A charge with its parties, its batch and the closed window that it is in.
proof::Proof full_proof() {
  support::SingleSpec spec;
  std::vector<tab::Item> items;
  for (spec.nonce = 1; spec.nonce <= 3; ++spec.nonce) items.push_back(actors().charge(spec));
  const tab::UnverifiedBatch batch = actors().batch(0, 7, items);
  const core::BatchSigned batch_signed{core::ServerId(1),
                                       batch.header.number,
                                       batch.header.count,
                                       batch.header.root,
                                       batch.header.signature,
                                       core::Sequence(10),
                                       {}};
  const TestSegment first(1, {charged(items[0]), charged(items[1]), charged(items[2]), batch_signed});
  const std::vector<base::Hash> window = {first.leaf(0), first.leaf(1), first.leaf(2)};
  core::WindowClosed closed;
  closed.payer = core::PayerId(1);
  closed.entries = window.size();
  closed.root = crypto::merkle_root(window);
  const TestSegment second(2, {closed});

  std::vector<base::Hash> item_leaves;
  const tab::VerifiedBatch verified = actors().verify(batch);
  for (const tab::VerifiedItem& item : verified.items()) item_leaves.push_back(item.leaf());
  proof::Proof result;
  result.inclusion = first.prove(1);
  result.parties = proof::Parties{};
  result.parties->payer = actors().payer(0);
  result.parties->payee = actors().payee(0);
  result.parties->asset = support::kUsdcText;
  result.statement = proof::StatementPart{second.prove(0), 1, crypto::merkle_inclusion_proof(window, 1)};
  result.batch =
      proof::BatchPart{first.prove(3), actors().server(0), 1, crypto::merkle_inclusion_proof(item_leaves, 1)};
  return result;
}

proof::Extension extension() {
  std::vector<core::SegmentHeader> headers;
  std::vector<base::Hash> hashes;
  for (std::uint64_t number = 1; number <= 9; ++number) {
    core::SegmentHeader header;
    header.number = core::SegmentId(number);
    header.first_sequence = core::Sequence(number);
    header.count = 1;
    header.previous = hashes.empty() ? base::Hash{} : hashes.back();
    header.segments_root = crypto::merkle_root(hashes);
    headers.push_back(header);
    hashes.push_back(core::hash_of(header));
  }
  hashes.pop_back();
  return proof::prove_extension(sign(headers[3]), sign(headers[8]), hashes);
}

}  // namespace

std::vector<std::pair<std::string, base::Bytes>> make_proofs() {
  const proof::Proof full = full_proof();
  proof::Proof bare;
  bare.inclusion = full.inclusion;
  proof::Proof with_parties = bare;
  with_parties.parties = full.parties;
  proof::Proof broken = full;
  broken.statement->leaf_index = 2;
  return {{"valid-bare", proof::encode(bare)},
          {"valid-parties", proof::encode(with_parties)},
          {"valid-full", proof::encode(full)},
          {"valid-extension", proof::encode(extension())},
          {"refused-wrong-leaf", proof::encode(broken)}};
}

}  // namespace fuzz
