#include "prune/mask_export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

#include "analysis/kv_groups.h"
#include "report/exports/output_file.h"

extern "C" {
extern const char idleheads_transformers_ablate_begin[], idleheads_transformers_ablate_end[];
extern const char idleheads_transformer_lens_ablate_begin[], idleheads_transformer_lens_ablate_end[];
}

namespace idleheads {
namespace {

// "5: [0, 3]" for each layer, with `quote` around the layer.
std::string dictionary(const FixedHeads& fixed, const char* quote) {
  std::vector<std::string> out;
  for (const auto& [layer, heads] : by_layer(fixed))
    out.push_back(fmt::format("{0}{1}{0}: [{2}]", quote, layer, fmt::join(heads, ", ")));
  return fmt::format("{{{}}}", fmt::join(out, ", "));
}

std::string_view module_of(PythonTool tool) {
  if (tool == PythonTool::transformers)
    return {idleheads_transformers_ablate_begin, idleheads_transformers_ablate_end};
  return {idleheads_transformer_lens_ablate_begin, idleheads_transformer_lens_ablate_end};
}

}  // namespace

std::string heads_text(const FixedHeads& heads) { return dictionary(heads, "\""); }

std::string python_text(PythonTool tool, const MaskFile& mask) {
  std::string text(module_of(tool));
  text += "\n\n";
  if (mask.model) text += fmt::format("# Of {}: ablate(model, HEADS)\n", dump_ascii(Json(mask.model->name)));
  return text + fmt::format("HEADS = {}\n", dictionary(mask.heads, ""));
}

void write_duo(const std::vector<std::vector<double>>& off, const DuoSizes& sizes,
               const std::filesystem::path& path) {
  const OutputFolder folder(path);
  OutputFile heads(path / "full_attention_heads.tsv"), config(path / "config.json");
  for (const std::vector<double>& layer : off) {
    std::string line;
    for (const double share : layer) line += fmt::format("{}{:.6g}", line.empty() ? "" : "\t", 1 - share);
    heads.write(line + "\n");
  }
  config.write(dump_json(OrderedJson{{"sink_size", sizes.sink}, {"recent_size", sizes.recent}}) + "\n");
  heads.prepare();
  config.prepare();
  heads.commit();
  config.commit();
}

std::vector<std::vector<double>> groups_off_in(const HeadMask& mask, int kv_heads) {
  const HeadMask groups = groups_off(mask, kv_heads);
  std::vector<std::vector<double>> out(static_cast<size_t>(groups.layers()));
  for (int l = 0; l < groups.layers(); ++l) {
    for (int g = 0; g < groups.heads(); ++g) out[static_cast<size_t>(l)].push_back(groups.off(l, g) ? 1 : 0);
  }
  return out;
}

}  // namespace idleheads
