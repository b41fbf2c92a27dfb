// The sender of a bulk stream by blocking send: what all others are compared with.

#include "bulk_content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <vector>

namespace myra::bench {
namespace {

void send_all(int connected, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(connected, data, size, MSG_NOSIGNAL);
    if (sent < 0) fail_system("send", errno);
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void stream(const load_request& request, std::chrono::milliseconds duration,
            std::uint32_t check_stride, load_result& result) {
  const int connected = connect_to(request.server, 0);
  const bulk_header header{.write_size = request.message_size, .check_stride = check_stride};
  send_all(connected, reinterpret_cast<const char*>(&header), sizeof header);
  std::vector<char> write(request.message_size);
  fill_write(write.data(), write.size());
  std::uint64_t writes = 0;
  for (const auto end = clock::now() + duration; clock::now() < end; ++writes) {
    number_write(write.data(), writes);
    send_all(connected, write.data(), write.size());
  }
  ::shutdown(connected, SHUT_WR);
  bulk_verdict verdict{};
  if (::recv(connected, &verdict, sizeof verdict, MSG_WAITALL) != sizeof verdict) {
    fail_run("the server did not say what it received");
  }
  ::close(connected);
  demand(verdict, writes * write.size());
  result.messages += writes;
}

}  // namespace

load_result run_bulk(const load_request& request, const server_probe& probe) {
  if (request.message_size % 8 != 0) fail_usage("--size: a bulk write is a multiple of 8 bytes");
  load_result warm_up;
  stream(request, request.warm_up, bulk_check_all, warm_up);
  load_result result;
  const phase_meter meter(probe);
  for (int i = 0; i < bulk_stream_count; ++i)
    stream(request, request.duration / bulk_stream_count, bulk_check_sample, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
