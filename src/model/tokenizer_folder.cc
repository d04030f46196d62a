#include "model/tokenizer_folder.h"

#include <array>

#include "base/fail.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "model/per_layer_config.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// A JSON object with the path it was read from; an empty object if there is no such file.
struct JsonFile {
  std::string path;
  Json object;
};

JsonFile read_json_file(const fs::path& path) {
  if (!file_exists(path)) return {path.string(), Json::object()};
  JsonFile file = {path.string(), parse_json(read_text_file(path), path.string())};
  if (!file.object.is_object())
    fail("{}: expected a JSON object, found {}", file.path, file.object.type_name());
  return file;
}

[[noreturn]] void wrong_type(const JsonFile& file, const char* key, const char* expected) {
  fail("{}: {} is {}, expected {}", file.path, key, file.object.at(key).type_name(), expected);
}

// A token's id in config.json: a number, null, or a list of which the first counts.
std::optional<int64_t> token_id(const JsonFile& config, const char* key) {
  const auto found = config.object.find(key);
  if (found == config.object.end() || found->is_null()) return std::nullopt;
  const Json& value = found->is_array() && !found->empty() ? found->front() : *found;
  if (!value.is_number_integer()) wrong_type(config, key, "a token id");
  return value.get<int64_t>();
}

bool cleans_up_spaces(const JsonFile& config) {
  constexpr const char* kKey = "clean_up_tokenization_spaces";
  const auto found = config.object.find(kKey);
  if (found == config.object.end()) return false;
  if (!found->is_boolean()) wrong_type(config, kKey, "true or false");
  return found->get<bool>();
}

std::optional<std::string> read_chat_template(const JsonFile& config) {
  const auto found = config.object.find("chat_template");
  if (found == config.object.end() || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) wrong_type(config, "chat_template", "a string or a list of named templates");
  for (const Json& entry : *found) {
    if (!entry.is_object() || !entry.contains("name") || !entry.contains("template") ||
        !entry["template"].is_string()) {
      fail("{}: chat_template has an entry without name and template", config.path);
    }
    if (entry["name"] == "default") return entry["template"].get<std::string>();
  }
  return std::nullopt;
}

// The tokenizer class that transformers takes if tokenizer_config.json names none.
Json class_of_model(const JsonFile& model_config) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kClasses = {
      {{"llama", "LlamaTokenizer"},
       {"mistral", "LlamaTokenizer"},
       {"qwen2", "Qwen2Tokenizer"},
       {"olmo", "GPTNeoXTokenizer"},
       {"olmo2", "GPTNeoXTokenizer"}}};
  const Json& config = model_config.object;
  if (const auto named = config.find("tokenizer_class"); named != config.end() && !named->is_null()) {
    if (!named->is_string()) wrong_type(model_config, "tokenizer_class", "a name");
    return *named;
  }
  const auto type = config.find("model_type");
  for (const auto& [model, name] : kClasses) {
    if (type != config.end() && type->is_string() &&
        whole_model_type(type->get_ref<const std::string&>()) == model)
      return name;
  }
  return nullptr;
}

struct Folder {
  explicit Folder(const fs::path& path)
      : config(read_json_file(path / "tokenizer_config.json")),
        map(read_json_file(path / "special_tokens_map.json")),
        added(read_json_file(path / "added_tokens.json")),
        model_config(read_json_file(path / "config.json")) {}

  JsonFile config, map, added, model_config;

  // The `files` of idleheads_tokenizer_from_json.
  std::string for_library() const {
    const Json files = {{"tokenizer_config", config.object},
                        {"special_tokens_map", map.object},
                        {"added_tokens", added.object},
                        {"tokenizer_class", class_of_model(model_config)}};
    return dump_json(files);
  }
};

// config.json's id counts where the tokenizer's files and class do not speak of the token.
std::optional<TokenId> special_token(const idleheads_tokenizer& tokenizer, const JsonFile& model_config,
                                     const char* key) {
  bool said = false;
  uint32_t found = 0;
  if (idleheads_tokenizer_special_id(&tokenizer, view_of(key), &said, &found)) {
    return static_cast<TokenId>(found);
  }
  const std::optional<int64_t> id =
      said ? std::nullopt : token_id(model_config, (std::string(key) + "_id").c_str());
  if (!id) return std::nullopt;
  const auto size = static_cast<int64_t>(idleheads_tokenizer_size(&tokenizer));
  if (*id >= 0 && *id < size) return static_cast<TokenId>(*id);
  fail("{}: {}_id {} is outside the vocabulary of {} tokens", model_config.path, key, *id, size);
}

}  // namespace

std::optional<std::string> chat_template_of_folder(const fs::path& folder) {
  if (const fs::path path = folder / "chat_template.jinja"; file_exists(path)) return read_text_file(path);
  return read_chat_template(read_json_file(folder / "tokenizer_config.json"));
}

SpecialTokens special_tokens_of_folder(const fs::path& folder) {
  const std::string files = Folder(folder).for_library();
  LibraryString found, error;
  if (!idleheads_template_tokens(view_of(files), found.out(), error.out()))
    fail("{}: {}", folder.string(), error.message());
  const Json tokens = parse_json(found.view(), "special tokens");
  return {tokens.at("named"), tokens.at("additional_special_tokens")};
}

TokenizerParts tokenizer_from_folder(const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  if (!file_exists(path)) {
    fail("{}: no tokenizer.json; only the format of Hugging Face's tokenizers library is read",
         folder.string());
  }
  const std::string json = read_text_file(path);
  const Folder read(folder);
  const std::string files = read.for_library();
  LibraryString error;
  TokenizerParts parts;
  parts.handle.reset(idleheads_tokenizer_from_json(view_of(json), view_of(files), error.out()));
  if (!parts.handle) fail("{}: {}", folder.string(), error.message());

  parts.bos = special_token(*parts.handle, read.model_config, "bos_token");
  parts.eos = special_token(*parts.handle, read.model_config, "eos_token");
  parts.cleans_up_spaces = cleans_up_spaces(read.config);
  const idleheads_view model = idleheads_tokenizer_model(parts.handle.get());
  parts.description = fmt::format("{}, {} tokens, tokenizer.json", std::string_view(model.data, model.size),
                                  idleheads_tokenizer_size(parts.handle.get()));
  return parts;
}

}  // namespace idleheads
