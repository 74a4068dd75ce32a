// Operators and auditors.

#include "clients/cpp/internal.h"

namespace tabd {
namespace {

namespace wire = rpc::schema;
using detail::call;
using detail::command;
using detail::decode_found;
using detail::fits;

base::Status decode_proof(std::uint16_t status, capnp::Data::Reader proof, core::Bytes& out) {
  const base::ByteView bytes = rpc::view(proof);
  out.assign(bytes.begin(), bytes.end());
  return rpc::decode_status(status);
}

using Books = wire::Books;

}  // namespace

Result<rpc::PayerAccount> BooksSession::payer(const core::Address& address) {
  auto request = state_->as<Books>().payerRequest();
  request.setAddress(rpc::data(address));
  return call<rpc::PayerAccount>(
      *state_->connection, kj::mv(request), [](Books::PayerResults::Reader results, rpc::PayerAccount& out) {
        const base::Status status = rpc::decode_status(results.getStatus());
        if (status != base::Status::ok) return status;
        return fits(rpc::decode(results.getPayer(), out.payer) && rpc::decode_list(results.getTallies(), out.tallies));
      });
}

Result<core::Payer> BooksSession::payer(core::PayerId id) {
  auto request = state_->as<Books>().payerByIdRequest();
  request.setId(id.value);
  return call<core::Payer>(*state_->connection, kj::mv(request),
                           [](Books::PayerByIdResults::Reader results, core::Payer& out) {
                             return decode_found(results, out, [](auto found) { return found.getPayer(); });
                           });
}

Result<rpc::PageOf<core::Payer>> BooksSession::payers(rpc::Page page) {
  auto request = state_->as<Books>().payersRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Payer>>(*state_->connection, kj::mv(request),
                                        [](Books::PayersResults::Reader results, rpc::PageOf<core::Payer>& out) {
                                          out.next = results.getNext();
                                          return fits(rpc::decode_list(results.getPayers(), out.items));
                                        });
}

Result<rpc::TallyView> BooksSession::tally(const core::Address& payer, core::AssetId asset) {
  auto request = state_->as<Books>().tallyRequest();
  request.setPayer(rpc::data(payer));
  request.setAsset(asset.value);
  return call<rpc::TallyView>(*state_->connection, kj::mv(request),
                              [](Books::TallyResults::Reader results, rpc::TallyView& out) {
                                return decode_found(results, out, [](auto found) { return found.getTally(); });
                              });
}

Result<rpc::PayeeAccount> BooksSession::payee(const core::Address& address) {
  auto request = state_->as<Books>().payeeRequest();
  request.setAddress(rpc::data(address));
  return call<rpc::PayeeAccount>(*state_->connection, kj::mv(request),
                                 [](Books::PayeeResults::Reader results, rpc::PayeeAccount& out) {
                                   const base::Status status = rpc::decode_status(results.getStatus());
                                   if (status != base::Status::ok) return status;
                                   return fits(rpc::decode(results.getPayee(), out.payee) &&
                                               rpc::decode_list(results.getBalances(), out.balances));
                                 });
}

Result<core::Payee> BooksSession::payee(core::PayeeId id) {
  auto request = state_->as<Books>().payeeByIdRequest();
  request.setId(id.value);
  return call<core::Payee>(*state_->connection, kj::mv(request),
                           [](Books::PayeeByIdResults::Reader results, core::Payee& out) {
                             return decode_found(results, out, [](auto found) { return found.getPayee(); });
                           });
}

Result<rpc::PageOf<core::Payee>> BooksSession::payees(rpc::Page page) {
  auto request = state_->as<Books>().payeesRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Payee>>(*state_->connection, kj::mv(request),
                                        [](Books::PayeesResults::Reader results, rpc::PageOf<core::Payee>& out) {
                                          out.next = results.getNext();
                                          return fits(rpc::decode_list(results.getPayees(), out.items));
                                        });
}

Result<core::Server> BooksSession::server(const core::Address& key) {
  auto request = state_->as<Books>().serverRequest();
  request.setKey(rpc::data(key));
  return call<core::Server>(*state_->connection, kj::mv(request),
                            [](Books::ServerResults::Reader results, core::Server& out) {
                              return decode_found(results, out, [](auto found) { return found.getServer(); });
                            });
}

Result<rpc::PageOf<core::Server>> BooksSession::servers(rpc::Page page) {
  auto request = state_->as<Books>().serversRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Server>>(*state_->connection, kj::mv(request),
                                         [](Books::ServersResults::Reader results, rpc::PageOf<core::Server>& out) {
                                           out.next = results.getNext();
                                           return fits(rpc::decode_list(results.getServers(), out.items));
                                         });
}

Result<std::vector<core::Asset>> BooksSession::assets() {
  return call<std::vector<core::Asset>>(*state_->connection, state_->as<Books>().assetsRequest(),
                                        [](Books::AssetsResults::Reader results, std::vector<core::Asset>& out) {
                                          return fits(rpc::decode_list(results.getAssets(), out));
                                        });
}

Result<std::vector<core::Plan>> BooksSession::plans() {
  return call<std::vector<core::Plan>>(*state_->connection, state_->as<Books>().plansRequest(),
                                       [](Books::PlansResults::Reader results, std::vector<core::Plan>& out) {
                                         return fits(rpc::decode_list(results.getPlans(), out));
                                       });
}

Result<rpc::PageOf<core::MandateState>> BooksSession::mandates(const core::Address& payer, rpc::Page page) {
  auto request = state_->as<Books>().mandatesRequest();
  request.setPayer(rpc::data(payer));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::MandateState>>(
      *state_->connection, kj::mv(request),
      [](Books::MandatesResults::Reader results, rpc::PageOf<core::MandateState>& out) {
        const base::Status status = rpc::decode_status(results.getStatus());
        if (status != base::Status::ok) return status;
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getMandates(), out.items));
      });
}

Result<rpc::PageOf<core::Statement>> BooksSession::statements(const core::Address& payer, rpc::Page page) {
  auto request = state_->as<Books>().statementsRequest();
  if (!payer.is_zero()) request.setPayer(rpc::data(payer));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Statement>>(
      *state_->connection, kj::mv(request),
      [](Books::StatementsResults::Reader results, rpc::PageOf<core::Statement>& out) {
        const base::Status status = rpc::decode_status(results.getStatus());
        if (status != base::Status::ok) return status;
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getStatements(), out.items));
      });
}

Result<core::Statement> BooksSession::statement(core::StatementId id) {
  auto request = state_->as<Books>().statementRequest();
  request.setId(id.value);
  return call<core::Statement>(*state_->connection, kj::mv(request),
                               [](Books::StatementResults::Reader results, core::Statement& out) {
                                 return decode_found(results, out, [](auto found) { return found.getStatement(); });
                               });
}

Result<rpc::PageOf<core::Settlement>> BooksSession::settlements(rpc::Page page) {
  return settlements(core::SettlementState{}, page);
}

Result<rpc::PageOf<core::Settlement>> BooksSession::settlements(core::SettlementState state, rpc::Page page) {
  auto request = state_->as<Books>().settlementsRequest();
  request.setState(static_cast<wire::SettlementState>(state));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Settlement>>(
      *state_->connection, kj::mv(request),
      [](Books::SettlementsResults::Reader results, rpc::PageOf<core::Settlement>& out) {
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getSettlements(), out.items));
      });
}

Result<core::Settlement> BooksSession::settlement(core::SettlementId id) {
  auto request = state_->as<Books>().settlementRequest();
  request.setId(id.value);
  return call<core::Settlement>(*state_->connection, kj::mv(request),
                                [](Books::SettlementResults::Reader results, core::Settlement& out) {
                                  return decode_found(results, out, [](auto found) { return found.getSettlement(); });
                                });
}

Result<core::Relay> BooksSession::relay(core::SettlementId id) {
  auto request = state_->as<Books>().relayRequest();
  request.setSettlement(id.value);
  return call<core::Relay>(*state_->connection, kj::mv(request),
                           [](Books::RelayResults::Reader results, core::Relay& out) {
                             return decode_found(results, out, [](auto found) { return found.getRelay(); });
                           });
}

Result<rpc::PageOf<core::Channel>> BooksSession::channels(rpc::Page page) {
  auto request = state_->as<Books>().channelsRequest();
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Channel>>(*state_->connection, kj::mv(request),
                                          [](Books::ChannelsResults::Reader results, rpc::PageOf<core::Channel>& out) {
                                            out.next = results.getNext();
                                            return fits(rpc::decode_list(results.getChannels(), out.items));
                                          });
}

Result<core::Channel> BooksSession::channel(const core::Hash& key) {
  auto request = state_->as<Books>().channelRequest();
  request.setKey(rpc::data(key));
  return call<core::Channel>(*state_->connection, kj::mv(request),
                             [](Books::ChannelResults::Reader results, core::Channel& out) {
                               return decode_found(results, out, [](auto found) { return found.getChannel(); });
                             });
}

Result<std::vector<core::Earnings>> BooksSession::earnings(std::uint32_t limit) {
  auto request = state_->as<Books>().earningsRequest();
  request.setLimit(limit);
  return call<std::vector<core::Earnings>>(
      *state_->connection, kj::mv(request),
      [](Books::EarningsResults::Reader results, std::vector<core::Earnings>& out) {
        return fits(rpc::decode_list(results.getEarnings(), out));
      });
}

Result<rpc::PageOf<core::Notice>> BooksSession::notices(rpc::Page page) { return notices(core::NoticeState{}, page); }

Result<rpc::PageOf<core::Notice>> BooksSession::notices(core::NoticeState state, rpc::Page page) {
  auto request = state_->as<Books>().noticesRequest();
  request.setState(static_cast<wire::NoticeState>(state));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<core::Notice>>(*state_->connection, kj::mv(request),
                                         [](Books::NoticesResults::Reader results, rpc::PageOf<core::Notice>& out) {
                                           out.next = results.getNext();
                                           return fits(rpc::decode_list(results.getNotices(), out.items));
                                         });
}

Result<std::vector<core::Notice>> BooksSession::notices_of(core::SettlementId settlement, std::uint32_t limit) {
  auto request = state_->as<Books>().noticesOfRequest();
  request.setSettlement(settlement.value);
  request.setLimit(limit);
  return call<std::vector<core::Notice>>(*state_->connection, kj::mv(request),
                                         [](Books::NoticesOfResults::Reader results, std::vector<core::Notice>& out) {
                                           return fits(rpc::decode_list(results.getNotices(), out));
                                         });
}

Result<core::Notice> BooksSession::notice(core::NoticeId id) {
  auto request = state_->as<Books>().noticeRequest();
  request.setId(id.value);
  return call<core::Notice>(*state_->connection, kj::mv(request),
                            [](Books::NoticeResults::Reader results, core::Notice& out) {
                              return decode_found(results, out, [](auto found) { return found.getNotice(); });
                            });
}

Result<rpc::PageOf<rpc::ChargeRecord>> BooksSession::charges(const core::Address& payer, rpc::Page page) {
  auto request = state_->as<Books>().chargesRequest();
  request.setPayer(rpc::data(payer));
  rpc::encode(page, request.initPage());
  return call<rpc::PageOf<rpc::ChargeRecord>>(
      *state_->connection, kj::mv(request),
      [](Books::ChargesResults::Reader results, rpc::PageOf<rpc::ChargeRecord>& out) {
        const base::Status status = rpc::decode_status(results.getStatus());
        if (status != base::Status::ok) return status;
        out.next = results.getNext();
        return fits(rpc::decode_list(results.getCharges(), out.items));
      });
}

Result<std::vector<core::OperatorBalance>> BooksSession::operator_balances() {
  return call<std::vector<core::OperatorBalance>>(
      *state_->connection, state_->as<Books>().operatorBalancesRequest(),
      [](Books::OperatorBalancesResults::Reader results, std::vector<core::OperatorBalance>& out) {
        return fits(rpc::decode_list(results.getBalances(), out));
      });
}

Result<rpc::Head> BooksSession::head() {
  return call<rpc::Head>(
      *state_->connection, state_->as<Books>().headRequest(),
      [](Books::HeadResults::Reader results, rpc::Head& out) { return fits(rpc::decode(results.getHead(), out)); });
}

Result<core::Bytes> BooksSession::proof(core::Sequence sequence) {
  auto request = state_->as<Books>().proofRequest();
  request.setSequence(sequence.value);
  return call<core::Bytes>(*state_->connection, kj::mv(request),
                           [](Books::ProofResults::Reader results, core::Bytes& out) {
                             return decode_proof(results.getStatus(), results.getProof(), out);
                           });
}

Result<rpc::DaemonStatus> BooksSession::status() {
  return call<rpc::DaemonStatus>(*state_->connection, state_->as<Books>().statusRequest(),
                                 [](Books::StatusResults::Reader results, rpc::DaemonStatus& out) {
                                   return fits(rpc::decode(results.getStatus(), out));
                                 });
}

Result<std::vector<rpc::RailStatus>> BooksSession::rails() {
  return call<std::vector<rpc::RailStatus>>(*state_->connection, state_->as<Books>().railsRequest(),
                                            [](Books::RailsResults::Reader results, std::vector<rpc::RailStatus>& out) {
                                              return fits(rpc::decode_list(results.getRails(), out));
                                            });
}

Result<ledger::api::Reconciliation> BooksSession::reconciliation() {
  return call<ledger::api::Reconciliation>(
      *state_->connection, state_->as<Books>().reconciliationRequest(),
      [](Books::ReconciliationResults::Reader results, ledger::api::Reconciliation& out) {
        return fits(rpc::decode(results.getReconciliation(), out));
      });
}

Result<std::uint64_t> OperatorSession::reconcile(const ledger::api::ReconcileRequest& wanted) {
  auto request = state_->as<wire::OperatorSession>().reconcileRequest();
  request.setRail(rpc::text(wanted.rail));
  request.setFromUs(wanted.from.us);
  request.setStuckAfterSeconds(wanted.stuck_after_s);
  return call<std::uint64_t>(*state_->connection, kj::mv(request),
                             [](wire::OperatorSession::ReconcileResults::Reader results, std::uint64_t& out) {
                               out = results.getNumber();
                               return rpc::decode_status(results.getStatus());
                             });
}

Result<rpc::BankFiles> BooksSession::bank_files() {
  return call<rpc::BankFiles>(*state_->connection, state_->as<Books>().bankFilesRequest(),
                              [](Books::BankFilesResults::Reader results, rpc::BankFiles& out) {
                                const base::Status status = rpc::decode_status(results.getStatus());
                                if (status != base::Status::ok) return status;
                                out.alarm = rpc::string(results.getAlarm());
                                return fits(rpc::decode_list(results.getFiles(), out.files));
                              });
}

Result<std::pair<base::Status, std::string>> OperatorSession::answer_bank(const std::string& file,
                                                                          rpc::FileAnswer answer) {
  using Answer = std::pair<base::Status, std::string>;
  auto request = state_->as<wire::OperatorSession>().answerBankRequest();
  request.setFile(rpc::text(file));
  request.setAnswer(static_cast<wire::FileAnswer>(answer));
  return call<Answer>(*state_->connection, kj::mv(request),
                      [](wire::OperatorSession::AnswerBankResults::Reader results, Answer& out) {
                        out = {rpc::decode_status(results.getStatus()), rpc::string(results.getDetail())};
                        return base::Status::ok;
                      });
}

Result<CommandReceipt> OperatorSession::set_asset(const core::Asset& asset) {
  auto request = state_->as<wire::OperatorSession>().setAssetRequest();
  rpc::encode(asset, request.initAsset());
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_plan(const core::Plan& plan) {
  auto request = state_->as<wire::OperatorSession>().setPlanRequest();
  rpc::encode(plan, request.initPlan());
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_payer(const core::SetPayer& payer) {
  auto request = state_->as<wire::OperatorSession>().setPayerRequest();
  request.setAddress(rpc::data(payer.address));
  request.setLabel(rpc::text(payer.label));
  auto plans = request.initPlans(rpc::list_size(payer.plans.size()));
  for (std::size_t i = 0; i < payer.plans.size(); ++i) plans.set(rpc::list_size(i), rpc::text(payer.plans[i]));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_payee(const core::Payee& payee) {
  auto request = state_->as<wire::OperatorSession>().setPayeeRequest();
  rpc::encode(payee, request.initPayee());
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_server(const core::SetServer& server) {
  auto request = state_->as<wire::OperatorSession>().setServerRequest();
  request.setKey(rpc::data(server.key));
  request.setLabel(rpc::text(server.label));
  auto payees = request.initPayees(rpc::list_size(server.payees.size()));
  for (std::size_t i = 0; i < server.payees.size(); ++i) payees.set(rpc::list_size(i), rpc::data(server.payees[i]));
  request.setActive(server.active);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_credit_limit(const core::SetCreditLimit& limit) {
  auto request = state_->as<wire::OperatorSession>().setCreditLimitRequest();
  request.setPayer(rpc::data(limit.payer));
  request.setAsset(limit.asset.value);
  TABD_SET_AMOUNT(request, Limit, limit.limit);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::suspend(const core::Address& payer, const std::string& reason) {
  auto request = state_->as<wire::OperatorSession>().suspendRequest();
  request.setPayer(rpc::data(payer));
  request.setReason(rpc::text(reason));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::resume(const core::Address& payer, const std::string& reason) {
  auto request = state_->as<wire::OperatorSession>().resumeRequest();
  request.setPayer(rpc::data(payer));
  request.setReason(rpc::text(reason));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::revoke_mandate(const commitments::tab::MandateRevocation& revocation) {
  auto request = state_->as<wire::OperatorSession>().revokeMandateRequest();
  rpc::encode(revocation, request.initRevocation());
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::credit_note(const core::CreateCreditNote& note) {
  auto request = state_->as<wire::OperatorSession>().creditNoteRequest();
  request.setPayer(rpc::data(note.payer));
  request.setAsset(note.asset.value);
  request.setStatement(note.statement.value);
  TABD_SET_AMOUNT(request, Amount, note.amount);
  request.setReason(rpc::text(note.reason));
  request.setReference(rpc::text(note.reference));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::write_off(core::StatementId statement, const std::string& reason) {
  auto request = state_->as<wire::OperatorSession>().writeOffRequest();
  request.setStatement(statement.value);
  request.setReason(rpc::text(reason));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::close_now(const core::Address& payer, core::AssetId asset) {
  auto request = state_->as<wire::OperatorSession>().closeNowRequest();
  request.setPayer(rpc::data(payer));
  request.setAsset(asset.value);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::retry_settlement(core::SettlementId id) {
  auto request = state_->as<wire::OperatorSession>().retrySettlementRequest();
  request.setSettlement(id.value);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::cancel_settlement(core::SettlementId id, const std::string& reason) {
  auto request = state_->as<wire::OperatorSession>().cancelSettlementRequest();
  request.setSettlement(id.value);
  request.setReason(rpc::text(reason));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::release_reservation(const core::Hash& channel, core::Sequence reservation) {
  auto request = state_->as<wire::OperatorSession>().releaseReservationRequest();
  request.setChannel(rpc::data(channel));
  request.setReservation(reservation.value);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::put_channel_aside(const core::Hash& channel, const std::string& reason) {
  auto request = state_->as<wire::OperatorSession>().putChannelAsideRequest();
  request.setChannel(rpc::data(channel));
  request.setReason(rpc::text(reason));
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::resolve_notice(const core::ResolveNotice& resolve) {
  auto request = state_->as<wire::OperatorSession>().resolveNoticeRequest();
  request.setId(resolve.id.value);
  request.setResolution(static_cast<wire::Resolution>(resolve.resolution));
  if (!resolve.payer.is_zero()) request.setPayer(rpc::data(resolve.payer));
  request.setReason(rpc::text(resolve.reason));
  request.setStatement(resolve.statement.value);
  return command(*state_->connection, kj::mv(request));
}

Result<CommandReceipt> OperatorSession::set_rail_mandate(const core::SetRailMandate& mandate) {
  auto request = state_->as<wire::OperatorSession>().setRailMandateRequest();
  request.setPayer(rpc::data(mandate.payer));
  request.setRail(rpc::text(std::string(mandate.rail.view())));
  request.setMandate(rpc::data(base::ByteView(mandate.mandate)));
  return command(*state_->connection, kj::mv(request));
}

Result<void> OperatorSession::set_rail(const std::string& name, bool enabled) {
  auto request = state_->as<wire::OperatorSession>().setRailRequest();
  request.setName(rpc::text(name));
  request.setEnabled(enabled);
  auto done = call<bool>(*state_->connection, kj::mv(request),
                         [](wire::OperatorSession::SetRailResults::Reader results, bool&) {
                           return rpc::decode_status(results.getStatus());
                         });
  if (!done) return tl::unexpected<base::Error>(std::move(done).error());
  return {};
}

Result<std::string> OperatorSession::checkpoint(const std::string& name) {
  auto request = state_->as<wire::OperatorSession>().checkpointRequest();
  request.setName(rpc::text(name));
  struct Answer {
    base::Status status = base::Status::ok;
    std::string text;
  };
  Result<Answer> answer = call<Answer>(
      *state_->connection, kj::mv(request), [](wire::OperatorSession::CheckpointResults::Reader results, Answer& out) {
        out.status = rpc::decode_status(results.getStatus());
        out.text = rpc::string(out.status == base::Status::ok ? results.getDirectory() : results.getDetail());
        return base::Status::ok;
      });
  if (!answer) return tl::unexpected<base::Error>(std::move(answer).error());
  if (answer->status == base::Status::ok) return std::move(answer->text);
  return base::error(base::ErrorCode::invalid_argument, std::string(base::name(answer->status)) + ": " + answer->text);
}

Result<std::vector<rpc::RawEntry>> AuditorSession::entries(core::Sequence from, std::uint32_t limit) {
  auto request = state_->as<wire::AuditorSession>().entriesRequest();
  request.setFrom(from.value);
  request.setLimit(limit);
  return call<std::vector<rpc::RawEntry>>(
      *state_->connection, kj::mv(request),
      [](wire::AuditorSession::EntriesResults::Reader results, std::vector<rpc::RawEntry>& out) {
        return fits(rpc::decode_list(results.getEntries(), out));
      });
}

Result<std::vector<core::Segment>> AuditorSession::segments(core::SegmentId from, std::uint32_t limit) {
  auto request = state_->as<wire::AuditorSession>().segmentsRequest();
  request.setFrom(from.value);
  request.setLimit(limit);
  return call<std::vector<core::Segment>>(
      *state_->connection, kj::mv(request),
      [](wire::AuditorSession::SegmentsResults::Reader results, std::vector<core::Segment>& out) {
        for (auto bytes : results.getSegments()) {
          Result<core::Segment> segment = core::decode_segment(rpc::view(bytes));
          if (!segment) return base::Status::item_malformed;
          out.push_back(std::move(*segment));
        }
        return base::Status::ok;
      });
}

Result<core::Bytes> AuditorSession::extension_proof(core::SegmentId from, core::SegmentId to) {
  auto request = state_->as<wire::AuditorSession>().extensionProofRequest();
  request.setFromSegment(from.value);
  request.setToSegment(to.value);
  return call<core::Bytes>(*state_->connection, kj::mv(request),
                           [](wire::AuditorSession::ExtensionProofResults::Reader results, core::Bytes& out) {
                             return decode_proof(results.getStatus(), results.getProof(), out);
                           });
}

}  // namespace tabd
