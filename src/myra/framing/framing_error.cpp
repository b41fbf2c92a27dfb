#include "myra/framing/framing_error.hpp"

#include <string>

#include "myra/core/error.hpp"

namespace myra {
namespace {

class framing_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override { return "framing"; }

  std::string message(int value) const override {
    switch (static_cast<framing_error>(value)) {
      case framing_error::invalid_option: return "the framing option is not allowed";
      case framing_error::frame_too_long: return "the frame is longer than the limit";
      case framing_error::frame_too_short: return "the frame is shorter than the minimum";
      case framing_error::length_below_header:
        return "the length includes the header but is smaller than it";
      case framing_error::length_overflow:
        return "the payload's length does not fit into the width of the header";
      case framing_error::truncated: return "the stream ended inside a frame";
      case framing_error::no_memory: return "there is no memory to assemble the frame";
    }
    return "unknown framing error " + std::to_string(value);
  }

  std::error_condition default_error_condition(int value) const noexcept override {
    switch (static_cast<framing_error>(value)) {
      case framing_error::truncated: return make_error_condition(condition::disconnected);
      case framing_error::no_memory: return make_error_condition(condition::resource_exhausted);
      default: return make_error_condition(condition::invalid);
    }
  }
};

}  // namespace

const std::error_category& framing_category() noexcept {
  static const framing_category_type category;
  return category;
}

std::error_code make_error_code(framing_error value) noexcept {
  return {static_cast<int>(value), framing_category()};
}

}  // namespace myra
