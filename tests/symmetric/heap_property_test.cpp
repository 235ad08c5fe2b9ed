// Random programs of allocations and releases over overlapping communicators: on every process what
// is allocated never overlaps, and the members of a communicator always agree, also on running out.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <atomic>
#include <cstring>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "rlx/error.hpp"
#include "tests/symmetric/heap_team.hpp"

namespace rlx {

namespace {

constexpr std::size_t kLimit = std::size_t{8} << 20;
constexpr std::size_t kProbe = 1024;  // one byte of so many is written and checked

struct Call {
  std::size_t communicator = 0;
  std::size_t bytes = 0;
  std::size_t alignment = 64;
  std::vector<std::size_t> kept_for;  // by process: calls of its own until it releases this one
};

struct Program {
  std::size_t processes = 2;
  std::vector<std::vector<std::size_t>> communicators;  // members; 0 is the world
  std::vector<Call> calls;
};

std::ostream& operator<<(std::ostream& out, const Program& program) {
  out << program.processes << " processes;";
  for (const auto& members : program.communicators) {
    out << " {";
    for (const std::size_t member : members) out << ' ' << member;
    out << " }";
  }
  for (const Call& call : program.calls) {
    out << "\n  communicator " << call.communicator << ": " << call.bytes << " bytes at "
        << call.alignment << ", kept for";
    for (const std::size_t calls : call.kept_for) out << ' ' << calls;
  }
  return out;
}

std::size_t between(std::size_t least, std::size_t most) {
  // At full size from the first program on: small programs run out of nothing.
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(least, most + 1));
}

Program random_program() {
  Program program;
  program.processes = between(2, 4);
  program.communicators.emplace_back();
  for (std::size_t i = 0; i < program.processes; ++i) program.communicators[0].push_back(i);
  for (std::size_t extra = between(1, 4); extra > 0; --extra) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < program.processes; ++i) {
      if (between(0, 2) > 0) members.push_back(i);
    }
    if (!members.empty()) program.communicators.push_back(members);
  }
  for (std::size_t count = between(1, 25); count > 0; --count) {
    Call call;
    call.communicator = between(0, program.communicators.size() - 1);
    const std::size_t shape = between(0, 9);
    call.bytes = shape < 8 ? between(0, 100'000) : between(1 << 20, 3 << 20);
    call.alignment = std::size_t{64} << (shape % 3 * 3);
    for (std::size_t i = 0; i < program.processes; ++i) call.kept_for.push_back(between(0, 12));
    program.calls.push_back(std::move(call));
  }
  return program;
}

// Runs a program; what it sees wrong is collected, since it is seen on many threads.
class Run {
 public:
  explicit Run(const Program& program) : program_(program), processes_(program.processes) {
    for (const auto& members : program.communicators) {
      barriers_.push_back(std::make_unique<test::MaxBarrier>(members.size()));
    }
    offsets_.assign(program.calls.size(),
                    std::vector<std::uint64_t>(program.processes, kNotCalled));
  }

  // One thread per process makes all its calls in the program's order.
  void in_order() {
    std::vector<std::jthread> threads;
    for (std::size_t process = 0; process < program_.processes; ++process) {
      threads.emplace_back([this, process] {
        for (std::size_t i = 0; i < program_.calls.size(); ++i) {
          if (is_member(process, program_.calls[i].communicator)) make(process, i);
        }
      });
    }
  }
  // One thread per process and communicator, so that agreements of all communicators overlap.
  void concurrently() {
    std::vector<std::jthread> threads;
    for (std::size_t process = 0; process < program_.processes; ++process) {
      for (std::size_t communicator = 0; communicator < program_.communicators.size();
           ++communicator) {
        if (!is_member(process, communicator)) continue;
        threads.emplace_back([this, process, communicator] {
          for (std::size_t i = 0; i < program_.calls.size(); ++i) {
            if (program_.calls[i].communicator == communicator) make(process, i);
          }
        });
      }
    }
  }

  [[nodiscard]] std::string complaints() const {
    std::string all = complaints_;
    for (std::size_t i = 0; i < offsets_.size(); ++i) {
      std::optional<std::uint64_t> agreed;
      for (const std::size_t member : program_.communicators[program_.calls[i].communicator]) {
        if (agreed && *agreed != offsets_[i][member]) {
          all += "call " + std::to_string(i) + " has no agreed offset\n";
        }
        agreed = offsets_[i][member];
      }
    }
    return all;
  }
  [[nodiscard]] bool ran_out() const { return ran_out_; }

 private:
  static constexpr std::uint64_t kNotCalled = ~std::uint64_t{0};
  static constexpr std::uint64_t kRanOut = kNotCalled - 1;

  struct Kept {
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
    std::size_t call = 0;
    std::size_t calls_left = 0;
  };
  struct Process {
    std::unique_ptr<SymmetricHeap> heap = test::plain_heap(kLimit);
    std::mutex mutex;
    std::map<std::uint64_t, std::uint64_t> live;  // offset to end
    std::vector<Kept> kept;
  };

  [[nodiscard]] bool is_member(std::size_t process, std::size_t communicator) const {
    const auto& members = program_.communicators[communicator];
    return std::find(members.begin(), members.end(), process) != members.end();
  }

  void make(std::size_t process, std::size_t index) {
    const Call& call = program_.calls[index];
    SymmetricHeap& heap = *processes_[process].heap;
    try {
      const std::uint64_t offset = heap.allocate(call.bytes, call.alignment, call.communicator,
                                                 barriers_[call.communicator]->function());
      offsets_[index][process] = offset;
      if (offset % call.alignment != 0) complain("a place that is not aligned");
      inspect_extent(heap, offset, call.bytes);
      keep(processes_[process], {offset, call.bytes, index, call.kept_for[process]});
    } catch (const CollectiveError& error) {
      offsets_[index][process] = kRanOut;
      ran_out_ = true;
      if (error.kind() != ErrorKind::OutOfMemory) complain(error.what());
    }
    release_due(processes_[process]);
  }

  void inspect_extent(const SymmetricHeap& heap, std::uint64_t offset, std::size_t bytes) {
    const HeapExtent extent = heap.extent_at(offset);
    if (offset + bytes > extent.offset + extent.length) complain("a place outside its extent");
    for (std::size_t i = 0; i < bytes; i += kProbe) {
      if (heap.at(offset)[i] != std::byte{0}) return complain("a place that is not zero");
    }
  }

  void keep(Process& process, const Kept& block) {
    const std::lock_guard lock(process.mutex);
    const std::uint64_t end = block.offset + std::max<std::size_t>(block.bytes, 1);
    const auto after = process.live.lower_bound(block.offset);
    if (after != process.live.end() && after->first < end) complain("an overlap");
    if (after != process.live.begin() && std::prev(after)->second > block.offset) {
      complain("an overlap");
    }
    process.live.emplace(block.offset, end);
    process.kept.push_back(block);
    for (std::size_t i = 0; i < block.bytes; i += kProbe) {
      process.heap->at(block.offset)[i] = mark(block.call);
    }
  }

  void release_due(Process& process) {
    const std::lock_guard lock(process.mutex);
    for (Kept& block : process.kept) {
      if (block.calls_left-- > 0) continue;
      for (std::size_t i = 0; i < block.bytes; i += kProbe) {
        if (process.heap->at(block.offset)[i] != mark(block.call)) {
          complain("bytes that somebody else wrote");
          break;
        }
      }
      process.live.erase(block.offset);
      process.heap->release(block.offset);
    }
    std::erase_if(process.kept, [](const Kept& block) { return block.calls_left > 100; });
  }

  static std::byte mark(std::size_t call) { return static_cast<std::byte>(call % 255 + 1); }

  void complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    complaints_ += what + "\n";
  }

  const Program& program_;
  std::vector<Process> processes_;
  std::vector<std::unique_ptr<test::MaxBarrier>> barriers_;
  std::vector<std::vector<std::uint64_t>> offsets_;  // [call][process]
  std::mutex mutex_;
  std::string complaints_;
  std::atomic<bool> ran_out_{false};
};

bool holds(const char* claim, void (Run::*how)()) {
  int ran_out = 0;
  const bool passed = rc::check(claim, [&] {
    const Program program = random_program();
    Run run(program);
    (run.*how)();
    ran_out += run.ran_out() ? 1 : 0;
    std::ostringstream text;
    text << program << "\n" << run.complaints();
    if (!run.complaints().empty()) RC_FAIL(text.str());
  });
  EXPECT_GT(ran_out, 0) << "no program ran out of memory: the property was not put to the test";
  return passed;
}

TEST(HeapProperty, offsets_agree_and_nothing_overlaps_whoever_called_before) {
  EXPECT_TRUE(holds("calls in one order on every process", &Run::in_order));
}

TEST(HeapProperty, offsets_agree_and_nothing_overlaps_while_agreements_overlap) {
  EXPECT_TRUE(holds("calls of all communicators at once", &Run::concurrently));
}

}  // namespace

}  // namespace rlx
