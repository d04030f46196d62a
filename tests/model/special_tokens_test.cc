#include "idleheads/model/special_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "idleheads/base/error.h"
#include "idleheads/model/chat_template.h"
#include "model/tokenizer_folder.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

class SpecialTokensTest : public testing::Test {
 protected:
  SpecialTokens read(const std::string& config, const std::string& map = "") {
    write("tokenizer_config.json", config);
    if (!map.empty()) write("special_tokens_map.json", map);
    return special_tokens_of_folder(folder_.path());
  }
  void write(const std::string& name, const std::string& text) { folder_.write(name, text); }

  test::TempFolder folder_;
};

TEST_F(SpecialTokensTest, NamesAndLists) {
  const SpecialTokens tokens =
      read(R"({"bos_token": "<s>", "pad_token": {"content": "<p>"}, "unk_token": null, "eos_token": "",
      "additional_special_tokens": ["<a>", {"content": "<b>"}, "<a>"], "extra_special_tokens": {"image_token": "<i>"}})");
  EXPECT_THAT(tokens.named, UnorderedElementsAre(Pair("bos_token", "<s>"), Pair("pad_token", "<p>"),
                                                 Pair("image_token", "<i>")));
  EXPECT_THAT(tokens.additional, ElementsAre("<a>", "<b>"));
}

TEST_F(SpecialTokensTest, TheMapCountsOnlyWithoutAddedTokensDecoder) {
  const std::string map =
      R"({"bos_token": "<map>", "cls_token": "<c>", "additional_special_tokens": ["<m>"]})";
  const SpecialTokens old = read(R"({"bos_token": "<s>", "additional_special_tokens": ["<a>"]})", map);
  EXPECT_THAT(old.named, UnorderedElementsAre(Pair("bos_token", "<map>"), Pair("cls_token", "<c>")));
  EXPECT_THAT(old.additional, ElementsAre("<a>", "<m>"));
  const SpecialTokens present = read(R"({"bos_token": "<s>", "added_tokens_decoder": {}})", map);
  EXPECT_THAT(present.named, UnorderedElementsAre(Pair("bos_token", "<s>")));
  EXPECT_TRUE(present.additional.empty());
}

TEST_F(SpecialTokensTest, ClassesHaveDefaultsForWhatNoFileSpeaksOf) {
  EXPECT_THAT(
      read(R"({"tokenizer_class": "LlamaTokenizerFast", "unk_token": null, "eos_token": "<e>"})").named,
      UnorderedElementsAre(Pair("bos_token", "<s>"), Pair("eos_token", "<e>")));
  EXPECT_THAT(read(R"({"tokenizer_class": "Qwen2Tokenizer"})").named,
              UnorderedElementsAre(Pair("eos_token", "<|endoftext|>"), Pair("unk_token", "<|endoftext|>"),
                                   Pair("pad_token", "<|endoftext|>")));
  EXPECT_TRUE(read(R"({"tokenizer_class": "PreTrainedTokenizerFast"})").named.empty());
}

TEST_F(SpecialTokensTest, WrongTypesNameFileAndKey) {
  for (const char* config : {R"({"mask_token": 5})", R"({"additional_special_tokens": "x"})",
                             R"({"extra_special_tokens": {"a": 1}})", "[]"}) {
    try {
      read(config);
      FAIL() << config;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("tokenizer_config.json: "));
    }
  }
}

TEST_F(SpecialTokensTest, AreVariablesOfTheFoldersTemplate) {
  write("chat_template.jinja", "{{ pad_token }}{{ additional_special_tokens[0] }}{{ sep_token is defined }}");
  write("tokenizer_config.json", R"({"pad_token": "<p>", "additional_special_tokens": ["<a>"]})");
  EXPECT_EQ(ChatTemplate::from_folder(folder_.path())->render({{"user", "Hi"}}), "<p><a>False");
}

TEST(SpecialTokensOfGguf, AreFoundByTheirIds) {
  test::GgufWriter writer;
  writer.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "<bos>", "<pad>", "<unk>"});
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer.add("tokenizer.ggml.padding_token_id", uint32_t{2});
  writer.add("tokenizer.ggml.unknown_token_id", uint32_t{3});
  EXPECT_THAT(special_tokens_of_gguf(parse_gguf(writer.bytes(), "x.gguf")).named,
              UnorderedElementsAre(Pair("bos_token", "<bos>"), Pair("pad_token", "<pad>"),
                                   Pair("unk_token", "<unk>")));
  writer.add("tokenizer.ggml.mask_token_id", uint32_t{4});
  EXPECT_THROW(special_tokens_of_gguf(parse_gguf(writer.bytes(), "x.gguf")), Error);
}

}  // namespace
}  // namespace idleheads
