#include "myra/transport/connection.hpp"

#include <array>
#include <utility>

#include "myra/transport/stream_call.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {
namespace {

using address_call = int (io::network::*)(io::descriptor, sockaddr*, socklen_t*) noexcept;

endpoint address_of(const stream& of, address_call call) noexcept {
  if (!of.descriptor().valid()) return {};
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  if ((of.runs_on().backend().sockets().*call)(of.descriptor(), address, &size) < 0) return {};
  return endpoint::from_kernel(address, size);
}

std::string complain(const char* field, const std::string& found, const char* allowed) {
  return std::string("connection.") + field + ": found " + found + ", allowed " + allowed;
}

}  // namespace

std::string check(const connection_options& options) {
  constexpr std::uint32_t receive_turn_bytes_limit = 1024 * 1024 * 1024;
  const std::array<std::pair<const char*, duration>, 4> times{
      {{"idle_timeout", options.idle_timeout},
       {"first_byte_timeout", options.first_byte_timeout},
       {"write_timeout", options.write_timeout},
       {"linger_timeout", options.linger_timeout}}};
  for (const auto& [field, value] : times)
    if (value < duration::zero()) return complain(field, "a negative duration", "zero and more");
  if (options.send_buffer_bytes < 0)
    return complain("send_buffer_bytes", std::to_string(options.send_buffer_bytes),
                    "zero and more");
  if (options.receive_buffer_bytes < 0)
    return complain("receive_buffer_bytes", std::to_string(options.receive_buffer_bytes),
                    "zero and more");
  if (options.send_high_water_bytes == 0)
    return complain("send_high_water_bytes", "0", "1 and more");
  if (options.send_low_water_bytes >= options.send_high_water_bytes)
    return complain("send_low_water_bytes", std::to_string(options.send_low_water_bytes),
                    "less than send_high_water_bytes");
  if (options.receive_high_water_bytes == 0)
    return complain("receive_high_water_bytes", "0", "1 and more");
  if (options.receive_low_water_bytes >= options.receive_high_water_bytes)
    return complain("receive_low_water_bytes", std::to_string(options.receive_low_water_bytes),
                    "less than receive_high_water_bytes");
  if (options.receive_high_water_buffers == 0)
    return complain("receive_high_water_buffers", "0", "1 and more");
  if (options.receive_turn_bytes == 0 || options.receive_turn_bytes > receive_turn_bytes_limit)
    return complain("receive_turn_bytes", std::to_string(options.receive_turn_bytes),
                    "1 to 1073741824");
  return {};
}

void connection_handler::on_open(connection&) {}
void connection_handler::on_end(connection& peer) { peer.close(); }
void connection_handler::on_writable(connection&) {}
void connection_handler::on_drain(connection& peer) { peer.end_input(); }
void connection_handler::on_close(connection&, std::error_code) {}

post_status connection_handle::post(
    std::move_only_function<void(connection&) noexcept> call) const {
  assert(loop_ != nullptr && "handle of no connection");
  posted_call wrapped(
      [to = stream_, generation = generation_, call = std::move(call)]() mutable noexcept {
        if (!stream_table::alive(to, generation) || to->state() >= connection_state::closing)
          return;
        to->lend(call);
      });
  return loop_->post(wrapped);
}

connection& connection::operator=(connection&& other) noexcept {
  if (this == &other) return *this;
  if (stream_ != nullptr) let_go();
  stream_ = std::exchange(other.stream_, nullptr);
  return *this;
}

void connection::let_go() noexcept { stream_->let_go(); }

sent connection::send(buffer&& bytes, send_options options) noexcept {
  return stream_->send(std::move(bytes), options);
}
sent connection::send_copy(byte_view bytes) noexcept { return stream_->send_copy(bytes); }
void connection::half_close() noexcept { stream_->half_close(); }
void connection::close() noexcept { stream_->close(); }
void connection::abort() noexcept { stream_->abort(); }
void connection::pause_receive() noexcept { stream_->pause_receive(); }
void connection::resume_receive() noexcept { stream_->resume_receive(); }
void connection::expect_within(duration limit) noexcept { stream_->expect_within(limit); }
void connection::expect_nothing() noexcept { stream_->expect_nothing(); }
void connection::end_input() noexcept { stream_->end_input(); }
connection_state connection::state() const noexcept { return stream_->state(); }
bool connection::can_send() const noexcept { return stream_->can_send(); }
std::uint32_t connection::queued_bytes() const noexcept { return stream_->queued_bytes(); }
connection_counters connection::counters() const noexcept { return stream_->counters(); }
endpoint connection::peer() const noexcept {
  return address_of(*stream_, &io::network::peer_address);
}
endpoint connection::local() const noexcept {
  return address_of(*stream_, &io::network::local_address);
}
buffer connection::acquire() noexcept { return stream_->runs_on().pool().acquire(); }
loop& connection::internals() const noexcept { return stream_->runs_on(); }
void connection::set_handler(connection_handler& handler) noexcept {
  stream_->set_handler(handler);
}

connection_handle connection::handle() const noexcept {
  connection_handle made;
  made.loop_ = &stream_->runs_on();
  made.stream_ = stream_;
  made.generation_ = stream_->generation();
  return made;
}

result<int> connection::duplicate_descriptor() const noexcept {
  const int made = stream_->runs_on().backend().sockets().duplicate(stream_->descriptor());
  if (made < 0) return failure(kernel_error(made));
  return made;
}

result<void> connection::set_option(int level, int name, int value) noexcept {
  const int status = stream_->runs_on().backend().sockets().set_option(stream_->descriptor(), level,
                                                                       name, &value, sizeof value);
  if (status < 0) return failure(kernel_error(status));
  return {};
}

}  // namespace myra
