#pragma once
// `--name value` pairs.

#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace programs {

class Arguments {
 public:
  /// Throws std::invalid_argument for a name that is not in `known` or has no value.
  Arguments(int argc, char** argv, const std::set<std::string>& known) {
    for (int i = 1; i < argc; i += 2) {
      const std::string name = argv[i];
      if (!known.contains(name) || i + 1 == argc)
        throw std::invalid_argument(complaint(name, known));
      values_[name] = argv[i + 1];
    }
  }

  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const {
    const std::string digits = text(name, std::to_string(otherwise));
    if (digits.empty() || digits.size() > 19 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      throw std::invalid_argument(name + " " + digits + " is not a number");
    return std::stoull(digits);
  }

 private:
  static std::string complaint(const std::string& name, const std::set<std::string>& known) {
    std::string words = name + " is not an option with a value; options:";
    for (const std::string& option : known) words += " " + option;
    return words;
  }

  std::map<std::string, std::string> values_;
};

}  // namespace programs
