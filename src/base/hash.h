// Fingerprints of files and settings (XXH3, 128 bits): not cryptographic; they tell that two things differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace idleheads {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  std::string hex() const;  // 32 hexadecimal digits of everything added so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3, 64 bits.
uint64_t hash64(std::string_view text);

}  // namespace idleheads
