#include "rlx/communicator.hpp"

#include <exception>
#include <utility>

#include "lib/communicator/communicator_state.hpp"
#include "lib/communicator/wiring.hpp"
#include "rlx/local_transport.hpp"

namespace rlx {

Communicator::Communicator(std::shared_ptr<detail::CommunicatorState> state)
    : state_(std::move(state)) {}

Communicator::Communicator(Bootstrap& bootstrap, CommunicatorOptions options)
    : Communicator(detail::wire_world(bootstrap, options)) {}

Communicator::Communicator(Bootstrap& bootstrap, CommunicatorOptions options,
                           std::weak_ptr<detail::Context>& context)
    : Communicator(detail::wire_again(bootstrap, options, context)) {}

Communicator::Communicator(SymmetricTransport& transport, SignalRegion signals,
                           std::span<std::byte> memory, SymmetricBuffer scratch,
                           CommunicatorOptions options)
    : Communicator(
          detail::wire_over(detail::Context::over(transport, signals, memory, scratch, options),
                            transport.rank(), transport.size())) {}

Communicator::Communicator(LocalTransport& transport, CommunicatorOptions options)
    : Communicator(transport, transport.signals(), transport.heap(),
                   {transport.rank(), 0, transport.heap().size()}, std::move(options)) {}

Communicator::~Communicator() {
  if (state_) state_->leave();
}

Communicator::Communicator(Communicator&& other) noexcept = default;

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Rank Communicator::rank() const noexcept { return state_->rank(); }
std::size_t Communicator::size() const noexcept { return state_->size(); }
const Device& Communicator::device() const noexcept { return state_->context().device(); }
const Config& Communicator::config() const noexcept { return state_->context().config(); }
const TransportCapabilities& Communicator::transport() const noexcept {
  return state_->context().transport().capabilities();
}

std::unique_ptr<detail::SymmetricAllocation> Communicator::allocate_bytes(std::size_t n,
                                                                          std::size_t element) {
  return state_->allocate_owned({n, element});
}

SymmetricResource* Communicator::memory_resource() const { return state_->memory_resource().get(); }

std::shared_ptr<SymmetricResource> Communicator::shared_memory_resource() const {
  return state_->memory_resource();
}

Communicator Communicator::duplicate() {
  return Communicator(
      state_->split(0, static_cast<int>(rank().value()), detail::CallPurpose::duplicate));
}

std::optional<Communicator> Communicator::split(int colour, int key) {
  auto state = state_->split(colour, key, detail::CallPurpose::split);
  if (!state) return std::nullopt;
  return Communicator(std::move(state));
}

void Communicator::barrier() { detail::run(*this, detail::CallArguments{}); }

void Communicator::close() { state_->close(config().timeout); }

detail::CommunicatorState& Communicator::state() const { return *state_; }

}  // namespace rlx
