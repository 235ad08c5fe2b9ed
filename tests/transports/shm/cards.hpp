#pragma once
// What ranks of this process would tell of themselves.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "transports/shm/hand_over.hpp"

namespace rlx::test {

template <std::size_t N>
void write_text(std::array<char, N>& to, const std::string& text) {
  to = {};
  std::copy_n(text.begin(), text.size(), to.begin());
}

inline std::vector<shm::Card> cards_of(std::size_t ranks) {
  shm::Card card;
  card.identity = detail::ProcessIdentity::mine();
  write_text(card.identity.host, "here");
  card.user = ::geteuid();
  std::vector<shm::Card> cards(ranks, card);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) cards[rank].rank = rank;
  return cards;
}

}  // namespace rlx::test
