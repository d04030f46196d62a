// What is asked of rows after the last layer, from logits that come piece by piece of the vocabulary: never
// more than a piece of them is there.
#pragma once

#include <cstdint>

#include "cuda/start.h"

namespace idleheads::cuda {

// Of a row, over the pieces so far.
struct ScoreState {
  float maximum;  // the log of the sum of exponentials is maximum + ln(sum)
  float largest, largest_penalized;
  int32_t argmax, next_token;
  double sum;
};

struct ScoreArguments {
  float* logits = nullptr;       // [rows, width], overwritten
  const float* bias = nullptr;   // [width], or none
  int64_t width = 0, first = 0;  // tokens of the piece
  float multiplier = 1, soft_cap = 0, penalty = 1;
  // Lists of tokens by row: those of row r are [begins[r], begins[r + 1]).
  const int32_t* tokens = nullptr;
  const int64_t* token_begins = nullptr;
  const int32_t* penalized = nullptr;
  const int64_t* penalized_begins = nullptr;
  ScoreState* states = nullptr;   // [rows]
  float* token_logits = nullptr;  // as `tokens`
  const int64_t* kept =
      nullptr;  // [rows]: where the row's logits are kept, a row of [.., vocabulary]; -1: nowhere
  float* kept_logits = nullptr;
  int64_t vocabulary = 0;
};

void begin_scores(ScoreState* states, int64_t rows, Stream stream);
void take_piece(const ScoreArguments& arguments, int64_t rows, Stream stream);

}  // namespace idleheads::cuda
