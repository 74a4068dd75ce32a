#pragma once

// A small HTTP proxy in front of the node, that can lose replies and be down. Runs on the test's io_context.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <string>

namespace chain_test {

class Proxy {
 public:
  Proxy(boost::asio::io_context& io, std::uint16_t upstream) : state_(std::make_shared<State>(io, upstream)) {
    accept(state_);
  }
  ~Proxy() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(state_->acceptor.local_endpoint().port()); }
  // Requests are refused before they reach the node.
  void set_down(bool down) { state_->down = down; }
  // The next `count` requests that contain `text` reach the node, and their replies are lost.
  void lose_replies(std::string text, int count) {
    state_->lose_text = std::move(text);
    state_->lose_count = count;
  }
  int lost() const { return state_->lost; }

 private:
  using Tcp = boost::asio::ip::tcp;
  struct State {
    State(boost::asio::io_context& context, std::uint16_t port)
        : io(context),
          acceptor(context, Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)),
          upstream(port) {}
    boost::asio::io_context& io;
    Tcp::acceptor acceptor;
    std::uint16_t upstream;
    bool down = false;
    std::string lose_text;
    int lose_count = 0;
    int lost = 0;
  };
  struct Session {
    explicit Session(Tcp::socket socket) : stream(std::move(socket)) {}
    boost::beast::tcp_stream stream;
    boost::beast::flat_buffer buffer;
    boost::beast::http::request<boost::beast::http::string_body> request;
    boost::beast::http::response<boost::beast::http::string_body> response;
  };

  static void accept(const std::shared_ptr<State>& state) {
    state->acceptor.async_accept([state](boost::system::error_code failed, Tcp::socket socket) {
      if (failed) return;
      read(state, std::make_shared<Session>(std::move(socket)));
      accept(state);
    });
  }

  static void read(const std::shared_ptr<State>& state, const std::shared_ptr<Session>& session) {
    session->request = {};
    boost::beast::http::async_read(session->stream, session->buffer, session->request,
                                   [state, session](boost::system::error_code failed, std::size_t) {
                                     if (!failed && !state->down) forward(state, session);
                                   });
  }

  static void forward(const std::shared_ptr<State>& state, const std::shared_ptr<Session>& session) {
    namespace http = boost::beast::http;
    // The node is another process: waiting for it here is fine.
    boost::system::error_code failed;
    boost::beast::tcp_stream upstream(state->io);
    upstream.connect(Tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), state->upstream), failed);
    if (failed) return;
    http::write(upstream, session->request, failed);
    boost::beast::flat_buffer buffer;
    session->response = {};
    if (!failed) http::read(upstream, buffer, session->response, failed);
    if (failed) return;
    const bool lose = state->lose_count > 0 && session->request.body().find(state->lose_text) != std::string::npos;
    if (lose) {
      --state->lose_count;
      ++state->lost;
      return;  // the session ends here: the connection closes without a reply
    }
    session->response.prepare_payload();
    http::async_write(session->stream, session->response,
                      [state, session](boost::system::error_code broken, std::size_t) {
                        if (!broken) read(state, session);
                      });
  }

  std::shared_ptr<State> state_;
};

}  // namespace chain_test
