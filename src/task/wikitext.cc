// WikiText-2 (raw): the perplexity of whole pages, put back into ordinary text (lm-evaluation-harness'
// detokenizer).
#include <algorithm>
#include <utility>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "strings/regex.h"
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

std::string detokenized(std::string_view page) {
  // The harness' expression for years needs the slashes and puts its own text in.
  static const Regex years("/' [0-9]/");
  // What is between two marks loses its outer white space.
  static const std::pair<Regex, std::string_view> marks[] = {{Regex(R"(\(\s*([^\)]*?)\s*\))"), R"((\1))"},
                                                             {Regex(R"(\[\s*([^\]]*?)\s*\])"), R"([\1])"},
                                                             {Regex(R"(\{\s*([^}]*?)\s*\})"), R"({\1})"},
                                                             {Regex(R"("\s*([^"]*?)\s*")"), R"("\1")"},
                                                             {Regex(R"('\s*([^']*?)\s*')"), R"('\1')"}};
  std::string text = years.replaced(replaced(page, "s '", "s'"), "/'[0-9]/");
  for (const auto& [from, to] : kBeforeMarks) text = replaced(text, from, to);
  for (const auto& [mark, to] : marks) text = mark.replaced(text, to);
  for (const auto& [from, to] : kAfterMarks) text = replaced(text, from, to);
  return text;
}

Item page_item(const std::string& page) {
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

DatasetSplit test_split() {
  DatasetSplit split = {
      {"EleutherAI/wikitext_document_level"}, "wikitext-2-raw-v1", "test", {"wiki.test.raw"}, {"page"}};
  split.task = "wikitext";
  return split;
}

LoadedItems load_wikitext(const LoadRequest& request) {
  refuse_subjects(request.only, "wikitext");
  const DatasetSplit where = test_split();
  ItemGroup group;
  group.group.name = "wikitext";
  const std::vector<fs::path> files = find_split(where, request.data);
  if (files.front().extension() == ".raw") {
    const std::string text = read_text_file(files.front());
    const std::string file = shown_path(files.front());
    if (const auto at = invalid_utf8_at(text)) fail("{}: byte {} is not UTF-8", file, *at);
    for (const std::string& page : pages_of(text)) group.items.push_back(page_item(page));
    if (group.items.empty()) fail("{}: no pages in the file", file);
  } else {
    for (const Row& row : read_split(where, request.data)) group.items.push_back(page_item(row.text("page")));
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
  format.splits = {test_split()};
  format.load = load_wikitext;
  return format;
}

}  // namespace idleheads
