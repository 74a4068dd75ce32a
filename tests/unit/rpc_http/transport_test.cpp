// HTTP itself: framing, order, limits, deadlines, keys and quotas.

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "crypto/sha256.h"
#include "tests/support/channels.h"
#include "tests/unit/rpc_http/http_world.h"

namespace rpc::http {
namespace {

std::string get_text(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: t\r\n" + std::string(more) + "\r\n";
}

TEST(Transport, OpenPathsNeedNoKey) {
  HttpWorld world;
  EXPECT_EQ(world.get("/healthz").body, "{\"alive\":true}");
  const HttpAnswer supported = world.get("/supported");
  EXPECT_EQ(supported.status, 200);
  EXPECT_EQ(supported.headers.at("content-type"), "application/json");
  EXPECT_TRUE(contains(supported.body, "\"scheme\":\"batch-settlement\",\"network\":\"test:tab\"")) << supported.body;
  EXPECT_TRUE(contains(supported.body, "\"extensions\":[\"payment-identifier\"]")) << supported.body;
  EXPECT_TRUE(contains(world.get("/.well-known/x402-tab").body, base::to_hex(world.front_key.address())));
  EXPECT_TRUE(contains(world.get("/openapi.json").body, "\"openapi\": \"3.1.0\""));
}

TEST(Transport, WebhooksCarryTheirOwnProof) {
  HttpWorld world;
  HttpClient client(world.port());
  const auto post = [&client](const std::string& path, const std::string& signature, const std::string& body) {
    client.send("POST " + path + " HTTP/1.1\r\nHost: t\r\nX-Signature: " + signature +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.receive().value();
  };
  const std::string bytes("{ \"a\" :\n1}\0\xff", 13);
  const HttpAnswer taken = post("/webhooks/test", "fine", bytes);
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(taken.body, "{\"received\":true}");
  EXPECT_EQ(world.webhook_bodies.at(0), bytes) << "byte for byte, because it is signed";
  const HttpAnswer refused = post("/webhooks/test", "400", "{}");
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(contains(refused.body, "webhook_refused")) << refused.body;
  EXPECT_TRUE(contains(refused.body, "said the signature")) << refused.body;
  const HttpAnswer later = post("/webhooks/test", "503", "{}");
  EXPECT_EQ(later.status, 503);
  EXPECT_EQ(later.headers.count("retry-after"), 1u);
  EXPECT_EQ(post("/webhooks/test", "fine", std::string(256 * 1024, ' ')).status, 200);
  EXPECT_EQ(post("/webhooks/test", "fine", std::string(256 * 1024 + 1, ' ')).status, 413);
  EXPECT_EQ(client.get("/webhooks/test")->status, 405);
  HttpClient other(world.port());
  EXPECT_EQ(other.post("/webhooks/card", "{}", "")->status, 404) << "only where it is configured";
}

TEST(Transport, OneConnectionServesManyRequestsInOrder) {
  HttpWorld world;
  HttpClient client(world.port());
  // Pipelined, more than are taken at once: answers come in the order of the requests.
  std::string all;
  for (int i = 0; i < 40; ++i) {
    all += get_text(i % 2 == 0 ? "/healthz" : "/nowhere");
    all += post_text("/verify", "{}", kServer0);
  }
  client.send(all);
  for (int i = 0; i < 40; ++i) {
    const auto first = client.receive();
    ASSERT_TRUE(first.has_value()) << i;
    EXPECT_EQ(first->status, i % 2 == 0 ? 200 : 404) << i;
    const auto second = client.receive();
    ASSERT_TRUE(second.has_value()) << i;
    EXPECT_EQ(second->status, 400) << i;
  }
  client.send(get_text("/healthz", "Connection: close\r\n"));
  const auto last = client.receive();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->headers.at("connection"), "close");
  EXPECT_TRUE(client.closed_within(10'000));
}

TEST(Transport, HeadHasNoBody) {
  HttpWorld world;
  HttpClient client(world.port());
  client.send("HEAD /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto answer = client.receive(true);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->headers.at("content-length"), "14");
  EXPECT_EQ(client.get("/healthz")->status, 200);  // nothing of a body was in between
}

TEST(Transport, ByteByByteIsTheSame) {
  HttpWorld world;
  HttpClient client(world.port());
  for (const char c : post_text("/verify", "{\"a\":1}", kServer0)) client.send(std::string_view(&c, 1));
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 400);
  EXPECT_TRUE(contains(answer->body, "paymentPayload: missing")) << answer->body;
}

TEST(Transport, ChunkedBodiesAndExpectations) {
  HttpWorld world;
  HttpClient client(world.port());
  client.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
              "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4;x=y\r\n\":1}\r\n0\r\n\r\n");
  const auto chunked = client.receive();
  ASSERT_TRUE(chunked.has_value());
  EXPECT_TRUE(contains(chunked->body, "paymentPayload: missing")) << chunked->body;
  client.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
              "\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  const auto go_on = client.receive();
  ASSERT_TRUE(go_on.has_value());
  EXPECT_EQ(go_on->status, 100);
  client.send("{}");
  EXPECT_EQ(client.receive()->status, 400);
}

TEST(Transport, SmugglingIsRefusedAndTheConnectionEnds) {
  const std::string key = "Authorization: Bearer " + std::string(kServer0) + "\r\n";
  const std::string hidden = get_text("/healthz");
  const std::vector<std::string> attempts = {
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: 2, 2\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: +2\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: 0x2\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length: -1\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Content-Length : 2\r\n\r\n{}",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Transfer-Encoding: identity\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
      "POST /verify HTTP/1.0\r\nHost: t\r\n" + key + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /verify HTTP/1.1\r\nHost: t\r\n" + key + "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
      "POST /verify HTTP/1.1\nHost: t\nContent-Length: 2\n\n{}",
      "GET /healthz HTTP/1.1\r\nHost: t\n\r\n",
      "GET /healthz HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n",
      "GET /healthz HTTP/1.1\r\n\r\n",
      "GET /healthz HTTP/2.7\r\nHost: t\r\n\r\n",
      "GET  /healthz HTTP/1.1\r\nHost: t\r\n\r\n",
      std::string("GET /healthz HTTP/1.1\r\nHost: t\r\nX: a") + '\0' + "b\r\n\r\n",
      "GET /healthz\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
  };
  HttpWorld world;
  for (const std::string& attempt : attempts) {
    HttpClient client(world.port());
    client.send(attempt + hidden);
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << attempt;
    EXPECT_EQ(answer->status, 400) << attempt << answer->body;
    EXPECT_TRUE(contains(answer->body, "\"code\":\"bad_request\"")) << attempt << answer->body;
    EXPECT_EQ(answer->headers.at("connection"), "close") << attempt;
    EXPECT_FALSE(client.receive().has_value()) << "the hidden request was answered: " << attempt;
  }
  EXPECT_EQ(world.front.counters().bad_requests_total, attempts.size());
  EXPECT_EQ(world.get("/healthz").status, 200);
}

TEST(Transport, HeadsAndBodiesAreBounded) {
  HttpWorld world([](ServerOptions& options) { options.body_bytes_max = 16 << 10; });
  {
    HttpClient client(world.port());
    client.send(get_text("/healthz", "X: " + std::string(9'000, 'a') + "\r\n"));
    EXPECT_EQ(client.receive()->status, 431);
    EXPECT_TRUE(client.closed_within(10'000));
  }
  {
    HttpClient client(world.port());
    client.send("GET /" + std::string(20'000, 'a'));  // never ends
    EXPECT_EQ(client.receive()->status, 431);
  }
  {
    HttpClient client(world.port());
    client.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
                "\r\nContent-Length: 16385\r\n\r\n");
    EXPECT_EQ(client.receive()->status, 413);  // before any of it is read
    EXPECT_TRUE(client.closed_within(10'000));
  }
  {
    HttpClient client(world.port());
    client.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
                "\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n" + std::string(0x5000, ' ') + "\r\n");
    EXPECT_EQ(client.receive()->status, 413);
  }
}

TEST(Transport, KeysAreCheckedBeforeTheBodyIsRead) {
  HttpWorld world;
  HttpClient client(world.port());
  client.send("POST /verify HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\n");  // and no body
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->headers.at("www-authenticate"), "Bearer");
  EXPECT_TRUE(client.closed_within(10'000));

  EXPECT_EQ(world.post("/verify", "{}", "not a key").status, 401);
  EXPECT_EQ(world.post("/verify", "{}", std::string(1'000, 'k')).status, 401);
  EXPECT_EQ(world.post("/verify", "{}", kPayer0).status, 403);
  EXPECT_EQ(world.get("/v1/charges").status, 401);
  EXPECT_EQ(world.get("/v1/charges", kPayer0).status, 200);
  // Another key on the same connection is another caller.
  HttpClient both(world.port());
  EXPECT_EQ(both.post("/verify", "{}", kServer0)->status, 400);
  EXPECT_EQ(both.post("/verify", "{}", kPayer0)->status, 403);
  EXPECT_EQ(world.front.counters().unauthorised_total, 4u);
}

TEST(Transport, MethodsAndPaths) {
  HttpWorld world;
  HttpClient client(world.port());
  EXPECT_EQ(client.get("/verify", kServer0)->headers.at("allow"), "POST");
  client.send("DELETE /supported HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto answer = client.receive();
  EXPECT_EQ(answer->status, 405);
  EXPECT_EQ(answer->headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(client.get("/")->status, 404);
  EXPECT_EQ(client.get("/verify/")->status, 404);
  EXPECT_EQ(client.get("/v1/statements/", kPayer0)->status, 404);
  EXPECT_EQ(client.get("/v1/statements/x", kPayer0)->status, 404);
  EXPECT_EQ(client.get("/v1/statements/7", kPayer0)->status, 404);
  for (const char* query :
       {"?limit=0", "?limit=201", "?limit=-1", "?after=", "?after=x", "?other=1", "?limit=1&&", "?limit=1&limit=1",
        "?after=1&after=2", "?after=18446744073709551615", "?after=99999999999999999999"})
    EXPECT_EQ(client.get("/v1/charges" + std::string(query), kPayer0)->status, 400) << query;
}

TEST(Transport, QuotasAnswer429WithATimeToWait) {
  HttpWorld world;
  HttpClient client(world.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += post_text("/settle", "{}", kHurried);
  client.send(all);
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(i >= 3 || answer->status == 400) << i;
    if (answer->status != 429) continue;
    ++refused;
    EXPECT_EQ(answer->headers.at("retry-after"), "1");
    EXPECT_TRUE(contains(answer->body, "quota_exceeded"));
  }
  EXPECT_GT(refused, 0);
  HttpClient other(world.port());
  EXPECT_EQ(other.post("/verify", "{}", kServer0)->status, 400);  // another key has its own
}

TEST(Transport, APageCostsWhatHadToBeLookedAt) {
  HttpWorld world;
  for (std::uint64_t n = 0; n < 900; ++n) world.world.must(support::sync_channel(n, support::escrow(10), 1));
  HttpClient client(world.port());
  const auto page = client.get("/v1/charges", kHurried);  // 3 requests at once; 900 rows are 5
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->body, "{\"items\":[],\"next\":null}");
  EXPECT_EQ(client.get("/v1/charges", kHurried)->status, 429);
  EXPECT_EQ(client.get("/v1/charges", kServer0)->status, 200) << "another key has its own";
}

TEST(Transport, KeysChangeWhileConnectionsStay) {
  HttpWorld world;
  HttpClient client(world.port());
  EXPECT_EQ(client.get("/v1/charges", kServer0)->status, 200);
  EXPECT_EQ(client.get("/v1/charges", kPayer0)->status, 200);
  ApiKey kept;
  kept.name = "new";
  const std::string_view text = "a new key";
  kept.sha256 = crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  kept.addresses = {world.world.actors.payee(0)};
  world.front.set_api_keys({kept});
  EXPECT_EQ(client.get("/v1/charges", kServer0)->status, 401);
  EXPECT_EQ(client.get("/v1/charges", kPayer0)->status, 401);
  EXPECT_EQ(client.get("/v1/charges", text)->status, 200);
}

TEST(Transport, BatchesThatAreNoneCostQuotaToo) {
  HttpWorld world;
  HttpClient client(world.port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += post_text("/v1/batch", i % 2 == 0 ? "{" : "{\"items\":[]}", kHurried);
  client.send(all);
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(answer->status == 400 || answer->status == 429) << answer->status;
    refused += answer->status == 429 ? 1 : 0;
  }
  EXPECT_GT(refused, 0);
}

TEST(Transport, APeerThatDoesNotTakeItsAnswersIsNotAskedForMore) {
  HttpWorld world;
  world.world.ingest->set(SwitchedIngest::Mode::hold);
  SingleSpec spec;
  std::string all = post_text("/settle", commitment_request(world.world.actors, spec, 10), kServer0);
  for (int i = 0; i < 15; ++i) all += get_text("/openapi.json");
  HttpClient client(world.port());
  client.send(all);
  // All 15 answers stand behind one that is not known yet. They are made until 256 KiB wait, and one more.
  world.world.ingest->wait_until_held(1);
  HttpClient other(world.port());
  const auto document = other.get("/openapi.json");
  ASSERT_TRUE(document.has_value());
  const std::size_t room = 256 * 1024 / document->body.size() + 1;
  const auto made = [&world] {
    return world.front.counters().answers[static_cast<std::size_t>(Route::openapi)][0].load() - 1;
  };
  ASSERT_LT(room, 15u);
  EXPECT_LE(made(), room);
  world.world.ingest->set(SwitchedIngest::Mode::pass);
  for (int i = 0; i < 16; ++i) {
    const auto answer = client.receive();
    ASSERT_TRUE(answer.has_value()) << i;
    EXPECT_EQ(answer->status, 200) << i;
  }
  EXPECT_EQ(made(), 15u);
}

TEST(Transport, WhatProxiesAndOldClientsSend) {
  HttpWorld world;
  HttpClient client(world.port());
  std::string blank;
  for (int i = 0; i < 40'000; ++i) blank += "\r\n";
  client.send(blank + get_text("/healthz"));
  EXPECT_EQ(client.receive()->status, 200);
  client.send(get_text("http://tabd.example:9403/healthz"));
  EXPECT_EQ(client.receive()->status, 200);
  client.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
              "\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}");
  const auto compressed = client.receive();
  ASSERT_TRUE(compressed.has_value());
  EXPECT_EQ(compressed->status, 415);
  EXPECT_TRUE(contains(compressed->body, "unsupported_encoding")) << compressed->body;
}

TEST(Transport, SlowAndSilentConnectionsEnd) {
  HttpWorld world([](ServerOptions& options) { options.header_ms = options.body_ms = options.idle_ms = 1'000; });
  HttpClient silent(world.port()), slow_head(world.port()), slow_body(world.port()), half(world.port());
  slow_head.send("GET /healthz HTTP/1.1\r\nHos");
  slow_body.send("POST /verify HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer " + std::string(kServer0) +
                 "\r\nContent-Length: 10\r\n\r\n{");
  half.send("GET /healthz HTTP/1.1\r\nHo");
  half.shut_down_sending();
  const auto late_head = slow_head.receive(), late_body = slow_body.receive();
  ASSERT_TRUE(late_head.has_value() && late_body.has_value());
  EXPECT_EQ(late_head->status, 408);
  EXPECT_EQ(late_body->status, 408);
  EXPECT_TRUE(silent.closed_within(10'000));
  EXPECT_TRUE(slow_head.closed_within(10'000));
  EXPECT_TRUE(slow_body.closed_within(10'000));
  EXPECT_TRUE(half.closed_within(10'000));
  EXPECT_GE(world.front.counters().timeouts_total, 2u);
}

TEST(Transport, AHalfClosedClientGetsItsAnswer) {
  HttpWorld world;
  HttpClient client(world.port());
  SingleSpec spec;
  client.send(post_text("/verify", commitment_request(world.world.actors, spec, 10), kServer0));
  client.shut_down_sending();
  const auto answer = client.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(contains(answer->body, "\"isValid\":true")) << answer->body;
  EXPECT_TRUE(client.closed_within(10'000));
}

TEST(Transport, TheTotalDeadlineSaysThatItDoesNotKnow) {
  HttpWorld world([](ServerOptions& options) { options.request_ms = 500; });
  world.world.ingest->set(SwitchedIngest::Mode::hold);
  SingleSpec spec;
  const std::string body = commitment_request(world.world.actors, spec, 10);
  const HttpAnswer late = world.post("/settle", body);
  EXPECT_EQ(late.status, 503);
  EXPECT_TRUE(contains(late.body, "\"code\":\"timeout\"")) << late.body;
  EXPECT_EQ(late.headers.at("retry-after"), "1");
  world.world.ingest->set(SwitchedIngest::Mode::pass);
  // It happened all the same, once.
  HttpAnswer known;
  for (int i = 0; i < 20 && known.status != 200; ++i) known = world.post("/settle", body);
  EXPECT_TRUE(contains(known.body, "\"success\":true")) << known.body;
}

TEST(Transport, ConnectionsAreCapped) {
  HttpWorld world([](ServerOptions& options) { options.connections_per_address_max = 2; });
  HttpClient first(world.port()), second(world.port());
  EXPECT_EQ(first.get("/healthz")->status, 200);
  EXPECT_EQ(second.get("/healthz")->status, 200);
  HttpClient third(world.port());
  EXPECT_EQ(third.receive()->status, 503);
  EXPECT_TRUE(third.closed_within(10'000));
  EXPECT_EQ(world.front.counters().connections_refused_total, 1u);
  first.send(get_text("/healthz", "Connection: close\r\n"));
  EXPECT_TRUE(first.closed_within(10'000));
}

TEST(Transport, OverloadIsAnsweredAtOnce) {
  HttpWorld world;
  world.world.ingest->set(SwitchedIngest::Mode::overloaded);
  SingleSpec spec;
  const HttpAnswer answer = world.post("/verify", commitment_request(world.world.actors, spec, 10));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
  EXPECT_TRUE(contains(answer.body, "\"code\":\"overloaded\"")) << answer.body;
}

TEST(Transport, StoppingFinishesWhatIsUnderWay) {
  HttpWorld world;
  HttpClient idle(world.port()), busy(world.port());
  EXPECT_EQ(idle.get("/healthz")->status, 200);
  world.world.ingest->set(SwitchedIngest::Mode::hold);
  SingleSpec spec;
  busy.send(post_text("/settle", commitment_request(world.world.actors, spec, 10), kServer0));
  world.world.ingest->wait_until_held(1);
  std::thread stopping([&world] { world.front.stop(); });
  EXPECT_TRUE(idle.closed_within(10'000));
  world.world.ingest->set(SwitchedIngest::Mode::pass);
  const auto answer = busy.receive();
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(contains(answer->body, "\"success\":true")) << answer->body;
  EXPECT_EQ(answer->headers.at("connection"), "close");
  stopping.join();
}

}  // namespace
}  // namespace rpc::http
