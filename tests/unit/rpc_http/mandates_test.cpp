// Mandates and revocations that payers signed, brought over HTTP.

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/rpc_http/http_world.h"

namespace rpc::http {
namespace {

namespace tab = commitments::tab;

class Mandates : public testing::Test {
 protected:
  tab::Mandate mandate(std::uint64_t nonce) const {
    tab::Mandate result;
    result.payer = http.world.actors.payer(0);
    result.agent = http.world.actors.agent(0);
    result.asset = support::kUsdc;
    result.cap = base::Amount(500);
    result.period = tab::Period::day;
    result.nonce = nonce;
    return result;
  }
  std::string parties(const base::Address& payer, const base::Address& agent, std::uint64_t nonce) const {
    return "\"payer\":\"" + base::to_hex(payer) + "\",\"agent\":\"" + base::to_hex(agent) + "\",\"asset\":\"" +
           std::string(support::kUsdcText) + "\",\"nonce\":\"" + std::to_string(nonce) + "\"";
  }
  std::string around(const std::string& inner, const tab::Signature& signature) const {
    return "{\"network\":\"" + std::string(support::kNetwork) + "\"," + inner + ",\"signature\":\"" +
           base::to_hex(signature) + "\"}";
  }
  // `as_signed` is signed, `mandate` is sent.
  std::string body(const tab::Mandate& mandate, const tab::Mandate& as_signed) const {
    std::string payees;
    for (const base::Address& payee : mandate.payees)
      payees += (payees.empty() ? "\"" : ",\"") + base::to_hex(payee) + "\"";
    return around("\"mandate\":{" + parties(mandate.payer, mandate.agent, mandate.nonce) + ",\"cap\":\"" +
                      mandate.cap.to_units_string() + "\",\"period\":\"day\",\"payees\":[" + payees +
                      "],\"validAfter\":\"0\",\"validBefore\":\"" + std::to_string(mandate.valid_before) + "\"}",
                  http.world.actors.sign_mandate(as_signed, 0));
  }
  std::string body(const tab::Mandate& mandate) const { return body(mandate, mandate); }
  std::string revocation(std::uint64_t nonce) const {
    const tab::MandateRevocation signed_one{http.world.actors.payer(0), http.world.actors.agent(0), support::kUsdc,
                                            nonce};
    return around("\"revocation\":{" + parties(signed_one.payer, signed_one.agent, nonce) + "}",
                  http.world.actors.sign_revocation(signed_one, 0));
  }
  // The agent asks for a hold under a nonce of its own; the answer.
  std::string agent_pays(base::u128 nonce) {
    SingleSpec spec;
    spec.nonce = nonce;
    spec.maximum = 100;
    spec.agent = 0;
    return http.verify(commitment_request(http.world.actors, spec, 100));
  }
  std::string told(std::string_view path, const std::string& text, int status = 200) {
    const HttpAnswer answer = http.post(path, text, kPayee0);  // whoever brings it
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }

  HttpWorld http;
};

TEST_F(Mandates, LetAnAgentPayUntilTheyAreRevoked) {
  EXPECT_TRUE(contains(agent_pays(1), "signer_not_authorised"));
  const std::string first = told("/v1/mandates", body(mandate(5)));
  EXPECT_TRUE(contains(first, "\"nonce\":\"5\"")) << first;
  EXPECT_EQ(told("/v1/mandates", body(mandate(5))), first);
  EXPECT_TRUE(contains(agent_pays(1), "\"isValid\":true"));

  const std::string ended = told("/v1/revocations", revocation(6));
  EXPECT_EQ(told("/v1/revocations", revocation(6)), ended);
  EXPECT_TRUE(contains(agent_pays(2), "mandate_revoked"));
  EXPECT_TRUE(contains(told("/v1/mandates", body(mandate(5)), 409), "mandate_nonce_old"));
  EXPECT_TRUE(contains(told("/v1/revocations", revocation(5), 409), "mandate_nonce_old"));
  told("/v1/mandates", body(mandate(7)));
  EXPECT_TRUE(contains(agent_pays(2), "\"isValid\":true"));
}

TEST_F(Mandates, MustBeWhatThePayerSigned) {
  tab::Mandate more = mandate(1);
  more.cap = base::Amount(501);
  EXPECT_TRUE(contains(told("/v1/mandates", body(more, mandate(1)), 400), "signature_wrong"));
  tab::Mandate stranger = mandate(1);
  stranger.payer = http.world.actors.payer(40);
  EXPECT_TRUE(contains(told("/v1/mandates", body(stranger), 400), "signature_wrong"));
  // The zero signature is the ledger's mark of the operator.
  const std::string by_nobody =
      around("\"revocation\":{" + parties(http.world.actors.payer(0), http.world.actors.agent(0), 9) + "}", {});
  EXPECT_TRUE(contains(told("/v1/revocations", by_nobody, 400), "signature_"));
  EXPECT_TRUE(contains(agent_pays(1), "signer_not_authorised"));
}

TEST_F(Mandates, SayWhatIsWrongAndWhere) {
  const std::string good = body(mandate(1));
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  };
  const std::string payee = "\"" + base::to_hex(http.world.actors.payee(0)) + "\"";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"[]", "this is a list, not an object"},
      {"{}", "network: missing"},
      {with("test:tab", "acme:tab"), "network: another operator's network; allowed: \\\"test:tab\\\""},
      {with("\"cap\":\"500\"", "\"cap\":500"), "mandate.cap: this is a number"},
      {with("\"cap\":\"500\"", "\"cap\":\"170141183460469231731687303715884105728\""), "mandate.cap: too large"},
      {with("\"day\"", "\"year\""), "mandate.period: unknown"},
      {with("\"day\"", "2"), "mandate.period: this is a number"},
      {with("[]", "[\"x\"]"), "mandate.payees[0]: this must be an address"},
      {with("[]", "[" + payee + "," + payee + "]"), "mandate.payees[1]: payees must be in ascending order"},
      {with("\"nonce\"", "\"memo\":1,\"nonce\""), "mandate.memo: unknown here"},
      {with("\"nonce\":\"1\"", "\"nonce\":\"18446744073709551616\""), "mandate.nonce: too large"},
      {with(std::string(support::kUsdcText), "EUR"), "asset_unknown"},
  };
  for (const auto& [text, message] : wrong) {
    const std::string answer = told("/v1/mandates", text, 400);
    EXPECT_TRUE(contains(answer, message)) << answer;
  }
  tab::Mandate own = mandate(1);
  own.agent = own.payer;
  EXPECT_TRUE(contains(told("/v1/mandates", body(own), 400), "neither zero nor equal"));
  tab::Mandate past = mandate(1);
  past.valid_before = 1;
  EXPECT_TRUE(contains(told("/v1/mandates", body(past), 400), "\"code\":\"expired\""));
  EXPECT_EQ(http.post("/v1/mandates", good, {}).status, 401);
  EXPECT_EQ(http.get("/v1/mandates", kPayer0).status, 405);
}

}  // namespace
}  // namespace rpc::http
