#include "tests/transports/ofi/mock_world.hpp"

#include <cstring>
#include <mutex>
#include <span>
#include <vector>

#include "transports/ofi/ofi_transport.hpp"

namespace rlx::test {

namespace {

// Keeps the networks of a test and looks at them when it ends.
class Networks : public testing::EmptyTestEventListener {
 public:
  static Networks& instance() {
    static Networks* networks = [] {
      auto* made = new Networks;  // the test program owns its listeners
      testing::UnitTest::GetInstance()->listeners().Append(made);
      return made;
    }();
    return *networks;
  }
  MockNetwork& add(const MockPromises& promises) {
    const std::lock_guard lock(mutex_);
    return *networks_.emplace_back(std::make_unique<MockNetwork>(promises));
  }
  void OnTestEnd(const testing::TestInfo&) override {
    const std::lock_guard lock(mutex_);
    for (const auto& network : networks_) {
      for (const std::string& breach : network->breaches()) ADD_FAILURE() << "mock: " << breach;
    }
    networks_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<MockNetwork>> networks_;
};

// Listeners may only be added before or between tests.
[[maybe_unused]] const Networks& kListening = Networks::instance();

}  // namespace

MockNetwork& shared_network(const TransportSetup& setup, const MockPromises& promises) {
  MockNetwork* network = nullptr;
  if (setup.rank == Rank(0)) network = &Networks::instance().add(promises);
  const auto all = setup.exchange(std::as_bytes(std::span(&network, 1)));
  std::memcpy(&network, all.data(), sizeof network);
  return *network;
}

TransportCase mock_case(std::string name, const MockPromises& promises, SignalProtocol expected) {
  return {std::move(name), [promises, expected](const TransportSetup& setup) {
            Config config;
            config.provider = promises.provider;
            TransportSetup named = setup;
            named.config = &config;
            MockNetwork& network = shared_network(setup, promises);
            auto transport = make_ofi(named, {.fabric = &network.fabric()});
            EXPECT_EQ(transport->capabilities().protocol, expected);
            return transport;
          }};
}

}  // namespace rlx::test
