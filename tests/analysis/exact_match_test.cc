// Filters and comparison of gsm8k against lm-evaluation-harness 0.4.5, and texts that could break a scanner.
#include "analysis/exact_match.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "task/test_files.h"

namespace idleheads {
namespace {

TEST(ExactMatch, EqualsTheHarnessOnEveryFormOfResponse) {
  std::ifstream file(test_data("analysis/gsm8k_scores.jsonl"));
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto row = nlohmann::json::parse(line);
    const std::string response = row.at("response"), answer = row.at("answer");
    EXPECT_EQ(strict_match(response), row.at("strict").get<std::string>()) << response;
    EXPECT_EQ(flexible_extract(response), row.at("flexible").get<std::string>()) << response;
    const std::vector<Contribution> found = contributions_of_response(response, answer);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].metric, Metric::exact_match_strict);
    EXPECT_EQ(found[0].value, row.at("strict_em").get<double>()) << response;
    EXPECT_EQ(found[1].metric, Metric::exact_match_flexible);
    EXPECT_EQ(found[1].value, row.at("flexible_em").get<double>()) << response;
  }
  EXPECT_EQ(lines, 60);
}

TEST(ExactMatch, StrictTakesTheFirstNumberBehindAMark) {
  EXPECT_EQ(strict_match("#### x #### 5 #### 6"), "5");
  EXPECT_EQ(strict_match("##### 5"), "5");
  EXPECT_EQ(strict_match("#### --5"), "[invalid]");
  EXPECT_EQ(strict_match("#### -5-6"), "-5");
  EXPECT_EQ(strict_match("#### "), "[invalid]");
  EXPECT_EQ(strict_match("#### -"), "[invalid]");
  EXPECT_EQ(strict_match(""), "[invalid]");
}

TEST(ExactMatch, FlexibleTakesTheLastNumber) {
  EXPECT_EQ(flexible_extract("5"), "5");
  EXPECT_EQ(flexible_extract("--5"), "-5");
  EXPECT_EQ(flexible_extract("3-4"), "-4");
  EXPECT_EQ(flexible_extract("-."), "[invalid]");
  EXPECT_EQ(flexible_extract("-.,"), "-.,");
  EXPECT_EQ(flexible_extract("1,000.5 apples."), "1,000.5");
  EXPECT_EQ(flexible_extract("-"), "[invalid]");
}

TEST(ExactMatch, Comparison) {
  EXPECT_TRUE(exact_match("18.", "why\n#### 18"));
  EXPECT_TRUE(exact_match("$1,000", "#### 1000"));
  EXPECT_TRUE(exact_match("5", "#### 4 #### 5"));
  EXPECT_TRUE(exact_match("5.\n", "5\n"));
  EXPECT_TRUE(exact_match("YES", "yes"));
  EXPECT_TRUE(exact_match("5", "####$ 5"));  // the dollar sign goes first
  EXPECT_FALSE(exact_match("5..", "5"));
  EXPECT_FALSE(exact_match("64.00", "64"));
  EXPECT_TRUE(exact_match("", "."));
}

TEST(ExactMatch, LongTextsTakeNoStack) {
  const std::string digits(1 << 22, '7'), marks = std::string(1 << 22, '#') + " 1";
  EXPECT_EQ(flexible_extract(digits).size(), digits.size());
  EXPECT_EQ(strict_match(marks), "1");
  EXPECT_EQ(strict_match(std::string(1 << 20, '#')), "[invalid]");
  EXPECT_FALSE(exact_match(digits, marks));
}

}  // namespace
}  // namespace idleheads
