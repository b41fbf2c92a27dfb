// What the cases of datagram sockets start from: sockets of one reactor that write to each other.
#pragma once

#include <memory>

#include "fixture.hpp"

namespace myra::conformance {

/// What a handler saw, and what it is to do.
struct mail : datagram_handler {
  void on_datagram(datagram_socket& on, lent_datagram& came) override;
  void on_error(datagram_socket& on, const datagram_error& what) override;
  void on_writable(datagram_socket& on) override;
  void on_drain(datagram_socket& on) override;
  void on_close(datagram_socket& on) override;

  std::function<void(datagram_socket&, lent_datagram&)> when_received;  ///< After it was noted.
  std::function<void(datagram_socket&)> when_writable;
  std::function<void(datagram_socket&)> when_drained;  ///< In place of `drain`.
  std::function<void(datagram_socket&)> when_closed;

  /// All that came, rows taken apart.
  std::vector<std::string> received;
  std::vector<endpoint> peers;
  std::size_t calls = 0;
  std::size_t rows = 0;
  std::size_t truncated = 0;
  std::vector<datagram_error> errors;
  int writables = 0;
  int closes = 0;
};

class datagram_case : public conformance_test {
 protected:
  void TearDown() override;

  /// A socket on a free port near, that lives as long as the case.
  datagram_socket& open(datagram_options options = {});
  /// The same, served by `by`.
  datagram_socket& open(mail& by, datagram_options options = {});
  mail& letters() { return mails_.emplace_back(); }
  void destroy(datagram_socket& gone);
  /// The same options, connected to where `to` is.
  [[nodiscard]] static datagram_options towards(const datagram_socket& to);
  /// An address where nobody is.
  [[nodiscard]] std::string nowhere();
  /// Sends `text` without Myra.
  void send_raw(const datagram_socket& to, std::string_view text);
  /// A reactor whose slots take the largest datagrams.
  void open_with_large_slots();
  void open_with_slots(std::uint32_t count, std::uint32_t lent, std::uint32_t size = 4096,
                       std::optional<io::waiting> wait = {});

 private:
  std::deque<mail> mails_;
  std::vector<std::unique_ptr<datagram_socket>> sockets_;
};

}  // namespace myra::conformance
