// What the command line knows of its terminal: width, colour, and a progress line on stderr.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "idleheads/base/progress.h"
#include "idleheads/report/heatmap.h"

namespace idleheads::cli {

// Colours that stdout shows: none unless it is a terminal, not TERM=dumb, and neither NO_COLOR nor
// CLICOLOR=0 is set.
ColorDepth color_depth();

// Prints to stderr. That nobody can read it (closed, disk full) is no reason to fail.
template <typename... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

// Columns that COLUMNS says, or those of the terminal on stdout, or else `otherwise`; 40 at least.
int terminal_width(int otherwise = 100);

// Prints text with names or prompts of strangers in it: exactly as it is into a file or pipe, and without
// what moves or turns text (base/utf8.h: terminal_safe) onto a terminal.
void print_foreign(std::string_view text);

// How --progress is shown. json: a JSON object a line, once a second (docs/export_format.md).
enum class ProgressForm { line, json, none };

// A line like tqdm's, "baseline:  42%|####      | 63/150 [00:12<00:17]", redrawn at most ten times a second;
// where stderr is no terminal, a line of its own every 30 seconds. Silent if TQDM_DISABLE=1.
class ProgressLine {
 public:
  explicit ProgressLine(ProgressForm form = ProgressForm::line);
  ~ProgressLine();  // ends the line
  void update(const Progress& progress);
  // A line that stays, above the progress; among JSON the object instead.
  void print(const std::string& line, const std::string& json);

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_left(const Progress& progress, double elapsed) const;
  std::string line_of(const Progress& progress, double elapsed) const;
  std::string json_of(const Progress& progress, double elapsed) const;
  Clock::duration pause() const;  // between two lines

  ProgressForm form_;
  bool redraws_;
  bool drawn_ = false, is_over_ = false;  // the phase
  size_t drawn_length_ = 0;
  std::string phase_;
  double first_ = 0;  // done when the phase began
  Clock::time_point phase_start_, last_draw_;
};

// Draws the line and says whether to go on: the callback for all long work. The line must outlive it.
ProgressCallback progress_on(ProgressLine& line);

}  // namespace idleheads::cli
