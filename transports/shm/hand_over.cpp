#include "transports/shm/hand_over.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/base/unix_socket.hpp"
#include "rlx/error.hpp"

namespace rlx::shm {

using detail::accept_from, detail::connect_to, detail::listen_at, detail::receive_packet;
using detail::Descriptor, detail::send_packet, detail::user_of;

namespace {

constexpr int kPauseMs = 2;

bool lacks_descriptors(int error) { return error == EMFILE || error == ENFILE; }

bool passes_by_itself(int error) {
  return error == EAGAIN || error == ETOOMANYREFS || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

HandOver::HandOver(std::span<const Card> cards, Rank me, Descriptor listener, int file)
    : cards_(cards),
      me_(me),
      listener_(std::move(listener)),
      file_(file),
      mates_(cards.size()),
      sent_(cards.size()),
      verdicts_(cards.size()) {}

std::vector<Verdict> HandOver::reach() {
  for (std::size_t rank = 0; is_lower(rank); ++rank) connect(rank);
  return verdicts_;
}

std::vector<Verdict> HandOver::exchange(Clock::time_point deadline) {
  while (!all_finished()) {
    step();
    if (all_finished()) break;
    if (Clock::now() >= deadline) {
      for (std::size_t rank = 0; rank < cards_.size(); ++rank)
        if (!finished(rank)) give_up(rank, Trouble::silent, 0);
      break;
    }
    pause();
  }
  strangers_.clear();
  listener_.reset();  // who still waits there is told so
  return verdicts_;
}

bool HandOver::finished(std::size_t rank) const noexcept {
  if (rank == me_.index() || verdicts_[rank].trouble != Trouble::none) return true;
  return sent_[rank] && mates_[rank].file.valid();
}

bool HandOver::all_finished() const noexcept {
  for (std::size_t rank = 0; rank < cards_.size(); ++rank)
    if (!finished(rank)) return false;
  return true;
}

void HandOver::step() {
  accept_strangers();
  std::erase_if(strangers_, [this](Descriptor& stranger) { return identify(stranger); });
  for (std::size_t rank = 0; rank < cards_.size(); ++rank) {
    if (!finished(rank) && is_lower(rank) && !mates_[rank].socket.valid()) connect(rank);
    if (!finished(rank) && mates_[rank].socket.valid() && !sent_[rank]) send(rank);
    if (!finished(rank) && is_lower(rank) && sent_[rank]) receive(rank);
  }
}

void HandOver::accept_strangers() {
  for (;;) {
    Descriptor stranger = accept_from(listener_);
    const int error = errno;
    if (stranger.valid()) {
      strangers_.push_back(std::move(stranger));
      continue;
    }
    for (std::size_t rank = 0; lacks_descriptors(error) && rank < cards_.size(); ++rank)
      if (!finished(rank)) give_up(rank, Trouble::no_descriptors, error);
    return;
  }
}

/// False while it has said nothing. Who says something else than a rank of this job is let go.
bool HandOver::identify(Descriptor& stranger) {
  Packet packet;
  Descriptor file;
  const int error = receive_packet(stranger, std::as_writable_bytes(std::span(&packet, 1)), file);
  if (error == EAGAIN) return false;
  const std::size_t rank = packet.rank;
  const bool known = (error == 0 || lacks_descriptors(error)) && rank < cards_.size() &&
                     rank > me_.index() && packet.to == cards_[me_.index()].token &&
                     packet.from == cards_[rank].token && !mates_[rank].socket.valid() &&
                     !finished(rank);
  if (!known) return true;
  mates_[rank].socket = std::move(stranger);
  if (error != 0) {
    give_up(rank, Trouble::no_descriptors, error);
  } else {
    keep(rank, std::move(file));
  }
  return true;
}

void HandOver::connect(std::size_t rank) {
  const int error = connect_to(cards_[rank].name.data(), mates_[rank].socket);
  if (error == 0 || error == EAGAIN) return;
  give_up(rank, lacks_descriptors(error) ? Trouble::no_descriptors : Trouble::unreachable, error);
}

void HandOver::send(std::size_t rank) {
  const Packet packet{cards_[rank].token, cards_[me_.index()].token, me_.value()};
  const int error = send_packet(mates_[rank].socket, std::as_bytes(std::span(&packet, 1)), file_);
  if (passes_by_itself(error)) return;
  if (error != 0) return give_up(rank, Trouble::closed, error);
  sent_[rank] = true;
}

void HandOver::receive(std::size_t rank) {
  Packet packet;
  Descriptor file;
  const int error =
      receive_packet(mates_[rank].socket, std::as_writable_bytes(std::span(&packet, 1)), file);
  if (error == EAGAIN) return;
  if (lacks_descriptors(error)) return give_up(rank, Trouble::no_descriptors, error);
  const bool right = error == 0 && packet.rank == rank && packet.from == cards_[rank].token;
  if (!right) return give_up(rank, Trouble::closed, error);
  keep(rank, std::move(file));
}

void HandOver::keep(std::size_t rank, Descriptor file) {
  Mate& mate = mates_[rank];
  if (user_of(mate.socket) != cards_[me_.index()].user)
    return give_up(rank, Trouble::other_user, 0);
  try {
    mate.control = FileMapping(file.get(), 0, sizeof(ControlPage));
  } catch (const CollectiveError&) {
    return give_up(rank, Trouble::unmapped, errno);
  }
  const auto* page = reinterpret_cast<const ControlPage*>(mate.control.memory().data());
  if (page->token != cards_[rank].token) return give_up(rank, Trouble::unmapped, EPROTO);
  mate.file = std::move(file);
}

void HandOver::give_up(std::size_t rank, Trouble trouble, int error) {
  verdicts_[rank] = {trouble, error};
  mates_[rank] = {};
}

void HandOver::pause() const {
  std::vector<pollfd> waiting{{listener_.get(), POLLIN, 0}};
  for (const Descriptor& stranger : strangers_) waiting.push_back({stranger.get(), POLLIN, 0});
  for (std::size_t rank = 0; rank < cards_.size(); ++rank)
    if (!finished(rank) && is_lower(rank) && sent_[rank])
      waiting.push_back({mates_[rank].socket.get(), POLLIN, 0});
  ::poll(waiting.data(), waiting.size(), kPauseMs);
}

}  // namespace rlx::shm
