// What is said of a file that a command has written.
#pragma once

#include <string>
#include <string_view>

namespace idleheads::cli {

// To be made before the file is written, so that a file that was there is called replaced.
class OutputNote {
 public:
  explicit OutputNote(std::string path);
  bool replaces() const { return replaces_; }
  // "wrote page.html", "replaced mask.json: 31 heads"; with `more` behind.
  void say(std::string_view more = "") const;

 private:
  std::string path_;
  bool replaces_;
};

}  // namespace idleheads::cli
