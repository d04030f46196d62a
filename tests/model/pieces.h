// Tokenizers of published models, reduced to what the golden prompts need (tests/data/prompts/pieces_*.json,
// made by tools/make_token_pieces.py): same ids for these texts; all other tokens are fillers.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "idleheads/model/tokenizer.h"
#include "model/jsonl.h"

namespace idleheads::test {

inline Tokenizer tokenizer_of_pieces(const std::string& name) {
  const Json pieces = read_prompts("pieces_" + name + ".json").at(0);
  std::vector<std::string> tokens(pieces.at("size").get<size_t>());
  std::vector<int32_t> types(tokens.size(), 1);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = fmt::format("<filler {}>", i);
  for (const auto& [id, token] : pieces.at("tokens").items()) tokens.at(std::stoul(id)) = token;
  for (const auto& [id, type] : pieces.at("special").items()) types.at(std::stoul(id)) = type;
  GgufWriter writer;
  writer.add("tokenizer.ggml.model", std::string("gpt2"));
  writer.add("tokenizer.ggml.pre", pieces.at("pre").get<std::string>());
  writer.add("tokenizer.ggml.tokens", tokens).add("tokenizer.ggml.token_type", types);
  writer.add("tokenizer.ggml.merges", pieces.at("merges").get<std::vector<std::string>>());
  writer.add("tokenizer.ggml.eos_token_id", pieces.at("eos").get<uint32_t>());
  if (!pieces.at("bos").is_null())
    writer.add("tokenizer.ggml.bos_token_id", pieces.at("bos").get<uint32_t>());
  const std::vector<std::byte> bytes = writer.bytes();
  return Tokenizer::from_gguf(parse_gguf(bytes, name));
}

}  // namespace idleheads::test
