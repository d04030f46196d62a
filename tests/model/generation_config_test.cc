// What generation_config.json and GGUF say about greedy generation, and settings that cannot be honoured.
#include "idleheads/model/generation_config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "format/gguf_writer.h"
#include "idleheads/base/error.h"
#include "model/checkpoint.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The golden llama with the tiny tokenizer (300 tokens, EOS 298), and a generation_config.json of the test's
// own.
class GenerationConfigTest : public testing::Test {
 protected:
  GenerationConfigTest() {
    const fs::path data = IDLEHEADS_TEST_DATA;
    for (const char* file : {"golden/tiny/llama/config.json", "golden/tiny/llama/model.safetensors",
                             "tiny_tokenizer/tokenizer.json", "tiny_tokenizer/tokenizer_config.json"})
      fs::copy_file(data / file, folder_ / fs::path(file).filename());
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  GenerationConfig read() { return generation_config(Checkpoint(folder_), Tokenizer::from_folder(folder_)); }
  GenerationConfig with(const std::string& settings) {
    write("generation_config.json", settings);
    return read();
  }
  std::string error_with(const std::string& settings) {
    return test::error_of([&] { with(settings); });
  }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(GenerationConfigTest, EndTokensAreANumberOrAList) {
  EXPECT_THAT(with(R"({"eos_token_id": 5})").end_tokens, ElementsAre(5));
  EXPECT_THAT(with(R"({"eos_token_id": [7, 5, 7]})").end_tokens, ElementsAre(5, 7));
  EXPECT_THAT(with(R"({"eos_token_id": []})").end_tokens, IsEmpty());
}

TEST_F(GenerationConfigTest, WithoutThemTheTokenizersEosEnds) {
  const TokenId eos = Tokenizer::from_folder(folder_).eos().value();
  EXPECT_THAT(with("{}").end_tokens, ElementsAre(eos));
  EXPECT_THAT(with(R"({"eos_token_id": null})").end_tokens, ElementsAre(eos));
}

// Taken for a missing file it would leave other end tokens.
TEST_F(GenerationConfigTest, ALinkThatLeadsNowhereIsNoMissingFile) {
  fs::create_symlink("gone", folder_ / "generation_config.json");
  EXPECT_THAT([&] { read(); },
              testing::ThrowsMessage<Error>(HasSubstr("a link to gone, which does not exist")));
}

TEST_F(GenerationConfigTest, ConfigJsonCountsWithoutAFileOfItsOwn) {
  std::string config = R"({"model_type": "llama", "eos_token_id": [9, 2], "repetition_penalty": 1.5})";
  write("config.json", config);
  const GenerationConfig found = read();
  EXPECT_THAT(found.end_tokens, ElementsAre(2, 9));
  EXPECT_EQ(found.repetition_penalty, 1.5f);
  EXPECT_EQ(with(R"({"eos_token_id": 1})").repetition_penalty, 1);
}

TEST_F(GenerationConfigTest, RepetitionPenaltyActsAndSamplingDoesNot) {
  // As in a Qwen2.5-Instruct.
  const GenerationConfig config = with(R"({"bos_token_id": 1, "pad_token_id": 1, "do_sample": true,
    "eos_token_id": [3, 4], "repetition_penalty": 1.05, "temperature": 0.7, "top_p": 0.8, "top_k": 20,
    "max_new_tokens": 2048, "transformers_version": "4.37.0"})");
  EXPECT_EQ(config.repetition_penalty, 1.05f);
  EXPECT_EQ(with(R"({"repetition_penalty": null})").repetition_penalty, 1);
}

TEST_F(GenerationConfigTest, NeutralValuesAreFine) {
  with(R"({"no_repeat_ngram_size": 0, "min_length": 0, "min_new_tokens": null, "suppress_tokens": [],
    "num_beams": 1, "guidance_scale": 1.0, "forced_eos_token_id": null, "encoder_repetition_penalty": 1.0,
    "remove_invalid_values": false, "sequence_bias": {}, "token_healing": false})");
}

TEST_F(GenerationConfigTest, RefusesWhatItCannotHonour) {
  for (const auto& [key, value] : {std::pair{"no_repeat_ngram_size", "3"},
                                   {"min_new_tokens", "1"},
                                   {"suppress_tokens", "[5]"},
                                   {"bad_words_ids", "[[1, 2]]"},
                                   {"forced_bos_token_id", "0"},
                                   {"sequence_bias", R"([[[1], 2.0]])"},
                                   {"encoder_repetition_penalty", "1.2"},
                                   {"num_beams", "4"},
                                   {"guidance_scale", "1.5"},
                                   {"remove_invalid_values", "true"}}) {
    const std::string message = error_with(fmt::format(R"({{"{}": {}}})", key, value));
    EXPECT_THAT(message, testing::AllOf(HasSubstr("generation_config.json"), HasSubstr(key),
                                        HasSubstr("not supported")));
  }
}

TEST_F(GenerationConfigTest, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error_with(R"({"eos_token_id": 301})"),
              HasSubstr("eos_token_id has 301, expected token ids from 0 to 300"));
  EXPECT_THAT(error_with(R"({"eos_token_id": [1, -1]})"), HasSubstr("eos_token_id has -1"));
  EXPECT_THAT(error_with(R"({"eos_token_id": "</s>"})"), HasSubstr("eos_token_id"));
  EXPECT_THAT(error_with(R"({"repetition_penalty": 0})"), HasSubstr("repetition_penalty is 0"));
  EXPECT_THAT(error_with(R"({"repetition_penalty": 1e300})"), HasSubstr("repetition_penalty"));
  EXPECT_THAT(error_with(R"({"repetition_penalty": "much"})"), HasSubstr("repetition_penalty"));
  EXPECT_THAT(error_with("[]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(error_with("{"), HasSubstr("generation_config.json"));
}

TEST_F(GenerationConfigTest, GgufNamesTheEndOfATurnBesidesTheEos) {
  const auto with_eot = [&](std::optional<uint32_t> eot) {
    test::GgufWriter writer;
    writer.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "gpt-2");
    writer.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "b", "</s>", "<turn>"});
    writer.add("tokenizer.ggml.merges", std::vector<std::string>{});
    writer.add("tokenizer.ggml.eos_token_id", uint32_t{2});
    if (eot) writer.add("tokenizer.ggml.eot_token_id", *eot);
    const std::vector<std::byte> bytes = writer.bytes();
    write("model.gguf", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const Checkpoint checkpoint(folder_ / "model.gguf");
    return generation_config(checkpoint, Tokenizer::from_gguf(checkpoint.gguf())).end_tokens;
  };
  EXPECT_THAT(with_eot(std::nullopt), ElementsAre(2));
  EXPECT_THAT(with_eot(3), ElementsAre(2, 3));
  EXPECT_THAT(with_eot(2), ElementsAre(2));
  EXPECT_THROW(with_eot(4), Error);
}

}  // namespace
}  // namespace idleheads
