#include "tests/programs/kill_plan.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <new>
#include <set>
#include <stdexcept>

namespace programs {
namespace {

constexpr double kAtOnceMs = 5000;  // generous: a loaded machine with more ranks than cores
constexpr std::uint64_t kCallsBefore = 150;
constexpr std::uint64_t kLatestMicroseconds = 3000;

std::int64_t now() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

std::string KillPlan::text() const {
  switch (misdeed) {
    case Misdeed::sigkill:
      return "SIGKILL";
    case Misdeed::thrown:
      return "throw";
    case Misdeed::absent:
      return "absent";
    default:
      return "mismatch:" + field;
  }
}

bool KillPlan::accepts(rlx::ErrorKind kind) const {
  using rlx::ErrorKind;
  if (misdeed == Misdeed::mismatch) return kind == ErrorKind::Mismatch;
  if (misdeed == Misdeed::absent)
    return kind == ErrorKind::Timeout || kind == ErrorKind::PeerFailed;
  return kind == ErrorKind::PeerFailed;
}

double KillPlan::limit_ms(const rlx::Config& config) const {
  if (misdeed != Misdeed::absent) return kAtOnceMs;
  return 1000 * std::max(config.timeout, config.stall_timeout) + kAtOnceMs;
}

KillPlan parse_kill(std::uint64_t seed, const std::string& how) {
  const std::set<std::string> fields = {"collective", "dtype", "op", "count", "in_place", "memory"};
  KillPlan plan;
  plan.seed = seed;
  Random random(seed);
  plan.call = random.below(kCallsBefore);
  plan.delay_us = random.below(kLatestMicroseconds);
  plan.victim_draw = random.next();
  if (how == "SIGKILL")
    plan.misdeed = Misdeed::sigkill;
  else if (how == "throw")
    plan.misdeed = Misdeed::thrown;
  else if (how == "absent")
    plan.misdeed = Misdeed::absent;
  else if (how.starts_with("mismatch:"))
    plan.misdeed = Misdeed::mismatch;
  else
    throw std::invalid_argument("--kill " + how + ": use SIGKILL, throw, absent, mismatch:FIELD");
  if (plan.misdeed != Misdeed::mismatch) return plan;
  plan.field = how.substr(how.find(':') + 1);
  if (!fields.contains(plan.field))
    throw std::invalid_argument("--kill " + how +
                                ": FIELD is collective, dtype, op, count, in_place or memory");
  return plan;
}

CallSpec comparable(const KillPlan& plan, CallSpec spec) {
  spec.symmetric = plan.field == "memory";  // else allocating would already tell them apart
  spec.collective = Collective::all_reduce;
  spec.count = spec.count + 8;
  return spec;
}

CallSpec different(const KillPlan& plan, CallSpec spec) {
  if (plan.field == "collective") spec.collective = Collective::all_gather;
  if (plan.field == "dtype")  // an integer supports every kind
    spec.dtype = spec.dtype == rlx::DType::u32 ? rlx::DType::i32 : rlx::DType::u32;
  if (plan.field == "op")
    spec.kind = spec.kind == rlx::ReduceKind::Max ? rlx::ReduceKind::Min : rlx::ReduceKind::Max;
  if (plan.field == "count") spec.count -= 1;
  if (plan.field == "in_place") spec.in_place = !spec.in_place;
  return spec;
}

void SharedMoment::stamp() { nanoseconds.store(now()); }

double SharedMoment::elapsed_ms() const {
  const std::int64_t then = nanoseconds.load();
  return then == 0 ? -1 : static_cast<double>(now() - then) / 1e6;
}

SharedMoment* map_shared_moment(const std::string& name) {
  const bool anonymous = name.empty();
  const int fd = anonymous ? -1 : open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (!anonymous && (fd < 0 || ftruncate(fd, sizeof(SharedMoment)) != 0))
    throw std::runtime_error("can not make " + name);
  void* memory = mmap(nullptr, sizeof(SharedMoment), PROT_READ | PROT_WRITE,
                      MAP_SHARED | (anonymous ? MAP_ANONYMOUS : 0), fd, 0);
  if (fd >= 0) close(fd);
  if (memory == MAP_FAILED) throw std::runtime_error("can not map shared memory");
  return static_cast<SharedMoment*>(memory);  // zero bytes are a moment that has not come
}

void unlink_shared_moment(const std::string& name) { unlink(name.c_str()); }

}  // namespace programs
