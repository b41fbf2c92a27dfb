#include "myra/config/options.hpp"

#include <iterator>
#include <limits>

#include "myra/config/message.hpp"

namespace myra::config {
namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = 1024 * kib;
constexpr std::int64_t gib = 1024 * mib;
constexpr std::int64_t uint32_max = std::numeric_limits<std::uint32_t>::max();

void add_reactor(std::vector<field>& all, reactor_options& to) {
  using io::backend_kind;
  using io::waiting;
  all.push_back(choice<backend_kind>(
      {"reactor.backend", "backend"},
      "How to talk to the kernel; auto takes io_uring where it can be had.", to.backend,
      {{"auto", backend_kind::automatic},
       {"uring", backend_kind::uring},
       {"epoll", backend_kind::epoll}}));
  all.push_back(choice<waiting>({"reactor.wait", "wait"},
                                "Sleep in the kernel, spin (a whole core), or spin and then sleep.",
                                to.wait,
                                {{"block", waiting::block},
                                 {"spin", waiting::spin},
                                 {"spin_then_block", waiting::spin_then_block}}));
  all.push_back(time({"reactor.spin_time", "spin-time"},
                     "How long spin_then_block looks before it sleeps.", to.spin_time,
                     {.least = std::chrono::nanoseconds(1), .most = std::chrono::seconds(1)}));
  all.push_back(time("reactor.busy_poll",
                     "How long a wait polls network cards before it sleeps; 0s: not at all.",
                     to.busy_poll, {.most = std::chrono::seconds(1)}));
  all.push_back(flag("reactor.prefer_busy_poll", "Cards raise no interrupts while they are polled.",
                     to.prefer_busy_poll));
  all.push_back(number("reactor.receive_buffer_count",
                       "Buffers that lie ready for receives, at most.", to.receive_buffer_count,
                       {.least = 1, .most = 32768, .power_of_two = true}));
  all.push_back(size("reactor.large_buffers.size_bytes",
                     "Bytes of the buffers for connections that are sent much.",
                     to.large_buffers.size_bytes, {.least = 64, .most = mib, .step = 64}));
  all.push_back(number("reactor.large_buffers.ready_count",
                       "Large buffers that lie ready, at most.", to.large_buffers.ready_count,
                       {.least = 1, .most = 32768, .power_of_two = true}));
  all.push_back(number("reactor.large_buffers.count_max", "No more large buffers than this.",
                       to.large_buffers.count_max, {.least = 1, .most = 32768}));
  all.push_back(
      flag("reactor.self_test",
           "Try what receives use when the first reactor opens, and leave unused what the "
           "kernel gets wrong.",
           to.self_test));
  all.push_back(number("reactor.submission_entries", "Entries of the submission queue.",
                       to.submission_entries, {.least = 4, .most = 32768, .power_of_two = true}));
  all.push_back(number("reactor.completion_entries",
                       "Entries of the completion queue, no fewer than of the submission queue.",
                       to.completion_entries, {.least = 4, .most = 65536, .power_of_two = true}));
  all.push_back(number("reactor.direct_descriptor_count",
                       "Places in the ring's own table of descriptors; 0: as many as the limit of "
                       "open files allows, up to 16384.",
                       to.direct_descriptor_count, {.most = 1 << 20}));
  all.push_back(number("reactor.inbox_capacity", "Calls that other threads may have waiting.",
                       to.inbox_capacity, {.least = 1, .most = 1 << 24}));
  all.push_back(time("reactor.shortage_patience",
                     "While others wait for a buffer, connections that hold half their share of "
                     "the pool and whose present send takes longer are closed. While half of the "
                     "pool is used, slow peers are back-pressured early. 0s: neither.",
                     to.shortage_patience));
  all.push_back(time("reactor.stall_threshold",
                     "Turns whose handlers run longer are counted and logged; 0s: never.",
                     to.stall_threshold));
  all.push_back(choice<latency_timing>({"reactor.latency", "latency"},
                                       "Histograms of how long turns, or turns and messages, take.",
                                       to.latency,
                                       {{"off", latency_timing::off},
                                        {"turns", latency_timing::turns},
                                        {"messages", latency_timing::messages}}));
  all.push_back(
      flag("reactor.publish_counters", "Show the counters to other threads.", to.publish_counters));
  all.push_back(flag("reactor.watchdog", "Report a stall while it lasts, from a thread of its own.",
                     to.watchdog));
}

void add_pool(std::vector<field>& all, pool_options& to) {
  all.push_back(size("reactor.pool.slot_size_bytes", "Bytes of a buffer.", to.slot_size_bytes,
                     {.least = 64, .most = mib, .step = 64}));
  all.push_back(number("reactor.pool.slot_count_initial", "Buffers made at the start.",
                       to.slot_count_initial, {.most = 32768}));
  all.push_back(number("reactor.pool.slot_count_max", "No more buffers than this.",
                       to.slot_count_max, {.least = 1, .most = 32768}));
  all.push_back(flag("reactor.pool.huge_pages", "Ask for huge pages.", to.huge_pages));
}

field zero_copy_choice(const char* name, const char* help, zero_copy_mode& to) {
  return choice<zero_copy_mode>(name, help, to,
                                {{"auto", zero_copy_mode::automatic},
                                 {"never", zero_copy_mode::never},
                                 {"always", zero_copy_mode::always}});
}

void add_zero_copy(std::vector<field>& all, zero_copy_options& to) {
  all.push_back(zero_copy_choice("reactor.zero_copy.mode",
                                 "Sends without a copy by the kernel; auto: large ones, unless it "
                                 "reports that it copied.",
                                 to.mode));
  all.push_back(size("reactor.zero_copy.threshold_bytes", "From how many bytes on, with auto.",
                     to.threshold_bytes, {.least = 0, .most = gib}));
  all.push_back(number("reactor.zero_copy.free_slots_min",
                       "With fewer free buffers sends are copies; 0: an eighth of all.",
                       to.free_slots_min, {.most = 32768}));
  all.push_back(flag("reactor.zero_copy.registered_buffers",
                     "Register the buffers' memory with the kernel (locked memory).",
                     to.registered_buffers));
}

/// Empty is allowed and means none.
field interface_name(field_name name, std::string help, std::string& target) {
  constexpr std::size_t longest = 15;  // netdevice(7)
  field made = text(std::move(name), "NAME", std::move(help), target);
  made.allowed = "a name of up to 15 characters, such as \"eth0\", or nothing";
  made.set = [set = std::move(made.set)](const value& found) {
    const auto* words = std::get_if<std::string>(&found);
    return words != nullptr && words->size() <= longest && set(found);
  };
  return made;
}

void add_zero_copy_receive(std::vector<field>& all, io::zero_copy_receive_options& to) {
  using io::zero_copy_receive_mode;
  all.push_back(choice<zero_copy_receive_mode>(
      {"reactor.zero_copy_receive.mode", "zero-copy-receive"},
      "Receives without a copy: from a network card's queue, or as a trial without a device.",
      to.mode,
      {{"off", zero_copy_receive_mode::off},
       {"queue", zero_copy_receive_mode::queue},
       {"no_device", zero_copy_receive_mode::no_device}}));
  all.push_back(interface_name("reactor.zero_copy_receive.interface",
                               "The network interface, with queue.", to.interface));
  all.push_back(number("reactor.zero_copy_receive.queue",
                       "Its receive queue, with queue; more threads take those that follow.",
                       to.queue, {.most = 65535}));
  all.push_back(size("reactor.zero_copy_receive.area_bytes",
                     "Memory that is received into (locked memory).", to.area_bytes,
                     {.least = 64 * kib, .most = 2 * gib, .step = 64 * kib}));
  all.push_back(
      flag("reactor.zero_copy_receive.huge_pages", "Ask for huge pages for it.", to.huge_pages));
}

void add_ring(std::vector<field>& all, io::ring_options& to) {
  using io::task_running;
  all.push_back(choice<task_running>({"reactor.ring.tasks"},
                                     "On whose time io_uring finishes what it began.", to.tasks,
                                     {{"auto", task_running::automatic},
                                      {"deferred", task_running::deferred},
                                      {"cooperative", task_running::cooperative},
                                      {"interrupting", task_running::interrupting}}));
  all.push_back(flag("reactor.ring.submission_polling.on",
                     "A kernel thread on a core of its own takes submissions (SQPOLL).",
                     to.submission_polling.on));
  all.push_back(time("reactor.ring.submission_polling.idle",
                     "It sleeps after so long without one; whole milliseconds.",
                     to.submission_polling.idle,
                     {.least = std::chrono::milliseconds(1), .most = std::chrono::hours(1)}));
  all.push_back(number("reactor.ring.submission_polling.cpu",
                       "The processor that it is kept on; -1: any.", to.submission_polling.cpu,
                       {.least = -1, .most = 1023}));
  all.push_back(number("reactor.ring.workers.bounded_max",
                       "Kernel workers for what ends soon; 0: the kernel's limit.",
                       to.workers.bounded_max, {.most = 65536}));
  all.push_back(number("reactor.ring.workers.unbounded_max",
                       "Kernel workers for what may wait for ever; 0: the kernel's limit.",
                       to.workers.unbounded_max, {.most = 65536}));
  all.push_back(cpu_list("reactor.ring.workers.cpus",
                         "Processors that kernel workers may run on; empty: all.",
                         to.workers.cpus));
  all.push_back(time("reactor.ring.minimum_wait.time",
                     "Waits go on for so long to take more at once; 0s: they do not.",
                     to.minimum_wait.time, {.most = std::chrono::seconds(1)}));
  all.push_back(number("reactor.ring.minimum_wait.completions",
                       "So many completions end such a wait at once.", to.minimum_wait.completions,
                       {.least = 1, .most = 65536}));
  all.push_back(flag("reactor.ring.sockets_only",
                     "The ring can do sockets and nothing else (restrictions).", to.sockets_only));
  all.push_back(flag("reactor.ring.io_polling", "IOPOLL; always refused, since it is for storage.",
                     to.io_polling));
}

void add_features(std::vector<field>& all, io::feature_switches& to) {
  all.push_back(flag("reactor.features.multishot_accept", "One accept for many connections.",
                     to.multishot_accept));
  all.push_back(flag("reactor.features.multishot_receive", "One receive for many messages.",
                     to.multishot_receive));
  all.push_back(
      flag("reactor.features.silent_sends", "Sends whose success wakes nobody.", to.silent_sends));
  all.push_back(flag("reactor.features.zero_copy_sends", "Sends without a copy by the kernel.",
                     to.zero_copy_sends));
  all.push_back(flag("reactor.features.registered_ring",
                     "Enter the kernel by the ring's own index.", to.registered_ring));
  all.push_back(flag("reactor.features.deferred_task_run",
                     "Completion work only when the loop asks.", to.deferred_task_run));
  all.push_back(flag("reactor.features.direct_descriptors",
                     "Connections in the ring's own table of descriptors.", to.direct_descriptors));
  all.push_back(flag("reactor.features.datagram_segmentation",
                     "Rows of datagrams are cut by the kernel.", to.datagram_segmentation));
  all.push_back(flag("reactor.features.datagram_coalescing",
                     "Datagrams are put into rows by the kernel.", to.datagram_coalescing));
  all.push_back(flag("reactor.features.ring_messages",
                     "Sockets go to other reactors from ring to ring.", to.ring_messages));
  all.push_back(flag("reactor.features.registered_waits",
                     "Waits whose arguments the kernel reads in place.", to.registered_waits));
  all.push_back(flag("reactor.features.no_iowait",
                     "An idle loop is not accounted as waiting for storage.", to.no_iowait));
  all.push_back(flag("reactor.features.receive_limit",
                     "Multishot receives end after a connection's share of a turn.",
                     to.receive_limit));
  all.push_back(flag("reactor.features.incremental_buffers",
                     "Receive buffers are filled piece by piece.", to.incremental_buffers));
  all.push_back(flag("reactor.features.receive_bundles", "One receive fills several buffers.",
                     to.receive_bundles));
  all.push_back(flag("reactor.features.large_buffers",
                     "A second size of buffers, for connections that are sent much.",
                     to.large_buffers));
}

void add_listener(std::vector<field>& all, listener_options& to) {
  all.push_back(address({"listener.address", "listen"},
                        "Where to listen; port 0: the kernel chooses.", to.address));
  all.push_back(number("listener.backlog",
                       "Connections that may wait for accept; 0: the kernel's limit.", to.backlog,
                       {}));
  all.push_back(flag("listener.reuse_address", "Bind while old connections linger (SO_REUSEADDR).",
                     to.reuse_address));
  all.push_back(flag("listener.reuse_port", "Share the port with other listeners (SO_REUSEPORT).",
                     to.reuse_port));
  all.push_back(flag("listener.ipv6_only", "Do not serve IPv4 on an IPv6 address.", to.ipv6_only));
  all.push_back(number("listener.inherited_descriptor",
                       "A listening socket made by somebody else; -1: make one.",
                       to.inherited_descriptor, {.least = -1, .most = 1 << 30}));
  all.push_back(flag("listener.unlink_stale_socket",
                     "Replace a Unix socket that nobody listens on.", to.unlink_stale_socket));
  all.push_back(number("listener.connections_max", "Stop accepting at this many; 0: no limit.",
                       to.connections_max, {}));
}

std::vector<field> connection_fields(connection_options& to) {
  const bounds buffer{.least = 0, .most = gib};
  const bounds high{.least = 1, .most = uint32_max};
  const bounds low{.least = 0, .most = uint32_max};
  return {
      flag("connection.no_delay", "Send small messages at once (TCP_NODELAY).", to.no_delay),
      flag("connection.keep_alive", "Probe silent peers (SO_KEEPALIVE).", to.keep_alive),
      size("connection.send_buffer_bytes", "SO_SNDBUF; 0: the kernel tunes it.",
           to.send_buffer_bytes, buffer),
      size("connection.receive_buffer_bytes", "SO_RCVBUF; 0: the kernel tunes it.",
           to.receive_buffer_bytes, buffer),
      time("connection.idle_timeout", "Close when nothing came or went for this long; 0s: never.",
           to.idle_timeout),
      time("connection.first_byte_timeout",
           "Close when nothing at all came or went since it opened; 0s: as idle_timeout.",
           to.first_byte_timeout),
      time("connection.write_timeout", "Close when a send took longer; 0s: never.",
           to.write_timeout),
      time("connection.linger_timeout", "How long a closed connection waits for the peer's end.",
           to.linger_timeout),
      size("connection.send_high_water_bytes", "Take no more to send at this many queued bytes.",
           to.send_high_water_bytes, high),
      size("connection.send_low_water_bytes", "Take more to send again at this many.",
           to.send_low_water_bytes, low),
      size("connection.receive_high_water_bytes", "Stop receiving at this many bytes not taken.",
           to.receive_high_water_bytes, high),
      size("connection.receive_low_water_bytes", "Receive again at this many.",
           to.receive_low_water_bytes, low),
      number("connection.receive_high_water_buffers",
             "Stop receiving at this many buffers not taken; receive again at a quarter of them.",
             to.receive_high_water_buffers, {.least = 1, .most = 1 << 20}),
      size("connection.receive_turn_bytes", "No more bytes of one connection in a turn.",
           to.receive_turn_bytes, {.least = 1, .most = gib}),
      choice<receive_mode>("connection.receive", "How receives are armed.", to.receive,
                           {{"auto", receive_mode::automatic},
                            {"one_shot", receive_mode::one_shot},
                            {"multishot", receive_mode::multishot}}),
      zero_copy_choice("connection.zero_copy",
                       "Sends without a copy by the kernel; auto: as the reactor's option says.",
                       to.zero_copy),
  };
}

/// One field for an option of connections that are accepted, and of those that are made.
field both(field first, field second) {
  first.differing = [of_accepted = first.get, of_made = second.get] {
    const value accepted = of_accepted();
    const value made = of_made();
    return accepted == made
               ? ""
               : in_words(accepted) + " of those accepted, " + in_words(made) + " of those made";
  };
  first.set = [set_first = std::move(first.set), set_second = std::move(second.set)](
                  const value& found) { return set_first(found) && set_second(found); };
  return first;
}

void add_connection(std::vector<field>& all, options& to, const offered& parts) {
  std::vector<field> made =
      connection_fields(parts.listener ? to.listener.connection : to.connect.connection);
  if (parts.listener && parts.connect) {
    std::vector<field> outgoing = connection_fields(to.connect.connection);
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = both(std::move(made[i]), std::move(outgoing[i]));
  }
  all.insert(all.end(), std::move_iterator(made.begin()), std::move_iterator(made.end()));
}

void add_connect(std::vector<field>& all, options& to) {
  all.push_back(address({"connect.address", "connect"}, "Whom to connect to.", to.connect_to));
  all.push_back(
      time("connect.deadline", "For all addresses together; 0s: none.", to.connect.deadline));
  all.push_back(time("connect.attempt_delay",
                     "Before the next address is tried as well (RFC 8305).",
                     to.connect.attempt_delay));
  all.push_back(address("connect.local",
                        "The local address to connect from; empty: the kernel chooses.",
                        to.connect.local));
}

void add_threads(std::vector<field>& all, options& to, const offered& parts) {
  all.push_back(number("threads", "Reactors, each on a thread of its own.", to.threads,
                       {.least = 1, .most = 1024}));
  all.push_back(
      cpu_list("cpus", "Processors that the threads stay on, in turn; empty: any.", to.cpus));
  all.push_back(flag("local_memory", "Memory from the node of a thread's processor; with cpus.",
                     to.local_memory));
  if (!parts.listener) return;
  all.push_back(choice<port_sharing>(
      {"sharing"}, "Who accepts: each thread (SO_REUSEPORT), or one that hands out.", to.sharing,
      {{"reuse_port", port_sharing::reuse_port}, {"one_acceptor", port_sharing::one_acceptor}}));
}

}  // namespace

std::vector<field> fields_of(options& target, const offered& parts) {
  std::vector<field> all;
  if (parts.threads) add_threads(all, target, parts);
  if (parts.listener) add_listener(all, target.listener);
  if (parts.connect) add_connect(all, target);
  if (parts.listener || parts.connect) add_connection(all, target, parts);
  add_reactor(all, target.reactor);
  add_pool(all, target.reactor.pool);
  add_zero_copy(all, target.reactor.zero_copy);
  add_zero_copy_receive(all, target.reactor.zero_copy_receive);
  add_ring(all, target.reactor.ring);
  add_features(all, target.reactor.features);
  if (parts.listener)
    all.push_back(time({"shutdown.drain_deadline", "drain-deadline"},
                       "How long connections may take to send what they hold after SIGTERM.",
                       target.shutdown.drain_deadline));
  if (parts.metrics)
    all.push_back(address({"metrics.address", "metrics"},
                          "Where counters are served (GET /metrics); port 0: the kernel chooses.",
                          target.metrics_address));
  return all;
}

std::string check(const options& options, const offered& parts) {
  if (options.local_memory && options.cpus.empty())
    return "local_memory: found true without cpus, allowed with: a thread that moves has no node "
           "of "
           "its own";
  if (auto wrong = myra::check(options.reactor); !wrong.empty()) return wrong;
  if (parts.listener)
    if (auto wrong = myra::check(options.listener.connection); !wrong.empty()) return wrong;
  if (parts.connect) return myra::check(options.connect.connection);
  return {};
}

}  // namespace myra::config
