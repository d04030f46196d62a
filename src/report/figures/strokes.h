// How lines of figures and of the report's page are told apart, in colour, in grey, and without telling red
// from green. All colours have a contrast of at least 3 to 1 to the page.
#pragma once

#include <string>
#include <vector>

#include "idleheads/heads/score.h"
#include "report/figures/drawing.h"

namespace idleheads::figure {

enum class Mark { none, circle, square, up, down, diamond, plus, star, bow, bars, cross };

struct Stroke {
  Color color;
  Mark mark = Mark::none;
  std::vector<double> dashes = {};
  double width = 1;
  Color on_dark = color;  // in its place where the page is dark
};

// Colour and mark tell the raw number, the dashes how it is normalised: by the layer's mean none, by nothing
// long ones; the head's own number, and random, short ones.
Stroke stroke_of(const Score& score);

// The first study, the second, ...: no two of the first kStudyStrokes are alike.
constexpr size_t kStudyStrokes = 18;
Stroke stroke_of_study(size_t number);

// A mark, `size` wide.
Shape mark_at(Place center, Mark mark, double size, Color color);

// The mark as an SVG path in a box of 10 x 10.
std::string mark_path(Mark mark);

// White on what is dark, black on what is light.
Color readable_on(Color color);

}  // namespace idleheads::figure
