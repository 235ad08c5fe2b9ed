#include "lib/communicator/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace rlx::detail {
namespace {

using Clock = std::chrono::steady_clock;

template <std::size_t n>
void copy_text(char (&to)[n], const std::string& from) {
  const std::size_t length = std::min(from.size(), n - 1);
  std::memcpy(to, from.data(), length);
  to[length] = 0;
}

HealthDetail detail_of(const ErrorDetails& cause) {
  HealthDetail detail;
  detail.sequence = cause.sequence;
  detail.rank_count =
      static_cast<std::uint32_t>(std::min(cause.ranks.size(), std::size(detail.ranks)));
  for (std::uint32_t i = 0; i < detail.rank_count; ++i) detail.ranks[i] = cause.ranks[i].value();
  copy_text(detail.operation, cause.operation);
  copy_text(detail.step, cause.step);
  copy_text(detail.message, cause.message);
  return detail;
}

}  // namespace

void Health::put_word(Rank to, std::uint64_t word) noexcept {
  std::byte* source = signals_.payload(kSourceLine);
  std::memcpy(source, &word, sizeof word);
  const auto deadline = Clock::now() + std::chrono::milliseconds(20);
  while (transport_.put(0, {to, kSignalWindow, kHealthLine * kLineBytes},
                        {source, sizeof word, kSignalWindow}, puts_) == Issue::busy) {
    transport_.progress();
    if (Clock::now() > deadline) return;  // the others pass it on
  }
}

void Health::forward(std::uint64_t word) noexcept {
  if (told_) return;
  told_ = true;
  std::uint64_t well = 0;
  signals_.word(kHealthLine).compare_exchange_strong(well, word, std::memory_order_acq_rel);
  const std::uint64_t me = transport_.rank().value();
  const std::uint64_t size = transport_.size();
  const std::uint32_t origin = HealthWord::decode(word).origin;
  for (std::uint64_t step = 1; step < size; step *= 2) {
    for (const std::uint64_t peer : {(me + step) % size, (me + size - step) % size})
      if (peer != origin && peer != me) put_word(Rank(static_cast<std::uint32_t>(peer)), word);
  }
  flush();
}

void Health::announce(const ErrorDetails& cause) noexcept {
  publish(signals_.line(kDetailLine), detail_of(cause));
  const Rank subject = cause.ranks.empty() ? transport_.rank() : cause.ranks.front();
  forward(HealthWord{cause.kind, transport_.rank().value(), subject.value()}.encode());
}

void Health::flush() noexcept {
  const auto deadline = Clock::now() + std::chrono::milliseconds(50);
  while (!puts_.drained() && Clock::now() < deadline) transport_.progress();
}

bool Health::fetch(RemoteRef from, std::uint32_t lines, double seconds) noexcept {
  Completion& completion = fetches_.emplace_back();
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  std::uint32_t issued = 0;
  while (Clock::now() < deadline && !transport_.peer_failed(from.rank)) {
    if (issued < lines) {
      const LocalRef to{signals_.line(kFetchLine + issued), kLineBytes, kSignalWindow};
      const RemoteRef line{from.rank, from.window, from.offset + issued * kLineBytes};
      const Issue issue = transport_.get(0, to, line, completion);
      if (issue == Issue::failed) return false;
      issued += issue == Issue::done;
    } else if (completion.drained()) {
      return true;
    }
    transport_.progress();
  }
  return false;
}

ErrorDetails Health::explain(std::uint64_t word) noexcept {
  const HealthWord health = HealthWord::decode(word);
  ErrorDetails details;
  details.kind = health.kind;
  const Rank origin(health.origin);
  if (!fetch({origin, kSignalWindow, kDetailLine * kLineBytes}, kDetailLines, 0.2)) {
    details.ranks = {Rank(health.subject)};
    // Of two calls that differ nobody knows which is the odd one: both are named.
    if (health.kind == ErrorKind::Mismatch && health.subject != health.origin)
      details.ranks.push_back(origin);
    details.message = fmt::format("rank {} reported {} of rank {} and could not be asked for more",
                                  health.origin, to_string(health.kind), health.subject);
    return details;
  }
  HealthDetail detail;
  std::memcpy(&detail, fetched(), sizeof detail);
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(detail.rank_count, 7); ++i)
    details.ranks.emplace_back(detail.ranks[i]);
  details.sequence = detail.sequence;
  details.operation = detail.operation;
  details.step = detail.step;
  details.message = fmt::format("rank {} reported: {}", health.origin, detail.message);
  return details;
}

}  // namespace rlx::detail
