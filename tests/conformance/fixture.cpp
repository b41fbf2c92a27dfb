#include "fixture.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "myra/io/kernel_version_test.hpp"
#include "myra/reactor/probe.hpp"

namespace myra::conformance {
namespace {

/// Both ends of some hundred connections are in this process.
void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 8192));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Why there is no zero-copy receive without a device here; empty: there is. Asked once.
const std::string& why_no_area() {
  static const std::string why = [] {
    reactor_options wanted;
    wanted.zero_copy_receive.mode = io::zero_copy_receive_mode::no_device;
    for (const io::feature& each : probe(wanted).features)
      if (each.name == "zero-copy receive")
        return each.state == io::feature_state::used ? std::string() : each.why;
    return std::string("the probe does not know of it");
  }();
  return why;
}

std::string unused_name() {
  static std::atomic<int> count{0};
  return "myra-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

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

void record::on_drain(connection& peer) {
  if (when_drained)
    when_drained(peer);
  else
    connection_handler::on_drain(peer);
}

void record::on_close(connection& peer, std::error_code reason) {
  ++closes;
  why = reason;
  if (when_closed) when_closed(peer);
}

void record::calm() {
  when_open = when_ended = when_writable = when_drained = when_closed = nullptr;
  when_received = nullptr;
}

void echo(record& seen) {
  seen.when_received = [](connection& peer, message& bytes) {
    EXPECT_EQ(peer.send(bytes.detach()), send_status::accepted);
  };
}

connect_callback dialled::note() {
  return [this](result<connection> came) noexcept {
    ++calls;
    outcome.emplace(std::move(came));
  };
}

log_sink log_lines::sink() {
  log_sink made;
  made.context = this;
  made.write = [](void* context, log_level, std::string_view line) noexcept {
    auto& self = *static_cast<log_lines*>(context);
    const std::lock_guard held(self.lock_);
    self.text_.append(line).append("\n");
  };
  return made;
}

bool log_lines::contain(std::string_view part) const {
  const std::lock_guard held(lock_);
  return text_.find(part) != std::string::npos;
}

void conformance_test::SetUp() {
  allow_many_descriptors();
  descriptors_before_ = open_descriptors();
  if (GetParam().options.backend == io::backend_kind::uring && !io::why_no_uring().empty())
    GTEST_SKIP() << io::why_no_uring();
  if (GetParam().receives_into_area() && !why_no_area().empty())
    GTEST_SKIP() << "no zero-copy receive without a device: " << why_no_area();
  host_ = simulated() ? simulated_sockets() : raw_sockets();
  open_reactor(options());
}

reactor_options conformance_test::options() {
  reactor_options made = GetParam().options;
  made.log = log_.sink();
  host_->place(made);
  return made;
}

void conformance_test::open_reactor(const reactor_options& options) {
  close_reactor();
  auto made = reactor::open(options);
  ASSERT_TRUE(made) << describe(made.error());
  reactor_ = std::make_unique<reactor>(std::move(*made));
}

void conformance_test::close_reactor() {
  listeners_.clear();
  if (!reactor_) return;
  EXPECT_TRUE(reactor_->drain(patient(5s)))
      << "a connection was still open after the drain's deadline";
  buffer_pool& pool = reactor_->internals().pool();
  pool.collect();
  EXPECT_EQ(pool.application_count(), 0U) << "buffers did not come home";
  EXPECT_EQ(pool.piece_count(), 0U) << "pieces of buffers did not come home";
  if (buffer_pool* large = reactor_->internals().large_pool(); large != nullptr) {
    large->collect();
    EXPECT_EQ(large->application_count(), 0U) << "large buffers did not come home";
  }
  if (buffer_pool* area = reactor_->internals().backend().receive_area_pool(); area != nullptr) {
    area->collect();
    EXPECT_EQ(area->application_count(), 0U) << "windows of the area did not come home";
  }
  EXPECT_EQ(reactor_->counters().backend.late_completions, 0U);
  turn_until([&] { return reactor_->counters().backend.direct_open == 0; });
  EXPECT_EQ(reactor_->counters().backend.direct_open, 0U) << "direct descriptors leaked";
  destroy_reactor();
}

void conformance_test::destroy_reactor() {
  listeners_.clear();
  // Handlers that are called meanwhile may still ask for it.
  std::default_delete<reactor>()(reactor_.get());
  static_cast<void>(reactor_.release());
}

void conformance_test::TearDown() {
  for (record& each : handlers_) each.calm();  // what they would do may refer to what the case had
  close_reactor();
  if (host_)
    for (const std::string& each : host_->complaints()) ADD_FAILURE() << each;
  host_.reset();
  // A ring is torn down by the kernel after its descriptor is closed, and takes its sockets with it
  // a moment later.
  for (int i = 0; i < 400 && open_descriptors() != descriptors_before_; ++i)
    std::this_thread::sleep_for(5ms);
  EXPECT_EQ(open_descriptors(), descriptors_before_) << "descriptors leaked";
}

record& conformance_test::handler() { return handlers_.emplace_back(); }

listener& conformance_test::open_listener(listener_options options) {
  if (options.address.empty() && options.inherited_descriptor < 0)
    options.address = near().to_string();
  auto made = listener::open(*reactor_, options);
  if (!made) throw std::runtime_error(describe(made.error()));
  listeners_.push_back(std::make_unique<listener>(std::move(*made)));
  return *listeners_.back();
}

listener& conformance_test::listen(connection_handler& handler, listener_options options) {
  listener& made = open_listener(std::move(options));
  made.serve(handler);
  return made;
}

endpoint conformance_test::near() const {
  switch (GetParam().sockets) {
    case family::ipv4: break;
    case family::ipv6: return endpoint::parse("[::1]:0").value();
    case family::unix_path: return endpoint::parse("unix:/tmp/" + unused_name()).value();
    case family::unix_abstract: return endpoint::parse("unix:@" + unused_name()).value();
  }
  return endpoint::parse("127.0.0.1:0").value();
}

connection conformance_test::dial(const endpoint& to, const connect_options& options) {
  dialled made;
  const connect_attempt attempt = connect(*reactor_, std::span(&to, 1), options, made.note());
  turn_until([&] { return made.calls == 1; });
  if (!made.connected()) throw std::system_error(made.error(), "dialling " + to.to_string());
  return std::move(**made.outcome);
}

bool conformance_test::act(const connection_handle& to, std::function<void(connection&)> act) {
  bool acted = false;
  bool over = false;
  EXPECT_EQ(to.post([&](connection& peer) noexcept {
    acted = true;
    act(peer);
  }),
            post_status::accepted);
  EXPECT_EQ(reactor_->post([&]() noexcept { over = true; }), post_status::accepted);
  turn_until([&] { return over; });
  return acted;
}

bool conformance_test::turn_until(const std::function<bool()>& done,
                                  std::chrono::milliseconds limit) {
  limit = patient(limit);
  const auto end = present() + limit;
  while (!done()) {
    if (present() > end) {
      ADD_FAILURE() << "what the case waits for did not happen within " << limit.count() << " ms";
      return false;
    }
    const auto turned = reactor_->run_once(2ms);
    EXPECT_TRUE(turned);
    if (!turned) return false;
  }
  return true;
}

void conformance_test::turn_for(std::chrono::milliseconds time) {
  const auto end = present() + time;
  while (present() < end) ASSERT_TRUE(reactor_->run_once(2ms));
}

transcript conformance_test::finish(peer& ended) {
  turn_until([&] { return ended.done(); }, 15s);
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
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

}  // namespace myra::conformance
