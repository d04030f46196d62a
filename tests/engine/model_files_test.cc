// Model files in the spellings and layouts that people have give the numbers that transformers gives
// (tests/data/model_files/README.md).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "idleheads/engine/engine.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

const fs::path kData = IDLEHEADS_TEST_DATA;
const fs::path kFiles = kData / "model_files";

// The first four logits after one fixed prompt, to five decimals.
using Logits = std::array<double, 4>;
constexpr Logits kLlama = {1.34207, 0.52220, 0.62227, 0.53425};
constexpr Logits kQwen2 = {-0.60366, 0.56412, 0.51151, 1.40823};
constexpr Logits kIq4Nl = {-0.33616, 0.76424, 1.37101, -0.57572};

void expect_logits(const fs::path& path, const Logits& expected) {
  Engine engine(Model::open(path.string()), {.threads = 1, .precision = Precision::f32});
  Sample sample;
  sample.tokens = {5, 6, 7, 8, 9, 100, 44};
  sample.want_last_logits = true;
  const std::vector<Intervention> none = {std::monostate{}};
  const std::vector<PathResult> results = engine.run(std::span(&sample, 1), none);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(results.at(0).last_logits.at(i), expected[i], 2e-5) << path << " logit " << i;
}

// A tiny model's weights beside another config.json.
class WithConfig : public testing::Test {
 protected:
  const fs::path& folder(const std::string& family, const std::string& config) {
    constexpr auto kAgain = fs::copy_options::overwrite_existing;
    fs::copy_file(kData / "golden/tiny" / family / "model.safetensors", folder_ / "model.safetensors",
                  kAgain);
    fs::copy_file(kFiles / config, folder_ / "config.json", kAgain);
    return folder_.path();
  }

 private:
  const test::TempFolder folder_;
};

TEST_F(WithConfig, KeysThatChangeNothing) {
  expect_logits(folder("llama", "llama_markers.json"), kLlama);
  expect_logits(folder("qwen2", "qwen2_use_mrope.json"), kQwen2);
}

TEST_F(WithConfig, SpellingsOfTransformers5) {
  expect_logits(folder("llama", "llama_rope_parameters.json"), kLlama);
  expect_logits(folder("qwen2", "qwen2_rope_parameters.json"), kQwen2);
}

TEST(ModelFiles, AnyPartOfASplitModelIsTheModel) {
  for (const char* part :
       {"tsplit-00001-of-00003.gguf", "tsplit-00002-of-00003.gguf", "tsplit-00003-of-00003.gguf"}) {
    expect_logits(kFiles / part, kLlama);
  }
}

TEST(ModelFiles, TypesThatQuantisersFallBackTo) { expect_logits(kFiles / "iq4_nl.gguf", kIq4Nl); }

}  // namespace
}  // namespace idleheads
