#include "model/locate.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "base/fail.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "model/model_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

// $NAME and ${NAME}; one that is not set stays as it is.
std::string with_variables(const std::string& text) {
  const auto is_name = [](unsigned char c) { return std::isalnum(c) || c == '_'; };
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const bool braced = text.compare(at, 2, "${") == 0;
    const size_t begin = at + (braced ? 2 : 1);
    size_t end = begin;
    while (text[at] == '$' && end < text.size() && is_name(static_cast<unsigned char>(text[end]))) ++end;
    const std::string value =
        end > begin && end <= text.size() ? environment(text.substr(begin, end - begin)) : "";
    const bool closed = !braced || (end < text.size() && text[end] == '}');
    if (text[at] == '$' && closed && !value.empty()) {
      out += value;
      at = end + (braced ? 1 : 0);
    } else {
      out += text[at++];
    }
  }
  return out;
}

fs::path expanded(const std::string& path) {
  const bool home = path == "~" || path.starts_with("~/");
  return with_variables(home ? environment("HOME") + path.substr(1) : path);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string list_of(const std::vector<fs::path>& paths) {
  constexpr size_t kMostShown = 12;
  std::vector<std::string> names;
  for (const fs::path& path : paths) names.push_back(printable(path.string(), 120));
  const size_t left_out = names.size() - std::min(names.size(), kMostShown);
  names.resize(names.size() - left_out);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     left_out == 0 ? "" : fmt::format(" and {} more", left_out));
}

// The models that `text` names: one of just this name, or those that contain it.
std::vector<fs::path> matching(const std::vector<fs::path>& models, const std::string& text) {
  std::vector<fs::path> found;
  for (const fs::path& model : models) {
    if (model == text || model.filename() == text) return {model};
    if (lower(model.string()).find(lower(text)) != std::string::npos) found.push_back(model);
  }
  return found;
}

// What to open in a folder; `text` chooses among GGUF models, `how` says in messages how to name one.
fs::path choose(const fs::path& folder, const std::string& text, const std::string& how) {
  refuse_adapter(folder);
  if (text.empty() && holds_safetensors(folder)) return folder;
  const std::vector<fs::path> models = gguf_models(folder);
  if (text.empty() && models.empty()) return folder;  // the checkpoint says what is missing
  const std::string shown = printable(folder.string(), 300);
  if (models.empty())
    fail("{}: no GGUF file in this folder, so none that '{}' names", shown, printable(text));
  const std::vector<fs::path> found = text.empty() ? models : matching(models, text);
  if (found.empty()) {
    fail("{}: no GGUF model's name contains '{}'; there are: {}", shown, printable(text), list_of(models));
  }
  if (found.size() > 1) {
    fail("{}: {} GGUF models{}: {}; name one as {}", shown, found.size(),
         text.empty() ? "" : fmt::format(" match '{}'", printable(text)), list_of(found), how);
  }
  return folder / found.front();
}

// org/name[@revision][:text] or org/name/FILE.gguf
struct HubName {
  std::string repository, revision = "main", text;
};

std::optional<HubName> parse_hub_name(std::string model) {
  HubName name;
  if (const size_t colon = model.find(':'); colon != std::string::npos) {
    name.text = model.substr(colon + 1);
    model.resize(colon);
    if (name.text.empty()) return std::nullopt;
  }
  const size_t file = model.find('/', model.find('/') + 1);
  if (file != std::string::npos && model.find('/') != std::string::npos && name.text.empty() &&
      lower(model).ends_with(".gguf")) {
    name.text = model.substr(file + 1);
    model.resize(file);
  }
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '@';
  };
  const size_t at = model.find('@');
  if (std::count(model.begin(), model.end(), '/') != 1 || model.find('/') > at || model.front() == '/' ||
      model.back() == '/' || model.front() == '.' || model.size() >= 200 ||
      !std::all_of(model.begin(), model.end(), allowed)) {
    return std::nullopt;
  }
  name.repository = model.substr(0, at);
  if (at != std::string::npos) name.revision = model.substr(at + 1);
  return name;
}

// The snapshots and references that a cached repository has.
std::vector<fs::path> names_in(const fs::path& folder) {
  std::vector<fs::path> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names.push_back(entry->path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void refuse_revision(const std::string& model, const HubName& name, const fs::path& repository) {
  const std::vector<fs::path> commits = names_in(repository / "snapshots");
  if (commits.empty()) {
    fail(
        "model '{}': revision '{}' is not in the Hugging Face cache ({}), which has no snapshot of the model",
        printable(model), printable(name.revision), repository.string());
  }
  const bool is_part =
      !name.revision.empty() && std::any_of(commits.begin(), commits.end(), [&](const fs::path& commit) {
        return commit.string().starts_with(name.revision);
      });
  fail(
      "model '{}': revision '{}' is not in the Hugging Face cache ({}){}; there are the commits {}: name one "
      "as {}@{}",
      printable(model), printable(name.revision), repository.string(),
      is_part ? ", where commits must be written in full" : "", list_of(commits), name.repository,
      printable(commits.front().string()));
}

fs::path locate_in_cache(const std::string& model, const HubName& name) {
  std::string folder = name.repository;
  folder.replace(folder.find('/'), 1, "--");
  const fs::path repository = hub_cache() / ("models--" + folder);
  std::error_code ignored;
  if (!fs::is_directory(repository, ignored)) {
    fail(
        "model '{}': no such file or folder, and not in the Hugging Face cache ({}); download it there "
        "first, "
        "idleheads never uses the network",
        printable(model, 200), repository.string());
  }
  const std::optional<fs::path> snapshot = hub_snapshot(repository.filename().string(), name.revision);
  if (!snapshot) refuse_revision(model, name, repository);
  return choose(
      *snapshot, name.text,
      fmt::format("{0}:TEXT, a part of the name that no other has, or {0}/FILE.gguf", name.repository));
}

}  // namespace

fs::path hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const std::string path = environment(name); !path.empty()) return expanded(path);
  }
  if (const std::string path = environment("HF_HOME"); !path.empty()) return expanded(path) / "hub";
  if (const std::string path = environment("XDG_CACHE_HOME"); !path.empty())
    return expanded(path) / "huggingface" / "hub";
  return fs::path(environment("HOME")) / ".cache" / "huggingface" / "hub";
}

std::optional<fs::path> hub_snapshot(const std::string& repository, const std::string& revision) {
  const fs::path folder = hub_cache() / repository;
  const fs::path reference = folder / "refs" / revision;
  std::string commit = revision;
  std::error_code ignored;
  if (fs::is_regular_file(reference, ignored)) {
    commit = read_text_file(reference, 4096);
    commit.erase(std::find_if(commit.begin(), commit.end(), [](unsigned char c) { return std::isspace(c); }),
                 commit.end());
  }
  // A file name and nothing else: what a reference holds must not lead out of the repository.
  const bool plain =
      !commit.empty() && commit != "." && commit != ".." && commit.find('/') == std::string::npos;
  const fs::path snapshot = folder / "snapshots" / commit;
  if (!plain || !fs::is_directory(snapshot, ignored)) return std::nullopt;
  return snapshot;
}

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
