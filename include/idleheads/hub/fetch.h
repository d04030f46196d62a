// Getting models and data sets from the Hugging Face Hub into its local cache, where everything else finds
// them: the only part of the library that uses the network.
//
// Files are laid out as huggingface_hub lays them out, so that its tools share them. What is there already is
// not fetched again; every file is checked against the Hub's sum of it (SHA-256, or git's SHA-1 of small
// ones) before it gets its name. What was stopped or cut goes on where it was at the next call. Several
// fetches at once do not disturb one another.
//
// The environment counts as in huggingface_hub: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME; HF_ENDPOINT; HF_TOKEN,
// HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN; HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE;
// HF_HUB_DOWNLOAD_TIMEOUT. Proxies are those of curl (https_proxy, no_proxy).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "idleheads/base/progress.h"

namespace idleheads {

// What a fetch left in the cache.
struct Fetched {
  std::string repository;  // "org/name"
  std::string commit;      // 40 hexadecimal digits
  std::filesystem::path
      path;           // of a model: what Model::open takes, a folder or a GGUF file; of data: the snapshot
  int64_t bytes = 0;  // of all files that were asked for
  int64_t downloaded = 0;  // bytes that were not there yet
};

// What idleheads reads of a model: settings, tokenizer and safetensors of a folder, or one GGUF model with
// all its parts. `name` is org/name[@revision][:text] or org/name/FILE.gguf, as Model::open takes it; `file`
// and `revision`, if not empty, say the same. Where a repository has several GGUF models and no safetensors,
// `file` must choose one. Progress counts megabytes.
//
// Throws UsageError for what is no such name; Error that says what to do: no such repository or revision,
// a licence that must be accepted, no weights that can be read, several models to choose from, a full disk, a
// server that does not answer; Interrupted if `progress` returns false.
Fetched fetch_model(const std::string& name, const std::string& file = "", const std::string& revision = "",
                    const ProgressCallback& progress = {});

// The files of the data set of a task (tasks_with_dataset(), and mmlu's parts) that the task reads, those of
// its few-shot examples too. Throws as fetch_model does.
Fetched fetch_task(const std::string& task, const ProgressCallback& progress = {});

}  // namespace idleheads
