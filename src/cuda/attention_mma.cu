// Attention by the tensor cores for bf16, in FlashAttention-2's order of work: keys and values in tiles
// through shared memory, softmax with a running maximum, weights and outputs in registers. A warp takes some
// rows of one head, a block four warps of the heads that share a key/value head.
//
// A row's numbers depend on its own keys alone. Tiles begin at multiples of their size in positions, however
// the tree is cut; and keys that a row does not see multiply by exactly 1 and add exactly 0, so that it does
// not matter which of them a block walks over for the sake of its other rows.
#include <stdexcept>

#include "cuda/attention.h"
#include "cuda/attention_tiles.h"
#include "cuda/device.h"

namespace idleheads::cuda {
namespace mma {
namespace {

constexpr float kLog2E = 1.4426950408889634f, kLn2 = 0.6931471805599453f;
// A score of a key that is not seen, and where maxima begin; maxima and exponents are in base 2. The distance
// between the two makes such a key's exponential 0 before a row has seen any key, too.
constexpr float kUnseen = -1e30f, kLowest = -1e20f;

constexpr int kUnlimited = 1 << 30;  // window: positions are below

// Exponent of the head's sink; its exponential is 0 if there is none.
IH_DEVICE float sink_of(const AttendArguments& a) {
  return a.sinks != nullptr ? a.sinks[head_of(a)] * kLog2E : kUnseen;
}

// What makes exponents in base 2 of the scores that products give.
struct Scale {
  bool plain;         // adjust() has nothing to do
  float cap;          // 0: none
  float inner;        // of scores before they are capped
  float to_exponent;  // of adjusted scores; above 0

  explicit Scale(const AttendArguments& a) : cap(a.soft_cap > 0 ? a.soft_cap : 0) {
    // A scale outside is none that models have, but the signs and sizes of kUnseen and kLowest are for these.
    plain = cap == 0 && a.scale > 1e-6f && a.scale < 1e6f;
    inner = cap > 0 ? a.scale / cap : a.scale;
    to_exponent = plain ? a.scale * kLog2E : kLog2E;
  }
  IH_DEVICE float adjust(float score) const { return cap > 0 ? cap * tanhf(score * inner) : score * inner; }
  IH_DEVICE float exponent(float score, float maximum) const { return fmaf(score, to_exponent, -maximum); }
};

template <typename S>
using Scores = float[S::kFragments][S::kBlockKeys / 8][4];
template <typename S>
using Weights = uint32_t[S::kFragments][S::kBlockKeys / 16][4];  // pairs of bf16

// Scores of the keys at `position` and following; they lie at `keys`.
template <typename S>
IH_DEVICE void score_keys(const Rows& rows, const Scale& scale, int window, const Queries<S>& queries,
                          const Bf16* keys, int position, Scores<S>& scores) {
  const Bf16* mine = keys + (lane() / 16 * 8 + lane() % 8) * S::kStride + lane() / 8 % 2 * 8;
  IH_UNROLL for (int k = 0; k < S::kDim / 16; ++k) {
    uint32_t query[S::kFragments][4];
    IH_UNROLL for (int m = 0; m < S::kFragments; ++m) queries.fragment(m, k, query[m]);
    IH_UNROLL for (int n = 0; n < S::kBlockKeys / 8; n += 2) {
      uint32_t key[4];
      load_matrices<false>(key, mine + n * 8 * S::kStride + k * 16);
      const uint32_t left[2] = {key[0], key[1]}, right[2] = {key[2], key[3]};
      IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
        multiply(scores[m][n], query[m], left);
        multiply(scores[m][n + 1], query[m], right);
      }
    }
  }
  if (!scale.plain) {
    IH_UNROLL for (auto& fragment : scores) {
      IH_UNROLL for (auto& block : fragment) {
        IH_UNROLL for (float& score : block) score = scale.adjust(score);
      }
    }
  }
  if (position + S::kBlockKeys - 1 <= rows.first && position > rows.last - window) return;
  // How far the fragment's first position lies behind the thread's first key; the rest is constants.
  const int newest = rows.position(0, 0) - position - pair(), oldest = newest - window;
  IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
    IH_UNROLL for (int n = 0; n < S::kBlockKeys / 8; ++n) {
      IH_UNROLL for (int e = 0; e < 4; ++e) {
        const int key = n * 8 + e % 2 - m * 16 - e / 2 * 8;
        if (key > newest || key <= oldest) scores[m][n][e] = kUnseen;
      }
    }
  }
}

// Of a thread's rows: sums over its columns of exponentials of scores less the maximum, and of their products
// with that difference; outputs not yet divided.
template <typename S>
struct Running {
  float maximum[S::kFragments][2], sum[S::kFragments][2] = {}, weighted[S::kFragments][2] = {};
  float output[S::kFragments][S::kDim / 8][4] = {};

  // Of position 0, whose column the first lane of a row has; of the row with number (lane & 3) among that
  // lane's rows. A thread does not have the registers for those of all its rows.
  float first_score = kUnseen;

  IH_DEVICE explicit Running(float lowest) {
    IH_UNROLL for (auto& fragment : maximum) fragment[0] = fragment[1] = lowest;
  }

  IH_DEVICE void keep_first(const Scores<S>& scores) {
    IH_UNROLL for (int i = 0; i < S::kFragments * 2; ++i) {
      const float score = __shfl_sync(0xffffffffu, scores[i / 2][0][i % 2 * 2], lane() & ~3);
      if ((lane() & 3) == i) first_score = score;
    }
  }
  IH_DEVICE float first_of(int m, int half) const {
    return __shfl_sync(0xffffffffu, first_score, (lane() & ~3) + m * 2 + half);
  }

  // Takes scores of one half of a fragment; their exponentials, and what its outputs are to be multiplied by.
  IH_DEVICE float take(const Scale& scale, const Scores<S>& scores, int m, int half, Weights<S>& weights) {
    float highest = scores[m][0][half * 2];
    IH_UNROLL for (const auto& score : scores[m]) {
      highest = fmaxf(highest, fmaxf(score[half * 2], score[half * 2 + 1]));
    }
    const float higher = fmaxf(maximum[m][half], row_max(highest) * scale.to_exponent);
    const float shift = maximum[m][half] - higher, factor = exp2(shift);
    float more = 0, more_weighted = 0;
    IH_UNROLL for (int n = 0; n < S::kBlockKeys / 8; ++n) {
      float weight[2];
      IH_UNROLL for (int e = 0; e < 2; ++e) {
        const float exponent = scale.exponent(scores[m][n][half * 2 + e], higher);
        weight[e] = exp2(exponent);
        more += weight[e];
        more_weighted = fmaf(weight[e], exponent, more_weighted);
      }
      weights[m][n / 2][n % 2 * 2 + half] = pack(weight[0], weight[1]);
    }
    weighted[m][half] = factor * fmaf(shift, sum[m][half], weighted[m][half]) + more_weighted;
    sum[m][half] = factor * sum[m][half] + more;
    maximum[m][half] = higher;
    return factor;
  }

  IH_DEVICE void take(const Scale& scale, const Scores<S>& scores, Weights<S>& weights) {
    IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
      const float factors[2] = {take(scale, scores, m, 0, weights), take(scale, scores, m, 1, weights)};
      // Maxima seldom rise after the first tiles.
      if (!__any_sync(0xffffffffu, factors[0] != 1.0f || factors[1] != 1.0f)) continue;
      IH_UNROLL for (auto& block : output[m]) {
        IH_UNROLL for (int e = 0; e < 4; ++e) block[e] *= factors[e / 2];
      }
    }
  }

  IH_DEVICE void add_values(const Weights<S>& weights, const Bf16* values) {
    const Bf16* mine = values + (lane() / 8 % 2 * 8 + lane() % 8) * S::kStride + lane() / 16 * 8;
    IH_UNROLL for (int k = 0; k < S::kBlockKeys / 16; ++k) {
      IH_UNROLL for (int n = 0; n < S::kDim / 8; n += 2) {
        uint32_t value[4];
        load_matrices<true>(value, mine + k * 16 * S::kStride + n * 8);
        const uint32_t left[2] = {value[0], value[1]}, right[2] = {value[2], value[3]};
        IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
          multiply(output[m][n], weights[m][k], left);
          multiply(output[m][n + 1], weights[m][k], right);
        }
      }
    }
  }
};

// Outputs as operands of a product, and the squares of their norms over the thread's columns.
template <typename S>
struct Outputs {
  uint32_t z[S::kFragments][S::kDim / 16][4];
  float squares[S::kFragments][2] = {}, projected[S::kFragments][2] = {};

  IH_DEVICE void divide(const Running<S>& running, const float (&inverse)[S::kFragments][2]) {
    IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
      IH_UNROLL for (int n = 0; n < S::kDim / 8; ++n) {
        IH_UNROLL for (int half = 0; half < 2; ++half) {
          const float x = running.output[m][n][half * 2] * inverse[m][half];
          const float y = running.output[m][n][half * 2 + 1] * inverse[m][half];
          squares[m][half] = fmaf(x, x, fmaf(y, y, squares[m][half]));
          z[m][n / 2][n % 2 * 2 + half] = pack(x, y);
        }
      }
    }
  }

  IH_DEVICE void store(const AttendArguments& a, const Rows& rows) const {
    auto* queries = static_cast<Bf16*>(a.queries) + int64_t{head_of(a)} * S::kDim + pair();
    IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
      IH_UNROLL for (int half = 0; half < 2; ++half) {
        if (!rows.has(m, half)) continue;
        auto* to = reinterpret_cast<uint32_t*>(queries + row_of(a, rows.position(m, half)) * a.width);
        IH_UNROLL for (int k = 0; k < S::kDim / 16; ++k) {
          to[k * 8] = z[m][k][half];
          to[k * 8 + 4] = z[m][k][half + 2];
        }
      }
    }
  }

  // z L, eight columns at a time; blocks of L above the diagonal are zero. An element of L is read once for
  // all of the warp's rows.
  IH_DEVICE void project(const AttendArguments& a) {
    constexpr int kSteps = S::kDim / 16, kColumns = S::kDim / 8;
    const auto* factor =
        static_cast<const uint2*>(a.factors) + int64_t{head_of(a)} * kSteps * kColumns * 32 + lane();
    IH_UNROLL for (int n = 0; n < kColumns; ++n) {
      float y[S::kFragments][4] = {};
      IH_UNROLL for (int k = n / 2; k < kSteps; ++k) {
        const uint2 element = factor[(k * kColumns + n) * 32];
        const uint32_t right[2] = {element.x, element.y};
        IH_UNROLL for (int m = 0; m < S::kFragments; ++m) multiply(y[m], z[m][k], right);
      }
      IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
        IH_UNROLL for (int e = 0; e < 4; ++e) projected[m][e / 2] =
            fmaf(y[m][e], y[m][e], projected[m][e / 2]);
      }
    }
  }
};

// z and statistics of the warp's rows; what weights are to be multiplied by.
template <typename S>
IH_DEVICE void finish(const AttendArguments& a, const Rows& rows, const Scale& scale,
                      const Running<S>& running, float (&inverse)[S::kFragments][2]) {
  const float sink = sink_of(a);
  float entropy[S::kFragments][2], own[S::kFragments][2];
  IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
    IH_UNROLL for (int half = 0; half < 2; ++half) {
      const float sum = row_sum(running.sum[m][half]), weighted = row_sum(running.weighted[m][half]);
      own[m][half] = exp2(sink - running.maximum[m][half]);
      const float all = sum + own[m][half];
      inverse[m][half] = 1.0f / all;
      const float nats = kLn2 * inverse[m][half] * fmaf(sum, log2f(all), -weighted);
      entropy[m][half] = nats < 0 ? 0.0f : nats;  // not fmaxf, which makes 0 of NaN
    }
  }
  Outputs<S> outputs;
  outputs.divide(running, inverse);
  outputs.store(a, rows);
  if (a.stats != nullptr) outputs.project(a);
  IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
    IH_UNROLL for (int half = 0; half < 2; ++half) {
      const float norm = sqrtf(row_sum(outputs.squares[m][half]));
      const float projected = sqrtf(row_sum(outputs.projected[m][half]));
      const float first = exp2(scale.exponent(running.first_of(m, half), running.maximum[m][half]));
      if (pair() != 0 || !rows.has(m, half)) continue;
      const HeadRow stats = {first * inverse[m][half], entropy[m][half], norm, projected,
                             own[m][half] * inverse[m][half]};
      if (a.stats != nullptr) a.stats[row_of(a, rows.position(m, half)) * a.heads + head_of(a)] = stats;
      if (!(stats.entropy + norm + projected < 1e38f)) atomicMax(a.bad, 1 + head_of(a));
    }
  }
}

// Adds weights of a block of keys to the sums of their columns. They are rounded, so that sums are exact.
template <typename S>
IH_DEVICE void add_columns(const AttendArguments& a, const Rows& rows, const Scale& scale,
                           const Scores<S>& scores, int position, const float (&maximum)[S::kFragments][2],
                           const float (&inverse)[S::kFragments][2]) {
  const int run = item_of(a).column_run;
  double* columns = a.columns[run] + int64_t{head_of(a)} * a.column_widths[run] + position;
  IH_UNROLL for (int n = 0; n < S::kBlockKeys / 8; ++n) {
    IH_UNROLL for (int e = 0; e < 2; ++e) {
      double sum = 0;
      IH_UNROLL for (int m = 0; m < S::kFragments; ++m) {
        IH_UNROLL for (int half = 0; half < 2; ++half) {
          const float weight =
              exp2(scale.exponent(scores[m][n][half * 2 + e], maximum[m][half])) * inverse[m][half];
          sum += rows.has(m, half) ? rounded_weight(weight) : 0;
        }
      }
      IH_UNROLL for (int mask = 4; mask < 32; mask *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
      if (row() == 0 && sum != 0) atomicAdd(columns + n * 8 + pair() + e, sum);
    }
  }
}

// Calls each(position, keys, scores) for blocks of keys of which the warp's rows see some.
template <typename S, bool with_values, typename Each>
IH_DEVICE void walk_scores(const AttendArguments& a, const Rows& rows, const Scale& scale,
                           const Queries<S>& queries, Bf16* shared, const Each& each) {
  walk<S, with_values>(a, shared, [&](int tile, const Bf16* keys) {
    IH_UNROLL_NOT for (int i = 0; i < S::kTileKeys; i += S::kBlockKeys) {
      const int position = tile + i;
      const bool before = position + S::kBlockKeys <= rows.first + 1 - a.window;
      if (before || position > rows.last || !rows.any()) continue;
      Scores<S> scores = {};
      score_keys<S>(rows, scale, a.window, queries, keys + i * S::kStride, position, scores);
      each(position, keys + i * S::kStride, scores);
    }
  });
}

// a.window is above all positions where there is none.
template <typename S>
__global__ void __launch_bounds__(kThreads, 1) attend_tiles(AttendArguments a, Scale scale) {
  Bf16* shared = shared_memory<Bf16>();
  const Rows rows = rows_of<S>(a, warp());
  Queries<S> queries;
  queries.read(a, rows, shared + S::kStages * 2 * S::kTile);
  Running<S> running(fmaxf(sink_of(a), kLowest));

  walk_scores<S, true>(a, rows, scale, queries, shared,
                       [&](int position, const Bf16* keys, const Scores<S>& scores) {
                         if (position == 0) running.keep_first(scores);
                         Weights<S> weights;
                         running.take(scale, scores, weights);
                         running.add_values(weights, keys + S::kTile);
                       });
  float inverse[S::kFragments][2] = {};
  if (rows.any()) finish<S>(a, rows, scale, running, inverse);
  if (a.columns == nullptr) return;

  __syncthreads();  // all have read the last tile
  walk_scores<S, false>(a, rows, scale, queries, shared,
                        [&](int position, const Bf16*, const Scores<S>& scores) {
                          add_columns<S>(a, rows, scale, scores, position, running.maximum, inverse);
                        });
}

// Calls call(Shape<head_dim>()).
template <typename Call>
auto with_shape(int head_dim, const Call& call) {
  switch (has_mma_attention(head_dim) ? head_dim : 0) {
    case 16:
      return call(Shape<16>());
    case 32:
      return call(Shape<32>());
    case 48:
      return call(Shape<48>());
    case 64:
      return call(Shape<64>());
    case 80:
      return call(Shape<80>());
    case 96:
      return call(Shape<96>());
    case 112:
      return call(Shape<112>());
    case 128:
      return call(Shape<128>());
    case 160:
      return call(Shape<160>());
    case 192:
      return call(Shape<192>());
    case 224:
      return call(Shape<224>());
    case 256:
      return call(Shape<256>());
    default:
      throw std::invalid_argument("no attention by tensor cores for this head size");
  }
}

}  // namespace
}  // namespace mma

void attend_mma(const AttendArguments& arguments, int64_t items, Stream stream) {
  constexpr uintptr_t kBytes = kCopiedElements * sizeof(Bf16);
  if (arguments.width % kCopiedElements != 0 ||
      reinterpret_cast<uintptr_t>(arguments.queries) % kBytes != 0) {
    throw std::invalid_argument("rows of queries must lie at multiples of 16 bytes");
  }
  AttendArguments given = arguments;
  if (given.window <= 0 || given.window > mma::kUnlimited) given.window = mma::kUnlimited;
  mma::with_shape(given.head_dim, [&](auto shape) {
    using S = decltype(shape);
    start(mma::attend_tiles<S>, items, mma::kThreads, S::kSharedBytes, stream, given, mma::Scale(given));
  });
}

int64_t mma_parts_of(int64_t rows, int group_size, int head_dim) {
  const int64_t of_chunk = 16 * mma::fragments_of(head_dim), chunks = (rows + of_chunk - 1) / of_chunk;
  return (chunks * group_size + mma::kWarps - 1) / mma::kWarps;
}

size_t mma_shared_bytes(int head_dim) {
  return mma::with_shape(head_dim, [](auto shape) { return decltype(shape)::kSharedBytes; });
}

std::vector<uint32_t> factor_fragments(const float* factors, int heads, int head_dim) {
  const int64_t dim = head_dim;
  std::vector<uint32_t> fragments;
  fragments.reserve(static_cast<size_t>(heads * dim * dim / 2));
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t k = 0; k < dim; k += 16) {
      for (int64_t n = 0; n < dim; n += 8) {
        for (int lane = 0; lane < 32; ++lane) {
          for (int64_t i = k + lane % 4 * 2; i < k + 16; i += 8) {
            const float* element = factors + (head * dim + i) * dim + n + lane / 4;
            const uint32_t low = round_to_bf16(element[0]).bits, high = round_to_bf16(element[dim]).bits;
            fragments.push_back(low | high << 16);
          }
        }
      }
    }
  }
  return fragments;
}

}  // namespace idleheads::cuda
