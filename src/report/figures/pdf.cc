// Figures as PDF (ISO 32000-1): one page, one stream of operators, one standard font.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/utf8.h"
#include "report/figures/drawing.h"
#include "report/figures/helvetica.h"

namespace idleheads::figure {
namespace {

// A string of bytes between brackets.
std::string literal(std::string_view bytes) {
  std::string out = "(";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '(' || c == ')' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (byte < 32 || byte > 126) {
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out + ")";
}

// Any text: UTF-16 with its mark, in hexadecimal.
std::string unicode_literal(const std::u32string& text) {
  std::string out = "<FEFF";
  for (const char32_t c : text) {
    if (c < 0x10000) {
      out += fmt::format("{:04X}", static_cast<uint32_t>(c));
    } else {
      const uint32_t above = static_cast<uint32_t>(c) - 0x10000;
      out += fmt::format("{:04X}{:04X}", 0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff));
    }
  }
  return out + ">";
}

// What the font shows of a text.
struct Shown {
  std::string bytes;  // in the font's encoding
  int width = 0;      // in thousandths of the size
  bool whole = true;  // no character is missing in it
};

Shown shown_of(const std::u32string& text) {
  constexpr char32_t kMissing = '?';
  Shown out;
  for (const char32_t c : text) {
    const std::optional<Glyph> glyph = glyph_of(c);
    const Glyph shown = glyph ? *glyph : glyph_of(kMissing).value();
    out.bytes += static_cast<char>(shown.code);
    out.width += shown.width;
    out.whole = out.whole && glyph;
  }
  return out;
}

std::string color_text(Color color) {
  return fmt::format("{:.3g} {:.3g} {:.3g}", color.red / 255., color.green / 255., color.blue / 255.);
}

int percent_of(double opacity) { return static_cast<int>(opacity * 100 + 0.5); }

// The page's operators. The origin of PDF is the lower left corner.
class PageWriter {
 public:
  explicit PageWriter(const Drawing& drawing) : height_(drawing.height) {
    out_ = "1 j\n";  // round joints: no spikes where a line turns
    for (const Shape& shape : drawing.shapes) std::visit(*this, shape);
  }
  const std::string& operators() const { return out_; }
  const std::set<int>& opacities() const { return opacities_; }

  void operator()(const Line& line) {
    out_ += fmt::format("{} RG {:.2f} w [{:.2f}] 0 d\n", color_text(line.color), line.width,
                        fmt::join(line.dashes, " "));
    add_path(line.places);
    out_ += "S\n";
  }
  void operator()(const Area& area) {
    const int percent = percent_of(area.opacity);
    if (percent < 100) {
      opacities_.insert(percent);
      out_ += fmt::format("q /O{} gs\n", percent);
    }
    out_ += color_text(area.fill) + " rg\n";
    add_path(area.corners);
    out_ += percent < 100 ? "f Q\n" : "f\n";
  }
  void operator()(const Dot& dot) {
    const double r = dot.radius, k = 0.5523 * r;  // four curves nearly are a circle
    const double x = dot.center.x, y = dot.center.y;
    out_ += color_text(dot.fill) + " rg\n" + at({x + r, y}) + " m\n";
    add_curve({x + r, y - k}, {x + k, y - r}, {x, y - r});
    add_curve({x - k, y - r}, {x - r, y - k}, {x - r, y});
    add_curve({x - r, y + k}, {x - k, y + r}, {x, y + r});
    add_curve({x + k, y + r}, {x + r, y + k}, {x + r, y});
    out_ += "f\n";
  }
  void operator()(const Text& text) {
    constexpr double kBack[] = {0, 0.5, 1};  // by the anchor: this much of the width is before it
    const std::u32string characters = to_utf32(text.text);
    const Shown shown = shown_of(characters);
    const double back = kBack[static_cast<size_t>(text.anchor)] * shown.width * text.size / 1000;
    const Place from = text.upward ? Place{text.at.x, text.at.y + back} : Place{text.at.x - back, text.at.y};
    if (!shown.whole) out_ += fmt::format("/Span <</ActualText {}>> BDC\n", unicode_literal(characters));
    out_ += fmt::format("BT {} rg /F {:.2f} Tf {} {} Tm {} Tj ET\n", color_text(text.color), text.size,
                        text.upward ? "0 1 -1 0" : "1 0 0 1", at(from), literal(shown.bytes));
    if (!shown.whole) out_ += "EMC\n";
  }
  void operator()(const Open& open) {
    out_ += "q\n";
    if (!open.clip) return;
    out_ += fmt::format("{} {:.2f} {:.2f} re W n\n", at({open.clip->left, open.clip->bottom}),
                        open.clip->width(), open.clip->height());
  }
  void operator()(const Close&) { out_ += "Q\n"; }

 private:
  std::string at(Place place) const { return fmt::format("{:.2f} {:.2f}", place.x, height_ - place.y); }

  void add_path(const std::vector<Place>& places) {
    const char* how = "m";
    for (const Place& place : places) {
      out_ += fmt::format("{} {}\n", at(place), how);
      how = "l";
    }
  }
  void add_curve(Place a, Place b, Place end) { out_ += fmt::format("{} {} {} c\n", at(a), at(b), at(end)); }

  double height_;
  std::string out_;
  std::set<int> opacities_;  // in percent
};

// Objects numbered from 1, and the table of where they begin.
class PdfFile {
 public:
  void add(const std::string& object) {
    offsets_.push_back(out_.size());
    out_ += fmt::format("{} 0 obj\n{}\nendobj\n", offsets_.size(), object);
  }
  std::string finish(int root, int info) && {
    const size_t table = out_.size();
    out_ += fmt::format("xref\n0 {}\n0000000000 65535 f \n", offsets_.size() + 1);
    for (const size_t offset : offsets_) out_ += fmt::format("{:010} 00000 n \n", offset);
    out_ += fmt::format("trailer\n<</Size {} /Root {} 0 R /Info {} 0 R>>\nstartxref\n{}\n%%EOF\n",
                        offsets_.size() + 1, root, info, table);
    return std::move(out_);
  }

 private:
  std::string out_ = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n";  // bytes above 127: not a text file
  std::vector<size_t> offsets_;
};

std::string states_of(const std::set<int>& opacities) {
  std::string out;
  for (const int percent : opacities) out += fmt::format("/O{0} <</ca {1:.2f}>> ", percent, percent / 100.);
  return out;
}

}  // namespace

std::string pdf_bytes(const Drawing& drawing) {
  const PageWriter page(drawing);
  PdfFile file;
  file.add("<</Type /Catalog /Pages 2 0 R>>");
  file.add("<</Type /Pages /Kids [3 0 R] /Count 1>>");
  file.add(
      fmt::format("<</Type /Page /Parent 2 0 R /MediaBox [0 0 {:.2f} {:.2f}] /Contents 5 0 R /Resources "
                  "<</Font <</F 4 0 R>> /ExtGState <<{}>>>>>>",
                  drawing.width, drawing.height, states_of(page.opacities())));
  file.add("<</Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding>>");
  file.add(fmt::format("<</Length {}>>\nstream\n{}endstream", page.operators().size(), page.operators()));
  file.add(fmt::format("<</Title {} /Producer (idleheads)>>", unicode_literal(to_utf32(drawing.title))));
  return std::move(file).finish(1, 6);
}

}  // namespace idleheads::figure
