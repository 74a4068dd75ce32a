// Resource servers and payers.

#include "clients/cpp/internal.h"

namespace tabd {
namespace {

namespace wire = rpc::schema;
using detail::call;
using detail::command;
using detail::fits;

// Words for the first segment of a batch message: an item is about 40 words.
capnp::MessageSize batch_size(const UnverifiedBatch& batch) {
  std::uint64_t usages = 0;
  for (const commitments::tab::Item& item : batch.items) usages += item.usages.size();
  return {64 + batch.items.size() * 40 + usages * 12, 0};
}

template <typename Results, typename Request>
Result<core::Bytes> proof_of(detail::Connection& connection, Request&& request, core::Sequence sequence) {
  request.setSequence(sequence.value);
  return call<core::Bytes>(connection, kj::mv(request), [](typename Results::Reader results, core::Bytes& out) {
    const base::ByteView bytes = rpc::view(results.getProof());
    out.assign(bytes.begin(), bytes.end());
    return rpc::decode_status(results.getStatus());
  });
}

}  // namespace

Session::Session(std::unique_ptr<detail::SessionState> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<rpc::BatchAnswer> ServerSession::submit(const UnverifiedBatch& batch) {
  auto request = state_->as<wire::ServerSession>().submitRequest(batch_size(batch));
  rpc::encode(batch, request.initBatch());
  return call<rpc::BatchAnswer>(*state_->connection, kj::mv(request),
                                [](wire::ServerSession::SubmitResults::Reader results, rpc::BatchAnswer& out) {
                                  out = rpc::decode(results.getReceipt());
                                  return base::Status::ok;
                                });
}

void ServerSession::submit_async(const UnverifiedBatch& batch, std::function<void(Result<rpc::BatchAnswer>)> done) {
  auto request = state_->as<wire::ServerSession>().submitRequest(batch_size(batch));
  rpc::encode(batch, request.initBatch());
  ++*state_->in_flight;
  detail::Connection& connection = *state_->connection;
  const auto finish = [&connection, in_flight = state_->in_flight,
                       done = std::move(done)](Result<rpc::BatchAnswer> answer) {
    --*in_flight;
    done(std::move(answer));
    connection.loop->ran();
  };
  connection.tasks.add(request.send().then(
      [finish](capnp::Response<wire::ServerSession::SubmitResults>&& response) {
        finish(rpc::decode(response.getReceipt()));
      },
      [finish, &connection](kj::Exception&& exception) {
        finish(tl::unexpected<base::Error>(connection.to_error(exception)));
      }));
}

std::size_t ServerSession::in_flight() const { return *state_->in_flight; }

Result<SubmitStream> ServerSession::open_stream() {
  try {
    kj::Promise<capnp::Response<wire::ServerSession::OpenSubmitterResults>> sent =
        state_->as<wire::ServerSession>().openSubmitterRequest().send();
    auto response = state_->connection->wait(kj::mv(sent), state_->connection->endpoint.call_timeout_ms);
    return SubmitStream(
        std::unique_ptr<detail::StreamState>(new detail::StreamState{state_->connection, response.getSubmitter()}));
  } catch (const kj::Exception& exception) {
    return tl::unexpected<base::Error>(state_->connection->to_error(exception));
  }
}

Result<rpc::Exposure> ServerSession::exposure(const core::Address& payer, core::AssetId asset) {
  auto request = state_->as<wire::ServerSession>().exposureRequest();
  request.setPayer(rpc::data(payer));
  request.setAsset(asset.value);
  return call<rpc::Exposure>(*state_->connection, kj::mv(request),
                             [](wire::ServerSession::ExposureResults::Reader results, rpc::Exposure& out) {
                               const base::Status status = rpc::decode_status(results.getStatus());
                               if (status != base::Status::ok) return status;
                               return fits(rpc::decode(results.getExposure(), out));
                             });
}

Result<rpc::ServerAccount> ServerSession::account() {
  return call<rpc::ServerAccount>(
      *state_->connection, state_->as<wire::ServerSession>().accountRequest(),
      [](wire::ServerSession::AccountResults::Reader results, rpc::ServerAccount& out) {
        return fits(rpc::decode(results.getServer(), out.server) && rpc::decode_list(results.getPayees(), out.payees));
      });
}

Result<core::Bytes> ServerSession::proof(core::Sequence sequence) {
  auto request = state_->as<wire::ServerSession>().proofRequest();
  return proof_of<wire::ServerSession::ProofResults>(*state_->connection, kj::mv(request), sequence);
}

Result<rpc::PayerAccount> PayerSession::account() {
  return call<rpc::PayerAccount>(
      *state_->connection, state_->as<wire::PayerSession>().accountRequest(),
      [](wire::PayerSession::AccountResults::Reader results, rpc::PayerAccount& out) {
        return fits(rpc::decode(results.getPayer(), out.payer) && rpc::decode_list(results.getTallies(), out.tallies));
      });
}

Result<rpc::PageOf<core::Statement>> PayerSession::statements(rpc::Page page) {
  auto request = state_->as<wire::PayerSession>().statementsRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Statement>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::StatementsResults::Reader results, rpc::PageOf<core::Statement>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getStatements(), out.items));
      });
}

Result<core::Statement> PayerSession::statement(core::StatementId id) {
  auto request = state_->as<wire::PayerSession>().statementRequest();
  request.setId(id.value);
  return call<core::Statement>(*state_->connection, kj::mv(request),
                               [](wire::PayerSession::StatementResults::Reader results, core::Statement& out) {
                                 const base::Status status = rpc::decode_status(results.getStatus());
                                 if (status != base::Status::ok) return status;
                                 return fits(rpc::decode(results.getStatement(), out));
                               });
}

Result<rpc::PageOf<rpc::ChargeRecord>> PayerSession::charges(rpc::Page page) {
  auto request = state_->as<wire::PayerSession>().chargesRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<rpc::ChargeRecord>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::ChargesResults::Reader results, rpc::PageOf<rpc::ChargeRecord>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getCharges(), out.items));
      });
}

Result<core::Bytes> PayerSession::proof(core::Sequence sequence) {
  auto request = state_->as<wire::PayerSession>().proofRequest();
  return proof_of<wire::PayerSession::ProofResults>(*state_->connection, kj::mv(request), sequence);
}

Result<rpc::PageOf<core::MandateState>> PayerSession::mandates(rpc::Page page) {
  auto request = state_->as<wire::PayerSession>().mandatesRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::MandateState>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::MandatesResults::Reader results, rpc::PageOf<core::MandateState>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getMandates(), out.items));
      });
}

Result<CommandReceipt> PayerSession::set_mandate(const commitments::tab::Mandate& mandate,
                                                 const core::Signature& signature) {
  auto request = state_->as<wire::PayerSession>().setMandateRequest();
  rpc::encode(mandate, request.initMandate());
  request.setSignature(rpc::data(signature));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> PayerSession::revoke_mandate(const commitments::tab::MandateRevocation& revocation,
                                                    const core::Signature& signature) {
  auto request = state_->as<wire::PayerSession>().revokeMandateRequest();
  rpc::encode(revocation, request.initRevocation());
  request.setSignature(rpc::data(signature));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> PayerSession::set_rail_mandate(const std::string& rail, const core::Bytes& mandate) {
  auto request = state_->as<wire::PayerSession>().setRailMandateRequest();
  request.setRail(rpc::text(rail));
  request.setRailMandate(rpc::data(base::ByteView(mandate)));
  return command(*state_->connection, kj::mv(request));
}

Result<rpc::PageOf<core::Settlement>> PayerSession::settlements(rpc::Page page) {
  auto request = state_->as<wire::PayerSession>().settlementsRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Settlement>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::SettlementsResults::Reader results, rpc::PageOf<core::Settlement>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getSettlements(), out.items));
      });
}

Result<CommandReceipt> PayerSession::retry_collection(core::SettlementId id) {
  auto request = state_->as<wire::PayerSession>().retryCollectionRequest();
  request.setSettlement(id.value);
  return command(*state_->connection, kj::mv(request));
}

Result<std::vector<core::Payee>> PayerSession::payees(const std::vector<core::PayeeId>& ids) {
  auto request = state_->as<wire::PayerSession>().payeesRequest();
  auto list = request.initIds(rpc::list_size(ids.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) list.set(rpc::list_size(i), ids[i].value);
  return call<std::vector<core::Payee>>(
      *state_->connection, kj::mv(request),
      [](wire::PayerSession::PayeesResults::Reader results, std::vector<core::Payee>& out) {
        return fits(rpc::decode_list(results.getPayees(), out));
      });
}

}  // namespace tabd
