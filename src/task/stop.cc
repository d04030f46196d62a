#include "task/stop.h"

#include <algorithm>

namespace idleheads {
namespace {

// A model may have more rows than its tokenizer has tokens; transformers leaves those out of the text.
std::string text_of(const Tokenizer& tokenizer, std::span<const TokenId> tokens, bool skip_special) {
  std::vector<TokenId> known(tokens.begin(), tokens.end());
  std::erase_if(known, [&](TokenId id) { return !tokenizer.token(id); });
  return tokenizer.decode(known, skip_special);
}

}  // namespace

StopRule::StopRule(const Tokenizer& tokenizer, std::vector<std::string> until) : tokenizer_(tokenizer) {
  if (const std::optional<TokenId> eos = tokenizer.eos())
    until.push_back(tokenizer.decode(std::span(&*eos, 1)));
  for (std::string& text : until) {
    if (text.empty()) continue;
    const size_t tokens = tokenizer.encode(text).size();
    stops_.push_back({std::move(text), tokens + 2});
  }
}

bool StopRule::enough(std::span<const TokenId> new_tokens) const {
  for (const StopString& stop : stops_) {
    const auto window = new_tokens.last(std::min(stop.window, new_tokens.size()));
    if (text_of(tokenizer_, window, false).find(stop.text) != std::string::npos) return true;
  }
  return false;
}

std::string StopRule::response(std::span<const TokenId> new_tokens) const {
  std::string text = text_of(tokenizer_, new_tokens, true);
  for (const StopString& stop : stops_) text = text.substr(0, text.find(stop.text));
  return text;
}

}  // namespace idleheads
