#include "variant.hpp"

#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace myra::conformance {
namespace {

using namespace std::chrono_literals;

variant on(io::backend_kind backend, std::string name) {
  variant made;
  made.name = std::move(name);
  made.options.backend = backend;
  return made;
}

variant without(bool io::feature_switches::* feature, const char* name) {
  variant made = on(io::backend_kind::uring, std::string("uring_without_") + name);
  made.options.features.*feature = false;
  return made;
}

/// With features that are off by default.
variant with(std::initializer_list<bool io::feature_switches::*> wanted, const char* name) {
  variant made = on(io::backend_kind::uring, std::string("uring_with_") + name);
  for (bool io::feature_switches::* each : wanted) made.options.features.*each = true;
  return made;
}

variant spinning(io::backend_kind backend, std::string name) {
  variant made = on(backend, std::move(name));
  made.options.wait = io::waiting::spin_then_block;
  return made;
}

variant on_ring(const io::ring_options& ring, std::string name) {
  variant made = on(io::backend_kind::uring, std::move(name));
  made.options.ring = ring;
  return made;
}

/// Every send without a copy, as far as the kernel can.
variant without_copies(bool registered, std::string name) {
  variant made = on(io::backend_kind::uring, std::move(name));
  made.options.zero_copy.mode = zero_copy_mode::always;
  made.options.zero_copy.threshold_bytes = 0;
  made.options.zero_copy.registered_buffers = registered;
  return made;
}

/// Receives into an area, which the kernel fills.
variant into_area() {
  variant made = on(io::backend_kind::uring, "uring_zcrx");
  made.options.zero_copy_receive.mode = io::zero_copy_receive_mode::no_device;
  made.options.zero_copy_receive.area_bytes = 4 * 1024 * 1024;
  return made;
}

std::string& wanted_name() {
  static std::string name;
  return name;
}

std::vector<variant> wanted_of(std::vector<variant> all) {
  if (!wanted_name().empty())
    std::erase_if(all, [](const variant& each) { return each.name != wanted_name(); });
  return all;
}

std::vector<variant> every_variant() {
  const char* forced = std::getenv("MYRA_CONFORMANCE_BACKEND");
  if (forced != nullptr && std::string_view(forced) == "automatic")
    return {on(io::backend_kind::automatic, "automatic")};
  using features = io::feature_switches;
  return {on(io::backend_kind::uring, "uring"),
          on(io::backend_kind::epoll, "epoll"),
          on(io::backend_kind::sim, "sim"),
          without(&features::multishot_accept, "multishot_accept"),
          without(&features::multishot_receive, "multishot_receive"),
          without(&features::silent_sends, "silent_sends"),
          without(&features::zero_copy_sends, "zero_copy_sends"),
          without_copies(false, "uring_zero_copy"),
          without_copies(true, "uring_zero_copy_registered"),
          without(&features::registered_ring, "registered_ring"),
          without(&features::deferred_task_run, "deferred_task_run"),
          without(&features::direct_descriptors, "direct_descriptors"),
          with({&features::ring_messages}, "ring_messages"),
          without(&features::registered_waits, "registered_waits"),
          without(&features::receive_limit, "receive_limit"),
          without(&features::large_buffers, "large_buffers"),
          with({&features::incremental_buffers}, "incremental_buffers"),
          with({&features::receive_bundles}, "receive_bundles"),
          with({&features::incremental_buffers, &features::receive_bundles},
               "incremental_buffers_and_bundles"),
          on_ring({.submission_polling = {.on = true, .idle = 1ms}}, "uring_submission_polling"),
          on_ring({.sockets_only = true}, "uring_sockets_only"),
          into_area(),
          spinning(io::backend_kind::uring, "uring_spin_then_block"),
          spinning(io::backend_kind::epoll, "epoll_spin_then_block")};
}

}  // namespace

void keep_only(std::string_view name) { wanted_name() = name; }

std::vector<variant> variants() { return wanted_of(every_variant()); }

std::vector<variant> variants_of_all_families() {
  std::vector<variant> all = every_variant();
  const std::size_t backend_count = all.size() == 1 ? 1 : 3;
  const std::pair<family, const char*> others[] = {{family::ipv6, "ipv6"},
                                                   {family::unix_path, "unix_path"},
                                                   {family::unix_abstract, "unix_abstract"}};
  for (std::size_t i = 0; i < backend_count; ++i)
    for (const auto& [sockets, name] : others) {
      variant made = all[i];
      made.name += std::string("_") + name;
      made.sockets = sockets;
      all.push_back(std::move(made));
    }
  return wanted_of(std::move(all));
}

std::vector<variant> datagram_variants() {
  std::vector<variant> all = every_variant();
  const std::size_t backend_count = all.size() == 1 ? 1 : 3;
  for (std::size_t i = 0; i < backend_count; ++i) {
    variant ipv6 = all[i];
    ipv6.name += "_ipv6";
    ipv6.sockets = family::ipv6;
    all.push_back(std::move(ipv6));
    variant plain = all[i];
    plain.name += "_without_segmentation_and_coalescing";
    plain.options.features.datagram_segmentation = false;
    plain.options.features.datagram_coalescing = false;
    all.push_back(std::move(plain));
  }
  return wanted_of(std::move(all));
}

}  // namespace myra::conformance
