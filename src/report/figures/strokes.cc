#include "report/figures/strokes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace idleheads::figure {
namespace {

struct Family {
  std::string_view name;
  Color color, on_dark;
  Mark mark;
};
// After Okabe and Ito.
constexpr Family kFamilies[] = {{"awft", {0x00, 0x63, 0xb0}, {0x4c, 0x95, 0xff}, Mark::circle},
                                {"aeqd", {0xb8, 0x77, 0x00}, {0xf0, 0xb3, 0x23}, Mark::square},
                                {"ftvvn", {0x00, 0x83, 0x5c}, {0x1f, 0xc7, 0x95}, Mark::up},
                                {"avvn", {0xc2, 0x52, 0x8f}, {0xf0, 0x8f, 0xc4}, Mark::down},
                                {"lthon", {0x25, 0x92, 0xcf}, {0x8f, 0xdc, 0xff}, Mark::diamond},
                                {"ahon", {0xd0, 0x4a, 0x00}, {0xff, 0x7a, 0x33}, Mark::plus},
                                {"afhon", {0x74, 0x45, 0x1c}, {0xc9, 0xa5, 0x7e}, Mark::star},
                                {"mass", {0x5e, 0x4f, 0xa2}, {0xb3, 0xa7, 0xf2}, Mark::bow},
                                {"sink", {0x00, 0x00, 0x00}, {0xff, 0xff, 0xff}, Mark::bars},
                                {"random", {0x33, 0x33, 0x33}, {0xe0, 0xe0, 0xe0}, Mark::cross}};
constexpr std::string_view kOfStudies[] = {"awft", "ahon", "ftvvn", "avvn", "aeqd", "lthon"};

const std::vector<double> kDashed = {4.5, 2.2}, kDotted = {1.2, 1.6};

const Family& family_of(std::string_view slug) {
  const auto found = std::ranges::find(kFamilies, slug.substr(0, slug.find('_')), &Family::name);
  return found == std::end(kFamilies) ? *std::prev(std::end(kFamilies)) : *found;
}

// In a box of 10 x 10; "bars" are two polygons, joined by a line without width.
std::vector<Place> corners_of(Mark mark) {
  switch (mark) {
    case Mark::square:
      return {{1, 1}, {9, 1}, {9, 9}, {1, 9}};
    case Mark::up:
      return {{5, 0}, {10, 9}, {0, 9}};
    case Mark::down:
      return {{0, 1}, {10, 1}, {5, 10}};
    case Mark::diamond:
      return {{5, 0}, {10, 5}, {5, 10}, {0, 5}};
    case Mark::plus:
      return {{3.5, 0},  {6.5, 0},  {6.5, 3.5}, {10, 3.5}, {10, 6.5}, {6.5, 6.5},
              {6.5, 10}, {3.5, 10}, {3.5, 6.5}, {0, 6.5},  {0, 3.5},  {3.5, 3.5}};
    case Mark::star:
      return {{5, 0}, {6.5, 3.5}, {10, 3.8},  {7.3, 6.2}, {8.1, 10},
              {5, 8}, {1.9, 10},  {2.7, 6.2}, {0, 3.8},   {3.5, 3.5}};
    case Mark::bow:
      return {{0, 5}, {5, 0}, {10, 5}, {8, 7}, {5, 4}, {2, 7}};
    case Mark::bars:
      return {{0, 0}, {10, 0}, {10, 3}, {0, 3}, {0, 7}, {10, 7}, {10, 10}, {0, 10}, {0, 7}, {0, 3}};
    case Mark::cross:
      return {{1.5, 0},  {5, 3.5}, {8.5, 0},  {10, 1.5}, {6.5, 5}, {10, 8.5},
              {8.5, 10}, {5, 6.5}, {1.5, 10}, {0, 8.5},  {3.5, 5}, {0, 1.5}};
    case Mark::none:
    case Mark::circle:
      break;
  }
  return {};
}

}  // namespace

Stroke stroke_of(const Score& score) {
  const Family& family = family_of(score.slug);
  Stroke stroke = {.color = family.color, .mark = family.mark, .on_dark = family.on_dark};
  if (score.is_random || score.normaliser == Score::Normaliser::own) {
    stroke.dashes = kDotted;
  } else if (score.normaliser == Score::Normaliser::one) {
    stroke.dashes = kDashed;
  }
  return stroke;
}

Stroke stroke_of_study(size_t number) {
  const Family& family = family_of(kOfStudies[number % std::size(kOfStudies)]);
  const std::vector<double> dashes[] = {{}, kDashed, kDotted};
  // One step further each time the colours begin again.
  return {.color = family.color,
          .mark = family.mark,
          .dashes = dashes[(number + number / std::size(kOfStudies)) % std::size(dashes)],
          .on_dark = family.on_dark};
}

Shape mark_at(Place center, Mark mark, double size, Color color) {
  if (mark == Mark::circle) return Dot{center, size / 2, color};
  Area area = {corners_of(mark), color};
  for (Place& corner : area.corners)
    corner = {center.x + (corner.x - 5) * size / 10, center.y + (corner.y - 5) * size / 10};
  return area;
}

std::string mark_path(Mark mark) {
  if (mark == Mark::circle) return "M5 0A5 5 0 1 1 5 10A5 5 0 1 1 5 0Z";
  std::string path;
  for (const Place& corner : corners_of(mark))
    path += fmt::format("{}{} {}", path.empty() ? 'M' : 'L', corner.x, corner.y);
  return path + "Z";
}

Color readable_on(Color color) {
  const double lightness = 0.299 * color.red + 0.587 * color.green + 0.114 * color.blue;
  return lightness < 140 ? kWhite : kBlack;
}

}  // namespace idleheads::figure
