// Cosines and sines of RoPE on the device, for every position so far.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "cuda/memory.h"
#include "cuda/rows.h"
#include "engine/backend.h"

namespace idleheads::cuda {

class RopeTables {
 public:
  // Makes ready for a layer: `rope` is its number in ModelSpec::ropes, or -1.
  void choose(const ModelSpec& spec, int rope, std::span<const RowRun> runs, Stream stream);

  int half() const { return half_; }
  const RopeTable* tables() const { return tables_.data(); }
  const int32_t* table_of() const { return table_of_.size() > 0 ? table_of_.data() : nullptr; }

 private:
  struct Angles {
    int64_t positions = 0;
    DeviceBuffer<float> cosines, sines;
  };
  const Angles& angles_of(const RopeSpec& spec, int rope, int64_t rope_length, int64_t positions,
                          Stream stream);

  int half_ = 0;
  std::map<std::pair<int, int64_t>, Angles> angles_;  // by rope and rope_length
  DeviceBuffer<RopeTable> tables_;
  DeviceBuffer<int32_t> table_of_;  // [rows]; empty: the first table for all
};

}  // namespace idleheads::cuda
