#include "myra/metrics/exporter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "myra/metrics/http_request.hpp"
#include "myra/metrics/sample.hpp"
#include "myra/transport/blocking.hpp"

namespace {

using myra::blocking_connection;
using myra::metrics::exporter;
using namespace std::chrono_literals;

/// An exporter on a reactor and a thread of its own, which shows that reactor.
class exporter_test : public testing::TestWithParam<myra::io::backend_kind> {
 protected:
  void SetUp() override {
    auto made = myra::reactor::open({.backend = GetParam(),
                                     .pool = options_.pool,
                                     .receive_buffer_count = 16,
                                     .publish_counters = true});
    if (!made) GTEST_SKIP() << describe(made.error());
  }
  void serve(myra::metrics::exporter_options options = {}) {
    options.address = "127.0.0.1:0";
    std::promise<std::string> ready;
    auto address = ready.get_future();
    thread_ = std::thread([this, options, &ready] {
      options_.backend = GetParam();
      options_.publish_counters = true;
      auto on = myra::reactor::open(options_);
      if (!on) return ready.set_value("");
      auto made = exporter::open(*on, options, {on->board()});
      if (!made) return ready.set_value("");
      reactor_ = &*on;
      ready.set_value(made->local().to_string());
      EXPECT_TRUE(on->run());
      stop_returned_.acquire();  // the reactor has to be there until then
      EXPECT_TRUE(on->drain(5s));
    });
    address_ = address.get();
    ASSERT_NE(address_, "");
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    reactor_->stop();
    stop_returned_.release();
    thread_.join();
  }

  [[nodiscard]] std::optional<blocking_connection> connect() const {
    auto made = blocking_connection::connect(address_, {.backend = myra::io::backend_kind::epoll});
    if (!made) return std::nullopt;
    return std::move(*made);
  }
  /// All that comes until the end of the stream; "ERROR" when that is another one.
  static std::string receive_all(blocking_connection& from) {
    std::string all;
    std::array<std::byte, 4096> piece{};
    while (true) {
      const auto count = from.receive(piece, 10s);
      if (!count) return "ERROR " + count.error().message();
      if (*count == 0) return all;
      all += myra::as_text(std::span(piece).first(*count));
    }
  }
  [[nodiscard]] std::string answer_to(std::string_view request) const {
    auto peer = connect();
    if (!peer) return "no connection";
    if (!peer->send(myra::as_bytes(request), 10s)) return "not sent";
    return receive_all(*peer);
  }
  static std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
  }

  myra::reactor_options options_{.pool = {.slot_count_initial = 64, .slot_count_max = 64},
                                 .receive_buffer_count = 16};
  std::string address_;

 private:
  std::thread thread_;
  std::binary_semaphore stop_returned_{0};
  myra::reactor* reactor_ = nullptr;
};

TEST_P(exporter_test, AnswersAScrapeAndCloses) {
  serve();
  const std::string answer = answer_to("GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer.substr(0, 200);
  EXPECT_NE(answer.find("\r\nContent-Type: application/openmetrics-text; version=1.0.0; "
                        "charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  const std::string body = body_of(answer);
  EXPECT_NE(answer.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"),
            std::string::npos);
  EXPECT_TRUE(myra::metrics::parse_text(body));
}

TEST_P(exporter_test, AnswersInThePlainFormWhereThatIsWanted) {
  serve();
  const std::string answer = answer_to("GET /metrics HTTP/1.1\r\nAccept: text/plain\r\n\r\n");
  EXPECT_NE(answer.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
            std::string::npos);
  EXPECT_EQ(answer.find("# EOF"), std::string::npos);
}

TEST_P(exporter_test, ShowsCountersThatGrow) {
  serve();
  const auto accepts = [this] {
    const auto samples =
        myra::metrics::parse_text(body_of(answer_to("GET /metrics HTTP/1.1\r\n\r\n")));
    if (!samples) return -1.0;
    for (const auto& each : *samples)
      if (each.name == "myra_accepts_total") return each.value;
    return -2.0;
  };
  // The board is of the turn before.
  const double before = accepts();
  EXPECT_GE(before, 0);
  EXPECT_EQ(accepts(), before + 1);
}

TEST_P(exporter_test, CopiesNoPayload) {
  serve();
  for (int i = 0; i < 3; ++i) static_cast<void>(answer_to("GET /metrics HTTP/1.1\r\n\r\n"));
  const std::string body = body_of(answer_to("GET /metrics HTTP/1.1\r\n\r\n"));
  EXPECT_NE(body.find("\nmyra_copied_bytes_total{reactor=\"0\"} 0\n"), std::string::npos);
}

TEST_P(exporter_test, HeadHasNoBody) {
  serve();
  const std::string answer = answer_to("HEAD /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(body_of(answer), "");
}

TEST_P(exporter_test, RefusesInWords) {
  serve();
  EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 Not Found\r\n"));
  const std::string not_allowed = answer_to("DELETE /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(not_allowed.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  EXPECT_NE(not_allowed.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos);
  EXPECT_TRUE(answer_to("hello\r\n\r\n").starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_P(exporter_test, ReadsAHeadThatComesByteForByte) {
  serve();
  auto peer = connect();
  ASSERT_TRUE(peer);
  for (const char letter : std::string_view("GET /metrics HTTP/1.1\r\n\r\n"))
    ASSERT_TRUE(peer->send(myra::as_bytes({&letter, 1}), 10s));
  EXPECT_TRUE(receive_all(*peer).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_P(exporter_test, AHeadHasALimit) {
  serve();
  const std::string start = "GET /metrics HTTP/1.1\r\nA: ";
  const std::size_t most = myra::metrics::request_head_max_bytes;
  const std::string fits = start + std::string(most - start.size() - 4, 'x') + "\r\n\r\n";
  EXPECT_TRUE(answer_to(fits).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer_to(start + std::string(most, 'x')).starts_with("HTTP/1.1 431 "));
}

TEST_P(exporter_test, ARequestThatEndsTooEarlyIsBad) {
  serve();
  auto peer = connect();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->send(myra::as_bytes("GET /metrics HT"), 10s));
  ASSERT_TRUE(peer->half_close());
  EXPECT_TRUE(receive_all(*peer).starts_with("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_P(exporter_test, NothingIsAnsweredToNothing) {
  serve();
  auto peer = connect();
  ASSERT_TRUE(peer);
  ASSERT_TRUE(peer->half_close());
  EXPECT_EQ(receive_all(*peer), "");
}

TEST_P(exporter_test, OneWhoAsksNothingIsClosed) {
  serve({.timeout = 50ms});
  auto peer = connect();
  ASSERT_TRUE(peer);
  const auto began = std::chrono::steady_clock::now();
  static_cast<void>(receive_all(*peer));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_P(exporter_test, OneWhoTricklesIsClosedAsWell) {
  serve({.timeout = 200ms});
  auto peer = connect();
  ASSERT_TRUE(peer);
  const auto began = std::chrono::steady_clock::now();
  while (peer->send(myra::as_bytes("G"), 10s) && std::chrono::steady_clock::now() - began < 10s)
    std::this_thread::sleep_for(20ms);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST_P(exporter_test, ServesOnesThatWaitWhenOthersAreDone) {
  serve({.connections_max = 2});
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(answer_to("GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200")) << i;
}

TEST_P(exporter_test, AnAddressThatIsNoneIsNamed) {
  auto on = myra::reactor::open({.backend = GetParam(), .publish_counters = true});
  ASSERT_TRUE(on);
  const auto made = exporter::open(*on, {.address = "nowhere"}, {on->board()});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("nowhere"), std::string::npos) << made.error().what;
}

INSTANTIATE_TEST_SUITE_P(, exporter_test,
                         testing::Values(myra::io::backend_kind::uring,
                                         myra::io::backend_kind::epoll),
                         [](const auto& of) { return std::string(myra::io::name_of(of.param)); });

}  // namespace
