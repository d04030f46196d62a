// Made-up studies with known numbers, for the tests of tables and exports.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "idleheads/studyfile/store.h"
#include "studyfile/study_fixture.h"

namespace idleheads {

// An intervention and what came out: the first `right` documents were answered right, `off` were off in all
// samples, and `half` in every second document.
struct FakeRun {
  StoredIntervention intervention;
  int right = 0;
  std::vector<HeadId> off, half;
};

struct FakeStudy {
  int layers = 2;
  int heads = 4;
  Settings settings = {{"model.layers", "2"},  {"model.heads", "4"}, {"model.family", "llama"},
                       {"info.model", "tiny"}, {"dtype", "f32"},     {"task.name", "quiz"},
                       {"task.shots", "0"},    {"seed", "1234"},     {"info.metric", "acc"}};
  std::vector<StoredDocument> documents;
  std::vector<std::string> excerpts;  // of the documents, or none
  std::vector<FakeRun> runs;          // number 0 is the baseline
  bool with_plan = true;
};

inline StoredDocument fake_document(int number) {
  StoredDocument document;
  document.group = number % 2 == 0 ? "animals" : "cooking, \"fine\"";
  document.category = number % 2 == 0 ? "nature" : "home";
  document.index = number / 2;
  document.choice_lengths = {4, 8};
  document.samples = 1;
  document.tokens = 5 + number;
  return document;
}

inline StoredDocument choices_document(std::vector<int64_t> lengths, int gold) {
  StoredDocument document;
  document.group = "quiz";
  document.choice_lengths = std::move(lengths);
  document.gold = gold;
  document.samples = 1;
  return document;
}

inline StoredDocument answer_document(const std::string& reference) {
  StoredDocument document;
  document.group = "quiz";
  document.samples = 1;
  document.tokens = 9;
  document.reference = reference;
  return document;
}

inline StoredDocument text_document(int64_t words, int64_t bytes, int64_t windows) {
  StoredDocument document;
  document.group = "quiz";
  document.samples = windows;
  document.tokens = 30;
  document.words = words;
  document.bytes = bytes;
  return document;
}

inline SampleStats fake_stats(const FakeStudy& study, int64_t document) {
  SampleStats stats(study.layers, study.heads);
  for (size_t i = 0; i < stats.values.size(); ++i) {
    for (size_t k = 0; k < kStats; ++k) {
      stats.values[i][k] =
          static_cast<float>(i + 1) * 0.125f + static_cast<float>(document % 2) + static_cast<float>(k);
    }
  }
  return stats;
}

inline StoredResult fake_result(const FakeStudy& study, size_t run, int64_t document) {
  StoredResult result;
  result.document = document;
  const StoredDocument& d = study.documents[static_cast<size_t>(document)];
  const bool right = document < study.runs[run].right;
  for (size_t j = 0; j < d.choice_lengths.size(); ++j) {
    result.log_likelihoods.push_back((static_cast<int>(j) == d.gold) == right ? -1.5f : -9);
  }
  for (int64_t s = 0; s < d.samples; ++s) {
    HeadMask mask(study.layers, study.heads);
    for (const HeadId id : study.runs[run].off) mask.set(id.layer, id.head, true);
    for (const HeadId id : study.runs[run].half) mask.set(id.layer, id.head, document % 2 == 0);
    result.masks.push_back(mask);
    if (run == 0) result.stats.push_back(fake_stats(study, document));
  }
  return result;
}

// Stores the results of the first `finished` documents of each run; -1 stands for all.
inline StudyStore store_study(const FakeStudy& study, const std::filesystem::path& path,
                              std::vector<int> finished = {}) {
  StudyStore store = StudyStore::open(path, study.settings, study.documents, study.excerpts);
  std::vector<StoredIntervention> plan;
  for (const FakeRun& run : study.runs) plan.push_back(run.intervention);
  if (study.with_plan) store.set_plan(plan);
  finished.resize(study.runs.size(), -1);
  for (size_t r = 0; r < study.runs.size(); ++r) {
    const auto end = finished[r] < 0 ? static_cast<int64_t>(study.documents.size()) : finished[r];
    Cohort cohort;
    for (int64_t d = 0; d < end; ++d) cohort.emplace_back(r, fake_result(study, r, d));
    store.add(cohort);
  }
  return store;
}

// 200 questions, baseline 160 right (80 %). ahon_ln stays within a point up to 25 % off, awft up to 12.5 %.
inline FakeStudy small_study() {
  FakeStudy study;
  for (int d = 0; d < 200; ++d) study.documents.push_back(fake_document(d));
  study.runs = {
      {{"", 0, "none"}, 160, {}, {}},
      {{"awft", 0.1, "awft>0.9"}, 158, {{0, 1}}, {}},
      {{"awft", 0.25, "awft>0.5"}, 100, {{0, 1}, {1, 1}}, {}},
      {{"ahon_ln", 0.1, "ahon_ln<0.25"}, 162, {{1, 3}}, {}},
      {{"ahon_ln", 0.25, "ahon_ln<0.52"}, 159, {{1, 3}}, {{0, 0}, {1, 0}}},
      {{"random", 0.1, "random<0.1"}, 120, {}, {{0, 2}, {1, 2}}},
      {{"random", 0.25, "random<0.25"}, 90, {{0, 2}, {1, 2}}, {}},
  };
  return study;
}

inline FakeStudy score_only_study() {
  FakeStudy study = small_study();
  study.runs.resize(1);
  study.with_plan = false;
  return study;
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace idleheads
