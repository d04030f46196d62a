#include "idleheads/evaluation/task_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/fail.h"
#include "task/task_file.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// What templates that print a date print: the one of Llama 3.1's own template.
constexpr const char* kDefaultDate = "2024-07-26";

// "2024-07-26", a day that exists.
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  unsigned parts[3] = {};
  const std::string_view digits[3] = {text.substr(0, 4), text.substr(5, 2), text.substr(8, 2)};
  for (int i = 0; i < 3; ++i) {
    const char* end = digits[i].data() + digits[i].size();
    const auto [rest, error] = std::from_chars(digits[i].data(), end, parts[i]);
    if (error != std::errc() || rest != end) return false;
  }
  return std::chrono::year_month_day(std::chrono::year(static_cast<int>(parts[0])),
                                     std::chrono::month(parts[1]), std::chrono::day(parts[2]))
      .ok();
}

// The folder of a task among those of several: its own name, or that of the data set it shares or is named
// for.
std::string folder_name(const std::string& task) {
  if (task == "arc_easy" || task == "arc_challenge") return "arc";
  return task == "wikitext" ? "wikitext2" : task;
}

}  // namespace

std::vector<WantedTask> TaskSettings::wanted() const {
  std::vector<WantedTask> out;
  for (const std::string& given : tasks) {
    auto [name, part] = parse_task_name(given);
    const auto found = std::ranges::find(out, name, &WantedTask::name);
    if (!part.empty() && !subjects.empty())
      fail_usage("--task {}: it names what --subjects chooses; give one of them", printable(given));
    if (found == out.end()) {
      out.push_back({std::move(name), {}});
      if (!part.empty()) out.back().parts.push_back(std::move(part));
    } else if (part.empty() || found->parts.empty() || std::ranges::count(found->parts, part) > 0) {
      fail_usage("--task: '{}' is there already", printable(given, 300));
    } else {
      found->parts.push_back(std::move(part));
    }
  }
  if (out.empty()) fail_usage("--task: give at least one");
  return out;
}

EncodeOptions TaskSettings::encode_options(const Model& model) const {
  const bool is_needed = bos == "auto" && model.spec().needs_bos;
  const Bos rule = bos == "always" || is_needed ? Bos::always : bos == "never" ? Bos::never : Bos::automatic;
  return {.bos = rule, .max_length = model.spec().context, .refuse_overflow = refuse_overflow};
}

std::string TaskSettings::data_of(const std::string& task) const {
  const bool is_file = !format_of_file(task).empty();
  if (data.empty() || (tasks.size() > 1 && is_file)) return "";
  std::error_code ignored;
  for (const std::string& name : {task, folder_name(task)}) {
    if (!is_file && fs::is_directory(fs::path(data) / name, ignored)) return (fs::path(data) / name).string();
  }
  if (wanted().size() == 1) return data;
  fail("{}: no folder {} in it; with several tasks --data holds a folder for each", printable(data, 300),
       printable(folder_name(task)));
}

std::optional<ChatDescription> TaskSettings::chat_description(const Model& model) const {
  if (!chat) {
    if (multiturn) fail_usage("--fewshot-as-multiturn says how a chat is made; it needs --chat");
    if (!date.empty()) fail_usage("--date is for chat templates; it needs --chat");
    return std::nullopt;
  }
  if (!date.empty() && !is_date(date))
    fail_usage("--date '{}': expected a day as YYYY-MM-DD, as in {}", printable(date), kDefaultDate);
  const std::optional<ChatTemplate> found = model.chat_template();
  if (!found)
    fail_usage("{}: --chat needs a chat template, and this model has none", printable(model.name(), 300));
  return ChatDescription{found->source(), multiturn.value_or(true), date.empty() ? kDefaultDate : date};
}

std::optional<ChatOptions> TaskSettings::chat_options(const Model& model) const {
  const std::optional<ChatDescription> description = chat_description(model);
  if (!description) return std::nullopt;
  const ChatTemplate dated = model.chat_template()->with_date(description->date);
  return ChatOptions{[dated](const std::vector<ChatMessage>& messages) { return dated.render(messages); },
                     description->multiturn};
}

std::vector<PreparedTask> TaskSettings::prepare(const Model& model) const {
  TaskOptions options;
  options.shots = shots;
  options.limit = limit;
  options.system = system;
  options.chat = chat_options(model);
  std::vector<PreparedTask> prepared;
  for (const WantedTask& wanted : wanted()) {
    options.data = data_of(wanted.name);
    options.only = wanted.parts.empty() ? subjects : wanted.parts;
    Task task = load_task(wanted.name, options);
    task.parts = wanted.parts;
    const auto same = [&](const PreparedTask& other) { return other.task.name == task.name; };
    if (std::ranges::any_of(prepared, same))
      fail_usage("--task: two tasks are called '{}', and results go by names", printable(task.name));
    prepared.push_back(prepare_task(std::move(task), model, encode_options(model)));
  }
  return prepared;
}

PreparedTask TaskSettings::prepare_texts(const Model& model, std::vector<std::string> texts) const {
  return idleheads::prepare_texts(std::move(texts), model, encode_options(model));
}

std::string TaskSettings::limit_text() const { return limit ? fmt::format("{}", *limit) : "all"; }

std::string truncation_note(const PreparedTask& task) {
  if (task.truncated == 0) return "";
  return fmt::format("{}: {} of {} prompts were longer than the model's context and lost their beginning",
                     printable(task.task.name), task.truncated, task.documents.size());
}

}  // namespace idleheads
