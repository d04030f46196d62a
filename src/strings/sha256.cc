#include "strings/sha256.h"

#include <fmt/format.h>

#include <array>

#include "idleheads_text.h"

namespace idleheads {

std::string sha256(std::string_view text) {
  std::array<uint8_t, 32> digest{};
  idleheads_sha256({text.data(), text.size()}, digest.data());
  std::string hex;
  for (const uint8_t byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace idleheads
