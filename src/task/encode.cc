#include "idleheads/task/encode.h"

#include <algorithm>

#include "base/fail.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

// What a text without a context is predicted from.
TokenId prefix_token(const Tokenizer& tokenizer) {
  const std::optional<TokenId> prefix = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
  if (!prefix) fail("an empty prompt needs a BOS or EOS token, and the tokenizer has neither");
  return *prefix;
}

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
    return {prefix_token(tokenizer_)};
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

std::vector<TokenId> with_bos(std::vector<TokenId> ids, const Tokenizer& tokenizer, Bos bos) {
  if (bos != Bos::always) return ids;
  if (!tokenizer.bos()) fail("a BOS token was asked for, and the tokenizer has none");
  if (ids.empty() || ids.front() != *tokenizer.bos()) ids.insert(ids.begin(), *tokenizer.bos());
  return ids;
}

// Adds one choice to `out`: to the sample with the same tokens if there is one, else to a new sample.
void add_choice(std::vector<TokenId> tokens, std::span<const TokenId> continuation, EncodedDocument& out) {
  auto found = std::ranges::find(out.samples, tokens, &Sample::tokens);
  if (found == out.samples.end()) {
    out.samples.emplace_back().tokens = std::move(tokens);
    found = out.samples.end() - 1;
  }
  LikelihoodPart source;
  source.sample = static_cast<int32_t>(found - out.samples.begin());
  source.first = static_cast<int32_t>(found->targets.size());
  source.count = static_cast<int32_t>(continuation.size());
  const auto position = static_cast<int32_t>(found->tokens.size() - continuation.size());
  for (int32_t i = 0; i < source.count; ++i) found->targets.push_back({position + i, continuation[i]});
  out.likelihoods.push_back({source});
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

EncodedDocument encode_choices(const Document& document, const Tokenizer& tokenizer,
                               const EncodeOptions& options) {
  const auto max_length = static_cast<size_t>(std::max<int64_t>(options.max_length, 1));
  EncodedDocument out;
  std::optional<EncodedContext> context;
  for (size_t j = 0; j < document.continuations.size(); ++j) {
    if (j < document.contexts.size()) context.emplace(tokenizer, document.contexts[j]);
    const std::vector<TokenId> continuation = context->continuation(document.continuations[j]);
    if (continuation.empty()) {
      fail("{}: choice {} ('{}') gives no token of its own after the prompt", name_of(document), j,
           printable(document.continuations[j]));
    }
    std::vector<TokenId> ids = with_bos(context->ids(), tokenizer, options.bos);
    const size_t before = ids.size();
    ids.insert(ids.end(), continuation.begin(), continuation.end());
    const size_t input = ids.size() - 1;
    if (continuation.size() > max_length) {
      fail("{}: choice {} alone has {} tokens, but the model's context is {}; give a longer --context",
           name_of(document), j, continuation.size(), max_length);
    }
    if (options.refuse_overflow && input > max_length) {
      fail("{}: {} tokens of prompt and {} of choice {}, but the model's context is {}; fewer shots may help",
           name_of(document), before, continuation.size(), j, max_length);
    }
    add_choice(model_input(std::move(ids), max_length, out.truncated), continuation, out);
  }
  return out;
}

EncodedDocument encode_prompt(const Document& document, const Tokenizer& tokenizer,
                              const EncodeOptions& options) {
  const int64_t longest = options.max_length - options.max_new_tokens;
  if (longest < 1) {
    fail("{}: {} new tokens do not fit into the model's context of {}; give a longer --context",
         name_of(document), options.max_new_tokens, options.max_length);
  }
  std::vector<TokenId> ids = with_bos(tokenizer.encode(document.contexts.front()), tokenizer, options.bos);
  if (ids.empty()) ids.push_back(prefix_token(tokenizer));
  EncodedDocument out;
  if (std::ssize(ids) > longest) {
    if (options.refuse_overflow) {
      fail("{}: {} tokens of prompt and {} new ones, but the model's context is {}; fewer shots may help",
           name_of(document), ids.size(), options.max_new_tokens, options.max_length);
    }
    ids.erase(ids.begin(), ids.end() - longest);
    out.truncated = true;
  }
  out.samples.emplace_back().tokens = std::move(ids);
  return out;
}

EncodedDocument encode_text(const Document& document, const Tokenizer& tokenizer,
                            const EncodeOptions& options) {
  const std::vector<TokenId> ids = tokenizer.encode(document.contexts.front());
  const TokenId prefix = prefix_token(tokenizer);
  EncodedDocument out;
  std::vector<LikelihoodPart>& parts = out.likelihoods.emplace_back();
  const int64_t max_length = std::max<int64_t>(options.max_length, 1);
  for (const RollingWindow& window : rolling_windows(std::ssize(ids), max_length)) {
    Sample& sample = out.samples.emplace_back();
    if (window.input < 0) sample.tokens.push_back(prefix);
    sample.tokens.insert(sample.tokens.end(), ids.begin() + std::max<int64_t>(window.input, 0),
                         ids.begin() + window.end - 1);
    const int64_t first = std::ssize(sample.tokens) - (window.end - window.begin);
    for (int64_t i = 0; i < window.end - window.begin; ++i) {
      sample.targets.push_back({static_cast<int32_t>(first + i), ids[static_cast<size_t>(window.begin + i)]});
    }
    parts.push_back(
        {static_cast<int32_t>(std::ssize(out.samples) - 1), 0, static_cast<int32_t>(sample.targets.size())});
  }
  if (parts.empty()) fail("{}: the text gives no token", name_of(document));
  return out;
}

}  // namespace

EncodedPair encode_pair(const Tokenizer& tokenizer, std::string_view context, std::string_view continuation) {
  const EncodedContext encoded(tokenizer, context);
  return {encoded.ids(), encoded.continuation(continuation)};
}

std::vector<RollingWindow> rolling_windows(int64_t tokens, int64_t max_length) {
  std::vector<RollingWindow> windows;
  for (int64_t begin = 0; begin < tokens;) {
    const int64_t end = std::min(begin + max_length, tokens);
    // The first window has the prefix token before it; a short last one keeps its full length of input.
    windows.push_back({begin == 0 ? -1 : end - max_length - 1, begin, end});
    begin = end;
  }
  return windows;
}

EncodedDocument encode_document(const Document& document, OutputType output, const Tokenizer& tokenizer,
                                const EncodeOptions& options) {
  switch (output) {
    case OutputType::generate_until:
      return encode_prompt(document, tokenizer, options);
    case OutputType::loglikelihood_rolling:
      return encode_text(document, tokenizer, options);
    case OutputType::multiple_choice:
      break;
  }
  return encode_choices(document, tokenizer, options);
}

}  // namespace idleheads
