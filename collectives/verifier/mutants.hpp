#pragma once
// Seeded faults: schedules with one thing wrong. Each enumerator calls `visit` once per mutant,
// with what was done and the schedules of all ranks.

#include <functional>
#include <string>
#include <vector>

#include "collectives/schedule.hpp"
#include "collectives/verifier/facts.hpp"

namespace rlx::collectives::verifier {

using Schedules = std::vector<Schedule>;
using Visit = std::function<void(const std::string& what, const Schedules& mutant)>;

/// Leaves out every single step in turn.
void delete_steps(const Schedules& schedules, const Visit& visit);
/// Does every single step twice in turn.
void double_steps(const Schedules& schedules, const Visit& visit);
/// Points every single step elsewhere in turn: each other peer and word of a put, signal or wait,
/// the part of a wait, and for each operand of a put, copy or reduce the next chunk of its space.
void retarget_steps(const Schedules& schedules, const Visit& visit);
/// Gives each word in use a second writer, whose signal is awaited too. Needs 3 ranks.
void share_words(const Schedules& schedules, const Visit& visit);
/// Lets the writer of each word in use, and of one word that is not, signal once more than awaited.
void add_unawaited(const Schedules& schedules, const Visit& visit);
/// Leaves out, with their signals, all puts that carry one chunk, as if that chunk were empty; for
/// a schedule without data all signals to one word.
void elide_empty(const Schedules& schedules, const std::vector<Payload>& payloads,
                 const Visit& visit);
/// Leaves out one ARRIVE and the wait for it, which leaves its puts without.
void drop_arrivals(const Schedules& schedules, const Visit& visit);
/// Leaves out one pure signal and the wait for it: the EXITs of a schedule that reads peers'
/// memory.
void drop_exits(const Schedules& schedules, const Visit& visit);

}  // namespace rlx::collectives::verifier
