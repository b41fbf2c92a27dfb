// What a mailbox keeps: datagrams that are to go, and datagrams that came.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "myra/io/datagram_operation.hpp"
#include "myra/memory/buffer_pool.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra {

class mailbox;

/// An address of IPv4 or IPv6, in the size that those have.
class datagram_peer {
 public:
  void assign(const sockaddr* address, socklen_t size) noexcept {
    size_ = size <= storage_.size() ? size : 0;
    // not payload: an address
    if (size_ != 0) std::memcpy(storage_.data(), address, size_);
  }
  /// Null when there is none.
  [[nodiscard]] const sockaddr* address() const noexcept {
    return size_ == 0 ? nullptr : reinterpret_cast<const sockaddr*>(storage_.data());
  }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  [[nodiscard]] endpoint to_endpoint() const noexcept {
    return endpoint::from_kernel(address(), size_);
  }

 private:
  alignas(sockaddr_in6) std::array<std::byte, sizeof(sockaddr_in6)> storage_;
  socklen_t size_ = 0;
};

/// A datagram, or a row of them, that is to go.
struct outgoing_datagram : io::send_datagram_operation {
  explicit outgoing_datagram(io::completion_handler on_complete) noexcept
      : send_datagram_operation(on_complete) {}

  [[nodiscard]] byte_view bytes() const noexcept {
    return {static_cast<const std::byte*>(envelope.part.iov_base), envelope.part.iov_len};
  }
  /// Makes it one of `bytes`, to where it goes already.
  void hold(byte_view bytes, std::uint16_t row_segment_size) noexcept {
    segment_size = row_segment_size < bytes.size() ? row_segment_size : std::uint16_t{0};
    size = static_cast<std::uint32_t>(bytes.size());
    envelope.address(bytes, to.address(), to.size(), segment_size);
    message = &envelope.header;
  }

  mailbox* self = nullptr;
  outgoing_datagram* next = nullptr;
  slot* held = nullptr;
  datagram_peer to;
  io::send_envelope envelope;
  std::uint16_t segment_size = 0;  ///< Not 0: the kernel is to cut it.
  bool tried_again = false;        ///< After an error that was not its own.
};

/// First in, first out, linked through themselves.
struct outgoing_queue {
  outgoing_datagram* first = nullptr;
  outgoing_datagram* last = nullptr;

  [[nodiscard]] bool empty() const noexcept { return first == nullptr; }
  void push(outgoing_datagram& added) noexcept {
    added.next = nullptr;
    (first == nullptr ? first : last->next) = &added;
    last = &added;
  }
  [[nodiscard]] outgoing_datagram& pop() noexcept {
    outgoing_datagram& taken = *first;
    first = taken.next;
    return taken;
  }
  /// Puts `front` before what is here and empties it.
  void prepend(outgoing_queue& front) noexcept {
    if (front.empty()) return;
    front.last->next = first;
    if (first == nullptr) last = front.last;
    first = front.first;
    front = {};
  }
};

/// A datagram that came and waits for somebody.
struct kept_datagram {
  slot* held = nullptr;
  datagram_peer from;
  std::uint32_t size = 0;
  std::uint32_t segment_size = 0;
};

/// A ring of them, of a fixed capacity.
class kept_datagrams {
 public:
  explicit kept_datagrams(std::uint32_t capacity)
      : kept_(std::make_unique_for_overwrite<kept_datagram[]>(capacity)), capacity_(capacity) {}

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] bool full() const noexcept { return count_ == capacity_; }
  /// The place for the next one; only when not full.
  [[nodiscard]] kept_datagram& push() noexcept { return kept_[(first_ + count_++) % capacity_]; }
  /// Only when not empty; valid until the next push.
  [[nodiscard]] kept_datagram& pop() noexcept {
    kept_datagram& taken = kept_[first_];
    first_ = (first_ + 1) % capacity_;
    --count_;
    return taken;
  }

 private:
  std::unique_ptr<kept_datagram[]> kept_;
  std::uint32_t capacity_;
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace myra
