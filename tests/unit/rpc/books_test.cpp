#include <gtest/gtest.h>

#include <filesystem>

#include "ledger/proof/proof.h"
#include "tests/support/channels.h"
#include "tests/unit/rpc/raw_client.h"

namespace rpc {
namespace {

namespace tab = commitments::tab;

TEST(RpcBooks, ListsComeInPages) {
  RpcWorld world;
  for (std::uint64_t i = 3; i < 25; ++i) world.must(core::SetPayer{world.actors.payer(i), "p", {"day"}});
  auto session = world.auditor_session();
  std::vector<std::uint32_t> ids;
  Page page{0, 10};
  std::size_t pages = 0;
  do {
    const auto part = session.payers(page);
    ASSERT_TRUE(part.has_value()) << part.error().to_string();
    ASSERT_LE(part->items.size(), 10u);
    for (const core::Payer& payer : part->items) ids.push_back(payer.id.value);
    page.after = part->next;
    ++pages;
  } while (page.after != 0);
  EXPECT_EQ(pages, 3u);
  ASSERT_EQ(ids.size(), 25u);
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(ids[i], i + 1);
  EXPECT_EQ(session.payers({0, 25})->next, 0u) << "a page that ends exactly at the end is the last";
  EXPECT_EQ(session.payers({0, 24})->next, 24u);
  const auto all = tabd::collect<core::Payer>([&](Page next) { return session.payers({next.after, 4}); });
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->size(), 25u);
}

TEST(RpcBooks, ARelayIsASettlementWithAnOrder) {
  RpcWorld world;
  core::PlanRelay plan;
  plan.rail = *base::RailName::parse("sandbox");
  plan.key = support::test_hash(1);
  plan.order = {1, 2, 3};
  plan.label = "exact";
  world.must(plan);
  auto session = world.auditor_session();
  const auto settlement = session.settlement(core::SettlementId(1));
  ASSERT_TRUE(settlement.has_value());
  EXPECT_EQ(settlement->kind, core::SettlementKind::relay);
  const auto relay = session.relay(core::SettlementId(1));
  ASSERT_TRUE(relay.has_value());
  EXPECT_EQ(*relay, (core::Relay{core::SettlementId(1), plan.key, "exact", plan.order}));
  EXPECT_FALSE(session.relay(core::SettlementId(2)).has_value());
}

TEST(RpcBooks, ChannelsAreReadAndMended) {
  RpcWorld world;
  auto session = world.operator_session();
  EXPECT_TRUE(session.channels({})->items.empty());
  EXPECT_TRUE(session.earnings(10)->empty());
  for (const std::uint64_t n : {0u, 1u, 2u}) world.must(support::sync_channel(n, support::escrow(1'000), 10));
  world.must(support::reserve_charge(1, 100, 100));
  EXPECT_EQ(session.channels({0, 2})->next, 2u);
  EXPECT_EQ(session.channels({2, 2})->items.size(), 1u);
  EXPECT_EQ(session.earnings(10)->size(), 2u);
  EXPECT_EQ(session.earnings(1)->size(), 1u);
  const core::Hash key = support::channel_key(1);
  const auto channel = session.channel(key);
  ASSERT_TRUE(channel.has_value()) << channel.error().to_string();
  EXPECT_EQ(channel->key, key);
  const core::Sequence reservation = channel->reservation.sequence;
  ASSERT_TRUE(reservation.valid());
  EXPECT_FALSE(session.channel(support::channel_key(9)).has_value());

  EXPECT_EQ(session.release_reservation(support::channel_key(9), reservation)->result.status, Status::channel_unknown);
  EXPECT_TRUE(session.release_reservation(key, reservation)->result.sequence.valid());
  EXPECT_FALSE(session.release_reservation(key, reservation)->result.sequence.valid());
  EXPECT_EQ(session.put_channel_aside(key, "reverts")->result.status, Status::ok);
  EXPECT_EQ(session.channel(key)->put_aside, "reverts");
  EXPECT_EQ(session.put_channel_aside(key, "")->result.status, Status::ok);
  EXPECT_EQ(session.channel(key)->put_aside, "");
  auto auditor = world.auditor_session();
  EXPECT_EQ(auditor.channels({})->items.size(), 3u);
}

TEST(RpcBooks, TheOperatorSetsAndReads) {
  RpcWorld world;
  auto session = world.operator_session();
  core::Plan plan;
  plan.label = "hourly";
  plan.asset = kUsdc;
  plan.window = {aggregator::WindowKind::duration, 3600, "UTC"};
  plan.credit_limit = base::Amount(500);
  plan.rails = {*base::RailName::parse("sandbox")};
  const auto set = session.set_plan(plan);
  ASSERT_TRUE(set.has_value());
  ASSERT_EQ(set->result.status, Status::ok) << set->result.detail;
  EXPECT_TRUE(set->result.sequence.valid());
  const auto plans = session.plans();
  ASSERT_EQ(plans->size(), 2u);
  EXPECT_EQ(plans->at(1).label, "hourly");
  EXPECT_EQ(plans->at(1).window, plan.window);
  ASSERT_EQ(session.set_payer({world.actors.payer(7), "seven", {"hourly"}})->result.status, Status::ok);
  const auto payer = session.payer(world.actors.payer(7));
  ASSERT_TRUE(payer.has_value());
  EXPECT_EQ(payer->payer.label, "seven");
  EXPECT_EQ(session.payer(payer->payer.id)->address, world.actors.payer(7));
  ASSERT_EQ(session.set_credit_limit({world.actors.payer(7), kUsdc, base::Amount(900)})->result.status, Status::ok);
  EXPECT_EQ(world.server_session().exposure(world.actors.payer(7), kUsdc)->limit, base::Amount(900));
  core::Payee payee;
  payee.address = world.actors.payee(5);
  payee.label = "five";
  payee.fee_basis_points = 100;
  payee.payout_rail = *base::RailName::parse("sandbox");
  payee.payout_account = "x";
  ASSERT_EQ(session.set_payee(payee)->result.status, Status::ok);
  EXPECT_EQ(session.payee(world.actors.payee(5))->payee.fee_basis_points, 100u);
  ASSERT_EQ(session.set_server({world.actors.server(5), "s", {world.actors.payee(5)}, true})->result.status,
            Status::ok);
  EXPECT_EQ(session.server(world.actors.server(5))->label, "s");
  EXPECT_EQ(session.servers({})->items.size(), 3u);
  EXPECT_EQ(session.payees({})->items.size(), 3u);
  EXPECT_EQ(session.assets()->size(), 1u);
  const auto unknown = session.suspend(world.actors.payer(20), "who?");
  ASSERT_TRUE(unknown.has_value());
  EXPECT_NE(unknown->result.status, Status::ok) << "a refused command is a value";
  EXPECT_EQ(session.payer(world.actors.payer(20)).error().code, base::ErrorCode::not_found);
}

TEST(RpcBooks, StatementsAndTheirSettlements) {
  RpcWorld world;
  auto session = world.operator_session();
  ASSERT_EQ(world.server_session().submit(world.batch(world.charges(5)))->status, Status::ok);
  const auto tally = session.tally(world.actors.payer(0), kUsdc);
  ASSERT_TRUE(tally.has_value()) << tally.error().to_string();
  EXPECT_EQ(tally->unbilled, base::Amount(50));
  EXPECT_EQ(tally->entries, 5u);
  ASSERT_EQ(tally->lines.size(), 1u);
  EXPECT_EQ(tally->lines[0].charges, 5u);
  ASSERT_EQ(session.close_now(world.actors.payer(0), kUsdc)->result.status, Status::ok);
  const auto statements = session.statements(world.actors.payer(0), {});
  ASSERT_EQ(statements->items.size(), 1u);
  EXPECT_TRUE(statements->items[0].lines.empty()) << "lists are brief";
  const auto statement = session.statement(statements->items[0].id);
  ASSERT_TRUE(statement.has_value());
  EXPECT_EQ(statement->billed(), base::Amount(50));
  ASSERT_EQ(statement->lines.size(), 1u);
  EXPECT_EQ(session.statements({}, {})->items.size(), 1u);
  EXPECT_EQ(session.statements(world.actors.payer(1), {})->items.size(), 0u);
  ASSERT_TRUE(statement->settlement.valid());
  const auto settlement = session.settlement(statement->settlement);
  ASSERT_TRUE(settlement.has_value());
  EXPECT_EQ(settlement->amount, base::Amount(50));
  EXPECT_EQ(session.settlements({})->items.size(), 1u);
  EXPECT_EQ(session.settlements(core::SettlementState::ready, {})->items.size(), 1u);
  EXPECT_EQ(session.settlements(core::SettlementState::final, {})->items.size(), 0u);
  const auto balances = session.operator_balances();
  ASSERT_TRUE(balances.has_value());
  EXPECT_EQ(session.payee(world.actors.payee(0))->balances.size(), 1u);
  const auto retry = session.retry_settlement(statement->settlement);
  ASSERT_TRUE(retry.has_value());
  const auto written_off = session.write_off(statement->id, "a test");
  ASSERT_TRUE(written_off.has_value());
  EXPECT_EQ(session.statement(core::StatementId(999)).error().code, base::ErrorCode::not_found);
}

TEST(RpcBooks, StatusRailsAndTheKillSwitch) {
  RpcWorld world;
  auto session = world.operator_session();
  const auto status = session.status();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->version, "test");
  EXPECT_TRUE(status->dry_run);
  EXPECT_EQ(status->degraded, std::vector<std::string>{"nothing really"});
  ASSERT_EQ(status->figures.size(), 2u);
  EXPECT_EQ(status->figures[1].value, -1);
  EXPECT_EQ(status->now, world.clock.now());
  EXPECT_EQ(status->head.last_sequence, world.store->reader().head()->last_sequence);
  ASSERT_EQ(session.rails()->size(), 1u);
  EXPECT_TRUE(session.rails()->at(0).enabled);
  ASSERT_TRUE(session.set_rail("sandbox", false).has_value());
  EXPECT_FALSE(session.rails()->at(0).enabled);
  EXPECT_EQ(session.set_rail("gold", false).error().code, base::ErrorCode::not_found);
}

TEST(RpcBooks, CheckpointsStayUnderTheirRoot) {
  RpcWorld world;
  auto session = world.operator_session();
  const auto directory = session.checkpoint("monday-1.2");
  ASSERT_TRUE(directory.has_value()) << directory.error().to_string();
  EXPECT_TRUE(std::filesystem::exists(*directory));
  EXPECT_NE(session.checkpoint("monday-1.2").error().message.find("already_exists"), std::string::npos);
  for (const char* name : {"", ".", "..", "../up", "/abs", "a/b", ".hidden", "a b", "a\nb"}) {
    const auto refused = session.checkpoint(name);
    ASSERT_FALSE(refused.has_value()) << name;
    EXPECT_NE(refused.error().message.find("value_invalid"), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(session.checkpoint(std::string(65, 'a')).has_value());
}

TEST(RpcBooks, TheAuditorReadsTheJournal) {
  RpcWorld world;
  auto session = world.auditor_session();
  const auto receipt = world.server_session().submit(world.batch(world.charges(3)));
  const auto entries = session.entries(receipt->items[0].sequence, 2);
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->at(0).segment, receipt->segment);
  const auto decoded = core::decode_entry(entries->at(0).bytes);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(session.entries(core::Sequence(1'000'000), 10)->empty());
  const auto segments = session.segments(core::SegmentId(1), 1000);
  ASSERT_TRUE(segments.has_value());
  const auto head = session.head();
  ASSERT_EQ(segments->size(), head->last_segment.value);
  EXPECT_EQ(core::hash_of(segments->back().header), head->segment_hash);
  EXPECT_EQ(core::encode(segments->back().header), head->header);
  const core::Hash digest = tab::segment_digest(world.actors.domain(), head->last_segment.value, head->segment_hash);
  const crypto::Recovered signer = crypto::recover(digest, head->signature);
  ASSERT_EQ(signer.check, crypto::SignatureCheck::ok);
  EXPECT_EQ(crypto::address_of(signer.key), head->operator_key);
}

TEST(RpcBooks, ProofsAreVerifiable) {
  RpcWorld world;
  auto session = world.auditor_session();
  const auto receipt = world.server_session().submit(world.batch(world.charges(3)));
  const auto bytes = session.proof(receipt->items[1].sequence);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().to_string();
  const auto proof = ledger::proof::decode(*bytes);
  ASSERT_TRUE(proof.has_value());
  const auto claims = ledger::proof::verify(*proof, world.actors.domain(), world.operator_key.address());
  ASSERT_TRUE(claims.has_value()) << claims.error().to_string();
  EXPECT_EQ(claims->sequence, receipt->items[1].sequence);
  EXPECT_EQ(session.proof(core::Sequence(99'999)).error().code, base::ErrorCode::not_found);
  const auto extension_bytes = session.extension_proof(core::SegmentId(2), {});
  ASSERT_TRUE(extension_bytes.has_value()) << extension_bytes.error().to_string();
  const auto extension = ledger::proof::decode_extension(*extension_bytes);
  ASSERT_TRUE(extension.has_value());
  EXPECT_TRUE(
      ledger::proof::verify_extension(*extension, world.actors.domain(), world.operator_key.address()).has_value());
  EXPECT_NE(session.extension_proof({}, {}).error().message.find("value_invalid"), std::string::npos);
  EXPECT_NE(session.extension_proof(core::SegmentId(3), core::SegmentId(2)).error().message.find("value_invalid"),
            std::string::npos);
}

TEST(RpcServer, ProvesWhatItsPayeesAreOwedAndNothingElse) {
  RpcWorld world;
  auto session = world.server_session();
  const auto receipt = session.submit(world.batch(world.charges(2)));
  const core::Sequence charged = receipt->items[1].sequence;
  const auto open = session.proof(charged);
  ASSERT_TRUE(open.has_value()) << open.error().to_string();
  EXPECT_EQ(*open, *world.auditor_session().proof(charged));
  auto ops = world.operator_session();
  ASSERT_EQ(ops.close_now(world.actors.payer(0), kUsdc)->result.status, Status::ok);
  // The history index follows the journal; the statement is in the proof as soon as it has.
  bool in_statement = false;
  for (int i = 0; i < 500 && !in_statement; ++i) {
    const auto proof = ledger::proof::decode(*session.proof(charged));
    ASSERT_TRUE(proof.has_value());
    const auto claims = ledger::proof::verify(*proof, world.actors.domain(), world.operator_key.address());
    ASSERT_TRUE(claims.has_value()) << claims.error().to_string();
    in_statement = claims->statement.has_value();
    if (!in_statement) tabd::Client::run_for(10'000);
  }
  EXPECT_TRUE(in_statement);

  EXPECT_EQ(session.proof(core::Sequence(1)).error().code, base::ErrorCode::not_found) << "no charge";
  EXPECT_EQ(session.proof(core::Sequence(0)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.proof(core::Sequence(99'999)).error().code, base::ErrorCode::not_found);
  // The same key no longer acts for that payee: asked at each call.
  core::SetServer moved;
  moved.key = world.actors.address(support::Role::server, 0);
  moved.label = "moved";
  moved.payees = {world.actors.payee(1)};
  ASSERT_EQ(ops.set_server(moved)->result.status, Status::ok);
  EXPECT_EQ(session.proof(charged).error().code, base::ErrorCode::not_found);
}

TEST(RpcPayer, SeesItsOwnAndNothingElse) {
  RpcWorld world;
  auto server = world.server_session();
  const auto own = server.submit(world.batch(world.charges(3, 0)));
  const auto other = server.submit(world.batch(world.charges(2, 1)));
  auto ops = world.operator_session();
  ASSERT_EQ(ops.close_now(world.actors.payer(0), kUsdc)->result.status, Status::ok);
  ASSERT_EQ(ops.close_now(world.actors.payer(1), kUsdc)->result.status, Status::ok);
  const core::Statement foreign = ops.statements(world.actors.payer(1), {})->items.at(0);
  auto session = world.payer_session(0);
  const auto account = session.account();
  ASSERT_TRUE(account.has_value()) << account.error().to_string();
  EXPECT_EQ(account->payer.address, world.actors.payer(0));
  ASSERT_EQ(account->tallies.size(), 1u);
  EXPECT_EQ(account->tallies[0].billed, base::Amount(30));
  const auto statements = session.statements({});
  ASSERT_EQ(statements->items.size(), 1u);
  EXPECT_EQ(session.statement(statements->items[0].id)->lines.size(), 1u);
  EXPECT_EQ(session.statement(foreign.id).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.settlements({})->items.size(), 1u);
  core::CreateCreditNote note{world.actors.payer(0), kUsdc, statements->items[0].id, base::Amount(10), "sorry", "one"};
  ASSERT_EQ(ops.credit_note(note)->result.status, Status::ok);
  EXPECT_EQ(ops.credit_note(note)->result.status, Status::already_accepted);
  note.amount = base::Amount(11);
  EXPECT_EQ(ops.credit_note(note)->result.status, Status::reference_conflict);
  note = {world.actors.payer(1), kUsdc, foreign.id, base::Amount(10), "sorry", "one"};
  ASSERT_EQ(ops.credit_note(note)->result.status, Status::ok) << "another payer's reference is another one";
  const auto own_note = session.credit_note_by_id(core::CreditNoteId(1));
  ASSERT_TRUE(own_note.has_value()) << own_note.error().to_string();
  EXPECT_EQ(own_note->reference, "one");
  EXPECT_EQ(*own_note, *ops.credit_note_by_id(core::CreditNoteId(1)));
  const auto foreign_note = ops.credit_note_by_id(core::CreditNoteId(2));
  ASSERT_TRUE(foreign_note.has_value()) << foreign_note.error().to_string();
  EXPECT_EQ(session.credit_note_by_id(core::CreditNoteId(2)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.credit_note_by_id(core::CreditNoteId(3)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.proof(foreign_note->noted_by).error().code, base::ErrorCode::not_found);
  const auto note_proof = ledger::proof::decode(*session.proof(own_note->noted_by));
  ASSERT_TRUE(note_proof.has_value());
  const auto note_claims = ledger::proof::verify(*note_proof, world.actors.domain(), world.operator_key.address());
  ASSERT_TRUE(note_claims.has_value()) << note_claims.error().to_string();
  const auto* noted = std::get_if<core::CreditNoted>(&note_claims->entry);
  ASSERT_NE(noted, nullptr);
  EXPECT_EQ(noted->note.amount, base::Amount(10));
  EXPECT_EQ(session.retry_collection(foreign.settlement)->result.status, Status::not_found);
  const auto payees = session.payees({base::PayeeId(1), base::PayeeId(77)});
  ASSERT_EQ(payees->size(), 1u);
  EXPECT_EQ(payees->at(0).label, "payee 0");
  EXPECT_TRUE(payees->at(0).payout_account.empty()) << "the name is enough";
  // The history index follows the journal.
  PageOf<ChargeRecord> charges;
  for (int i = 0; i < 500 && charges.items.size() < 3; ++i) {
    charges = *session.charges({});
    tabd::Client::run_for(10'000);
  }
  ASSERT_EQ(charges.items.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(charges.items[i].entry.sequence, own->items[i].sequence);
    EXPECT_EQ(charges.items[i].kind, ChargeKind::charged);
    EXPECT_EQ(charges.items[i].amount, base::Amount(10));
  }
  EXPECT_EQ(session.charges({0, 2})->next, own->items[1].sequence.value);
  EXPECT_EQ(session.charges({own->items[1].sequence.value, 2})->items.size(), 1u);
  EXPECT_TRUE(session.proof(own->items[2].sequence).has_value());
  EXPECT_EQ(session.proof(other->items[0].sequence).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.proof(core::Sequence(1)).error().code, base::ErrorCode::not_found);
  EXPECT_EQ(session.proof(core::Sequence(0)).error().code, base::ErrorCode::not_found);
}

TEST(RpcPayer, Mandates) {
  RpcWorld world;
  auto session = world.payer_session(0);
  tab::Mandate mandate;
  mandate.payer = world.actors.payer(0);
  mandate.agent = world.actors.agent(0);
  mandate.asset = kUsdc;
  mandate.cap = base::Amount(25);
  mandate.period = tab::Period::day;
  mandate.nonce = 1;
  const auto set = session.set_mandate(mandate, world.actors.sign_mandate(mandate, 0));
  ASSERT_TRUE(set.has_value()) << set.error().to_string();
  ASSERT_EQ(set->result.status, Status::ok) << set->result.detail;
  ASSERT_EQ(session.mandates({})->items.size(), 1u);
  EXPECT_EQ(session.mandates({})->items[0].mandate.cap, base::Amount(25));
  EXPECT_EQ(world.operator_session().mandates(world.actors.payer(0), {})->items.size(), 1u);
  SingleSpec spec;
  spec.agent = 0;
  spec.amount = 20;
  spec.maximum = 20;
  spec.nonce = 100;
  SingleSpec again = spec;
  again.nonce = 101;
  const auto answer =
      world.server_session().submit(world.batch({world.actors.charge(spec), world.actors.charge(again)}));
  EXPECT_EQ(answer->items.at(0).status, Status::ok);
  EXPECT_EQ(answer->items.at(1).status, Status::mandate_cap_exceeded);
  EXPECT_EQ(answer->items.at(1).allowed, base::Amount(5));
  mandate.nonce = 2;
  EXPECT_EQ(session.set_mandate(mandate, world.actors.sign_mandate(mandate, 1))->result.status,
            Status::signature_wrong);
  tab::Mandate foreign = mandate;
  foreign.payer = world.actors.payer(1);
  EXPECT_EQ(session.set_mandate(foreign, world.actors.sign_mandate(foreign, 1))->result.status, Status::not_permitted)
      << "signed by the other payer, but not its session";
  tab::MandateRevocation revocation{world.actors.payer(0), world.actors.agent(0), kUsdc, 3};
  EXPECT_EQ(session.revoke_mandate(revocation, world.actors.sign_revocation(revocation, 1))->result.status,
            Status::signature_wrong);
  EXPECT_EQ(session.revoke_mandate(revocation, world.actors.sign_revocation(revocation, 0))->result.status, Status::ok);
  EXPECT_TRUE(session.mandates({})->items[0].revoked);
  EXPECT_EQ(session.set_rail_mandate("card", {1, 2, 3})->result.status, Status::ok);
  EXPECT_EQ(session.set_rail_mandate("bank", {4})->result.status, Status::ok);
  const std::vector<core::RailMandate> both = {{*base::RailName::parse("bank"), {4}},
                                               {*base::RailName::parse("card"), {1, 2, 3}}};
  EXPECT_EQ(session.account()->payer.rail_mandates, both);
  EXPECT_EQ(session.set_rail_mandate("card", core::Bytes(5000, 1))->result.status, Status::value_invalid);
  EXPECT_EQ(session.set_rail_mandate("", {1})->result.status, Status::value_invalid);
  EXPECT_EQ(session.set_rail_mandate("seventeen-letters", {1})->result.status, Status::value_invalid);
}

TEST(RpcConfinement, ASessionHasOnlyItsMethods) {
  RpcWorld world;
  RawClient raw(world);
  // The capability is a server's, whatever the client believes it to be.
  auto server = raw.server_session(world);
  EXPECT_NE(raw.failure(server.castAs<schema::OperatorSession>().closeNowRequest()), "");
  EXPECT_NE(raw.failure(server.castAs<schema::PayerSession>().accountRequest()), "");
  EXPECT_NE(raw.failure(server.castAs<schema::Books>().payersRequest()), "");
  EXPECT_EQ(raw.failure(server.accountRequest()), "");
  // Everyone may subscribe through the common interface.
  auto auditor = raw.auditor_session(world);
  EXPECT_NE(raw.failure(auditor.castAs<schema::OperatorSession>().suspendRequest()), "");
  EXPECT_EQ(raw.failure(auditor.castAs<schema::Books>().headRequest()), "");
}

TEST(RpcBooks, TheTableOfStatuses) {
  RpcWorld world;
  RawClient raw(world);
  const auto response = raw.connection.tabd.statusesRequest().send().wait(raw.loop->io.waitScope);
  ASSERT_EQ(response.getStatuses().size(), static_cast<unsigned>(base::kStatusCount));
  for (auto row : response.getStatuses()) {
    const auto known = base::status_from_number(row.getNumber());
    ASSERT_TRUE(known.has_value());
    EXPECT_EQ(string(row.getName()), base::name(*known));
  }
}

}  // namespace
}  // namespace rpc
