// As much of HTTP/1.1 (RFC 9112) as a scrape needs: the head of one request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "myra/metrics/text.hpp"

namespace myra::metrics {

/// The longest head that is read.
inline constexpr std::size_t request_head_max_bytes = 8 * 1024;

enum class http_status : std::uint16_t {
  ok = 200,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  head_too_large = 431,
};

/// What is answered to a request.
struct http_verdict {
  http_status status = http_status::bad_request;
  bool head_only = false;  ///< HEAD: the answer has no body.
  text_format format = text_format::open_metrics;
};

/// Where the empty line that ends a head is over, as far as `received` has it; zero when it is
/// still to come. `searched` bytes of it were looked at before.
[[nodiscard]] std::size_t end_of_head(std::string_view received, std::size_t searched) noexcept;

/// Judges a whole head, its empty line included: GET or HEAD of /metrics, with or without a query.
/// The plain format is for those whose Accept header names text/plain and not OpenMetrics.
[[nodiscard]] http_verdict judge(std::string_view head) noexcept;

/// "404 Not Found"
[[nodiscard]] std::string_view status_line(http_status status) noexcept;

}  // namespace myra::metrics
