// myra-dns: answers for one zone over UDP.
//
// How it is put together, in the order to read:
//   main         all that has to do with the network
//   zone         the names, and what there is to say about them
//   dns_message  the protocol: bytes to questions, replies to bytes
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "myra/transport.hpp"
#include "zone.hpp"

namespace {

constexpr std::string_view sample_zone =
    "example.test      SOA   ns.example.test\n"
    "www.example.test  A     192.0.2.1\n"
    "www.example.test  AAAA  2001:db8::1\n"
    "example.test      TXT   answered by Myra\n";

// What Myra calls. A reply is put together here and copied once, into a buffer that the replies of
// this turn share; they leave together before the loop waits again.
class responder final : public myra::datagram_handler {
 public:
  explicit responder(const dns::zone& from) : zone_(from) {}

  void on_datagram(myra::datagram_socket& on, myra::lent_datagram& came) override {
    if (came.truncated()) return;  // no question is as long as that
    const myra::byte_view reply = dns::respond(zone_, came.bytes(), reply_);
    if (reply.empty()) return;
    // When the queue is full the answer is lost, as the network might have lost it: resolvers ask
    // again.
    if (on.send_copy(reply, came.peer()) != myra::send_status::accepted) ++dropped_;
  }

  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  const dns::zone& zone_;
  std::array<std::byte, dns::reply_size_max_bytes> reply_{};
  std::uint64_t dropped_ = 0;
};

myra::opened<dns::zone> load_zone(const std::string& path) {
  if (path.empty()) return dns::zone::parse(sample_zone, "the sample zone");
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    return myra::report(std::make_error_code(std::errc::no_such_file_or_directory), path);
  return dns::zone::parse(text, path);
}

constexpr const char* program_name = "myra-dns";

int serve(const myra::config::options& options, const myra::datagram_options& socket_options,
          const dns::zone& zone) {
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return myra::config::refuse(program_name, reactor.error());
  auto socket = myra::datagram_socket::open(*reactor, socket_options);
  if (!socket) return myra::config::refuse(program_name, socket.error());
  responder answers(zone);
  socket->serve(answers);
  myra::config::announce(*reactor, socket->local());
  const int status = reactor->run_until_signal(options.shutdown);
  const myra::datagram_counters& counted = socket->counters();
  std::printf("%llu questions, %llu answers, %llu dropped\n",
              static_cast<unsigned long long>(counted.received),
              static_cast<unsigned long long>(counted.sent),
              static_cast<unsigned long long>(answers.dropped()));
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  namespace config = myra::config;
  config::options options;
  options.reactor.log = config::log_to_stderr(program_name);
  myra::datagram_options socket_options;
  socket_options.address = "127.0.0.1:5300";
  socket_options.receive_buffer_bytes = 4 * 1024 * 1024;
  socket_options.send_queue_max = 1024;
  std::string zone_path;

  auto program = config::program_of(options, {});
  program.name = program_name;
  program.summary = "Answers for one zone over UDP, on one thread.";
  program.examples =
      "myra-dns                                 # then: dig @127.0.0.1 -p 5300 www.example.test\n"
      "myra-dns --listen '*:53' --zone example.zone\n";
  program.fields.push_back(config::address({"dns.address", "listen"},
                                           "Where to answer; port 0: the kernel chooses.",
                                           socket_options.address));
  program.fields.push_back(config::flag({"dns.reuse_port", "reuse-port"},
                                        "Share the port with other processes.",
                                        socket_options.reuse_port));
  program.fields.push_back(config::text({"dns.zone", "zone"}, "FILE",
                                        "The zone: a record a line. None: a sample.", zone_path));
  if (const auto status = config::configure(argc, argv, program)) return *status;
  const auto zone = load_zone(zone_path);
  if (!zone) return config::refuse(program_name, zone.error());
  return serve(options, socket_options, *zone);
}
