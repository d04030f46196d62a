// The engine's side of bench/run.py: each command does one job and prints one JSON object.
//   prompts  token ids of MMLU prompts, for the peers
//   forward  plain forward passes over given token ids
//   gemm     the matrix products of one layer alone: what the machine can do at most
//   start    until the first layer of a single token is done
#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/thread_pool.h"
#include "engine/engine.h"
#include "gemm_rate.h"
#include "task/task.h"

namespace idleheads {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  std::string model, tokens, data, dtype = "auto";
  std::vector<std::string> subjects;
  int threads = 0, repeat = 3;
  double limit = 16;
  bool stats = false;

  Precision precision() const {
    if (dtype == "auto") return fastest_precision();
    return dtype == "bf16" ? Precision::bf16 : Precision::f32;
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

json forward(const Options& options) {
  const auto model = Model::open(options.model);
  Engine engine(model, {.threads = options.threads, .precision = options.precision(), .sharing = false});
  std::vector<Sample> samples;
  double tokens = 0, flops = 0;
  for (const json& ids : json::parse(std::ifstream(options.tokens))) {
    Sample sample;
    sample.id = samples.size();
    sample.tokens = ids.get<std::vector<int32_t>>();
    const auto length = static_cast<double>(sample.tokens.size());
    sample.targets.push_back({static_cast<int32_t>(length) - 1, 0});
    tokens += length;
    flops += length * flops_per_token(model->spec(), (length + 1) / 2);
    samples.push_back(std::move(sample));
  }
  const std::vector<Intervention> none = {std::monostate{}};
  json seconds = json::array();
  for (int i = 0; i < options.repeat; ++i) {
    const auto start = Clock::now();
    engine.run(samples, none, {.stats = options.stats});
    seconds.push_back(seconds_since(start));
  }
  return {{"tokens", tokens},
          {"flops", flops},
          {"seconds", seconds},
          {"threads", engine.threads()},
          {"engine", engine_description(engine.precision())}};
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
  CLI::App* with_tokens = command("forward", "plain forward passes", forward);
  with_tokens->add_option("--tokens", options.tokens)->required();
  with_tokens->add_flag("--stats", options.stats, "with all statistics");
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
