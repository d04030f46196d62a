#include "prune/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace idleheads {
namespace {

std::vector<StoredDocument> documents(const std::vector<std::pair<std::string, int>>& groups) {
  std::vector<StoredDocument> out;
  for (const auto& [group, count] : groups) {
    for (int i = 0; i < count; ++i) {
      StoredDocument& document = out.emplace_back();
      document.group = group;
      document.index = i;
    }
  }
  return out;
}

std::vector<bool> is_calibration(const std::vector<StoredDocument>& all, uint64_t seed = 1) {
  std::vector<bool> out(all.size());
  for (const int64_t d : split_documents(all, seed).calibration) out[static_cast<size_t>(d)] = true;
  return out;
}

TEST(Split, HalfOfEachGroup) {
  const std::vector<StoredDocument> all = documents({{"a", 10}, {"b", 7}, {"c", 1}});
  const DocumentSplit split = split_documents(all, 1);
  std::vector<int64_t> both = split.calibration;
  both.insert(both.end(), split.test.begin(), split.test.end());
  std::ranges::sort(both);
  ASSERT_EQ(both.size(), all.size());
  for (size_t i = 0; i < both.size(); ++i) EXPECT_EQ(both[i], static_cast<int64_t>(i));
  const auto of_group = [&](const std::vector<int64_t>& part, const char* group) {
    return std::ranges::count_if(part, [&](int64_t d) { return all[static_cast<size_t>(d)].group == group; });
  };
  EXPECT_EQ(of_group(split.calibration, "a"), 5);
  EXPECT_EQ(of_group(split.calibration, "b"), 4);
  EXPECT_EQ(of_group(split.calibration, "c"), 1);
}

TEST(Split, DependsOnGroupNumberAndSeedAlone) {
  std::vector<StoredDocument> all = documents({{"a", 40}, {"b", 40}});
  const std::vector<bool> first = is_calibration(all);
  EXPECT_NE(first, is_calibration(all, 2));
  std::ranges::reverse(all);
  std::vector<bool> reversed = is_calibration(all);
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(reversed, first);
  const std::vector<bool> alone = is_calibration(documents({{"b", 40}}));
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), first.begin() + 40));
}

TEST(Split, TheSameDocumentsElsewhere) {
  const std::vector<StoredDocument> all = documents({{"a", 3}, {"b", 3}}), fewer = documents({{"b", 2}});
  EXPECT_THAT(same_documents(fewer, all, {0, 4}), testing::ElementsAre(false, true));
}

}  // namespace
}  // namespace idleheads
