// What a device does for the forward pass. The forward pass knows sequences, masks and their order; a backend
// has the weights and the rows (one a token), and sees neither samples nor interventions. Rows stay where
// they are computed: what comes back from a layer are sums, a few numbers a head.
//
// The rows' numbers depend on their sequence alone: not on the other rows, on how sequences are cut into
// runs, or on how much memory there is. That holds bit for bit for one description().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/statistics.h"
#include "idleheads/heads/head_means.h"

namespace idleheads {

// What caches keep beside keys and values.
struct CacheContents {
  bool inputs = false;   // the layer's, where masks can change
  bool columns = false;  // sums of weights, where Measure::columns is asked of tokens to come
};

// Keys, values and CacheContents of one sequence at one layer, kept for tokens to come.
class RowCache {
 public:
  virtual ~RowCache() = default;
  virtual std::unique_ptr<RowCache> clone() const = 0;
};

// Rows of the residual stream that wait.
class SavedRows {
 public:
  virtual ~SavedRows() = default;
  int64_t rows = 0;
};

// Consecutive rows that are consecutive positions of a sequence.
struct RowRun {
  int64_t first_row = 0;
  int64_t count = 0;
  int64_t begin = 0;        // position of the first
  int32_t parent = -1;      // the run with the positions before, earlier in the list; -1: none
  int64_t rope_length = 0;  // ModelSpec::rope_length of its samples
  // Without a parent and with begin > 0: has the positions before, and those of the run once appended.
  RowCache* cache = nullptr;
};

// Rows to be appended to a cache: those of a run, and with `whole` all before them in its sequence too.
struct CacheAppend {
  int32_t run = 0;
  bool whole = false;
  RowCache* cache = nullptr;
};

// Consecutive rows that count `weight` times.
struct CountedRows {
  int64_t first_row = 0;
  int64_t count = 0;
  int64_t weight = 1;
};

// Where the weights of one head on a run's rows go: those of the row at position t, t + 1 numbers, from
// AttentionPattern::begin_of(t) on.
struct KeptWeights {
  int32_t run = 0;
  int head = 0;  // of those that the layer has
  float* pattern = nullptr;
};

// Where a row of the next layer comes from: a row of this layer, with the masked heads' outputs replaced.
struct RowSource {
  int64_t row = 0;
  int32_t mask = 0;  // number in the MaskTable
};

// Distinct masks of a layer, of the heads that it has; empty, for one mask, where that is none.
struct MaskTable {
  int heads = 0;
  std::vector<uint8_t> off;      // [masks, heads]
  std::span<const float> means;  // [heads, head_dim]: what masked heads give; empty: zeros

  int64_t size() const { return heads > 0 ? std::ssize(off) / heads : 0; }
  std::span<const uint8_t> operator[](int32_t mask) const {
    return std::span(off).subspan(static_cast<size_t>(mask) * static_cast<size_t>(heads),
                                  static_cast<size_t>(heads));
  }
};

// What is asked of a row after the last layer.
struct RowQuery {
  std::vector<int32_t> tokens;
  bool all_logits = false;
  std::vector<int32_t> penalized;  // whose logits the repetition penalty changes; ascending, each once
};

// The answer, in the order of the query's tokens.
struct RowScores {
  std::vector<float> log_probs;
  int32_t argmax = 0;         // the first of the largest
  int32_t next_token = 0;     // the same after the repetition penalty
  std::vector<float> logits;  // [vocabulary] if asked for
};

// What may be held at a time.
struct RowLimits {
  int64_t rows = 0;         // in flight
  int64_t waiting = 0;      // in SavedRows
  int64_t cache_bytes = 0;  // in RowCaches
};

// Any call that takes memory may throw OutOfMemory; rows in flight are lost then.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual RowLimits limits() const = 0;
  // The same memory, divided for generation: half of it for caches.
  virtual RowLimits generation_limits() const = 0;
  virtual int64_t memory_of(int64_t rows) const = 0;  // bytes of the process with so many rows in flight
  virtual int64_t cached_bytes(CacheContents contents) const = 0;  // of a token in the caches of all layers
  virtual bool streams_weights() const = 0;

  // Rows. Nothing moves until the next reserve.
  virtual void reserve(int64_t rows) = 0;
  virtual void release() {}  // the memory of rows, after OutOfMemory
  virtual void embed(std::span<const int32_t> tokens, std::span<const int32_t> positions) = 0;  // [rows]
  virtual std::unique_ptr<SavedRows> save(std::span<const int64_t> rows) = 0;
  virtual void restore(const SavedRows& saved) = 0;  // become the rows 0, 1, ...

  // A layer, in this order. `runs` cover all rows; there will be sums if anything is measured. In a layer
  // without attention nothing comes of what is before finish_layer, but for the inputs that caches keep.
  virtual void begin_layer(int layer, std::span<const RowRun> runs, Measure measure) = 0;
  virtual void project() = 0;  // norm, Q K V, RoPE
  virtual void append(std::span<const CacheAppend> appends) = 0;
  // What the next attend() leaves of its weights besides; only of a backend that can.
  virtual bool can_keep_weights() const { return false; }
  virtual void keep_weights(std::span<const KeptWeights>) {}
  // Throws Error (layer, head) where a head's output is not finite.
  virtual void attend() = 0;
  // `sums` has what comes before the runs without a parent; zeros where they begin at position 0.
  virtual void sum(LayerSums& sums) = 0;
  // Adds the heads' outputs of these rows to `sums` [heads, head_dim], in units of OutputSums. All or
  // nothing.
  virtual void add_outputs(std::span<const CountedRows> rows, std::span<int64_t> sums) = 0;
  // Attention output, residual and MLP: row i of what follows comes from rows[i]. Throws Error (layer) where
  // the residual stream is not finite.
  virtual void finish_layer(const MaskTable& masks, std::span<const RowSource> rows) = 0;
  // The same for rows that wait; those in flight stay at this layer.
  virtual std::unique_ptr<SavedRows> finish_layer_aside(const MaskTable& masks,
                                                        std::span<const RowSource> rows) = 0;

  // After the last layer: queries[i] is about row i. Logits of a query's penalized tokens are divided by the
  // penalty where positive and multiplied where negative before the next token is chosen (transformers'
  // RepetitionPenaltyLogitsProcessor); log-probabilities and logits are those without it.
  virtual std::vector<RowScores> score(std::span<const RowQuery> queries, float repetition_penalty) = 0;

  // Caches. One is for so many tokens of a layer.
  virtual std::unique_ptr<RowCache> make_cache(int layer, int64_t tokens, CacheContents contents) = 0;
  // The inputs that caches of a layer keep, one sequence after the other.
  virtual std::unique_ptr<SavedRows> cached_inputs(std::span<const RowCache* const> caches) = 0;
};

}  // namespace idleheads
