// The receiver of a bulk stream by blocking recv: the other end of blocking send. One stream at a
// time.

#include "bulk_content.hpp"
#include "sockets.hpp"

#include <vector>

namespace {

using namespace myra::bench;

void receive_stream(int connected, std::vector<char>& memory) {
  bulk_checker checker;
  for (;;) {
    const ssize_t received = ::recv(connected, memory.data(), memory.size(), 0);
    if (received < 0 || !checker.take(memory.data(), static_cast<std::size_t>(received))) break;
    if (received > 0) continue;
    ::send(connected, &checker.verdict(), sizeof(bulk_verdict), MSG_NOSIGNAL);
    break;
  }
  ::close(connected);
}

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "buffer-bytes"}, {});
  std::vector<char> memory(options.number("buffer-bytes", 65536));
  if (memory.empty()) fail_usage("--buffer-bytes must be at least 1");
  const int listener = open_listener(parse_address(options.text("listen", "127.0.0.1:0")), 0);
  print_ready(listener, "blocking recv");
  for (;;) {
    const int connected = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connected < 0) fail_system("accept4", errno);
    receive_stream(connected, memory);
  }
}
