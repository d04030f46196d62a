// Reads PDF files of ours as a viewer does: from the end, by the table of their objects.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace idleheads {

class PdfReader {
 public:
  explicit PdfReader(const std::string& bytes) : bytes_(bytes) { read(); }

  // Empty if everything is where the file says.
  const std::string& problem() const { return problem_; }
  const std::string& object(int number) const { return objects_.at(number); }
  size_t objects() const { return objects_.size(); }

  // The operators of the page.
  std::string stream() const {
    for (const auto& [number, object] : objects_) {
      const size_t begin = object.find("stream\n");
      if (begin != std::string::npos) return object.substr(begin + 7, object.rfind("endstream") - begin - 7);
    }
    return "";
  }

  // What is shown, in the font's encoding, without escapes.
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    const std::string page = stream();
    for (size_t at = 0; (at = page.find(" Tm (", at)) != std::string::npos;)
      out.push_back(literal(page, at += 5));
    return out;
  }

  // What is read of texts that the font cannot show: UTF-16 in hexadecimal.
  std::vector<std::string> actual_texts() const {
    std::vector<std::string> out;
    const std::string page = stream();
    for (size_t at = 0; (at = page.find("/ActualText <FEFF", at)) != std::string::npos;) {
      at += 17;
      out.push_back(page.substr(at, page.find('>', at) - at));
    }
    return out;
  }

 private:
  void complain(const std::string& what) {
    if (problem_.empty()) problem_ = what;
  }
  static std::string literal(const std::string& page, size_t at) {
    std::string out;
    for (; page[at] != ')'; ++at) {
      if (page[at] != '\\') {
        out += page[at];
      } else if (page[at + 1] >= '0' && page[at + 1] <= '7') {
        out += static_cast<char>(std::stoi(page.substr(at + 1, 3), nullptr, 8));
        at += 3;
      } else {
        out += page[++at];
      }
    }
    return out;
  }

  void read() {
    if (!bytes_.starts_with("%PDF-1.4\n")) complain("no header");
    if (!bytes_.ends_with("\n%%EOF\n")) complain("no end");
    const size_t start = bytes_.rfind("startxref\n");
    if (start == std::string::npos) return complain("no startxref");
    size_t at = std::stoul(bytes_.substr(start + 10));
    if (bytes_.compare(at, 7, "xref\n0 ") != 0) return complain("no table where startxref says");
    const size_t count = std::stoul(bytes_.substr(at + 7));
    at = bytes_.find('\n', at + 7) + 1;
    for (size_t i = 0; i < count; ++i, at += 20) {
      const std::string entry = bytes_.substr(at, 20);
      if (entry.substr(10) != (i == 0 ? " 65535 f \n" : " 00000 n \n")) return complain("entry " + entry);
      if (i > 0) read_object(static_cast<int>(i), std::stoul(entry));
    }
    if (bytes_.compare(at, 8, "trailer\n") != 0) complain("no trailer behind the table");
    if (bytes_.find("/Size " + std::to_string(count) + " ", at) == std::string::npos)
      complain("another size");
    if (bytes_.find("/Root 1 0 R", at) == std::string::npos) complain("no root");
  }
  void read_object(int number, size_t at) {
    const std::string begin = std::to_string(number) + " 0 obj\n";
    if (bytes_.compare(at, begin.size(), begin) != 0) return complain("object " + begin);
    const size_t end = bytes_.find("\nendobj\n", at);
    std::string& object = objects_[number] = bytes_.substr(at + begin.size(), end - at - begin.size());
    if (const size_t length = object.find("/Length "); length != std::string::npos) {
      const size_t stated = std::stoul(object.substr(length + 8));
      const size_t from = object.find("stream\n") + 7;
      if (object.substr(from + stated) != "endstream") complain("another length of the stream");
    }
  }

  std::string bytes_, problem_;
  std::map<int, std::string> objects_;
};

}  // namespace idleheads
