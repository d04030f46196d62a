// Which device computes.
#pragma once

namespace idleheads {

struct DeviceChoice {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int number = 0;

  bool is_cpu() const { return kind == Kind::cpu; }
};

}  // namespace idleheads
