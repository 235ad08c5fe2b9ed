#include "collectives/verifier/accesses.hpp"

#include <fmt/format.h>

#include "collectives/describe.hpp"

namespace rlx::collectives::verifier {

Value Accesses::read(Chunk& chunk, const Access& access) {
  if (chunk.value.kind == Value::Kind::undefined)
    add(Fault::undefined, access, "it reads what nobody has written");
  if (!sync_.over(chunk.write, sync_.clock(access.component)))
    conflict(access, "reads", chunk.write);
  chunk.reads.push_back(access);
  return chunk.value;
}

void Accesses::write(Chunk& chunk, const Value& value, const Access& access) {
  const Clock& clock = sync_.clock(access.component);
  if (!sync_.over(chunk.write, clock)) conflict(access, "overwrites", chunk.write);
  for (const Access& reader : chunk.reads)
    if (!sync_.over(reader, clock)) conflict(access, "overwrites what is in use by", reader);
  if (chunk.write.component != kNoComponent && chunk.reads.empty())
    add(Fault::dead_write, access,
        "it overwrites what nobody has read: " +
            describe(static_cast<std::uint32_t>(schedules_.size()), chunk.value));
  chunk.value = value;
  chunk.write = access;
  chunk.reads.clear();
}

void Accesses::check_arrival(const Access& access, std::uint32_t peer, std::uint16_t word) {
  if (word >= memory_.count(Space::line))
    return add(Fault::arrive, access,
               fmt::format("no word is named for the ARRIVE of rank {}", peer));
  Chunk& line = memory_.at(sync_.rank_of(access.component), {Space::line, word});
  const bool seen = line.value.kind == Value::Kind::arrival && line.value.chunk == peer &&
                    sync_.over(line.write, sync_.clock(access.component));
  if (!seen)
    return add(Fault::arrive, access,
               fmt::format("the ARRIVE of rank {} has not been awaited", peer));
  line.reads.push_back({access.component, access.step, kNoMessage});
  touches_.line_read(access.component, access.step, sync_.rank_of(access.component), word);
}

void Accesses::see_arrival(const Access& access, const Step& wait) {
  const std::uint32_t owner = wait.published ? wait.peer : sync_.rank_of(access.component);
  Chunk& line = memory_.at(owner, {Space::line, wait.word});
  if (line.value.kind != Value::Kind::arrival || line.value.chunk != wait.peer)
    return add(Fault::arrive, access,
               fmt::format("no ARRIVE of rank {} comes with that part", wait.peer));
  static_cast<void>(read(line, access));
  touches_.line_read(access.component, access.step, owner, wait.word);
  seen_[access.component][wait.peer] = true;
}

void Accesses::check_seen(const Access& access, std::uint32_t peer) {
  if (!seen_[access.component][peer])
    add(Fault::arrive, access, fmt::format("the ARRIVE of rank {} has not been awaited", peer));
}

void Accesses::add(Fault fault, const Access& access, const std::string& why) {
  findings_.add(fault, findings_.full() ? "" : where(access) + ": " + why);
}

std::string Accesses::where(const Access& access) const {
  const std::uint32_t rank = sync_.rank_of(access.component);
  return fmt::format("rank {}, {}", rank,
                     describe(schedules_[rank], *programs_[access.component][access.step]));
}

void Accesses::conflict(const Access& access, std::string_view verb, const Access& other) {
  if (findings_.full()) return findings_.add(Fault::race, "");
  add(Fault::race, access,
      fmt::format("it {} ({}), and no chain of waits shows that this is over", verb, where(other)));
}

}  // namespace rlx::collectives::verifier
