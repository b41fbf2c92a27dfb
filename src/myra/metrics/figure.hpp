// The counters under the names that they have outside: one table, from which the text is made and
// which docs/metrics.md explains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "myra/reactor/loop.hpp"

namespace myra::metrics {

enum class figure_kind : std::uint8_t {
  counter,  ///< Only grows.
  gauge,    ///< What is at present.
};

/// One figure of a reactor, in the words of OpenMetrics 1.0. Figures of one name follow each other
/// and differ in their label; together they are a metric family.
struct figure {
  std::string_view name;  ///< With the unit behind it, without "_total".
  figure_kind kind;
  std::string_view help;
  std::uint64_t (*value)(const loop_counters& of);
  std::string_view unit = {};
  std::string_view label = {};
  std::string_view label_value = {};
};

/// All of them, in the order of the text. Every counter of `loop_counters` is in one.
[[nodiscard]] std::span<const figure> figures() noexcept;

/// What is not in the table: which backend each reactor runs on, and the histograms of its
/// counter_board.
inline constexpr std::string_view reactor_name = "myra_reactor";
inline constexpr std::string_view turns_name = "myra_turn_seconds";
inline constexpr std::string_view messages_name = "myra_message_seconds";

}  // namespace myra::metrics
