// When a response is over, and what of it counts.
#include "task/stop.h"

#include "task/test_files.h"

namespace idleheads {
namespace {

using Ids = std::vector<TokenId>;

class Stop : public testing::Test {
 protected:
  static const Tokenizer& tokenizer() {
    static const Tokenizer tokenizer = Tokenizer::from_folder(test_data("tiny_tokenizer"));
    return tokenizer;
  }
  static Ids ids(const std::string& text) { return tokenizer().encode(text); }
  static std::string eos() { return tokenizer().decode(std::vector<TokenId>{tokenizer().eos().value()}); }

  const StopRule rule_{tokenizer(), {"Question:", "STOP"}};
};

TEST_F(Stop, AStopStringOfAnyPlaceInTheListEndsIt) {
  EXPECT_FALSE(rule_.enough({}));
  EXPECT_FALSE(rule_.enough(ids(" so the answer is 12. Question")));
  EXPECT_TRUE(rule_.enough(ids(" so the answer is 12. Question:")));
  EXPECT_TRUE(rule_.enough(ids(" so the answer is 12.STOP")));
  EXPECT_TRUE(rule_.enough(ids("Question:")));
}

TEST_F(Stop, TheEndOfTextTokenIsAStopString) {
  const StopRule none(tokenizer(), {});
  EXPECT_FALSE(none.enough(ids(" 12.")));
  EXPECT_TRUE(none.enough(ids(" 12." + eos())));
}

// The harness looks at as many tokens as the stop string has alone, and two more.
TEST_F(Stop, OnlyTheLastTokensAreLookedAt) {
  Ids tokens = ids(" 7 Question:");
  size_t behind = 0;
  for (; behind < 20 && rule_.enough(tokens); ++behind) tokens.push_back(ids("x").at(0));
  EXPECT_EQ(behind, 3u);  // room for two; the third pushes the first token of the stop string out
  EXPECT_FALSE(rule_.enough(tokens));
  EXPECT_EQ(rule_.response(tokens), " 7 ");  // which does not matter for what counts
}

TEST_F(Stop, ResponseEndsBeforeTheFirstStopString) {
  EXPECT_EQ(rule_.response(ids(" 12. Question: and STOP more Question:")), " 12. ");
  EXPECT_EQ(rule_.response(ids(" 12.STOP Question: more")), " 12.");
  EXPECT_EQ(rule_.response(ids("Question: more")), "");
  EXPECT_EQ(rule_.response(ids(" #### 12")), " #### 12");
  EXPECT_EQ(rule_.response({}), "");
}

TEST_F(Stop, SpecialTokensAreNotPartOfTheResponse) { EXPECT_EQ(rule_.response(ids(" 12" + eos())), " 12"); }

// A model may have more rows in its LM head than its tokenizer has tokens.
TEST_F(Stop, TokensWithoutTextAreLeftOut) {
  Ids tokens = ids(" 12 Quest");
  tokens.push_back(static_cast<TokenId>(tokenizer().vocabulary_size()) + 5);
  for (const TokenId id : ids("ion:")) tokens.push_back(id);
  EXPECT_TRUE(rule_.enough(tokens));
  EXPECT_EQ(rule_.response(tokens), " 12 ");
}

TEST_F(Stop, EmptyStopStringsStopNothing) {
  const StopRule rule(tokenizer(), {"", "X"});
  EXPECT_FALSE(rule.enough(ids(" 12")));
  EXPECT_EQ(rule.response(ids(" 12X3")), " 12");
}

}  // namespace
}  // namespace idleheads
