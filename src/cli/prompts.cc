// idleheads prompts MODEL --task T: what a model is asked, as text and as tokens.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/command_tree.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/task_options.h"
#include "cli/terminal.h"
#include "cli/values.h"
#include "format/json.h"
#include "idleheads/base/error.h"
#include "report/harness/harness_results.h"

namespace idleheads::cli {
namespace {

struct Prompts {
  std::string model;
  int64_t context = 0;
  TaskFlags task;
  bool json = false;
};

using Ids = std::vector<TokenId>;

// A prompt and what is scored after it, as the model gets them.
struct Pair {
  Ids context, continuation;
};

Pair pair_of(const EncodedDocument& document, const LikelihoodPart& part) {
  const Sample& sample = document.samples[static_cast<size_t>(part.sample)];
  const auto targets =
      std::span(sample.targets).subspan(static_cast<size_t>(part.first), static_cast<size_t>(part.count));
  Pair pair;
  pair.context.assign(sample.tokens.begin(), sample.tokens.begin() + targets.front().position + 1);
  for (const Target& target : targets) pair.continuation.push_back(target.token);
  return pair;
}

// One a choice, or one a window of a text.
std::vector<Pair> pairs_of(const EncodedDocument& document) {
  std::vector<Pair> pairs;
  for (const std::vector<LikelihoodPart>& parts : document.likelihoods) {
    for (const LikelihoodPart& part : parts) pairs.push_back(pair_of(document, part));
  }
  return pairs;
}

void add_choices(OrderedJson& line, const Document& document, const EncodedDocument& encoded) {
  const std::vector<Pair> pairs = pairs_of(encoded);
  std::vector<Ids> contexts, continuations;
  for (const Pair& pair : pairs) {
    contexts.push_back(pair.context);
    continuations.push_back(pair.continuation);
  }
  const bool one = document.contexts.size() == 1;
  line["context"] = one ? OrderedJson(document.contexts[0]) : OrderedJson(nullptr);
  if (!one) line["contexts"] = document.contexts;
  line["choices"] = document.continuations;
  line["gold"] = document.gold;
  // Cut from the left, a context depends on its choice also where the text is the same.
  const bool same = one && std::ranges::all_of(contexts, [&](const Ids& ids) { return ids == contexts[0]; });
  if (same) {
    line["context_ids"] = contexts[0];
  } else {
    line["contexts_ids"] = contexts;
  }
  line["continuation_ids"] = continuations;
}

void add_text(OrderedJson& line, const Document& document, const EncodedDocument& encoded) {
  line["page_bytes"] = document.bytes;
  line["words"] = document.words;
  line["text"] = document.contexts[0];
  line["windows"] = OrderedJson::array();
  for (const Pair& pair : pairs_of(encoded)) {
    Ids input = pair.context;
    input.insert(input.end(), pair.continuation.begin(), pair.continuation.end() - 1);
    line["windows"].push_back({{"input_ids", input}, {"target_ids", pair.continuation}});
  }
}

void print_json(const Prompts& prompts, const PreparedTask& prepared) {
  const Task& task = prepared.task;
  for (size_t d = 0; d < task.documents.size(); ++d) {
    const Document& document = task.documents[d];
    const EncodedDocument& encoded = prepared.documents[d];
    OrderedJson line = {{"task", harness_name(task.name, document.group)},
                        {"doc_index", document.index},
                        {"num_fewshot", task.shots},
                        {"chat", prompts.task.chat}};
    if (prompts.task.chat) line["fewshot_as_multiturn"] = prompts.task.multiturn.value_or(true);
    switch (task.output) {
      case OutputType::multiple_choice:
        add_choices(line, document, encoded);
        break;
      case OutputType::generate_until:
        line["context"] = document.contexts[0];
        line["gen_kwargs"] = {{"until", task.generation.until}, {"do_sample", false}, {"temperature", 0.0}};
        line["gold"] = document.target;
        line["context_ids"] = encoded.samples[0].tokens;
        break;
      case OutputType::loglikelihood_rolling:
        add_text(line, document, encoded);
        break;
    }
    // Escaped, for readers that take U+2028 or U+0085 within a text for the end of a line.
    fmt::print("{}\n", dump_ascii(line));
  }
}

std::string ids_line(const Ids& ids) {
  return fmt::format("  tokens ({}): {}\n", ids.size(), fmt::join(ids, " "));
}

std::string choices_text(const Document& document, const EncodedDocument& encoded) {
  std::string out;
  const std::vector<Pair> pairs = pairs_of(encoded);
  for (size_t j = 0; j < pairs.size(); ++j) {
    if (j < document.contexts.size()) {
      out +=
          fmt::format("prompt{}:\n{}\n", document.contexts.size() > 1 ? fmt::format(" of choice {}", j) : "",
                      document.contexts[j]);
      out += ids_line(pairs[j].context);
    }
    out += fmt::format("choice {}{}: {}\n", j, static_cast<int>(j) == document.gold ? " (right)" : "",
                       dump_json(OrderedJson(document.continuations[j])));
    out += ids_line(pairs[j].continuation);
  }
  return out;
}

std::string document_text(const Task& task, const Document& document, const EncodedDocument& encoded) {
  std::string out = fmt::format("==== {} document {}, {} shots{}\n", harness_name(task.name, document.group),
                                document.index, task.shots,
                                encoded.truncated ? ", cut from the left to the model's context" : "");
  if (task.output == OutputType::multiple_choice) return out + choices_text(document, encoded);
  const bool is_written = task.output == OutputType::generate_until;
  out += fmt::format("{}:\n{}\n", is_written ? "prompt" : "text", document.contexts[0]);
  for (const Sample& sample : encoded.samples) out += ids_line(sample.tokens);
  if (is_written) out += fmt::format("reference answer:\n{}\n", document.target);
  return out;
}

void print_text(const PreparedTask& prepared) {
  for (size_t d = 0; d < prepared.documents.size(); ++d)
    print_foreign(document_text(prepared.task, prepared.task.documents[d], prepared.documents[d]));
}

void run(const Prompts& prompts) {
  const std::shared_ptr<const Model> model = Model::open(prompts.model, prompts.context);
  for (const PreparedTask& task : prompts.task.prepare(*model)) {
    warn_truncated(task);
    prompts.json ? print_json(prompts, task) : print_text(task);
  }
}

}  // namespace

void add_prompts(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("prompts", "what a model is asked on a task: prompts, choices, token ids");
  auto prompts = std::make_shared<Prompts>();
  prompts->task.add_to(*command, true);
  begin_group(*command, "Model");
  add_model(*command, prompts->model)->required();
  command
      ->add_option("--context,-c", prompts->context,
                   "longest prompt in tokens (default: the model's context)")
      ->check(whole_number(1, 1 << 24));
  begin_group(*command, "Output");
  command->add_flag("--json", prompts->json, "one JSON object a document");
  add_guide(*command, {"idleheads prompts model.gguf --task piqa --data piqa/ --limit 2"}, "docs/tasks.md");
  command->callback([prompts] { run(*prompts); });
}

}  // namespace idleheads::cli
