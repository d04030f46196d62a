// The golden llama with the tiny tokenizer.
#pragma once

#include <filesystem>

namespace idleheads::test {

// Copies the model's files into a folder.
inline void copy_tiny_model(const std::filesystem::path& folder) {
  const std::filesystem::path data = IDLEHEADS_TEST_DATA;
  for (const char* file : {"golden/tiny/llama/config.json", "golden/tiny/llama/model.safetensors",
                           "tiny_tokenizer/tokenizer.json", "tiny_tokenizer/tokenizer_config.json"})
    std::filesystem::copy_file(data / file, folder / std::filesystem::path(file).filename());
}

}  // namespace idleheads::test
