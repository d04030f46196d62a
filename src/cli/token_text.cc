#include "cli/token_text.h"

#include <fmt/format.h>

#include "base/fail.h"

namespace idleheads::cli {
namespace {

// A token by itself loses the space before it in some vocabularies: it is seen behind the one before.
std::string text_of(const Tokenizer& tokenizer, std::span<const int32_t> tokens, size_t i) {
  const std::string alone = tokenizer.decode(tokens.subspan(i, 1));
  if (i == 0) return alone;
  const std::string before = tokenizer.decode(tokens.subspan(i - 1, 1)),
                    both = tokenizer.decode(tokens.subspan(i - 1, 2));
  return both.starts_with(before) ? both.substr(before.size()) : alone;
}

}  // namespace

std::vector<std::string> token_texts(const Model& model, std::span<const int32_t> tokens) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < tokens.size(); ++i) {
    try {
      texts.push_back(text_of(model.tokenizer(), tokens, i));
    } catch (const Error&) {  // there is no tokenizer, or it lacks the token
      texts.push_back(fmt::format("#{}", tokens[i]));
    }
  }
  return texts;
}

std::string visible(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return printable(out);
}

}  // namespace idleheads::cli
