// The same bits for prompts as long as real ones: prefixes that end inside tiles, query blocks and attention
// tasks, wide products, and cohorts of many samples.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/compare.h"
#include "engine/engine_fixture.h"
#include "idleheads/engine/engine.h"

namespace idleheads {
namespace {

struct Case {
  const char* name;
  Precision precision;
  reference::RandomSpec spec;
};

reference::RandomSpec narrow() {
  reference::RandomSpec s;
  s.family = "qwen2";
  s.heads = 6;
  s.kv_heads = 2;
  s.head_dim = 10;
  return s;
}

// Wide enough that a product is done in several blocks of its inner dimension.
reference::RandomSpec wide() {
  reference::RandomSpec s;
  s.family = "llama";
  s.hidden = 320;
  s.heads = 5;
  s.kv_heads = 5;
  s.head_dim = 64;
  s.intermediate = 1100;
  s.scale = 0.05;
  s.attention_bias = s.mlp_bias = true;
  return s;
}

// Few-shot prompts: a long prefix for all, shorter ones for groups, an end of its own for each.
std::vector<Sample> prompts(std::mt19937& random, size_t prefix) {
  const std::vector<int32_t> common = test::random_tokens(random, prefix, 97);
  std::vector<Sample> samples;
  for (const size_t group : {0, 1, 5, 63, 64}) {
    std::vector<int32_t> question = common;
    const auto more = test::random_tokens(random, group, 97);
    question.insert(question.end(), more.begin(), more.end());
    for (const size_t length : {1, 2, 7}) {
      std::vector<int32_t> tokens = question;
      const auto answer = test::random_tokens(random, length, 97);
      tokens.insert(tokens.end(), answer.begin(), answer.end());
      samples.push_back(test::make_sample(std::move(tokens), samples.size()));
      samples.back().want_last_logits = length == 2;
    }
  }
  samples.push_back(test::make_sample(common, samples.size()));
  return samples;
}

std::vector<Intervention> rules() {
  std::vector<Intervention> out;
  for (const char* text : {"none", "ahon_ln<0.9", "random<0.2", "L0H1,L1H0"})
    out.push_back(parse_intervention(text));
  return out;
}

class LongPrompts : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (GetParam().precision == Precision::bf16 && !has_bf16())
      GTEST_SKIP() << "no bf16 products on this processor";
  }
  EngineOptions options(int threads, bool sharing) const { return {threads, GetParam().precision, sharing}; }
};

TEST_P(LongPrompts, SharingThreadsOrderAndCompanyDoNotMatter) {
  const test::RandomModel model(GetParam().spec);
  const std::vector<Intervention> interventions = rules();
  Engine one(model.get(), options(1, true)), two(model.get(), options(2, true));
  Engine three(model.get(), options(3, true)), separate(model.get(), options(2, false));
  std::mt19937 random(21);
  for (const size_t prefix : {3, 250, 259}) {
    std::vector<Sample> samples = prompts(random, prefix);
    const auto want = one.run(samples, interventions, {.stats = true});
    const auto expect = [&](const std::vector<PathResult>& got, const char* what) {
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i)
        test::expect_same_bits(want[i], got[i], fmt::format("prefix {} path {} {}", prefix, i, what));
    };
    expect(two.run(samples, interventions, {.stats = true}), "two threads");
    expect(three.run(samples, interventions, {.stats = true}), "three threads");
    expect(separate.run(samples, interventions, {.stats = true}), "no sharing");
    std::vector<PathResult> alone(want.size()), shuffled(want.size());
    for (size_t s = 0; s < samples.size(); s += 5) {
      for (size_t i = 0; i < interventions.size(); ++i) {
        const auto result = two.run({&samples[s], 1}, {&interventions[i], 1}, {.stats = true});
        test::expect_same_bits(want[s * interventions.size() + i], result[0],
                               fmt::format("prefix {} sample {} rule {} alone", prefix, s, i));
      }
    }
    std::vector<Sample> mixed = samples;
    std::shuffle(mixed.begin(), mixed.end(), random);
    const auto got = three.run(mixed, interventions, {.stats = true});
    for (size_t s = 0; s < mixed.size(); ++s) {
      for (size_t i = 0; i < interventions.size(); ++i)
        shuffled[mixed[s].id * interventions.size() + i] = got[s * interventions.size() + i];
    }
    expect(shuffled, "another order");
  }
}

INSTANTIATE_TEST_SUITE_P(Engine, LongPrompts,
                         testing::Values(Case{"narrow_f32", Precision::f32, narrow()},
                                         Case{"narrow_bf16", Precision::bf16, narrow()},
                                         Case{"wide_f32", Precision::f32, wide()},
                                         Case{"wide_bf16", Precision::bf16, wide()}),
                         [](const auto& test) { return test.param.name; });

// Prefixes of prefixes, equal samples, many rules that part at different layers.
class RandomTrees : public testing::TestWithParam<Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == Precision::bf16 && !has_bf16()) GTEST_SKIP() << "no bf16 products on this processor";
  }
};

TEST_P(RandomTrees, SharingDoesNotMatterAndSavesRows) {
  std::mt19937 random(11);
  for (int round = 0; round < 5; ++round) {
    reference::RandomSpec spec = narrow();
    spec.family = round % 2 == 0 ? "llama" : "olmo2";
    const test::RandomModel model(spec);
    const std::vector<Sample> samples = test::random_tree(random, 14, 97);
    const std::vector<Intervention> interventions = test::some_interventions();
    Engine shared(model.get(), {2, GetParam(), true}), separate(model.get(), {2, GetParam(), false});
    const auto a = shared.run(samples, interventions, {.stats = true});
    const auto b = separate.run(samples, interventions, {.stats = true});
    for (size_t i = 0; i < a.size(); ++i)
      test::expect_same_bits(a[i], b[i], fmt::format("round {} path {}", round, i));
    EXPECT_LT(shared.work().rows, separate.work().rows);
    EXPECT_EQ(shared.work().rows_unshared, separate.work().rows);
  }
}

INSTANTIATE_TEST_SUITE_P(Engine, RandomTrees, testing::Values(Precision::f32, Precision::bf16),
                         [](const auto& test) { return test.param == Precision::f32 ? "f32" : "bf16"; });

// Cohorts that must be divided, at the beginning and where masks part; paths that wait with their rows, and
// those that must begin again; weights from the file.
TEST_P(RandomTrees, LittleMemoryDoesNotMatter) {
  std::mt19937 random(12);
  for (int round = 0; round < 6; ++round) {
    reference::RandomSpec spec = narrow();
    spec.layers = 4;
    const test::RandomModel model(spec);
    const std::vector<Sample> samples = test::random_tree(random, 12, 97);
    const std::vector<Intervention> interventions = test::some_interventions();
    Engine unbounded(model.get(), {2, GetParam(), true});
    const auto want = unbounded.run(samples, interventions, {.stats = true});
    size_t longest = 0;
    for (const Sample& sample : samples) longest = std::max(longest, sample.tokens.size());
    for (const bool sharing : {true, false}) {
      const auto rows = static_cast<int64_t>(longest + random() % 60);
      Engine engine(model.get(), {2, GetParam(), sharing, 0, rows, round % 2 == 0});
      EXPECT_EQ(engine.rows(), rows);
      const auto got = engine.run(samples, interventions, {.stats = true});
      for (size_t i = 0; i < want.size(); ++i)
        test::expect_same_bits(want[i], got[i], fmt::format("round {} rows {} path {}", round, rows, i));
      // What is done twice shows in the count of the work.
      if (sharing) {
        EXPECT_GE(engine.work().rows, unbounded.work().rows);
      }
      EXPECT_EQ(engine.work().rows_unshared, unbounded.work().rows_unshared);
    }
  }
}

TEST_P(RandomTrees, EachPathPaysItsPartOfTheWork) {
  std::mt19937 random(13);
  const test::RandomModel model(narrow());
  const std::vector<Sample> samples = test::random_tree(random, 12, 97);
  Engine engine(model.get(), {2, GetParam(), true});
  double sum = 0;
  for (const PathResult& result : engine.run(samples, test::some_interventions())) {
    EXPECT_GT(result.work, 0);
    sum += result.work;
  }
  EXPECT_NEAR(sum, static_cast<double>(engine.work().rows), 1e-6 * sum);
}

TEST(EngineBits, StreamedWeightsAreTheSame) {
  reference::RandomSpec spec = wide();
  spec.layers = 5;
  spec.vocabulary = 2 * 4096 + 7;  // several pieces of the LM head
  const test::RandomModel model(spec);
  Engine resident(model.get(), {.threads = 2, .precision = Precision::f32});
  Engine streamed(model.get(), {.threads = 2, .precision = Precision::f32, .stream_weights = true});
  EXPECT_FALSE(resident.streams_weights());
  EXPECT_TRUE(streamed.streams_weights());
  std::mt19937 random(6);
  const std::vector<Sample> samples = prompts(random, 30);
  for (int round = 0; round < 2; ++round) {  // again: the sequence of layers begins anew
    const auto want = resident.run(samples, rules(), {.stats = true});
    const auto got = streamed.run(samples, rules(), {.stats = true});
    for (size_t i = 0; i < want.size(); ++i)
      test::expect_same_bits(want[i], got[i], fmt::format("round {} path {}", round, i));
  }
}

// Statistics that nobody asks for are not made, and nothing else changes.
TEST(EngineBits, StatisticsAreByproducts) {
  const test::RandomModel model(narrow());
  Engine engine(model.get(), {.threads = 2});
  std::mt19937 random(7);
  const std::vector<Sample> samples = prompts(random, 30);
  const std::vector<Intervention> interventions = {std::monostate{}, parse_intervention("random<0.2"),
                                                   parse_intervention("L0H1,L1H0")};
  auto want = engine.run(samples, interventions, {.stats = true});
  const auto got = engine.run(samples, interventions, {.stats = false});
  for (size_t i = 0; i < want.size(); ++i) {
    want[i].stats = {};
    test::expect_same_bits(want[i], got[i], fmt::format("path {}", i));
  }
}

// Every path leaves once, with the results it has in the end, in parts if only few rows may be in flight.
TEST(EngineBits, PathsLeaveInPartsWithTheirResults) {
  const test::RandomModel model(narrow());
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(6);
  const std::vector<Sample> samples = prompts(random, 12);
  const std::vector<Intervention> interventions = rules();
  const auto want = engine.run(samples, interventions);
  int fewer_than = std::numeric_limits<int>::max();
  for (const int64_t rows : {int64_t{1}, int64_t{200}, int64_t{1} << 30}) {
    std::vector<PathResult> left(want.size());
    std::vector<int> times(want.size());
    int parts = 0;
    RunOptions options;
    options.rows = rows;
    options.on_finished = [&](std::span<const int64_t> paths, std::span<PathResult> results) {
      ++parts;
      for (const int64_t path : paths) {
        ++times[static_cast<size_t>(path)];
        left[static_cast<size_t>(path)] = std::move(results[static_cast<size_t>(path)]);
      }
    };
    engine.run(samples, interventions, options);
    EXPECT_EQ(times, std::vector<int>(want.size(), 1)) << rows;
    EXPECT_LT(parts, fewer_than) << rows;
    fewer_than = parts;
    for (size_t i = 0; i < want.size(); ++i)
      test::expect_same_bits(want[i], left[i], fmt::format("path {}, {} rows", i, rows));
  }
  EXPECT_EQ(fewer_than, 1) << "at once where there is no such bound";
}

// An exception on the way leaves the engine as it was.
TEST(EngineBits, AStoppedRunChangesNothing) {
  const test::RandomModel model(narrow());
  Engine engine(model.get(), {.threads = 2, .precision = Precision::f32});
  std::mt19937 random(5);
  const std::vector<Sample> samples = prompts(random, 20);
  const std::vector<Intervention> interventions = rules();
  const auto want = engine.run(samples, interventions, {.stats = true});
  std::vector<double> seen;
  const auto stop = [&](double done) {
    seen.push_back(done);
    if (done < 1) throw std::runtime_error("stop");
  };
  EXPECT_THROW(engine.run(samples, interventions, {.on_layer = stop}), std::runtime_error);
  EXPECT_EQ(seen, std::vector<double>{0.5});
  const auto again = engine.run(samples, interventions, {.stats = true});
  for (size_t i = 0; i < want.size(); ++i)
    test::expect_same_bits(want[i], again[i], fmt::format("path {}", i));
}

}  // namespace
}  // namespace idleheads
