#include "idleheads/model/special_tokens.h"

#include <array>
#include <utility>

#include "base/fail.h"
#include "format/gguf.h"

namespace idleheads {

SpecialTokens special_tokens_of_gguf(const Gguf& gguf) {
  constexpr std::array<std::pair<const char*, const char*>, 7> kKeys = {{{"bos_token_id", "bos_token"},
                                                                         {"eos_token_id", "eos_token"},
                                                                         {"unknown_token_id", "unk_token"},
                                                                         {"padding_token_id", "pad_token"},
                                                                         {"seperator_token_id", "sep_token"},
                                                                         {"cls_token_id", "cls_token"},
                                                                         {"mask_token_id", "mask_token"}}};
  SpecialTokens out;
  const auto* tokens = find<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
  if (tokens == nullptr) return out;
  for (const auto& [key, name] : kKeys) {
    const std::string full = std::string("tokenizer.ggml.") + key;
    const int64_t* id = find<int64_t>(gguf, full);
    if (id == nullptr) continue;
    if (*id < 0 || *id >= static_cast<int64_t>(tokens->size()))
      fail("{}: {} is {}, but the tokenizer has {} tokens", gguf.name, full, *id, tokens->size());
    out.named[name] = (*tokens)[static_cast<size_t>(*id)];
  }
  return out;
}

}  // namespace idleheads
