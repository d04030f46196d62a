// The library in one screen: the weakest head of each layer on a prompt by its output norm, and what the
// model predicts when all heads below a threshold are switched off.
//   score_heads MODEL "a prompt"
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "idleheads/idleheads.h"

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "usage: score_heads MODEL PROMPT\n"), 2;
  const auto model = idleheads::Model::open(argv[1]);
  idleheads::Engine engine(model);

  idleheads::Sample sample;
  sample.tokens = model->tokenizer().encode(argv[2]);
  sample.want_last_logits = true;

  // One pass gives all statistics, and the same prompt under any number of interventions.
  const auto rule = idleheads::parse_intervention("ahon_ln<0.3");
  const std::vector<idleheads::Intervention> interventions = {std::monostate{}, rule};
  const auto results = engine.run(std::span(&sample, 1), interventions, {.stats = true});

  const idleheads::Score& score = idleheads::require_score("ahon_ln");
  std::vector<float> values(static_cast<size_t>(model->spec().heads()));
  for (int layer = 0; layer < model->spec().layer_count(); ++layer) {
    idleheads::compute_scores(score, results[0].stats.layer(layer), layer, {}, values);
    const auto is_weaker = [](float a, float b) { return a < b || (std::isnan(b) && !std::isnan(a)); };
    const auto weakest =
        std::min_element(values.begin(), values.end(), is_weaker);  // NaN: there is no such head
    std::printf("L%-2d weakest head H%-2td %s = %.3f\n", layer, weakest - values.begin(), score.slug.data(),
                *weakest);
  }
  for (size_t i = 0; i < interventions.size(); ++i) {
    const auto& logits = results[i].last_logits;
    const auto next = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    std::printf("%-12s %2lld heads off, next token '%s'\n", idleheads::to_string(interventions[i]).c_str(),
                static_cast<long long>(results[i].mask.count()), model->tokenizer().decode({{next}}).c_str());
  }
  return 0;
} catch (const idleheads::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
