// From what the user typed as MODEL to files: a .gguf file, a Hugging Face folder, or org/name[@revision] in
// the local Hugging Face cache. Never the network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace idleheads {

// The file (GGUF) or folder (Hugging Face layout). Throws Error that says where was looked.
std::filesystem::path locate_model(const std::string& model);

// The Hugging Face cache: $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub,
// ~/.cache/huggingface/hub.
std::filesystem::path hub_cache();

// The folder of a repository ("models--org--name") at a revision, a name in refs/ or a commit; nothing if the
// cache does not have it.
std::optional<std::filesystem::path> hub_snapshot(const std::string& repository, const std::string& revision);

}  // namespace idleheads
