// Variables of the environment.
#pragma once

#include <string>

namespace idleheads {

// Empty if it is not set.
std::string environment(const std::string& name);

// Whether it is 1, on, yes or true in any case: how huggingface_hub's switches are set.
bool is_switched_on(const std::string& variable);

}  // namespace idleheads
