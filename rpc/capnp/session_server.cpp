// Resource servers: batches in, receipts out.

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "rpc/capnp/sessions.h"

namespace rpc {
namespace {

namespace limits = base::limits;
using base::Status;
using ledger::api::BatchReceipt;

constexpr std::size_t kSubmittersMax = 16;

Audience audience_of(const ServerAccount& account) {
  Audience audience;
  for (const core::Payee& payee : account.payees) audience.payees.push_back(payee.address);
  std::sort(audience.payees.begin(), audience.payees.end());
  return audience;
}

// A batch whose decoding already decided its fate, or the ingest's answer.
kj::Promise<BatchReceipt> submit_decoded(Context& context, DecodedBatch& decoded) {
  count(context.counters.batches_total);
  count(context.counters.items_total, decoded.batch.items.size());
  count(context.counters.items_malformed_total, decoded.malformed.size());
  if (decoded.status != Status::ok) {
    BatchReceipt receipt;
    receipt.status = decoded.status;
    return receipt;
  }
  return context.submit(std::move(decoded.batch));
}

// Malformed items were refused by the verifier for the zero payer that they were given; say what is wrong with them.
void name_malformed(const std::vector<MalformedItem>& malformed, BatchReceipt& receipt) {
  for (const MalformedItem& item : malformed) {
    if (item.index < receipt.items.size()) {
      receipt.items[item.index] = {};
      receipt.items[item.index].status = Status::item_malformed;
    }
  }
}

// Batches as a stream. Results arrive in any order; done() waits for all of them.
class SubmitterImpl final : public schema::Submitter::Server, private kj::TaskSet::ErrorHandler {
 public:
  SubmitterImpl(Context& context, Connection& connection, const core::Address& key)
      : context_(context),
        share_(connection.submitters, kSubmittersMax, "openSubmitter: too many submitters on this connection"),
        key_(key) {}

  kj::Promise<void> submit(SubmitContext call) override {
    DecodedBatch decoded = decode_batch(call.getParams().getBatch(), key_, context_.deps.ingest.domain().network);
    call.releaseParams();
    const Sent sent{++sent_, decoded.batch.header.number, decoded.batch.header.count};
    ++undecided_;
    kj::Promise<BatchReceipt> receipt = submit_decoded(context_, decoded);
    auto decided = receipt
                       .then([this, sent, malformed = std::move(decoded.malformed)](BatchReceipt got) {
                         name_malformed(malformed, got);
                         record(sent, got);
                         settle();
                       })
                       .fork();
    tasks_.add(decided.addBranch());
    // Holding back the answer is what holds back the client.
    if (undecided_ < limits::kStreamBatchesMax) return kj::READY_NOW;
    return decided.addBranch();
  }

  kj::Promise<void> done(DoneContext call) override {
    if (undecided_ > 0) {
      kj::PromiseFulfillerPair<void> pair = kj::newPromiseAndFulfiller<void>();
      waiting_.push_back(kj::mv(pair.fulfiller));
      return pair.promise.then([this, call]() mutable { return done(call); });
    }
    // A batch that is refused at once overtakes those that are being decided.
    std::stable_sort(refused_.begin(), refused_.end(),
                     [](const Refused& a, const Refused& b) { return a.sent < b.sent; });
    for (const Refused& refused : std::exchange(refused_, {})) summary_.refused.push_back(refused.item);
    encode(std::exchange(summary_, {}), call.getResults().initSummary());
    return kj::READY_NOW;
  }

 private:
  struct Sent {
    std::uint64_t ordinal = 0;  // in this stream
    std::uint64_t number = 0;   // the server's own
    std::size_t items = 0;
  };
  struct Refused {
    std::uint64_t sent = 0;  // Sent::ordinal
    RefusedItem item;
  };

  void taskFailed(kj::Exception&&) override { settle(); }

  void settle() {
    if (--undecided_ > 0) return;
    for (auto& fulfiller : std::exchange(waiting_, {})) fulfiller->fulfill();
  }

  void record(const Sent& sent, const BatchReceipt& receipt) {
    ++summary_.batches;
    summary_.items += sent.items;
    for (std::size_t i = 0; i < sent.items; ++i) {
      core::ItemResult result;
      if (receipt.status == Status::ok && i < receipt.items.size()) {
        result = receipt.items[i];
      } else {
        result.status = receipt.status;
      }
      if (base::accepted(result.status)) {
        ++summary_.accepted;
        summary_.last_sequence = std::max(summary_.last_sequence, result.sequence);
        continue;
      }
      ++summary_.refused_count;
      if (refused_.size() < limits::kStreamRefusedMax)
        refused_.push_back({sent.ordinal, {sent.number, static_cast<std::uint32_t>(i), result}});
    }
  }

  Context& context_;
  Share share_;
  const core::Address key_;
  StreamSummary summary_;  // since the last done(); its `refused` is filled there
  std::vector<Refused> refused_;
  std::uint64_t sent_ = 0;
  std::size_t undecided_ = 0;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
  kj::TaskSet tasks_{*this};
};

class ServerSessionImpl final : public schema::ServerSession::Server, public SessionBase {
 public:
  ServerSessionImpl(Context& context, Connection& connection, const ServerAccount& account)
      : SessionBase(context, connection, audience_of(account)), key_(account.server.key) {}

  kj::Promise<void> submit(SubmitContext call) override {
    DecodedBatch decoded = decode_batch(call.getParams().getBatch(), key_, context_.deps.ingest.domain().network);
    call.releaseParams();
    kj::Promise<BatchReceipt> receipt = submit_decoded(context_, decoded);
    std::string detail = decoded.malformed.empty() ? std::move(decoded.detail) : describe(decoded.malformed);
    return receipt.then(
        [call, malformed = std::move(decoded.malformed), detail = std::move(detail)](BatchReceipt got) mutable {
          name_malformed(malformed, got);
          encode(got, detail, call.getResults().initReceipt());
        });
  }

  kj::Promise<void> openSubmitter(OpenSubmitterContext call) override {
    call.getResults().setSubmitter(kj::heap<SubmitterImpl>(context_, connection_, key_));
    return kj::READY_NOW;
  }

  kj::Promise<void> exposure(ExposureContext call) override {
    const auto params = call.getParams();
    const core::Address payer = address_param(params.getPayer(), "exposure: payer");
    const core::AssetId asset(params.getAsset());
    return read<Exposure>([&books = reader(), payer, asset] { return read_exposure(books, payer, asset); })
        .then([call](Reply<Exposure> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setStatus(number(reply.status));
          if (reply.status == Status::ok) encode(reply.value, results.initExposure());
        });
  }

  kj::Promise<void> account(AccountContext call) override {
    return read<ServerAccount>([&books = reader(), key = key_] { return read_server_account(books, key); })
        .then([call](Reply<ServerAccount> reply) mutable {
          check(reply);
          if (reply.status != Status::ok) throw_invalid("account: the server is no longer registered");
          auto results = call.getResults();
          encode(reply.value.server, results.initServer());
          encode_list(reply.value.payees, results.initPayees(list_size(reply.value.payees.size())));
        });
  }

  kj::Promise<void> proof(ProofContext call) override {
    const core::Sequence sequence(call.getParams().getSequence());
    return read<core::Bytes>([&books = reader(), &hooks = context_.deps.hooks, key = key_, sequence] {
             return own_proof(books, hooks, key, sequence);
           })
        .then([call](Reply<core::Bytes> reply) mutable {
          check(reply);
          auto results = call.getResults();
          results.setStatus(number(reply.status));
          if (reply.status == Status::ok) results.setProof(data(base::ByteView(reply.value)));
        });
  }

 private:
  // An entry of another payee is as good as none.
  static Reply<core::Bytes> own_proof(const Reader& books, OperatorHooks& hooks, const core::Address& key,
                                      core::Sequence sequence) {
    const auto server = books.server(key);
    if (!server) return Reply<core::Bytes>::of(tl::unexpected(server.error()), Status::server_unknown);
    const Reply<ChargeRecord> charge = read_charge(books, sequence);
    if (charge.failure) return Reply<core::Bytes>::of(tl::unexpected(*charge.failure));
    const auto& payees = server->payees;
    if (charge.status != Status::ok || std::find(payees.begin(), payees.end(), charge.value.payee) == payees.end())
      return Reply<core::Bytes>::refused(Status::not_found);
    return Reply<core::Bytes>::of(hooks.proof(sequence));
  }

  const core::Address key_;
};

}  // namespace

schema::ServerSession::Client make_server_session(Context& context, Connection& connection, ServerAccount account) {
  return kj::heap<ServerSessionImpl>(context, connection, account);
}

}  // namespace rpc
