// A bulk stream out of Myra's buffers.
//
// A buffer that comes back is sent again with another number, as blocking send is given the same
// memory again and again: neither sender makes its bytes while it is measured.

#include "bulk_content.hpp"
#include "command_line.hpp"
#include "myra_client.hpp"

namespace myra::bench {
namespace {

class bulk_stream final : public connection_handler {
 public:
  bulk_stream(reactor& on, const load_request& load, std::uint32_t check_stride)
      : on_(on), write_size_(load.message_size), check_stride_(check_stride) {}

  std::uint64_t run(const client_plan& plan, std::chrono::milliseconds duration) {
    std::vector<connection> opened;
    open_connections(
        on_, plan, 1, [this](std::uint32_t) -> connection_handler& { return *this; }, opened);
    end_ = clock::now() + duration;
    const bulk_header header{.write_size = write_size_, .check_stride = check_stride_};
    opened[0].send_copy(std::as_bytes(std::span(&header, 1)));
    pump(opened[0]);
    if (const auto ran = on_.run(); !ran) fail_run("the backend failed");
    demand(verdict_, writes_ * write_size_);
    return writes_;
  }

  void on_receive(connection& peer, message& bytes) override {
    if (bytes.bytes().size() != sizeof verdict_) fail_run("the server's answer is incomplete");
    std::memcpy(&verdict_, bytes.bytes().data(), sizeof verdict_);
    peer.close();
  }

  void on_writable(connection& peer) override { pump(peer); }
  void on_close(connection&, std::error_code) override { on_.stop(); }

 private:
  /// Sends until there is no room, or the time is over.
  void pump(connection& peer) {
    while (clock::now() < end_) {
      if (!next_) next_ = numbered();
      if (peer.send(std::move(next_)) != send_status::accepted) return;
      ++writes_;
    }
    peer.half_close();
  }

  buffer numbered() {
    buffer made = on_.acquire();
    if (!made) fail_usage("reactor.pool.slot_count_max: too few buffers for the send queue");
    made.resize(write_size_);
    auto* const data = reinterpret_cast<char*>(made.writable().data());
    if (!is_filled(data)) fill_write(data, write_size_);
    number_write(data, writes_);
    return made;
  }

  /// A slot that held something else, or is new, or was poisoned in a debug build.
  bool is_filled(const char* data) const {
    std::uint64_t second = 0;
    std::uint64_t last = 0;
    std::memcpy(&second, data + 8, sizeof second);
    std::memcpy(&last, data + write_size_ - 8, sizeof last);
    return second == first_word(0, 0) + word_step &&
           last == first_word(0, 0) + word_step * (write_size_ / 8 - 1);
  }

  reactor& on_;
  std::uint32_t write_size_;
  std::uint32_t check_stride_;
  clock::time_point end_;
  buffer next_;
  std::uint64_t writes_ = 0;
  bulk_verdict verdict_{0, 0};
};

}  // namespace

load_result run_bulk_on_myra(reactor& on, const client_plan& plan, const server_probe& probe) {
  if (plan.load.message_size < 16) fail_usage("client.size: a bulk write has at least 16 bytes");
  bulk_stream(on, plan.load, bulk_check_all).run(plan, plan.load.warm_up);
  load_result result;
  const phase_meter meter(probe);
  for (int i = 0; i < bulk_stream_count; ++i)
    result.messages += bulk_stream(on, plan.load, bulk_check_sample)
                           .run(plan, plan.load.duration / bulk_stream_count);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
