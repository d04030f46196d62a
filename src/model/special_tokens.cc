#include "model/special_tokens.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "format/json.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 7> kNames = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};
constexpr const char* kAdditional = "additional_special_tokens";
constexpr const char* kExtra = "extra_special_tokens";

// Defaults of transformers' classes, for tokens that no file speaks of. Those not listed have none.
struct ClassDefaults {
  std::string_view tokenizer_class;
  std::map<std::string, std::string> tokens;
};

const std::vector<ClassDefaults>& class_defaults() {
  const std::string end = "<|endoftext|>";
  static const std::vector<ClassDefaults> defaults = {
      {"GPT2Tokenizer", {{"bos_token", end}, {"eos_token", end}, {"unk_token", end}}},
      {"Qwen2Tokenizer", {{"eos_token", end}, {"unk_token", end}, {"pad_token", end}}},
      {"LlamaTokenizer", {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}}},
      {"GemmaTokenizer",
       {{"bos_token", "<bos>"}, {"eos_token", "<eos>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}}}};
  return defaults;
}

struct File {
  std::string path;
  Json object = Json::object();
};

File read_object(const fs::path& path) {
  File file;
  file.path = path.string();
  if (!file_exists(path)) return file;
  file.object = parse_json(read_text_file(path), file.path);
  if (!file.object.is_object())
    fail("{}: expected a JSON object, found {}", file.path, file.object.type_name());
  return file;
}

// A token: a string, {"content": string}, or null for none.
std::string token_text(const File& file, const std::string& key, const Json& value) {
  if (value.is_null()) return "";
  const bool wrapped = value.is_object() && value.contains("content");
  const Json& text = wrapped ? value.at("content") : value;
  if (!text.is_string()) fail("{}: {} is {}, expected a token", file.path, printable(key), value.type_name());
  return text.get<std::string>();
}

void set_named(SpecialTokens& tokens, const File& file, const std::string& key, const Json& value) {
  const std::string text = token_text(file, key, value);
  if (text.empty())
    tokens.named.erase(key);
  else
    tokens.named[key] = text;
}

void add_listed(SpecialTokens& tokens, const File& file, const char* key, const Json& list) {
  if (list.is_null()) return;
  if (!list.is_array()) fail("{}: {} is {}, expected a list of tokens", file.path, key, list.type_name());
  for (const Json& entry : list) {
    const std::string text = token_text(file, key, entry);
    if (!text.empty() && std::ranges::find(tokens.additional, text) == tokens.additional.end())
      tokens.additional.push_back(text);
  }
}

void add_file(SpecialTokens& tokens, const File& file) {
  for (const char* name : kNames) {
    if (const auto found = file.object.find(name); found != file.object.end())
      set_named(tokens, file, name, *found);
  }
  if (const auto found = file.object.find(kAdditional); found != file.object.end())
    add_listed(tokens, file, kAdditional, *found);
  const auto extra = file.object.find(kExtra);
  if (extra == file.object.end()) return;
  if (!extra->is_object()) return add_listed(tokens, file, kExtra, *extra);
  for (const auto& [name, value] : extra->items()) set_named(tokens, file, name, value);
}

SpecialTokens defaults_of(const File& config) {
  const auto found = config.object.find("tokenizer_class");
  if (found == config.object.end() || !found->is_string()) return {};
  std::string name = found->get<std::string>();
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  for (const ClassDefaults& defaults : class_defaults()) {
    if (defaults.tokenizer_class == name) return {.named = defaults.tokens};
  }
  return {};
}

}  // namespace

SpecialTokens special_tokens_of_folder(const fs::path& folder) {
  const File config = read_object(folder / "tokenizer_config.json");
  SpecialTokens tokens = defaults_of(config);
  add_file(tokens, config);
  if (!config.object.contains("added_tokens_decoder"))
    add_file(tokens, read_object(folder / "special_tokens_map.json"));
  return tokens;
}

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
