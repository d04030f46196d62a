#include "strings/digest.h"

#include <fmt/format.h>

#include <array>

#include "idleheads_text.h"

namespace idleheads {

void Digest::Deleter::operator()(idleheads_digest* digest) const { idleheads_digest_free(digest); }

Digest::Digest(Kind kind) : digest_(idleheads_digest_new(kind == Kind::sha1)) {}

void Digest::add(std::string_view bytes) {
  idleheads_digest_add(digest_.get(), {bytes.data(), bytes.size()});
}

std::string Digest::hex() const {
  std::array<uint8_t, 32> value{};
  const size_t size = idleheads_digest_value(digest_.get(), value.data());
  std::string hex;
  for (size_t i = 0; i < size; ++i) hex += fmt::format("{:02x}", value[i]);
  return hex;
}

std::string sha256(std::string_view text) {
  Digest digest(Digest::Kind::sha256);
  digest.add(text);
  return digest.hex();
}

}  // namespace idleheads
