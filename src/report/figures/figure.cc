#include "report/figures/figure.h"

#include <algorithm>

#include "base/fail.h"
#include "base/nearest.h"
#include "report/exports/output_file.h"
#include "report/figures/kinds.h"

namespace idleheads::figure {
namespace {

// By their slugs, however they are spelled.
std::vector<std::string> slugs_of(const std::vector<std::string>& scores) {
  std::vector<std::string> slugs;
  for (const std::string& score : scores) {
    const std::string_view slug = require_score(score).slug;
    if (std::ranges::count(slugs, slug) > 0) fail_usage("figure: --score names {} twice", slug);
    slugs.emplace_back(slug);
  }
  return slugs;
}

void check(const std::vector<LoadedStudy>& studies, const Options& options) {
  if (!options.scores.empty() && options.kind != Kind::curves && options.kind != Kind::cdf)
    fail_usage("figure: --score goes with curves and cdf");
  if (!options.rule.empty() && options.kind != Kind::layers) fail_usage("figure: --rule goes with layers");
  if (options.paper && options.kind != Kind::ranks) fail_usage("figure: --paper goes with ranks");
  if (studies.empty() || studies.size() > kStudyStrokes)
    fail_usage("figure: {} studies; there can be 1 to {} in one figure", studies.size(), kStudyStrokes);
}

}  // namespace

const std::vector<std::string>& kind_names() {
  static const std::vector<std::string> names = {"curves", "cdf", "layers", "ranks"};
  return names;
}

Kind parse_kind(std::string_view name) {
  const auto found = std::ranges::find(kind_names(), name);
  if (found == kind_names().end())
    fail_usage("unknown figure '{}'{}", printable(name), suggestion(name, kind_names()));
  return static_cast<Kind>(found - kind_names().begin());
}

Figure make_figure(const std::vector<LoadedStudy>& studies, const Options& wanted) {
  check(studies, wanted);
  Options options = wanted;
  options.scores = slugs_of(wanted.scores);
  switch (options.kind) {
    case Kind::curves:
      return curves_figure(studies, options);
    case Kind::cdf:
      return cdf_figure(studies, options);
    case Kind::layers:
      return layers_figure(studies, options);
    case Kind::ranks:
      break;
  }
  return ranks_figure(studies, options);
}

Format format_of(const std::filesystem::path& file) {
  if (file.extension() == ".svg") return Format::svg;
  if (file.extension() == ".pdf") return Format::pdf;
  fail_usage("{}: a figure is written as .svg or .pdf; end the name of the file with one of them",
             shown_path(file));
}

std::filesystem::path caption_path(const std::filesystem::path& file) {
  return std::filesystem::path(file).replace_extension("caption.txt");
}

void write_figure(const Figure& figure, const std::filesystem::path& file) {
  OutputFile picture(file), caption(caption_path(file));
  picture.write(format_of(file) == Format::pdf ? pdf_bytes(figure.drawing) : svg_text(figure.drawing));
  caption.write(figure.caption + "\n");
  picture.prepare();
  caption.prepare();
  picture.commit();
  caption.commit();
}

}  // namespace idleheads::figure
