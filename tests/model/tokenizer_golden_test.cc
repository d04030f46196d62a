// Token ids of tiny tokenizers that transformers and sentencepiece gave (tests/data/tokenizer_folders,
// sentencepiece).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "idleheads/base/error.h"
#include "idleheads/model/tokenizer.h"
#include "model/jsonl.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::data_path;
using testing::HasSubstr;
using testing::Not;
using Ids = std::vector<TokenId>;

Json golden(const std::string& name) { return parse_json(read_text_file(data_path(name)), name); }

// ---- Hugging Face folders ----

std::optional<TokenId> id_of(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<TokenId>());
}

void write_folder(const fs::path& folder, const Json& tokenizer, const Json& files) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(folder / "tokenizer.json") << tokenizer.dump();
  for (const auto& [name, content] : files.items()) std::ofstream(folder / name) << content.dump();
}

void check_folder(const fs::path& folder, const Json& wanted, const std::vector<std::string>& texts) {
  if (wanted.contains("error")) {
    EXPECT_THROW(Tokenizer::from_folder(folder), Error);
    return;
  }
  const Tokenizer made = Tokenizer::from_folder(folder);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(made.encode(texts[i]), wanted["ids"][i].get<Ids>()) << texts[i];
    EXPECT_EQ(made.encode(texts[i], true), wanted["with_special"][i].get<Ids>()) << texts[i];
  }
  EXPECT_EQ(made.bos(), id_of(wanted["bos"]));
  EXPECT_EQ(made.eos(), id_of(wanted["eos"]));
  EXPECT_EQ(made.vocabulary_size(), wanted["size"].get<int64_t>());
}

TEST(TokenizerGolden, FoldersAreReadAsTransformersDoes) {
  const Json data = golden("tokenizer_folders/folders.json");
  const auto texts = data["texts"].get<std::vector<std::string>>();
  const fs::path folder = fs::path(testing::TempDir()) / "idleheads_tokenizer_folders";
  EXPECT_EQ(data["cases"].size(), 75u);
  for (const Json& wanted : data["cases"]) {
    SCOPED_TRACE(wanted["name"].get<std::string>());
    Json tokenizer = data["tokenizers"][wanted["tokenizer"].get<std::string>()];
    tokenizer.merge_patch(wanted["patch"]);
    write_folder(folder, tokenizer, wanted["files"]);
    check_folder(folder, wanted, texts);
  }
  fs::remove_all(folder);
}

// ---- sentencepiece vocabularies ----

class SentencePieceGolden : public testing::TestWithParam<const char*> {};

TEST_P(SentencePieceGolden, GgufGivesTheSameIds) {
  const std::string name = GetParam();
  const fs::path path = data_path("sentencepiece/" + name + ".gguf");
  const MappedFile file(path);
  const Tokenizer tokenizer = Tokenizer::from_gguf(parse_gguf(file.bytes(), path.string()));
  const Json texts = golden("sentencepiece/" + name + ".json");
  EXPECT_EQ(texts.size(), 303u);
  for (const Json& line : texts) {
    const auto text = line[0].get<std::string>();
    const Ids ids = tokenizer.encode(text);
    EXPECT_EQ(ids, line[1].get<Ids>()) << text;
    if (text.find("\u2581") != std::string::npos || text.find('<') != std::string::npos) continue;
    if (text.find("##") != std::string::npos) continue;  // a space stands behind it
    EXPECT_EQ(tokenizer.decode(ids), text);
  }
  Ids with_bos = tokenizer.encode("the cow");
  with_bos.insert(with_bos.begin(), 1);
  EXPECT_EQ(tokenizer.encode("the cow", true), with_bos);
  EXPECT_EQ(tokenizer.bos(), 1);
  EXPECT_EQ(tokenizer.eos(), 2);
  EXPECT_EQ(tokenizer.note(), "");
  EXPECT_THAT(tokenizer.description(), HasSubstr("sentencepiece BPE, 46"));
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, SentencePieceGolden,
                         testing::Values("pieces", "pieces_symbols", "pieces_no_prefix"));

// Gemma's files have user-defined pieces of spaces, written as spaces and with a score of their own.
TEST(SentencePieceGguf, PiecesOfSpacesComeBeforeAllMerges) {
  test::GgufWriter writer;
  writer.add("tokenizer.ggml.model", std::string("llama"));
  writer.add("tokenizer.ggml.tokens",
             std::vector<std::string>{"<unk>", "<s>", "</s>", "\u2581", "a", "\u2581a", "  "});
  writer.add("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, -9, -9, -1, -1000});
  writer.add("tokenizer.ggml.token_type", std::vector<int32_t>{2, 3, 3, 1, 1, 1, 4});
  writer.add("tokenizer.ggml.add_space_prefix", false);
  const std::vector<std::byte> bytes = writer.bytes();
  const Tokenizer tokenizer = Tokenizer::from_gguf(parse_gguf(bytes, "spaces.gguf"));
  EXPECT_EQ(tokenizer.encode(" a"), Ids({5}));
  EXPECT_EQ(tokenizer.encode("a  a"), Ids({4, 6, 4}));
  EXPECT_EQ(tokenizer.encode("\u2581\u2581"), Ids({6}));
  EXPECT_EQ(tokenizer.encode("<s>a<unk>"), Ids({1, 4, 0}));
  EXPECT_EQ(tokenizer.decode(Ids{4, 6, 4}), "a  a");
}

}  // namespace
}  // namespace idleheads
