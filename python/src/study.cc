// Study files for Python: their numbers as arrays, their tables as columns, their JSON as it is exported.
#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "analysis/spread.h"
#include "base/fail.h"
#include "columns.h"
#include "format/json.h"
#include "idleheads/report/compare.h"
#include "idleheads/report/export.h"
#include "idleheads/report/heatmap.h"
#include "idleheads/report/report_page.h"
#include "idleheads/report/show.h"
#include "module.h"
#include "report/numbers/decided.h"
#include "report/numbers/json_parts.h"
#include "report/numbers/model_curves.h"
#include "report/numbers/study_tables.h"
#include "report/page/report_json.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

using namespace nb::literals;

// The limits of the program's options.
Terms checked(const Terms& terms) {
  if (!(terms.tolerance > 0 && terms.tolerance <= 100))
    fail_usage("within {}: expected more than 0 and at most 100 points", terms.tolerance);
  if (!(terms.confidence >= 0.5 && terms.confidence <= 0.999999))
    fail_usage("confidence {}: expected a number from 0.5 to 0.999999", terms.confidence);
  if (terms.within_kl && !(*terms.within_kl > 0 && *terms.within_kl <= 1e6))
    fail_usage("within_kl {}: expected more than 0 and at most 1e6 nats", *terms.within_kl);
  return terms;
}

// A study file. It is opened anew whenever something is asked of it, so that threads share nothing, and what
// has been stored meanwhile is there.
class StudyFile {
 public:
  StudyFile(std::string file, const Terms& terms) : file_(std::move(file)), terms_(checked(terms)) {
    const StudySummary summary = load().summary;
    OrderedJson scores = OrderedJson::array();
    for (const ScoreSummary& score : summary.scores) scores.push_back(score.score->slug);
    about_ = dump_json(OrderedJson{{"model", short_model_name(summary)},
                                   {"task", summary.task},
                                   {"layers", summary.layers},
                                   {"heads", summary.heads},
                                   {"documents", summary.documents.size()},
                                   {"complete", summary.missing.empty()},
                                   {"scores", std::move(scores)},
                                   {"settings", summary.settings}});
  }

  // What it is, as JSON: model, task, layers, heads, documents, complete, scores, settings.
  const std::string& about() const { return about_; }
  const Terms& terms() const { return terms_; }

  LoadedStudy load() const { return load_study(file_, terms_); }
  StudyStore open() const { return StudyStore::open_read_only(file_); }

 private:
  std::string file_;
  Terms terms_;
  std::string about_;
};

// ---- tables

Columns columns_of(const RecordTable& table) {
  Columns columns(table.columns);
  table.write_lines(columns);
  return columns;
}

// Which statistics are of which document.
RecordTable samples_table(const std::vector<StoredResult>& baseline) {
  return {{"document", "sample"}, [&](RecordWriter& out) {
            for (const StoredResult& result : baseline) {
              for (size_t s = 0; s < result.stats.size(); ++s) out.cell(result.document).cell(s).end_line();
            }
          }};
}

// The masks of an intervention: a line each, with the forward passes that it held for.
RecordTable masks_table(const std::vector<StoredResult>& results) {
  return {{"document", "passes"}, [&](RecordWriter& out) {
            for (const StoredResult& result : results) {
              for (size_t k = 0; k < result.masks.size(); ++k)
                out.cell(result.document).cell(result.passes_of(k)).end_line();
            }
          }};
}

Columns table(const StudyFile& file, const std::string& name) {
  const LoadedStudy study = file.load();
  const StudySummary& summary = study.summary;
  if (name == "documents") return columns_of(documents_table(summary, study.store.results(0, false)));
  if (name == "samples") return columns_of(samples_table(study.store.results(0, true)));
  if (name == "curves") return columns_of(curves_table(summary, certainty_of(study.store, summary)));
  if (name == "shares") return columns_of(shares_table(summary, certainty_of(study.store, summary)));
  if (name == "heads") return columns_of(heads_table(summary, head_profiles(study.store, summary)));
  if (name == "static") return columns_of(static_table(summary));
  if (name == "decisions") return columns_of(decisions_table(summary.decisions.value_or(DecisionSummary())));
  if (name == "subjects") return columns_of(subjects_table(summary));
  throw std::logic_error("a study has no table " + name);
}

std::vector<StoredResult> results_under(const LoadedStudy& study, const std::string& rule) {
  return study.store.results(find_point(study.summary, rule).intervention, false);
}

Columns mask_rows(const StudyFile& file, const std::string& rule) {
  return columns_of(masks_table(results_under(file.load(), rule)));
}

// ---- arrays

template <typename T, size_t Dimensions>
struct Numbers {
  std::array<size_t, Dimensions> shape;
  std::vector<T> values;  // in C order

  explicit Numbers(const std::array<size_t, Dimensions>& sizes) : shape(sizes) { values.reserve(count()); }
  size_t count() const { return std::accumulate(shape.begin(), shape.end(), size_t{1}, std::multiplies<>()); }
  template <typename More>
  void append(const More& more) {
    values.insert(values.end(), std::begin(more), std::end(more));
  }
};

// The statistics of a study's samples.
struct Baseline {
  std::vector<StoredResult> results;
  size_t samples = 0, layers = 0, heads = 0;

  explicit Baseline(const StudyStore& store) : results(store.results(0, true)) {
    const HeadShape shape = model_shape(store.settings());
    layers = static_cast<size_t>(shape.layers());
    heads = static_cast<size_t>(shape.heads());
    for (const StoredResult& result : results) samples += result.stats.size();
  }
};

Numbers<float, 4> stats(const StudyFile& file) {
  const Baseline baseline(file.open());
  Numbers<float, 4> out({baseline.samples, baseline.layers, baseline.heads, kStats});
  for (const StoredResult& result : baseline.results) {
    for (const SampleStats& sample : result.stats) {
      for (const HeadStats& head : sample.values) out.append(head);
    }
  }
  return out;
}

// Throws UsageError for random, which has no statistics.
const Score& require_stored_score(const std::string& slug) {
  const Score& score = require_score(slug);
  if (score.is_random) fail_usage("random is drawn anew for each sample: a study does not store it");
  return score;
}

Numbers<float, 3> score(const StudyFile& file, const std::string& slug) {
  const Score& wanted = require_stored_score(slug);
  const Baseline baseline(file.open());
  Numbers<float, 3> out({baseline.samples, baseline.layers, baseline.heads});
  std::vector<float> values(baseline.heads);
  for (const StoredResult& result : baseline.results) {
    for (const SampleStats& sample : result.stats) {
      for (int l = 0; l < sample.layers; ++l) {
        compute_scores(wanted, sample.layer(l), l, {}, values);
        out.append(values);
      }
    }
  }
  return out;
}

// At 0, 1 / (count - 1), ..., 1, over all samples and heads; empty if no score is a number.
Numbers<float, 1> quantiles(const StudyFile& file, const std::string& slug, int count) {
  if (count < 2) fail_usage("{} quantiles: expected 2 or more", count);
  const std::vector<float> values = quantiles_of(score(file, slug).values, count);
  Numbers<float, 1> out({values.size()});
  out.append(values);
  return out;
}

std::array<size_t, 2> sizes_of(const StudySummary& summary) {
  return {static_cast<size_t>(summary.layers), static_cast<size_t>(summary.heads)};
}

Numbers<uint8_t, 3> masks(const StudyFile& file, const std::string& rule) {
  const LoadedStudy study = file.load();
  const std::vector<StoredResult> results = results_under(study, rule);
  const auto [layers, heads] = sizes_of(study.summary);
  size_t masks = 0;
  for (const StoredResult& result : results) masks += result.masks.size();
  Numbers<uint8_t, 3> out({masks, layers, heads});
  for (const StoredResult& result : results) {
    for (const HeadMask& mask : result.masks) {
      for (int l = 0; l < mask.layers(); ++l) out.append(mask.layer(l));
    }
  }
  return out;
}

// A score, or in what percent of the passes each head was off, by head; NaN where there is none.
Numbers<double, 2> map_of_heads(const StudyFile& file, const std::string& what) {
  LoadedStudy study = file.load();
  StudySummary& summary = study.summary;
  if (what.find_first_of("@<>") == std::string::npos) {
    const Score* wanted[] = {&require_score(what)};
    summary.distributions =
        score_distributions(wanted, summary.layers, summary.heads, study.store.results(0, true));
  }
  const HeatMap map = heat_map(summary, what);
  Numbers<double, 2> out(sizes_of(summary));
  out.append(map.grid.values);
  for (const HeadId id : map.shape.absent())
    out.values[static_cast<size_t>(id.layer) * out.shape[1] + static_cast<size_t>(id.head)] = NAN;
  return out;
}

// ---- text

std::vector<LoadedStudy> loaded(const std::vector<const StudyFile*>& files) {
  std::vector<LoadedStudy> studies;
  for (const StudyFile* file : files) studies.push_back(file->load());
  return studies;
}

std::string json(const StudyFile& file) { return study_json(file.open(), file.terms()); }

std::string shown(const StudyFile& file) { return show(file.load().summary); }

std::string page(const std::vector<const StudyFile*>& files) { return report_page(loaded(files)); }

std::string page_data(const StudyFile& file) { return dump_json(report_json(loaded({&file}))); }

// What `idleheads compare` prints, as JSON and as text.
std::pair<std::string, std::string> compare(const StudyFile& a, const StudyFile& b) {
  const LoadedStudy first = a.load(), second = b.load();
  const StudyComparison comparison = compare_studies(first, second);
  return {dump_json(comparison_json(comparison)),
          show_comparison(first.summary, second.summary, comparison, {})};
}

// Calls without the interpreter's lock.
template <typename Function, typename... Arguments>
auto unlocked(const Function& function, const Arguments&... arguments) {
  const nb::gil_scoped_release released;
  return function(arguments...);
}

template <typename T, size_t Dimensions>
auto numpy(Numbers<T, Dimensions> numbers) {
  if (numbers.values.size() != numbers.count()) throw std::logic_error("an array of another size");
  using Element = std::conditional_t<std::is_same_v<T, uint8_t>, bool, T>;
  return to_array<Element, Dimensions>(std::move(numbers.values), numbers.shape);
}

}  // namespace

void bind_study(nb::module_& module) {
  using Text = const std::string&;
  using File = const StudyFile&;
  using Unlocked = nb::call_guard<nb::gil_scoped_release>;
  const auto make = [](StudyFile* self, std::string file, double within, double confidence,
                       std::optional<double> within_kl, uint64_t seed) {
    new (self) StudyFile(std::move(file), {within, confidence, within_kl, seed});
  };
  nb::class_<StudyFile>(module, "StudyFile", "A study file, which is read anew at each call.")
      .def("__init__", make, "file"_a, nb::kw_only(), "within"_a, "confidence"_a, "within_kl"_a.none(),
           "seed"_a, Unlocked())
      .def_prop_ro("about", &StudyFile::about, "JSON: what it is")
      .def("json", &json, Unlocked(), "what `idleheads export --json` writes")
      .def("page_data", &page_data, Unlocked(), "JSON: the data of the page of `idleheads report`")
      .def("show", &shown, Unlocked(), "what `idleheads show` prints")
      .def(
          "table", [](File file, Text name) { return unlocked(table, file, name).dict(); }, "name"_a,
          "the columns of a table, None where a cell is empty")
      .def(
          "mask_rows", [](File file, Text rule) { return unlocked(mask_rows, file, rule).dict(); }, "rule"_a,
          "columns: the document of each mask, and the forward passes it held for")
      .def(
          "stats", [](File file) { return numpy(unlocked(stats, file)); },
          "float32 [sample, layer, head, statistic]")
      .def(
          "score", [](File file, Text slug) { return numpy(unlocked(score, file, slug)); }, "slug"_a,
          "float32 [sample, layer, head]")
      .def(
          "quantiles",
          [](File file, Text slug, int count) { return numpy(unlocked(quantiles, file, slug, count)); },
          "slug"_a, "count"_a, "float32 [count], over all samples and heads")
      .def(
          "masks", [](File file, Text rule) { return numpy(unlocked(masks, file, rule)); }, "rule"_a,
          "bool [mask, layer, head]")
      .def(
          "heat_map", [](File file, Text what) { return numpy(unlocked(map_of_heads, file, what)); },
          "what"_a, "float64 [layer, head]: means of a score, or percent of the passes under a rule");
  module.def("report_page", &page, "studies"_a, Unlocked(), "the HTML page of `idleheads report`");
  module.def("compare", &compare, "a"_a, "b"_a, Unlocked(),
             "what `idleheads compare` prints, as JSON and as text");
}

}  // namespace idleheads
