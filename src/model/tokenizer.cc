#include "idleheads/model/tokenizer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/fail.h"
#include "model/text_library.h"
#include "model/tokenizer_folder.h"
#include "model/tokenizer_gguf.h"

namespace idleheads {
namespace {

// Memory of the library, given back at the end of the scope.
struct LibraryIds {
  idleheads_ids ids = {nullptr, 0};
  ~LibraryIds() { idleheads_ids_free(ids); }
};

std::vector<TokenId> encode_with(const idleheads_tokenizer* tokenizer, std::string_view text,
                                 bool add_special_tokens) {
  LibraryIds out;
  LibraryString error;
  if (!idleheads_tokenizer_encode(tokenizer, view_of(text), add_special_tokens, &out.ids, error.out())) {
    fail("cannot make tokens of the text: {}", error.message());
  }
  return {out.ids.data, out.ids.data + out.ids.size};
}

// transformers' clean_up_tokenization: each replaced everywhere, one after the other.
std::string without_extra_spaces(std::string text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kReplacements = {{{" .", "."},
                                                                                            {" ?", "?"},
                                                                                            {" !", "!"},
                                                                                            {" ,", ","},
                                                                                            {" ' ", "'"},
                                                                                            {" n't", "n't"},
                                                                                            {" 'm", "'m"},
                                                                                            {" 's", "'s"},
                                                                                            {" 've", "'ve"},
                                                                                            {" 're", "'re"}}};
  for (const auto& [from, to] : kReplacements) {
    std::string out;
    size_t begin = 0;
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
      out.append(text, begin, at - begin).append(to);
      begin = at + from.size();
    }
    text = out.append(text, begin);
  }
  return text;
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerParts made) : parts(std::move(made)) {
    const std::vector<TokenId> own = encode_with(parts.handle.get(), "", true);
    const bool puts_bos = parts.bos && !own.empty() && own.front() == *parts.bos;
    adds_bos = parts.adds_bos.value_or(puts_bos);
    if (adds_bos && !parts.bos) fail("the tokenizer's settings ask for a BOS token, but name none");
    if (parts.adds_eos && !parts.eos) fail("the tokenizer's settings ask for an EOS token, but name none");
    inserts_bos = adds_bos && !puts_bos;
    removes_bos = !adds_bos && puts_bos;
  }

  TokenizerParts parts;
  bool adds_bos = false;
  // Where the settings want something else than the post-processing does by itself.
  bool inserts_bos = false, removes_bos = false;
  int64_t rows = std::numeric_limits<int64_t>::max();  // ids from here on are refused
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

Tokenizer Tokenizer::from_folder(const std::filesystem::path& folder) {
  return Tokenizer(std::make_unique<Impl>(tokenizer_from_folder(folder)));
}

Tokenizer Tokenizer::from_gguf(const Gguf& gguf) {
  return Tokenizer(std::make_unique<Impl>(tokenizer_from_gguf(gguf)));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::vector<TokenId> ids = encode_with(impl_->parts.handle.get(), text, add_special_tokens);
  if (add_special_tokens && impl_->inserts_bos) ids.insert(ids.begin(), *impl_->parts.bos);
  if (add_special_tokens && impl_->removes_bos) ids.erase(ids.begin());
  if (add_special_tokens && impl_->parts.adds_eos) ids.push_back(*impl_->parts.eos);
  const auto beyond = std::ranges::find_if(ids, [&](TokenId id) { return id >= impl_->rows; });
  if (beyond != ids.end()) {
    fail(
        "the text has the token '{}' of id {}, but the model has only {} tokens; the tokenizer is not this "
        "model's, or tokens were added to it only",
        printable(token(*beyond).value_or("")), *beyond, impl_->rows);
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  std::vector<uint32_t> numbers;
  numbers.reserve(ids.size());
  for (const TokenId id : ids) {
    if (id < 0) fail("token id {} is not in the vocabulary of {} tokens", id, vocabulary_size());
    numbers.push_back(static_cast<uint32_t>(id));
  }
  LibraryString text, error;
  if (!idleheads_tokenizer_decode(impl_->parts.handle.get(), numbers.data(), numbers.size(),
                                  skip_special_tokens, text.out(), error.out())) {
    fail("cannot make text of the tokens: {}", error.message());
  }
  return impl_->parts.cleans_up_spaces ? without_extra_spaces(text.copy()) : text.copy();
}

void Tokenizer::refuse_ids_from(int64_t rows) { impl_->rows = rows; }

int64_t Tokenizer::vocabulary_size() const {
  return static_cast<int64_t>(idleheads_tokenizer_size(impl_->parts.handle.get()));
}

std::optional<std::string> Tokenizer::token(TokenId id) const {
  LibraryString text;
  if (id < 0 ||
      !idleheads_tokenizer_token(impl_->parts.handle.get(), static_cast<uint32_t>(id), text.out())) {
    return std::nullopt;
  }
  return text.copy();
}

std::optional<TokenId> Tokenizer::id(std::string_view token) const {
  uint32_t id = 0;
  if (!idleheads_tokenizer_id(impl_->parts.handle.get(), view_of(token), &id)) return std::nullopt;
  return static_cast<TokenId>(id);
}

std::optional<TokenId> Tokenizer::bos() const { return impl_->parts.bos; }
std::optional<TokenId> Tokenizer::eos() const { return impl_->parts.eos; }
bool Tokenizer::adds_bos() const { return impl_->adds_bos; }
const std::string& Tokenizer::description() const { return impl_->parts.description; }
const std::string& Tokenizer::note() const { return impl_->parts.note; }

}  // namespace idleheads
