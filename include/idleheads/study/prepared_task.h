// A task made ready for a model: documents as samples, and what a study file keeps of them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "idleheads/model/generation_config.h"
#include "idleheads/model/model.h"
#include "idleheads/studyfile/store.h"
#include "idleheads/task/encode.h"
#include "idleheads/task/task.h"

namespace idleheads {

struct PreparedTask {
  Task task;
  std::vector<EncodedDocument> documents;  // in the order of task.documents; sample ids set
  std::vector<StoredDocument> stored;
  std::vector<std::string> excerpts;           // Document::excerpt of each; none of prepare_texts()
  int64_t truncated = 0;                       // documents cut from the left to the model's context
  std::optional<GenerationConfig> generation;  // where the model writes the answers

  // Rows that a document has at most if nothing is shared: its tokens and the new ones.
  int64_t rows(int64_t document) const;
};

// Encodes all documents. Sample ids depend on the document's group and number alone, so that random scores do
// not change with --limit or the order of subjects. Throws Error (encode.h, generation_config.h).
PreparedTask prepare_task(Task task, const Model& model, const EncodeOptions& options);

// A task without questions from texts: one sample each that is not blank; statistics only. Throws Error if
// there is none.
PreparedTask prepare_texts(std::vector<std::string> texts, const Model& model, const EncodeOptions& options);

// The log-likelihoods of a document, one a choice or the text's, from the results of its samples.
struct Likelihoods {
  std::vector<float> values;
  std::vector<uint8_t> greedy;  // 1 if all tokens are the likeliest ones
};
Likelihoods likelihoods_of(const EncodedDocument& document, std::span<const PathResult* const> results);

// "multiple_choice", "generate_until", "loglikelihood_rolling".
std::string_view output_name(OutputType output);

}  // namespace idleheads
