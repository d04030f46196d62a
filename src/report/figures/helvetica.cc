#include "report/figures/helvetica.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.h"
#include "strings/display_width.h"

namespace idleheads::figure {
namespace {

// Adobe's metrics, in thousandths of the size: 32 to 126, and 160 to 255.
constexpr std::array<int, 95> kAscii = {
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333,  278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667,  611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278,  556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,  500, 334, 260, 334, 584};
constexpr std::array<int, 96> kLatin = {
    278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333,  333,
    333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611, 667, 667, 667, 667, 667, 667, 1000, 722,
    667, 667, 667, 667, 278, 278, 278, 278, 722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722,  722,
    722, 667, 667, 611, 556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278,  278,
    556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500};

// Of 128 to 159 what texts have now and then.
struct Extra {
  char32_t character;
  Glyph glyph;
};
constexpr Extra kExtra[] = {{U'€', {0x80, 556}},  {U'…', {0x85, 1000}}, {U'Š', {0x8a, 667}},
                            {U'Œ', {0x8c, 1000}}, {U'Ž', {0x8e, 611}},  {U'‘', {0x91, 222}},
                            {U'’', {0x92, 222}},  {U'“', {0x93, 333}},  {U'”', {0x94, 333}},
                            {U'•', {0x95, 350}},  {U'–', {0x96, 556}},  {U'—', {0x97, 1000}},
                            {U'™', {0x99, 1000}}, {U'š', {0x9a, 500}},  {U'œ', {0x9c, 944}},
                            {U'ž', {0x9e, 500}},  {U'Ÿ', {0x9f, 667}},  {U'−', {0x96, 556}}};

// Bytes of the character that `text` begins with.
size_t length_at(std::string_view text) { return std::max<size_t>(first_code_point(text).length, 1); }

}  // namespace

std::optional<Glyph> glyph_of(char32_t c) {
  if (c >= 32 && c < 127) return Glyph{static_cast<uint8_t>(c), kAscii[c - 32]};
  if (c >= 160 && c < 256) return Glyph{static_cast<uint8_t>(c), kLatin[c - 160]};
  const auto extra = std::ranges::find(kExtra, c, &Extra::character);
  if (extra == std::end(kExtra)) return std::nullopt;
  return extra->glyph;
}

bool is_whole(std::string_view text) {
  return std::ranges::all_of(to_utf32(text), [](char32_t c) { return glyph_of(c).has_value(); });
}

double text_width(std::string_view text, double size) {
  double width = 0;
  while (!text.empty()) {
    const size_t length = length_at(text);
    const std::optional<Glyph> glyph = glyph_of(first_code_point(text).value);
    width += glyph ? glyph->width : 500 * display_width(text.substr(0, length));
    text.remove_prefix(length);
  }
  return width * size / 1000;
}

std::string fitted(std::string_view text, double size, double width) {
  if (text_width(text, size) <= width) return std::string(text);
  std::vector<std::string_view> characters;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(characters.back().size()))
    characters.push_back(rest.substr(0, length_at(rest)));
  constexpr std::string_view kMore = "…";
  double used = text_width(kMore, size);
  std::string begin, end;
  size_t left = 0, right = characters.size();
  while (left < right) {
    const bool from_left = left <= characters.size() - right;
    const std::string_view next = characters[from_left ? left++ : --right];
    used += text_width(next, size);
    if (used > width) break;
    if (from_left) {
      begin += next;
    } else {
      end.insert(0, next);
    }
  }
  return begin + std::string(kMore) + end;
}

}  // namespace idleheads::figure
