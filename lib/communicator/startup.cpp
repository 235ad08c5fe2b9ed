#include "lib/communicator/startup.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <chrono>

#include "rlx/error.hpp"

namespace rlx::detail {
namespace {

double now_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::micro>(now).count();
}

}  // namespace

std::size_t heap_in_use() noexcept {
#ifdef __GLIBC__
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

void PhasedBootstrap::enter(std::string_view name) {
  leave();
  phases_.push_back({.name = name});
  heap_ = heap_in_use();
  began_us_ = now_us();
}

std::vector<StartupPhase> PhasedBootstrap::finish() {
  leave();
  return std::move(phases_);
}

void PhasedBootstrap::leave() {
  if (phases_.empty()) return;
  StartupPhase& phase = phases_.back();
  phase.us = now_us() - began_us_;
  phase.heap = static_cast<std::ptrdiff_t>(heap_in_use()) - static_cast<std::ptrdiff_t>(heap_);
}

template <class F>
void PhasedBootstrap::in_phase(F f) {
  try {
    f();
  } catch (const CollectiveError& error) {
    if (phases_.empty()) throw;
    ErrorDetails details = error.details();
    details.message =
        fmt::format("in phase \"{}\" of the start: {}", phases_.back().name, details.message);
    throw CollectiveError(std::move(details));
  }
}

void PhasedBootstrap::all_gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  in_phase([&] { inner_.all_gather(mine, all); });
  if (phases_.empty()) return;
  ++phases_.back().exchanges;
  phases_.back().bytes += all.size();
}

Gathered PhasedBootstrap::gather_shared(std::span<const std::byte> mine) {
  Gathered all;
  in_phase([&] { all = inner_.gather_shared(mine); });
  if (phases_.empty()) return all;
  ++phases_.back().exchanges;
  phases_.back().bytes += all.bytes().size();
  if (all.shared()) phases_.back().shared += all.bytes().size();
  return all;
}

void PhasedBootstrap::broadcast(std::span<std::byte> data) {
  in_phase([&] { inner_.broadcast(data); });
  if (phases_.empty()) return;
  ++phases_.back().exchanges;
  phases_.back().bytes += data.size();
}

void PhasedBootstrap::barrier() {
  in_phase([&] { inner_.barrier(); });
}

}  // namespace rlx::detail
