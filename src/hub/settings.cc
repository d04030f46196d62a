#include "hub/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/environment.h"
#include "base/fail.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "model/hub_cache.h"

namespace idleheads {
namespace {

std::string stripped(std::string text) {
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  text.erase(text.begin(), std::ranges::find_if_not(text, is_space));
  while (!text.empty() && is_space(text.back())) text.pop_back();
  return text;
}

// It goes into a header, so that a line break in it would begin another one.
std::string checked_token(std::string token, const std::string& where) {
  token = stripped(std::move(token));
  if (token.size() > 1000 || !std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; }))
    fail("{}: not a token of the Hugging Face Hub; expected one line of letters, digits and '_'", where);
  return token;
}

std::string find_token() {
  if (is_switched_on("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return "";
  for (const char* variable : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    if (std::string token = checked_token(environment(variable), variable); !token.empty()) return token;
  }
  const std::filesystem::path file = hub_token_file();
  return file_exists(file) ? checked_token(read_text_file(file, 4096), shown_path(file)) : "";
}

std::string find_endpoint() {
  std::string endpoint = stripped(environment("HF_ENDPOINT"));
  if (endpoint.empty()) return "https://huggingface.co";
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const bool is_url = endpoint.starts_with("https://") || endpoint.starts_with("http://");
  if (!is_url || !std::ranges::all_of(endpoint, [](char c) { return c > ' ' && c < '\x7f'; }))
    fail("HF_ENDPOINT is '{}', expected an address as in https://huggingface.co", printable(endpoint, 200));
  // It is printed, and goes into logs.
  if (endpoint.find('@') != std::string::npos)
    fail("HF_ENDPOINT names a user (...@...); leave that out and give a token in HF_TOKEN");
  return endpoint;
}

std::chrono::seconds find_timeout(std::chrono::seconds otherwise) {
  const std::string text = environment("HF_HUB_DOWNLOAD_TIMEOUT");
  if (text.empty()) return otherwise;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > 86400)
    fail("HF_HUB_DOWNLOAD_TIMEOUT is '{}', expected seconds from 1 to 86400", printable(text));
  return std::chrono::seconds(seconds);
}

void refuse_offline() {
  for (const char* variable : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) {
    if (is_switched_on(variable))
      fail("{} is set, so nothing is fetched; unset it (env -u {} idleheads fetch ...) to use the network",
           variable, variable);
  }
}

}  // namespace

HubSettings hub_settings() {
  refuse_offline();
  HubSettings settings;
  settings.endpoint = find_endpoint();
  settings.token = find_token();
  settings.cache = hub_cache();
  settings.timeout = find_timeout(settings.timeout);
  return settings;
}

}  // namespace idleheads
