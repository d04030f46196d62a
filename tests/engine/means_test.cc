// Mean ablation for every family, and for models whose layers have their own numbers of heads.
#include "engine/means.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "engine/cut_models.h"
#include "engine/engine_fixture.h"
#include "engine/family_golden.h"

namespace idleheads {
namespace {

class FamilyMeans : public testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Model> model() const {
    return Model::open((test::family_folder() / GetParam()).string(), test::context_of(GetParam()));
  }
};

TEST_P(FamilyMeans, EqualTheReference) { test::expect_means_of_reference(model()); }
TEST_P(FamilyMeans, HaveTheSameBits) { test::expect_bits_of_means(model(), Precision::f32); }

INSTANTIATE_TEST_SUITE_P(All, FamilyMeans, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

class CutModelMeans : public testing::TestWithParam<const char*> {};

TEST_P(CutModelMeans, EqualTheReference) { test::expect_means_of_reference(test::cut_model(GetParam())); }
TEST_P(CutModelMeans, HaveTheSameBits) {
  test::expect_bits_of_means(test::cut_model(GetParam()), Precision::f32);
}

INSTANTIATE_TEST_SUITE_P(All, CutModelMeans, testing::Values("no_attention", "biases"),
                         [](const auto& test) { return test.param; });

reference::RandomSpec deep() {
  reference::RandomSpec spec;
  spec.layers = 4;
  return spec;
}

// Paths that wait, at a layer's input too, and those that begin again count each of their rows once.
TEST(Means, RowsOfPathsThatWaitCountOnce) {
  std::mt19937 random(12);
  const test::RandomModel model(deep());
  const std::vector<Intervention> rules = test::some_interventions();
  for (int round = 0; round < 6; ++round) {
    const std::vector<Sample> samples = test::random_tree(random, 12, 97);
    Engine unbounded(model.get(), {.threads = 2, .precision = Precision::f32});
    const OutputSums want = test::output_sums(unbounded, samples, rules);
    const auto rows = static_cast<int64_t>(longest(samples) + static_cast<int64_t>(random() % 60));
    Engine engine(model.get(), {.threads = 2, .precision = Precision::f32, .rows = rows});
    EXPECT_TRUE(test::output_sums(engine, samples, rules) == want) << rows;
    EXPECT_GE(engine.work().rows, unbounded.work().rows);
  }
}

// The first token counts for nothing, and a row that samples share for each of them.
TEST(Means, CountEverySamplesRowsButTheFirst) {
  const test::RandomModel model(deep());
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const Sample one = test::make_sample({5}, 0), three = test::make_sample({5, 6, 7}, 1);
  const OutputSums of_one = test::output_sums(engine, {one}), of_three = test::output_sums(engine, {three});
  EXPECT_EQ(of_one.rows, 0);
  for (const int64_t sum : of_one.sums.values()) EXPECT_EQ(sum, 0);
  EXPECT_EQ(of_three.rows, 2);
  OutputSums twice = of_three;
  twice.add(of_three);
  EXPECT_EQ(test::output_sums(engine, {three, one, three}), twice);
}

TEST(Means, AStoppedRunAddsNothing) {
  const test::RandomModel model(deep());
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const std::vector<Sample> samples = {test::make_sample({5, 6, 7}, 1)};
  const std::vector<Intervention> none = {std::monostate{}};
  OutputSums sums;
  RunOptions options = {.outputs = &sums};
  options.on_layer = [](double) { throw std::runtime_error("stop"); };
  EXPECT_THROW(engine.run(samples, none, options), std::runtime_error);
  EXPECT_EQ(sums, OutputSums{});
}

TEST(Means, OfAnotherShapeAreAMistakeOfOurs) {
  const test::RandomModel model(deep());
  Engine engine(model.get(), {.threads = 1, .precision = Precision::f32});
  const HeadMeans other(HeadShape(1, 1), 2);
  const std::vector<Sample> samples = {test::make_sample({5, 6, 7}, 1)};
  EXPECT_THROW(engine.run(samples, test::bits_rules(), {.means = &other}), std::logic_error);
}

}  // namespace
}  // namespace idleheads
