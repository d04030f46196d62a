#include "task/python_random.h"

#include <nlohmann/json.hpp>
#include <set>

#include "task/test_files.h"

namespace idleheads {
namespace {

TEST(PythonRandom, DrawsWhatPythonDraws) {
  std::ifstream file(test_data("task/rng_vectors.json"));
  const auto golden = nlohmann::json::parse(file);
  PythonRandom bits(golden["seed"].get<uint64_t>());
  for (const auto& word : golden["getrandbits32_first16"]) EXPECT_EQ(bits.next(), word.get<uint32_t>());
  int compared = 0;
  for (const auto& [name, draws] : golden.items()) {
    int n = 0, count = 0;
    if (std::sscanf(name.c_str(), "sample_n%d_k%d_first3", &n, &count) != 2) continue;
    PythonRandom random(golden["seed"].get<uint64_t>());
    for (const auto& draw : draws)
      EXPECT_EQ(random.sample(n, count), draw.get<std::vector<int64_t>>()) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 5);
}

// Every draw of a run over winogrande (5 shots and one more) and gsm8k.
TEST(PythonRandom, DrawsOfWholeTasks) {
  std::ifstream file(test_data("task/fewshot_draws.jsonl"));
  size_t compared = 0;
  for (std::string line; std::getline(file, line);) {
    const auto golden = nlohmann::json::parse(line);
    PythonRandom random(golden["seed"].get<uint64_t>());
    for (const auto& drawn : golden["drawn"]) {
      ASSERT_EQ(random.sample(golden["examples"], golden["count"]), drawn.get<std::vector<int64_t>>());
      ++compared;
    }
  }
  EXPECT_EQ(compared, 1267u + 1319u);
}

// random.Random(0).getrandbits(32), random.Random(2**40 + 5).getrandbits(32).
TEST(PythonRandom, SeedsOfOtherSizes) {
  EXPECT_EQ(PythonRandom(0).next(), 3626764237u);
  EXPECT_EQ(PythonRandom((uint64_t{1} << 40) + 5).next(), 2166296868u);
}

TEST(PythonRandom, SamplesWithoutRepetition) {
  PythonRandom random(7);
  for (const int64_t n : {1, 2, 5, 21, 22, 85, 86, 1000}) {
    for (const int64_t count : {int64_t{1}, n / 2, n}) {
      const std::vector<int64_t> drawn = random.sample(n, count);
      const std::set<int64_t> different(drawn.begin(), drawn.end());
      EXPECT_EQ(different.size(), static_cast<size_t>(count));
      EXPECT_TRUE(drawn.empty() || (*different.begin() >= 0 && *different.rbegin() < n));
    }
  }
}

}  // namespace
}  // namespace idleheads
