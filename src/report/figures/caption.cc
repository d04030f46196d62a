#include "report/figures/caption.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/fail.h"
#include "idleheads/version.h"
#include "report/numbers/model_curves.h"
#include "report/terminal/show_text.h"

namespace idleheads::figure {
namespace {

std::string task_of(const LoadedStudy& study) {
  return study.summary.task.empty() ? "an unnamed task" : printable(study.summary.task);
}

std::string setting(const LoadedStudy& study, const std::string& name) {
  const auto found = study.summary.settings.find(name);
  return found == study.summary.settings.end() ? "" : printable(found->second, 200);
}

// Adds to names that occur twice what tells their studies apart.
template <typename Tell>
void tell_apart(std::vector<std::string>& names, const std::vector<LoadedStudy>& studies, Tell tell) {
  const std::vector<std::string> before = names;
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::count(before, before[i]) > 1) names[i] += ", " + tell(studies[i]);
  }
}

std::string file_name_of(const LoadedStudy& study) {
  return printable(std::filesystem::path(study.file).filename().string());
}

std::string documents_text(const LoadedStudy& study) {
  const bool is_share = metric_info(study.summary.metric).is_share;
  std::string out = count_text(study.summary.questions, is_share ? "question" : "text");
  const std::string shots = setting(study, "task.shots");
  if (is_share && !shots.empty()) out += fmt::format(", {} shot{}", shots, shots == "1" ? "" : "s");
  const auto documents = std::ssize(study.summary.documents);
  if (study.summary.baseline_done < documents)
    out += fmt::format(", of which {} of {} are measured yet", study.summary.baseline_done, documents);
  return out;
}

// What was set, of one study.
std::string setup_of(const LoadedStudy& study) {
  const std::string dtype = setting(study, "dtype"), chat = setting(study, "chat"),
                    seed = setting(study, "seed");
  std::string out = dtype.empty() ? "" : "dtype " + dtype + ", ";
  out += ablates_by_means(study.summary.settings) ? "heads that are off give their mean output"
                                                  : "heads that are off give zeros";
  if (!chat.empty() && chat != "none") out += ", chat template " + chat;
  if (!seed.empty()) out += ", seed " + seed;
  return out;
}

}  // namespace

std::vector<std::string> study_labels(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> names;
  for (const LoadedStudy& study : studies) names.push_back(short_model_name(study.summary));
  tell_apart(names, studies, task_of);
  tell_apart(names, studies, file_name_of);
  return names;
}

std::vector<std::string> panel_titles(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> names;
  for (const LoadedStudy& study : studies)
    names.push_back(short_model_name(study.summary) + ", " + task_of(study));
  tell_apart(names, studies, file_name_of);
  return names;
}

std::string file_of(const LoadedStudy& study) { return printable(study.file, 300); }

std::string measured_text(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> out;
  for (const LoadedStudy& study : studies)
    out.push_back(
        fmt::format("{} on {} ({})", short_model_name(study.summary), task_of(study), documents_text(study)));
  tell_apart(out, studies, file_name_of);
  return listed(out);
}

std::string settings_text(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> setups, builds;
  const auto add = [](std::vector<std::string>& list, const std::string& text) {
    if (!text.empty() && std::ranges::find(list, text) == list.end()) list.push_back(text);
  };
  for (const LoadedStudy& study : studies) {
    add(setups, setup_of(study));
    add(builds, setting(study, "info.builds"));
  }
  std::string out = "Settings: " + setups.front();
  for (size_t i = 1; i < setups.size(); ++i) out += "; " + setups[i];
  out += ". ";
  if (!builds.empty()) out += fmt::format("Measured with idleheads {}; ", listed(builds));
  return out + fmt::format("{} with idleheads {}.", builds.empty() ? "Drawn" : "drawn", build_description());
}

std::string metric_axis(const StudySummary& summary) {
  const std::string noun = metric_noun(summary.metric);
  return metric_info(summary.metric).is_share ? noun + " (%)" : "−100 ln " + noun;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace idleheads::figure
