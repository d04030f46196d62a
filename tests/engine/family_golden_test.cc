// Every family against Hugging Face transformers (tests/data/golden/families): scores, masks and logits of a
// tiny random model, from its folder and from a GGUF file of it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/mapped_file.h"
#include "engine/engine.h"
#include "engine/golden_cases.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/safetensors_writer.h"
#include "reference/reference.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

const fs::path kFolder = test::family_folder();

// The goldens' own rounding in float32 is a hundredth of it.
double allowed(double want) { return 1e-4 * std::max(1.0, std::abs(want)); }

class Golden {
 public:
  explicit Golden(const fs::path& folder)
      : golden_(parse_json(read_text_file(folder / "cases.json"), (folder / "cases.json").string())),
        samples_(test::samples_of(golden_.at("cases"))),
        interventions_(test::interventions_of(golden_.at("interventions"))) {}

  // `context`: the longest sample in tokens, instead of the model's own.
  void expect_equal(const fs::path& model, int64_t context = 0) const {
    for (const bool sharing : {true, false}) {
      Engine engine(Model::open(model.string(), context),
                    {.threads = 2, .precision = Precision::f32, .sharing = sharing});
      const std::vector<PathResult> results = engine.run(samples_, interventions_, {.stats = true});
      for (size_t s = 0; s < samples_.size(); ++s) {
        const std::span<const PathResult> of_sample =
            std::span(results).subspan(s * interventions_.size(), interventions_.size());
        expect_scores(golden_.at("cases")[s].at("scores"), of_sample[0].stats, s);
        expect_logits(golden_.at("cases")[s], of_sample[0].last_logits, fmt::format("sample {}", s));
        for (size_t i = 1; i < interventions_.size(); ++i) {
          const Json& ablated = golden_.at("interventions")[i - 1].at("cases")[s];
          const std::string place = fmt::format("sample {} {}", s, to_string(interventions_[i]));
          test::expect_mask(ablated.at("mask"), of_sample[i].mask, place);
          expect_logits(ablated, of_sample[i].last_logits, place);
        }
      }
    }
  }

  void expect_equal_reference(const Model& model) const {
    for (size_t s = 0; s < samples_.size(); ++s) {
      const reference::Result result = reference::forward(model, samples_[s], std::monostate{});
      expect_scores(golden_.at("cases")[s].at("scores"), result.stats, s);
      expect_logits(golden_.at("cases")[s], result.logits.back(), fmt::format("sample {}", s));
    }
  }

 private:
  static void expect_scores(const Json& golden, const SampleStats& stats, size_t sample) {
    for (const Score& score : all_scores()) {
      if (score.is_random) continue;
      if (score.slug == "sink" && !golden.contains("sink")) {
        for (const HeadStats& head : stats.values) EXPECT_EQ(get(head, Stat::sink_weight), 0);
        continue;
      }
      const Json& layers = golden.at(std::string(score.slug));
      ASSERT_EQ(layers.size(), static_cast<size_t>(stats.layers));
      for (int l = 0; l < stats.layers; ++l) {
        std::vector<float> values(static_cast<size_t>(stats.heads));
        compute_scores(score, stats.layer(l), l, {}, values);
        for (int h = 0; h < stats.heads; ++h) {
          const Json& want = layers[static_cast<size_t>(l)][static_cast<size_t>(h)];
          if (want.is_null()) continue;  // 0 / 0: the entropy of a single token
          EXPECT_NEAR(values[static_cast<size_t>(h)], want.get<double>(), allowed(want.get<double>()))
              << score.slug << " sample " << sample << fmt::format(" L{}H{}", l, h);
        }
      }
    }
  }

  template <typename Logits>
  static void expect_logits(const Json& golden, const Logits& logits, const std::string& place) {
    const Json& want = golden.at("last_logits");
    ASSERT_EQ(want.size(), logits.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_NEAR(logits[i], want[i].get<double>(), allowed(want[i].get<double>()))
          << place << " logit " << i;
    }
  }

  Json golden_;
  std::vector<Sample> samples_;
  std::vector<Intervention> interventions_;
};

// Settings that llama.cpp fixes, or has no key for: windows of all layers, and what scores are divided by.
const std::map<std::string, Json> kNotInGguf = {{"mistral", {{"sliding_window", nullptr}}},
                                                {"starcoder2", {{"sliding_window", nullptr}}},
                                                {"gemma2", {{"query_pre_attn_scalar", 12}}},
                                                {"gemma3_text", {{"query_pre_attn_scalar", 12}}}};

class FamilyGolden : public testing::TestWithParam<std::string> {};

TEST_P(FamilyGolden, Folder) {
  // One is asked for more than its context, from where on its RoPE grows with the sample.
  const int64_t context = GetParam() == "llama_dynamic" ? 64 : 0;
  Golden(kFolder / GetParam()).expect_equal(kFolder / GetParam(), context);
}

TEST_P(FamilyGolden, Gguf) {
  const fs::path file = kFolder / GetParam() / "model.gguf";
  if (!fs::exists(file)) GTEST_SKIP() << "GGUF has no key for what is special";
  if (kNotInGguf.contains(GetParam())) GTEST_SKIP() << "see FamilyGguf.WithoutWhatItCannotSay";
  Golden(kFolder / GetParam()).expect_equal(file);
}

// The slow forward pass knows all that families have.
TEST_P(FamilyGolden, Reference) {
  const int64_t context = GetParam() == "llama_dynamic" ? 64 : 0;
  const auto model = Model::open((kFolder / GetParam()).string(), context);
  Golden(kFolder / GetParam()).expect_equal_reference(*model);
}

INSTANTIATE_TEST_SUITE_P(Families, FamilyGolden, testing::ValuesIn(test::family_names()),
                         [](const auto& test) { return test.param; });

// Logits of a sample on both sides of every window.
std::vector<float> logits_of(const fs::path& model) {
  Sample sample;
  for (int32_t t = 0; t < 30; ++t) sample.tokens.push_back(t);
  sample.want_last_logits = true;
  const std::vector<Intervention> none = {std::monostate{}};
  Engine engine(Model::open(model.string()), {.threads = 1, .precision = Precision::f32});
  return engine.run({&sample, 1}, none)[0].last_logits;
}

// The tensors of a text model under names that begin otherwise, and one of another part.
void write_renamed(const fs::path& from, const fs::path& to, const std::string& beginning) {
  const MappedFile file(from);
  test::SafetensorsWriter writer;
  for (const Tensor& tensor : parse_safetensors(file.bytes(), from.string()).tensors) {
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    dequantize(tensor.dtype, tensor.data, values);
    writer.add(beginning + tensor.name.substr(std::string("model.").size()), tensor.shape, values);
  }
  writer.add("vision_tower.head.weight", {1}, std::vector<float>(1));
  const std::vector<std::byte> bytes = writer.bytes();
  std::ofstream(to, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
}

// A Gemma 3 that sees images: its language model, under either of the names that its tensors have had, is the
// golden's; the part for images is left alone.
TEST(FamilyNested, Gemma3InsideAModelForImages) {
  const fs::path text = kFolder / "gemma3_text";
  for (const std::string beginning : {"language_model.model.", "model.language_model."}) {
    const test::TempFolder folder;
    write_renamed(text / "model.safetensors", folder.path() / "model.safetensors", beginning);
    Json config;
    config["model_type"] = "gemma3";
    config["architectures"] = {"Gemma3ForConditionalGeneration"};
    config["vision_config"]["hidden_size"] = 8;
    config["text_config"] = parse_json(read_text_file(text / "config.json"), "config.json");
    std::ofstream(folder.path() / "config.json") << dump_json(config);
    Golden(text).expect_equal(folder.path());
  }
}

// Where GGUF has no key for a setting, the file is the model with that setting at llama.cpp's value; and the
// setting in config.json makes a difference.
TEST(FamilyGguf, WithoutWhatItCannotSay) {
  for (const auto& [family, change] : kNotInGguf) {
    const test::TempFolder folder;
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy_file(kFolder / family / file, folder.path() / file);
    Json config = parse_json(read_text_file(folder.path() / "config.json"), "config.json");
    config.update(change);
    std::ofstream(folder.path() / "config.json") << dump_json(config);
    const std::vector<float> got = logits_of(kFolder / family / "model.gguf"),
                             want = logits_of(folder.path());
    ASSERT_EQ(got.size(), want.size()) << family;
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], want[i], allowed(want[i])) << family << " " << i;
    EXPECT_NE(got, logits_of(kFolder / family)) << family;
  }
}

}  // namespace
}  // namespace idleheads
