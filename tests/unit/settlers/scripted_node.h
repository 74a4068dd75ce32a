#pragma once

// An Ethereum node that answers what a test says, call by call, on the test's io_context.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace support {

namespace json = boost::json;

class ScriptedNode {
 public:
  struct Reply {
    std::optional<json::value> result;  // empty: `error`, or no answer to this call at all
    std::string error;
  };
  struct Call {
    std::string method;
    json::array params;
  };

  explicit ScriptedNode(boost::asio::io_context& io)
      : acceptor_(io, Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)) {
    accept();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

  std::function<Reply(const Call&)> answer;
  std::size_t batch_max = 1'000;  // more calls in one request are refused as a whole
  std::vector<std::vector<Call>> requests;

 private:
  using Tcp = boost::asio::ip::tcp;
  struct Session {
    explicit Session(Tcp::socket s) : socket(std::move(s)) {}
    Tcp::socket socket;
    boost::beast::flat_buffer buffer;
    boost::beast::http::request<boost::beast::http::string_body> request;
    boost::beast::http::response<boost::beast::http::string_body> response;
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code failed, Tcp::socket socket) {
      if (failed) return;
      read(std::make_shared<Session>(std::move(socket)));
      accept();
    });
  }
  void read(const std::shared_ptr<Session>& session) {
    session->request = {};
    boost::beast::http::async_read(session->socket, session->buffer, session->request,
                                   [this, session](boost::system::error_code failed, std::size_t) {
                                     if (!failed) reply(session);
                                   });
  }
  void reply(const std::shared_ptr<Session>& session) {
    session->response = {};
    session->response.body() = json::serialize(answers(json::parse(session->request.body()).as_array()));
    session->response.prepare_payload();
    boost::beast::http::async_write(session->socket, session->response,
                                    [this, session](boost::system::error_code failed, std::size_t) {
                                      if (!failed) read(session);
                                    });
  }
  json::value answers(const json::array& calls) {
    requests.emplace_back();
    if (calls.size() > batch_max) return json::object{{"error", {{"code", -32600}, {"message", "batch too large"}}}};
    json::array all;
    for (const json::value& call : calls) {
      const json::object& object = call.as_object();
      requests.back().push_back({std::string(object.at("method").as_string()), object.at("params").as_array()});
      const Reply reply = answer(requests.back().back());
      json::object one{{"id", object.at("id")}};
      if (reply.result) {
        one["result"] = *reply.result;
      } else if (!reply.error.empty()) {
        one["error"] = json::object{{"code", -32005}, {"message", reply.error}};
      } else {
        continue;
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  Tcp::acceptor acceptor_;
};

}  // namespace support
