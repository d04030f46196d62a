#include "task/encode.h"

#include <algorithm>

#include "base/error.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

// A context ready to be continued: encoded once, however many choices follow it.
class EncodedContext {
 public:
  EncodedContext(const Tokenizer& tokenizer, std::string_view context) : tokenizer_(tokenizer) {
    const size_t space = trailing_space(context);
    text_ = context.substr(0, context.size() - space);
    space_ = context.substr(context.size() - space);
    if (!text_.empty()) ids_ = tokenizer.encode(text_);
  }

  // Ids that the context alone has: the prefix token if it is empty.
  std::vector<TokenId> ids() const {
    if (!ids_.empty()) return ids_;
    const std::optional<TokenId> prefix = tokenizer_.bos() ? tokenizer_.bos() : tokenizer_.eos();
    if (!prefix) fail("an empty prompt needs a BOS or EOS token, and the tokenizer has neither");
    return {*prefix};
  }

  // A merge may cross the border; the continuation is then what follows as many ids as the context alone has.
  std::vector<TokenId> continuation(std::string_view continuation) const {
    std::vector<TokenId> whole = tokenizer_.encode(text_ + space_ + std::string(continuation));
    whole.erase(whole.begin(),
                whole.begin() + static_cast<std::ptrdiff_t>(std::min(ids_.size(), whole.size())));
    return whole;
  }

 private:
  const Tokenizer& tokenizer_;
  std::string text_, space_;
  std::vector<TokenId> ids_;
};

std::string name_of(const Document& document) {
  return fmt::format("document {} of {}", document.index, printable(document.group));
}

std::vector<TokenId> context_ids(const EncodedContext& context, const Tokenizer& tokenizer, Bos bos) {
  std::vector<TokenId> ids = context.ids();
  if (bos != Bos::always) return ids;
  if (!tokenizer.bos()) fail("a BOS token was asked for, and the tokenizer has none");
  if (ids.front() != *tokenizer.bos()) ids.insert(ids.begin(), *tokenizer.bos());
  return ids;
}

// Adds one choice to `out`: to the sample with the same tokens if there is one, else to a new sample.
void add_choice(std::vector<TokenId> tokens, std::span<const TokenId> continuation, EncodedDocument& out) {
  auto found = std::ranges::find(out.samples, tokens, &Sample::tokens);
  if (found == out.samples.end()) {
    out.samples.emplace_back().tokens = std::move(tokens);
    found = out.samples.end() - 1;
  }
  ChoiceSource source;
  source.sample = static_cast<int32_t>(found - out.samples.begin());
  source.first = static_cast<int32_t>(found->targets.size());
  source.count = static_cast<int32_t>(continuation.size());
  const auto position = static_cast<int32_t>(found->tokens.size() - continuation.size());
  for (int32_t i = 0; i < source.count; ++i) found->targets.push_back({position + i, continuation[i]});
  out.choices.push_back(source);
}

// The model's input, without the last id: it is predicted only. Sets `truncated` if ids were cut off on the
// left.
std::vector<TokenId> model_input(std::vector<TokenId> ids, size_t max_length, bool& truncated) {
  ids.pop_back();
  if (ids.size() > max_length) {
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(max_length));
    truncated = true;
  }
  return ids;
}

}  // namespace

EncodedPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation) {
  const EncodedContext encoded(tokenizer, context);
  return {encoded.ids(), encoded.continuation(continuation)};
}

EncodedDocument encode_document(const Document& document, const Tokenizer& tokenizer,
                                const EncodeOptions& options) {
  const EncodedContext context(tokenizer, document.context);
  const std::vector<TokenId> before = context_ids(context, tokenizer, options.bos);
  const auto max_length = static_cast<size_t>(std::max<int64_t>(options.max_length, 1));
  EncodedDocument out;
  for (size_t j = 0; j < document.continuations.size(); ++j) {
    const std::vector<TokenId> continuation = context.continuation(document.continuations[j]);
    if (continuation.empty()) {
      fail("{}: choice {} ('{}') gives no token of its own after the prompt", name_of(document), j,
           printable(document.continuations[j]));
    }
    std::vector<TokenId> ids = before;
    ids.insert(ids.end(), continuation.begin(), continuation.end());
    const size_t input = ids.size() - 1;
    if (continuation.size() > max_length || (options.refuse_overflow && input > max_length)) {
      fail("{}: {} tokens of prompt and {} of choice {}, but the model's context is {}; fewer shots may help",
           name_of(document), before.size(), continuation.size(), j, max_length);
    }
    add_choice(model_input(std::move(ids), max_length, out.truncated), continuation, out);
  }
  return out;
}

}  // namespace idleheads
