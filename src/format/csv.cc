#include "format/csv.h"

#include <algorithm>

#include "base/fail.h"
#include "base/utf8.h"

namespace idleheads {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      if (take_line_break()) continue;
      rows.push_back(row());
    }
    return rows;
  }

 private:
  CsvRow row() {
    CsvRow row;
    row.line = line_;
    do {
      row.fields.push_back(field());
    } while (take(','));
    take_line_break();
    return row;
  }

  // A field may go on without quotes after its closing quote: "a"b is ab. A quote after other text is only a
  // quote.
  std::string field() {
    std::string out;
    if (take('"')) quoted(out);
    const size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    out += text_.substr(at_, end - at_);
    at_ = end;
    return out;
  }

  void quoted(std::string& out) {
    const int64_t opened = line_;
    while (true) {
      const size_t end = text_.find('"', at_);
      if (end == text_.npos) fail("{}:{}: a quote opens here and is never closed", name_, opened);
      while (at_ < end) {
        const size_t begin = at_;
        if (!take_line_break()) ++at_;
        out += text_.substr(begin, at_ - begin);
      }
      ++at_;
      if (!take('"')) return;
      out += '"';
    }
  }

  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // \n, \r\n or \r.
  bool take_line_break() {
    const bool carriage_return = take('\r');
    const bool line_feed = take('\n');
    line_ += carriage_return || line_feed;
    return carriage_return || line_feed;
  }

  std::string_view text_;
  std::string_view name_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view name) {
  if (const auto bad = invalid_utf8_at(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    fail("{}:{}: byte {} of the file is not UTF-8", name, line, *bad);
  }
  return CsvReader(text, name).rows();
}

}  // namespace idleheads
