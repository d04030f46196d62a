// Whether text is well-formed XML, of the parts of XML that our files use: one element with elements and text
// in it.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"

namespace idleheads {

class XmlCheck {
 public:
  explicit XmlCheck(std::string_view text) : text_(text) {}

  // Empty if the text is well-formed, else what is wrong and where.
  std::string error() {
    check_characters();
    while (problem_.empty() && at_ < text_.size()) {
      if (text_[at_] == '<') {
        take_tag();
      } else {
        take_text();
      }
    }
    if (problem_.empty() && (!open_.empty() || elements_ == 0)) complain("the root element does not end");
    return problem_;
  }
  int elements() const { return elements_; }

 private:
  void complain(const std::string& what) {
    if (problem_.empty()) problem_ = what + " at byte " + std::to_string(at_);
  }

  // UTF-8 without control characters and without U+FFFE and U+FFFF.
  void check_characters() {
    std::string one_line(text_);
    std::replace(one_line.begin(), one_line.end(), '\n', ' ');
    const bool fits = printable(one_line, one_line.size()) == one_line &&
                      text_.find("\xef\xbf\xbe") == std::string_view::npos &&
                      text_.find("\xef\xbf\xbf") == std::string_view::npos;
    if (!fits) complain("characters that XML does not have");
  }

  bool skip(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  bool skip_spaces() {
    const size_t before = at_;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ > before;
  }

  std::string take_name() {
    constexpr std::string_view kNames = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:_";
    const size_t end = std::min(text_.find_first_not_of(kNames, at_), text_.size());
    const std::string name(text_.substr(at_, end - at_));
    at_ = end;
    if (name.empty() || (name[0] >= '0' && name[0] <= '9') || name[0] == '-') complain("no name");
    return name;
  }

  // Up to `end`: "<" must not stand in it, and "&" begins one of the five entities.
  void check_escapes(size_t end) {
    for (; at_ < end && problem_.empty(); ++at_) {
      if (text_[at_] == '<') complain("'<'");
      if (text_[at_] != '&') continue;
      const std::string_view rest = text_.substr(at_, end - at_);
      const bool known = rest.starts_with("&lt;") || rest.starts_with("&gt;") || rest.starts_with("&amp;") ||
                         rest.starts_with("&quot;") || rest.starts_with("&apos;");
      if (!known) complain("'&'");
    }
  }

  void take_text() {
    const size_t end = std::min(text_.find('<', at_), text_.size());
    const std::string_view text = text_.substr(at_, end - at_);
    if (open_.empty() && text.find_first_not_of(" \n") != std::string_view::npos) complain("text outside");
    if (text.find("]]>") != std::string_view::npos) complain("']]>'");
    check_escapes(end);
  }

  void take_tag() {
    if (skip("</")) {
      const std::string name = take_name();
      if (open_.empty() || open_.back() != name) return complain("</" + name + ">");
      open_.pop_back();
      if (!skip(">")) complain("no '>'");
      return;
    }
    if (!skip("<")) return complain("no tag");
    if (open_.empty() && elements_ > 0) return complain("a second root");
    open_.push_back(take_name());
    ++elements_;
    std::set<std::string> attributes;
    while (problem_.empty() && skip_spaces() && at_ < text_.size() && text_[at_] != '>' &&
           text_[at_] != '/') {
      if (!attributes.insert(take_name()).second) complain("attribute given twice");
      if (!skip("=\"")) return complain("attribute without value in quotes");
      const size_t end = text_.find('"', at_);
      if (end == std::string_view::npos) return complain("attribute does not end");
      check_escapes(end);
      ++at_;
    }
    if (!problem_.empty()) return;
    if (skip("/>")) return open_.pop_back();
    if (!skip(">")) complain("tag does not end");
  }

  std::string_view text_;
  size_t at_ = 0;
  int elements_ = 0;
  std::vector<std::string> open_;
  std::string problem_;
};

inline std::string xml_error(std::string_view text) { return XmlCheck(text).error(); }

}  // namespace idleheads
