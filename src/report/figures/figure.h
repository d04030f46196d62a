// Figures of studies for papers: what is drawn, and the paragraph that says what it shows.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/report/compare.h"
#include "report/figures/layout.h"

namespace idleheads::figure {

enum class Kind {
  curves,  // the metric over the share of heads off
  cdf,     // how scores are distributed over prompts and heads
  layers,  // heads off by layer under one rule
  ranks,   // ranks of the scores in several models; of one study the overlap of its scores
};

// The names of all kinds, and the kind of a name. Throws UsageError with the nearest name.
const std::vector<std::string>& kind_names();
Kind parse_kind(std::string_view name);

struct Options {
  Kind kind = Kind::curves;
  std::vector<std::string> scores = {};  // of curves and cdf; empty: as each says
  std::string rule = {};                 // of layers, "ahon_ln@15%"; empty: the best score's
  bool paper = false;                    // of ranks: with the paper's models
  Size size = parse_size("single");
};

struct Figure {
  Drawing drawing;
  std::string caption;  // one paragraph
};

// The same bits each time. Throws UsageError for options that do not go with the kind, unknown scores, and
// what a study does not hold; Error for a study that cannot have the figure (which, and why).
Figure make_figure(const std::vector<LoadedStudy>& studies, const Options& options);

enum class Format { svg, pdf };
// By the end of the file's name. Throws UsageError for others.
Format format_of(const std::filesystem::path& file);
// Where the caption of a figure is: beside it, as NAME.caption.txt. NAME.txt may be a text of the user's own.
std::filesystem::path caption_path(const std::filesystem::path& file);

// Writes the figure and its caption, or neither. Throws Error if that is not possible.
void write_figure(const Figure& figure, const std::filesystem::path& file);

}  // namespace idleheads::figure
