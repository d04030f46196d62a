#include "idleheads/evaluation/engine_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/fail.h"
#include "base/memory.h"
#include "engine/device.h"
#include "idleheads/study/evaluate.h"

namespace idleheads {
namespace {

// Text without a suffix as a number, or nothing.
std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(value))
    return {};
  return value;
}

double parse_percent(const std::string& text, const std::string& whole) {
  const std::optional<double> value = to_number(text);
  if (!value || *value < 0 || *value > 100) {
    fail_usage("--shares '{}': '{}' is not a percentage from 0 to 100; write 0:30:5 or 0,5,10",
               printable(whole), printable(text));
  }
  return *value;
}

// Parts of a text between separators; at least one.
std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(separator, begin);
    parts.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return parts;
}

}  // namespace

std::shared_ptr<const Model> EngineSettings::open_model() const { return Model::open(model, context); }

DeviceChoice EngineSettings::device_choice() const { return choose_device(device); }

Precision EngineSettings::precision() const {
  const bool is_cpu = device_choice().is_cpu();
  if (dtype == "auto") return is_cpu ? fastest_precision() : Precision::bf16;
  if (dtype == "f32" || dtype == "float32") return Precision::f32;
  if (dtype == "bf16" || dtype == "bfloat16") {
    if (is_cpu && !has_bf16())
      fail_usage("--dtype bf16: this processor has no bf16 products (AVX-512-BF16 or AMX); use f32");
    return Precision::bf16;
  }
  fail_usage("--dtype '{}': expected auto, f32 or bf16", printable(dtype));
}

std::unique_ptr<Engine> EngineSettings::make_engine(std::shared_ptr<const Model> opened) const {
  const int64_t bound = memory.empty() ? usable_bytes() / 2 : parse_bytes("--memory", memory);
  return std::make_unique<Engine>(
      std::move(opened),
      EngineOptions{.threads = threads,
                    .precision = precision(),
                    .sharing = sharing,
                    .memory = bound,
                    .device = device_choice(),
                    .device_memory = device_memory.empty() ? 0 : parse_bytes("--gpu-memory", device_memory)});
}

int64_t EngineSettings::rows_of_cohort(const Engine& engine) const {
  return cohort_rows.value_or(default_cohort_rows(engine));
}

int64_t parse_bytes(std::string_view option, const std::string& text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::optional<double> value = to_number(text.substr(0, digits));
  std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::toupper(c); });
  if (unit.ends_with("IB")) unit.resize(unit.size() - 2);
  if (unit.ends_with("B")) unit.resize(unit.size() - 1);
  const size_t power = std::string(" KMGT").find(unit.empty() ? " " : unit);
  if (!value || unit.size() > 1 || power == std::string::npos || *value * std::pow(1024.0, power) > 1e18) {
    fail_usage("{} '{}': expected a size as in 4GiB, 512M", option, printable(text));
  }
  return static_cast<int64_t>(*value * std::pow(1024.0, static_cast<double>(power)));
}

std::vector<double> parse_shares(const std::string& text) {
  std::vector<double> percents;
  const std::vector<std::string> range = split(text, ':');
  if (range.size() == 3) {
    const double first = parse_percent(range[0], text), last = parse_percent(range[1], text);
    const double step = parse_percent(range[2], text);
    if (step <= 0 || last < first || (last - first) / step > 1000) {
      fail_usage("--shares '{}': expected first:last:step with first <= last and a step above 0",
                 printable(text));
    }
    for (int i = 0; first + i * step <= last + 1e-9; ++i) percents.push_back(first + i * step);
  } else {
    for (const std::string& part : split(text, ',')) percents.push_back(parse_percent(part, text));
  }
  std::sort(percents.begin(), percents.end());
  percents.erase(std::unique(percents.begin(), percents.end()), percents.end());
  for (double& percent : percents) percent /= 100;
  return percents;
}

std::vector<const Score*> parse_scores(const std::string& text) {
  std::vector<const Score*> scores;
  if (text == "all") {
    for (const Score& score : paper_scores()) scores.push_back(&score);
    return scores;
  }
  for (const std::string& slug : split(text, ',')) {
    const Score* score = &require_score(slug);
    if (std::find(scores.begin(), scores.end(), score) == scores.end()) scores.push_back(score);
  }
  return scores;
}

}  // namespace idleheads
