#include "idleheads/model/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "format/gguf_writer.h"
#include "idleheads/base/error.h"
#include "model/jsonl.h"
#include "model/pieces.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

using test::data_path;
using test::error_of;
using test::GgufWriter;
using testing::ElementsAre;
using testing::HasSubstr;
using Ids = std::vector<TokenId>;

// ---- Token ids of lm-evaluation-harness' prompts ----

// The context without its trailing white space, and the continuation with it.
struct Pair {
  std::string context, continuation;
};

Pair move_space(std::string context, const std::string& continuation) {
  size_t end = context.size();
  while (end > 0 && std::isspace(static_cast<unsigned char>(context[end - 1]))) --end;
  return {context.substr(0, end), context.substr(end) + continuation};
}

void check_pair(const Tokenizer& tokenizer, const std::string& context, const std::string& continuation,
                const Ids& context_ids, const Ids& continuation_ids) {
  const Pair pair = move_space(context, continuation);
  const Ids before = tokenizer.encode(pair.context);
  Ids whole = tokenizer.encode(pair.context + pair.continuation);
  EXPECT_EQ(before, context_ids);
  ASSERT_GE(whole.size(), before.size());
  whole.erase(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(before.size()));
  EXPECT_EQ(whole, continuation_ids);
}

void check_line(const Tokenizer& tokenizer, const Json& prompt, const Json& ids) {
  if (!ids.contains("continuation_ids")) {  // a prompt to be continued freely
    EXPECT_EQ(tokenizer.encode(prompt["context"].get<std::string>()), ids["context_ids"].get<Ids>());
    return;
  }
  for (size_t j = 0; j < ids["continuation_ids"].size(); ++j) {
    const bool own = ids.contains("contexts_ids");
    const Json& context = own ? prompt["contexts"][j] : prompt["context"];
    const Json& context_ids = own ? ids["contexts_ids"][j] : ids["context_ids"];
    check_pair(tokenizer, context.get<std::string>(), prompt["choices"][j].get<std::string>(),
               context_ids.get<Ids>(), ids["continuation_ids"][j].get<Ids>());
  }
}

void check_golden(const Tokenizer& tokenizer, const std::string& golden) {
  std::map<std::string, std::vector<Json>> prompts;
  const std::vector<Json> lines = test::read_prompts(golden);
  EXPECT_EQ(lines.size(), 42u);
  for (const Json& ids : lines) {
    const auto name = ids["file"].get<std::string>();
    if (!prompts.contains(name)) prompts[name] = test::read_prompts(name);
    SCOPED_TRACE(fmt::format("{} line {}", name, ids["line"].get<int>()));
    check_line(tokenizer, prompts[name].at(ids["line"].get<size_t>()), ids);
  }
}

Tokenizer whole_tokenizer(const std::filesystem::path& model) {
  const MappedFile file(model);
  return Tokenizer::from_gguf(parse_gguf(file.bytes(), model.string()));
}

TEST(TokenizerGolden, SmolLM2FromItsGgufAlone) {
  check_golden(test::tokenizer_of_pieces("smollm2"), "tokens_smollm2.jsonl");
  const std::filesystem::path model =
      std::filesystem::path(IDLEHEADS_MODELS) / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (std::filesystem::exists(model)) check_golden(whole_tokenizer(model), "tokens_smollm2.jsonl");
}

TEST(TokenizerGolden, Qwen25FromAGguf) {
  check_golden(test::tokenizer_of_pieces("qwen2.5"), "tokens_qwen2.5.jsonl");
  if (const char* model = std::getenv("IDLEHEADS_QWEN_GGUF"))
    check_golden(whole_tokenizer(model), "tokens_qwen2.5.jsonl");
}

// ---- GGUF metadata ----

// Bytes that stand for themselves in a byte-level vocabulary, GPT-2's letters for space and line feed, the
// two bytes of e with an acute accent, and merges.
const std::vector<std::string> kMerges = {"1 2", "12 3", "Ġ a", "Ġa b", "a b", "' s", "Ã ©", "Ġ Ġ", "Ċ Ċ"};

std::vector<std::string> small_vocabulary() {
  std::vector<std::string> tokens;
  for (char c = '!'; c <= '~'; ++c) tokens.emplace_back(1, c);
  for (const char* letter : {"Ġ", "Ċ", "Ã", "©", "Ì", "ģ"}) tokens.emplace_back(letter);
  for (const std::string& merge : kMerges) {
    const size_t space = merge.find(' ');
    tokens.push_back(merge.substr(0, space) + merge.substr(space + 1));
  }
  tokens.insert(tokens.end(), {"<bos>", "<eos>", "<user>", "abc"});
  return tokens;
}

struct SmallGguf {
  std::string model = "gpt2", pre = "gpt-2";
  std::vector<std::string> tokens = small_vocabulary();
  std::vector<std::string> merges = kMerges;
  std::vector<int32_t> types;  // empty: as made for small_vocabulary
  bool scores = false;
  std::optional<bool> add_bos, add_eos, add_space;
  std::optional<uint32_t> bos;

  Gguf gguf() const {
    std::vector<int32_t> kinds = types;
    if (kinds.empty()) {
      kinds.assign(tokens.size(), 1);
      kinds[kinds.size() - 4] = kinds[kinds.size() - 3] = 3;
      kinds[kinds.size() - 2] = 4;
    }
    GgufWriter writer;
    writer.add("tokenizer.ggml.model", model).add("tokenizer.ggml.pre", pre);
    writer.add("tokenizer.ggml.tokens", tokens).add("tokenizer.ggml.merges", merges);
    writer.add("tokenizer.ggml.token_type", kinds);
    writer.add("tokenizer.ggml.bos_token_id", bos.value_or(static_cast<uint32_t>(tokens.size()) - 4));
    writer.add("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(tokens.size()) - 3);
    if (scores) writer.add("tokenizer.ggml.scores", std::vector<float>(tokens.size(), -1));
    if (add_bos) writer.add("tokenizer.ggml.add_bos_token", *add_bos);
    if (add_eos) writer.add("tokenizer.ggml.add_eos_token", *add_eos);
    if (add_space) writer.add("tokenizer.ggml.add_space_prefix", *add_space);
    const std::vector<std::byte> bytes = writer.bytes();
    return parse_gguf(bytes, "small.gguf");
  }
  Tokenizer tokenizer() const { return Tokenizer::from_gguf(gguf()); }
  std::string error() const {
    return error_of([&] { tokenizer(); });
  }
  // The pieces of a text as the vocabulary spells them.
  std::vector<std::string> pieces(std::string_view text) const {
    const Tokenizer made = tokenizer();
    std::vector<std::string> out;
    for (const TokenId id : made.encode(text)) out.push_back(made.token(id).value());
    return out;
  }
};

TEST(TokenizerGguf, PreTokenizersSplitTheirOwnWay) {
  SmallGguf small;
  EXPECT_THAT(small.pieces(" ab123's\n\nab"), ElementsAre("Ġab", "123", "'s", "Ċ", "Ċ", "ab"));
  for (const char* pre : {"smollm", "starcoder", "refact"}) {
    small.pre = pre;
    EXPECT_THAT(small.pieces(" ab123"), ElementsAre("Ġab", "1", "2", "3"));
  }
  small.pre = "qwen2";
  EXPECT_THAT(small.pieces(" ab123'S\n\nab"), ElementsAre("Ġab", "1", "2", "3", "'", "S", "ĊĊ", "ab"));
  for (const char* pre : {"llama-bpe", "dbrx"}) {
    small.pre = pre;
    EXPECT_THAT(small.pieces(" ab12312"), ElementsAre("Ġab", "123", "12"));
  }
}

TEST(TokenizerGguf, TekkenSplitsWordsAtCapitalLetters) {
  SmallGguf small;
  small.pre = "tekken";
  small.tokens.insert(small.tokens.begin(), {"abA", "AB"});
  small.merges = {"a b", "ab A", "A B"};
  EXPECT_THAT(small.pieces("abABab"), ElementsAre("ab", "AB", "ab"));
}

// llama.cpp's rules: marks apart, then GPT-2's, then numbers apart, then digits in threes. GPT-2 alone keeps
// "'s" and " 1".
TEST(TokenizerGguf, AFileThatDoesNotSayItsPreTokenizerHasLlamaCppsAndANote) {
  SmallGguf small;
  small.pre = "default";
  EXPECT_THAT(small.pieces(" ab12312's a"), ElementsAre("Ġab", "123", "12", "'", "s", "Ġa"));
  EXPECT_THAT(small.pieces(" 123\n\n$"), ElementsAre("Ġ", "123", "ĊĊ", "$"));
  EXPECT_THAT(small.tokenizer().note(), HasSubstr("llama.cpp's rules"));
  small.pre = "";
  EXPECT_THAT(small.pieces(" ab12312's a"), ElementsAre("Ġab", "123", "12", "'", "s", "Ġa"));
  small.pre = "gpt-2";
  EXPECT_EQ(small.tokenizer().note(), "");
}

TEST(TokenizerGguf, PutsEosWhereTheSettingsSaySo) {
  SmallGguf small;
  small.add_eos = true;
  EXPECT_EQ(small.tokenizer().encode("", true), Ids{static_cast<TokenId>(small.tokens.size()) - 3});
}

TEST(TokenizerGguf, WholePiecesCountForLlama3Only) {
  SmallGguf small;
  small.pre = "llama-bpe";
  EXPECT_THAT(small.pieces("abc"), ElementsAre("abc"));
  small.pre = "dbrx";
  EXPECT_THAT(small.pieces("abc"), ElementsAre("ab", "c"));
}

TEST(TokenizerGguf, NormalisesWhereTheModelDoes) {
  const std::string decomposed = "e\u0301";
  SmallGguf small;
  EXPECT_THAT(small.pieces(decomposed), ElementsAre("e", "Ì", "ģ"));
  small.pre = "qwen2";
  EXPECT_THAT(small.pieces(decomposed), ElementsAre("Ã©"));
}

TEST(TokenizerGguf, AddedTokensStandInTheText) {
  const SmallGguf small;
  const Tokenizer tokenizer = small.tokenizer();
  EXPECT_THAT(small.pieces("a<user>b<eos>"), ElementsAre("a", "<user>", "b", "<eos>"));
  const Ids ids = tokenizer.encode("a<user>b<eos>");
  EXPECT_EQ(tokenizer.decode(ids), "a<user>b<eos>");
  EXPECT_EQ(tokenizer.decode(ids, true), "a<user>b");
}

TEST(TokenizerGguf, SaysWhatItIs) {
  const SmallGguf small;
  const Tokenizer tokenizer = small.tokenizer();
  const auto size = static_cast<TokenId>(small.tokens.size());
  EXPECT_EQ(tokenizer.vocabulary_size(), size);
  EXPECT_EQ(tokenizer.description(), fmt::format("BPE, pre-tokenizer gpt-2, {} tokens", size));
  EXPECT_EQ(tokenizer.bos(), size - 4);
  EXPECT_EQ(tokenizer.eos(), size - 3);
  EXPECT_EQ(tokenizer.id("Ġab"), tokenizer.encode(" ab").front());
  EXPECT_EQ(tokenizer.id("no such"), std::nullopt);
  EXPECT_EQ(tokenizer.token(size), std::nullopt);
  EXPECT_EQ(tokenizer.token(-1), std::nullopt);
}

TEST(TokenizerGguf, PutsBosWhereTheSettingsSaySo) {
  SmallGguf small;
  const TokenId bos = static_cast<TokenId>(small.tokens.size()) - 4;
  EXPECT_FALSE(small.tokenizer().adds_bos());
  small.add_bos = true;
  EXPECT_TRUE(small.tokenizer().adds_bos());
  EXPECT_EQ(small.tokenizer().encode("", true), Ids{bos});
  EXPECT_EQ(small.tokenizer().encode("", false), Ids{});
  small.add_bos.reset();
  small.pre = "llama-bpe";  // where it is the default
  EXPECT_EQ(small.tokenizer().encode("", true), Ids{bos});
  small.add_bos = false;
  EXPECT_EQ(small.tokenizer().encode("", true), Ids{});
}

TEST(TokenizerGguf, RefusesWhatItDoesNotKnow) {
  SmallGguf small;
  small.pre = "poem";
  EXPECT_THAT(small.error(),
              HasSubstr("small.gguf: pre-tokenizer 'poem' is not supported; supported: gpt-2"));
  small.model = "t5";
  EXPECT_THAT(small.error(), HasSubstr("tokenizer model 't5' is not supported; supported: gpt2"));
  small.model = "llama";
  EXPECT_THAT(small.error(), HasSubstr("tokenizer.ggml.scores is missing"));
  SmallGguf prefix;
  prefix.add_space = true;
  EXPECT_THAT(prefix.error(), HasSubstr("add_space_prefix"));
  EXPECT_THAT(error_of([] { Tokenizer::from_gguf(parse_gguf(GgufWriter().bytes(), "empty.gguf")); }),
              HasSubstr("tokenizer.ggml.model is missing"));
}

TEST(TokenizerGguf, RefusesAVocabularyThatIsWrong) {
  SmallGguf twice;
  twice.tokens[5] = "!";
  EXPECT_THAT(twice.error(), HasSubstr("tokens 0 and 5 are both '!'"));
  SmallGguf invalid;
  invalid.tokens[5] = "ab\xff";
  EXPECT_THAT(invalid.error(), HasSubstr("token 5 is not valid UTF-8 at byte 2"));
  SmallGguf unknown;  // the unknown token of sentencepiece
  unknown.model = "llama";
  unknown.scores = true;
  unknown.tokens[0] = "\xbc";
  EXPECT_THAT(unknown.error(), HasSubstr("token 0 is not valid UTF-8 at byte 0"));
  SmallGguf types;
  types.types = {1, 2};
  EXPECT_THAT(types.error(), HasSubstr("2 entries in tokenizer.ggml.token_type"));
  types.types.assign(types.tokens.size(), 7);
  EXPECT_THAT(types.error(), HasSubstr("token 0 has the unknown type 7"));
  SmallGguf bos;
  bos.bos = 100000;
  EXPECT_THAT(bos.error(), HasSubstr("tokenizer.ggml.bos_token_id is 100000, but the tokenizer has"));
}

TEST(TokenizerGguf, RefusesMergesThatAreWrong) {
  for (const char* merge : {"z z", "é a", "a é"}) {
    SmallGguf small;
    small.merges.push_back(merge);
    EXPECT_THAT(small.error(),
                HasSubstr(fmt::format("merge {} names a token that is not in the vocabulary: '{}'",
                                      kMerges.size(), merge)));
  }
  SmallGguf longer;
  longer.merges.push_back("<user> " + std::string(1000, 'a'));
  EXPECT_THAT(longer.error(), HasSubstr("names a token that is not in the vocabulary"));
  SmallGguf one;
  one.merges.push_back("ab");
  EXPECT_THAT(one.error(), HasSubstr("is not two tokens: 'ab'"));
}

// ---- Text and ids ----

TEST(Tokenizer, RefusesTextAndIdsThatAreWrong) {
  const Tokenizer tokenizer = SmallGguf().tokenizer();
  EXPECT_THAT(error_of([&] { tokenizer.encode("ab\x80"); }), HasSubstr("not valid UTF-8 at byte 2"));
  const Ids large = {0, 100000}, negative = {-1};
  EXPECT_THAT(error_of([&] { tokenizer.decode(large); }),
              HasSubstr("token id 100000 is not in the vocabulary"));
  EXPECT_THAT(error_of([&] { tokenizer.decode(negative); }), HasSubstr("token id -1"));
}

TEST(Tokenizer, EncodesTheSameFromSeveralThreads) {
  const Tokenizer tokenizer = SmallGguf().tokenizer();
  std::string text;
  for (int i = 0; i < 500; ++i) text += fmt::format("ab{} <user>'s\n", i);
  const Ids expected = tokenizer.encode(text);
  std::vector<Ids> found(4);
  {
    std::vector<std::jthread> threads;
    for (Ids& ids : found) threads.emplace_back([&] { ids = tokenizer.encode(text); });
  }
  for (const Ids& ids : found) EXPECT_EQ(ids, expected);
  EXPECT_EQ(tokenizer.decode(expected), text);
}

// ---- Hugging Face folders ----

// A copy of the tiny tokenizer's folder that a test may change.
class TokenizerFolder : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
      write(name, read_text_file(data_path(std::string("tiny_tokenizer/") + name)));
    }
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  Tokenizer tokenizer() const { return Tokenizer::from_folder(folder_); }
  std::string error() const {
    return error_of([&] { tokenizer(); });
  }

  const test::TempFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

TEST_F(TokenizerFolder, EncodesAndDecodes) {
  const Tokenizer made = tokenizer();
  EXPECT_EQ(made.vocabulary_size(), 300);
  EXPECT_EQ(made.description(), "BPE, 300 tokens, tokenizer.json");
  const Ids ids = made.encode(" the\xc3\xa9 100<|user|>");
  std::vector<std::string> pieces;
  for (const TokenId id : ids) pieces.push_back(made.token(id).value());
  EXPECT_THAT(pieces, ElementsAre("Ġthe", "Ã©", "Ġ", "1", "00", "<|user|>"));
  EXPECT_EQ(made.decode(ids), " the\xc3\xa9 100<|user|>");
  EXPECT_EQ(made.decode(ids, true), " the\xc3\xa9 100");
  EXPECT_EQ(made.encode("abababababab").size(), 6u) << "the file's truncation or padding was used";
}

TEST_F(TokenizerFolder, AllBytesSurvive) {
  std::string text;
  for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
  text += "\u00e9\u4e2d\U0001f600";
  EXPECT_EQ(tokenizer().decode(tokenizer().encode(text)), text);
}

TEST_F(TokenizerFolder, CleansUpSpacesWhereTheConfigAsksForIt) {
  const std::string text = "it 's a , b . isn 't do n't what ? I 'm we 've ' x '";
  EXPECT_EQ(tokenizer().decode(tokenizer().encode(text)), text);
  write("tokenizer_config.json", R"({"clean_up_tokenization_spaces": true})");
  EXPECT_EQ(tokenizer().decode(tokenizer().encode(text)), "it's a, b. isn 't don't what? I'm we've'x '");
  write("tokenizer_config.json", R"({"clean_up_tokenization_spaces": "yes"})");
  EXPECT_THAT(error(), HasSubstr("clean_up_tokenization_spaces"));
}

TEST_F(TokenizerFolder, TakesSpecialTokensFromTheConfig) {
  const Tokenizer made = tokenizer();
  EXPECT_EQ(made.bos(), 297);
  EXPECT_EQ(made.eos(), 298);
  EXPECT_TRUE(made.adds_bos());
  EXPECT_THAT(made.encode("a", true), ElementsAre(297, made.id("a").value()));
}

TEST_F(TokenizerFolder, LooksForSpecialTokensInOrder) {
  write("config.json", R"({"bos_token_id": 298, "eos_token_id": [299, 1]})");
  write("special_tokens_map.json", R"({"bos_token": "<|user|>"})");
  EXPECT_EQ(tokenizer().bos(), 299) << "the map is the newer file where nothing lists the added tokens";
  write("tokenizer_config.json", R"({"bos_token": "<s>", "added_tokens_decoder": {}})");
  EXPECT_EQ(tokenizer().bos(), 297);
  write("tokenizer_config.json", R"({})");
  EXPECT_EQ(tokenizer().bos(), 299);
  EXPECT_EQ(tokenizer().eos(), 299);
  write("special_tokens_map.json", R"({"bos_token": null})");
  EXPECT_EQ(tokenizer().bos(), std::nullopt);
  std::filesystem::remove(folder_ / "special_tokens_map.json");
  EXPECT_EQ(tokenizer().bos(), 298);
}

// Of a model from which heads were cut that of the whole one.
TEST_F(TokenizerFolder, TheClassIsTheModelsWhereNoneIsNamed) {
  write("tokenizer_config.json", R"({"bos_token": "</s>", "add_bos_token": true})");
  const auto encoded = [&](const std::string& type) {
    write("config.json", R"({"model_type": ")" + type + "\"}");
    return tokenizer().encode("", true);
  };
  EXPECT_EQ(encoded("llama").front(), 298);
  EXPECT_EQ(encoded("idleheads_llama"), encoded("llama"));
  EXPECT_NE(encoded("idleheads_phi"), encoded("llama"));
}

TEST_F(TokenizerFolder, AddBosTokenDecides) {
  const auto config = [&](const std::string& settings) {
    write("tokenizer_config.json", R"({"tokenizer_class": "LlamaTokenizer", )" + settings + "}");
  };
  config(R"("bos_token": "<s>", "add_bos_token": false)");
  EXPECT_FALSE(tokenizer().adds_bos());
  EXPECT_EQ(tokenizer().encode("ab", true), tokenizer().encode("ab", false));
  config(R"("bos_token": "</s>", "add_bos_token": true)");
  EXPECT_EQ(tokenizer().encode("", true).front(), 298);
  config(R"("bos_token": null, "add_bos_token": true)");
  EXPECT_THAT(error(), HasSubstr("add_bos_token is true, but there is no bos_token"));
}

TEST_F(TokenizerFolder, RefusesFilesThatAreWrong) {
  write("tokenizer_config.json", "{\n\"bos_token\": 7}");
  EXPECT_THAT(error(), HasSubstr("tokenizer_config.json: bos_token is number, expected a token"));
  write("tokenizer_config.json", "{\n\"bos_token\": ");
  EXPECT_THAT(error(), HasSubstr("tokenizer_config.json:2:"));
  write("tokenizer_config.json", "{}");
  write("config.json", R"({"eos_token_id": 300})");
  EXPECT_THAT(error(), HasSubstr("config.json: eos_token_id 300 is outside the vocabulary of 300 tokens"));
  write("tokenizer.json", "{\"version\": \"1.0\",\n \"model\": ");
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("tokenizer.json: "), HasSubstr("line 2")));
  write("tokenizer.json", std::string(100000, '['));
  EXPECT_THAT(error(), HasSubstr("tokenizer.json: "));
  std::filesystem::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(error(), HasSubstr("no tokenizer.json"));
}

TEST_F(TokenizerFolder, RefusesSettingsThatMayChangeIds) {
  const std::map<std::string, std::string> refused = {
      {R"({"tokenizer_class": "PoemTokenizer"})",
       "tokenizer_class 'PoemTokenizer' is not supported; supported"},
      {R"({"dropout": 0.1})", "tokenizer_config.json: dropout is not supported"},
      {R"({"from_slow": true})", "from_slow is not supported"},
      {R"({"tokenizer_file": "/x/tokenizer.json"})", "tokenizer_file is not supported"},
      {R"({"fast_tokenizer_files": ["tokenizer.4.0.json"]})", "fast_tokenizer_files is not supported"},
      {R"({"split_special_tokens": 1})", "split_special_tokens is number, expected true or false"},
      {R"({"additional_special_tokens": "x"})", "additional_special_tokens is string, expected a list"},
      {R"({"added_tokens_decoder": {"x": {"content": "y"}}})", "added_tokens_decoder has the id 'x'"},
      {R"({"added_tokens_decoder": {"1": "y"}})", "added_tokens_decoder has a token that is string"},
      {R"({"added_tokens_decoder": {"1": {"content": "y", "italic": true}}})", "the unknown flag 'italic'"},
      {R"({"tokenizer_class": "LlamaTokenizer", "add_prefix_space": false})",
       "add_prefix_space is not supported"},
  };
  for (const auto& [config, message] : refused) {
    write("tokenizer_config.json", config);
    EXPECT_THAT(error(), HasSubstr(message));
  }
  write("tokenizer_config.json", "{}");
  write("added_tokens.json", R"({"x": "y"})");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json: the id of 'x' is not a number"));
}

TEST_F(TokenizerFolder, AcceptsSettingsThatChangeNoIds) {
  const Ids ids = tokenizer().encode("ab 12 <|user|>", true);
  write("tokenizer_config.json",
        R"({"model_max_length": 1000000000000000019884624838656, "padding_side": "left", "errors": "replace",
            "clean_up_tokenization_spaces": false, "legacy": true, "image_token": "<image>", "auto_map": {},
            "name_or_path": "x", "sp_model_kwargs": {}, "chat_template": "x", "from_slow": false})");
  EXPECT_EQ(tokenizer().encode("ab 12 <|user|>", true), ids);
}

// A merge longer than any token makes the model's builder panic: an error all the same, and nothing is
// printed.
TEST_F(TokenizerFolder, APanicIsAnError) {
  write("tokenizer.json", R"({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1},
                              "merges": ["a b"]}})");
  testing::internal::CaptureStderr();
  const std::string text = error();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(text, HasSubstr("tokenizer.json: internal error in the text library"));
}

}  // namespace
}  // namespace idleheads
