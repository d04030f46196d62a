// Pairs, truncation and shared samples, with a tokenizer whose merges are known and with SmolLM2's.
#include "idleheads/task/encode.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using Ids = std::vector<TokenId>;

class Encode : public testing::Test {
 protected:
  static const Tokenizer& tokenizer() {
    static const Tokenizer tokenizer = Tokenizer::from_folder(test_data("tiny_tokenizer"));
    return tokenizer;
  }
  static Ids ids(const std::string& text) { return tokenizer().encode(text); }
  static Ids joined(Ids a, const Ids& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  static Document document(std::string context, std::vector<std::string> continuations) {
    Document document;
    document.group = "group";
    document.index = 7;
    document.contexts = {std::move(context)};
    document.continuations = std::move(continuations);
    return document;
  }
  static EncodedDocument encode(const Document& document, const EncodeOptions& options = {},
                                OutputType output = OutputType::multiple_choice) {
    return encode_document(document, output, tokenizer(), options);
  }
  // The ids that a choice's targets ask for, and where.
  static std::vector<Target> targets(const EncodedDocument& encoded, size_t choice) {
    const LikelihoodPart source = encoded.likelihoods.at(choice).at(0);
    const std::vector<Target>& all = encoded.samples.at(source.sample).targets;
    return {all.begin() + source.first, all.begin() + source.first + source.count};
  }
};

TEST_F(Encode, WhiteSpaceAtTheEndOfTheContextMoves) {
  const EncodedPair pair = encode_pair(tokenizer(), "Answer:\u00a0\n ", " A");
  EXPECT_EQ(pair.context, ids("Answer:"));
  EXPECT_EQ(joined(pair.context, pair.continuation), ids("Answer:\u00a0\n  A"));
}

// Where encoding the whole merges across the border, the context keeps the ids that it has alone.
TEST_F(Encode, MergesAcrossTheBorder) {
  for (const std::string text : {"the cat", "Question: what is this?", "Answer: there"}) {
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const std::string context = text.substr(0, cut);
      if (context.back() == ' ') continue;
      const EncodedPair pair = encode_pair(tokenizer(), context, text.substr(cut));
      const Ids whole = ids(text);
      EXPECT_EQ(pair.context, ids(context));
      const size_t skipped = std::min(pair.context.size(), whole.size());
      EXPECT_EQ(pair.continuation, Ids(whole.begin() + static_cast<std::ptrdiff_t>(skipped), whole.end()));
    }
  }
}

TEST_F(Encode, EmptyContextBecomesThePrefixToken) {
  const std::optional<TokenId> prefix = tokenizer().bos() ? tokenizer().bos() : tokenizer().eos();
  ASSERT_TRUE(prefix);
  for (const std::string context : {"", "  "}) {
    const EncodedPair pair = encode_pair(tokenizer(), context, " A");
    EXPECT_EQ(pair.context, Ids{*prefix});
    EXPECT_EQ(pair.continuation, ids(context + " A"));
  }
}

TEST_F(Encode, ChoicesThatDifferInTheLastTokenShareOneSample) {
  const EncodedDocument encoded = encode(document("Answer:", {"1", "2", "3", "2"}));
  ASSERT_EQ(encoded.samples.size(), 1u);
  ASSERT_EQ(encoded.likelihoods.size(), 4u);
  const Ids context = ids("Answer:");
  EXPECT_EQ(encoded.samples[0].tokens, context);
  EXPECT_EQ(encoded.samples[0].targets.size(), 4u);
  EXPECT_FALSE(encoded.truncated);
  for (size_t j = 0; j < 4; ++j) {
    const std::vector<Target> asked = targets(encoded, j);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].position, static_cast<int>(context.size()) - 1);
    EXPECT_EQ(asked[0].token, ids("Answer:" + document("", {"1", "2", "3", "2"}).continuations[j]).back());
  }
}

TEST_F(Encode, ChoicesOfSeveralTokensHaveASampleEach) {
  const std::vector<std::string> continuations = {"1234", "5678", "1239"};
  const EncodedDocument encoded = encode(document("Answer:", continuations));
  const size_t context = ids("Answer:").size();
  // 1234 and 1239 have the same input if digits are tokens: they share a sample with two runs of targets.
  for (size_t j = 0; j < continuations.size(); ++j) {
    const Ids whole = ids("Answer:" + continuations[j]);
    const Sample& sample = encoded.samples.at(encoded.likelihoods[j][0].sample);
    EXPECT_EQ(sample.tokens, Ids(whole.begin(), whole.end() - 1));
    const std::vector<Target> asked = targets(encoded, j);
    ASSERT_EQ(asked.size(), whole.size() - context);
    for (size_t i = 0; i < asked.size(); ++i) {
      EXPECT_EQ(asked[i].position, static_cast<int>(context + i) - 1);
      EXPECT_EQ(asked[i].token, whole[context + i]);
    }
  }
  for (size_t a = 0; a < encoded.samples.size(); ++a) {
    for (size_t b = 0; b < a; ++b) EXPECT_NE(encoded.samples[a].tokens, encoded.samples[b].tokens);
  }
}

TEST_F(Encode, LongPromptsLoseTheirBeginning) {
  const Document long_document = document("zero one two three four five", {" 12", " 3"});
  const Ids whole = ids("zero one two three four five 12");
  EncodeOptions options;
  options.max_length = 6;
  const EncodedDocument encoded = encode(long_document, options);
  EXPECT_TRUE(encoded.truncated);
  EXPECT_EQ(encoded.samples[0].tokens, Ids(whole.end() - 7, whole.end() - 1));
  const std::vector<Target> asked = targets(encoded, 0);
  ASSERT_FALSE(asked.empty());
  EXPECT_EQ(asked.back(), (Target{5, whole.back()}));
  EXPECT_EQ(asked.front().position, 6 - static_cast<int>(asked.size()));

  options.max_length = static_cast<int64_t>(whole.size()) - 1;
  options.refuse_overflow = true;
  EXPECT_FALSE(encode(long_document, options).truncated);
  --options.max_length;
  const std::string message = error_of<Error>([&] { encode(long_document, options); });
  EXPECT_THAT(message, HasSubstr("document 7 of group: "));
  EXPECT_THAT(message, HasSubstr(fmt::format("the model's context is {}", options.max_length)));
}

TEST_F(Encode, ContinuationThatDoesNotFitAtAll) {
  EncodeOptions options;
  options.max_length = 2;
  EXPECT_THAT(error_of<Error>([&] { encode(document("a", {" 123456789"}), options); }),
              HasSubstr("document 7 of group"));
}

TEST_F(Encode, ContinuationWithoutATokenOfItsOwn) {
  EXPECT_THAT(error_of<Error>([&] {
                encode(document("Answer:", {"1", ""}));
              }),
              HasSubstr("document 7 of group: choice 1 ('') gives no token"));
}

TEST_F(Encode, BosComesFirstOnce) {
  EncodeOptions options;
  options.bos = Bos::always;
  if (!tokenizer().bos()) {
    EXPECT_THAT(error_of<Error>([&] { encode(document("a", {" b"}), options); }), HasSubstr("BOS"));
    return;
  }
  const TokenId bos = *tokenizer().bos();
  const Ids context = joined({bos}, ids("Answer:"));
  const EncodedDocument encoded = encode(document("Answer:", {"1"}), options);
  EXPECT_EQ(encoded.samples.at(0).tokens, context);
  EXPECT_EQ(targets(encoded, 0).at(0).position, static_cast<int>(context.size()) - 1);
  const std::string printed = *tokenizer().token(bos) + "Answer:";
  EXPECT_EQ(encode(document(printed, {"1"}), options).samples.at(0).tokens, context);
  for (const Bos none : {Bos::automatic, Bos::never}) {
    options.bos = none;
    EXPECT_EQ(encode(document("Answer:", {"1"}), options).samples.at(0).tokens, ids("Answer:"));
  }
}

// winogrande: the contexts differ, the continuation is the same.
TEST_F(Encode, EachChoiceMayHaveItsContext) {
  Document both = document("", {" ran", " ran", " ran"});
  both.contexts = {"The cat", "The small dog", "The cat"};
  const EncodedDocument encoded = encode(both);
  ASSERT_EQ(encoded.likelihoods.size(), 3u);
  EXPECT_EQ(encoded.samples.size(), 2u);  // equal inputs are one sample
  for (size_t j = 0; j < 3; ++j) {
    const EncodedPair pair = encode_pair(tokenizer(), both.contexts[j], " ran");
    const Ids whole = joined(pair.context, pair.continuation);
    const Sample& sample = encoded.samples.at(static_cast<size_t>(encoded.likelihoods[j][0].sample));
    EXPECT_EQ(sample.tokens, Ids(whole.begin(), whole.end() - 1));
    EXPECT_EQ(targets(encoded, j).size(), pair.continuation.size());
  }
}

TEST_F(Encode, PromptsLeaveRoomForWhatIsWritten) {
  const Document prompt = document("zero one two three four five", {});
  const Ids whole = ids("zero one two three four five");
  EncodeOptions options;
  options.max_length = static_cast<int64_t>(whole.size()) + 10;
  options.max_new_tokens = 10;
  const auto encode_it = [&] { return encode(prompt, options, OutputType::generate_until); };
  ASSERT_EQ(encode_it().samples.size(), 1u);
  EXPECT_EQ(encode_it().samples[0].tokens, whole);
  EXPECT_TRUE(encode_it().samples[0].targets.empty());
  EXPECT_TRUE(encode_it().likelihoods.empty());
  EXPECT_FALSE(encode_it().truncated);
  options.max_new_tokens = 12;
  EXPECT_TRUE(encode_it().truncated);
  EXPECT_EQ(encode_it().samples[0].tokens, Ids(whole.begin() + 2, whole.end()));
  options.refuse_overflow = true;
  EXPECT_THAT(error_of<Error>(encode_it), HasSubstr("document 7 of group"));
  options.max_new_tokens = options.max_length;
  EXPECT_THAT(error_of<Error>(encode_it), HasSubstr("do not fit into the model's context"));
}

TEST_F(Encode, WindowsOfTextsPredictEveryTokenOnce) {
  const Document text = document("zero one two three four five six seven", {});
  const Ids whole = ids(text.contexts[0]);
  const TokenId prefix = tokenizer().bos() ? *tokenizer().bos() : *tokenizer().eos();
  for (int64_t length = 1; length <= static_cast<int64_t>(whole.size()) + 1; ++length) {
    EncodeOptions options;
    options.max_length = length;
    const EncodedDocument encoded = encode(text, options, OutputType::loglikelihood_rolling);
    ASSERT_EQ(encoded.likelihoods.size(), 1u);
    Ids predicted;
    for (const LikelihoodPart& part : encoded.likelihoods[0]) {
      const Sample& sample = encoded.samples.at(static_cast<size_t>(part.sample));
      EXPECT_LE(sample.tokens.size(), static_cast<size_t>(length));
      for (int32_t t = part.first; t < part.first + part.count; ++t) {
        const Target& target = sample.targets.at(static_cast<size_t>(t));
        const TokenId before = predicted.empty() ? prefix : predicted.back();
        EXPECT_EQ(sample.tokens.at(static_cast<size_t>(target.position)), before) << length;
        predicted.push_back(target.token);
      }
    }
    EXPECT_EQ(predicted, whole) << length;
  }
}

TEST(RollingWindows, AreTheHarness) {
  std::ifstream file(test_data("task/rolling_windows.json"));
  const auto golden = nlohmann::json::parse(file);
  for (const auto& expected : golden) {
    const int64_t tokens = expected["tokens"], length = expected["max_length"];
    const std::vector<RollingWindow> windows = rolling_windows(tokens, length);
    ASSERT_EQ(windows.size(), expected["windows"].size()) << tokens;
    for (size_t i = 0; i < windows.size(); ++i) {
      Ids input, predicted;  // token n is n + 1, 0 is the prefix
      for (int64_t at = windows[i].input; at < windows[i].end - 1; ++at)
        input.push_back(static_cast<TokenId>(at + 1));
      for (int64_t at = windows[i].begin; at < windows[i].end; ++at)
        predicted.push_back(static_cast<TokenId>(at + 1));
      EXPECT_EQ(input, expected["windows"][i]["model_input"].get<Ids>()) << tokens << "/" << length;
      EXPECT_EQ(predicted, expected["windows"][i]["continuation"].get<Ids>()) << tokens << "/" << length;
    }
  }
  EXPECT_GE(golden.size(), 4u);
}

TEST(EncodeSmolLm2, IdsAreTheHarness) {
  const std::filesystem::path model = std::string(IDLEHEADS_MODELS) + "/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "no model " << model;
  const MappedFile file(model);
  const Tokenizer tokenizer = Tokenizer::from_gguf(parse_gguf(file.bytes(), model.string()));
  std::ifstream golden(test_data("task/encode_smollm2.jsonl"));
  int checked = 0;
  for (std::string line; std::getline(golden, line); ++checked) {
    const auto expected = nlohmann::json::parse(line);
    const std::string context = expected["context"];
    for (size_t j = 0; j < expected["continuations"].size(); ++j) {
      const EncodedPair pair =
          encode_pair(tokenizer, context, expected["continuations"][j].get<std::string>());
      EXPECT_EQ(pair.context, expected["context_ids"].get<Ids>());
      EXPECT_EQ(pair.continuation, expected["continuation_ids"][j].get<Ids>());
    }
  }
  EXPECT_EQ(checked, 9);
}

}  // namespace
}  // namespace idleheads
