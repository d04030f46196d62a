#include "study/prepared_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

// A document without choices is text to take statistics of.
EncodedDocument encode_text(const Document& document, const Tokenizer& tokenizer,
                            const EncodeOptions& options) {
  EncodedDocument encoded;
  std::vector<TokenId> ids = tokenizer.encode(document.context);
  if (options.bos == Bos::always) {
    if (!tokenizer.bos()) fail("the tokenizer has no BOS token, --bos always cannot be done");
    if (ids.empty() || ids.front() != *tokenizer.bos()) ids.insert(ids.begin(), *tokenizer.bos());
  }
  if (static_cast<int64_t>(ids.size()) > options.max_length) {
    ids.erase(ids.begin(), ids.end() - options.max_length);
    encoded.truncated = true;
  }
  if (ids.empty()) fail("{} {}: the text gives no token", document.group, document.index);
  Sample sample;
  sample.tokens = std::move(ids);
  encoded.samples.push_back(std::move(sample));
  return encoded;
}

StoredDocument store_document(const Document& document, const EncodedDocument& encoded, const Task& task) {
  StoredDocument stored;
  stored.group = document.group;
  const auto group = std::find_if(task.groups.begin(), task.groups.end(),
                                  [&](const Group& g) { return g.name == document.group; });
  if (group != task.groups.end()) stored.category = group->category;
  stored.index = document.index;
  stored.gold = document.gold;
  for (const std::string& choice : document.choices) stored.choice_lengths.push_back(code_points(choice));
  stored.samples = static_cast<int64_t>(encoded.samples.size());
  for (const Sample& sample : encoded.samples) stored.tokens += static_cast<int64_t>(sample.tokens.size());
  stored.truncated = encoded.truncated;
  return stored;
}

}  // namespace

PreparedTask prepare_task(Task task, const Model& model, const EncodeOptions& options) {
  PreparedTask prepared;
  const Tokenizer& tokenizer = model.tokenizer();
  for (const Document& document : task.documents) {
    EncodedDocument encoded = document.continuations.empty() ? encode_text(document, tokenizer, options)
                                                             : encode_document(document, tokenizer, options);
    for (size_t k = 0; k < encoded.samples.size(); ++k) {
      encoded.samples[k].id = hash64(fmt::format("{}/{}/{}", document.group, document.index, k));
    }
    prepared.truncated += encoded.truncated;
    prepared.stored.push_back(store_document(document, encoded, task));
    prepared.documents.push_back(std::move(encoded));
  }
  prepared.task = std::move(task);
  return prepared;
}

Task text_task(const std::filesystem::path& file) {
  Task task;
  task.name = "text";
  task.version = "1";
  std::istringstream lines(read_text_file(file));
  Hasher hasher;
  int64_t number = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    hasher.add(line);
    hasher.add("\n");
    task.documents.push_back({"text", number, std::move(line), {}, {}, 0});
  }
  if (task.documents.empty()) fail("{}: no text in this file", file.string());
  task.groups = {{"text", ""}};
  task.fingerprint = hasher.hex();
  return task;
}

std::vector<float> choice_log_likelihoods(const EncodedDocument& document,
                                          std::span<const PathResult* const> results) {
  std::vector<float> out;
  for (const ChoiceSource& choice : document.choices) {
    double sum = 0;
    const PathResult& result = *results[static_cast<size_t>(choice.sample)];
    for (int32_t t = 0; t < choice.count; ++t) sum += result.log_probs[static_cast<size_t>(choice.first + t)];
    out.push_back(static_cast<float>(sum));
  }
  return out;
}

}  // namespace idleheads
