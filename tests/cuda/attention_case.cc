#include "cuda/attention_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace idleheads::cuda {
namespace {

// In [-1, 1), by a hash of the key.
float number(uint64_t key) {
  key = (key + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9;
  key ^= key >> 27;
  key *= 0x94d049bb133111eb;
  key ^= key >> 31;
  return static_cast<float>(static_cast<int64_t>(key >> 40) - (1 << 23)) / (1 << 23);
}

float as_bf16(float x) { return to_float(to_bf16(x)); }

int width_of(const Case& c) { return (c.heads + 2 * c.kv_heads) * c.dim; }

// Lower triangular, [heads, dim, dim]; numbers that bf16 has.
std::vector<float> factors(const Case& c) {
  std::vector<float> l;
  for (int i = 0; i < c.heads * c.dim; ++i) {
    for (int j = 0; j < c.dim; ++j) {
      const auto key = static_cast<uint64_t>(7000000 + i * c.dim + j);
      l.push_back(j <= i % c.dim ? as_bf16(number(key)) : 0.0f);
    }
  }
  return l;
}

std::vector<float> sinks(const Case& c) {
  std::vector<float> values;
  for (int h = 0; h < c.heads; ++h)
    values.push_back(3 + c.sink_shift + 4 * number(static_cast<uint64_t>(900 + h)));
  return values;
}

// Rows of Element at some distance from one another; what nobody has written is NaN.
template <typename Element>
struct Buffer {
  int64_t stride;
  std::vector<Element> elements;

  Buffer(int64_t rows, int64_t width)
      : stride(width),
        elements(static_cast<size_t>(rows * width),
                 from_float<Element>(std::numeric_limits<float>::quiet_NaN())) {}
  Element* row(int64_t i) { return elements.data() + i * stride; }
  void put(int64_t i, int64_t column, const float* from, int count) {
    for (int k = 0; k < count; ++k) row(i)[column + k] = from_float<Element>(from[k]);
  }
};

// A tree's rows in memory: a batch of the rows that have queries, and a cache with other strides.
template <typename Element>
struct Memory {
  static constexpr int kBeside = 8;  // elements that belong to nobody
  Buffer<Element> batch, cache;
  std::vector<int64_t> first_row, first_cached;  // by segment

  Memory(const Tree& tree, const Case& c, const Fault& fault)
      : batch(tree.rows(), width_of(c) + kBeside), cache(tree.rows(), 2 * kv_width(c) + 3 * kBeside) {
    int64_t rows = 0, cached = 0;
    for (const Segment& s : tree.segments) {
      first_row.push_back(rows);
      first_cached.push_back(cached);
      for (int i = 0; i < s.count; ++i) {
        std::vector<float> given = inputs(c, s.first_row + i);
        if (s.first_row + i == fault.row) given[static_cast<size_t>(fault.element)] = fault.value;
        if (s.queries) batch.put(rows++, 0, given.data(), s.cached ? c.heads * c.dim : width_of(c));
        if (!s.cached) continue;
        const float* keys = given.data() + c.heads * c.dim;
        cache.put(cached, 0, keys, kv_width(c));
        cache.put(cached++, kv_width(c) + kBeside, keys + kv_width(c), kv_width(c));
      }
    }
  }

  static int kv_width(const Case& c) { return c.kv_heads * c.dim; }
  KeyRun keys(const Tree& tree, const Case& c, int segment) {
    const auto i = static_cast<size_t>(segment);
    const int64_t count = tree.segments[i].count;
    if (tree.segments[i].cached) {
      return {cache.row(first_cached[i]), cache.stride, kv_width(c) + kBeside, count};
    }
    return {batch.row(first_row[i]) + c.heads * c.dim, batch.stride, kv_width(c), count};
  }
};

struct Plan {
  std::vector<AttendItem> items;
  std::vector<KeyRun> keys;
};

template <typename Element>
Plan plan(const Tree& tree, const Case& c, Kernel kernel, uint64_t order, Memory<Element>& memory) {
  Plan plan;
  for (size_t i = 0; i < tree.segments.size(); ++i) {
    const Segment& s = tree.segments[i];
    if (!s.queries) continue;
    const auto first_run = static_cast<int32_t>(plan.keys.size());
    int before = -s.count;
    for (const int p : tree.path(static_cast<int>(i))) {
      plan.keys.push_back(memory.keys(tree, c, p));
      before += tree.segments[static_cast<size_t>(p)].count;
    }
    const int group_size = c.heads / c.kv_heads;
    const int64_t parts =
        kernel == Kernel::mma ? mma_parts_of(s.count, group_size, c.dim) : parts_of(s.count, group_size);
    for (int group = 0; group < c.kv_heads; ++group) {
      for (int part = 0; part < parts; ++part) {
        plan.items.push_back(
            {memory.first_row[i], before, s.count, group, part, first_run, static_cast<int32_t>(i)});
      }
    }
  }
  if (order != 0) std::shuffle(plan.items.begin(), plan.items.end(), std::mt19937_64(order));
  return plan;
}

int positions_to(const Tree& tree, size_t segment) {
  int positions = 0;
  for (const int p : tree.path(static_cast<int>(segment)))
    positions += tree.segments[static_cast<size_t>(p)].count;
  return positions;
}

// Sums of columns on the device: where those of a segment begin, and how wide they are.
struct Columns {
  std::vector<std::vector<double>> sums;
  std::vector<double*> begins;
  std::vector<int32_t> widths;

  Columns(const Tree& tree, const Case& c) {
    for (size_t i = 0; i < tree.segments.size(); ++i) {
      const int64_t width = padded_positions(positions_to(tree, i));
      sums.emplace_back(static_cast<size_t>(width * c.heads), 0.0);
      begins.push_back(sums.back().data());
      widths.push_back(static_cast<int32_t>(width));
    }
  }
  std::vector<double> of(size_t segment, int heads, int positions) const {
    std::vector<double> result;
    for (int h = 0; h < heads; ++h) {
      const double* from = begins[segment] + int64_t{h} * widths[segment];
      result.insert(result.end(), from, from + positions);
    }
    return result;
  }
};

template <typename Element>
Outcome attend_as(const Tree& tree, const Case& c, Kernel kernel, const Options& options) {
  Memory<Element> memory(tree, c, options.fault);
  const Plan planned = plan(tree, c, kernel, options.items, memory);
  const std::vector<float> l = factors(c), sink = sinks(c);
  const std::vector<uint32_t> fragments =
      kernel == Kernel::mma ? factor_fragments(l.data(), c.heads, c.dim) : std::vector<uint32_t>();
  std::vector<HeadRow> stats(static_cast<size_t>(tree.rows() * c.heads));
  Columns columns(tree, c);
  Outcome outcome;

  AttendArguments a;
  a.queries = memory.batch.row(0);
  a.width = memory.batch.stride;
  a.items = planned.items.data();
  a.keys = planned.keys.data();
  a.heads = c.heads, a.kv_heads = c.kv_heads, a.head_dim = c.dim;
  a.scale = c.scale_or_default();
  a.window = c.window;
  a.soft_cap = c.cap;
  a.sinks = c.sinks ? sink.data() : nullptr;
  a.factors = kernel == Kernel::mma ? static_cast<const void*>(fragments.data()) : l.data();
  a.stats = c.stats ? stats.data() : nullptr;
  a.columns = c.columns ? columns.begins.data() : nullptr;
  a.column_widths = columns.widths.data();
  a.bad = &outcome.bad;
  emulated::schedule() = {options.fibers, options.eager_copies};
  const auto items = static_cast<int64_t>(planned.items.size());
  if (kernel == Kernel::mma) {
    attend_mma(a, items, {});
  } else {
    attend<Element>(a, items, {});
  }
  emulated::schedule() = {};

  for (size_t i = 0; i < tree.segments.size(); ++i) {
    const Segment& s = tree.segments[i];
    if (!s.queries) continue;
    for (int r = 0; r < s.count; ++r) {
      const int64_t row = memory.first_row[i] + r;
      std::vector<float>& z = outcome.z[s.first_row + r];
      for (int k = 0; k < c.heads * c.dim; ++k) z.push_back(to_float(memory.batch.row(row)[k]));
      const auto first = stats.begin() + row * c.heads;
      if (c.stats) outcome.stats[s.first_row + r].assign(first, first + c.heads);
    }
    if (c.columns) outcome.columns[s.first_row] = columns.of(i, c.heads, positions_to(tree, i));
  }
  return outcome;
}

// One row of one head; adds its weights to `columns` [positions].
void refer(const Case& c, const std::vector<std::vector<float>>& rows, int position, int head, const float* l,
           float sink, float* z, HeadRow& stats, double* columns) {
  const auto dim = static_cast<size_t>(c.dim), group = static_cast<size_t>(head / (c.heads / c.kv_heads));
  const size_t key = (static_cast<size_t>(c.heads) + group) * dim,
               value = key + static_cast<size_t>(c.kv_heads) * dim;
  const float* query = rows[static_cast<size_t>(position)].data() + static_cast<size_t>(head) * dim;
  const int begin = c.window > 0 ? std::max(0, position + 1 - c.window) : 0;
  std::vector<double> weights, out(dim);
  double top = c.sinks ? sink : -1e300;
  for (int k = begin; k <= position; ++k) {
    double dot = 0;
    for (size_t e = 0; e < dim; ++e) dot += double{query[e]} * rows[static_cast<size_t>(k)][key + e];
    const double score = dot * c.scale_or_default();
    weights.push_back(c.cap > 0 ? c.cap * std::tanh(score / c.cap) : score);
    top = std::max(top, weights.back());
  }
  const double own = c.sinks ? std::exp(sink - top) : 0;
  double sum = own, entropy = 0;
  for (double& w : weights) sum += w = std::exp(w - top);
  for (int k = begin; k <= position; ++k) {
    const double weight = weights[static_cast<size_t>(k - begin)] / sum;
    columns[k] += weight;
    if (weight > 0) entropy -= weight * std::log(weight);
    for (size_t e = 0; e < dim; ++e) out[e] += weight * rows[static_cast<size_t>(k)][value + e];
  }
  double norm = 0, projected = 0;
  for (size_t j = 0; j < dim; ++j) {
    double y = 0;
    for (size_t e = j; e < dim; ++e) y += out[e] * l[e * dim + j];
    projected += y * y;
    norm += out[j] * out[j];
    z[j] = static_cast<float>(out[j]);
  }
  stats = {static_cast<float>(begin == 0 ? weights[0] / sum : 0), static_cast<float>(entropy),
           static_cast<float>(std::sqrt(norm)), static_cast<float>(std::sqrt(projected)),
           static_cast<float>(own / sum)};
}

}  // namespace

std::vector<float> inputs(const Case& c, int row) {
  // Queries are large enough for some heads to look at few keys.
  std::vector<float> numbers(static_cast<size_t>(width_of(c)));
  for (size_t i = 0; i < numbers.size(); ++i) {
    const float size = i < static_cast<size_t>(c.heads * c.dim) ? 4.0f : 1.0f;
    numbers[i] = as_bf16(size * number(static_cast<uint64_t>(row) * 100003 + i));
  }
  return numbers;
}

float Case::scale_or_default() const { return scale != 0 ? scale : 1 / std::sqrt(static_cast<float>(dim)); }

Tree::Tree(std::vector<Segment> given) : segments(std::move(given)) {
  int row = 0;
  for (Segment& s : segments) {
    s.first_row = row;
    row += s.count;
  }
}

Tree Tree::cut(const std::vector<int>& lengths) const {
  Tree result({});
  std::vector<int> last;  // piece of each segment
  size_t next = 0;
  for (const Segment& s : segments) {
    int parent = s.parent < 0 ? -1 : last[static_cast<size_t>(s.parent)];
    for (int done = 0; done < s.count;) {
      const int count = std::min(lengths[next++ % lengths.size()], s.count - done);
      result.segments.push_back({parent, count, s.queries, !s.queries || !s.cached, s.first_row + done});
      parent = static_cast<int>(result.segments.size()) - 1;
      done += count;
    }
    last.push_back(parent);
  }
  return result;
}

int Tree::rows() const {
  int rows = 0;
  for (const Segment& s : segments) rows += s.count;
  return rows;
}

std::vector<int> Tree::path(int segment) const {
  std::vector<int> path;
  for (int s = segment; s >= 0; s = segments[static_cast<size_t>(s)].parent) path.insert(path.begin(), s);
  return path;
}

std::vector<int> Tree::path_rows(int segment) const {
  std::vector<int> rows;
  for (const int p : path(segment)) {
    const Segment& s = segments[static_cast<size_t>(p)];
    for (int i = 0; i < s.count; ++i) rows.push_back(s.first_row + i);
  }
  return rows;
}

Outcome attend(const Tree& tree, const Case& c, Kernel kernel, const Options& options) {
  if (kernel == Kernel::simple_f32) return attend_as<float>(tree, c, kernel, options);
  return attend_as<Bf16>(tree, c, kernel, options);
}

Outcome reference(const Tree& tree, const Case& c) {
  const std::vector<float> l = factors(c), sink = sinks(c);
  Outcome outcome;
  for (size_t i = 0; i < tree.segments.size(); ++i) {
    const Segment& s = tree.segments[i];
    if (!s.queries) continue;
    std::vector<std::vector<float>> rows;
    for (const int row : tree.path_rows(static_cast<int>(i))) rows.push_back(inputs(c, row));
    const auto positions = static_cast<int>(rows.size());
    std::vector<double>& columns = outcome.columns[s.first_row];
    columns.resize(static_cast<size_t>(c.heads * positions));
    for (int r = 0; r < s.count; ++r) {
      std::vector<float>& z = outcome.z[s.first_row + r];
      std::vector<HeadRow>& stats = outcome.stats[s.first_row + r];
      z.resize(static_cast<size_t>(c.heads * c.dim));
      stats.resize(static_cast<size_t>(c.heads));
      for (int h = 0; h < c.heads; ++h) {
        refer(c, rows, positions - s.count + r, h, l.data() + h * c.dim * c.dim, sink[static_cast<size_t>(h)],
              z.data() + h * c.dim, stats[static_cast<size_t>(h)], columns.data() + h * positions);
      }
    }
  }
  return outcome;
}

Differences differences(const Outcome& got, const Outcome& expected) {
  Differences worst;
  const auto take = [](double& to, double x) { to = std::max(to, std::isfinite(x) ? std::fabs(x) : 1e9); };
  for (const auto& [row, z] : got.z) {
    const std::vector<float>& right = expected.z.at(row);
    const std::vector<HeadRow>& stats = expected.stats.at(row);
    const size_t dim = z.size() / stats.size();
    for (size_t h = 0; h < stats.size(); ++h) {
      double squares = 0;
      for (size_t k = h * dim; k < (h + 1) * dim; ++k) squares += std::pow(double{z[k]} - right[k], 2);
      take(worst.z, std::sqrt(squares) / stats[h].output_norm);
    }
    if (!got.stats.contains(row)) continue;
    for (size_t h = 0; h < stats.size(); ++h) {
      const HeadRow &a = got.stats.at(row)[h], &b = stats[h];
      take(worst.first_weight, double{a.first_weight} - b.first_weight);
      take(worst.entropy, double{a.entropy} - b.entropy);
      take(worst.output_norm, double{a.output_norm} / b.output_norm - 1);
      take(worst.projected_norm, double{a.projected_norm} / b.projected_norm - 1);
      take(worst.sink_weight, double{a.sink_weight} - b.sink_weight);
    }
  }
  for (const auto& [row, sums] : got.columns) {
    for (size_t i = 0; i < sums.size(); ++i) take(worst.columns, sums[i] - expected.columns.at(row)[i]);
  }
  return worst;
}

int rows_that_differ(const Outcome& a, const Outcome& b) {
  int count = 0;
  const auto differ = [](const auto& x, const auto& y) {
    return x.size() != y.size() || std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) != 0;
  };
  for (const auto& [row, z] : a.z) {
    const bool stats =
        a.stats.contains(row) && b.stats.contains(row) && differ(a.stats.at(row), b.stats.at(row));
    count += differ(z, b.z.at(row)) || stats;
  }
  return count;
}

int columns_that_differ(const Tree& whole, const Outcome& of_whole, const Tree& cut, const Outcome& of_cut) {
  int count = 0;
  for (const Segment& s : whole.segments) {
    if (!s.queries) continue;
    std::vector<double> left = of_whole.columns.at(s.first_row);
    const size_t heads = of_whole.stats.at(s.first_row).size();
    const size_t positions = left.size() / heads;
    for (const Segment& piece : cut.segments) {
      if (piece.first_row < s.first_row || piece.first_row >= s.first_row + s.count) continue;
      const std::vector<double>& sums = of_cut.columns.at(piece.first_row);
      const size_t width = sums.size() / heads;
      for (size_t i = 0; i < sums.size(); ++i) left[i / width * positions + i % width] -= sums[i];
    }
    count += static_cast<int>(std::count_if(left.begin(), left.end(), [](double x) { return x != 0; }));
  }
  return count;
}

}  // namespace idleheads::cuda
