#include "base/byte_size.h"
#include "base/fail.h"
#include "base/portable_name.h"
#include "cli/output_note.h"
#include "cli/probe_run.h"
#include "cli/token_text.h"
#include "idleheads/report/export.h"
#include "report/page/attention_page.h"

namespace idleheads::cli {

void write_probe_page(const ProbeRun& run, const std::string& file) {
  std::vector<AttentionPrompt> prompts;
  for (size_t s = 0; s < run.samples.size(); ++s) {
    const Sample& sample = run.samples[s];
    AttentionPrompt& prompt = prompts.emplace_back();
    prompt.tokens = token_texts(run.model, sample.tokens);
    prompt.key = {run.seed, sample.id};
    for (size_t i = 0; i < run.interventions.size(); ++i) {
      const PathResult& result = run.result(s, i);
      const Intervention& rule = run.interventions[i];
      prompt.runs.push_back({name_of_rule(rule), std::holds_alternative<ScoreRule>(rule), result.mask,
                             result.stats, result.attention});
    }
  }
  const std::string page = attention_page(portable_name(run.model.name()), prompts);
  const OutputNote note(file);
  write_text(page, file);
  note.say(": " + byte_size(std::ssize(page)));
}

}  // namespace idleheads::cli
