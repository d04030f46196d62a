// What figures say of studies: names in legends and titles, and sentences of captions.
#pragma once

#include <string>
#include <vector>

#include "idleheads/report/compare.h"

namespace idleheads::figure {

// A name a study: the model's, with the task where two are alike, with the file where these are alike too.
std::vector<std::string> study_labels(const std::vector<LoadedStudy>& studies);

// "SmolLM2, piqa", a study; with the file where two are alike.
std::vector<std::string> panel_titles(const std::vector<LoadedStudy>& studies);

// The study file's name as errors give it.
std::string file_of(const LoadedStudy& study);

// "SmolLM2 on piqa (1838 questions, 0 shots)"; of several studies all of them, with commas, and with the file
// where two are alike.
std::string measured_text(const std::vector<LoadedStudy>& studies);

// How it was computed and by which idleheads, as the last sentences of a caption.
std::string settings_text(const std::vector<LoadedStudy>& studies);

// What is drawn of a metric, with its unit: "accuracy (%)", "−100 ln word perplexity".
std::string metric_axis(const StudySummary& summary);

// "a, b and c".
std::string listed(const std::vector<std::string>& words);

// The first letter as a capital.
std::string capitalised(std::string text);

}  // namespace idleheads::figure
