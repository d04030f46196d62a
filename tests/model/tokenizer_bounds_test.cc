// Tokenizers made to hang or to take all memory: each is refused, or its texts are, with one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "idleheads/base/error.h"
#include "idleheads/model/tokenizer.h"
#include "model/jsonl.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using test::data_path;
using testing::HasSubstr;
using testing::Not;

// A folder with a tokenizer.json of a's and b's that a test may change.
class HostileTokenizer : public testing::Test {
 protected:
  static Json small() {
    return {{"version", "1.0"},
            {"added_tokens", Json::array()},
            {"normalizer", nullptr},
            {"pre_tokenizer", nullptr},
            {"post_processor", nullptr},
            {"decoder", nullptr},
            {"model",
             {{"type", "BPE"},
              {"unk_token", "b"},
              {"vocab", {{"a", 0}, {"b", 1}, {"aa", 2}}},
              {"merges", Json::array({"a a"})}}}};
  }
  static Json with(const std::string& key, const Json& value) {
    Json out = small();
    out[key] = value;
    return out;
  }
  static Json sequence(const std::string& list, size_t count, const Json& step) {
    Json steps = Json::array();
    for (size_t i = 0; i < count; ++i) steps.push_back(step);
    return {{"type", "Sequence"}, {list, steps}};
  }
  static Json replace(const Json& pattern, const std::string& content) {
    return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
  }
  static Json added(int id, const std::string& content, bool normalized = false) {
    return {{"id", id},        {"content", content},       {"single_word", false}, {"lstrip", false},
            {"rstrip", false}, {"normalized", normalized}, {"special", false}};
  }

  // What the user reads for a text of 10,000 letters; "accepted" if nothing.
  std::string outcome(const std::string& tokenizer) {
    std::ofstream(folder_ / "tokenizer.json") << tokenizer;
    try {
      const Tokenizer made = Tokenizer::from_folder(folder_);
      made.decode(made.encode(std::string(10000, 'a')));
    } catch (const Error& error) {
      EXPECT_THAT(std::string(error.what()), Not(HasSubstr("\n")));
      return error.what();
    }
    return "accepted";
  }
  std::string outcome(const Json& tokenizer) { return outcome(tokenizer.dump()); }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(HostileTokenizer, TheSmallOneIsAccepted) { EXPECT_EQ(outcome(small()), "accepted"); }

TEST_F(HostileTokenizer, FilesOfTheCampaign) {
  const auto file = [](const char* name) {
    return read_text_file(data_path(std::string("hostile_tokenizers/") + name));
  };
  EXPECT_THAT(outcome(file("tokenizer_replace_bomb.json")), HasSubstr("more than 16 normalizers"));
  EXPECT_THAT(outcome(file("tokenizer_bytelevel_chain.json")), HasSubstr("more than 16"));
}

TEST_F(HostileTokenizer, NormalizersThatMultiplyTheText) {
  const Json twice = replace({{"String", "a"}}, "aa");
  EXPECT_THAT(outcome(with("normalizer", sequence("normalizers", 16, twice))),
              HasSubstr("could make 6.5536e4 bytes of one"));
  EXPECT_THAT(outcome(with("normalizer", replace({{"Regex", ""}}, std::string(1 << 20, 'a')))),
              HasSubstr("bytes of one"));
  const Json prepend = {{"type", "Prepend"}, {"prepend", "a"}};
  EXPECT_THAT(outcome(with("normalizer", sequence("normalizers", 2000, prepend))),
              HasSubstr("more than 16 normalizers"));
  EXPECT_THAT(outcome(with("normalizer", sequence("normalizers", 16, {{"type", "NFKD"}}))),
              HasSubstr("bytes of one"));
  EXPECT_EQ(outcome(with("normalizer", replace({{"String", "a"}}, std::string(100, 'a')))), "accepted");
  // Within the bound for a line, beyond it for this text.
  const Json large = replace({{"String", "a"}}, std::string(4000, 'a'));
  EXPECT_THAT(outcome(with("normalizer", large)), HasSubstr("40000000 bytes of 10000 bytes of text"));
  EXPECT_THAT(outcome(with("normalizer", sequence("normalizers", 2, large))), HasSubstr("bytes of one"));
}

TEST_F(HostileTokenizer, SequencesInSequences) {
  Json deep = {{"type", "NFC"}};
  for (int i = 0; i < 50; ++i) deep = sequence("normalizers", 1, deep);
  EXPECT_EQ(outcome(with("normalizer", deep)), "accepted");
  for (int i = 0; i < 1000; ++i) deep = sequence("normalizers", 1, deep);
  EXPECT_THAT(outcome(with("normalizer", deep)), HasSubstr("recursion limit"));
  const Json four = sequence("normalizers", 4, {{"type", "NFC"}});
  EXPECT_THAT(outcome(with("normalizer", sequence("normalizers", 5, four))), HasSubstr("more than 16"));
}

TEST_F(HostileTokenizer, PreTokenizersThatMultiplyTheText) {
  const Json spaces = {
      {"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  EXPECT_THAT(outcome(with("pre_tokenizer", sequence("pretokenizers", 16, spaces))),
              HasSubstr("bytes of one"));
  EXPECT_THAT(outcome(with("pre_tokenizer", sequence("pretokenizers", 25, spaces))),
              HasSubstr("more than 16"));
  const Json metaspace = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}};
  EXPECT_THAT(outcome(with("pre_tokenizer", sequence("pretokenizers", 12, metaspace))),
              HasSubstr("bytes of one"));
  EXPECT_THAT(outcome(with("pre_tokenizer", {{"type", "FixedLength"}, {"length", 0}})),
              HasSubstr("internal error in the text library"));
}

TEST_F(HostileTokenizer, RegularExpressions) {
  const auto split = [](const std::string& pattern) {
    return with(
        "pre_tokenizer",
        {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  };
  EXPECT_THAT(outcome(split(std::string(100000, 'a'))), HasSubstr("a pattern has 100000 bytes"));
  EXPECT_THAT(outcome(split("(a+)+b")), Not(HasSubstr("accepted")));  // Oniguruma's own limit of steps
  EXPECT_EQ(outcome(split("(((a{1,1000}){1,1000}){1,1000})")), "accepted");
  EXPECT_THAT(outcome(split("(")), HasSubstr("tokenizer.json: "));
}

TEST_F(HostileTokenizer, TemplatesThatTakeTheTextOften) {
  Json pieces = Json::array();
  for (int i = 0; i < 100; ++i) pieces.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  const Json often = {{"type", "TemplateProcessing"},
                      {"single", pieces},
                      {"pair", Json::array({{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
                                            {{"Sequence", {{"id", "B"}, {"type_id", 0}}}}})},
                      {"special_tokens", Json::object()}};
  EXPECT_THAT(outcome(with("post_processor", sequence("processors", 8, often))),
              HasSubstr("takes the text not exactly once"));
}

TEST_F(HostileTokenizer, DecodersThatMultiplyTheText) {
  const Json twice = replace({{"String", "a"}}, "aa");
  EXPECT_THAT(outcome(with("decoder", sequence("decoders", 16, twice))),
              HasSubstr("the decoders could make"));
  EXPECT_THAT(outcome(with("decoder", sequence("decoders", 40, twice))), HasSubstr("more than 16 decoders"));
}

TEST_F(HostileTokenizer, HugeFilesAndParts) {
  EXPECT_THAT(outcome(std::string(9 << 20, ',')), HasSubstr("elements; a tokenizer of more than"));
  EXPECT_THAT(outcome(std::string(129 << 20, ' ')), HasSubstr("is not read"));
  EXPECT_THAT(outcome(std::string(3 << 20, '[')), HasSubstr("tokenizer.json: "));
  EXPECT_THAT(outcome(with("normalizer", {{"type", "NFC"}, {"x", std::string(5 << 20, 'x')}})),
              HasSubstr("the normalizer has"));
  EXPECT_THAT(outcome(with("added_tokens", Json::array({added(3, std::string(5 << 20, 'x'))}))),
              HasSubstr("the added tokens have"));
  Json grown = with("added_tokens", Json::array({added(3, std::string(100000, 'a'), true)}));
  grown["normalizer"] = replace({{"String", "a"}}, std::string(4000, 'a'));
  EXPECT_THAT(outcome(grown), HasSubstr("bytes of added tokens"));
  const Json pieces = {{"type", "Unigram"},
                       {"unk_id", 0},
                       {"vocab", Json::array({Json::array({std::string(5 << 20, 'x'), 0.0})})}};
  EXPECT_THAT(outcome(with("model", pieces)), HasSubstr("the pieces have"));
  const Json words = {{"type", "WordPiece"},
                      {"unk_token", "b"},
                      {"continuing_subword_prefix", "##"},
                      {"max_input_chars_per_word", 1000000},
                      {"vocab", {{"b", 0}}}};
  EXPECT_THAT(outcome(with("model", words)), HasSubstr("max_input_chars_per_word is 1000000"));
}

TEST_F(HostileTokenizer, ChanceAndDoubleIds) {
  Json chance = small();
  chance["model"]["dropout"] = 0.1;
  EXPECT_THAT(outcome(chance), HasSubstr("dropout 0.1"));
  Json twice = small();
  twice["model"]["vocab"]["b"] = 0;
  EXPECT_THAT(outcome(twice), HasSubstr("the tokens 'a' and 'b' have the same id 0"));
  EXPECT_THAT(outcome(with("added_tokens", Json::array({added(3, "x"), added(3, "y")}))),
              HasSubstr("the added tokens 'x' and 'y' have the same id 3"));
}

TEST_F(HostileTokenizer, IdsThatTheModelDoesNotHave) {
  std::ofstream(folder_ / "tokenizer.json") << small().dump();
  Tokenizer made = Tokenizer::from_folder(folder_);
  made.refuse_ids_from(2);
  EXPECT_EQ(made.encode("ab").size(), 2u);
  try {
    made.encode("aab");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("the token 'aa' of id 2, but the model has only 2 tokens"));
  }
}

}  // namespace
}  // namespace idleheads
