// Models whose layers have different numbers of heads, or none.
#include "engine/cpu/cpu_backend.h"
#include "engine/cpu/linear.h"
#include "engine/cpu/memory_plan.h"
#include "engine/cpu/packed_model.h"
#include "engine/cut_models.h"
#include "engine/head_grid.h"
#include "support/errors.h"

namespace idleheads {
namespace {

class CutModel : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Model> model() const { return test::cut_model(GetParam()); }
};

TEST_P(CutModel, EqualsTheZeroedOne) {
  test::expect_equals_zeroed(GetParam(), {.threads = 2, .precision = Precision::f32});
}

TEST_P(CutModel, EqualsTheZeroedOneStreamedWithFewRows) {
  test::expect_equals_zeroed(GetParam(),
                             {.threads = 2, .precision = Precision::f32, .rows = 40, .stream_weights = true});
}

TEST_P(CutModel, EqualsTheZeroedOneWithinAMemoryBound) {
  const EngineOptions options = {.threads = 1, .precision = Precision::f32, .memory = int64_t{1} << 30};
  test::expect_equals_zeroed(GetParam(), options);
}

// Also of scores that divide by the layer's mean.
TEST_P(CutModel, EqualsTheReference) {
  const std::shared_ptr<const Model> model = this->model();
  Engine engine(model, {.threads = 1, .precision = Precision::f32});
  const std::vector<Sample> samples = test::samples_for(model->spec());
  std::vector<Intervention> rules = test::cut_rules();
  rules.push_back(parse_intervention("ahon_ln<0.97"));
  const std::vector<PathResult> got = engine.run(samples, rules, {.stats = true});
  for (size_t i = 0; i < got.size(); ++i) {
    const Sample& sample = samples[i / rules.size()];
    const Intervention& rule = rules[i % rules.size()];
    test::expect_close(reference::forward(*model, sample, rule), got[i], sample, to_string(rule));
  }
}

TEST_P(CutModel, SameBitsOfSamples) { test::expect_bits_of_samples(model(), Precision::f32); }
TEST_P(CutModel, SameBitsOfWrittenAnswers) { test::expect_bits_of_generation(model(), Precision::f32); }

TEST_P(CutModel, WritesWhatTheZeroedOneWrites) {
  std::vector<Prompt> prompts;
  std::mt19937 random(3);
  for (const size_t length : {1, 4, 33})
    prompts.push_back({length, test::random_tokens(random, length, 256)});
  const std::vector<Intervention> rules = test::cut_rules();
  GenerateOptions options;
  options.max_new_tokens = 12;
  const EngineOptions engine = {.threads = 2, .precision = Precision::f32};
  const auto want = Engine(test::cut_model(GetParam(), "zeroed"), engine).generate(prompts, rules, options),
             got = Engine(model(), engine).generate(prompts, rules, options);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(got[i].tokens, want[i].tokens) << i;
}

TEST_P(CutModel, RunsInBf16) {
  if (!has_bf16()) GTEST_SKIP();
  test::expect_bits_of_samples(model(), Precision::bf16);
}

// What is off is a share of the heads that are there.
TEST_P(CutModel, SharesAreOfTheHeadsThatAreThere) {
  const std::shared_ptr<const Model> model = this->model();
  Engine engine(model, {.threads = 1, .precision = Precision::f32});
  const std::vector<Intervention> all = {parse_intervention("random<1")};
  const std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0)};
  const HeadMask mask = engine.run(samples, all)[0].mask;
  EXPECT_EQ(mask.count(), model->spec().head_count());
  EXPECT_EQ(mask.share(), 1);
}

int64_t kv_heads_of(const ModelSpec& spec) {
  int64_t count = 0;
  for (const LayerSpec& layer : spec.layers) count += layer.attention.kv_heads;
  return count;
}

int64_t cached_bytes_of(const Model& model) {
  ThreadPool pool(1);
  return make_cpu_backend(weights_of(model), pool, {.precision = Precision::f32})->cached_bytes({});
}

TEST_P(CutModel, TakesLessMemory) {
  const auto model = this->model(), zeroed = test::cut_model(GetParam(), "zeroed");
  const ModelSpec &spec = model->spec(), &whole = zeroed->spec();
  EXPECT_EQ(head_shape(spec).count(), spec.head_count());
  EXPECT_LE(row_bytes(spec), row_bytes(whole));
  EXPECT_LT(kv_heads_of(spec), kv_heads_of(whole));
  EXPECT_EQ(cached_bytes_of(*model) * kv_heads_of(whole), cached_bytes_of(*zeroed) * kv_heads_of(spec));
  EXPECT_LT(weight_sizes(spec, Precision::f32).all, weight_sizes(whole, Precision::f32).all);
}

INSTANTIATE_TEST_SUITE_P(All, CutModel, testing::Values("no_attention", "biases"),
                         [](const auto& test) { return test.param; });

TEST(CutModelErrors, AHeadThatWasCutIsNamed) {
  Engine engine(test::cut_model("no_attention"), {.threads = 1, .precision = Precision::f32});
  const std::vector<Sample> samples = {test::make_sample({1, 2, 3}, 0)};
  for (const char* head : {"L0H2", "L1H0", "L2H0"}) {
    const std::vector<Intervention> rules = {parse_intervention(head)};
    EXPECT_EQ(
        test::error_of<UsageError>([&] { engine.run(samples, rules); }),
        fmt::format("head {} does not exist: it was cut from this model, which has 7 of 18 heads", head));
  }
  const std::vector<Intervention> beyond = {parse_intervention("L0H6")};
  EXPECT_EQ(test::error_of<UsageError>([&] { engine.run(samples, beyond); }),
            "head L0H6 does not exist: the model has layers 0 to 2 and heads 0 to 5");
}

}  // namespace
}  // namespace idleheads
