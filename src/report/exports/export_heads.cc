#include <fmt/format.h>

#include <cmath>

#include "base/fail.h"
#include "format/json.h"
#include "idleheads/report/export.h"
#include "report/exports/output_file.h"

namespace idleheads {

std::string heads_json(const CurveEntry& point, double at_least) {
  OrderedJson out = OrderedJson::object();
  for (int l = 0; l < point.frequency.layers; ++l) {
    for (int h = 0; h < point.frequency.heads; ++h) {
      if (point.frequency.has({l, h}) && point.frequency.share({l, h}) >= at_least)
        out[std::to_string(l)].push_back(h);
    }
  }
  return dump_json(out);
}

std::string heads_tsv(const CurveEntry& point) {
  std::string out;
  for (int l = 0; l < point.frequency.layers; ++l) {
    for (int h = 0; h < point.frequency.heads; ++h) {
      const bool is_there = point.frequency.has({l, h});
      out += fmt::format("{}{:.6g}", h == 0 ? "" : "\t", is_there ? point.frequency.share({l, h}) : NAN);
    }
    out += "\n";
  }
  return out;
}

const CurveEntry& point_to_export(const StudySummary& summary, const std::string& rule) {
  if (!rule.empty()) return find_point(summary, rule);
  if (const CurveEntry* best = best_point(summary)) return *best;
  fail("no finished intervention of the study kept within {} of the baseline; name one with --rule",
       tolerance_text(summary));
}

void write_text(const std::string& text, const std::filesystem::path& file) {
  OutputFile output(file);
  output.write(text);
  output.commit();
}

}  // namespace idleheads
