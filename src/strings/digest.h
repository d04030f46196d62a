// SHA-256 and SHA-1, for formats and protocols that have them; by the Rust crates sha2 and sha1.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct idleheads_digest;

namespace idleheads {

// Of bytes that come piece by piece.
class Digest {
 public:
  enum class Kind { sha1, sha256 };

  explicit Digest(Kind kind);
  void add(std::string_view bytes);
  // Of all bytes so far: 40 hexadecimal digits of SHA-1, 64 of SHA-256.
  std::string hex() const;

 private:
  struct Deleter {
    void operator()(idleheads_digest* digest) const;
  };
  std::unique_ptr<idleheads_digest, Deleter> digest_;
};

// 64 hexadecimal digits.
std::string sha256(std::string_view text);

}  // namespace idleheads
