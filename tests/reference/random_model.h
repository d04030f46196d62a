// Small random checkpoints in the Hugging Face layout, for tests over many shapes.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "idleheads/model/roles.h"

namespace idleheads::reference {

struct RandomSpec {
  std::string family = "llama";  // llama, qwen2, olmo2
  int layers = 2, hidden = 32, heads = 4, kv_heads = 2, head_dim = 8, intermediate = 48, vocabulary = 97;
  bool tied = false, attention_bias = false, mlp_bias = false;
  unsigned seed = 1;
  double scale = 0.15;  // standard deviation of the weights
  // Spoils a tensor before it is written; layer is 0 for those that are one a model.
  std::function<void(Role role, int layer, std::vector<float>& values)> change = {};
};

// Writes config.json and model.safetensors into `folder`, which is made.
void write_random_model(const std::filesystem::path& folder, const RandomSpec& spec);

}  // namespace idleheads::reference
