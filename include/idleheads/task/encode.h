// Documents to samples: token ids, scored positions, and which sample answers which choice
// (lm-evaluation-harness 0.4.5: pair encoding, left truncation, one pass for equal inputs).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/engine/sample.h"
#include "idleheads/model/tokenizer.h"
#include "idleheads/task/task.h"

namespace idleheads {

// context and continuation ids of a pair: trailing white space of the context moves to the continuation, the
// whole is encoded, and the continuation is what follows as many ids as the context alone has. An empty
// context (or one of white space only) becomes the tokenizer's BOS, or EOS if it has no BOS. Throws Error if
// it has neither.
struct EncodedPair {
  std::vector<TokenId> context;
  std::vector<TokenId> continuation;
};
EncodedPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation);

// Whether a BOS token comes first. automatic: as the harness does, none; always: put first unless the prompt
// begins with it already; never: none.
enum class Bos { automatic, always, never };

// A part of a log-likelihood: the sum over targets [first, first + count) of samples[sample].
// The targets of a choice are sorted by position; those of several choices of one sample follow one another.
struct LikelihoodPart {
  int32_t sample = 0;
  int32_t first = 0;
  int32_t count = 0;
};

struct EncodedDocument {
  // multiple_choice: those with equal inputs merged, so that mmlu has one, text answers one a choice.
  // loglikelihood_rolling: one a window. generate_until: the prompt, without targets.
  std::vector<Sample> samples;
  // What each log-likelihood sums over: one of them a choice, or one for the whole text.
  std::vector<std::vector<LikelihoodPart>> likelihoods;
  bool truncated = false;  // left-truncated to the model's context
};

struct EncodeOptions {
  Bos bos = Bos::automatic;
  int64_t max_length = 2048;     // the model's context
  bool refuse_overflow = false;  // throw instead of truncating from the left
  int64_t max_new_tokens = 256;  // generate_until: what must fit behind the prompt
};

// Sample ids are left 0: the caller numbers them (RandomKey::sample must not depend on cohorts or limits).
// Throws Error that names the document if a continuation gives no token or is longer than the context, or
// (refuse_overflow) the prompt is too long; and if BOS is asked for and the tokenizer has none.
EncodedDocument encode_document(const Document& document, OutputType output, const Tokenizer& tokenizer,
                                const EncodeOptions& options);

// Windows of a text of `tokens` tokens, as lm-evaluation-harness' rolling log-likelihood cuts it: each
// predicts the tokens [begin, end), up to max_length of them, from the up to max_length tokens before each;
// the first one from the prefix token. max_length is at least 1.
struct RollingWindow {
  int64_t input = 0;  // first token of the input; -1: the prefix token
  int64_t begin = 0, end = 0;
};
std::vector<RollingWindow> rolling_windows(int64_t tokens, int64_t max_length);

}  // namespace idleheads
