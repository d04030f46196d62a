// Every family against Hugging Face transformers (tests/data/golden/families): scores, masks and logits of a
// tiny random model, from its folder and from a GGUF file of it.
#include "engine/family_golden.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/safetensors_writer.h"
#include "idleheads/engine/engine.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

using test::Golden;

const fs::path kFolder = test::family_folder();

// Settings that llama.cpp fixes, or has no key for: windows of all layers, and what scores are divided by.
const std::map<std::string, Json> kNotInGguf = {{"mistral", {{"sliding_window", nullptr}}},
                                                {"starcoder2", {{"sliding_window", nullptr}}},
                                                {"gemma2", {{"query_pre_attn_scalar", 12}}},
                                                {"gemma3_text", {{"query_pre_attn_scalar", 12}}}};

class FamilyGolden : public testing::TestWithParam<std::string> {};

TEST_P(FamilyGolden, Folder) {
  Golden(kFolder / GetParam()).expect_equal(kFolder / GetParam(), test::context_of(GetParam()));
}

TEST_P(FamilyGolden, Gguf) {
  const fs::path file = kFolder / GetParam() / "model.gguf";
  if (!fs::exists(file)) GTEST_SKIP() << "GGUF has no key for what is special";
  if (kNotInGguf.contains(GetParam())) GTEST_SKIP() << "see FamilyGguf.WithoutWhatItCannotSay";
  Golden(kFolder / GetParam()).expect_equal(file);
}

// The slow forward pass knows all that families have.
TEST_P(FamilyGolden, Reference) {
  const auto model = Model::open((kFolder / GetParam()).string(), test::context_of(GetParam()));
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
      EXPECT_NEAR(got[i], want[i], test::allowed(want[i])) << family << " " << i;
    EXPECT_NE(got, logits_of(kFolder / family)) << family;
  }
}

}  // namespace
}  // namespace idleheads
