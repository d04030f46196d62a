#include <fmt/format.h>

#include <cmath>

#include "cli/probe_run.h"
#include "cli/token_text.h"
#include "format/json.h"

namespace idleheads::cli {
namespace {

// float32 with its shortest digits, null for NaN and infinity.
Json number(float value) {
  if (!std::isfinite(value)) return nullptr;
  return std::stod(fmt::format("{}", value));
}

template <typename Values>
Json numbers(const Values& values) {
  Json out = Json::array();
  for (const auto value : values) out.push_back(number(static_cast<float>(value)));
  return out;
}

Json scores_json(const SampleStats& stats, RandomKey key) {
  Json out = Json::object();
  for (const Score& score : all_scores()) {
    if (score.is_random) continue;
    Json layers = Json::array();
    std::vector<float> values(static_cast<size_t>(stats.heads));
    for (int l = 0; l < stats.layers; ++l) {
      compute_scores(score, stats.layer(l), l, key, values);
      layers.push_back(numbers(values));
    }
    out[std::string(score.slug)] = std::move(layers);
  }
  return out;
}

Json positions_json(const SampleStats& stats) {
  Json out = Json::array();
  for (int l = 0; l < stats.layers; ++l) {
    std::vector<float> positions;
    for (const HeadStats& head : stats.layer(l)) positions.push_back(get(head, Stat::top_position));
    out.push_back(numbers(positions));
  }
  return out;
}

Json flagged_json(const HeadMask& mask) {
  Json out = Json::array();
  for (int l = 0; l < mask.layers(); ++l) {
    Json heads = Json::array();
    for (int h = 0; h < mask.heads(); ++h) {
      if (mask.off(l, h)) heads.push_back(h);
    }
    out.push_back(std::move(heads));
  }
  return out;
}

Json next_tokens_json(const Model& model, const std::vector<float>& logits) {
  Json out = Json::array();
  const std::vector<double> probabilities = probabilities_of(logits);
  for (const int32_t token : likeliest(logits)) {
    out.push_back({{"token", token},
                   {"text", token_texts(model, std::span(&token, 1)).front()},
                   {"probability", probabilities[static_cast<size_t>(token)]}});
  }
  return out;
}

Json run_json(const ProbeRun& run, size_t sample, size_t intervention, bool logits) {
  const PathResult& result = run.result(sample, intervention);
  const Intervention& rule = run.interventions[intervention];
  const bool none = std::holds_alternative<std::monostate>(rule);
  Json out = {{"ablate", none ? Json(nullptr) : Json(to_string(rule))},
              {"scores", scores_json(result.stats, {run.seed, run.samples[sample].id})},
              {"top_position", positions_json(result.stats)},
              {"flagged", flagged_json(result.mask)},
              {"next_tokens", next_tokens_json(run.model, result.last_logits)}};
  if (logits) out["last_logits"] = numbers(result.last_logits);
  return out;
}

// Row by row: as values of JSON a pattern would take several times its memory.
void print_pattern(const AttentionPattern& pattern) {
  fmt::print("{{\"head\":\"{}\",\"distance\":{},\"received\":{},\"weights\":[", to_string(pattern.head()),
             dump_json(number(static_cast<float>(pattern.distance()))),
             dump_json(numbers(pattern.received())));
  for (int64_t t = 0; t < pattern.tokens(); ++t)
    fmt::print("{}{}", t == 0 ? "" : ",", dump_json(numbers(pattern.row(t))));
  fmt::print("]}}");
}

void print_run(const ProbeRun& run, size_t sample, size_t intervention, bool logits) {
  std::string text = dump_json(run_json(run, sample, intervention, logits));
  const std::vector<AttentionPattern>& patterns = run.result(sample, intervention).attention;
  if (patterns.empty()) {
    fmt::print("{}", text);
    return;
  }
  text.pop_back();  // the closing brace
  fmt::print("{},\"attention\":[", text);
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (i > 0) fmt::print(",");
    print_pattern(patterns[i]);
  }
  fmt::print("]}}");
}

}  // namespace

void print_probe_json(const ProbeRun& run, bool logits) {
  fmt::print("{{\"samples\":[");
  for (size_t s = 0; s < run.samples.size(); ++s) {
    fmt::print("{}{{\"tokens\":{},\"texts\":{},\"runs\":[", s == 0 ? "" : ",",
               dump_json(Json(run.samples[s].tokens)),
               dump_json(Json(token_texts(run.model, run.samples[s].tokens))));
    for (size_t i = 0; i < run.interventions.size(); ++i) {
      if (i > 0) fmt::print(",");
      print_run(run, s, i, logits);
    }
    fmt::print("]}}");
  }
  fmt::print("]}}\n");
}

}  // namespace idleheads::cli
