// Made-up studies with other numbers than fake_result() gives, and studies as reports read them.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "idleheads/report/compare.h"
#include "report/report_fixture.h"

namespace idleheads {

// Called with the number of the run and each result before it is stored.
using ChangeResult = std::function<void(size_t run, StoredResult& result)>;

inline LoadedStudy load(const FakeStudy& study, const std::filesystem::path& path,
                        std::vector<int> finished = {}) {
  store_study(study, path, std::move(finished));
  return load_study(path.string());
}

// Finished in all its runs.
inline LoadedStudy load_changed(const FakeStudy& study, const std::filesystem::path& path,
                                const ChangeResult& change) {
  {
    StudyStore store = store_study(study, path, std::vector<int>(study.runs.size(), 0));
    Cohort cohort;
    for (size_t r = 0; r < study.runs.size(); ++r) {
      for (size_t d = 0; d < study.documents.size(); ++d) {
        StoredResult result = fake_result(study, r, static_cast<int64_t>(d));
        change(r, result);
        cohort.emplace_back(static_cast<int64_t>(r), std::move(result));
      }
    }
    store.add(cohort);
  }
  return load_study(path.string());
}

// Three texts of 10 words in two windows each; head L1H3 of 8 is off in its only intervention.
inline LoadedStudy load_texts(const std::filesystem::path& path, float baseline, float under_intervention) {
  FakeStudy study;
  study.settings["task.metrics"] = "word_perplexity;byte_perplexity;bits_per_byte";
  study.settings.erase("info.metric");
  for (int d = 0; d < 3; ++d) {
    study.documents.push_back(text_document(10, 40, 2));
    study.documents.back().index = d;
  }
  study.runs = {{{"", 0, "none"}, 0, {}, {}}, {{"ahon_ln", 0.1, "ahon_ln<0.25"}, 0, {{1, 3}}, {}}};
  return load_changed(study, path, [&](size_t run, StoredResult& result) {
    result.log_likelihoods = {run == 0 ? baseline : under_intervention};
  });
}

// Ten questions that the model answers by itself, four tokens each. 8 are right, under both interventions 7,
// where head L1H3 of 8 is off.
inline LoadedStudy load_answers(const std::filesystem::path& path) {
  FakeStudy study;
  study.settings["task.metrics"] = "exact_match,strict-match;exact_match,flexible-extract";
  study.settings.erase("info.metric");
  for (int d = 0; d < 10; ++d) {
    study.documents.push_back(answer_document("so it is\n#### 5"));
    study.documents.back().index = d;
  }
  study.runs = {{{"", 0, "none"}, 8, {}, {}},
                {{"awft", 0.1, "awft>0.9"}, 7, {{1, 3}}, {}},
                {{"ahon_ln", 0.1, "ahon_ln<0.25"}, 7, {{1, 3}}, {}}};
  return load_changed(study, path, [&](size_t run, StoredResult& result) {
    result.response = result.document < study.runs[run].right ? "#### 5" : "";
    result.passes = {4};
  });
}

}  // namespace idleheads
