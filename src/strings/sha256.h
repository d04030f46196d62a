// SHA-256, for files whose format has it; by the Rust crate sha2.
#pragma once

#include <string>
#include <string_view>

namespace idleheads {

// 64 hexadecimal digits.
std::string sha256(std::string_view text);

}  // namespace idleheads
