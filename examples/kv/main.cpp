// myra-kv: a key-value server that speaks the Redis protocol.
//
// How it is put together, and where to read on:
//   main         opens the reactor and the listener, and runs until a signal
//   session      one client's connection: what Myra calls
//   resp_parser  bytes to commands          resp_reply  replies to bytes
//   command      which command it is; key_commands and server_commands: what each does
//   replies      on their way out, also to a client that reads slowly
//   store        the keys and their values
#include <chrono>
#include <cstdio>
#include <span>
#include <string>

#include "myra/transport.hpp"
#include "options.hpp"
#include "server.hpp"
#include "session.hpp"

namespace {

// Exit status for what the user has to put right.
constexpr int status_usage = 2;

int fail(const std::string& why) {
  std::fprintf(stderr, "myra-kv: %s\n", why.c_str());
  return status_usage;
}

void write_log(void*, myra::log_level level, std::string_view line) noexcept {
  if (level < myra::log_level::warning) return;
  std::fprintf(stderr, "myra-kv: %.*s\n", static_cast<int>(line.size()), line.data());
}

// Removes keys that have ended although nobody asks for them. A coroutine: it runs on the reactor
// like a handler, so its work is bounded, and it goes on sooner when there is more to do.
myra::task<> sweep(kv::server& on) {
  using namespace std::chrono_literals;
  constexpr std::size_t count_max = 500;
  myra::duration pause = 100ms;
  while (co_await myra::sleep_for(on.reactor, pause)) {  // an error: the reactor is ending
    on.data.set_now(on.reactor.now());
    pause = on.data.sweep(count_max) == count_max ? 1ms : 100ms;
  }
}

myra::listener_options listen_on(const kv::options& wanted) {
  myra::listener_options options{.address = wanted.address};
  options.connection.send_high_water_bytes = wanted.limits.pending_size_max_bytes;
  options.connection.send_low_water_bytes = wanted.limits.pending_size_max_bytes / 4;
  // A client may take its time to read; how much waits for it is bounded all the same.
  options.connection.write_timeout = myra::duration::zero();
  return options;
}

// For people and for scripts that wait for it.
void print_ready(const kv::server& on, const myra::listener& listener) {
  const bool uring = on.reactor.backend() == myra::io::backend_kind::uring;
  const std::string how = uring ? "uring" : "epoll: " + on.reactor.reason();
  std::printf("listening on %s (%s)\n", listener.local().to_string().c_str(), how.c_str());
  std::fflush(stdout);
}

int serve(const kv::options& wanted) {
  auto reactor = myra::reactor::open({.backend = wanted.backend, .log = {.write = &write_log}});
  if (!reactor) return fail(myra::describe(reactor.error()));
  kv::server on(std::move(*reactor), wanted.limits);

  auto listener = myra::listener::open(on.reactor, listen_on(wanted));
  if (!listener) return fail(myra::describe(listener.error()));
  listener->serve([&on] { return kv::make_session(on); });
  myra::spawn(on.reactor, sweep(on));
  print_ready(on, *listener);
  return on.reactor.run_until_signal({.drain_deadline = std::chrono::seconds(5)});
}

}  // namespace

int main(int count, char** arguments) {
  const std::span<const char* const> words(arguments, static_cast<std::size_t>(count));
  const auto wanted = kv::parse_options(words.subspan(1));
  if (!wanted) return fail(wanted.error());
  if (wanted->help) {
    std::fputs(kv::help_text, stdout);
    return 0;
  }
  return serve(*wanted);
}
