#include "myra/core/error.hpp"

#include <cerrno>

namespace myra {
namespace {

bool is_disconnect(int code) noexcept {
  return code == ECONNRESET || code == EPIPE || code == ECONNABORTED || code == ENOTCONN ||
         code == ESHUTDOWN;
}

bool is_exhaustion(int code) noexcept {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM || code == ENOSPC;
}

bool is_unreachable(int code) noexcept {
  return code == EHOSTUNREACH || code == ENETUNREACH || code == ENETDOWN || code == EHOSTDOWN ||
         code == EADDRNOTAVAIL;
}

bool matches(int code, condition asked) noexcept {
  switch (asked) {
    case condition::disconnected: return is_disconnect(code);
    case condition::timed_out: return code == ETIMEDOUT || code == ETIME;
    case condition::refused: return code == ECONNREFUSED || code == ENOENT;
    case condition::unreachable: return is_unreachable(code);
    case condition::resource_exhausted: return is_exhaustion(code);
    case condition::cancelled: return code == ECANCELED;
    case condition::invalid: return code == EINVAL;
    case condition::unsupported: return code == ENOSYS || code == EOPNOTSUPP;
    case condition::permission_denied: return code == EPERM || code == EACCES;
  }
  return false;
}

class condition_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "myra"; }

  std::string message(int value) const override {
    switch (static_cast<condition>(value)) {
      case condition::disconnected: return "the peer is gone";
      case condition::timed_out: return "a deadline passed";
      case condition::refused: return "the connection was refused";
      case condition::unreachable: return "the address cannot be reached";
      case condition::resource_exhausted: return "a resource limit was met";
      case condition::cancelled: return "the operation was cancelled";
      case condition::invalid: return "an argument is not allowed";
      case condition::unsupported: return "not supported here";
      case condition::permission_denied: return "permission denied";
    }
    return "unknown condition";
  }

  bool equivalent(const std::error_code& code, int asked) const noexcept override {
    const bool from_kernel =
        code.category() == std::system_category() || code.category() == std::generic_category();
    return from_kernel && matches(code.value(), static_cast<condition>(asked));
  }
};

}  // namespace

std::error_condition make_error_condition(condition value) noexcept {
  static const condition_category category;
  return {static_cast<int>(value), category};
}

std::string describe(const error_report& report) {
  return report.what + ": " + report.code.message();
}

}  // namespace myra
