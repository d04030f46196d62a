// The engine's side of bench/run.py: each command does one job and prints one JSON object.
//   prompts  token ids of MMLU prompts, for the peers
//   forward  plain forward passes over given token ids
//   protocol the same under every score of the paper at some shares, thresholds taken from the baseline
//   gemm     the matrix products of one layer alone: what the machine can do at most
//   start    until the first layer of a single token is done
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/thread_pool.h"
#include "engine/device.h"
#include "gemm_rate.h"
#include "idleheads/engine/engine.h"
#include "idleheads/task/task.h"

namespace idleheads {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  std::string model, tokens, data, dtype = "auto";
  std::string device = "cpu";
  std::vector<std::string> subjects;
  std::vector<double> shares = {0.05, 0.15, 0.3};
  int threads = 0, repeat = 3;
  int64_t prompts = std::numeric_limits<int64_t>::max();
  double limit = 16;
  bool stats = false, stream = false;

  Precision precision() const {
    if (dtype == "auto") return device == "cpu" ? fastest_precision() : Precision::bf16;
    return dtype == "bf16" ? Precision::bf16 : Precision::f32;
  }

  std::unique_ptr<Engine> engine(const std::shared_ptr<const Model>& opened, bool sharing) const {
    return std::make_unique<Engine>(opened, EngineOptions{.threads = threads,
                                                          .precision = precision(),
                                                          .sharing = sharing,
                                                          .stream_weights = stream,
                                                          .device = choose_device(device)});
  }
};

json prompts(const Options& options) {
  const auto model = Model::open(options.model);
  TaskOptions task_options;
  task_options.data = options.data;
  task_options.limit = options.limit;
  task_options.only = options.subjects;
  const Task task = load_task("mmlu", task_options);
  json samples = json::array();
  for (const Document& document : task.documents) {
    const std::string& prompt = document.contexts.front();
    const std::vector<int32_t> context = model->tokenizer().encode(prompt);
    json answers = json::array();
    for (const std::string& continuation : document.continuations)
      answers.push_back(model->tokenizer().encode(prompt + continuation).back());
    samples.push_back({{"tokens", context}, {"answers", answers}, {"gold", document.gold}});
  }
  return {{"samples", samples}};
}

// Multiplications and additions of one token's forward pass but for the LM head, twice the weights, and of
// attention over `keys` positions.
double flops_per_token(const ModelSpec& spec, double keys) {
  double flops = 0;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec& a = layer.attention;
    const double outputs = a.qkv_width() + a.query_width() + (layer.mlp.gated ? 3.0 : 2.0) * layer.mlp.width;
    flops += 2 * outputs * spec.hidden + 4 * keys * a.query_width();
  }
  return flops;
}

// The last token's logits are asked for.
std::vector<Sample> samples_of(const Options& options) {
  std::vector<Sample> samples;
  for (const json& ids : json::parse(std::ifstream(options.tokens))) {
    if (std::ssize(samples) == options.prompts) break;
    Sample sample;
    sample.id = samples.size();
    sample.tokens = ids.get<std::vector<int32_t>>();
    sample.targets.push_back({static_cast<int32_t>(sample.tokens.size()) - 1, 0});
    samples.push_back(std::move(sample));
  }
  return samples;
}

json forward(const Options& options) {
  const auto model = Model::open(options.model);
  const std::unique_ptr<Engine> engine = options.engine(model, false);
  const std::vector<Sample> samples = samples_of(options);
  double tokens = 0, flops = 0;
  for (const Sample& sample : samples) {
    const auto length = static_cast<double>(sample.tokens.size());
    tokens += length;
    flops += length * flops_per_token(model->spec(), (length + 1) / 2);
  }
  const std::vector<Intervention> none = {std::monostate{}};
  json seconds = json::array();
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = Clock::now();
    engine->run(samples, none, {.stats = options.stats});
    seconds.push_back(seconds_since(start));
  }
  return {{"tokens", tokens},
          {"flops", flops},
          {"seconds", seconds},
          {"threads", engine->threads()},
          {"rows", engine->rows()},
          {"engine", engine_description(engine->precision(), choose_device(options.device))}};
}

// The score beyond which this share of the samples' heads is.
float threshold_of(const Score& score, double share, std::span<const Sample> samples,
                   std::span<const PathResult> baseline) {
  std::vector<float> scores;
  for (size_t s = 0; s < samples.size(); ++s) {
    const SampleStats& stats = baseline[s].stats;
    std::vector<float> of_layer(static_cast<size_t>(stats.heads));
    for (int l = 0; l < stats.layers; ++l) {
      compute_scores(score, stats.layer(l), l, {.sample = samples[s].id}, of_layer);
      scores.insert(scores.end(), of_layer.begin(), of_layer.end());
    }
  }
  if (score.inactive_above)
    std::ranges::sort(scores, std::greater());
  else
    std::ranges::sort(scores);
  return scores[static_cast<size_t>(share * static_cast<double>(scores.size() - 1))];
}

json protocol(const Options& options) {
  const auto model = Model::open(options.model);
  const std::unique_ptr<Engine> engine = options.engine(model, true);
  const std::vector<Sample> samples = samples_of(options);
  const std::vector<Intervention> none = {std::monostate{}};
  const auto start = Clock::now();
  const std::vector<PathResult> baseline = engine->run(samples, none, {.stats = true});
  const double recorded = seconds_since(start);
  std::vector<Intervention> rules;
  for (const Score& score : paper_scores()) {
    for (const double share : options.shares)
      rules.push_back(ScoreRule{&score, threshold_of(score, share, samples, baseline)});
  }
  engine->run(samples, rules);
  double tokens = 0;
  for (const Sample& sample : samples) tokens += static_cast<double>(sample.tokens.size());
  const WorkCount work = engine->work();
  return {{"tokens", tokens},
          {"interventions", rules.size()},
          {"seconds", seconds_since(start)},
          {"seconds_of_baseline", recorded},
          {"sharing", static_cast<double>(work.rows_unshared) / static_cast<double>(work.rows)},
          {"engine", engine_description(engine->precision(), choose_device(options.device))}};
}

json gemm(const Options& options) {
  const ModelSpec spec = Model::open(options.model)->spec();
  const AttentionSpec& attention = spec.layers.front().attention;
  const MlpSpec& mlp = spec.layers.front().mlp;
  const std::vector<bench::LayerProducts::Shape> shapes = {{attention.qkv_width(), spec.hidden},
                                                           {spec.hidden, attention.query_width()},
                                                           {(mlp.gated ? 2 : 1) * mlp.width, spec.hidden},
                                                           {spec.hidden, mlp.width}};
  ThreadPool pool(options.threads);
  std::vector<bench::LayerProducts> layers;
  for (int i = 0; i < pool.threads(); ++i) layers.emplace_back(shapes, options.precision());
  constexpr int kTiles = 2048;  // some seconds
  json seconds = json::array();
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = Clock::now();
    // A layer a thread: as many pieces as threads, each of which is taken once.
    pool.parallel_for(pool.threads(), [&](int64_t piece, int) {
      for (int t = 0; t < kTiles; ++t) layers[static_cast<size_t>(piece)].run();
    });
    seconds.push_back(seconds_since(start));
  }
  return {{"flops", kTiles * layers[0].flops() * pool.threads()},
          {"seconds", seconds},
          {"threads", pool.threads()}};
}

// The caller measures the time from exec to this output.
json start(const Options& options) {
  const auto model = Model::open(options.model);
  Engine engine(model, {.threads = options.threads, .precision = options.precision()});
  Sample sample;
  sample.tokens = {0};
  const std::vector<Intervention> none = {std::monostate{}};
  bool first = true;
  engine.run(std::span(&sample, 1), none, {.on_layer = [&](double) {
               if (first) std::cout << "first layer" << std::endl;
               first = false;
             }});
  return json::object();
}

int run(int argc, char** argv) {
  CLI::App app("Measurements of the engine for bench/run.py");
  app.require_subcommand(1);
  Options options;
  const auto command = [&](const std::string& name, const std::string& help, json (*job)(const Options&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("model", options.model)->required();
    sub->add_option("--dtype", options.dtype)->check(CLI::IsMember({"auto", "f32", "bf16"}));
    sub->add_option("--threads", options.threads);
    sub->add_option("--repeat", options.repeat)->check(CLI::PositiveNumber);
    sub->callback([&options, job] { std::cout << job(options) << "\n"; });
    return sub;
  };
  CLI::App* with_data = command("prompts", "token ids of MMLU prompts", prompts);
  with_data->add_option("--data", options.data)->required();
  with_data->add_option("--subjects", options.subjects)->delimiter(',');
  with_data->add_option("--limit", options.limit);
  CLI::App* plain = command("forward", "plain forward passes", forward);
  plain->add_flag("--stats", options.stats, "with all statistics");
  CLI::App* ruled = command("protocol", "every score of the paper at some shares", protocol);
  ruled->add_option("--shares", options.shares, "in [0, 1]")->delimiter(',');
  for (CLI::App* with_tokens : {plain, ruled}) {
    with_tokens->add_option("--tokens", options.tokens, "JSON: a list of token ids a prompt")->required();
    with_tokens->add_option("--prompts", options.prompts, "the first ones alone");
    with_tokens->add_option("--device", options.device);
    with_tokens->add_flag("--stream", options.stream, "weights layer by layer");
  }
  command("gemm", "matrix products of a layer", gemm);
  command("start", "until the first layer is done", start);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "engine_bench: " << error.what() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace idleheads

int main(int argc, char** argv) { return idleheads::run(argc, argv); }
