// Helvetica, the font of figures: what it can show, and how wide texts are in it. Arial and Liberation Sans,
// by which viewers of SVG replace it, have the same widths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace idleheads::figure {

struct Glyph {
  uint8_t code = 0;  // in Windows-1252, which PDF calls WinAnsiEncoding
  int width = 0;     // in thousandths of the font's size
};
// None of a character that the font does not have. The minus sign is shown as an en dash.
std::optional<Glyph> glyph_of(char32_t c);

// Whether the font has all characters of the text.
bool is_whole(std::string_view text);

// In points, of printable() text at this size. A character that the font does not have counts as half the
// size, or as all of it where it is wide.
double text_width(std::string_view text, double size);

// The printable() text, with "…" in its middle if it is wider than `width`: what tells names apart is at
// their ends.
std::string fitted(std::string_view text, double size, double width);

}  // namespace idleheads::figure
