// Signs a commitment, submits it and prints the receipt:
//
//   tabd_client_example unix:/run/tabd/tabd.sock <server key> <payer key> <payee address>
//
// Keys are 32 bytes in hexadecimal. The server, payer and payee must be registered, and the payer must have a plan for
// the first asset. A real resource server has only its own key: the signed item reaches it from the agent.

#include <cstdio>

#include "clients/cpp/tabd_client.h"

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  return 1;
}

crypto::SecretKey key_from(const char* hex) {
  const auto bytes = base::from_hex(hex);
  auto key = crypto::SecretKey::from_bytes(bytes.value_or(base::Bytes{}));
  if (!key) std::exit(fail(std::string("not a key of 32 bytes in hexadecimal: ") + hex));
  return std::move(*key);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return fail("usage: tabd_client_example ADDRESS SERVER_KEY PAYER_KEY PAYEE_ADDRESS");
  const auto endpoint = tabd::Endpoint::parse(argv[1]);
  if (!endpoint) return fail(endpoint.error().to_string());
  const crypto::SecretKey server = key_from(argv[2]);
  const crypto::SecretKey payer = key_from(argv[3]);
  const auto payee = base::address_from_hex(argv[4]);
  if (!payee) return fail(std::string("not an address: ") + argv[4]);

  auto client = tabd::Client::connect(*endpoint);
  if (!client) return fail(client.error().to_string());
  auto session = (*client)->login_server(server);
  if (!session) return fail(session.error().to_string());
  if ((*client)->info().assets.empty()) return fail("the operator has configured no asset");
  const ledger::core::Asset& asset = (*client)->info().assets.front();
  const std::uint64_t now = (*client)->info().now.seconds();

  // What the agent does: promise to pay at most 0.01 within the next minute.
  commitments::tab::Item item;
  item.kind = commitments::tab::ItemKind::charge;
  item.single.payer = payer.address();
  item.single.payee = *payee;
  item.single.asset = asset.id;
  item.single.maximum = base::Amount::parse_decimal("0.01", asset.scale).value_or(base::Amount(1));
  item.single.nonce = (*client)->info().now.us;
  item.single.valid_before = now + 60;
  commitments::tab::sign_item(payer, (*client)->domain(), (*client)->assets(), item);

  // What the server adds: the charge, and its signature over the batch.
  item.usages.resize(1);
  item.usages[0].amount = item.single.maximum;
  item.usages[0].quantity = 1;
  item.usages[0].unit = *base::Unit::parse("request");
  const auto answer = session->submit((*client)->make_batch(server, 1, {item}));
  if (!answer) return fail(answer.error().to_string());
  if (answer->status != base::Status::ok)
    return fail("the batch was refused: " + std::string(base::name(answer->status)) + " " + answer->detail);
  const ledger::core::ItemResult& result = answer->items.at(0);
  std::fprintf(stdout, "%s: sequence %llu, segment %llu\n", std::string(base::info(result.status).sentence).c_str(),
               static_cast<unsigned long long>(result.sequence.value),
               static_cast<unsigned long long>(answer->segment.value));
  return base::accepted(result.status) ? 0 : 1;
}
