#include "model/model_folder.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/fail.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "base/words.h"
#include "format/json.h"
#include "model/split_gguf.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> require_names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> names = names_in(folder, error);
  if (error) fail("{}: cannot list the folder: {}", shown_path(folder), error.message());
  return names;
}

bool is_gguf_model(const std::string& name) {
  const std::string plain = lower_case(name);
  return plain.ends_with(".gguf") && plain.find("mmproj") == std::string::npos &&
         plain.find("imatrix") == std::string::npos;
}

// Weights that are not read, by the beginning and the end of the files' names.
struct OtherWeights {
  std::string_view begin, end, what, advice;
};
constexpr std::string_view kSave =
    "save them as safetensors (in transformers: from_pretrained, then save_pretrained)";
constexpr std::array kOtherWeights = std::to_array<OtherWeights>({
    {"pytorch_model", ".bin", "PyTorch .bin weights", kSave},
    {"pytorch_model", ".bin.index.json", "PyTorch .bin weights", kSave},
    {"tf_model", ".h5", "TensorFlow weights", kSave},
    {"flax_model", ".msgpack", "Flax weights", kSave},
    {"consolidated", ".safetensors", "weights in the original layout of their authors",
     "give the folder in Hugging Face's layout"},
    {"consolidated", ".pth", "weights in the original layout of their authors",
     "give the folder in Hugging Face's layout"},
    {"adapter_model", ".safetensors", "the weights of an adapter",
     "merge it into its base model and give the merged model"},
    {"adapter_model", ".bin", "the weights of an adapter",
     "merge it into its base model and give the merged model"},
    {"model", ".safetensors", "a variant or a part of safetensors weights",
     "give a folder with model.safetensors or the index of its parts"},
});

std::string base_model(const fs::path& adapter_config) {
  const Json json = parse_json(read_text_file(adapter_config), adapter_config.string());
  if (!json.is_object() || !json.contains("base_model_name_or_path")) return "not named";
  const Json& name = json["base_model_name_or_path"];
  return name.is_string() ? fmt::format("'{}'", printable(name.get<std::string>())) : "not named";
}

}  // namespace

std::vector<fs::path> names_in(const fs::path& folder, std::error_code& error) {
  std::vector<fs::path> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

bool holds_safetensors(const fs::path& folder) {
  return file_exists(folder / "model.safetensors") || file_exists(folder / "model.safetensors.index.json");
}

std::vector<fs::path> gguf_models_among(std::vector<fs::path> files) {
  std::sort(files.begin(), files.end());
  std::vector<fs::path> models;
  std::set<fs::path> split;
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    if (!is_gguf_model(name)) continue;
    const auto part = part_name(name);
    const bool is_split = part && part->count > 1;
    if (is_split && !split.insert(file.parent_path() / name_of({part->stem, 1, part->count})).second)
      continue;
    models.push_back(file);
  }
  return models;
}

std::vector<fs::path> gguf_models(const fs::path& folder) {
  std::vector<fs::path> files = require_names_in(folder);
  std::error_code ignored;
  for (const fs::path& name : require_names_in(folder)) {
    if (!fs::is_directory(folder / name, ignored)) continue;
    for (const fs::path& inside : require_names_in(folder / name)) files.push_back(name / inside);
  }
  return gguf_models_among(std::move(files));
}

std::vector<fs::path> models_matching(const std::vector<fs::path>& models, const std::string& text) {
  std::vector<fs::path> found;
  for (const fs::path& model : models) {
    if (model == text || model.filename() == text) return {model};
    if (lower_case(model.string()).find(lower_case(text)) != std::string::npos) found.push_back(model);
  }
  return found;
}

void refuse_adapter(const fs::path& folder) {
  const fs::path config = folder / "adapter_config.json";
  if (!file_exists(config)) return;
  const bool alone = !file_exists(folder / "config.json");
  fail(
      "{}: {} a PEFT adapter (adapter_config.json; its base model: {}); merge it first (in peft: "
      "merge_and_unload) and give the merged model{}",
      shown_path(folder), alone ? "holds only" : "holds", base_model(config),
      alone ? "" : ", or take the adapter out of the folder");
}

std::string other_weights_among(const std::vector<fs::path>& files) {
  for (const fs::path& path : files) {
    const std::string name = path.string();
    for (const OtherWeights& other : kOtherWeights) {
      if (name.starts_with(other.begin) && name.ends_with(other.end)) {
        return fmt::format("; it holds {} only ({}): {}", other.what, printable(name), other.advice);
      }
    }
  }
  return "";
}

std::string other_weights(const fs::path& folder) { return other_weights_among(require_names_in(folder)); }

}  // namespace idleheads
