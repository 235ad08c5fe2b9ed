#pragma once
// A command line that can not be run. Found before any rank is launched; exit code 1.

#include <stdexcept>

namespace rlx::bench {

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace rlx::bench
