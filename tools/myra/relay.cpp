#include "relay.hpp"

#include <new>
#include <string>
#include <utility>

namespace myra::tool {

class relay {
 public:
  explicit relay(relay_set& set) : set_(set) {}

  void begin(connection& accepted, std::list<relay>::iterator self) {
    self_ = self;
    client_.open(std::move(accepted));
    client_.pause();
    dial();
  }

 private:
  friend class relay_set;

  /// One of the two connections, and what waits to be sent to it.
  class side final : public connection_handler {
   public:
    side(relay& owner, side& other) noexcept : owner_(owner), other_(other) {}

    void open(connection made) {
      socket_ = std::move(made);
      socket_.set_handler(*this);
      open_ = true;
    }
    void pause() noexcept { socket_.pause_receive(); }
    void resume() noexcept { socket_.resume_receive(); }
    void close() noexcept { socket_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return open_; }

    void on_receive(connection&, message& bytes) override { other_.forward(bytes); }
    void on_end(connection& peer) override {
      if (other_.open_)
        other_.socket_.half_close();
      else
        peer.close();
    }
    void on_writable(connection&) override {
      if (unsent_ && !send(std::move(unsent_))) return;
      other_.resume();
    }
    // The peers end the relay, not the drain.
    void on_drain(connection&) override {}
    void on_close(connection&, std::error_code why) override {
      open_ = false;
      unsent_.release();
      socket_ = connection();
      owner_.side_ended(other_, why);
    }

    /// Ends this side because the other ended: what was sent is still delivered, unless the other
    /// was torn off.
    void end_too(std::error_code why) noexcept {
      if (why == transport_errc::closed)
        socket_.close();
      else
        socket_.abort();
    }

   private:
    void forward(message& bytes) {
      if (!open_) return;
      // Behind a backlog a small message would hold a whole slot: there a copy is cheaper than the
      // memory.
      const bool small = bytes.bytes().size() <= socket_slot_size() / 4;
      if (small && socket_.queued_bytes() > 0 &&
          socket_.send_copy(bytes.bytes()) == send_status::accepted)
        return;
      send(bytes.detach());
    }

    /// False: it waits, and the other side with it.
    bool send(buffer bytes) {
      if (socket_.send(std::move(bytes)) != send_status::back_pressured) return true;
      // NOLINTNEXTLINE(bugprone-use-after-move): it is moved from only when accepted
      unsent_ = std::move(bytes);
      other_.pause();
      return false;
    }

    [[nodiscard]] std::size_t socket_slot_size() const noexcept {
      return owner_.set_.on_.internals().options().pool.slot_size_bytes;
    }

    relay& owner_;
    side& other_;
    connection socket_;
    buffer unsent_;
    bool open_ = false;
  };

  void dial() {
    attempt_ = connect(set_.on_, {&set_.options_.target, 1}, set_.options_.connect,
                       [this](result<connection> made) noexcept { connected(std::move(made)); });
  }

  void connected(result<connection> made) noexcept {
    attempt_ = {};
    if (made) {
      target_.open(std::move(*made));
      client_.resume();
      return;
    }
    // Nobody here cancels: that was the drain, or the cut at its deadline, which ends the second.
    if (made.error() == condition::cancelled && !std::exchange(dialled_again_, true)) {
      try {
        return dial();
      } catch (const std::bad_alloc&) {
        made = failure(std::make_error_code(std::errc::not_enough_memory));
      }
    }
    const connect_failure failed{set_.options_.target, made.error()};
    set_.on_.internals().log()(log_level::warning, describe(connect_report(failed.why, {&failed, 1},
                                                                           set_.options_.connect)));
    client_.close();
  }

  void side_ended(side& other, std::error_code why) noexcept {
    attempt_ = {};
    if (other.is_open())
      other.end_too(why);
    else
      set_.retire(*this);
  }

  relay_set& set_;
  std::list<relay>::iterator self_;
  connect_attempt attempt_;
  bool dialled_again_ = false;
  side client_{*this, target_};
  side target_{*this, client_};
};

relay_set::relay_set(reactor& on, const relay_options& options) : on_(on), options_(options) {}
relay_set::~relay_set() = default;

void relay_set::on_open(connection& client) {
  live_.emplace_front(*this);
  live_.front().begin(client, live_.begin());
}

// Bytes come to the relay's own handlers; the listener's is asked for nothing but on_open.
void relay_set::on_receive(connection&, message&) {}

void relay_set::retire(relay& ended) noexcept {
  ended_.clear();
  ended_.splice(ended_.begin(), live_, ended.self_);
}

}  // namespace myra::tool
