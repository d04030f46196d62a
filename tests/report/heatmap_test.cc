#include "idleheads/report/heatmap.h"

#include "report/report_fixture.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using testing::Not;

HeatMap numbered(int layers, int heads) {
  HeatMap map;
  map.title = "title";
  map.note = "note";
  map.grid = HeadGrid(layers, heads);
  for (size_t i = 0; i < map.grid.values.size(); ++i) map.grid.values[i] = static_cast<double>(i);
  return map;
}

size_t longest_line(const std::string& text) {
  size_t longest = 0, start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos;
       start = end + 1, end = text.find('\n', start)) {
    longest = std::max(longest, end - start);
  }
  return longest;
}

TEST(HeatMap, Shades) {
  HeatMap map = numbered(2, 6);
  map.grid.values[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(render(map, ColorDepth::none, 80),
            "title\n"
            "head   0         5\n"
            "  L0  |    ..?"
            "?--==|\n"
            "  L1  |++**##%%@@@@|\n"
            "0 ' .:-=+*#%@' 11\n"
            "note\n");
}

TEST(HeatMap, ColorsEndWithEveryLine) {
  const std::string full = render(numbered(1, 2), ColorDepth::full, 80);
  EXPECT_THAT(full, HasSubstr("\x1b[48;2;68;1;84m  \x1b[48;2;253;231;37m  \x1b[0m\n"));
  const std::string indexed = render(numbered(1, 2), ColorDepth::indexed, 80);
  EXPECT_THAT(indexed, HasSubstr("\x1b[48;5;53m  \x1b[48;5;220m  \x1b[0m\n"));
  EXPECT_THAT(indexed, Not(HasSubstr("48;2;")));
}

TEST(HeatMap, MarksHeads) {
  HeatMap map = numbered(2, 3);
  map.marked = HeadMask(2, 3);
  map.marked->set(0, 1, true);
  map.marked->set(1, 2, true);
  EXPECT_THAT(render(map, ColorDepth::none, 80), HasSubstr("  L0  |  :x==|\n  L1  |**%%@x|\n"))
      << render(map, ColorDepth::none, 80);
  EXPECT_THAT(render(map, ColorDepth::none, 11), HasSubstr("x"));
  const std::string full = render(map, ColorDepth::full, 80);
  EXPECT_THAT(full, HasSubstr("m\x1b[97m x\x1b[48;2;"));            // white on dark
  EXPECT_THAT(full, HasSubstr("\x1b[48;2;253;231;37m\x1b[30m x"));  // black on bright
}

TEST(HeatMap, WideModelsFit) {
  EXPECT_EQ(longest_line(render(numbered(2, 64), ColorDepth::none, 140)), 6u + 2 + 128);
  EXPECT_EQ(longest_line(render(numbered(2, 64), ColorDepth::none, 80)), 6u + 2 + 64);
  EXPECT_LE(longest_line(render(numbered(100, 200), ColorDepth::none, 60)), 60u);
  EXPECT_THAT(render(numbered(1, 3), ColorDepth::none, 0), HasSubstr("L0"))
      << "no width at all does not hang";
}

TEST(HeatMap, ConstantInfiniteAndMissingValues) {
  HeatMap map = numbered(1, 2);
  map.grid.values = {7, 7};
  EXPECT_THAT(render(map, ColorDepth::none, 80), HasSubstr("|    |"));
  map.grid.values = {0, std::numeric_limits<double>::infinity()};
  EXPECT_THAT(render(map, ColorDepth::none, 80), HasSubstr("L0"));
  map.grid.values = {NAN, NAN};
  EXPECT_THAT(render(map, ColorDepth::indexed, 80), HasSubstr("no score is a number"));
}

TEST(HeatMap, OfAScoreAndOfAnIntervention) {
  TempFolder folder;
  const StudyStore store = store_study(small_study(), folder / "a.db");
  const StudySummary summary = summarize(store, {.distributions = true, .subjects_of = ""});
  EXPECT_EQ(heat_map(summary, "awft").grid.at(0, 0), 0.625);
  EXPECT_THAT(heat_map(summary, "awft").note, HasSubstr("High"));
  const HeatMap often = heat_map(summary, "ahon_ln@25%");
  EXPECT_EQ(often.grid.at(0, 0), 50);
  EXPECT_EQ(often.grid.at(1, 3), 100);
  EXPECT_EQ(often.high, 100);
  EXPECT_THROW(heat_map(summary, "random"), UsageError);
  EXPECT_THAT(error_of([&] { heat_map(summary, "ahon_lm"); }), HasSubstr("ahon_ln"));
}

}  // namespace
}  // namespace idleheads
