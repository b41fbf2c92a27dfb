// Buffers of one reactor that are sent on a connection of another, on another thread.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <future>
#include <optional>
#include <string>
#include <thread>

#include "myra/transport/connector.hpp"
#include "myra/transport/loopback_test.hpp"

namespace myra {
namespace {

using namespace loopback;

/// A connection on a reactor with a thread of its own, which ends both.
class connection_elsewhere {
 public:
  connection_elsewhere(io::backend_kind backend, const endpoint& to) {
    std::promise<void> connected;
    auto ready = connected.get_future();
    thread_ = std::thread([this, backend, to, &connected] {
      reactor_options options;
      options.backend = backend;
      auto opened = reactor::open(options);
      connect_options how;
      how.connection.linger_timeout = 20ms;
      std::optional<connection> peer;
      const connect_attempt attempt =
          connect(*opened, std::array{to}, how, [&](result<connection> made) noexcept {
            peer.emplace(std::move(made.value()));
            handle_ = peer->handle();
            runs_ = &*opened;
            connected.set_value();
          });
      EXPECT_TRUE(opened->run());
      peer.reset();
      EXPECT_TRUE(opened->drain(5s));
      stopped_.get_future().wait();  // it may be under way yet
    });
    ready.get();
  }
  connection_elsewhere(const connection_elsewhere&) = delete;
  connection_elsewhere& operator=(const connection_elsewhere&) = delete;
  ~connection_elsewhere() {
    runs_->stop();
    stopped_.set_value();
    thread_.join();
  }

  void send(buffer bytes) const {
    EXPECT_EQ(handle_.post([moved = std::move(bytes)](connection& peer) mutable noexcept {
      EXPECT_EQ(peer.send(std::move(moved)), send_status::accepted);
    }),
              post_status::accepted);
  }

 private:
  connection_handle handle_;
  std::promise<void> stopped_;
  reactor* runs_ = nullptr;
  std::thread thread_;
};

class sending_elsewhere : public on_backends {};

TEST_P(sending_elsewhere, each_comes_whole_and_goes_home) {
  constexpr std::uint32_t count = 20'000;
  reactor_options few;
  few.backend = GetParam();
  few.pool.slot_size_bytes = 1024;
  few.pool.slot_count_initial = few.pool.slot_count_max = 64;
  auto opened = reactor::open(few);
  ASSERT_TRUE(opened) << describe(opened.error());
  reactor& home = *opened;
  raw_listener listening("127.0.0.1:0");
  raw_socket reader;
  std::thread reading;
  std::uint32_t wrong = 0;
  {
    const connection_elsewhere there(GetParam(), listening.address());
    reader = listening.accept();
    reading = std::thread([&] {
      std::array<std::uint32_t, 64> words{};
      for (std::uint32_t i = 0; i < count; ++i) {
        if (::recv(reader.descriptor(), words.data(), sizeof words, MSG_WAITALL) != sizeof words)
          break;
        for (const std::uint32_t word : words) wrong += word == i ? 0 : 1;
      }
    });
    for (std::uint32_t i = 0; i < count; ++i) {
      buffer next = home.acquire();
      for (; !next; next = home.acquire()) ASSERT_TRUE(home.run_once(1ms));
      std::array<std::uint32_t, 64> words{};
      words.fill(i);
      next.resize(sizeof words);
      std::memcpy(next.writable().data(), words.data(), sizeof words);
      there.send(std::move(next));
    }
    reading.join();
  }
  EXPECT_EQ(reader.receive(), "") << "more came than was sent";
  EXPECT_EQ(wrong, 0U);
  turn_until(home, [&] {
    home.internals().pool().collect();
    const auto now = home.counters().buffers;
    return now.detached == 0 && now.in_flight == 0;
  });
}

INSTANTIATE_TEST_SUITE_P(backends, sending_elsewhere, both_backends, name_of_backend);

}  // namespace
}  // namespace myra
