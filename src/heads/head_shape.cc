#include "idleheads/heads/head_shape.h"

#include <fmt/format.h>

#include <stdexcept>

namespace idleheads {

HeadShape::HeadShape(int layers, int heads, std::span<const HeadId> absent) : layers_(layers), heads_(heads) {
  if (absent.empty()) return;
  std::vector<uint8_t> places(static_cast<size_t>(layers) * static_cast<size_t>(heads));
  for (const HeadId id : absent) {
    if (id.layer < 0 || id.layer >= layers || id.head < 0 || id.head >= heads)
      throw std::invalid_argument("an absent head outside of the grid");
    places[place(id)] = 1;
  }
  absent_ = std::make_shared<const std::vector<uint8_t>>(std::move(places));
}

std::vector<HeadId> HeadShape::present() const {
  std::vector<HeadId> heads;
  for (int l = 0; l < layers_; ++l) {
    for (int h = 0; h < heads_; ++h) {
      if (has({l, h})) heads.push_back({l, h});
    }
  }
  return heads;
}

std::vector<HeadId> HeadShape::absent() const {
  std::vector<HeadId> heads;
  for (int l = 0; l < layers_ && !is_whole(); ++l) {
    for (int h = 0; h < heads_; ++h) {
      if (!has({l, h})) heads.push_back({l, h});
    }
  }
  return heads;
}

int64_t HeadShape::count(int layer) const {
  int64_t count = 0;
  for (int h = 0; h < heads_; ++h) count += has({layer, h}) ? 1 : 0;
  return count;
}

int64_t HeadShape::count() const {
  int64_t count = 0;
  for (int l = 0; l < layers_; ++l) count += this->count(l);
  return count;
}

bool HeadShape::operator==(const HeadShape& other) const {
  if (layers_ != other.layers_ || heads_ != other.heads_) return false;
  if (absent_ == other.absent_) return true;
  return absent_ && other.absent_ && *absent_ == *other.absent_;
}

std::string HeadShape::fault_of(HeadId id) const {
  if (id.layer < 0 || id.layer >= layers_ || id.head < 0 || id.head >= heads_) {
    return fmt::format("head {} does not exist: the model has layers 0 to {} and heads 0 to {}",
                       to_string(id), layers_ - 1, heads_ - 1);
  }
  if (has(id)) return "";
  return fmt::format("head {} does not exist: it was cut from this model, which has {} of {} heads",
                     to_string(id), count(), int64_t{layers_} * heads_);
}

}  // namespace idleheads
