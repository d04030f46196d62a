// Final norm, LM head and what is asked of rows, a piece of the vocabulary at a time.
#pragma once

#include <span>
#include <vector>

#include "cuda/device_model.h"
#include "cuda/products.h"
#include "cuda/scores.h"

namespace idleheads::cuda {

template <typename Element>
class ScoreRows {
 public:
  ScoreRows(const ModelSpec& spec, Stream stream) : spec_(spec), stream_(stream), products_(stream) {}

  // Of the first rows of `hidden` [.., hidden], whose normed form is put into `normed`. Throws Error where
  // logits are not finite.
  std::vector<RowScores> score(DeviceModel<Element>& model, const float* hidden, Element* normed,
                               std::span<const RowQuery> queries, float repetition_penalty);

 private:
  void upload_queries(std::span<const RowQuery> queries);
  std::vector<RowScores> answers(std::span<const RowQuery> queries);

  const ModelSpec& spec_;
  Stream stream_;
  Products<Element> products_;
  DeviceBuffer<float> logits_, token_logits_, kept_logits_;
  DeviceBuffer<int32_t> tokens_, penalized_;
  DeviceBuffer<int64_t> token_begins_, penalized_begins_, kept_;
  DeviceBuffer<ScoreState> states_;
};

}  // namespace idleheads::cuda
