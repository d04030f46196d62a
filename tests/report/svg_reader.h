// What is drawn in an SVG image of ours: its texts, and the lines and marks of its groups, as places or as
// values of the axes.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <string>
#include <vector>

#include "idleheads/analysis/curve.h"

namespace idleheads {

struct SvgText {
  double x = 0, y = 0;
  std::string anchor, text;
};

inline std::vector<SvgText> svg_texts(const std::string& svg) {
  static const std::regex pattern(
      "<text (?:x=\"([-0-9.]+)\" y=\"([-0-9.]+)\"|transform=\"translate\\(([-0-9.]+) ([-0-9.]+)\\) "
      "rotate\\(-90\\)\") "
      "text-anchor=\"(\\w+)\"[^>]*>([^<]*)</text>");
  std::vector<SvgText> out;
  for (std::sregex_iterator at(svg.begin(), svg.end(), pattern), end; at != end; ++at) {
    const std::smatch& match = *at;
    const size_t first = match[1].matched ? 1 : 3;
    out.push_back({std::stod(match[first]), std::stod(match[first + 1]), match[5], match[6]});
  }
  return out;
}

// How often the text is there as a whole.
inline int texts_of(const std::string& svg, const std::string& text) {
  int n = 0;
  for (const SvgText& each : svg_texts(svg)) n += each.text == text;
  return n;
}

// All that is between the title of the n-th group of this name and the group's end.
inline std::string svg_group(const std::string& svg, const std::string& title, int n = 0) {
  const std::string begin = "<title>" + title + "</title>";
  size_t at = svg.find("<g>" + begin);
  for (; n > 0 && at != std::string::npos; --n) at = svg.find("<g>" + begin, at + 1);
  if (at == std::string::npos) return "";
  return svg.substr(at, svg.find("</g>", at) - at);
}

// The places of the first path of a group.
inline std::vector<CurvePoint> svg_path(const std::string& group) {
  const size_t begin = group.find("<path d=\"");
  if (begin == std::string::npos) return {};
  const std::string path = group.substr(begin + 9, group.find('"', begin + 9) - begin - 9);
  static const std::regex pattern("[ML]([-0-9.]+) ([-0-9.]+)");
  std::vector<CurvePoint> places;
  for (std::sregex_iterator at(path.begin(), path.end(), pattern), end; at != end; ++at)
    places.push_back({std::stod((*at)[1]), std::stod((*at)[2])});
  return places;
}

// Of a group of a line with marks: how many marks.
inline int svg_marks(const std::string& group) {
  static const std::regex pattern("Z\" fill|<circle");
  return static_cast<int>(std::distance(std::sregex_iterator(group.begin(), group.end(), pattern), {}));
}

// The axes of an image with one plot, by the numbers at their ticks.
class SvgScale {
 public:
  explicit SvgScale(const std::string& svg) {
    for (const SvgText& text : svg_texts(svg)) {
      const bool is_minus = text.text.starts_with("−");
      const std::string digits = is_minus ? text.text.substr(std::string("−").size()) : text.text;
      if (digits.find_first_not_of("0123456789.") != std::string::npos) continue;
      const double value = (is_minus ? -1 : 1) * std::stod(digits);
      if (text.anchor == "middle") x_.push_back({value, text.x});
      if (text.anchor == "end") y_.push_back({value, text.y - 2.9});  // half the height of a digit
    }
  }
  double x(double place) const { return value(x_, place); }
  double y(double place) const { return value(y_, place); }

 private:
  struct Tick {
    double value = 0, place = 0;
  };
  static double value(const std::vector<Tick>& ticks, double place) {
    if (ticks.size() < 2) return NAN;
    const Tick &a = ticks.front(), &b = ticks.back();
    return a.value + (place - a.place) * (b.value - a.value) / (b.place - a.place);
  }
  std::vector<Tick> x_, y_;
};

}  // namespace idleheads
