#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/exact_match.h"
#include "idleheads/studyfile/answers.h"
#include "report/harness/harness_names.h"
#include "strings/digest.h"

namespace idleheads {
namespace {

// A float as Python writes it.
std::string python_float(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

OrderedJson arguments_json(const HarnessTask& task, const HarnessSample& sample) {
  OrderedJson out = OrderedJson::object();
  for (size_t i = 0; i < sample.requests.size(); ++i) {
    const HarnessSample::Request& request = sample.requests[i];
    OrderedJson& entry = out[fmt::format("gen_args_{}", i)];
    entry["arg_0"] = request.context;
    if (request.continuation) entry["arg_1"] = *request.continuation;
    if (sample.document->reference) entry["arg_1"] = generation_json(task);
  }
  return out;
}

// One a request: a log-likelihood with whether its tokens are the likeliest, a log-likelihood alone, or a
// text.
OrderedJson responses_json(const HarnessSample& sample) {
  const StoredResult& result = *sample.result;
  OrderedJson out = OrderedJson::array();
  if (sample.document->reference) out.push_back(result.response);
  for (size_t j = 0; j < result.log_likelihoods.size(); ++j) {
    const std::string value = python_float(result.log_likelihoods[j]);
    if (sample.document->is_text()) {
      out.push_back(value);
    } else {
      const bool greedy = j < result.greedy.size() && result.greedy[j] != 0;
      out.push_back(OrderedJson::array({value, greedy ? "True" : "False"}));
    }
  }
  return out;
}

OrderedJson filtered_json(const HarnessSample& sample, std::string_view filter) {
  if (filter == metric_info(Metric::exact_match_strict).filter)
    return OrderedJson::array({strict_match(sample.result->response)});
  if (filter == metric_info(Metric::exact_match_flexible).filter)
    return OrderedJson::array({flexible_extract(sample.result->response)});
  return responses_json(sample);
}

void add_metrics(OrderedJson& line, const HarnessTask& task, const HarnessSample& sample,
                 std::string_view filter) {
  for (const Contribution& contribution : contributions_of(*sample.document, *sample.result)) {
    const MetricInfo& info = metric_info(contribution.metric);
    if (info.filter != filter || std::ranges::count(task.metrics, contribution.metric) == 0) continue;
    line[std::string(info.name)] = info.is_share
                                       ? OrderedJson(contribution.value)
                                       : OrderedJson::array({contribution.value, contribution.size});
  }
}

}  // namespace

std::vector<std::string> harness_filters(const HarnessTask& task) {
  std::vector<std::string> filters;
  for (const Metric metric : task.metrics) {
    const std::string filter(metric_info(metric).filter);
    if (std::ranges::find(filters, filter) == filters.end()) filters.push_back(filter);
  }
  return filters;
}

HarnessSampleFile::HarnessSampleFile(const HarnessTask& task, const std::filesystem::path& path)
    : task_(task), file_(path) {}

void HarnessSampleFile::add(const HarnessSample& sample, std::string_view filter) {
  const OrderedJson responses = responses_json(sample);
  const OrderedJson row = OrderedJson::parse(sample.row, nullptr, false);
  OrderedJson line = {
      {"doc_id", sample.number},       {"doc", row.is_discarded() ? OrderedJson::object() : row},
      {"target", sample.target},       {"arguments", arguments_json(task_, sample)},
      {"resps", OrderedJson::array()}, {"filtered_resps", filtered_json(sample, filter)}};
  for (const OrderedJson& response : responses) line["resps"].push_back(OrderedJson::array({response}));
  const std::string doc_hash = sha256(dump_json(line["doc"], 2));
  const std::string prompt_hash = sha256(sample.requests.empty() ? "" : sample.requests[0].context);
  const std::string target_hash = sha256(sample.target);
  line["doc_hash"] = doc_hash;
  line["prompt_hash"] = prompt_hash;
  line["target_hash"] = target_hash;
  add_metrics(line, task_, sample, filter);
  hashes_ += doc_hash + prompt_hash + target_hash;
  file_.write(dump_json(line) + "\n");
}

std::string HarnessSampleFile::finish() {
  file_.commit();
  return sha256(hashes_);
}

}  // namespace idleheads
