// Drawings as SVG and as PDF.
#include "report/figures/drawing.h"

#include <gmock/gmock.h>

#include "report/figures/axes.h"
#include "report/figures/helvetica.h"
#include "report/figures/layout.h"
#include "report/pdf_reader.h"
#include "report/svg_reader.h"
#include "report/xml_check.h"
#include "studyfile/study_fixture.h"

namespace idleheads::figure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Drawing with(Shape shape) {
  Drawing drawing = {100, 50, "a title"};
  drawing.add(std::move(shape));
  return drawing;
}

std::string page_of(const Drawing& drawing) {
  const PdfReader pdf(pdf_bytes(drawing));
  EXPECT_EQ(pdf.problem(), "");
  return pdf.stream();
}

// PDF counts from the lower edge: 50 - 20 is 30.
TEST(Drawing, TheSamePlacesInBothFormats) {
  const Drawing line = with(Line{{{10, 20}, {30.5, 40}}, {255, 0, 0}, 1.5, {4, 2}});
  EXPECT_THAT(svg_text(line),
              HasSubstr("<path d=\"M10.00 20.00L30.50 40.00\" fill=\"none\" stroke=\"#ff0000\" "
                        "stroke-width=\"1.5\" stroke-dasharray=\"4 2\"/>"));
  EXPECT_THAT(page_of(line), HasSubstr("1 0 0 RG 1.50 w [4.00 2.00] 0 d\n10.00 30.00 m\n30.50 10.00 l\nS\n"));
  const Drawing area = with(Area{{{0, 0}, {10, 0}, {10, 50}}, {0, 0, 255}, 0.25});
  EXPECT_THAT(svg_text(area),
              HasSubstr("d=\"M0.00 0.00L10.00 0.00L10.00 50.00Z\" fill=\"#0000ff\" fill-opacity=\"0.25\""));
  EXPECT_THAT(page_of(area),
              HasSubstr("q /O25 gs\n0 0 1 rg\n0.00 50.00 m\n10.00 50.00 l\n10.00 0.00 l\nf Q\n"));
  EXPECT_THAT(pdf_bytes(area), HasSubstr("/ExtGState <</O25 <</ca 0.25>> >>"));
  EXPECT_THAT(page_of(with(Dot{{50, 10}, 2, kBlack})), HasSubstr("52.00 40.00 m\n"));
  EXPECT_THAT(svg_text(with(Dot{{50, 10}, 2, kBlack})),
              HasSubstr("<circle cx=\"50.00\" cy=\"10.00\" r=\"2\""));
  const Drawing clip = with(Open{"", Box{10, 5, 60, 45}});
  EXPECT_THAT(page_of(clip), HasSubstr("q\n10.00 5.00 50.00 40.00 re W n\n"));
}

// "iii" is 3 x 0.222 times as wide as the font is high, 5.33 at 8 points.
TEST(Drawing, AnchorsOfTexts) {
  EXPECT_THAT(page_of(with(Text{{50, 20}, "iii"})), HasSubstr("/F 8.00 Tf 1 0 0 1 50.00 30.00 Tm (iii) Tj"));
  EXPECT_THAT(page_of(with(Text{{50, 20}, "iii", Anchor::middle})), HasSubstr(" 47.34 30.00 Tm"));
  EXPECT_THAT(page_of(with(Text{{50, 20}, "iii", Anchor::end})), HasSubstr(" 44.67 30.00 Tm"));
  EXPECT_THAT(page_of(with(Text{{50, 20}, "iii", Anchor::end, 8, kBlack, true})),
              HasSubstr("0 1 -1 0 50.00 24.67 Tm"));
  EXPECT_THAT(
      svg_text(with(Text{{50, 20}, "iii", Anchor::end})),
      HasSubstr("<text x=\"50.00\" y=\"20.00\" text-anchor=\"end\" fill=\"#222222\" textLength=\"5.33\" "
                "lengthAdjust=\"spacingAndGlyphs\">iii</text>"));
  EXPECT_THAT(svg_text(with(Text{{50, 20}, "iii", Anchor::middle, 8, kBlack, true})),
              HasSubstr("transform=\"translate(50.00 20.00) rotate(-90)\" text-anchor=\"middle\""));
}

TEST(Drawing, OfCharactersOfOtherFontsTheWidthIsNotSaid) {
  EXPECT_THAT(svg_text(with(Text{{5, 5}, "模"})), testing::Not(HasSubstr("textLength")));
}

TEST(Drawing, HostileTextsAreTexts) {
  const std::string text = "a(b)\\c</text>&\"' é − 模型 \xf0\x9f\x98\x80";
  Drawing drawing = with(Text{{5, 5}, text});
  drawing.title = text;
  EXPECT_EQ(xml_error(svg_text(drawing)), "");
  EXPECT_THAT(svg_text(drawing), HasSubstr(">a(b)\\c&lt;/text&gt;&amp;\"' é − 模型 \xf0\x9f\x98\x80</text>"));
  const PdfReader pdf(pdf_bytes(drawing));
  EXPECT_EQ(pdf.problem(), "");
  EXPECT_THAT(pdf.texts(), ElementsAre("a(b)\\c</text>&\"' \xe9 \x96 ?? ?")) << "as the font has it";
  EXPECT_THAT(pdf.actual_texts(), ElementsAre(HasSubstr("002000E90020221200206A21578B0020D83DDE00")));
  EXPECT_THAT(PdfReader(pdf_bytes(with(Text{{5, 5}, "é −"}))).actual_texts(), testing::IsEmpty())
      << "the font has these";
}

TEST(Drawing, CharactersThatXmlDoesNotHave) {
  EXPECT_EQ(xml_error(svg_text(with(Text{{5, 5}, "a\xef\xbf\xbf\xef\xbf\xbez"}))), "");
}

TEST(Helvetica, Widths) {
  EXPECT_DOUBLE_EQ(text_width("Wi", 1000), 944 + 222);
  EXPECT_DOUBLE_EQ(text_width("é…", 1000), 556 + 1000);
  EXPECT_DOUBLE_EQ(text_width("模", 1000), 1000) << "not in the font: as wide as high";
  EXPECT_FALSE(glyph_of(U'模'));
  EXPECT_TRUE(is_whole("a − b"));
  EXPECT_FALSE(is_whole("a 模"));
  EXPECT_EQ(glyph_of(U'−')->code, 0x96);
}

TEST(Helvetica, TextsAreCutInTheirMiddle) {
  EXPECT_EQ(fitted("model, task", 8, 100), "model, task");
  const std::string cut = fitted("a-model-with-a-long-name, task", 8, 60);
  EXPECT_THAT(cut, testing::MatchesRegex("a-mod.*….*, task"));
  EXPECT_LE(text_width(cut, 8), 60);
  EXPECT_EQ(fitted("模型模型模型模型", 8, 40), "模型…模型");
  EXPECT_EQ(fitted("abc", 8, 0), "…");
}

TEST(Axes, TicksAreRoundNumbers) {
  EXPECT_THAT(Axis({0, 30}, 0, 300, 6).ticks(), ElementsAre(0, 5, 10, 15, 20, 25, 30));
  EXPECT_THAT(Axis({49.3, 66.6}, 0, 300, 4).ticks(), ElementsAre(50, 55, 60, 65));
  EXPECT_DOUBLE_EQ(Axis({50, 60}, 100, 200, 5).place(57.5), 175);
  for (const Range range : {Range{5, 5}, Range{0, 0}, Range{1e300, 1e300}, Range{-1e-300, 1e-300},
                            Range::none(), Range{-1e15, -1e15 + 0.5}}) {
    const Axis axis(range, 0, 100, 5);
    EXPECT_LE(axis.ticks().size(), 12u) << range.low;
    EXPECT_TRUE(std::isfinite(axis.place(range.empty() ? 0 : range.low))) << range.low;
  }
  EXPECT_EQ(tick_text(-0.5), "−0.5");
  EXPECT_EQ(tick_text(-0.0), "0");
  EXPECT_EQ(tick_text(0.1 * 3), "0.3");
}

TEST(Axes, CountsHaveWholeTicks) {
  EXPECT_THAT(Axis({-0.5, 1.5}, 0, 300, 8, 1).ticks(), ElementsAre(0, 1));
  EXPECT_THAT(Axis({-0.5, 1.5}, 0, 300, 8).ticks(), testing::Contains(0.5));
}

TEST(Axes, NumbersOfTicksDoNotMeet) {
  for (const double scale : {1., 1e-3, 1e-7, 1e4}) {
    Drawing drawing = {150, 150, ""};
    draw_plot(drawing, {0, 0, 150, 150}, {"", "x", "y"}, {0.31 * scale, 0.52 * scale}, {0, 1});
    double end = 0;
    for (const SvgText& text : svg_texts(svg_text(drawing))) {
      if (text.anchor != "middle" || text.text == "x" || text.text == "y") continue;
      const double width = text_width(text.text, kTextSize);
      EXPECT_GT(text.x - width / 2, end) << text.text;
      end = text.x + width / 2;
    }
    EXPECT_GT(end, 0);
  }
}

TEST(Layout, Sizes) {
  EXPECT_DOUBLE_EQ(parse_size("single").width, 3.3 * 72);
  EXPECT_FALSE(parse_size("double").height);
  EXPECT_DOUBLE_EQ(parse_size("4.5x3").height.value(), 216);
  for (const char* bad : {"", "x", "3x", "4.5", "4x3x2", "1x1", "41x3", "nanx3", "3x-2", "singel", "4,5x3"})
    EXPECT_THAT(error_of([&] { parse_size(bad); }), HasSubstr("expected single, double")) << bad;
}

TEST(Layout, TheLegendIsBelowThePanels) {
  const std::vector<LegendEntry> legend(7, {"a name of some length", {}});
  for (const char* size : {"single", "double", "5x4"}) {
    const Layout layout = lay_out(parse_size(size), 4, 150, 160, legend);
    ASSERT_EQ(layout.panels.size(), 4u);
    for (const Box& panel : layout.panels) {
      EXPECT_LE(panel.bottom, layout.legend.top) << size;
      EXPECT_LE(panel.right, layout.width) << size;
    }
    EXPECT_LE(layout.legend.bottom, layout.height) << size;
  }
  EXPECT_THAT(error_of([&] { lay_out(parse_size("3x1.5"), 4, 150, 160, legend); }),
              HasSubstr("not high enough"));
}

}  // namespace
}  // namespace idleheads::figure
