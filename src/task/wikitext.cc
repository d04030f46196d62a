// WikiText-2 (raw): the perplexity of whole pages, put back into ordinary text (lm-evaluation-harness'
// detokenizer).
#include <algorithm>
#include <utility>

#include "base/mapped_file.h"
#include "task/dataset.h"
#include "task/formats.h"
#include "task/row_json.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

using Replacement = std::pair<std::string_view, std::string_view>;
constexpr Replacement kBeforeMarks[] = {{" @-@ ", "-"}, {" @,@ ", ","}, {" @.@ ", "."},
                                        {" : ", ": "},  {" ; ", "; "},  {" . ", ". "},
                                        {" ! ", "! "},  {" ? ", "? "},  {" , ", ", "}};
constexpr Replacement kAfterMarks[] = {{"= = = =", "===="},    {"= = =", "==="}, {"= =", "=="},
                                       {" \u00b0 ", "\u00b0"}, {" \n", "\n"},    {"\n ", "\n"},
                                       {" N ", " 1 "},         {" 's", "'s"}};

// What is between two marks loses its outer white space; from an opening mark to the next closing one.
void strip_between(std::string& text, char open, char close) {
  std::string out;
  size_t at = 0;
  for (;;) {
    const size_t begin = text.find(open, at);
    const size_t end = begin == text.npos ? begin : text.find(close, begin + 1);
    if (end == text.npos) break;
    out.append(text, at, begin - at) += open;
    out.append(strip(std::string_view(text).substr(begin + 1, end - begin - 1))) += close;
    at = end + 1;
  }
  text = out.append(text, at);
}

// The harness' expression for years, /' [0-9]/, needs the slashes and puts its own text in.
std::string replaced_years(std::string_view text) {
  std::string out;
  size_t at = 0;
  for (size_t found = 0; (found = text.find("/' ", found)) != text.npos;) {
    const bool matches =
        found + 4 < text.size() && text[found + 3] >= '0' && text[found + 3] <= '9' && text[found + 4] == '/';
    if (!matches) {
      ++found;
      continue;
    }
    out.append(text, at, found - at).append("/'[0-9]/");
    at = found += 5;
  }
  return out.append(text, at);
}

std::string detokenized(std::string_view page) {
  std::string text = replaced_years(replaced(page, "s '", "s'"));
  for (const auto& [from, to] : kBeforeMarks) text = replaced(text, from, to);
  for (const auto& [open, close] : {std::pair('(', ')'), {'[', ']'}, {'{', '}'}, {'"', '"'}, {'\'', '\''}})
    strip_between(text, open, close);
  for (const auto& [from, to] : kAfterMarks) text = replaced(text, from, to);
  return text;
}

// Pieces between runs of white space, empty ones at the ends counted: Python's len(re.split(r"\s+", text)).
int64_t count_words(std::string_view text) {
  int64_t words = 1;
  while (!text.empty()) {
    const size_t space = leading_space(text);
    words += space > 0;
    text.remove_prefix(space);
    while (!text.empty() && leading_space(text) == 0) text.remove_prefix(1);
  }
  return words;
}

Item to_item(const std::string& page) {
  Item item;
  item.text = item.target = detokenized(page);
  item.words = count_words(page);
  item.bytes = std::ssize(page);
  item.row = row_text({{"page", page}});
  return item;
}

bool is_heading(std::string_view line) {
  const std::string text = replaced(replaced(line, "= = =", "==="), "= =", "==");
  const std::string_view stripped = strip(text);
  return stripped.starts_with("= ") && stripped.ends_with(" =");
}

// A heading of the first level begins a page; what is before the first one is white space and left out.
std::vector<std::string> pages_of(std::string_view text) {
  std::vector<std::string> pages;
  std::string page;
  const auto finish = [&] {
    if (!strip(page).empty()) pages.push_back(std::move(page));
    page.clear();
  };
  bool first = true;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (is_heading(line)) {
      finish();
      first = true;
    }
    if (!first) page += '\n';
    page += line;
    first = false;
    at = end + 1;
  }
  finish();
  return pages;
}

LoadedItems load(const LoadRequest& request) {
  refuse_subjects(request.only, "wikitext");
  const DatasetSplit where = {
      {"EleutherAI/wikitext_document_level"}, "wikitext-2-raw-v1", "test", {"wiki.test.raw"}};
  ItemGroup group;
  group.group.name = "wikitext";
  const std::vector<fs::path> files = find_split(where, request.data);
  if (files.front().extension() == ".raw") {
    const std::string text = read_text_file(files.front());
    const std::string file = printable(files.front().string(), 300);
    if (const auto at = invalid_utf8_at(text)) fail("{}: byte {} is not UTF-8", file, *at);
    for (const std::string& page : pages_of(text)) group.items.push_back(to_item(page));
    if (group.items.empty()) fail("{}: no pages in the file", file);
  } else {
    for (const Row& row : read_split(where, request.data)) group.items.push_back(to_item(row.text("page")));
  }
  group.examples_file = "wikitext";
  return {{std::move(group)}, ""};
}

}  // namespace

TaskFormat wikitext_format() {
  TaskFormat format;
  format.name = "wikitext";
  format.version = "2.0";
  format.output = OutputType::loglikelihood_rolling;
  format.metrics = {Metric::word_perplexity, Metric::byte_perplexity, Metric::bits_per_byte};
  format.harness_config = [](const Group&) {
    return R"({"dataset_path": "EleutherAI/wikitext_document_level",
        "dataset_name": "wikitext-2-raw-v1", "dataset_kwargs": {"trust_remote_code": true},
        "training_split": "train", "validation_split": "validation", "test_split": "test",
        "doc_to_text": "", "doc_to_target": "<function>", "process_results": "<function>",
        "metric_list": [{"metric": "word_perplexity"}, {"metric": "byte_perplexity"},
                        {"metric": "bits_per_byte"}],
        "should_decontaminate": true, "doc_to_decontamination_query": "{{page}}"})";
  };
  format.load = load;
  return format;
}

}  // namespace idleheads
