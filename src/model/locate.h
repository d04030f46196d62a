// From what the user typed as MODEL to files: a GGUF file, a folder, or org/name[@revision][:text] or
// org/name/FILE.gguf in the local Hugging Face cache. Never the network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace idleheads {

// The file (GGUF) or folder (Hugging Face layout). A folder or a cached repository without safetensors
// weights is searched for GGUF models: one is taken, of several the one whose name is or contains `text`,
// upper and lower case alike ("org/name:Q8_0"). Throws Error that says where was looked and what is there.
std::filesystem::path locate_model(const std::string& model);

// The Hugging Face cache, as huggingface_hub finds it: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
// $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub; '~', $NAME and ${NAME} in them are filled in.
std::filesystem::path hub_cache();

// The folder of a repository ("models--org--name") at a revision, a name in refs/ or a commit; nothing if the
// cache does not have it.
std::optional<std::filesystem::path> hub_snapshot(const std::string& repository, const std::string& revision);

}  // namespace idleheads
