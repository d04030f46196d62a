// What the writers of models share: where a model goes, and what is copied beside its weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "format/gguf_output.h"
#include "format/safetensors_output.h"
#include "idleheads/model/model.h"
#include "model/checkpoint.h"
#include "report/exports/output_file.h"

namespace idleheads {

struct WrittenModel {
  std::filesystem::path path;         // what to open: a GGUF file or a folder
  int64_t bytes = 0;                  // of the files with weights
  std::vector<std::string> left_out;  // files of the model's folder that were not copied
};

// Throw Error: an output that is the model itself, a folder with something in it.
void require_elsewhere(const Model& model, const std::filesystem::path& output);
void require_empty_folder(const std::filesystem::path& output);

// Of a Hugging Face folder everything but its weights, weights in other formats, subfolders, and files that
// are written `anew`.
void copy_others(const Checkpoint& checkpoint, const std::filesystem::path& output,
                 const std::set<std::string>& anew, WrittenModel& written, std::vector<OutputFile>& files);

// A Hugging Face folder at `output`: weights in files of the model's names (one without tensors is left out),
// into which `add` puts what comes of each tensor; their index where the only file has not the name that is
// looked for; the files `anew`, name to text; and copies of the others. Throws as require_empty_folder().
using AddTensor = std::function<void(const Tensor& tensor, SafetensorsOutput& out)>;
WrittenModel write_folder(const Checkpoint& checkpoint, const std::filesystem::path& output,
                          const AddTensor& add, const std::map<std::string, std::string>& anew);

// A GGUF file at `output`.
WrittenModel write_file(const Checkpoint& checkpoint, const GgufOutput& gguf,
                        const std::filesystem::path& output);

// The files appear when all are whole. Throws Error if the model is not what it was when it was opened.
void commit_all(const Checkpoint& checkpoint, std::vector<OutputFile>& files);

}  // namespace idleheads
