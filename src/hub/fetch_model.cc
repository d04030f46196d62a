// Which files of a repository are a model.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/byte_size.h"
#include "base/fail.h"
#include "base/mapped_file.h"
#include "format/json.h"
#include "hub/download.h"
#include "model/checkpoint.h"
#include "model/model_folder.h"
#include "model/split_gguf.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWeights = "model.safetensors", kIndex = "model.safetensors.index.json";

// What is read beside the weights, as far as a repository has it.
constexpr std::array<std::string_view, 7> kSettings = {
    "config.json",           "generation_config.json",  "tokenizer.json",
    "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "chat_template.jinja"};

HubName hub_name(const std::string& name, const std::string& file, const std::string& revision) {
  std::optional<HubName> parsed = name.empty() ? std::nullopt : parse_hub_name(name);
  if (!parsed) {
    fail_usage("'{}': expected a model's name on the Hugging Face Hub, as in org/name", printable(name, 200));
  }
  if (!file.empty()) parsed->text = file;
  if (!revision.empty()) parsed->revision = revision;
  if (!is_revision(parsed->revision)) {
    fail_usage("revision '{}': expected a branch, tag or commit of letters, digits, '-', '_' and '.'",
               printable(parsed->revision));
  }
  return *parsed;
}

class ModelFiles {
 public:
  ModelFiles(const RemoteRepository& repository, const HubName& name)
      : repository_(repository), name_(name) {}

  bool is_folder() const { return name_.text.empty() && (has(kWeights) || has(kIndex)); }

  std::vector<RemoteFile> settings() const {
    std::vector<RemoteFile> files;
    for (const std::string_view file : kSettings) {
      if (has(file)) files.push_back(required(file));
    }
    if (!has("config.json")) fail("{}: it has safetensors and no config.json", name_.repository);
    return files;
  }

  bool has_index() const { return !has(kWeights); }
  const RemoteFile& required(std::string_view file) const {
    const RemoteFile* found = repository_.find(std::string(file));
    if (found == nullptr) fail("{}: it has no {}", name_.repository, printable(file, 200));
    return *found;
  }

  std::vector<RemoteFile> shards(const fs::path& index) const {
    std::vector<RemoteFile> files;
    for (const std::string& shard : shards_of(parse_json(read_text_file(index), kIndex), std::string(kIndex)))
      files.push_back(required(shard));
    return files;
  }

  // The first part of the model that the name chooses.
  fs::path gguf() const {
    const std::vector<fs::path> models = gguf_models();
    const std::vector<fs::path> found = name_.text.empty() ? models : models_matching(models, name_.text);
    if (models.empty()) {
      fail("{}: it has neither safetensors nor GGUF models{}", name_.repository,
           other_weights_among(repository_.paths()));
    }
    if (found.empty()) {
      fail("{}: no GGUF model's name contains '{}'; there are: {}", name_.repository, printable(name_.text),
           with_sizes(models));
    }
    if (found.size() > 1) {
      fail("{}: {} GGUF models{}; choose one with --file: {}", name_.repository, found.size(),
           name_.text.empty() ? "" : fmt::format(" match '{}'", printable(name_.text)), with_sizes(found));
    }
    return found.front();
  }

  // All parts of it.
  std::vector<RemoteFile> parts(const fs::path& model) const {
    const std::optional<PartName> part = part_name(model.filename().string());
    if (!part) return {required(model.string())};
    std::vector<RemoteFile> files;
    for (int number = 1; number <= part->count; ++number) {
      files.push_back(required((model.parent_path() / name_of({part->stem, number, part->count})).string()));
    }
    return files;
  }

 private:
  bool has(std::string_view file) const { return repository_.find(std::string(file)) != nullptr; }

  // In the repository and its folders, as a folder on disk is searched.
  std::vector<fs::path> gguf_models() const {
    std::vector<fs::path> files = repository_.paths();
    std::erase_if(files, [](const fs::path& file) { return std::distance(file.begin(), file.end()) > 2; });
    return gguf_models_among(std::move(files));
  }

  std::string with_sizes(const std::vector<fs::path>& models) const {
    std::vector<std::string> lines;
    for (const fs::path& model : models) {
      int64_t bytes = 0;
      for (const RemoteFile& file : parts(model)) bytes += file.size;
      lines.push_back(fmt::format("{} ({})", printable(model.string(), 120), byte_size(bytes)));
    }
    return fmt::format("{}", fmt::join(lines, ", "));
  }

  const RemoteRepository& repository_;
  const HubName& name_;
};

}  // namespace

Fetched fetch_model(const std::string& model, const std::string& file, const std::string& revision,
                    const ProgressCallback& progress) {
  const HubName name = hub_name(model, file, revision);
  const HubSettings settings = hub_settings();
  Download download(settings, progress);
  const RemoteRepository repository = download.list({HubKind::model, name.repository, name.revision});
  if (repository.find("adapter_config.json") != nullptr) {
    fail(
        "{}: a PEFT adapter (adapter_config.json), which is not read; merge it into its base model "
        "(in peft: merge_and_unload) and give the merged model",
        name.repository);
  }
  const ModelFiles files(repository, name);
  if (!files.is_folder()) {
    const fs::path model_file = files.gguf();
    download.get(repository, files.parts(model_file));
    Fetched fetched = download.publish(repository);
    fetched.path /= model_file;
    return fetched;
  }
  const CacheFolder folder(settings.cache, repository.name, repository.commit);
  std::vector<RemoteFile> beside = files.settings();
  if (files.has_index()) beside.push_back(files.required(kIndex));
  download.get(repository, beside);
  if (files.has_index()) {
    download.get(repository, files.shards(folder.snapshot() / kIndex));
  } else {
    download.get(repository, std::array{files.required(kWeights)});
  }
  return download.publish(repository);
}

}  // namespace idleheads
