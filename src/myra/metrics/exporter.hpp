// Serves counters to Prometheus: GET /metrics on a port of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "myra/core/error.hpp"
#include "myra/metrics/text.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra::metrics {

struct exporter_options {
  /// As endpoint::parse reads it, such as "127.0.0.1:9100".
  std::string address = {};
  /// Scrapes at a time; others wait in the kernel's queue.
  std::uint32_t connections_max = 8;
  /// For the request, and then for the whole answer to be taken.
  duration timeout = std::chrono::seconds(10);
};

/// Movable handle; its destruction stops serving. It runs on the reactor beside what that does, and
/// its connections are counted with all others. A request costs the reactor the time to write the
/// text, about 5 KiB for each reactor and 3 KiB for each of its histograms, into buffers of the
/// pool. Each connection answers one request and is closed; one that finds no free buffer is reset,
/// since the pool is the traffic's.
///
/// Thread: the reactor's.
class exporter {
 public:
  /// Errors: as of listener::open.
  [[nodiscard]] static opened<exporter> open(reactor& on, const exporter_options& options,
                                             boards shown);
  exporter(exporter&&) noexcept;
  exporter& operator=(exporter&&) noexcept;
  ~exporter();

  /// The address bound to, with the port that the kernel chose.
  [[nodiscard]] const endpoint& local() const noexcept;

 private:
  struct parts;
  explicit exporter(std::unique_ptr<parts> owned) noexcept;
  std::unique_ptr<parts> parts_;
};

}  // namespace myra::metrics
