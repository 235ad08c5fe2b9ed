#include "lib/bootstrap/socket.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "rlx/error.hpp"

namespace rlx::bootstrap {
namespace {

TEST(Endpoint, host_and_port_are_taken_apart) {
  EXPECT_EQ(parse_endpoint("node1:29500").host, "node1");
  EXPECT_EQ(parse_endpoint("node1:29500").port, "29500");
  EXPECT_EQ(parse_endpoint("[::1]:7").host, "::1");
  EXPECT_EQ(parse_endpoint("[::1]:7").text(), "[::1]:7");
}

TEST(Endpoint, what_is_not_an_address_is_named) {
  for (const char* text :
       {"", "node1", ":5", "node1:", "node1:http", "::1:7", "a:65536", "a:999999"})
    try {
      static_cast<void>(parse_endpoint(text));
      FAIL() << text;
    } catch (const CollectiveError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      EXPECT_NE(std::string(error.what()).find("'" + std::string(text) + "'"), std::string::npos);
    }
}

TEST(Socket, connects_to_a_listener_that_starts_later) {
  FileDescriptor first = listen_on({"127.0.0.1", "0"});
  const std::string port = std::to_string(port_of(first));
  first.reset();  // the port is free again, so the first attempts are refused
  FileDescriptor late;
  std::jthread starter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    late = listen_on({"127.0.0.1", port});
  });
  std::string reason;
  EXPECT_TRUE(connect_to({"127.0.0.1", port}, Deadline::after(20), reason).valid()) << reason;
}

TEST(Socket, gives_the_reason_when_nobody_listens) {
  FileDescriptor listener = listen_on({"127.0.0.1", "0"});
  const std::string port = std::to_string(port_of(listener));
  listener.reset();
  std::string reason;
  EXPECT_FALSE(connect_to({"127.0.0.1", port}, Deadline::after(0.05), reason).valid());
  EXPECT_NE(reason.find("refused"), std::string::npos) << reason;
}

TEST(Socket, a_port_in_use_is_a_launch_error_with_the_address) {
  const FileDescriptor listener = listen_on({"127.0.0.1", "0"});
  const std::string port = std::to_string(port_of(listener));
  try {
    static_cast<void>(listen_on({"127.0.0.1", port}));
    FAIL();
  } catch (const CollectiveError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Launch);
    EXPECT_NE(std::string(error.what()).find("127.0.0.1:" + port), std::string::npos);
  }
}

TEST(Socket, an_address_of_another_machine_listens_everywhere_on_this_one) {
  // 203.0.113.0/24 is reserved for documentation.
  const FileDescriptor listener = listen_on({"203.0.113.1", "0"});
  const std::string port = std::to_string(port_of(listener));
  std::string reason;
  EXPECT_TRUE(connect_to({"127.0.0.1", port}, Deadline::after(5), reason).valid()) << reason;
}

TEST(Socket, a_descriptor_closes_itself_once) {
  FileDescriptor a = listen_on({"127.0.0.1", "0"});
  const int number = a.get();
  FileDescriptor b = std::move(a);
  EXPECT_EQ(b.get(), number);
  a = std::move(b);
  EXPECT_TRUE(a.valid());
  a.reset();
  EXPECT_FALSE(a.valid());
}

}  // namespace
}  // namespace rlx::bootstrap
