#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/utf8.h"
#include "report/harness/harness_names.h"
#include "report/terminal/text.h"
#include "strings/display_width.h"

namespace idleheads {
namespace {

constexpr size_t kColumns = 9;
using Cells = std::array<std::string, kColumns>;

constexpr size_t kVersion = 1, kShots = 3, kValue = 6, kStderr = 8;

// A version as the table shows it: 1.0 is 1.
std::string version_text(const std::string& version) {
  return version.ends_with(".0") ? version.substr(0, version.size() - 2) : version;
}

void add_lines(const HarnessRow& row, std::vector<Cells>& lines) {
  std::map<std::string, Metric> metrics;  // the harness sorts by metric and filter
  for (const Metric metric : row.task->metrics) {
    const MetricInfo& info = metric_info(metric);
    metrics.emplace(fmt::format("{},{}", info.name, info.filter), metric);
  }
  bool first = true;
  for (const auto& [name, metric] : metrics) {
    const MetricInfo& info = metric_info(metric);
    const MetricValue value = value_of(row.row->values, metric);
    lines.push_back({first ? row.alias : "", first ? version_text(row.version()) : "",
                     std::string(info.filter), row.is_group ? "" : std::to_string(row.task->shots),
                     std::string(info.name), info.is_share ? "↑" : "↓", fmt::format("{:.4f}", value.value),
                     "±", value.error ? fmt::format("{:.4f}", *value.error) : "   N/A"});
    first = false;
  }
}

std::string padded(const std::string& text, int width, char align) {
  const auto space = static_cast<size_t>(width - display_width(text));
  const size_t left = align == 'l' ? 0 : align == 'r' ? space : space / 2;
  return std::string(left, ' ') + text + std::string(space - left, ' ');
}

// Markdown as the harness' writer makes it: headers centred, numbers to the right.
std::string markdown(const std::string& first_header, const std::vector<Cells>& lines) {
  const Cells headers = {first_header, "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"};
  std::array<int, kColumns> widths{};
  for (size_t c = 0; c < kColumns; ++c) {
    widths[c] = std::max(3, display_width(headers[c]));
    for (const Cells& line : lines) widths[c] = std::max(widths[c], display_width(line[c]));
  }
  const auto all_empty = [&](size_t column) {
    return std::ranges::all_of(lines, [&](const Cells& line) { return line[column].empty(); });
  };
  const auto any_missing =
      std::ranges::any_of(lines, [](const Cells& line) { return line[kStderr].ends_with("N/A"); });
  const auto is_number = [&](size_t column) {
    return column == kVersion || column == kValue || (column == kShots && !all_empty(column)) ||
           (column == kStderr && !any_missing);
  };
  std::string header = "|", rule = "|", body;
  for (size_t c = 0; c < kColumns; ++c) {
    header += padded(headers[c], widths[c], 'c') + "|";
    rule += is_number(c) ? std::string(static_cast<size_t>(widths[c]) - 1, '-') + ":|"
                         : std::string(static_cast<size_t>(widths[c]), '-') + "|";
  }
  for (const Cells& line : lines) {
    body += "|";
    for (size_t c = 0; c < kColumns; ++c) body += padded(line[c], widths[c], is_number(c) ? 'r' : 'l') + "|";
    body += "\n";
  }
  return header + "\n" + rule + "\n" + body;
}

}  // namespace

std::string harness_tables(std::span<const HarnessTask> tasks) {
  std::vector<Cells> all, groups;
  for (const HarnessRow& row : harness_rows(tasks)) {
    add_lines(row, all);
    if (row.is_group) add_lines(row, groups);
  }
  std::string out = markdown("Tasks", all);
  if (!groups.empty()) out += "\n" + markdown("Groups", groups);
  return out;
}

}  // namespace idleheads
