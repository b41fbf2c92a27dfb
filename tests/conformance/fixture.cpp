#include "fixture.hpp"

#include <filesystem>
#include <thread>

namespace myra::conformance {

void record::on_open(connection& peer) {
  ++opens;
  last = peer.handle();
  if (when_open) when_open(peer);
}

void record::on_receive(connection& peer, message& bytes) {
  ++messages;
  received += as_text(bytes.bytes());
  if (when_received) when_received(peer, bytes);
}

void record::on_end(connection& peer) {
  ++ends;
  if (when_ended)
    when_ended(peer);
  else
    peer.close();
}

void record::on_writable(connection& peer) {
  ++writables;
  if (when_writable) when_writable(peer);
}

void record::on_close(connection&, std::error_code reason) {
  ++closes;
  why = reason;
}

void conformance_test::SetUp() {
  descriptors_before_ = open_descriptors();
  host_ = raw_sockets();
  open_reactor(options());
}

void conformance_test::open_reactor(const reactor_options& options) {
  close_reactor();
  auto made = reactor::open(options);
  ASSERT_TRUE(made) << describe(made.error());
  reactor_.emplace(std::move(*made));
}

void conformance_test::close_reactor() {
  listeners_.clear();
  if (!reactor_) return;
  EXPECT_TRUE(reactor_->drain(std::chrono::seconds(5))) << "a connection was still open after the drain's deadline";
  buffer_pool& pool = reactor_->internals().pool();
  pool.collect();
  EXPECT_EQ(pool.application_count(), 0U) << "buffers did not come home";
  EXPECT_EQ(reactor_->counters().backend.late_completions, 0U);
  reactor_.reset();
}

void conformance_test::TearDown() {
  close_reactor();
  host_.reset();
  // A ring is torn down by the kernel after its descriptor is closed, and takes its sockets with it a moment later.
  for (int i = 0; i < 200 && open_descriptors() != descriptors_before_; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(open_descriptors(), descriptors_before_) << "descriptors leaked";
}

listener& conformance_test::listen(connection_handler& handler, listener_options options) {
  if (options.address.empty() && options.inherited_descriptor < 0) options.address = "127.0.0.1:0";
  auto made = listener::open(*reactor_, options);
  if (!made) throw std::runtime_error(describe(made.error()));
  listeners_.push_back(std::make_unique<listener>(std::move(*made)));
  listeners_.back()->serve(handler);
  return *listeners_.back();
}

bool conformance_test::turn_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto end = clock::now() + limit;
  while (!done()) {
    if (clock::now() > end) {
      ADD_FAILURE() << "what the case waits for did not happen within " << limit.count() << " ms";
      return false;
    }
    const auto turned = reactor_->run_once(std::chrono::milliseconds(2));
    EXPECT_TRUE(turned);
    if (!turned) return false;
  }
  return true;
}

void conformance_test::turn_for(std::chrono::milliseconds time) {
  const auto end = clock::now() + time;
  while (clock::now() < end) ASSERT_TRUE(reactor_->run_once(std::chrono::milliseconds(2)));
}

transcript conformance_test::finish(peer& ended) {
  turn_until([&] { return ended.done(); }, std::chrono::seconds(15));
  return ended.finish();
}

std::string pattern(std::size_t size) {
  std::string made(size, '\0');
  std::uint32_t state = 0x9e3779b9;
  for (char& byte : made) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return made;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

}  // namespace myra::conformance
