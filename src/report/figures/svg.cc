// Figures as SVG.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/figures/drawing.h"
#include "report/figures/helvetica.h"

namespace idleheads::figure {
namespace {

// Of what XML does not have, printable() leaves only U+FFFE and U+FFFF.
std::string escaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view next = text.substr(i, 3);
    if (next == "\xef\xbf\xbe" || next == "\xef\xbf\xbf") {
      out += '?';
      i += 2;
    } else if (text[i] == '<') {
      out += "&lt;";
    } else if (text[i] == '>') {
      out += "&gt;";
    } else if (text[i] == '&') {
      out += "&amp;";
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string path_of(const std::vector<Place>& places) {
  std::string out;
  for (const Place& place : places)
    out += fmt::format("{}{:.2f} {:.2f}", out.empty() ? "M" : "L", place.x, place.y);
  return out;
}

// As wide as it is in Helvetica, whatever font there is. Nothing is known of characters which that does not
// have.
std::string length_of(const Text& text) {
  if (text.text.empty() || !is_whole(text.text)) return "";
  return fmt::format(" textLength=\"{:.2f}\" lengthAdjust=\"spacingAndGlyphs\"",
                     text_width(text.text, text.size));
}

class SvgWriter {
 public:
  explicit SvgWriter(const Drawing& drawing) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.2f}pt\" height=\"{1:.2f}pt\" "
        "viewBox=\"0 0 {0:.2f} {1:.2f}\" font-family=\"Helvetica, Arial, Liberation Sans, sans-serif\" "
        "font-size=\"{2}\">\n<title>{3}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        drawing.width, drawing.height, kTextSize, escaped(drawing.title));
    for (const Shape& shape : drawing.shapes) std::visit(*this, shape);
    out_ += "</svg>\n";
  }
  std::string text() && { return std::move(out_); }

  void operator()(const Line& line) {
    out_ += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}/>\n", path_of(line.places),
        hex(line.color), line.width,
        line.dashes.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", fmt::join(line.dashes, " ")));
  }
  void operator()(const Area& area) {
    out_ += fmt::format("<path d=\"{}Z\" fill=\"{}\"{}/>\n", path_of(area.corners), hex(area.fill),
                        area.opacity < 1 ? fmt::format(" fill-opacity=\"{}\"", area.opacity) : "");
  }
  void operator()(const Dot& dot) {
    out_ += fmt::format("<circle cx=\"{:.2f}\" cy=\"{:.2f}\" r=\"{}\" fill=\"{}\"/>\n", dot.center.x,
                        dot.center.y, dot.radius, hex(dot.fill));
  }
  void operator()(const Text& text) {
    constexpr const char* kAnchors[] = {"start", "middle", "end"};
    const std::string place =
        text.upward ? fmt::format("transform=\"translate({:.2f} {:.2f}) rotate(-90)\"", text.at.x, text.at.y)
                    : fmt::format("x=\"{:.2f}\" y=\"{:.2f}\"", text.at.x, text.at.y);
    out_ += fmt::format("<text {} text-anchor=\"{}\" fill=\"{}\"{}{}>{}</text>\n", place,
                        kAnchors[static_cast<size_t>(text.anchor)], hex(text.color), length_of(text),
                        text.size == kTextSize ? "" : fmt::format(" font-size=\"{:.2f}\"", text.size),
                        escaped(text.text));
  }
  void operator()(const Open& open) {
    if (!open.clip) {
      out_ += "<g>";
    } else {
      out_ += fmt::format(
          "<clipPath id=\"clip{0}\"><rect x=\"{1:.2f}\" y=\"{2:.2f}\" width=\"{3:.2f}\" "
          "height=\"{4:.2f}\"/></clipPath>\n<g clip-path=\"url(#clip{0})\">",
          ++clips_, open.clip->left, open.clip->top, open.clip->width(), open.clip->height());
    }
    if (!open.title.empty()) out_ += fmt::format("<title>{}</title>", escaped(open.title));
    out_ += "\n";
  }
  void operator()(const Close&) { out_ += "</g>\n"; }

 private:
  std::string out_;
  int clips_ = 0;
};

}  // namespace

std::string svg_text(const Drawing& drawing) { return SvgWriter(drawing).text(); }

}  // namespace idleheads::figure
