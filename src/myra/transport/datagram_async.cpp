#include "myra/transport/datagram_async.hpp"

#include <utility>

namespace myra {

bool look(mailbox& from, result<datagram>& outcome) noexcept {
  if (from.take_received(outcome)) return true;
  if (!from.ended()) return false;
  outcome = failure(transport_errc::closed);
  return true;
}

sent_datagram send_again(const sent_datagram& what) noexcept {
  mailbox& by = *what.from;
  if (what.unsent_buffer != nullptr)
    return by.send(std::move(*what.unsent_buffer), what.to, what.segment_size);
  return by.send_copy(what.unsent_bytes, what.to, what.segment_size);
}

}  // namespace myra
