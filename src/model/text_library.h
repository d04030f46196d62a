// The C library behind text/idleheads_text.h for the files of this folder: owning handles, and failures as
// Error.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fail.h"
#include "idleheads/model/tokenizer.h"
#include "idleheads_text.h"

namespace idleheads {

struct TokenizerDeleter {
  void operator()(idleheads_tokenizer* tokenizer) const { idleheads_tokenizer_free(tokenizer); }
};
using TokenizerHandle = std::unique_ptr<idleheads_tokenizer, TokenizerDeleter>;

// What a tokenizer is made of, wherever it comes from.
struct TokenizerParts {
  TokenizerHandle handle;
  std::optional<TokenId> bos, eos;
  std::optional<bool> adds_bos;   // nothing: as the tokenizer's own post-processing does
  bool adds_eos = false;          // besides what the post-processing does
  bool cleans_up_spaces = false;  // decode() takes the space before punctuation away
  std::string description;
  std::string note;  // Tokenizer::note()
};

inline idleheads_view view_of(std::string_view text) { return {text.data(), text.size()}; }

// Memory of the library, given back at the end of the scope.
class LibraryString {
 public:
  LibraryString() = default;
  LibraryString(const LibraryString&) = delete;
  LibraryString& operator=(const LibraryString&) = delete;
  ~LibraryString() { idleheads_string_free(text_); }

  idleheads_string* out() { return &text_; }  // for the library to write to, once
  std::string_view view() const { return {text_.data, text_.size}; }
  std::string copy() const { return std::string(view()); }
  // As it may stand in a message: one line, of bounded length.
  std::string message() const { return printable(view(), 400); }

 private:
  idleheads_string text_ = {nullptr, 0};
};

}  // namespace idleheads
