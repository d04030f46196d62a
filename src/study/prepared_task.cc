#include "idleheads/study/prepared_task.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/fail.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "idleheads/studyfile/plan.h"

namespace idleheads {
namespace {

// Text to take statistics of.
EncodedDocument encode_text(const Document& document, const Tokenizer& tokenizer,
                            const EncodeOptions& options) {
  EncodedDocument encoded;
  std::vector<TokenId> ids = tokenizer.encode(document.contexts[0]);
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
  if (task.output == OutputType::generate_until) stored.reference = document.target;
  stored.words = document.words;
  stored.bytes = document.bytes;
  return stored;
}

void add_document(PreparedTask& prepared, const Document& document, EncodedDocument encoded) {
  prepared.stored.push_back(store_document(document, encoded, prepared.task));
  for (size_t k = 0; k < encoded.samples.size(); ++k) {
    encoded.samples[k].id = sample_id(prepared.stored.back(), k);
  }
  prepared.truncated += encoded.truncated;
  prepared.documents.push_back(std::move(encoded));
}

}  // namespace

int64_t PreparedTask::rows(int64_t document) const {
  const EncodedDocument& encoded = documents[static_cast<size_t>(document)];
  int64_t tokens = generation ? task.generation.max_new_tokens : 0;
  for (const Sample& sample : encoded.samples) tokens += static_cast<int64_t>(sample.tokens.size());
  return tokens;
}

PreparedTask prepare_task(Task task, const Model& model, const EncodeOptions& options) {
  PreparedTask prepared;
  prepared.task = std::move(task);
  const Tokenizer& tokenizer = model.tokenizer();
  EncodeOptions own = options;
  own.max_new_tokens = prepared.task.generation.max_new_tokens;
  if (prepared.task.output == OutputType::generate_until)
    prepared.generation = generation_config(model.checkpoint(), tokenizer);
  for (const Document& document : prepared.task.documents) {
    add_document(prepared, document, encode_document(document, prepared.task.output, tokenizer, own));
    prepared.excerpts.push_back(document.excerpt);
  }
  return prepared;
}

PreparedTask prepare_texts(std::vector<std::string> texts, const Model& model, const EncodeOptions& options) {
  PreparedTask prepared;
  Task& task = prepared.task;
  task.name = "text";
  task.version = "1";
  task.groups = {{"text", "", 0}};
  Hasher hasher;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].find_first_not_of(" \t\r\n") == std::string::npos) continue;
    hasher.add(texts[i]);
    hasher.add("\n");
    Document document;
    document.group = task.name;
    document.index = static_cast<int64_t>(i);
    document.contexts.push_back(std::move(texts[i]));
    task.documents.push_back(std::move(document));
  }
  if (task.documents.empty()) fail("there is nothing but blanks to read");
  task.groups[0].documents = static_cast<int64_t>(task.documents.size());
  task.fingerprint = hasher.hex();
  for (const Document& document : task.documents)
    add_document(prepared, document, encode_text(document, model.tokenizer(), options));
  return prepared;
}

Likelihoods likelihoods_of(const EncodedDocument& document, std::span<const PathResult* const> results) {
  Likelihoods out;
  for (const std::vector<LikelihoodPart>& parts : document.likelihoods) {
    double sum = 0;
    bool greedy = true;
    for (const LikelihoodPart& part : parts) {
      const PathResult& result = *results[static_cast<size_t>(part.sample)];
      for (auto t = static_cast<size_t>(part.first); t < static_cast<size_t>(part.first + part.count); ++t) {
        sum += result.log_probs[t];
        greedy = greedy && result.is_greedy[t] != 0;
      }
    }
    out.values.push_back(static_cast<float>(sum));
    out.greedy.push_back(greedy);
  }
  return out;
}

std::string_view output_name(OutputType output) {
  switch (output) {
    case OutputType::multiple_choice:
      return "multiple_choice";
    case OutputType::generate_until:
      return "generate_until";
    case OutputType::loglikelihood_rolling:
      return "loglikelihood_rolling";
  }
  return "";
}

}  // namespace idleheads
