// Where generation ends besides at end tokens, and what of it is the response (lm-evaluation-harness 0.4.5,
// batch size 1).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "idleheads/model/tokenizer.h"

namespace idleheads {

class StopRule {
 public:
  // The text of the tokenizer's EOS is added to the stop strings. The tokenizer must outlive the rule.
  StopRule(const Tokenizer& tokenizer, std::vector<std::string> until);

  // Whether one of the stop strings has just been written: it stands in the text of as many of the last
  // tokens as it has itself, and two more.
  bool enough(std::span<const TokenId> new_tokens) const;

  // The text of the tokens, without special ones, up to the first stop string in it; for each of them in
  // order.
  std::string response(std::span<const TokenId> new_tokens) const;

 private:
  struct StopString {
    std::string text;
    size_t window = 0;  // tokens looked at
  };
  const Tokenizer& tokenizer_;
  std::vector<StopString> stops_;
};

}  // namespace idleheads
