#include "myra/transport/courier.hpp"

#include <utility>

namespace myra {
namespace {

constexpr duration look_interval = std::chrono::milliseconds(2);

}  // namespace

courier::courier(loop& runs, courier_client& client) noexcept : loop_(runs), client_(client) {
  loop_.enlist(*this);
}
courier::~courier() = default;

opened<void> courier::open_inlet() {
  auto address = loop_.backend().open_inlet(entrance_);
  if (!address) return std::unexpected(std::move(address.error()));
  address_ = *address;
  has_inlet_ = true;
  return {};
}

bool courier::send(io::descriptor socket, courier& to) noexcept {
  if (!has_inlet_ || !to.has_inlet_) return false;
  parcel* sent = take_parcel();
  if (sent == nullptr) return false;
  const std::uint32_t coming = to.coming_.load(std::memory_order_acquire);
  if (socket.is_direct() && to.address_.room->load(std::memory_order_relaxed) <= coming) {
    // Its table has no place for it.
    io::network& sockets = loop_.backend().sockets();
    const int real = sockets.duplicate(socket);
    if (real < 0) {
      sent->next_free = std::exchange(free_, sent);
      return false;
    }
    sockets.close(std::exchange(socket, real));
  }
  sent->descriptor = socket;
  sent->to = &to;
  sent->hand_over_operation::to = to.address_;
  ++sending_count_;
  to.coming_.fetch_add(1, std::memory_order_relaxed);
  loop_.backend().submit(*sent);
  return true;
}

courier::parcel* courier::take_parcel() noexcept {
  if (free_ == nullptr) {
    if (parcels_.size() == parcel_count_max) return nullptr;
    return &parcels_.emplace_back(*this);
  }
  return std::exchange(free_, free_->next_free);
}

void courier::on_told(io::operation& completed, io::completion& what) noexcept {
  auto& told = static_cast<parcel&>(completed);
  courier& self = told.from;
  const io::descriptor socket = std::exchange(told.descriptor, {});
  // The other reactor may end from here on.
  if (what.result < 0) told.to->coming_.fetch_sub(1, std::memory_order_release);
  told.next_free = std::exchange(self.free_, &told);
  --self.sending_count_;
  if (what.result < 0) self.client_.came_back(socket);
}

void courier::on_socket(io::inlet& into, io::descriptor socket) noexcept {
  courier& self = static_cast<entrance&>(into).at;
  self.coming_.fetch_sub(1, std::memory_order_relaxed);
  self.client_.came(socket);
}

void courier::hold(io::descriptor socket) noexcept {
  held_.push_back(socket);
  if (!look_.armed()) loop_.timers().arm(look_, after(loop_.now(), look_interval));
}

void courier::drain() noexcept { on_look(look_); }

void courier::on_look(timer& fired) noexcept {
  courier& self = static_cast<look&>(fired).at;
  for (const io::descriptor each : std::exchange(self.held_, {})) self.client_.try_again(each);
  // What comes back to its sender wakes nobody here.
  if (!self.quiet()) self.loop_.timers().arm(fired, after(self.loop_.now(), look_interval));
}

void courier::cut() noexcept {
  for (const io::descriptor each : std::exchange(held_, {})) loop_.backend().sockets().close(each);
  if (retired_ && quiet()) unlink();
}

void courier::retire() noexcept {
  retired_ = true;
  if (quiet()) unlink();
}

}  // namespace myra
