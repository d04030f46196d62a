// What a model is from GGUF metadata ("llama.block_count", ...; ggml-org/ggml docs/gguf.md).
#include "base/fail.h"
#include "model/config.h"
#include "model/families/family.h"
#include "model/kept_heads.h"

namespace idleheads {
namespace {

// A file that is no model, or one whose blocks are laid out in a way that is not known.
void check_general(const Gguf& gguf, std::string_view name) {
  const std::string* type = find<std::string>(gguf, "general.type");
  const auto has_prefix = [&](std::string_view prefix) {
    const auto first = gguf.metadata.lower_bound(std::string(prefix));
    return first != gguf.metadata.end() && first->first.starts_with(prefix);
  };
  if ((type != nullptr && *type == "adapter") || has_prefix("adapter.")) {
    fail("{}: a LoRA adapter, not a model; merge it into its base model first and give the merged file",
         name);
  }
  if ((type != nullptr && *type == "imatrix") || has_prefix("imatrix.")) {
    fail("{}: an importance matrix for quantising, not a model", name);
  }
  const std::string* architecture = find<std::string>(gguf, "general.architecture");
  if ((type != nullptr && *type == "mmproj") || (architecture != nullptr && *architecture == "clip")) {
    fail("{}: the image or audio part of a multimodal model (mmproj), not a language model", name);
  }
  if (type != nullptr && *type != "model") {
    fail("{}: metadata general.type is '{}', expected 'model'", name, printable(*type));
  }
  constexpr int64_t kKnownQuantization = 2;  // GGML_QNT_VERSION
  if (const int64_t* version = find<int64_t>(gguf, "general.quantization_version");
      version != nullptr && *version != kKnownQuantization) {
    fail("{}: metadata general.quantization_version is {}, expected {}; convert the model again", name,
         *version, kKnownQuantization);
  }
}

void check_layout(GgufReader& reader, const StorageSpec& storage) {
  constexpr std::string_view kPermuted = "Meta AI original pth", kStacked = "jploski";
  const std::string layout = reader.text("tensor_data_layout", "");
  const bool fits = (layout == kPermuted && storage.interleaved_rope) ||
                    (layout == kStacked && storage.qkv == StorageSpec::Qkv::stacked);
  if (reader.has("tensor_data_layout") && !fits)
    reader.wrong("tensor_data_layout", printable(layout), "the layout of llama.cpp's converter");
}

}  // namespace

ModelSpec spec_from_gguf(const Gguf& gguf, std::string_view name) {
  check_general(gguf, name);
  const Family& family = family_of_gguf(require<std::string>(gguf, "general.architecture"), name);
  GgufReader reader(gguf, name, family.gguf);
  ModelSpec spec;
  spec.family = family.name;
  family.read_gguf(reader, spec);
  check_layout(reader, spec.storage);
  reader.refuse_acting_keys();
  validate(spec, name);
  read_kept_heads(gguf, name, spec);
  return spec;
}

}  // namespace idleheads
