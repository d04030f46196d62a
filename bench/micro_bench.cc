// Micro-benchmarks of the engine's parts, one thread each: GFLOP/s of products and attention, GB/s of float32
// written by dequantisation.
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

#include "engine/cpu/attention.h"
#include "engine/cpu/linear.h"
#include "engine/cpu/ops.h"
#include "format/tensor.h"

namespace idleheads {
namespace {

AlignedBuffer<float> random_floats(int64_t count) {
  std::minstd_rand random(1);
  std::normal_distribution<float> normal;
  AlignedBuffer<float> values(count);
  for (float& value : values.span()) value = normal(random);
  return values;
}

void set_rate(benchmark::State& state, const char* name, double amount) {
  state.counters[name] = benchmark::Counter(amount / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

Precision precision_of(benchmark::State& state, int64_t argument) {
  if (argument == 1 && !has_bf16()) state.SkipWithError("the processor multiplies no bf16");
  return argument == 1 ? Precision::bf16 : Precision::f32;
}

// One tile through one matrix: conversion, product.
void linear(benchmark::State& state) {
  const Precision precision = precision_of(state, state.range(0));
  const int64_t outputs = state.range(1), inputs = state.range(2);
  const Linear product(random_floats(outputs * inputs).span(), outputs, inputs, precision);
  const AlignedBuffer<float> x = random_floats(kTileRows * inputs);
  AlignedBuffer<float> y(kTileRows * outputs);
  for (auto _ : state) product.apply(x.data(), y.data());
  set_rate(state, "GFLOP/s", 2.0 * static_cast<double>(kTileRows * outputs * inputs));
}
BENCHMARK(linear)
    ->ArgNames({"bf16", "outputs", "inputs"})
    ->ArgsProduct({{0, 1}, {960}, {576}})
    ->ArgsProduct({{0, 1}, {576}, {576}})
    ->ArgsProduct({{0, 1}, {3072}, {576}})
    ->ArgsProduct({{0, 1}, {576}, {1536}});

// Three query heads of one key/value head, causal; useful products only (positions up to the query's own).
void attention(benchmark::State& state) {
  const Precision precision = precision_of(state, state.range(0));
  const int64_t dim = state.range(1), length = state.range(2), heads = 3, width = (heads + 2) * dim;
  AlignedBuffer<float> rows = random_floats(length * width);
  const AlignedBuffer<float> factors = random_floats(heads * dim * padded_head_dim(dim));
  AlignedBuffer<RowStats> stats(length * heads);
  const KeyRun keys = {rows.data() + heads * dim, rows.data() + (heads + 1) * dim, length};
  AttentionTask task;
  task.keys = std::span(&keys, 1);
  task.stride = width;
  task.queries = rows.data();
  task.count = length;
  task.heads = static_cast<int>(heads);
  task.head_dim = static_cast<int>(dim);
  task.scale = 1.0f / std::sqrt(static_cast<float>(dim));
  task.factors = factors.data();
  task.bf16 = has_bf16_attention(precision);
  task.stats = stats.data();
  task.stats_stride = heads;
  AttentionScratch scratch;
  for (auto _ : state) attend(task, scratch);  // z takes the queries' place: other numbers, the same work
  const auto pairs = static_cast<double>(length) * static_cast<double>(length + 1) / 2;
  set_rate(state, "GFLOP/s", 4 * pairs * static_cast<double>(dim * heads));
}
BENCHMARK(attention)->ArgNames({"bf16", "dim", "length"})->ArgsProduct({{0, 1}, {64, 128}, {128, 512, 2048}});

void dequantisation(benchmark::State& state) {
  const DTypeInfo& info = dtype_info(static_cast<DType>(state.range(0)));
  constexpr int64_t kCount = 1 << 18;
  const std::vector<std::byte> blocks(static_cast<size_t>(kCount / info.block_elements * info.block_bytes),
                                      std::byte{0x11});
  std::vector<float> values(kCount);
  for (auto _ : state) dequantize(info.dtype, blocks, values);
  state.SetLabel(std::string(info.name));
  set_rate(state, "GB/s", kCount * sizeof(float));
}
BENCHMARK(dequantisation)->DenseRange(static_cast<int>(DType::f32), static_cast<int>(DType::mxfp4));

}  // namespace
}  // namespace idleheads
