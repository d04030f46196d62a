#include "report/numbers/mask_sample.h"

#include <fmt/format.h>

#include <algorithm>

namespace idleheads {
namespace {

constexpr int64_t kMostDigits = 500'000;

std::string digits_of(const StudySummary& summary, const StoredResult& result) {
  std::string out;
  for (int l = 0; l < summary.layers; ++l) {
    for (int h = 0; h < summary.heads; ++h) {
      const auto off =
          std::ranges::count_if(result.masks, [&](const HeadMask& mask) { return mask.off(l, h); });
      out += off == 0 ? '0' : off == std::ssize(result.masks) ? '2' : '1';
    }
  }
  return out;
}

}  // namespace

std::vector<DocumentMask> sample_masks(const StudyStore& store, const StudySummary& summary, int64_t most) {
  const CurveEntry* point = best_point(summary);
  if (!point || point->share == 0) return {};
  const std::vector<StoredResult> results = store.results(point->intervention, false);
  const auto there = std::ssize(results);
  const int64_t digits = int64_t{summary.layers} * summary.heads;
  const int64_t count =
      std::min({there, most, std::max<int64_t>(1, kMostDigits / std::max<int64_t>(1, digits))});
  std::vector<DocumentMask> out;
  for (int64_t i = 0; i < count; ++i) {
    const StoredResult& result = results[static_cast<size_t>(i * there / count)];
    const auto number = static_cast<size_t>(result.document);
    const StoredDocument& document = summary.documents.at(number);
    out.push_back({fmt::format("{} {}", document.group, document.index),
                   summary.excerpts.empty() ? "" : summary.excerpts.at(number), digits_of(summary, result)});
  }
  return out;
}

}  // namespace idleheads
