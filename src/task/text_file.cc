// A text of one's own: its perplexity, in pieces of some paragraphs.
#include <algorithm>
#include <utility>

#include "base/fail.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "task/formats.h"
#include "task/row_json.h"
#include "task/task_file.h"
#include "task/unicode.h"

namespace idleheads {
namespace {

// Pieces are what bounds on a loss are computed over, so that there should be some of them; but each begins
// without what was before it.
constexpr int64_t kPieceWords = 300;

// The next paragraph with the blank lines behind it; `text` becomes the rest.
std::string_view take_paragraph(std::string_view& text) {
  bool is_in_blank_lines = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const bool is_blank = strip(text.substr(at, end - at)).empty();
    if (is_in_blank_lines && !is_blank) {
      const std::string_view paragraph = text.substr(0, at);
      text.remove_prefix(at);
      return paragraph;
    }
    is_in_blank_lines = is_blank;
    at = end;
  }
  return std::exchange(text, {});
}

Item to_item(std::string_view piece) {
  Item item;
  item.text = item.target = piece;
  item.words = count_words(piece);
  item.bytes = std::ssize(piece);
  item.row = row_text({{"text", item.text}});
  return item;
}

// Whole paragraphs, at least kPieceWords of words; the last piece has what is left.
std::vector<Item> pieces_of(std::string_view text) {
  std::vector<Item> items;
  while (!text.empty()) {
    const std::string_view all = text;
    int64_t words = 0;
    while (!text.empty() && words < kPieceWords) words += count_words(strip(take_paragraph(text)));
    const std::string_view piece = strip(all.substr(0, all.size() - text.size()));
    if (!piece.empty()) items.push_back(to_item(piece));
  }
  return items;
}

LoadedItems load_text_file(const LoadRequest& request) {
  const std::string file = shown_path(request.data);
  LoadedItems loaded;
  loaded.name = label_of(request.data, "text");
  refuse_subjects(request.only, loaded.name);
  const std::string text = read_text_file(request.data);
  if (const auto at = invalid_utf8_at(text)) fail("{}: byte {} is not UTF-8", file, *at);
  ItemGroup group;
  group.group.name = loaded.name;
  group.items = pieces_of(text);
  if (group.items.empty()) fail("{}: there is no text in it", file);
  loaded.groups.push_back(std::move(group));
  return loaded;
}

}  // namespace

TaskFormat text_file_format() {
  TaskFormat format;
  format.name = "text";
  format.version = "1";
  format.output = OutputType::loglikelihood_rolling;
  format.metrics = {Metric::word_perplexity, Metric::byte_perplexity, Metric::bits_per_byte};
  format.data_needed = "a text file (UTF-8)";
  format.load = load_text_file;
  return format;
}

}  // namespace idleheads
