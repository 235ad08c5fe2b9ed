#include "tools/bench/put_link.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "rlx/error.hpp"
#include "tools/bench/exchange.hpp"
#include "transports/faulty/faulty_transport.hpp"
#include "transports/transports.hpp"

namespace rlx::bench {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kSpins = 1000;
constexpr std::uint64_t kPollsPerCheck = 1024;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

TransportSetup setup_of(Communicator& comm) {
  TransportSetup setup;
  setup.rank = comm.rank();
  setup.size = comm.size();
  setup.config = &comm.config();
  setup.exchange = [&comm](std::span<const std::byte> mine) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(mine.data());
    const std::vector<std::uint8_t> all =
        gather(comm, std::vector<std::uint8_t>(bytes, bytes + mine.size()));
    std::vector<std::byte> result(all.size());
    std::memcpy(result.data(), all.data(), all.size());
    return result;
  };
  return setup;
}

[[noreturn]] void throw_failure(const SymmetricTransport& transport, const char* what) {
  const auto failure = transport.failure();
  throw CollectiveError(failure ? failure->kind : ErrorKind::Transport, "put",
                        failure ? failure->message : what, {transport.rank()});
}

}  // namespace

/// Zeroed pages.
class Link::Pages {
 public:
  explicit Pages(std::size_t least) {
    const std::size_t bytes = whole_pages(least);
    void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
      throw CollectiveError(ErrorKind::OutOfMemory, "put",
                            fmt::format("no {} bytes for what is put; use a smaller -e", bytes));
    memory_ = {static_cast<std::byte*>(pages), bytes};
  }
  ~Pages() { munmap(memory_.data(), memory_.size()); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }

 private:
  std::span<std::byte> memory_;
};

Link::Link(Communicator& comm, LineUp& line_up, const Options& options, std::size_t bytes)
    : line_up_(line_up),
      half_(whole_pages(std::max<std::size_t>(bytes, 1))),
      bytes_(bytes),
      crowded_(comm.size() > static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN))),
      timeout_(comm.config().stall_timeout),
      memory_(std::make_shared<Pages>(2 * half_)),
      transport_(make_transport(comm.config().transport, setup_of(comm))) {
  if (options.faulty) transport_ = make_faulty(std::move(transport_), *options.faulty);
  parts_.resize(1 + lanes());
  const auto groups = static_cast<std::uint32_t>((parts_.size() - 1) / kLinesPerGroup + 1);
  signals_memory_ = std::make_shared<Pages>(SignalRegion::bytes(groups * kLinesPerGroup));
  transport_->keep(signals_memory_);
  transport_->keep(memory_);
  join(comm);
}

Link::~Link() = default;

void Link::join(Communicator& comm) {
  struct Mine {
    Window signals;
    Window memory;
    std::uint64_t attached = 0;
  };
  const auto signals = transport_->attach(signals_memory_->memory(), WindowRole::signals);
  const auto memory = transport_->attach(memory_->memory(), WindowRole::user);
  const bool attached = signals && memory;
  Mine mine;
  if (attached) mine = {*signals, *memory, 1};
  const std::vector<Mine> all = gather(comm, mine);
  if (!attached) throw_failure(*transport_, "the transport refused memory");
  for (std::uint32_t r = 0; r < all.size(); ++r) {
    if (all[r].attached == 0)
      throw CollectiveError(ErrorKind::PeerFailed, "put",
                            fmt::format("rank {} could not register its memory", r), {Rank(r)});
    if (!transport_->admit(Rank(r), all[r].signals.number, all[r].signals.key) ||
        !transport_->admit(Rank(r), all[r].memory.number, all[r].memory.key))
      throw_failure(*transport_, "a peer's memory can not be reached");
    windows_.push_back(all[r].memory.number);
  }
  window_ = windows_[comm.rank().index()];
  const std::span<std::byte> region = signals_memory_->memory();
  signals_ = SignalRegion(region.data(), SignalRegion::lines_of(region.size()));
}

const TransportCapabilities& Link::capabilities() const noexcept {
  return transport_->capabilities();
}

std::span<std::byte> Link::outgoing() const noexcept { return memory_->memory().first(bytes_); }

std::span<std::byte> Link::incoming() const noexcept {
  return memory_->memory().subspan(half_, bytes_);
}

void Link::open() {
  ++epoch_;
  std::ranges::fill(parts_, 0U);
  for (std::uint32_t group = 0; group < signals_.lines() / kLinesPerGroup; ++group)
    signals_.expected(group).store(SignalValue::make(epoch_, 0, 0), std::memory_order_release);
}

void Link::put(Lane lane, Rank to, std::size_t offset, std::size_t bytes) {
  transport_->checked_put(lane, {to, windows_[to.index()], half_ + offset},
                          {outgoing().data() + offset, bytes, window_}, completion_);
}

void Link::put_signal(Rank to, std::size_t offset, std::size_t bytes, LinkWord word) {
  const std::uint64_t value = SignalValue::make(epoch_, ++parts_[word.index], 0);
  transport_->checked_put_signal(word.lane, {to, windows_[to.index()], half_ + offset},
                                 {outgoing().data() + offset, bytes, window_},
                                 {to, word.index, value}, completion_);
}

void Link::await(LinkWord word, std::uint32_t part, Rank partner) {
  const std::uint64_t wanted = SignalValue::make(epoch_, part, 0);
  const std::atomic<std::uint64_t>& mine = signals_.word(word.index);
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t polls = 1; !SignalValue::reached(mine.load(std::memory_order_acquire), wanted);
       ++polls) {
    wait_a_little(polls);
    if (polls % kPollsPerCheck != 0) continue;
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - begin;
    if (waited.count() > timeout_) time_out(word, part, partner);
  }
}

void Link::time_out(LinkWord word, std::uint32_t part, Rank partner) const {
  throw CollectiveError(
      ErrorKind::Timeout, "put",
      fmt::format("rank {} has not sent {} {} within {} s (RLX_STALL_TIMEOUT)", partner.value(),
                  word.index > 0 ? "message" : "acknowledgement", part, timeout_),
      {partner});
}

void Link::wait_for_room(std::uint64_t most) {
  for (std::uint64_t polls = 1; completion_.issued.load(std::memory_order_relaxed) -
                                    completion_.local.load(std::memory_order_acquire) >=
                                most;
       ++polls)
    wait_a_little(polls);
}

void Link::quiet() { transport_->quiet(completion_); }

void Link::poll() noexcept { transport_->progress(); }

// A poll; and what has to be looked at now and then.
void Link::wait_a_little(std::uint64_t polls) {
  const bool moved = transport_->progress();
  if (!moved && (crowded_ || polls > kSpins)) sched_yield();
  if (polls % kPollsPerCheck != 0) return;
  if (transport_->has_failed()) throw_failure(*transport_, "the transport failed");
  line_up_.check_peers();
}

}  // namespace rlx::bench
