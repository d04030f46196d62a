// A small made-up study, and the helpers that the tests of the study file share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/base/error.h"
#include "idleheads/studyfile/store.h"
#include "studyfile/store_check.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {

inline constexpr int kLayers = 3;
inline constexpr int kHeads = 7;  // 21 heads: the last byte of a mask is not full

using test::error_of;

// In memory: the tests commit thousands of transactions, and a disk would be waited for each time.
class TempFolder : public test::TempFolder {
 public:
  TempFolder() : test::TempFolder(Place::memory) {}
};

inline Settings make_settings() {
  return {{"model.layers", "3"}, {"model.heads", "7"}, {"dtype", "f32"}, {"seed", "1234"}, {"empty", ""}};
}

inline std::vector<StoredDocument> make_documents(int count = 12) {
  std::vector<StoredDocument> documents;
  for (int i = 0; i < count; ++i) {
    StoredDocument document;
    document.group = i % 2 == 0 ? "anatomy" : "na\xc3\xafve 'quotes'";
    document.category = "stem";
    document.index = 1000 + i;
    document.choice_lengths.assign(static_cast<size_t>(2 + i % 3), 5 + i);
    document.gold = i % 2;
    document.samples = 1 + i % 3;
    document.tokens = 100 * i;
    document.truncated = i == 3;
    documents.push_back(document);
  }
  return documents;
}

inline std::vector<StoredIntervention> make_plan() {
  return {{"", 0, "none"},
          {"ahon_ln", 0.05, "ahon_ln<0.25"},
          {"awft", 0.1, "awft>0.9"},
          {"random", 0.3, "random<0.3"}};
}

// Numbers that depend on (intervention, document) alone, with NaN and infinity among them.
inline StoredResult make_result(const std::vector<StoredDocument>& documents, int64_t intervention,
                                int64_t document) {
  const StoredDocument& d = documents[static_cast<size_t>(document)];
  StoredResult result;
  result.document = document;
  const auto value = [&](int i) {
    return static_cast<float>(intervention * 1000 + document) + 0.1f * static_cast<float>(i);
  };
  for (int i = 0; i < static_cast<int>(d.choice_lengths.size()); ++i)
    result.log_likelihoods.push_back(-value(i));
  if (document == 4) result.log_likelihoods[0] = -std::numeric_limits<float>::infinity();
  for (int s = 0; s < d.samples; ++s) {
    HeadMask mask(kLayers, kHeads);
    for (int i = 0; i < kLayers * kHeads; ++i)
      mask.set(i / kHeads, i % kHeads, (i * 7 + document + s + intervention) % 4 == 0);
    result.masks.push_back(mask);
    if (intervention != 0) continue;
    SampleStats stats(kLayers, kHeads);
    for (int i = 0; i < kLayers * kHeads; ++i)
      stats.values[static_cast<size_t>(i)].fill(value(i) + static_cast<float>(s));
    stats.values[5][1] = std::numeric_limits<float>::quiet_NaN();
    stats.values[6][static_cast<size_t>(Stat::projected_norm)] = static_cast<float>(s);
    result.stats.push_back(stats);
  }
  return result;
}

using Cohort = std::vector<std::pair<int64_t, StoredResult>>;

// The results of documents [begin, end) under one intervention.
inline Cohort make_cohort(const std::vector<StoredDocument>& documents, int64_t intervention, int64_t begin,
                          int64_t end) {
  Cohort cohort;
  for (int64_t d = begin; d < end; ++d)
    cohort.emplace_back(intervention, make_result(documents, intervention, d));
  return cohort;
}

// Goes on where the file stopped, in cohorts of three documents, and calls `stored` after each.
inline void run_study(
    const std::filesystem::path& path, const std::function<void()>& stored = [] {}) {
  const auto documents = make_documents();
  StudyStore store = StudyStore::open(path, make_settings(), documents);
  for (int64_t intervention = 0; intervention < static_cast<int64_t>(make_plan().size()); ++intervention) {
    if (intervention == 1) store.set_plan(make_plan());
    for (int64_t begin = 0; begin < static_cast<int64_t>(documents.size()); begin += 3) {
      if (store.done()[static_cast<size_t>(intervention)][static_cast<size_t>(begin)]) continue;
      store.add(make_cohort(documents, intervention, begin, begin + 3));
      stored();
    }
  }
}

// What a file with so many statistics a head gives of a result.
inline StoredResult with_numbers(StoredResult result, int numbers) {
  for (SampleStats& stats : result.stats) {
    for (HeadStats& head : stats.values)
      std::fill(head.begin() + numbers, head.end(), std::numeric_limits<float>::quiet_NaN());
  }
  return result;
}

// The file holds exactly what run_study stores, with so many statistics a head.
inline void expect_complete(const std::filesystem::path& path, int numbers = kStats) {
  const StudyStore store = StudyStore::open_read_only(path);
  EXPECT_EQ(store.settings(), make_settings());
  const auto documents = make_documents();
  EXPECT_EQ(store.documents(), documents);
  EXPECT_EQ(store.plan(), make_plan());
  EXPECT_EQ(store.done(), std::vector<std::vector<bool>>(4, std::vector<bool>(documents.size(), true)));
  for (int64_t intervention = 0; intervention < 4; ++intervention) {
    const auto results = store.results(intervention, true);
    ASSERT_EQ(results.size(), documents.size());
    for (size_t d = 0; d < results.size(); ++d) {
      const StoredResult want = make_result(documents, intervention, static_cast<int64_t>(d));
      EXPECT_TRUE(same_result(results[d], with_numbers(want, numbers)))
          << "intervention " << intervention << " document " << d;
    }
  }
}

}  // namespace idleheads
