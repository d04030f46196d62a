// The local Hugging Face cache, laid out as huggingface_hub lays it out: where it is, what is in it, and what
// names of models mean there. Never the network.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace idleheads {

// The cache, as huggingface_hub finds it: $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub,
// $XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub; '~', $NAME and ${NAME} in them are filled in.
std::filesystem::path hub_cache();

// The file with the user's token: $HF_TOKEN_PATH, or `token` beside the cache's usual place.
std::filesystem::path hub_token_file();

enum class HubKind { model, dataset };

// A repository's folder in the cache: "models--org--name", "datasets--org--name".
std::string hub_folder(HubKind kind, std::string repository);

// The folder of a repository ("models--org--name") at a revision, a name in refs/ or a commit; nothing if the
// cache does not have it.
std::optional<std::filesystem::path> hub_snapshot(const std::string& repository, const std::string& revision);

// What org/name[@revision][:text] and org/name/FILE.gguf name.
struct HubName {
  std::string repository, revision = "main", text;
};

// Nothing if it is no such name.
std::optional<HubName> parse_hub_name(std::string model);

// Whether `revision` can stand behind '@': letters, digits, '-', '_', '.', and not '.' first.
bool is_revision(const std::string& revision);

// The command that gets the model, as one types it: "idleheads fetch model org/name --file Q8_0".
std::string fetch_command(const HubName& name);

}  // namespace idleheads
