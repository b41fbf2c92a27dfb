// What the cases about chains stand on: a reactor of each kind, a pair of sockets, and what the
// report said.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <string>

#include "myra/io/kernel_version_test.hpp"
#include "myra/reactor/chain.hpp"
#include "myra/reactor/reactor.hpp"

namespace myra::chain_cases {

using namespace std::chrono_literals;
using results = std::vector<std::int32_t>;

inline constexpr int nobody = 1'000'000;  ///< A descriptor that is not open.

struct engine {
  const char* name;
  io::backend_kind backend;
  unsigned submission_entries = 1024;
  bool polled = false;
};

class chains : public testing::TestWithParam<engine> {
 protected:
  void SetUp() override {
    if (GetParam().backend == io::backend_kind::uring && !io::why_no_uring().empty())
      GTEST_SKIP() << io::why_no_uring();
    reactor_options options;
    options.backend = GetParam().backend;
    options.submission_entries = GetParam().submission_entries;
    options.ring.submission_polling = {.on = GetParam().polled, .idle = 5ms};
    auto opened = reactor::open(options);
    ASSERT_TRUE(opened) << describe(opened.error());
    on_.emplace(std::move(*opened));
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours = ends[0];
    theirs = ends[1];
    ASSERT_GE(sockets().adopt(ours), 0);
  }
  void TearDown() override {
    if (ours >= 0) sockets().close(ours);
    if (theirs >= 0) ::close(theirs);
  }

  [[nodiscard]] reactor& on() { return *on_; }
  [[nodiscard]] io::backend& backend() { return on_->internals().backend(); }
  [[nodiscard]] io::network& sockets() { return backend().sockets(); }
  [[nodiscard]] bool links() { return backend().chain_length_max() != 0; }

  template <class Condition>
  void turn_until(Condition done) {
    for (const time_point end = clock::now() + 10s; !done();) {
      ASSERT_LT(clock::now(), end) << "did not happen";
      ASSERT_TRUE(on().run_once(2ms));
    }
  }
  void begin(operation_chain& chain) {
    auto begun = chain.start([this](std::span<step_report> steps) noexcept {
      ++reports;
      for (const step_report& each : steps) {
        told.push_back(each.result);
        kinds.push_back(each.kind);
        if (each.bytes) bytes += as_text(each.bytes.bytes());
      }
    });
    ASSERT_TRUE(begun) << describe(begun.error());
  }
  results run(operation_chain& chain) {
    begin(chain);
    return finish();
  }
  results finish() {
    turn_until([this] { return reports == 1; });
    return told;
  }
  [[nodiscard]] std::string read_theirs() const {
    std::string got(4096, '\0');
    const ssize_t size = ::recv(theirs, got.data(), got.size(), MSG_DONTWAIT);
    got.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return got;
  }
  /// `count` sends of one byte, of which one is aimed at nothing.
  void sends(operation_chain& to, std::size_t count, std::size_t broken) {
    for (std::size_t i = 0; i < count; ++i)
      to.send(i == broken ? nobody : ours, as_bytes(letters).subspan(i % letters.size(), 1));
  }

  static constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz";
  int ours = -1;
  int theirs = -1;
  int reports = 0;
  results told;
  std::vector<io::operation_kind> kinds;
  std::string bytes;

 private:
  std::optional<reactor> on_;
};

inline constexpr engine engines[] = {{"uring", io::backend_kind::uring},
                                     {"uring_of_8", io::backend_kind::uring, 8},
                                     {"uring_polled", io::backend_kind::uring, 1024, true},
                                     {"epoll", io::backend_kind::epoll}};
inline std::string name_of(const testing::TestParamInfo<engine>& info) { return info.param.name; }

}  // namespace myra::chain_cases
