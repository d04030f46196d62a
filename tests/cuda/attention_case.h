// Attention of a small tree of runs by the device kernels, in emulation, and by a naive reference in double.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "cuda/attention.h"
#include "cuda/device.h"

namespace idleheads::cuda {

// Consecutive positions behind those of `parent`. Rows of a segment without queries are keys alone, as of a
// prompt that is done with; keys lie in the batch or in a cache of other strides.
struct Segment {
  int parent = -1;
  int count = 0;
  bool queries = true, cached = false;
  int first_row = 0;  // by Tree(): what its rows are, however the tree is cut
};

struct Tree {
  std::vector<Segment> segments;

  explicit Tree(std::vector<Segment> given);
  // The same rows in pieces of these lengths, over and over; with the other place for keys.
  Tree cut(const std::vector<int>& lengths) const;

  int rows() const;
  // From the root: the segments of a path, and what rows it has.
  std::vector<int> path(int segment) const;
  std::vector<int> path_rows(int segment) const;
};

struct Case {
  int heads = 2, kv_heads = 1, dim = 16;
  int window = 0;
  float cap = 0;
  bool sinks = false;
  bool columns = false, stats = true;
  float scale = 0;       // 0: 1 / sqrt(dim)
  float sink_shift = 0;  // added to sinks

  float scale_or_default() const;
};

enum class Kernel { simple_f32, simple_bf16, mma };

// One number among the inputs, for tests of NaN: element of a row's queries, keys and values side by side.
struct Fault {
  int row = -1, element = 0;
  float value = 0;
};

struct Options {
  uint64_t fibers = 0;  // their order
  bool eager_copies = false;
  uint64_t items = 0;  // their order; 0: as planned
  Fault fault;
};

// By what rows are, so that trees cut otherwise can be compared.
struct Outcome {
  std::map<int, std::vector<float>> z;         // [heads x dim]
  std::map<int, std::vector<HeadRow>> stats;   // [heads]
  std::map<int, std::vector<double>> columns;  // of a segment, by its first row: [heads, positions]
  int bad = 0;
};

// Queries, keys and values of a row, side by side; numbers that bf16 has.
std::vector<float> inputs(const Case& c, int row);

Outcome attend(const Tree& tree, const Case& c, Kernel kernel, const Options& options = {});
Outcome reference(const Tree& tree, const Case& c);

// Largest differences from the reference: z and norms relative to the norm, the rest absolute.
struct Differences {
  double z = 0, first_weight = 0, entropy = 0, output_norm = 0, projected_norm = 0, sink_weight = 0,
         columns = 0;
};
Differences differences(const Outcome& got, const Outcome& expected);

// How many have other bits. Columns of a segment are the sums of those of its pieces.
int rows_that_differ(const Outcome& a, const Outcome& b);
int columns_that_differ(const Tree& whole, const Outcome& of_whole, const Tree& cut, const Outcome& of_cut);

}  // namespace idleheads::cuda
