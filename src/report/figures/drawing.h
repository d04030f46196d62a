// A figure as what is drawn, in points (1/72 inch) from the upper left corner: lines, areas, dots and texts.
// What svg_text() and pdf_bytes() write of it are the same picture. All texts in it are printable()
// (base/fail.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "report/color_ramp.h"

namespace idleheads::figure {

constexpr Color kBlack = {0x22, 0x22, 0x22}, kGray = {0x73, 0x73, 0x73}, kPale = {0xdd, 0xdd, 0xdd},
                kWhite = {0xff, 0xff, 0xff};

struct Place {
  double x = 0, y = 0;
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

struct Line {
  std::vector<Place> places;
  Color color;
  double width = 1;
  std::vector<double> dashes = {};  // lengths of strokes and gaps; empty: solid
};

struct Area {
  std::vector<Place> corners;
  Color fill;
  double opacity = 1;
};

struct Dot {
  Place center;
  double radius = 1;
  Color fill;
};

enum class Anchor { start, middle, end };

constexpr double kTextSize = 8;

struct Text {
  Place at;  // on the base line
  std::string text;
  Anchor anchor = Anchor::start;
  double size = kTextSize;
  Color color = kBlack;
  bool upward = false;  // turned by 90 degrees against the clock
};

// What follows up to the Close of the same depth belongs together, and is drawn inside of `clip` alone.
struct Open {
  std::string title;  // what it is, for readers of the file; may be empty
  std::optional<Box> clip = {};
};
struct Close {};

using Shape = std::variant<Line, Area, Dot, Text, Open, Close>;

struct Drawing {
  double width = 0, height = 0;
  std::string title;
  std::vector<Shape> shapes = {};

  void add(Shape shape);
};

Area rectangle(const Box& box, Color fill);
// The outline of a box.
Line outline(const Box& box, Color color, double width);

// SVG 1.1, whose texts are texts.
std::string svg_text(const Drawing& drawing);

// PDF 1.4 of one page, with the standard font Helvetica. Texts are texts; characters that the font does not
// have (those outside of Windows-1252) are seen as "?", and read and copied as what they are.
std::string pdf_bytes(const Drawing& drawing);

}  // namespace idleheads::figure
