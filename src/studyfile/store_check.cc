#include "studyfile/store_check.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "base/fail.h"
#include "studyfile/blob.h"

namespace idleheads {
namespace {

// Far above any model; keeps the sizes computed from a damaged file sane.
constexpr int kMaxLayers = 65'536;
constexpr int kMaxHeads = 65'536;
constexpr int kMaxHeadsInModel = 1 << 20;

constexpr size_t kShownBytes = 80;  // of a value in a message

int read_count(const Settings& settings, const std::string& name, int max) {
  const auto it = settings.find(name);
  if (it == settings.end()) fail("setting '{}' is missing", name);
  const std::optional<int64_t> value = count_setting(settings, name, max);
  if (!value) fail("setting '{}' is '{}', expected a number from 1 to {}", name, printable(it->second), max);
  return static_cast<int>(*value);
}

std::string show(const Settings& settings, const std::string& name) {
  const auto it = settings.find(name);
  return it == settings.end() ? "nothing" : fmt::format("'{}'", printable(it->second, kShownBytes));
}

struct Field {
  std::string_view name;
  std::string value;
};

std::array<Field, 11> fields_of(const StoredDocument& document) {
  return {{{"group", document.group},
           {"category", document.category},
           {"number", fmt::format("{}", document.index)},
           {"gold answer", fmt::format("{}", document.gold)},
           {"choice lengths", encode_integers(document.choice_lengths)},
           {"samples", fmt::format("{}", document.samples)},
           {"tokens", fmt::format("{}", document.tokens)},
           {"truncated", document.truncated ? "yes" : "no"},
           {"reference answer", document.reference.value_or("none")},
           {"words", fmt::format("{}", document.words)},
           {"bytes", fmt::format("{}", document.bytes)}}};
}

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

bool same_stats(const SampleStats& a, const SampleStats& b) {
  return a.layers == b.layers && a.heads == b.heads && same_bits(a.values, b.values);
}

// "L3H0,L3H1", in order, and not all of them.
std::vector<HeadId> absent_heads(const std::string& text, int layers, int heads) {
  std::vector<HeadId> absent;
  const auto malformed = [&] {
    fail("setting '{}' is '{}', expected heads in order, as in 'L3H0,L3H1', of {} layers and {} heads",
         kAbsentHeadsSetting, printable(text), layers, heads);
  };
  for (size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = text.find(',', at);
    HeadId id;
    try {
      id = parse_head(std::string_view(text).substr(at, end - at));
    } catch (const UsageError&) {
      malformed();
    }
    if (id.layer >= layers || id.head >= heads || (!absent.empty() && id <= absent.back())) malformed();
    absent.push_back(id);
  }
  if (absent.empty() || std::ssize(absent) == int64_t{layers} * heads) malformed();
  return absent;
}

// SQLite takes a file of one byte for an empty one, and would write over it.
void refuse_one_byte(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) == 1)
    fail("{}: not a study file (not an SQLite database)", shown_path(path));
}

bool accessible(const std::filesystem::path& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

}  // namespace

std::optional<int64_t> count_setting(const Settings& settings, const std::string& name, int64_t most) {
  const auto found = settings.find(name);
  if (found == settings.end()) return std::nullopt;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > most)
    return std::nullopt;
  return value;
}

HeadShape model_shape(const Settings& settings) {
  const int layers = read_count(settings, "model.layers", kMaxLayers);
  const int heads = read_count(settings, "model.heads", kMaxHeads);
  if (int64_t{layers} * heads > kMaxHeadsInModel) {
    fail("settings 'model.layers' and 'model.heads' are {} and {}, expected at most {} heads in all", layers,
         heads, kMaxHeadsInModel);
  }
  const auto absent = settings.find(kAbsentHeadsSetting);
  if (absent == settings.end()) return {layers, heads};
  return {layers, heads, absent_heads(absent->second, layers, heads)};
}

void check_document(const StoredDocument& document) {
  const auto choices = static_cast<int64_t>(document.choice_lengths.size());
  if (document.gold < 0 || document.gold >= std::max<int64_t>(1, choices)) {
    fail("the gold answer is number {}, expected one of {} choices from 0", document.gold, choices);
  }
  for (const int64_t length : document.choice_lengths) {
    if (length < 0) fail("the length of a choice is {}", length);
  }
  if (document.samples < 0 || document.samples > std::numeric_limits<int>::max() || document.tokens < 0) {
    fail("it has {} samples and {} tokens", document.samples, document.tokens);
  }
  if (document.words < 0 || document.bytes < 0) {
    fail("it has {} words and {} bytes", document.words, document.bytes);
  }
  if ((choices > 0) + document.reference.has_value() + document.is_text() > 1) {
    fail("it is more than one of a question with choices, one with a reference answer, and a text");
  }
  if (document.reference && document.samples != 1) {
    fail("an answer is written to one prompt, it has {}", document.samples);
  }
}

const char* plan_fault(const std::vector<StoredIntervention>& plan) {
  if (plan.empty() || !plan[0].score.empty() || plan[0].rule != "none")
    return "the plan does not begin with the baseline";
  if (plan[0].generation != 0 || plan[0].is_static()) return "the baseline is of generation 0";
  for (size_t i = 1; i < plan.size(); ++i) {
    const StoredIntervention &next = plan[i], &before = plan[i - 1];
    const int step = next.generation - before.generation;
    if (!std::isfinite(next.share)) return "a share is not finite";
    if (step < 0 || step > 1) return "generations out of order";
    if (before.is_static() && !next.is_static()) return "static masks come last";
    if (!next.is_static()) continue;
    if (!(*next.at_least > 0 && *next.at_least <= 1)) return "a static mask is off in no share of the inputs";
    if (!before.is_static() && step == 0) return "static masks are of a generation of their own";
  }
  return nullptr;
}

Intervention rule_of(const StoredIntervention& intervention) try {
  return parse_intervention(intervention.rule);
} catch (const UsageError& error) {
  // The file's fault, not that of what the user typed.
  fail("study: its plan has a rule that is not understood: {}; a newer idleheads may have written it",
       error.what());
}

std::string joined_builds(std::string builds, std::string_view more) {
  constexpr std::string_view kBetween = "; ";
  while (!more.empty()) {
    const size_t end = std::min(more.find(kBetween), more.size());
    const std::string build(more.substr(0, end));
    more.remove_prefix(std::min(more.size(), end + kBetween.size()));
    if (("; " + builds + "; ").find("; " + build + "; ") != std::string::npos) continue;
    builds += (builds.empty() ? "" : "; ") + build;
  }
  return builds;
}

bool same_result(const StoredResult& a, const StoredResult& b) {
  return a.document == b.document && same_bits(a.log_likelihoods, b.log_likelihoods) && a.masks == b.masks &&
         a.response == b.response && a.passes == b.passes && std::ranges::equal(a.stats, b.stats, same_stats);
}

void require_same_settings(const std::string& file, const Settings& stored, const Settings& given) {
  Settings names = stored;
  names.insert(given.begin(), given.end());
  std::string differences;
  for (const auto& [name, value] : names) {
    if (name.starts_with("info.")) continue;  // says where things came from, decides nothing
    if (stored.contains(name) && given.contains(name) && value == given.at(name)) continue;
    differences +=
        fmt::format("{}: stored {}, given {}; ", printable(name), show(stored, name), show(given, name));
  }
  if (!differences.empty())
    fail("{}: holds a study with other settings: {}use another --output", file, differences);
}

void require_same_documents(const std::string& file, const std::vector<StoredDocument>& stored,
                            const std::vector<StoredDocument>& given) {
  if (stored.size() != given.size()) {
    fail("{}: holds a study of other documents: stored {} of them, given {}; use another --output", file,
         stored.size(), given.size());
  }
  for (size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] == given[i]) continue;
    const auto before = fields_of(stored[i]);
    const auto now = fields_of(given[i]);
    const auto at = std::mismatch(before.begin(), before.end(), now.begin(),
                                  [](const Field& a, const Field& b) { return a.value == b.value; });
    fail(
        "{}: holds a study of other documents: document {}: {}: stored '{}', given '{}'; use another "
        "--output",
        file, i, at.first->name, printable(at.first->value, kShownBytes),
        printable(at.second->value, kShownBytes));
  }
}

void require_writable(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status)) {
    if (!std::filesystem::is_regular_file(status))
      fail("{}: not a file, so no study can be stored there", shown_path(path));
    refuse_one_byte(path);
    if (!accessible(path, W_OK))
      fail("{}: read-only; make it writable or use another --output", shown_path(path));
    return;
  }
  const auto folder = std::filesystem::absolute(path).parent_path();
  if (!std::filesystem::is_directory(folder, error)) {
    fail("{}: there is no folder {}; create it first", shown_path(path), shown_path(folder));
  }
}

void require_readable(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail("{}: no such file", shown_path(path));
  if (!std::filesystem::is_regular_file(status)) fail("{}: not a file, so not a study", shown_path(path));
  refuse_one_byte(path);
  if (!accessible(path, R_OK)) fail("{}: cannot read: {}", shown_path(path), std::strerror(errno));
}

bool has_log(const std::filesystem::path& path) {
  for (const char* suffix : {"-wal", "-journal"}) {
    std::error_code error;
    const auto target = std::filesystem::weakly_canonical(path, error);  // SQLite follows symbolic links, too
    const auto size = std::filesystem::file_size(target.string() + suffix, error);
    if (!error && size != 0) return true;
  }
  return false;
}

}  // namespace idleheads
