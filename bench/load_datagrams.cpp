// Datagrams out and back, a window of them at a time, on one connected UDP socket. recvmmsg and
// sendmmsg, so that it costs less than a server that takes them one by one.

#include "content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <poll.h>

#include <bitset>
#include <vector>

namespace myra::bench {
namespace {

constexpr std::uint32_t window_max = 256;

int open_socket(const sockaddr_in& server) {
  const int connected = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (connected < 0) fail_system("socket", errno);
  if (::connect(connected, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
    fail_system("connect", errno);
  }
  return connected;
}

/// Each datagram carries its number in front, so that one that got lost is missed by name.
class window {
 public:
  explicit window(const load_request& request)
      : request_(request),
        socket_(open_socket(request.server)),
        bytes_(static_cast<std::size_t>(request.depth) * request.message_size),
        vectors_(request.depth),
        messages_(request.depth) {
    for (std::uint32_t i = 0; i < request.depth; ++i) {
      vectors_[i] = {bytes_.data() + static_cast<std::size_t>(i) * request.message_size,
                     request.message_size};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  void run(std::chrono::milliseconds duration, load_result& result) {
    const clock::time_point end = clock::now() + duration;
    std::uint64_t left = request_.message_count > 0 ? request_.message_count : UINT64_MAX;
    while (left > 0 && (request_.message_count > 0 || clock::now() < end)) {
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(request_.depth, left));
      send(count);
      receive(count, result);
      left -= count;
    }
  }

 private:
  void send(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint64_t number = next_ + i;
      write_message(data(i), request_.message_size, 0, number);
      std::memcpy(data(i), &number, sizeof number);
    }
    arrived_.reset();
    begun_ = clock::now();
    for (std::uint32_t sent = 0; sent < count;) {
      const int taken = ::sendmmsg(socket_, messages_.data() + sent, count - sent, 0);
      if (taken < 0) fail_system("sendmmsg", errno);
      sent += static_cast<std::uint32_t>(taken);
    }
  }

  void receive(std::uint32_t count, load_result& result) {
    for (std::uint32_t received = 0; received < count;) {
      pollfd readable{socket_, POLLIN, 0};
      if (::poll(&readable, 1, answer_time_ms) == 0) fail_run("a datagram did not come back");
      const int taken =
          ::recvmmsg(socket_, messages_.data(), count - received, MSG_DONTWAIT, nullptr);
      if (taken < 0 && errno == EAGAIN) continue;
      if (taken < 0) fail_system("recvmmsg", errno);
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(taken); ++i) check(i, count);
      received += static_cast<std::uint32_t>(taken);
      const auto took = static_cast<std::uint64_t>((clock::now() - begun_).count());
      result.latency.add(took, static_cast<std::uint64_t>(taken));
      result.messages += static_cast<std::uint64_t>(taken);
    }
    next_ += count;
  }

  void check(std::uint32_t index, std::uint32_t count) {
    std::uint64_t number = 0;
    std::memcpy(&number, data(index), sizeof number);
    const std::uint64_t word = first_word(0, number);
    std::memcpy(data(index), &word, sizeof word);
    if (messages_[index].msg_len != request_.message_size || number - next_ >= count ||
        !is_message(data(index), request_.message_size, 0, number)) {
      fail_run("a wrong datagram came back");
    }
    if (arrived_.test(number - next_)) fail_run("a datagram came back twice");
    arrived_.set(number - next_);
  }

  char* data(std::uint32_t index) { return static_cast<char*>(vectors_[index].iov_base); }

  static constexpr int answer_time_ms = 1000;

  const load_request& request_;
  int socket_;
  std::vector<char> bytes_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> messages_;
  clock::time_point begun_;
  std::uint64_t next_ = 0;
  std::bitset<window_max> arrived_;  // of those from `next_` on
};

}  // namespace

load_result run_datagrams(const load_request& request, const server_probe& probe) {
  if (request.message_size % 8 != 0 || request.message_size > 65504) {
    fail_usage("--size: a datagram is a multiple of 8 bytes and no longer than 65504");
  }
  if (request.depth > window_max) fail_usage("--depth: at most 256 datagrams are under way");
  window one(request);
  load_result warm_up;
  one.run(request.warm_up, warm_up);
  load_result result;
  const phase_meter meter(probe);
  one.run(request.duration, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
