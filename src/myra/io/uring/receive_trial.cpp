#include "myra/io/uring/receive_trial.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

constexpr std::uint32_t slot_size_bytes = 512;
constexpr std::uint32_t slot_count = 16;
constexpr unsigned ring_count = 8;
constexpr std::uint32_t stream_bytes = 12 * 1024;
constexpr std::uint32_t turn_bytes = 3000;
/// Only a kernel that gets it wrong takes as long: a machine may be busy.
constexpr duration patience = std::chrono::seconds(2);

/// Two sockets that are connected to each other, closed at the end.
class socket_pair {
 public:
  socket_pair() noexcept {
    // A call that fails may leave numbers that are not ours.
    if (!open_tcp() && noted(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_)) != 0)
      ends_[0] = ends_[1] = -1;
  }
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;
  ~socket_pair() {
    for (const int each : ends_)
      if (each >= 0) ::close(each);
  }
  [[nodiscard]] bool made() const noexcept { return ends_[1] >= 0; }
  [[nodiscard]] int near() const noexcept { return ends_[0]; }
  [[nodiscard]] int far() const noexcept { return ends_[1]; }
  [[nodiscard]] bool is_tcp() const noexcept { return is_tcp_; }
  /// Why there is no connection of TCP: an errno of a shortage; 0: for another reason, or there is.
  [[nodiscard]] int shortage() const noexcept { return shortage_; }
  /// Closes the far end with a reset. Whether the near one has it.
  bool reset_far() noexcept {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(ends_[1], SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(std::exchange(ends_[1], -1));
    pollfd told{ends_[0], 0, 0};
    return ::poll(&told, 1, 2000) == 1;
  }

 private:
  /// Over loopback, which may be down.
  bool open_tcp() noexcept {
    const int listener = socket();
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* address = reinterpret_cast<sockaddr*>(&at);
    ends_[1] = socket();
    if (::bind(listener, address, size) == 0 && ::listen(listener, 1) == 0 &&
        ::getsockname(listener, address, &size) == 0 && ::connect(ends_[1], address, size) == 0)
      ends_[0] = noted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (listener >= 0) ::close(listener);
    if (ends_[0] < 0 && ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
    return is_tcp_ = ends_[0] >= 0;
  }
  int socket() noexcept { return noted(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
  int noted(int made) noexcept {
    const int error = made < 0 ? errno : 0;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
      shortage_ = error;
    return made;
  }

  int ends_[2] = {-1, -1};
  bool is_tcp_ = false;
  int shortage_ = 0;
};

/// The byte at `offset` of stream `number`.
std::byte pattern(unsigned number, std::uint32_t offset) noexcept {
  return static_cast<std::byte>(offset * 31 + (offset >> 8) * 7 + number * 101);
}

/// One connection: what is sent on it, and what comes.
class trial_stream {
 public:
  trial_stream(backend& on, unsigned number, bool multishot) noexcept
      : backend_(on), number_(number), receive_(*this) {
    receive_.descriptor = io::descriptor(sockets_.near());
    receive_.multishot = multishot;
    receive_.turn_bytes_max = turn_bytes;
  }

  [[nodiscard]] bool made() const noexcept { return sockets_.made(); }
  [[nodiscard]] int shortage() const noexcept { return sockets_.shortage(); }
  [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }
  [[nodiscard]] bool all_sent() const noexcept { return sent_ == stream_bytes; }
  [[nodiscard]] bool over() const noexcept { return received_ == stream_bytes || !wrong_.empty(); }
  [[nodiscard]] std::uint32_t received() const noexcept { return received_; }
  [[nodiscard]] bool idle() const noexcept { return receive_.idle(); }

  void send(std::uint32_t size, const feature_switches& on_trial, const trial_wire& wire) {
    std::array<std::byte, slot_size_bytes * 4> bytes;
    size = std::min({size, stream_bytes - sent_, static_cast<std::uint32_t>(bytes.size())});
    for (std::uint32_t i = 0; i < size; ++i) bytes[i] = pattern(number_, sent_ + i);
    sent_ += size;
    if (wire && !wire(on_trial, {bytes.data(), size})) return;
    if (::send(sockets_.far(), bytes.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      fail("send failed with errno " + std::to_string(errno));
  }
  void arm() noexcept {
    if (receive_.idle() && !over()) backend_.submit(receive_);
  }
  void stop() noexcept { backend_.cancel(receive_); }
  /// What was kept is looked at once more: nothing may have been written over it meanwhile.
  void let_go() {
    for (kept_part& each : kept_) let_go(each);
  }
  /// The ring is gone, and nothing will complete any more.
  void abandon() noexcept { receive_.state = operation_state::idle; }

 private:
  struct operation_here : receive_operation {
    explicit operation_here(trial_stream& owner) noexcept
        : receive_operation(&on_complete), self(owner) {}
    trial_stream& self;
  };
  struct kept_part {
    buffer bytes;
    std::uint32_t offset = 0;
  };

  static void on_complete(operation& completed, completion& what) noexcept {
    trial_stream& self = static_cast<operation_here&>(completed).self;
    if (what.bytes) return self.take(std::move(what.bytes));
    if (what.result == -ENOBUFS || what.result == -ECANCELED || self.over()) return;
    self.fail(what.result == 0 ? "a receive told of an end that was not there"
                               : "a receive failed with errno " + std::to_string(-what.result));
  }

  void take(buffer&& came) {
    kept_part part{std::move(came), received_};
    received_ += part.bytes.size();
    if (received_ > stream_bytes) fail("more bytes came than were sent");
    check(part);
    // Held for a while, as an application might.
    kept_part& place = kept_[count_++ % kept_.size()];
    let_go(place);
    place = std::move(part);
  }
  void let_go(kept_part& held) {
    if (held.bytes) check(held);
    held.bytes.release();
  }
  void check(const kept_part& part) {
    std::uint32_t offset = part.offset;
    for (const std::byte each : part.bytes.bytes()) {
      if (each != pattern(number_, offset))
        return fail("byte " + std::to_string(offset) + " of " + std::to_string(stream_bytes) +
                    " is not the one that was sent");
      ++offset;
    }
  }
  void fail(std::string why) {
    if (wrong_.empty()) wrong_ = std::move(why);
  }

  backend& backend_;
  unsigned number_;
  socket_pair sockets_;
  operation_here receive_;
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
  std::array<kept_part, 3> kept_;
  std::size_t count_ = 0;
  std::string wrong_;
};

/// One connection, the peer of which is cut off right behind what it has sent.
class cut_off_stream {
 public:
  explicit cut_off_stream(backend& on) noexcept : backend_(on), receive_(*this) {
    receive_.descriptor = io::descriptor(sockets_.near());
  }
  [[nodiscard]] bool usable() const noexcept { return sockets_.is_tcp(); }
  [[nodiscard]] int shortage() const noexcept { return sockets_.shortage(); }

  /// Bytes and reset are both there before the ring is entered. Which has to tell both: it has
  /// nothing left to wait for.
  receive_trial run(const feature_switches& on_trial, const trial_wire& wire) {
    backend_.submit(receive_);
    turns([] { return false; }, 1);
    bool there = ::send(sockets_.far(), "x", 1, MSG_NOSIGNAL) == 1;
    if (!wire || wire(on_trial, {})) there = sockets_.reset_far() && there;
    turns([this] { return receive_.idle(); }, 10);
    const bool told = receive_.idle();
    if (!told) backend_.cancel(receive_);
    turns([this] { return receive_.idle(); }, 400);
    if (told) return {};
    if (!there) return {trial_outcome::untried, "a connection could not be reset"};
    return {trial_outcome::wrong, "a reset that came right behind bytes was not told"};
  }
  void abandon() noexcept { receive_.state = operation_state::idle; }

 private:
  struct operation_here : receive_operation {
    explicit operation_here(cut_off_stream& owner) noexcept
        : receive_operation(&on_complete), self(owner) {}
    cut_off_stream& self;
  };
  /// Not ended by an error: once more, as for any stream.
  static void on_complete(operation& completed, completion& what) noexcept {
    cut_off_stream& self = static_cast<operation_here&>(completed).self;
    what.bytes.release();
    if (!what.more && what.result > 0) self.backend_.submit(completed);
  }
  template <class Done>
  void turns(Done done, int most) {
    for (int i = 0; i < most && !done(); ++i) {
      const time_point now = clock::now();
      if (!backend_.wait(now + std::chrono::milliseconds(5), now)) break;
      backend_.deliver();
    }
  }

  backend& backend_;
  socket_pair sockets_;
  operation_here receive_;
};

uring_options small_ring(const uring_options& options, const feature_switches& features) {
  uring_options made;
  made.submission_entries = 16;
  made.completion_entries = 64;
  made.receive_buffer_count = ring_count;
  made.features = features;
  made.features.direct_descriptors = false;
  made.features.registered_ring = false;
  made.ring.tasks = options.ring.tasks;
  return made;
}

receive_trial untried_for(std::string why, bool memory_short = false) {
  return {trial_outcome::untried, std::move(why), memory_short};
}

std::string words_of(int shortage) {
  if (shortage == 0) return "no sockets for it";
  return "no sockets for it: " + kernel_error(-shortage).message() + limit_words(shortage);
}

/// Sends on both and receives on both, a piece at a time, so that they share the ring's buffers.
void exchange(backend& on, std::array<trial_stream*, 2> streams, const feature_switches& on_trial,
              const trial_wire& wire) {
  const auto all = [&](auto what) { return what(*streams[0]) && what(*streams[1]); };
  const time_point end = clock::now() + patience;
  std::uint32_t random = 1;
  for (time_point now = clock::now(); now < end; now = clock::now()) {
    for (trial_stream* each : streams) {
      random = random * 1664525 + 1013904223;
      if (!each->all_sent()) each->send(1 + (random >> 8) % 1500, on_trial, wire);
      each->arm();
    }
    if (all([](trial_stream& each) { return each.over(); })) break;
    if (!streams[0]->wrong().empty() || !streams[1]->wrong().empty()) break;
    if (!on.wait(now + std::chrono::milliseconds(5), now)) break;
    on.deliver();
  }
  for (trial_stream* each : streams) each->stop();
  for (time_point now = clock::now(); now < end; now = clock::now()) {
    if (all([](trial_stream& each) { return each.idle(); })) break;
    if (!on.wait(now + std::chrono::milliseconds(5), now)) break;
    on.deliver();
  }
}

}  // namespace

receive_trial run_receive_trial(const uring_options& options, const feature_switches& on_trial,
                                const trial_wire& wire) {
  auto pool = buffer_pool::open({.slot_size_bytes = slot_size_bytes,
                                 .slot_count_initial = slot_count,
                                 .slot_count_max = slot_count});
  if (!pool) return untried_for(pool.error().message());
  auto opened = uring_backend::open(small_ring(options, on_trial), **pool);
  if (!opened)
    return untried_for(describe(opened.error()),
                       opened.error().code == std::errc::not_enough_memory);
  std::unique_ptr<backend> on(std::move(*opened));
  trial_stream first(*on, 1, on_trial.multishot_receive);
  trial_stream second(*on, 2, on_trial.multishot_receive);
  if (!first.made() || !second.made())
    return untried_for(words_of(std::max(first.shortage(), second.shortage())));
  exchange(*on, {&first, &second}, on_trial, wire);
  std::string wrong;
  for (trial_stream* each : {&first, &second}) {
    each->let_go();
    if (wrong.empty()) wrong = each->wrong();
    if (wrong.empty() && !each->over())
      wrong = "only " + std::to_string(each->received()) + " of " + std::to_string(stream_bytes) +
              " bytes came";
  }
  receive_trial found;
  if (!wrong.empty()) found = {trial_outcome::wrong, std::move(wrong)};
  cut_off_stream third(*on);
  if (found.outcome == trial_outcome::right && on_trial.multishot_receive) {
    // Without loopback there is no reset, and nothing to try it with.
    if (third.usable())
      found = third.run(on_trial, wire);
    else if (third.shortage() != 0)
      found = untried_for(words_of(third.shortage()));
  }
  on.reset();
  first.abandon();
  second.abandon();
  third.abandon();
  return found;
}

}  // namespace myra::io
