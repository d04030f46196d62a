#include "cuda/rope_tables.h"

#include <algorithm>
#include <cmath>

namespace idleheads::cuda {

// The processor's numbers (engine/cpu/rotary.cc): an angle is rounded to float32 before its cosine is taken.
const RopeTables::Angles& RopeTables::angles_of(const RopeSpec& spec, int rope, int64_t rope_length,
                                                int64_t positions, Stream stream) {
  Angles& angles = angles_[{rope, rope_length}];
  if (angles.positions >= positions) return angles;
  const std::vector<float> frequencies = spec.frequencies_of(spec.kind_of(rope_length));
  angles.positions = std::max(positions, 2 * angles.positions);
  std::vector<float> cosines, sines;
  for (int64_t position = 0; position < angles.positions; ++position) {
    for (const float frequency : frequencies) {
      const auto angle = static_cast<double>(static_cast<float>(position) * frequency);
      cosines.push_back(static_cast<float>(std::cos(angle)) * spec.magnitude);
      sines.push_back(static_cast<float>(std::sin(angle)) * spec.magnitude);
    }
  }
  upload(cosines, angles.cosines, stream);
  upload(sines, angles.sines, stream);
  return angles;
}

void RopeTables::choose(const ModelSpec& spec, int rope, std::span<const RowRun> runs, Stream stream) {
  half_ = 0;
  if (rope < 0) return;
  const RopeSpec& of_layer = spec.ropes[static_cast<size_t>(rope)];
  half_ = of_layer.rotated() / 2;
  int64_t rows = 0, positions = 0;
  std::vector<int64_t> lengths;
  for (const RowRun& run : runs) {
    rows = std::max(rows, run.first_row + run.count);
    positions = std::max(positions, run.begin + run.count);
    lengths.push_back(run.rope_length);
  }
  std::ranges::sort(lengths);
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  std::erase_if(angles_, [&](const auto& entry) {
    return entry.first.second != 0 && !std::ranges::binary_search(lengths, entry.first.second);
  });
  std::vector<RopeTable> tables;
  for (const int64_t length : lengths) {
    const Angles& angles = angles_of(of_layer, rope, length, positions, stream);
    tables.push_back({angles.cosines.data(), angles.sines.data()});
  }
  upload(tables, tables_, stream);
  std::vector<int32_t> table_of;
  if (lengths.size() > 1) table_of.resize(static_cast<size_t>(rows));
  for (const RowRun& run : runs) {
    if (table_of.empty()) break;
    const auto place = std::ranges::lower_bound(lengths, run.rope_length) - lengths.begin();
    std::fill_n(table_of.begin() + run.first_row, run.count, static_cast<int32_t>(place));
  }
  upload(table_of, table_of_, stream);
}

}  // namespace idleheads::cuda
