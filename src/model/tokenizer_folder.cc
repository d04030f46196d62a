#include "model/tokenizer_folder.h"

#include "base/error.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "format/json.h"

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

// A special token: a string, {"content": string}, or null for none.
std::optional<std::string> token_text(const JsonFile& file, const char* key) {
  const Json* value = &file.object.at(key);
  if (value->is_null()) return std::nullopt;
  if (value->is_object() && value->contains("content")) value = &value->at("content");
  if (!value->is_string()) wrong_type(file, key, "a token");
  return value->get<std::string>();
}

// A token's id in config.json: a number, null, or a list of which the first counts.
std::optional<int64_t> token_id(const JsonFile& config, const char* key) {
  const auto found = config.object.find(key);
  if (found == config.object.end() || found->is_null()) return std::nullopt;
  const Json& value = found->is_array() && !found->empty() ? found->front() : *found;
  if (!value.is_number_integer()) wrong_type(config, key, "a token id");
  return value.get<int64_t>();
}

std::optional<bool> flag(const JsonFile& config, const char* key) {
  const auto found = config.object.find(key);
  if (found == config.object.end()) return std::nullopt;
  if (!found->is_boolean()) wrong_type(config, key, "true or false");
  return found->get<bool>();
}

// The first of the tokenizer's files that has the key decides, also if it says null.
void read_special_token(const JsonFile& config, const JsonFile& map, const JsonFile& model, const char* key,
                        std::optional<std::string>& text, std::optional<int64_t>& id) {
  if (config.object.contains(key)) {
    text = token_text(config, key);
  } else if (map.object.contains(key)) {
    text = token_text(map, key);
  } else {
    id = token_id(model, (std::string(key) + "_id").c_str());
  }
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

std::optional<TokenId> find_token(const idleheads_tokenizer& tokenizer, const fs::path& folder,
                                  const char* key, const std::optional<std::string>& text,
                                  const std::optional<int64_t>& id) {
  if (text) {
    uint32_t found = 0;
    if (idleheads_tokenizer_id(&tokenizer, view_of(*text), &found)) return static_cast<TokenId>(found);
    fail("{}: {} '{}' is not in the vocabulary of tokenizer.json", folder.string(), key, printable(*text));
  }
  if (!id) return std::nullopt;
  const auto size = static_cast<int64_t>(idleheads_tokenizer_size(&tokenizer));
  if (*id >= 0 && *id < size) return static_cast<TokenId>(*id);
  fail("{}: {}_id {} in config.json is outside the vocabulary of {} tokens", folder.string(), key, *id, size);
}

}  // namespace

TokenizerConfig read_tokenizer_config(const fs::path& folder) {
  const JsonFile config = read_json_file(folder / "tokenizer_config.json");
  const JsonFile map = read_json_file(folder / "special_tokens_map.json");
  const JsonFile model = read_json_file(folder / "config.json");
  TokenizerConfig out;
  read_special_token(config, map, model, "bos_token", out.bos_token, out.bos_id);
  read_special_token(config, map, model, "eos_token", out.eos_token, out.eos_id);
  out.add_bos_token = flag(config, "add_bos_token");
  out.cleans_up_spaces = flag(config, "clean_up_tokenization_spaces").value_or(false);
  out.chat_template = read_chat_template(config);
  return out;
}

TokenizerParts tokenizer_from_folder(const fs::path& folder) {
  const fs::path path = folder / "tokenizer.json";
  if (!file_exists(path)) {
    fail("{}: no tokenizer.json; only the format of Hugging Face's tokenizers library is read",
         folder.string());
  }
  const std::string json = read_text_file(path);
  LibraryString error;
  TokenizerParts parts;
  parts.handle.reset(idleheads_tokenizer_from_json(view_of(json), error.out()));
  if (!parts.handle) fail("{}: {}", path.string(), error.message());

  const TokenizerConfig config = read_tokenizer_config(folder);
  parts.bos = find_token(*parts.handle, folder, "bos_token", config.bos_token, config.bos_id);
  parts.eos = find_token(*parts.handle, folder, "eos_token", config.eos_token, config.eos_id);
  parts.adds_bos = config.add_bos_token;
  parts.cleans_up_spaces = config.cleans_up_spaces;
  const idleheads_view model = idleheads_tokenizer_model(parts.handle.get());
  parts.description = fmt::format("{}, {} tokens, tokenizer.json", std::string_view(model.data, model.size),
                                  idleheads_tokenizer_size(parts.handle.get()));
  return parts;
}

}  // namespace idleheads
