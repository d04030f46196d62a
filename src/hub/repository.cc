#include "hub/repository.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "format/json.h"

namespace idleheads {
namespace {

bool is_hex(std::string_view text, size_t size) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == size && std::ranges::all_of(text, is_digit);
}

// A relative path without "", ".", ".." in it, and without what a terminal or a file system would not take.
bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > 1000) return false;
  if (std::ranges::any_of(path, [](char c) { return (c >= 0 && c < ' ') || c == '\\' || c == '\x7f'; }))
    return false;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (part.empty() || part == "." || part == ".." || part.size() > 200) return false;
    at = end + 1;
  }
  return true;
}

class Listing {
 public:
  Listing(const RepositoryName& name, const HubSettings& settings)
      : what_(fmt::format("{}'s listing of {}", settings.endpoint, name.name)) {}

  RemoteRepository read(const std::string& text, const RepositoryName& name) const {
    const Json json = parse_json(text, what_);
    RemoteRepository repository{name, string_in(json, "sha"), {}};
    if (!is_hex(repository.commit, 40)) fail("{}: '{}' is not a commit", what_, printable(repository.commit));
    if (!json.contains("siblings") || !json["siblings"].is_array())
      fail("{}: it has no list of files", what_);
    for (const Json& file : json["siblings"]) repository.files.push_back(file_of(file));
    std::ranges::sort(repository.files, {}, &RemoteFile::path);
    return repository;
  }

 private:
  std::string string_in(const Json& object, const char* key) const {
    const bool there = object.is_object() && object.contains(key) && object[key].is_string();
    if (!there) fail("{}: expected a text '{}'; is HF_ENDPOINT a Hugging Face Hub?", what_, key);
    return object[key].get<std::string>();
  }

  RemoteFile file_of(const Json& json) const {
    RemoteFile file;
    file.path = string_in(json, "rfilename");
    if (!is_safe_path(file.path))
      fail("{}: the file name '{}' is not safe", what_, printable(file.path, 200));
    const bool is_large = json.contains("lfs") && json["lfs"].is_object();
    const Json& source = is_large ? json["lfs"] : json;
    file.digest = string_in(source, is_large ? "sha256" : "blobId");
    if (!is_hex(file.digest, is_large ? 64 : 40))
      fail("{}: '{}' is not the sum of a file", what_, printable(file.digest));
    if (!source.contains("size") || !source["size"].is_number_unsigned())
      fail("{}: {} has no size", what_, printable(file.path, 200));
    const uint64_t size = source["size"].get<uint64_t>();
    if (size > uint64_t{1} << 50) fail("{}: {} bytes of {}", what_, size, printable(file.path, 200));
    file.size = static_cast<int64_t>(size);
    return file;
  }

  std::string what_;  // for messages
};

std::string page_of(const HubSettings& settings, const RepositoryName& name) {
  return fmt::format("{}/{}{}", settings.endpoint, name.kind == HubKind::dataset ? "datasets/" : "",
                     name.name);
}

std::string kind_of(const RepositoryName& name) {
  return name.kind == HubKind::dataset ? "data set" : "model";
}

// ": TEXT" of what the Hub says itself; empty if it says nothing.
std::string said(const HttpReply& reply) {
  const std::string& text = reply.error_text.empty() ? reply.body : reply.error_text;
  return text.empty() ? "" : ": " + printable(text, 200);
}

// What to do where the Hub has what was asked for, and does not give it.
std::string refused(const HttpReply& reply, const HubSettings& settings, const RepositoryName& name) {
  const std::string page = page_of(settings, name);
  if (reply.error_code != "GatedRepo") {
    return fmt::format(
        "{}: {} refuses it with HTTP {}{}; if it is gated, accept its terms on {}, and give a token that may "
        "read it as HF_TOKEN",
        name.name, settings.endpoint, reply.status, said(reply), page);
  }
  if (settings.token.empty())
    return fmt::format("{} is gated: accept its terms on {}, then give your token as HF_TOKEN", name.name,
                       page);
  return fmt::format(
      "{} is gated and your token has no access: accept its terms on {} with the account of the token, "
      "and wait where its owners decide",
      name.name, page);
}

// What to do where the Hub does not know what was asked for, or does not say that it does.
std::string unknown(const HttpReply& reply, const HubSettings& settings, const RepositoryName& name) {
  if (reply.error_code == "RevisionNotFound")
    return fmt::format("{} has no revision '{}' on {}", name.name, name.revision, settings.endpoint);
  if (reply.status == 401 && !settings.token.empty() && reply.error_code.empty()) {
    return fmt::format(
        "{}: {} does not take your token (HF_TOKEN, or the file of `hf auth login`): it is not valid any "
        "more, or not valid for this {}",
        name.name, settings.endpoint, kind_of(name));
  }
  return fmt::format("{}: no such {} on {}, or a private one{}", name.name, kind_of(name), settings.endpoint,
                     settings.token.empty() ? "; check the name, or give your token as HF_TOKEN"
                                            : " that your token has no access to; check the name");
}

}  // namespace

const RemoteFile* RemoteRepository::find(const std::string& path) const {
  const auto found = std::ranges::find(files, path, &RemoteFile::path);
  return found == files.end() ? nullptr : &*found;
}

std::vector<std::filesystem::path> RemoteRepository::paths() const {
  std::vector<std::filesystem::path> out;
  for (const RemoteFile& file : files) out.emplace_back(file.path);
  return out;
}

void require_success(const HttpReply& reply, const HubSettings& settings, const RepositoryName& name) {
  if (reply.status == 200 || reply.status == 206) return;
  if (reply.error_code == "GatedRepo" || reply.status == 403) throw NotThere(refused(reply, settings, name));
  if (reply.status == 401 || reply.status == 404) throw NotThere(unknown(reply, settings, name));
  fail("{}: {} answers HTTP {}{}", name.name, settings.endpoint, reply.status, said(reply));
}

RemoteRepository list_repository(HttpClient& http, const HubSettings& settings, const RepositoryName& name) {
  const std::string kind = name.kind == HubKind::dataset ? "datasets" : "models";
  const HttpReply reply = http.get(fmt::format("{}/api/{}/{}/revision/{}?blobs=true", settings.endpoint, kind,
                                               name.name, url_part(name.revision)));
  require_success(reply, settings, name);
  return Listing(name, settings).read(reply.body, name);
}

std::string address_of(const HubSettings& settings, const RemoteRepository& repository,
                       const RemoteFile& file) {
  std::string path;
  for (const std::filesystem::path& part : std::filesystem::path(file.path))
    path += "/" + url_part(part.string());
  return fmt::format("{}/resolve/{}{}", page_of(settings, repository.name), repository.commit, path);
}

}  // namespace idleheads
