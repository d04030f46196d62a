// A task made ready for a model: documents as samples, and what a study file keeps of them.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "model/model.h"
#include "study/store.h"
#include "task/encode.h"
#include "task/task.h"

namespace idleheads {

struct PreparedTask {
  Task task;
  std::vector<EncodedDocument> documents;  // in the order of task.documents; sample ids set
  std::vector<StoredDocument> stored;
  int64_t truncated = 0;  // documents cut from the left to the model's context
};

// Encodes all documents. Sample ids depend on the document's group and number alone, so that random scores do
// not change with --limit or the order of subjects. Throws Error (encode.h).
PreparedTask prepare_task(Task task, const Model& model, const EncodeOptions& options);

// A task without questions from a text file: one sample a line that is not blank; statistics only.
Task text_task(const std::filesystem::path& file);

// Log-likelihood of each choice from the results of the document's samples.
std::vector<float> choice_log_likelihoods(const EncodedDocument& document,
                                          std::span<const PathResult* const> results);

}  // namespace idleheads
