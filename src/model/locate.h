// From what the user typed as MODEL to files: a GGUF file, a folder, or org/name[@revision][:text] or
// org/name/FILE.gguf in the local Hugging Face cache. Never the network.
#pragma once

#include <filesystem>
#include <string>

namespace idleheads {

// The file (GGUF) or folder (Hugging Face layout). A folder or a cached repository without safetensors
// weights is searched for GGUF models: one is taken, of several the one whose name is or contains `text`,
// upper and lower case alike ("org/name:Q8_0"). Throws Error that says where was looked and what is there.
std::filesystem::path locate_model(const std::string& model);

}  // namespace idleheads
