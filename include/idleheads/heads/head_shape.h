// Which heads a model has. Their names are places in a grid [layers, heads]; of a model from which heads were
// cut, the others keep their names, and the places of those that are gone are absent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "idleheads/heads/head_id.h"

namespace idleheads {

class HeadShape {
 public:
  HeadShape() = default;
  // Every place of the grid has its head, but for the `absent` ones, which must be in the grid.
  HeadShape(int layers, int heads, std::span<const HeadId> absent = {});

  int layers() const { return layers_; }
  int heads() const { return heads_; }  // of the grid, a layer
  bool has(HeadId id) const { return !absent_ || (*absent_)[place(id)] == 0; }
  bool is_whole() const { return absent_ == nullptr; }
  int64_t count() const;           // heads that are there
  int64_t count(int layer) const;  // of a layer
  std::vector<HeadId> present() const;
  std::vector<HeadId> absent() const;
  // "head L5H3 does not exist: ..."; empty if it is there.
  std::string fault_of(HeadId id) const;

  bool operator==(const HeadShape& other) const;

 private:
  size_t place(HeadId id) const {
    return static_cast<size_t>(id.layer) * static_cast<size_t>(heads_) + static_cast<size_t>(id.head);
  }

  int layers_ = 0;
  int heads_ = 0;
  std::shared_ptr<const std::vector<uint8_t>> absent_;  // [layers, heads]; none: nothing is absent
};

}  // namespace idleheads
