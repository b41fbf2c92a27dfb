// What the kernel can do for sockets, found by asking it (io_uring_get_probe_ring(3)) and by
// trying.
#include <liburing.h>
#include <sys/utsname.h>

#include "myra/io/datagram_operation.hpp"
#include "myra/io/uring/feature_list.hpp"
#include "myra/io/uring/known_bad.hpp"
#include "myra/io/uring/opcode.hpp"
#include "myra/io/uring/probe_ring.hpp"
#include "myra/io/uring/receive_limit.hpp"
#include "myra/io/uring/self_test.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

std::string release() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

/// Whether buffer rings can be filled piece by piece (IOU_PBUF_RING_INC, Linux 6.12).
bool has_incremental_rings(io_uring& on) {
  constexpr int trial_group = 4711;
  int status = 0;
  io_uring_buf_ring* made =
      io_uring_setup_buf_ring(&on, 8, trial_group, IOU_PBUF_RING_INC, &status);
  if (made == nullptr) return false;
  io_uring_free_buf_ring(&on, made, 8, trial_group);
  return true;
}

void list_used(feature_list& list, const feature_switches& features) {
  list.used_if(features.multishot_accept, "multishot accept",
               "one submission accepts many connections");
  list.used_if(features.multishot_receive, "multishot receive",
               "one submission receives many times");
  list.used_if(true, "buffer ring",
               "receives take a buffer when bytes are there, so that idle connections hold none");
  list.used_if(features.multishot_receive, "multishot recvmsg",
               "one submission receives many datagrams, each with its peer's address");
}

/// What is wanted is used where it is there; `on` was opened with what is wanted.
void list_receives(feature_list& list, const feature_switches& wanted, uring_backend& on) {
  io_uring& raw = on.probed_ring().raw();
  const buffer_ring_options& buffers = on.stream_buffers();
  list.used_or(buffers.incremental, "incremental buffer rings",
               "buffers are filled piece by piece: little is wasted on small messages",
               has_incremental_rings(raw), "not used: off by default, for where memory is short",
               "needs Linux 6.12");
  list.used_or(buffers.bundles, "receive bundles", "one receive fills several buffers",
               (raw.features & IORING_FEAT_RECVSEND_BUNDLE) != 0, "not used: off by default",
               "needs Linux 6.10");
  list.used_or(on.limits_receives(), "receive limit",
               "a multishot receive ends when its connection has had its share of a turn",
               kernel_limits_receives(), "switched off by its option", "needs Linux 6.17");
  list.used_or(on.has_large_buffers(), "large receive buffers",
               "connections that are sent much get buffers of a second size", true,
               wanted.large_buffers ? "not used: the pool's own buffers are as large"
                                    : "switched off by its option",
               "");
}

void list_direct(feature_list& list, const direct_table& table, const feature_switches& features) {
  const std::string use =
      "connections live in the ring's own table of " + std::to_string(table.capacity()) + " places";
  if (table.exists() || !features.direct_descriptors)
    list.used_if(features.direct_descriptors, "direct descriptors", use.c_str());
  else
    list.available_if(false, "direct descriptors", "", table.absence().c_str());
}

void list_between_rings(feature_list& list, const direct_table& table,
                        const feature_switches& features, io_uring& on) {
  list.used_or(table.exists() && knows(on, IORING_OP_LISTEN), "bind and listen through the ring",
               "what is in the ring's table binds there; listeners are not",
               knows(on, IORING_OP_LISTEN), "not used: only for sockets in the ring's table",
               "needs Linux 6.11");
  const message_trial found = try_messages();
  list.used_or(features.ring_messages && found.data, "messages between rings",
               "one acceptor hands connections to other reactors", found.data,
               "not used: off by default, as the inbox costs no more", "needs Linux 5.18");
  list.used_or(
      features.ring_messages && found.files && table.exists(), "direct descriptors between rings",
      "a connection goes from one ring's table to the other's", found.files,
      "not used: without messages between rings or direct descriptors", "refused by the kernel");
}

void list_zero_copy(feature_list& list, const zero_copy& sends, const uring_options& options) {
  const bool off = !options.features.zero_copy_sends;
  const char* absence = sends.absence().c_str();
  list.used_or(sends.sends(), "zero-copy send",
               "large sends are read by the network card from the buffers, where it can", off,
               "switched off by its option", absence);
  list.used_or(sends.sends(), "zero-copy sendmsg", "the same for several buffers at once", off,
               "switched off by its option", absence);
  const std::string& unregistered = sends.registered_absence();
  list.used_or(sends.memory_registered(), "registered buffers",
               sends.vectors_registered()
                   ? "zero-copy sends need not pin their pages"
                   : "zero-copy sends of one buffer need not pin their pages; vectors need Linux "
                     "6.15",
               !options.registered_buffers, "not used: pins the pool's memory",
               unregistered.c_str());
}

/// Of UDP sockets, on any backend.
void list_udp(feature_list& list, const feature_switches& features) {
  if (kernel_segments_datagrams())
    list.used_if(features.datagram_segmentation, "UDP segmentation (GSO)",
                 "a row of datagrams is one send, cut by the kernel");
  else
    list.available_if(false, "UDP segmentation (GSO)", "",
                      "needs Linux 4.18; rows of datagrams are cut before they are sent");
  if (kernel_coalesces_datagrams())
    list.used_if(features.datagram_coalescing, "UDP coalescing (GRO)",
                 "sockets that ask for it receive many datagrams of a peer as one buffer");
  else
    list.available_if(false, "UDP coalescing (GRO)", "", "needs Linux 5.0");
}

void list_zero_copy_receive(feature_list& list, const uring_options& options,
                            const uring_backend& on) {
  constexpr const char* name = "zero-copy receive";
  if (options.zero_copy_receive.mode != zero_copy_receive_mode::off)
    return list.used_or(on.area() != nullptr, name,
                        "receives bring bytes where the network card, or the kernel, put them",
                        false, "", on.area_absence().c_str());
  // The opcode alone says nothing: a queue, or the mode without one, has to be registered to know.
  const auto tried = try_zero_copy_receive();
  const std::string absence = tried ? "" : describe(tried.error());
  list.available_if(
      tried.has_value(), name,
      "not used: off by default; the mode without a device works here, a network card "
      "has to be prepared (docs/zcrx.md)",
      absence.c_str());
}

void list_unused(feature_list& list, io_uring& on) {
  list.available_if((on.features & IORING_FEAT_RECVSEND_BUNDLE) != 0, "send bundles",
                    "not used: a vector costs the same and needs no buffer ring per connection",
                    "needs Linux 6.10");
}

/// The self-test itself, and what it found wrong.
std::string words_for(const self_test_report& report) {
  const auto lasted = std::chrono::duration_cast<std::chrono::microseconds>(report.lasted).count();
  std::string words =
      "a pattern was streamed through what receives use, in " + std::to_string(lasted) + " us; ";
  if (!report.untried.empty())
    words += std::to_string(report.untried.size()) + " features could not be tried";
  if (!report.untried.empty() && !report.wrong.empty()) words += ", ";
  if (!report.wrong.empty())
    words += std::to_string(report.wrong.size()) + " features get it wrong";
  else if (report.untried.empty())
    words += "it came back unchanged";
  return words;
}

void list_self_test(feature_list& list, const self_test_report* report) {
  if (report == nullptr) return list.used_if(false, "self-test of receives", "");
  list.used_if(true, "self-test of receives", words_for(*report).c_str());
  for (const auto* left_out : {&report->wrong, &report->untried})
    for (const failed_feature& each : *left_out) {
      list.avoid(each.name, each.why);
      // One switch has both.
      if (each.feature == &feature_switches::multishot_receive)
        list.avoid("multishot recvmsg", each.why);
    }
}

}  // namespace

capabilities probe_uring(const uring_options& options, buffer_pool& pool) {
  capabilities found;
  found.kernel = release();
  auto real = open_uring(options, pool);
  if (!real) {
    found.why = describe(real.error());
    return found;
  }
  found.uring = true;
  found.why = real->description;
  auto& backend = static_cast<uring_backend&>(*real->made);
  found.ring_features = backend.probed_ring().raw().features;
  found.last_operation = last_operation(backend.probed_ring().raw());
  feature_list list(found);
  list_used(list, options.features);
  list_receives(list, options.features, backend);
  list_ring_features(list, options, backend.probed_ring());
  list_self_test(list, real->tested.get());
  for (const known_bad& each : known_bad_kernels())
    if (options.features.*each.feature && !(real->features.*each.feature))
      list.avoid(each.name, each.why);
  list_direct(list, backend.direct(), options.features);
  list_between_rings(list, backend.direct(), options.features, backend.probed_ring().raw());
  list_zero_copy(list, backend.copy_free(), options);
  list_udp(list, options.features);
  list_zero_copy_receive(list, options, backend);
  list_unused(list, backend.probed_ring().raw());
  return found;
}

}  // namespace myra::io
