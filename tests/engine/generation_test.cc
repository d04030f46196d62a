// Generation that goes on behind what it has computed equals a pass of its own for every token, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "engine/compare.h"
#include "engine/cpu/attention.h"
#include "engine/cpu/memory_plan.h"
#include "engine/engine_fixture.h"
#include "idleheads/engine/engine.h"
#include "idleheads/heads/threshold.h"

namespace idleheads {
namespace {

constexpr int kNewTokens = 24;

struct GenerationCase {
  const char* name;
  Precision precision;
  reference::RandomSpec spec;
};

reference::RandomSpec spec(const char* family, int layers, int heads, int kv_heads, int head_dim,
                           int hidden) {
  reference::RandomSpec s;
  s.family = family;
  s.layers = layers;
  s.heads = heads;
  s.kv_heads = kv_heads;
  s.head_dim = head_dim;
  s.hidden = hidden;
  return s;
}

std::vector<GenerationCase> cases() {
  const auto llama = spec("llama", 5, 6, 2, 8, 40), qwen = spec("qwen2", 3, 4, 4, 10, 32);
  const auto olmo = spec("olmo2", 4, 4, 2, 16, 48), one_layer = spec("llama", 1, 2, 1, 8, 16);
  return {{"LlamaF32", Precision::f32, llama},   {"QwenF32", Precision::f32, qwen},
          {"OlmoF32", Precision::f32, olmo},     {"OneLayerF32", Precision::f32, one_layer},
          {"LlamaBf16", Precision::bf16, llama}, {"OlmoBf16", Precision::bf16, olmo}};
}

// Lengths around those of key panels, with and without a common beginning.
std::vector<Prompt> prompts(std::mt19937& random) {
  std::vector<Prompt> out;
  const std::vector<int32_t> common = test::random_tokens(random, 30, 97);
  for (const size_t length : {1, 2, 31, 33, 70}) {
    std::vector<int32_t> tokens = test::random_tokens(random, length, 97);
    if (length % 2 == 1) tokens.insert(tokens.begin(), common.begin(), common.end());
    out.push_back({out.size() + 7, std::move(tokens)});
  }
  return out;
}

// Thresholds in the midst of the scores, where masks change from token to token, and at their ends.
std::vector<Intervention> rules(Engine& engine, std::span<const Prompt> prompts) {
  std::vector<Intervention> rules = {std::monostate{}, parse_intervention("random<0.3"),
                                     FixedHeads{{{0, 1}}}};
  std::vector<Sample> samples;
  for (const Prompt& prompt : prompts) samples.push_back(test::make_sample(prompt.tokens, prompt.id));
  const std::vector<Intervention> none = {std::monostate{}};
  const auto baseline = engine.run(samples, none, {.stats = true});
  for (const auto& [slug, share] : {std::pair("awft", 0.3),
                                    {"ahon_ln", 0.5},
                                    {"lthon_hn", 0.4},
                                    {"aeqd", 0.5},
                                    {"ftvvn", 0.5},
                                    {"afhon_ln", 0.05},
                                    {"avvn_ln", 0.4},
                                    {"ahon", 0.0}}) {
    const Score& score = require_score(slug);
    std::vector<float> values;
    for (size_t s = 0; s < samples.size(); ++s) {
      const SampleStats& stats = baseline[s].stats;
      std::vector<float> scores(static_cast<size_t>(stats.heads));
      for (int l = 0; l < stats.layers; ++l) {
        compute_scores(score, stats.layer(l), l, {1234, samples[s].id}, scores);
        values.insert(values.end(), scores.begin(), scores.end());
      }
    }
    rules.push_back(ScoreRule{&score, threshold_for_share(score, values, share)});
  }
  return rules;
}

void expect_same(const std::vector<GenerateResult>& want, const std::vector<GenerateResult>& got,
                 const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t n = 0; n < want.size(); ++n) {
    EXPECT_EQ(got[n].tokens, want[n].tokens) << what << ", path " << n;
    EXPECT_EQ(got[n].masks, want[n].masks) << what << ", path " << n;
    EXPECT_TRUE(test::same_bits(got[n].stats.values, want[n].stats.values)) << what << ", path " << n;
    EXPECT_EQ(got[n].work_unshared, want[n].work_unshared) << what << ", path " << n;
  }
}

class Generation : public testing::TestWithParam<GenerationCase> {
 protected:
  void SetUp() override {
    if (GetParam().precision == Precision::bf16 && !has_bf16())
      GTEST_SKIP() << "no bf16 products on this processor";
  }
  EngineOptions options(int threads, bool sharing, int64_t rows = 0) const {
    return {.threads = threads, .precision = GetParam().precision, .sharing = sharing, .rows = rows};
  }
};

TEST_P(Generation, EqualsAPassForEveryToken) {
  const test::RandomModel model(GetParam().spec);
  std::mt19937 random(5);
  const std::vector<Prompt> asked = prompts(random);
  Engine apart(model.get(), options(2, false)), together(model.get(), options(2, true));
  Engine single(model.get(), options(1, true)), small(model.get(), options(2, true, 200));
  const std::vector<Intervention> interventions = rules(together, asked);
  GenerateOptions generate;
  generate.max_new_tokens = kNewTokens;
  generate.stats = true;
  const auto want = apart.generate(asked, interventions, generate);
  expect_same(want, together.generate(asked, interventions, generate), "together");
  expect_same(want, single.generate(asked, interventions, generate), "one thread");
  expect_same(want, small.generate(asked, interventions, generate), "little memory");
  const auto changes = [&](size_t n) { return want[n].masks.size() - 1; };
  size_t changing = 0, steady = 0;
  for (size_t n = 0; n < want.size(); ++n) {
    ASSERT_EQ(want[n].tokens.size(), static_cast<size_t>(kNewTokens));
    (changes(n) > 0 ? changing : steady) += 1;
  }
  EXPECT_GT(changing, 5u);
  EXPECT_GT(steady, 5u);
}

// No more paths are begun than what is kept of them fits.
TEST_P(Generation, KeepsNoMoreThanMemoryAllows) {
  const test::RandomModel random_model(GetParam().spec);
  const std::shared_ptr<const Model> model = random_model.get();
  const ModelSpec& spec = model->spec();
  std::mt19937 random(5);
  const std::vector<Prompt> asked = prompts(random);
  constexpr int64_t kRows = 200;
  Engine small(model, options(2, true, kRows)), large(model, options(2, true));
  const std::vector<Intervention> interventions = rules(large, asked);
  int64_t shortest = std::numeric_limits<int64_t>::max();
  for (const Prompt& prompt : asked) shortest = std::min(shortest, std::ssize(prompt.tokens));
  const int64_t of_token =
      spec.layer_count() * (*spec.kv_heads() * cached_bytes(spec.layers[0].attention.head_dim,
                                                            has_bf16_attention(GetParam().precision)) +
                            spec.hidden * static_cast<int64_t>(sizeof(float)));
  const int64_t fitting = kRows / 2 * row_bytes(spec) / (of_token * (shortest + kNewTokens));
  const auto most_at_a_time = [&](Engine& engine) {
    int64_t active = 0, most = 0;
    GenerateOptions generate;
    generate.max_new_tokens = kNewTokens;
    generate.enough = [&](std::span<const int32_t> tokens) {
      if (tokens.size() == 1) most = std::max(most, ++active);
      if (std::ssize(tokens) == kNewTokens - 1) --active;  // nobody is asked behind the last one
      return false;
    };
    engine.generate(asked, interventions, generate);
    return most;
  };
  EXPECT_LE(most_at_a_time(small), std::max<int64_t>(1, fitting));
  EXPECT_GT(most_at_a_time(large), std::max<int64_t>(1, fitting)) << "it makes a difference";
}

// Ends: an end token, a wish of the caller; and the penalty changes what is chosen.
TEST_P(Generation, EndsWhereItShould) {
  const test::RandomModel model(GetParam().spec);
  std::mt19937 random(6);
  const std::vector<Prompt> asked = prompts(random);
  Engine apart(model.get(), options(1, false)), together(model.get(), options(1, true));
  const std::vector<Intervention> interventions = {std::monostate{}, parse_intervention("ahon_ln<0.95")};
  GenerateOptions generate;
  generate.max_new_tokens = kNewTokens;
  generate.repetition_penalty = 1.3f;
  const auto whole = together.generate(asked, interventions, generate);
  generate.end_tokens = {whole[0].tokens[5]};
  generate.enough = [&](std::span<const int32_t> tokens) { return tokens.back() == whole[2].tokens[3]; };
  const auto want = apart.generate(asked, interventions, generate);
  expect_same(want, together.generate(asked, interventions, generate), "together");
  for (size_t n = 0; n < want.size(); ++n) {
    const auto& all = whole[n].tokens;
    const auto ends = [&](int32_t token) {
      return token == whole[0].tokens[5] || token == whole[2].tokens[3];
    };
    const auto end = std::ranges::find_if(all, ends);
    EXPECT_EQ(want[n].tokens, std::vector<int32_t>(all.begin(), end == all.end() ? end : end + 1)) << n;
  }
  EXPECT_LT(want[0].tokens.size(), whole[0].tokens.size());
  generate.end_tokens = {};
  generate.enough = {};
  generate.repetition_penalty = 1;
  bool differs = false;
  const auto free = together.generate(asked, interventions, generate);
  for (size_t n = 0; n < free.size(); ++n) differs = differs || free[n].tokens != whole[n].tokens;
  EXPECT_TRUE(differs);
}

// Where no mask can change, a new token is one row; interventions that do the same are computed once.
TEST_P(Generation, ComputesNoMoreThanItMust) {
  const test::RandomModel model(GetParam().spec);
  std::mt19937 random(7);
  const Prompt prompt = {1, test::random_tokens(random, 40, 97)};
  Engine engine(model.get(), options(1, true));
  const std::vector<Intervention> interventions = {std::monostate{}, std::monostate{},
                                                   parse_intervention("ahon<0")};
  GenerateOptions generate;
  generate.max_new_tokens = kNewTokens;
  const auto results = engine.generate({&prompt, 1}, interventions, generate);
  const int64_t rows = (40 + kNewTokens - 1) * GetParam().spec.layers;
  EXPECT_EQ(engine.work().rows, rows);
  for (const GenerateResult& result : results) EXPECT_NEAR(result.work, static_cast<double>(rows) / 3, 1e-6);
  int64_t apart = 0;
  for (int64_t n = 40; n < 40 + kNewTokens; ++n) apart += n * GetParam().spec.layers;
  EXPECT_EQ(results[0].work_unshared, apart);
  EXPECT_EQ(engine.work().rows_unshared, 3 * apart);
}

TEST(GenerationErrors, AreNamed) {
  reference::RandomSpec s;
  const test::RandomModel model(s);
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const std::vector<Intervention> none = {std::monostate{}};
  const auto expect = [&](Prompt prompt, int tokens, const char* message) {
    GenerateOptions generate;
    generate.max_new_tokens = tokens;
    try {
      engine.generate({&prompt, 1}, none, generate);
      FAIL() << message;
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  };
  expect({1, {}}, 5, "no tokens");
  expect({1, {97}}, 5, "token id 97");
  expect({1, {5, 6}}, 1 << 20, "the model's context is");
  EXPECT_TRUE(engine.generate({}, none, {}).empty());
}

INSTANTIATE_TEST_SUITE_P(Models, Generation, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace idleheads
