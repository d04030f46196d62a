#include "model/locate.h"

#include <algorithm>
#include <cstdlib>

#include "base/error.h"
#include "base/mapped_file.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_hub_name(const std::string& model) {
  const auto allowed = [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '@';
  };
  return std::count(model.begin(), model.end(), '/') == 1 && model.find('/') < model.find('@') &&
         model.front() != '/' && model.back() != '/' && model.front() != '.' && model.size() < 200 &&
         std::all_of(model.begin(), model.end(), allowed);
}

fs::path locate_in_cache(const std::string& model) {
  const size_t at = model.find('@');
  const std::string revision = at == std::string::npos ? "main" : model.substr(at + 1);
  std::string folder = model.substr(0, at);
  folder.replace(folder.find('/'), 1, "--");
  const fs::path repository = hub_cache() / ("models--" + folder);
  std::error_code ignored;
  if (!fs::is_directory(repository, ignored)) {
    fail(
        "model '{}': no such file or folder, and not in the Hugging Face cache ({}); download it there "
        "first, "
        "idleheads never uses the network",
        model, repository.string());
  }
  const std::optional<fs::path> snapshot = hub_snapshot(repository.filename().string(), revision);
  if (!snapshot) {
    fail("model '{}': revision '{}' is not in the Hugging Face cache ({})", model, revision,
         repository.string());
  }
  return *snapshot;
}

}  // namespace

fs::path hub_cache() {
  if (const std::string path = environment("HF_HUB_CACHE"); !path.empty()) return path;
  if (const std::string path = environment("HF_HOME"); !path.empty()) return fs::path(path) / "hub";
  if (const std::string path = environment("XDG_CACHE_HOME"); !path.empty())
    return fs::path(path) / "huggingface" / "hub";
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
  if (fs::exists(model, ignored)) return model;
  if (is_hub_name(model)) return locate_in_cache(model);
  fail("model '{}': no such file or folder", printable(model, 200));
}

}  // namespace idleheads
