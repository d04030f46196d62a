#include "idleheads/model/model.h"

#include <utility>

#include "model/checkpoint.h"
#include "model/config.h"
#include "model/locate.h"
#include "model/weights.h"

namespace idleheads {
namespace {

ModelSpec read_spec(const Checkpoint& checkpoint, int64_t context) {
  ModelSpec spec = checkpoint.is_gguf()
                       ? spec_from_gguf(checkpoint.gguf(), checkpoint.path().string())
                       : spec_from_json(checkpoint.config(), (checkpoint.path() / "config.json").string());
  if (context > 0) spec.context = context;
  return spec;
}

}  // namespace

std::shared_ptr<const Model> Model::open(const std::string& name, int64_t context) {
  return std::make_shared<const Model>(name, context);
}

Model::Model(const std::string& name, int64_t context)
    : name_(name),
      checkpoint_(std::make_unique<const Checkpoint>(locate_model(name))),
      spec_(read_spec(*checkpoint_, context)),
      weights_(std::make_unique<const WeightReader>(*checkpoint_, spec_)) {}

Model::~Model() = default;

const Tokenizer& Model::tokenizer() const {
  const std::lock_guard lock(tokenizer_mutex_);
  if (!tokenizer_) {
    Tokenizer made = checkpoint_->is_gguf() ? Tokenizer::from_gguf(checkpoint_->gguf())
                                            : Tokenizer::from_folder(checkpoint_->path());
    made.refuse_ids_from(spec_.vocabulary);
    tokenizer_ = std::move(made);
  }
  return *tokenizer_;
}

std::optional<ChatTemplate> Model::chat_template() const {
  return checkpoint_->is_gguf() ? ChatTemplate::from_gguf(checkpoint_->gguf())
                                : ChatTemplate::from_folder(checkpoint_->path());
}

}  // namespace idleheads
