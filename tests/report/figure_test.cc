// What `idleheads export --figure` draws and says.
#include "report/figures/figure.h"

#include <gmock/gmock.h>

#include <cmath>

#include "analysis/spread.h"
#include "idleheads/heads/intervention.h"
#include "report/changed_study.h"
#include "report/figures/curve_lines.h"
#include "report/numbers/agreement.h"
#include "report/numbers/certainty.h"
#include "report/pdf_reader.h"
#include "report/svg_reader.h"
#include "report/xml_check.h"

namespace idleheads::figure {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FigureTest : public testing::Test {
 protected:
  LoadedStudy loaded(const FakeStudy& study, std::vector<int> finished = {}) {
    return load(study, folder_ / fmt::format("{}.db", number_++), std::move(finished));
  }
  std::vector<LoadedStudy> small(int count = 1) {
    std::vector<LoadedStudy> studies;
    for (int i = 0; i < count; ++i) studies.push_back(loaded(small_study()));
    return studies;
  }
  // Both formats are well-formed, the same each time, and have the same texts.
  std::string svg_of(const std::vector<LoadedStudy>& studies, const Options& options) {
    const Figure figure = make_figure(studies, options);
    const std::string svg = svg_text(figure.drawing);
    EXPECT_EQ(xml_error(svg), "") << svg;
    for (const char* word : {"nan", "inf\"", "inf ", "infL"}) EXPECT_THAT(svg, Not(HasSubstr(word)));
    const Figure again = make_figure(studies, options);
    EXPECT_EQ(svg, svg_text(again.drawing));
    EXPECT_EQ(pdf_bytes(figure.drawing), pdf_bytes(again.drawing));
    EXPECT_EQ(figure.caption, again.caption);
    EXPECT_THAT(figure.caption, Not(HasSubstr("\n"))) << "one paragraph";
    const PdfReader pdf(pdf_bytes(figure.drawing));
    EXPECT_EQ(pdf.problem(), "");
    EXPECT_EQ(pdf.texts().size(), svg_texts(svg).size());
    return svg;
  }
  std::string refusal_of(const std::vector<LoadedStudy>& studies, const Options& options) {
    return error_of([&] { make_figure(studies, options); });
  }
  TempFolder folder_;
  int number_ = 0;
};

// ---- curves

void expect_values(const SvgScale& scale, const std::string& group, const std::vector<CurvePoint>& expected) {
  const std::vector<CurvePoint> drawn = svg_path(group);
  ASSERT_EQ(drawn.size(), expected.size()) << group;
  EXPECT_EQ(svg_marks(group), static_cast<int>(expected.size()));
  for (size_t i = 0; i < drawn.size(); ++i) {
    EXPECT_NEAR(scale.x(drawn[i].percent), expected[i].percent, 0.01);
    EXPECT_NEAR(scale.y(drawn[i].accuracy), expected[i].accuracy, 0.02);
  }
}

TEST_F(FigureTest, CurvesAreTheNumbersOfTheSummary) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {});
  const SvgScale scale(svg);
  for (const ScoreSummary& score : studies[0].summary.scores) {
    expect_values(scale, svg_group(svg, std::string(score.score->slug)),
                  curve_points(studies[0].summary, score));
    EXPECT_EQ(texts_of(svg, std::string(score.score->slug)), 1) << "in the legend";
  }
  expect_values(scale, svg_group(svg, "ahon_ln"), {{0, 80}, {12.5, 81}, {25, 79.5}});
  EXPECT_NEAR(scale.y(svg_path(svg_group(svg, "all heads on")).at(0).accuracy), 80, 0.02);
  EXPECT_NEAR(scale.y(svg_path(svg_group(svg, "all heads on − 1")).at(0).accuracy), 79, 0.02);
  EXPECT_NEAR(scale.y(svg_path(svg_group(svg, "guessing")).at(0).accuracy), 50, 0.02);
  for (const char* label :
       {"tiny, quiz", "heads off (%)", "accuracy (%)", "all heads on", "all heads on − 1", "guessing"})
    EXPECT_EQ(texts_of(svg, label), 1) << label;
}

TEST_F(FigureTest, BandsAreTheIntervalsOfTheDifferences) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.scores = {"awft"}});
  const SvgScale scale(svg);
  const std::vector<CurvePoint> band = svg_path(svg_group(svg, "awft, interval"));
  ASSERT_EQ(band.size(), 6u) << "the baseline and two points, up and down";
  const Certainty certainty = certainty_of(studies[0].store, studies[0].summary);
  const Interval last = certainty.scores[0].points[1].difference.interval;
  EXPECT_NEAR(scale.y(band[0].accuracy), 80, 0.02);
  EXPECT_NEAR(scale.y(band[2].accuracy), 80 + last.high, 0.02);
  EXPECT_NEAR(scale.y(band[3].accuracy), 80 + last.low, 0.02);
  EXPECT_THAT(make_figure(studies, {}).caption, HasSubstr("Bands: 95 % intervals of the difference"));
}

TEST_F(FigureTest, OfManyLinesTheBestAloneHasABand) {
  FakeStudy study = small_study();
  study.runs.push_back({{"avvn", 0.1, "avvn<0.1"}, 150, {{0, 2}}, {}});
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(study));
  const std::string svg = svg_of(studies, {});
  for (const char* slug : {"awft", "avvn", "random"})
    EXPECT_EQ(svg_group(svg, fmt::format("{}, interval", slug)), "") << slug;
  EXPECT_NE(svg_group(svg, "ahon_ln, interval"), "");
  EXPECT_THAT(svg_group(svg, "ahon_ln"), HasSubstr("stroke-width=\"2\""));
  EXPECT_THAT(svg_group(svg, "awft"), HasSubstr("stroke-width=\"1\""));
  EXPECT_THAT(make_figure(studies, {}).caption, HasSubstr("Thick, with its band: the best score (ahon_ln)"));
}

TEST_F(FigureTest, EveryScoreHasALine) {
  FakeStudy study = small_study();
  study.runs.resize(1);
  for (const Score& score : all_scores()) {
    const std::string rule = to_string(Intervention(ScoreRule{&score, 0.5f}));
    study.runs.push_back({{std::string(score.slug), 0.1, rule}, 159, {{0, 0}}, {}});
  }
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(study));
  const std::string svg = svg_of(studies, {});
  std::set<std::string> looks;
  for (const Score& score : all_scores()) {
    const std::string slug(score.slug), group = svg_group(svg, slug);
    EXPECT_EQ(svg_marks(group), 2) << slug;
    EXPECT_EQ(texts_of(svg, slug), 1) << slug;
    const size_t stroke = group.find("stroke=");
    looks.insert(group.substr(stroke, group.find("/>", stroke) - stroke));
  }
  EXPECT_EQ(looks.size(), all_scores().size()) << "no two lines look alike";
}

TEST_F(FigureTest, ScoresThatAreAskedFor) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.scores = {"random", "awft"}});
  EXPECT_EQ(svg_group(svg, "ahon_ln"), "");
  EXPECT_LT(svg.find("<title>random"), svg.find("<title>awft"));
  EXPECT_THAT(refusal_of(studies, {.scores = {"avvn"}}),
              HasSubstr("0.db: the study has no curve of 'avvn'; it has those of awft, ahon_ln and random"));
  EXPECT_THAT(refusal_of(studies, {.scores = {"ahonln"}}), HasSubstr("did you mean 'ahon_ln'?"));
  EXPECT_THAT(refusal_of(studies, {.scores = {"awft", "AWFT"}}), HasSubstr("awft twice"));
  EXPECT_EQ(svg_of(studies, {.scores = {"Random", "AWFT"}}), svg);
}

TEST_F(FigureTest, SeveralStudiesWithOneScoreAreLinesOfDifferences) {
  FakeStudy other = small_study();
  other.settings["info.model"] = "other";
  for (FakeRun& run : other.runs) run.right -= 20;
  std::vector<LoadedStudy> studies = small();
  studies.push_back(loaded(other));
  const std::string svg = svg_of(studies, {.scores = {"ahon_ln"}});
  const SvgScale scale(svg);
  for (const char* label : {"tiny", "other"}) {
    expect_values(scale, svg_group(svg, label), {{0, 0}, {12.5, 1}, {25, -0.5}});
    EXPECT_EQ(texts_of(svg, label), 1) << label;
  }
  EXPECT_EQ(texts_of(svg, "difference to all heads on (points)"), 1);
  const std::string caption = make_figure(studies, {.scores = {"ahon_ln"}}).caption;
  EXPECT_THAT(caption, AllOf(HasSubstr("tiny on quiz (200 questions, 0 shots) and other on quiz"),
                             HasSubstr("With all heads on: 80.0 % and 70.0 %")));
}

TEST_F(FigureTest, SeveralStudiesArePanels) {
  const std::vector<LoadedStudy> studies = small(3);
  const std::string svg = svg_of(studies, {.size = parse_size("double")});
  for (int panel = 0; panel < 3; ++panel) EXPECT_EQ(svg_marks(svg_group(svg, "awft", panel)), 3);
  EXPECT_EQ(svg_group(svg, "awft", 3), "");
  for (const char* title : {"tiny, quiz, 0.db", "tiny, quiz, 1.db", "tiny, quiz, 2.db"})
    EXPECT_EQ(texts_of(svg, title), 1);
  EXPECT_THAT(make_figure(studies, {}).caption,
              HasSubstr("tiny on quiz (200 questions, 0 shots), 1.db and tiny on"));
  EXPECT_EQ(texts_of(svg, "awft"), 1) << "one legend";
}

TEST_F(FigureTest, AlikeModelsAreToldApart) {
  FakeStudy other = small_study();
  other.settings["task.name"] = "riddle";
  std::vector<LoadedStudy> studies = small(2);
  studies.push_back(loaded(other));
  const std::string svg = svg_of(studies, {.scores = {"awft"}});
  for (const char* label : {"tiny, quiz, 0.db", "tiny, quiz, 1.db", "tiny, riddle"})
    EXPECT_EQ(texts_of(svg, label), 1);
}

TEST_F(FigureTest, Perplexities) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load_texts(folder_ / "a.db", -20, -20.5f));
  EXPECT_EQ(texts_of(svg_of(studies, {}), "−100 ln word perplexity"), 1);
  EXPECT_THAT(make_figure(studies, {}).caption, AllOf(HasSubstr("Word perplexity (−100 times its logarithm"),
                                                      HasSubstr("(3 texts)"), HasSubstr("1 % below")));
}

TEST_F(FigureTest, AccuracyAndPerplexityAreNotInOnePlot) {
  std::vector<LoadedStudy> studies = small();
  studies.push_back(load_texts(folder_ / "texts.db", -20, -20.5f));
  EXPECT_THAT(refusal_of(studies, {.scores = {"ahon_ln"}}),
              AllOf(HasSubstr("0.db is measured by acc"), HasSubstr("texts.db by word_perplexity")));
  EXPECT_EQ(texts_of(svg_of(studies, {}), "−100 ln word perplexity"), 1) << "each in its panel";
}

TEST_F(FigureTest, WhatIsMissingIsSaid) {
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(small_study(), {-1, -1, -1, -1, -1, 7, 0}));
  EXPECT_EQ(svg_group(svg_of(studies, {}), "random"), "");
  EXPECT_THAT(make_figure(studies, {}).caption,
              HasSubstr("tiny: unfinished; interventions without all results"));
  EXPECT_THAT(make_figure(small(), {}).caption, Not(HasSubstr("unfinished")));
}

TEST_F(FigureTest, PointsWithoutANumberAreLeftOut) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load_texts(folder_ / "a.db", -20, -INFINITY));
  EXPECT_EQ(svg_marks(svg_group(svg_of(studies, {}), "ahon_ln")), 1) << "the baseline";
}

TEST_F(FigureTest, AllPointsInOnePlace) {
  FakeStudy study = small_study();
  study.runs.resize(2);
  study.runs[0].right = study.runs[1].right = 200;
  study.runs[1].off = {};
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(study));
  EXPECT_EQ(svg_marks(svg_group(svg_of(studies, {}), "awft")), 2);
}

TEST_F(FigureTest, WithoutResultsThereAreNoCurves) {
  std::vector<LoadedStudy> studies;
  const std::vector<std::vector<int>> finished = {{-1, 5, 0, 0, 0, 0, 0}, std::vector<int>(7, 0)};
  for (const std::vector<int>& each : finished) {
    studies.clear();
    studies.push_back(loaded(small_study(), each));
    EXPECT_THAT(refusal_of(studies, {}), HasSubstr(".db: no intervention of the study is finished"));
  }
  studies.clear();
  studies.push_back(loaded(score_only_study()));
  for (const Kind kind : {Kind::curves, Kind::layers, Kind::ranks})
    EXPECT_THAT(refusal_of(studies, {.kind = kind}), HasSubstr(".db: no "));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::layers}), HasSubstr("which has scores alone"));
  studies.push_back(loaded(small_study()));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::ranks}), HasSubstr("its scores have no ranks"));
}

TEST_F(FigureTest, HostileNames) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "org/<script>alert(1)<&\"'>\\)\x1b\xff]]> 模型";
  study.settings["task.name"] = "a & b</text>\xe2\x80\xa8\xef\xbf\xbf";
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(study));
  for (const Kind kind : {Kind::curves, Kind::cdf, Kind::layers, Kind::ranks}) {
    const std::string svg = svg_of(studies, {.kind = kind, .size = parse_size("30x20")});
    EXPECT_THAT(svg, Not(HasSubstr("<script")));
    const std::string caption = make_figure(studies, {.kind = kind}).caption;
    EXPECT_THAT(caption, AllOf(HasSubstr("<script>alert(1)<&\"'>\\)??]]> 模型 on a & b</text>?"),
                               Not(HasSubstr("\x1b"))));
  }
  const Figure figure = make_figure(studies, {.size = parse_size("30x20")});
  EXPECT_THAT(svg_text(figure.drawing),
              HasSubstr(">&lt;script&gt;alert(1)&lt;&amp;\"'&gt;\\)??]]&gt; 模型, a &amp; b&lt;/text&gt;?"
                        "?</text>"));
  const PdfReader pdf(pdf_bytes(figure.drawing));
  EXPECT_THAT(pdf.texts(), testing::Contains("<script>alert(1)<&\"'>\\)??]]> ??, a & b</text>\?\?"));
  EXPECT_THAT(pdf.actual_texts(), ElementsAre(HasSubstr("6A21578B")));
}

// ---- distributions

TEST_F(FigureTest, DistributionsAreThoseOfTheStatistics) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.kind = Kind::cdf, .scores = {"ahon"}});
  std::vector<float> all;
  const std::vector<StoredResult> baseline = studies[0].store.results(0, true);
  for (const std::vector<float>& head : head_values(require_score("ahon"), 2, 4, baseline))
    all.insert(all.end(), head.begin(), head.end());
  const std::vector<float> quantiles = quantiles_of(all, 201);
  const std::vector<CurvePoint> line = svg_path(svg_group(svg, "tiny"));
  const SvgScale scale(svg);
  ASSERT_EQ(line.size(), quantiles.size());
  for (size_t i = 0; i < line.size(); ++i) {
    EXPECT_NEAR(scale.x(line[i].percent), quantiles[i], 0.005);
    EXPECT_NEAR(scale.y(line[i].accuracy), static_cast<double>(i) / 2, 0.2);
  }
  EXPECT_EQ(texts_of(svg, "Avg Head Output Norm"), 1);
  EXPECT_EQ(texts_of(svg, "ahon"), 1);
}

// awft<... is off above its threshold: 90 % of the pairs are at or below that of 10 %.
TEST_F(FigureTest, ThresholdsAreMarked) {
  FakeStudy study = small_study();
  study.runs[1].intervention.rule = "awft>0.9";
  study.runs[2].intervention.rule = "awft>0.5";
  std::vector<LoadedStudy> studies;
  studies.push_back(loaded(study));
  const std::string svg = svg_of(studies, {.kind = Kind::cdf, .scores = {"awft"}});
  const std::string group = svg_group(svg, "tiny");
  EXPECT_EQ(svg_marks(group), 2);
  static const std::regex dot("<circle cx=\"([0-9.]+)\" cy=\"([0-9.]+)\"");
  std::smatch match;
  ASSERT_TRUE(std::regex_search(group, match, dot));
  const SvgScale scale(svg);
  EXPECT_NEAR(scale.x(std::stod(match[1])), 0.9, 0.01);
  EXPECT_NEAR(scale.y(std::stod(match[2])), 90, 0.2);
  const std::string caption = make_figure(studies, {.kind = Kind::cdf, .scores = {"awft"}}).caption;
  EXPECT_THAT(caption, AllOf(HasSubstr("awft; heads above a threshold are off"),
                             HasSubstr("take 10 and 25 % of the pairs")));
}

TEST_F(FigureTest, DistributionsOfTheBestScoreByDefaultAndOfScoreFiles) {
  std::vector<LoadedStudy> studies = small();
  EXPECT_EQ(texts_of(svg_of(studies, {.kind = Kind::cdf}), "ahon_ln"), 1);
  studies.push_back(loaded(score_only_study()));
  const std::string svg = svg_of(studies, {.kind = Kind::cdf, .scores = {"awft", "aeqd"}});
  EXPECT_EQ(texts_of(svg, "aeqd (nats)"), 1);
  EXPECT_EQ(svg_marks(svg_group(svg, "tiny, quiz, 0.db", 0)), 2);
  EXPECT_EQ(svg_marks(svg_group(svg, "tiny, quiz, 1.db", 0)), 0) << "it tested no share";
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::cdf, .scores = {"random"}}), HasSubstr("no distribution"));
  FakeStudy unfinished = small_study();
  studies.clear();
  studies.push_back(loaded(unfinished, std::vector<int>(7, 0)));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::cdf}), HasSubstr("no document of the study has statistics"));
}

// ---- layers

// Under ahon_ln@25% L1H3 is always off, L0H0 and L1H0 sometimes.
TEST_F(FigureTest, LayersByHand) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.kind = Kind::layers});
  const auto heights = [&](const std::string& layer) {
    static const std::regex bar(
        "<path d=\"M([0-9.]+) ([0-9.]+)L[0-9.]+ [0-9.]+L[0-9.]+ ([0-9.]+)L[-0-9.L ]*Z\" fill=\"(#\\w+)\"");
    std::map<std::string, double> out;
    const std::string group = svg_group(svg, layer);
    const SvgScale scale(svg);
    for (std::sregex_iterator at(group.begin(), group.end(), bar), end; at != end; ++at)
      out[(*at)[4]] = std::round(100 * (scale.y(std::stod((*at)[2])) - scale.y(std::stod((*at)[3])))) / 100;
    return out;
  };
  using Heights = std::map<std::string, double>;
  EXPECT_EQ(heights("layer 0"), (Heights{{"#9cc4e4", 1}, {"#f1f1f1", 3}}));
  EXPECT_EQ(heights("layer 1"), (Heights{{"#0b2a4a", 1}, {"#9cc4e4", 1}, {"#f1f1f1", 2}}));
  for (const char* label : {"always off", "off in 90 % or more", "sometimes off", "never off", "layer",
                            "heads", "tiny, quiz: ahon_ln@25%"})
    EXPECT_EQ(texts_of(svg, label), 1) << label;
  for (const char* half : {"0.5", "1.5"}) EXPECT_EQ(texts_of(svg, half), 0) << "layers and heads are counted";
  EXPECT_THAT(make_figure(studies, {.kind = Kind::layers}).caption,
              HasSubstr("ahon_ln@25% (ahon_ln<0.52; 25.0 % of the heads off on average, 1 head always)"));
}

TEST_F(FigureTest, LayersUnderARule) {
  const std::vector<LoadedStudy> studies = small(2);
  EXPECT_EQ(
      texts_of(svg_of(studies, {.kind = Kind::layers, .rule = "awft@10%"}), "tiny, quiz, 1.db: awft@10%"), 1);
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::layers, .rule = "awft@12%"}),
              AllOf(HasSubstr("0.db: "), HasSubstr("tested at 10%, 25%")));
}

// ---- ranks

TEST_F(FigureTest, OverlapOfOneStudy) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.kind = Kind::ranks});
  const Agreement agreement = agreement_of(studies[0].store, studies[0].summary).value();
  for (size_t i = 0; i < agreement.scores.size(); ++i) {
    const std::string group = svg_group(svg, std::string(agreement.scores[i]->slug));
    std::vector<std::string> shown, expected = {std::string(agreement.scores[i]->slug)};
    for (const SvgText& text : svg_texts(group)) shown.push_back(text.text);
    for (size_t j = 0; j < agreement.scores.size(); ++j) {
      if (i != j) expected.push_back(fmt::format("{:.0f}", 100 * agreement.iou[i][j].value()));
    }
    EXPECT_EQ(shown, expected);
  }
  EXPECT_THAT(make_figure(studies, {.kind = Kind::ranks}).caption,
              HasSubstr("with 25 % of the pairs as target"));
}

TEST_F(FigureTest, NoOverlapWhereTheModelWrites) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load_answers(folder_ / "a.db"));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::ranks}), HasSubstr("the model writes its answers"));
  svg_of(studies, {.kind = Kind::curves});
  EXPECT_THAT(make_figure(studies, {.kind = Kind::layers, .rule = "awft@10%"}).caption,
              HasSubstr("the share of forward passes in which they were off"));
}

// Areas: ahon_ln is best, awft second; random has no rank.
TEST_F(FigureTest, RanksOfSeveralModels) {
  std::vector<LoadedStudy> studies = small();
  FakeStudy other = small_study();
  other.settings["info.model"] = "other";
  std::swap(other.runs[2].right, other.runs[4].right);
  studies.push_back(loaded(other));
  const std::string svg = svg_of(studies, {.kind = Kind::ranks});
  const auto row = [&](const char* slug) {
    std::vector<std::string> out;
    for (const SvgText& text : svg_texts(svg_group(svg, slug))) out.push_back(text.text);
    return out;
  };
  EXPECT_THAT(row("ahon_ln"), ElementsAre("ahon_ln", "1", "2"));
  EXPECT_THAT(row("awft"), ElementsAre("awft", "2", "1"));
  EXPECT_EQ(svg_group(svg, "random"), "");
}

TEST_F(FigureTest, RanksBesideThePaper) {
  const std::vector<LoadedStudy> studies = small();
  const std::string svg = svg_of(studies, {.kind = Kind::ranks, .paper = true});
  for (const char* model : {"Llama-3.2-3B", "Qwen2.5-14B", "tiny"})
    EXPECT_EQ(texts_of(svg, model), 1) << model;
  EXPECT_EQ(svg_texts(svg_group(svg, "ahon_ln")).size(), 16u) << "its name, 14 models, and one's own";
  EXPECT_EQ(svg_texts(svg_group(svg, "aeqd")).size(), 15u) << "not tested in one's own";
  EXPECT_THAT(make_figure(studies, {.kind = Kind::ranks, .paper = true}).caption,
              HasSubstr("tiny is another experiment than theirs: 200 of quiz with 0 shots"));
}

// ---- options and files

TEST_F(FigureTest, OptionsThatDoNotFit) {
  const std::vector<LoadedStudy> studies = small();
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::layers, .scores = {"awft"}}),
              HasSubstr("--score goes with curves and cdf"));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::curves, .rule = "awft@10%"}),
              HasSubstr("--rule goes with layers"));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::cdf, .paper = true}), HasSubstr("--paper goes with ranks"));
  EXPECT_THAT(refusal_of({}, {}), HasSubstr("0 studies"));
  EXPECT_THAT(refusal_of(studies, {.size = parse_size("3x1.5")}), HasSubstr("not high enough"));
  EXPECT_THAT(refusal_of(studies, {.kind = Kind::ranks, .paper = true, .size = parse_size("1.5x1.5")}),
              HasSubstr("too small for 13 rows and 15 columns"));
  EXPECT_THAT(error_of([] { parse_kind("curvs"); }), HasSubstr("did you mean 'curves'?"));
  EXPECT_THAT(error_of([] { parse_kind("pie"); }), HasSubstr("unknown figure 'pie'"));
  EXPECT_EQ(parse_kind("ranks"), Kind::ranks);
}

TEST_F(FigureTest, FilesByTheirEnd) {
  const Figure figure = make_figure(small(), {});
  write_figure(figure, folder_ / "a.svg");
  write_figure(figure, folder_ / "b.pdf");
  EXPECT_EQ(read_file(folder_ / "a.svg"), svg_text(figure.drawing));
  EXPECT_EQ(read_file(folder_ / "b.pdf"), pdf_bytes(figure.drawing));
  EXPECT_EQ(read_file(folder_ / "a.caption.txt"), figure.caption + "\n");
  EXPECT_EQ(read_file(folder_ / "b.caption.txt"), figure.caption + "\n");
  for (const char* bad : {"a.png", "svg", "a.SVG", "a.svg.txt", ""})
    EXPECT_THAT(error_of([&] { format_of(bad); }), HasSubstr("written as .svg or .pdf")) << bad;
}

TEST_F(FigureTest, NeitherFileWithoutTheOther) {
  std::filesystem::create_directory(folder_ / "a.caption.txt");
  EXPECT_THAT(error_of([&] { write_figure(make_figure(small(), {}), folder_ / "a.svg"); }),
              HasSubstr("a.caption.txt"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.svg"));
}

}  // namespace
}  // namespace idleheads::figure
