// A model opened for use: its config, weights, tokenizer and chat template.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/chat_template.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/tokenizer.h"
#include "model/weights.h"

namespace idleheads {

// Immutable after construction; const methods are safe from several threads.
class Model {
 public:
  // `name` is a .gguf file, a Hugging Face folder, or org/name in the local Hugging Face cache. Throws Error
  // or UsageError (see locate.h, checkpoint.h, config.h, weights.h).
  static std::shared_ptr<const Model> open(const std::string& name);

  const std::string& name() const { return name_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const ModelConfig& config() const { return config_; }
  const WeightReader& weights() const { return weights_; }

  // Made at the first call. Throws Error if the checkpoint has none (a folder without tokenizer.json).
  const Tokenizer& tokenizer() const;
  std::optional<ChatTemplate> chat_template() const;

  explicit Model(const std::string& name);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

 private:
  std::string name_;
  Checkpoint checkpoint_;
  ModelConfig config_;
  WeightReader weights_;
  mutable std::optional<Tokenizer> tokenizer_;
};

}  // namespace idleheads
