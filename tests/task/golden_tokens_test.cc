// Token ids of lm-evaluation-harness' prompts: what the model gets, and what is scored. The tokenizers are
// the parts of the published ones that the prompts need; whole ones are checked too where their GGUF files
// are: SmolLM2's in models/, Qwen2.5's in IDLEHEADS_QWEN_GGUF, Gemma 3's in IDLEHEADS_GEMMA_GGUF.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "format/gguf.h"
#include "idleheads/task/encode.h"
#include "model/pieces.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Ids = std::vector<TokenId>;

std::vector<json> prompts(const std::string& file) {
  std::ifstream stream(test_data("prompts/" + file));
  std::vector<json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
  return lines;
}

Document document_of(const json& prompt) {
  Document document;
  document.group = prompt["task"];
  document.index = prompt["doc_index"];
  if (prompt["context"].is_null()) {
    prompt["contexts"].get_to(document.contexts);
  } else {
    document.contexts = {prompt["context"]};
  }
  if (prompt.contains("choices")) prompt["choices"].get_to(document.continuations);
  return document;
}

// The model's input and the scored tokens of choice j, put together again.
struct Scored {
  Ids context, continuation;
};
Scored scored(const EncodedDocument& encoded, size_t j) {
  const LikelihoodPart part = encoded.likelihoods.at(j).at(0);
  const Sample& sample = encoded.samples.at(static_cast<size_t>(part.sample));
  Scored out;
  for (int32_t t = part.first; t < part.first + part.count; ++t)
    out.continuation.push_back(sample.targets.at(static_cast<size_t>(t)).token);
  const auto first = static_cast<size_t>(sample.targets.at(static_cast<size_t>(part.first)).position);
  out.context.assign(sample.tokens.begin(), sample.tokens.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  Ids between(sample.tokens.begin() + static_cast<std::ptrdiff_t>(first) + 1, sample.tokens.end());
  EXPECT_EQ(between, Ids(out.continuation.begin(), out.continuation.end() - 1));
  return out;
}

void expect_ids(const Tokenizer& tokenizer, const json& prompt, const json& ids, Bos bos) {
  EncodeOptions options;
  options.bos = bos;
  options.max_length = 1 << 20;
  const bool generates = prompt.contains("gen_kwargs");
  const OutputType output = generates ? OutputType::generate_until : OutputType::multiple_choice;
  const EncodedDocument encoded = encode_document(document_of(prompt), output, tokenizer, options);
  if (generates) {
    EXPECT_EQ(encoded.samples.at(0).tokens, ids["context_ids"].get<Ids>());
    return;
  }
  const json& continuations = ids["continuation_ids"];
  ASSERT_EQ(encoded.likelihoods.size(), continuations.size());
  for (size_t j = 0; j < continuations.size(); ++j) {
    const json& context = ids.contains("contexts_ids") ? ids["contexts_ids"][j] : ids["context_ids"];
    EXPECT_EQ(scored(encoded, j).context, context.get<Ids>());
    EXPECT_EQ(scored(encoded, j).continuation, continuations[j].get<Ids>());
  }
}

void expect_all(const Tokenizer& tokenizer, const std::string& golden, size_t count = 42,
                Bos bos = Bos::automatic) {
  const std::vector<json> lines = prompts(golden);
  EXPECT_EQ(lines.size(), count);
  for (const json& ids : lines) {
    const auto name = ids["file"].get<std::string>();
    SCOPED_TRACE(name + " line " + ids["line"].dump());
    expect_ids(tokenizer, prompts(name).at(ids["line"].get<size_t>()), ids, bos);
  }
}

Tokenizer whole_tokenizer(const fs::path& model) {
  const MappedFile file(model);
  return Tokenizer::from_gguf(parse_gguf(file.bytes(), model.string()));
}

TEST(GoldenTokens, SmolLm2) {
  expect_all(test::tokenizer_of_pieces("smollm2"), "tokens_smollm2.jsonl");
  const fs::path model = std::string(IDLEHEADS_MODELS) + "/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (fs::exists(model)) expect_all(whole_tokenizer(model), "tokens_smollm2.jsonl");
}

TEST(GoldenTokens, Qwen25) {
  expect_all(test::tokenizer_of_pieces("qwen2.5"), "tokens_qwen2.5.jsonl");
  if (const char* model = std::getenv("IDLEHEADS_QWEN_GGUF"))
    expect_all(whole_tokenizer(model), "tokens_qwen2.5.jsonl");
}

// A vocabulary of 262,144 pieces with scores, too large to keep a part of that gives the same tokens.
TEST(GoldenTokens, Gemma3) {
  const char* model = std::getenv("IDLEHEADS_GEMMA_GGUF");
  if (model == nullptr) GTEST_SKIP() << "IDLEHEADS_GEMMA_GGUF names no file";
  expect_all(whole_tokenizer(model), "tokens_gemma3.jsonl", 26, Bos::always);
}

}  // namespace
}  // namespace idleheads
