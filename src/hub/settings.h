// What the environment says of the Hub, read as huggingface_hub reads it.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace idleheads {

struct HubSettings {
  std::string endpoint;                        // "https://huggingface.co", without '/' behind
  std::string token;                           // empty: none
  std::filesystem::path cache;                 // where repositories are kept
  std::chrono::seconds timeout{30};            // to connect, and without a byte
  int tries = 5;                               // in a row without a byte more
  std::chrono::milliseconds first_wait{1000};  // before the second try; twice that before the next
};

// Throws Error if the environment forbids the network (HF_HUB_OFFLINE) or says what cannot be used.
HubSettings hub_settings();

}  // namespace idleheads
