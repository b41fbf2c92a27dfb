#include "myra/transport/async.hpp"

#include <cerrno>
#include <utility>

namespace myra {

bool look(stream& from, result<buffer>& outcome) noexcept {
  if (from.take_received(*outcome)) return true;
  if (!from.ended()) return false;
  outcome = failure(from.end_reason());
  return true;
}

sent send_again(const sent& what) noexcept {
  if (what.unsent_buffer != nullptr)
    return what.to->send(std::move(*what.unsent_buffer), what.options);
  return what.to->send_copy(what.unsent_bytes);
}

std::error_code end_of_sending(const sent& what) noexcept {
  const std::error_code why = what.to->end_reason();
  // Not the peer's end but our own is what keeps a stream with a healthy peer from sending.
  return why == transport_errc::end_of_stream ? make_error_code(transport_errc::closed) : why;
}

bool connecting::begin(std::coroutine_handle<> waiting, cancellation* scope) {
  if (scope != nullptr) {
    if (scope->requested()) {
      outcome_ = failure(kernel_error(-ECANCELED));
      return false;
    }
    scope->enter(*this);
  }
  waiting_ = waiting;
  attempt_ = connect(on_, to_, options_, [this](result<connection> outcome) noexcept {
    outcome_ = std::move(outcome);
    unlink();
    waiting_.resume();
  });
  return true;
}

void connecting::on_cancel(suspension& unwanted) noexcept {
  // Calls back with cancelled, from a later turn.
  static_cast<connecting&>(unwanted).attempt_.cancel();
}

connecting connect(reactor& on, const endpoint& to, const connect_options& options) {
  return connecting(on, {to}, options);
}

connecting connect(reactor& on, std::span<const endpoint> to, const connect_options& options) {
  return connecting(on, {to.begin(), to.end()}, options);
}

connecting connect(reactor& on, std::string_view to, const connect_options& options) {
  const auto parsed = endpoint::parse(to);
  if (!parsed) return connecting(on, parsed.error().code);
  return connecting(on, {*parsed}, options);
}

}  // namespace myra
