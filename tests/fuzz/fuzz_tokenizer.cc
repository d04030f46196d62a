// A tokenizer.json and what may stand beside it: a tokenizer that encodes a text, or Error. The bytes are a
// JSON patch of a small tokenizer.json, so that most inputs reach its parts; bytes that are no JSON are the
// file itself.
#include <cstdint>
#include <string>

#include "format/json.h"
#include "idleheads/base/error.h"
#include "model/text_library.h"

namespace idleheads {
namespace {

const Json& small_tokenizer() {
  static const Json tokenizer = Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": true, "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                                        "use_regex": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": "a", "fuse_unk": false, "byte_fallback": false,
              "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3}, "merges": ["a b"]}})");
  return tokenizer;
}

void encode(const std::string& tokenizer, const std::string& files) {
  LibraryString error;
  const TokenizerHandle made(idleheads_tokenizer_from_json(view_of(tokenizer), view_of(files), error.out()));
  if (!made) return;
  idleheads_ids ids = {nullptr, 0};
  LibraryString failure, text, not_decoded;
  const std::string sample = "<s>abab  a\u00e9\n12 ab" + std::string(300, 'a');
  if (!idleheads_tokenizer_encode(made.get(), view_of(sample), true, &ids, failure.out())) return;
  idleheads_tokenizer_decode(made.get(), ids.data, ids.size, true, text.out(), not_decoded.out());
  idleheads_ids_free(ids);
}

// The patch's key "files" is what stands beside tokenizer.json.
void encode_patched(Json patch) {
  Json files = {{"tokenizer_config", nullptr},
                {"special_tokens_map", nullptr},
                {"added_tokens", nullptr},
                {"tokenizer_class", nullptr}};
  if (const auto given = patch.find("files"); given != patch.end()) {
    files.merge_patch(*given);
    patch.erase(given);
  }
  Json tokenizer = small_tokenizer();
  tokenizer.merge_patch(patch);
  encode(tokenizer.dump(), files.dump());
}

}  // namespace
}  // namespace idleheads

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  try {
    idleheads::Json patch = idleheads::parse_json(bytes, "fuzz");
    if (patch.is_object()) idleheads::encode_patched(std::move(patch));
  } catch (const idleheads::Error&) {
    idleheads::encode(bytes, "");
  }
  return 0;
}
