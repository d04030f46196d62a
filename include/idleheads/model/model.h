// A model opened for use: its spec, weights, tokenizer and chat template.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "idleheads/model/chat_template.h"
#include "idleheads/model/spec.h"
#include "idleheads/model/tokenizer.h"

namespace idleheads {

class Checkpoint;
class WeightReader;

// Immutable after construction; const methods are safe from several threads.
class Model {
 public:
  // `name` is a .gguf file, a Hugging Face folder, or org/name in the local Hugging Face cache. Throws Error
  // or UsageError (see locate.h, checkpoint.h, config.h, weights.h).
  // `context`: the longest sample in tokens instead of the model's own (0); RoPE goes on beyond it unchanged.
  static std::shared_ptr<const Model> open(const std::string& name, int64_t context = 0);

  const std::string& name() const { return name_; }
  const Checkpoint& checkpoint() const { return *checkpoint_; }
  const ModelSpec& spec() const { return spec_; }
  const WeightReader& weights() const { return *weights_; }

  // Made at the first call. Throws Error if the checkpoint has none (a folder without tokenizer.json).
  const Tokenizer& tokenizer() const;
  std::optional<ChatTemplate> chat_template() const;

  Model(const std::string& name, int64_t context);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

 private:
  std::string name_;
  std::unique_ptr<const Checkpoint> checkpoint_;
  ModelSpec spec_;
  std::unique_ptr<const WeightReader> weights_;
  mutable std::mutex tokenizer_mutex_;
  mutable std::optional<Tokenizer> tokenizer_;
};

}  // namespace idleheads
