#include "format/json.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <vector>

#include "base/fail.h"

namespace idleheads {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxShown = 160;  // bytes of the parser's message, which quotes the text it stopped at

// Walks over the text and tells where the parser stands, which its callback does not.
class TrackingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  TrackingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

class Parser {
 public:
  Parser(std::string_view text, std::string_view name, int64_t first_line)
      : text_(text), name_(name), first_line_(first_line), reached_(text.data()) {}

  Json parse() {
    const TrackingIterator begin(text_.data(), &reached_);
    const TrackingIterator end(text_.data() + text_.size(), &reached_);
    const auto callback = [this](int depth, Json::parse_event_t event, Json& value) {
      check(depth, event, value);
      return true;
    };
    try {
      return Json::parse(begin, end, callback);
    } catch (const Json::exception& e) {
      fail_here("not valid JSON: {}", printable(reason(e.what()), kMaxShown));
    }
  }

 private:
  void check(int depth, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= kMaxDepth) fail_here("JSON is nested deeper than {} levels", kMaxDepth);
      if (event == Event::object_start) keys_.emplace_back();
    } else if (event == Event::object_end) {
      keys_.pop_back();
    } else if (event == Event::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) fail_here("key \"{}\" is given twice", printable(key));
    }
  }

  // The library's message without its own prefix and position.
  static std::string_view reason(std::string_view what) {
    const auto skip_past = [&](std::string_view mark) {
      const size_t at = what.find(mark);
      if (at != std::string_view::npos) what.remove_prefix(at + mark.size());
    };
    skip_past("] ");
    if (what.starts_with("parse error")) skip_past(": ");
    return what;
  }

  template <typename... Args>
  [[noreturn]] void fail_here(fmt::format_string<Args...> format, Args&&... args) const {
    const int64_t line = first_line_ + std::count(text_.data(), reached_, '\n');
    fail("{}:{}: {}", printable(name_, 300), line, fmt::format(format, std::forward<Args>(args)...));
  }

  std::string_view text_;
  std::string_view name_;
  int64_t first_line_;
  const char* reached_;                                // behind the last character the parser took
  std::vector<std::unordered_set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

Json parse_json(std::string_view text, std::string_view name, int64_t first_line) {
  return Parser(text, name, first_line).parse();
}

std::string dump_json(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json(const OrderedJson& json, int indent) {
  return json.dump(indent, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string dump_ascii(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

std::string dump_ascii(const OrderedJson& json) {
  return json.dump(-1, ' ', true, OrderedJson::error_handler_t::replace);
}

}  // namespace idleheads
