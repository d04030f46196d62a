#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "idleheads/report/export.h"
#include "report/exports/npz.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

struct Shape {
  int64_t layers = 0, heads = 0;
  int64_t samples = 0;  // with statistics
  int64_t choices = 0;  // log-likelihoods of all documents
};

void write_interventions(NpzWriter& npz, const std::vector<StoredIntervention>& plan,
                         const std::vector<uint8_t>& complete) {
  std::vector<std::string> scores, rules;
  std::vector<double> shares, at_least;
  for (const StoredIntervention& intervention : plan) {
    scores.push_back(intervention.score);
    shares.push_back(intervention.share);
    at_least.push_back(intervention.at_least.value_or(std::numeric_limits<double>::quiet_NaN()));
    rules.push_back(intervention.rule);
  }
  npz.add("intervention_score", scores);
  npz.add("intervention_share", shares);
  npz.add("intervention_at_least", at_least);
  npz.add("intervention_rule", rules);
  npz.add_flags("intervention_complete", complete);
}

void write_documents(NpzWriter& npz, const std::vector<StoredDocument>& documents) {
  std::vector<std::string> groups, categories;
  std::vector<int64_t> indices, gold, offsets = {0}, lengths;
  for (const StoredDocument& document : documents) {
    groups.push_back(document.group);
    categories.push_back(document.category);
    indices.push_back(document.index);
    gold.push_back(document.choice_lengths.empty() ? -1 : document.gold);
    lengths.insert(lengths.end(), document.choice_lengths.begin(), document.choice_lengths.end());
    if (document.is_text()) lengths.push_back(0);
    offsets.push_back(static_cast<int64_t>(lengths.size()));
  }
  npz.add("document_group", groups);
  npz.add("document_category", categories);
  npz.add("document_index", indices);
  npz.add("document_gold", gold);
  npz.add("choice_offsets", offsets);
  npz.add("choice_lengths", lengths);
  if (std::ranges::none_of(documents, &StoredDocument::is_text)) return;
  std::vector<int64_t> words, bytes;
  for (const StoredDocument& document : documents) {
    words.push_back(document.words);
    bytes.push_back(document.bytes);
  }
  npz.add("document_words", words);
  npz.add("document_bytes", bytes);
}

void write_stats(NpzWriter& npz, const Shape& shape, const std::vector<StoredResult>& baseline) {
  std::vector<std::string> names;
  for (int i = 0; i < kStats; ++i) names.emplace_back(stat_name(static_cast<Stat>(i)));
  npz.add("stat_names", names);
  std::vector<int64_t> documents, numbers;
  for (const StoredResult& result : baseline) {
    for (size_t s = 0; s < result.stats.size(); ++s) {
      documents.push_back(result.document);
      numbers.push_back(static_cast<int64_t>(s));
    }
  }
  npz.add("sample_document", documents);
  npz.add("sample_number", numbers);
  npz.begin("stats", "<f4", std::array<int64_t, 4>{shape.samples, shape.layers, shape.heads, kStats});
  for (const StoredResult& result : baseline) {
    for (const SampleStats& stats : result.stats) npz.append(std::span<const HeadStats>(stats.values));
  }
  npz.end();
}

// A row an intervention; NaN where a document has no result yet.
void write_log_likelihoods(NpzWriter& npz, const Shape& shape, const StudyStore& store,
                           const std::vector<StoredDocument>& documents, int64_t interventions) {
  std::vector<size_t> offsets = {0};
  for (const StoredDocument& document : documents)
    offsets.push_back(offsets.back() + document.log_likelihoods());
  npz.begin("log_likelihoods", "<f4", std::array<int64_t, 2>{interventions, shape.choices});
  for (int64_t i = 0; i < interventions; ++i) {
    std::vector<float> row(static_cast<size_t>(shape.choices), std::numeric_limits<float>::quiet_NaN());
    for (const StoredResult& result : store.results(i, false)) {
      const auto at = static_cast<std::ptrdiff_t>(offsets[static_cast<size_t>(result.document)]);
      std::copy(result.log_likelihoods.begin(), result.log_likelihoods.end(), row.begin() + at);
    }
    npz.append(std::span<const float>(row));
  }
  npz.end();
}

void write_masks(NpzWriter& npz, const Shape& shape, const StudyStore& store, int64_t intervention) {
  const std::vector<StoredResult> results = store.results(intervention, false);
  std::vector<int64_t> documents, passes;
  for (const StoredResult& result : results) {
    documents.insert(documents.end(), result.masks.size(), result.document);
    passes.insert(passes.end(), result.passes.begin(), result.passes.end());
  }
  npz.begin(fmt::format("masks_{}", intervention), "|u1",
            std::array<int64_t, 3>{static_cast<int64_t>(documents.size()), shape.layers, shape.heads});
  for (const StoredResult& result : results) {
    for (const HeadMask& mask : result.masks) {
      for (int l = 0; l < mask.layers(); ++l) npz.append(mask.layer(l));
    }
  }
  npz.end();
  if (passes.empty()) return;  // one pass a sample
  npz.add(fmt::format("mask_document_{}", intervention), documents);
  npz.add(fmt::format("mask_passes_{}", intervention), passes);
}

}  // namespace

void export_npz(const StudyStore& store, const std::filesystem::path& file) {
  const std::vector<StoredDocument> documents = store.documents();
  std::vector<StoredIntervention> plan = store.plan();
  if (plan.empty()) plan.push_back({"", 0, "none"});
  std::vector<uint8_t> complete;
  for (const std::vector<bool>& done : store.done())
    complete.push_back(std::count(done.begin(), done.end(), false) == 0);
  complete.resize(plan.size());

  const HeadShape sizes = model_shape(store.settings());
  Shape shape = {sizes.layers(), sizes.heads(), 0, 0};
  for (const StoredDocument& document : documents)
    shape.choices += static_cast<int64_t>(document.log_likelihoods());
  const std::vector<StoredResult> baseline = store.results(0, true);
  for (const StoredResult& result : baseline) shape.samples += static_cast<int64_t>(result.stats.size());
  const auto interventions = static_cast<int64_t>(plan.size());

  NpzWriter npz(file);
  write_documents(npz, documents);
  write_interventions(npz, plan, complete);
  write_stats(npz, shape, baseline);
  write_log_likelihoods(npz, shape, store, documents, interventions);
  // Masks have the rows of the statistics, so they wait for all of these.
  for (int64_t i = 1; i < interventions && complete[0]; ++i) {
    if (complete[static_cast<size_t>(i)]) write_masks(npz, shape, store, i);
  }
  npz.finish();
}

}  // namespace idleheads
