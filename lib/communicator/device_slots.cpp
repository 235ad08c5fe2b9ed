#include "lib/communicator/device_slots.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "lib/base/log.hpp"
#include "lib/base/unix_socket.hpp"
#include "rlx/error.hpp"

namespace rlx::detail {
namespace {

/// The descriptors of all members, by sockets at names that only they know. In three steps, between
/// which the members wait for each other, so that none of the steps has to wait for anybody. What
/// goes wrong in one is told by its result.
class Descriptors {
 public:
  Descriptors(std::uint64_t token, std::span<const Rank> members, std::uint32_t me)
      : token_(token), members_(members), me_(me), handles_(members.size()) {}

  bool listen() {
    listener_ = listen_at(name_of(me_), static_cast<int>(handles_.size()));
    return true;
  }
  bool send(const Descriptor& mine) {
    for (std::uint32_t mate = 0; mate < handles_.size(); ++mate) {
      if (mate == me_) continue;
      Descriptor connection;
      if (connect_to(name_of(mate), connection) != 0) return false;
      if (send_packet(connection, std::as_bytes(std::span(&me_, 1)), mine.get()) != 0) return false;
      connections_.push_back(std::move(connection));
    }
    return true;
  }
  bool receive() {
    for (std::size_t left = handles_.size() - 1; left > 0; --left) {
      const Descriptor connection = accept_from(listener_);
      if (!connection.valid() || user_of(connection) != geteuid()) return false;
      std::uint32_t from = 0;
      Descriptor handle;
      if (receive_packet(connection, std::as_writable_bytes(std::span(&from, 1)), handle) != 0)
        return false;
      if (from >= handles_.size() || from == me_ || handles_[from].valid()) return false;
      handles_[from] = std::move(handle);
    }
    return true;
  }
  [[nodiscard]] Descriptor take(std::size_t member) { return std::move(handles_[member]); }

 private:
  [[nodiscard]] std::string name_of(std::uint32_t member) const {
    return fmt::format("rlx-device-{:016x}-{}", token_, members_[member].value());
  }

  std::uint64_t token_;
  std::span<const Rank> members_;
  std::uint32_t me_;
  Descriptor listener_;
  std::vector<Descriptor> connections_;  // open until the others have taken what was sent
  std::vector<Descriptor> handles_;      // by member
};

std::uint64_t random_number() {
  std::random_device entropy;
  return std::uint64_t{entropy()} << 32 | entropy();
}

}  // namespace

DeviceSlots DeviceSlots::share(const DeviceSide* device, std::size_t bytes,
                               std::span<const Rank> members, std::uint32_t me,
                               const Agree& maximum) {
  SharedDeviceMemory mine;
  DeviceSlots all;
  Descriptors descriptors(maximum(random_number()), members, me);
  const auto agreed = [&](auto step) {
    bool done = device == nullptr;
    try {
      done = done || step();
    } catch (const CollectiveError& error) {
      log::info("ranks on {} exchange by the host's memory: {}", device->device().name(),
                error.what());
    }
    return maximum(done ? 0 : 1) == 0;
  };
  const auto make = [&] {
    mine = device->allocate_shared(bytes);
    return mine.memory != nullptr && descriptors.listen();
  };
  const auto open = [&] {
    for (std::uint32_t member = 0; member < members.size(); ++member)
      all.slots_.push_back(member == me ? std::move(mine.memory)
                                        : device->open_shared(descriptors.take(member), bytes));
    return true;
  };
  const bool shared = agreed(make) && agreed([&] { return descriptors.send(mine.handle); }) &&
                      agreed([&] { return descriptors.receive(); }) && agreed(open);
  if (!shared) all.slots_.clear();
  return all;
}

}  // namespace rlx::detail
