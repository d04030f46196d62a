#include "base/environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/words.h"

namespace idleheads {

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

bool is_switched_on(const std::string& variable) {
  constexpr std::array kOn = {"1", "on", "yes", "true"};
  return std::ranges::find(kOn, lower_case(environment(variable))) != kOn.end();
}

}  // namespace idleheads
