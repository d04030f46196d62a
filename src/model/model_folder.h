// What lies in a folder: a Hugging Face checkpoint, GGUF models, or neither.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace idleheads {

// Names in the folder, sorted; links are not followed. Of a folder that cannot be listed what was read before
// `error`.
std::vector<std::filesystem::path> names_in(const std::filesystem::path& folder, std::error_code& error);

// True if the folder has weights that Checkpoint reads from it: model.safetensors or its index.
bool holds_safetensors(const std::filesystem::path& folder);

// GGUF models in the folder and its direct subfolders, as paths relative to it, sorted; a model in several
// parts counts once, as its first part that is there. What is no model by its name (mmproj, imatrix) is left
// out.
std::vector<std::filesystem::path> gguf_models(const std::filesystem::path& folder);
// The same of the files in `files`.
std::vector<std::filesystem::path> gguf_models_among(std::vector<std::filesystem::path> files);

// The models that `text` names: one of just this name, or those that contain it, upper and lower case alike.
std::vector<std::filesystem::path> models_matching(const std::vector<std::filesystem::path>& models,
                                                   const std::string& text);

// Throws Error if a PEFT adapter lies in the folder: transformers would apply it to the weights.
void refuse_adapter(const std::filesystem::path& folder);

// For a folder without readable weights: which others it has and what to do, as "; it holds ..."; empty if it
// has none.
std::string other_weights(const std::filesystem::path& folder);
// The same of the files in `files`, in their order.
std::string other_weights_among(const std::vector<std::filesystem::path>& files);

}  // namespace idleheads
