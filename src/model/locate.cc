#include "model/locate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/fail.h"
#include "base/file_exists.h"
#include "model/hub_cache.h"
#include "model/model_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

std::string list_of(const std::vector<fs::path>& paths) {
  constexpr size_t kMostShown = 12;
  std::vector<std::string> names;
  for (const fs::path& path : paths) names.push_back(printable(path.string(), 120));
  const size_t left_out = names.size() - std::min(names.size(), kMostShown);
  names.resize(names.size() - left_out);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     left_out == 0 ? "" : fmt::format(" and {} more", left_out));
}

// What to open in a folder; `text` chooses among GGUF models. For messages: `how` one is named, and how to
// `get` one that is not there.
fs::path choose(const fs::path& folder, const std::string& text, const std::string& how,
                const std::string& get = "") {
  refuse_adapter(folder);
  if (text.empty() && holds_safetensors(folder)) return folder;
  const std::vector<fs::path> models = gguf_models(folder);
  if (text.empty() && models.empty()) return folder;  // the checkpoint says what is missing
  const std::string shown = shown_path(folder);
  if (models.empty())
    fail("{}: no GGUF file in this folder, so none that '{}' names{}", shown, printable(text), get);
  const std::vector<fs::path> found = text.empty() ? models : models_matching(models, text);
  if (found.empty()) {
    fail("{}: no GGUF model's name contains '{}'; there are: {}{}", shown, printable(text), list_of(models),
         get);
  }
  if (found.size() > 1) {
    fail("{}: {} GGUF models{}: {}; name one as {}", shown, found.size(),
         text.empty() ? "" : fmt::format(" match '{}'", printable(text)), list_of(found), how);
  }
  return folder / found.front();
}

// The snapshots and references that a cached repository has.
std::vector<fs::path> cached_names(const fs::path& folder) {
  std::error_code none_there;
  return names_in(folder, none_there);
}

[[noreturn]] void refuse_revision(const std::string& model, const HubName& name, const fs::path& repository) {
  const std::vector<fs::path> commits = cached_names(repository / "snapshots");
  if (commits.empty()) {
    fail(
        "model '{}': revision '{}' is not in the Hugging Face cache ({}), which has no snapshot of the "
        "model; "
        "get it with: {}",
        printable(model), printable(name.revision), repository.string(), fetch_command(name));
  }
  const bool is_part =
      !name.revision.empty() && std::any_of(commits.begin(), commits.end(), [&](const fs::path& commit) {
        return commit.string().starts_with(name.revision);
      });
  fail(
      "model '{}': revision '{}' is not in the Hugging Face cache ({}){}; there are the commits {}: name one "
      "as {}@{}, or get it with: {}",
      printable(model), printable(name.revision), repository.string(),
      is_part ? ", where commits must be written in full" : "", list_of(commits), name.repository,
      printable(commits.front().string()), fetch_command(name));
}

fs::path locate_in_cache(const std::string& model, const HubName& name) {
  const fs::path repository = hub_cache() / hub_folder(HubKind::model, name.repository);
  std::error_code ignored;
  if (!fs::is_directory(repository, ignored)) {
    fail("model '{}': no such file or folder, and not in the Hugging Face cache ({}); get it with: {}",
         printable(model, 200), repository.string(), fetch_command(name));
  }
  const std::optional<fs::path> snapshot = hub_snapshot(repository.filename().string(), name.revision);
  if (!snapshot) refuse_revision(model, name, repository);
  return choose(
      *snapshot, name.text,
      fmt::format("{0}:TEXT, a part of the name that no other has, or {0}/FILE.gguf", name.repository),
      "; get it with: " + fetch_command(name));
}

}  // namespace

fs::path locate_model(const std::string& model) {
  if (model.empty()) fail_usage("the model's name is empty");
  std::error_code ignored;
  if (file_exists(model)) {
    return fs::is_directory(model, ignored) ? choose(model, "", "FOLDER/FILE.gguf") : fs::path(model);
  }
  if (const std::optional<HubName> name = parse_hub_name(model)) return locate_in_cache(model, *name);
  fail("model '{}': no such file or folder", printable(model, 200));
}

}  // namespace idleheads
