// A simulated world for tests: hosts with reactors of their own, a network between them and a
// clock, in one thread, decided by one seed. What runs on a host is the transport that is shipped;
// only the kernel below it is not there.
//
//   sim::world world({.seed = seed, .faults = sim::faults::all()});
//   sim::host& server = world.host("server");
//   server.serve(my_server);            // auto my_server(reactor&): what it returns is kept
//   world.host("client").run(my_client);  // task<> my_client(reactor&): the world waits for it
//   EXPECT_TRUE(world.run_until_idle()) << world.story();
//
// The same seed makes the same world, moment for moment, as long as the code in it asks no clock
// but the reactor's and draws no random numbers of its own. A name is not resolved; a host is
// reached at `host::address(port)`, from itself also at 127.0.0.1 and ::1. Nobody answers at
// 192.0.2.1.
//
// Thread: one.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "myra/io/sim/faults.hpp"
#include "myra/io/sim/simulation.hpp"
#include "myra/io/task.hpp"
#include "myra/reactor/reactor.hpp"

namespace myra::sim {

class world;

/// A machine with one reactor. Belongs to its world.
class host {
 public:
  host(world& of, machine& on, const reactor_options& options);
  host(const host&) = delete;
  host& operator=(const host&) = delete;
  ~host();

  [[nodiscard]] const std::string& name() const noexcept { return machine_.name(); }
  /// "10.0.0.1:7000", for `endpoint::parse`.
  [[nodiscard]] std::string address(std::uint16_t port) const;
  [[nodiscard]] myra::reactor& reactor() noexcept { return *reactor_; }
  [[nodiscard]] sim::machine& machine() noexcept { return machine_; }

  /// Calls `body` with the reactor when the world runs. It is a coroutine, which the world waits
  /// for: its exception is a failure of the run.
  template <std::invocable<myra::reactor&> Body>
    requires std::same_as<std::invoke_result_t<Body&, myra::reactor&>, task<void>>
  void run(Body body) {
    // A coroutine may be a lambda here: what it captured lives as long as the host.
    auto own = std::make_shared<Body>(std::move(body));
    bodies_.push_back(own);
    expect_one();
    begin([this, own] { watch((*own)(*reactor_)); });
  }

  /// Calls `body` with the reactor when the world runs. Whatever it returns is kept until the world
  /// ends: a listener, an object with a listener in it. Nobody waits for it.
  template <std::invocable<myra::reactor&> Body>
    requires(!std::same_as<std::invoke_result_t<Body&, myra::reactor&>, task<void>>)
  void serve(Body body) {
    auto own = std::make_shared<Body>(std::move(body));
    bodies_.push_back(own);
    begin([this, own] {
      using kept = std::invoke_result_t<Body&, myra::reactor&>;
      if constexpr (std::is_void_v<kept>)
        (*own)(*reactor_);
      else
        kept_.push_back(std::make_shared<kept>((*own)(*reactor_)));
    });
  }

 private:
  friend class world;
  void begin(std::move_only_function<void()> body);
  void expect_one() noexcept;
  void watch(task<void> body);
  void sleep();
  void go_on();
  /// Ends all that runs here. What is left over is a complaint.
  void end();

  world& world_;
  sim::machine& machine_;
  std::unique_ptr<myra::reactor> reactor_;
  std::vector<std::shared_ptr<void>> bodies_;  ///< Coroutines may run in them to the end.
  std::vector<std::shared_ptr<void>> kept_;
  bool asleep_ = false;
};

struct world_options {
  std::uint64_t seed = 1;
  sim::faults faults = {};
  /// Of every host that is not given its own.
  reactor_options reactor = small_reactor();

  /// A pool of 64 small buffers: hosts are many, and shortages worth seeing.
  [[nodiscard]] static reactor_options small_reactor();
};

struct run_options {
  /// Of the world's clock, from now.
  duration virtual_time = std::chrono::hours(1);
};

class world {
 public:
  explicit world(const world_options& options = {});
  /// Ends what still runs.
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// The host of this name, made when it is first asked for. Throws std::system_error when its
  /// reactor cannot be opened.
  [[nodiscard]] sim::host& host(std::string_view name);
  [[nodiscard]] sim::host& host(std::string_view name, const reactor_options& options);

  /// Lets the world run until everything that `host::run` started has ended or, when nothing was
  /// started so, until nothing is left that could happen. False: something threw, a promise was
  /// broken, the virtual time was over, or what is left waits for what will never come.
  [[nodiscard]] bool run_until_idle(const run_options& options = {});

  /// Closes and destroys what runs on the hosts. False: a promise was broken, or a descriptor was
  /// not closed. (Whether buffers came home their pool asserts.)
  [[nodiscard]] bool end();

  /// In words: the seed, what went wrong, which faults struck how often, and the last moments.
  [[nodiscard]] std::string story(std::size_t moments_max = 60) const;

  [[nodiscard]] simulation& internals() noexcept { return simulation_; }
  [[nodiscard]] time_point now() const noexcept { return simulation_.now(); }
  /// What went wrong so far, a line each.
  [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }
  void fail(std::string why) { failures_.push_back(std::move(why)); }

 private:
  friend class sim::host;
  [[nodiscard]] bool sound() const noexcept {
    return failures_.empty() && simulation_.complaints().empty();
  }

  world_options options_;
  simulation simulation_;
  std::vector<std::unique_ptr<sim::host>> hosts_;
  std::vector<std::string> failures_;
  std::size_t running_ = 0;
  bool waited_for_ = false;  ///< Something was started that the world waits for.
};

}  // namespace myra::sim
