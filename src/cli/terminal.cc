#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "cli/process.h"

namespace idleheads::cli {
namespace {

bool variable_is(const char* name, std::string_view value) {
  const char* found = std::getenv(name);
  return found != nullptr && found == value;
}

std::string clock_time(double seconds) {
  const auto total = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e6));
  if (total >= 3600) return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{:02}:{:02}", total / 60, total % 60);
}

}  // namespace

ColorDepth color_depth() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = (no_color != nullptr && *no_color != '\0') || variable_is("CLICOLOR", "0");
  if (refused || variable_is("TERM", "dumb") || !isatty(STDOUT_FILENO)) return ColorDepth::none;
  const bool full = variable_is("COLORTERM", "truecolor") || variable_is("COLORTERM", "24bit");
  return full ? ColorDepth::full : ColorDepth::indexed;
}

int terminal_width(int otherwise) {
  constexpr int kLeast = 40, kMost = 10'000;
  if (const char* columns = std::getenv("COLUMNS")) {
    if (const int width = std::atoi(columns); width > 0) return std::clamp(width, kLeast, kMost);
  }
  winsize size = {};
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::max<int>(kLeast, size.ws_col);
  return otherwise;
}

void print_foreign(std::string_view text) {
  if (isatty(STDOUT_FILENO)) {
    fmt::print("{}", terminal_safe(text));
  } else {
    fmt::print("{}", text);
  }
}

ProgressLine::ProgressLine(bool enabled)
    : enabled_(enabled && !variable_is("TQDM_DISABLE", "1")), redraws_(isatty(STDERR_FILENO)) {}

ProgressLine::~ProgressLine() {
  if (drawn_) std::fputc('\n', stderr);
}

std::string ProgressLine::line_of(const Progress& progress, Clock::time_point now) const {
  const double share = progress.total > 0 ? progress.done / progress.total : 1;
  const double elapsed = std::chrono::duration<double>(now - phase_start_).count();
  const double done = progress.done - first_;
  const double left = done > 0 ? elapsed * (progress.total - progress.done) / done : 0;
  const auto filled = static_cast<size_t>(share * 20);
  std::string line =
      fmt::format("{}: {:3.0f}%|{:<20}| {:.0f}/{:.0f} [{}<{}]", phase_, 100 * share, std::string(filled, '#'),
                  progress.done, progress.total, clock_time(elapsed), clock_time(left));
  if (!progress.note.empty()) line += " " + progress.note;
  if (progress.sharing > 0) line += fmt::format(" sharing {:.1f}x", progress.sharing);
  if (progress.keeps)
    line += fmt::format(" stored {:.0f}, a kill loses {}", progress.stored, clock_time(progress.at_stake));
  return line;
}

void ProgressLine::update(const Progress& progress) {
  using namespace std::chrono_literals;
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  if (progress.phase != phase_) {
    if (drawn_) std::fputc('\n', stderr);
    drawn_ = false;
    phase_ = progress.phase;
    phase_start_ = now;
    first_ = progress.stored;
    if (!redraws_) last_draw_ = now;
  }
  const bool is_end = redraws_ && progress.done >= progress.total;
  if (now - last_draw_ < (redraws_ ? 100ms : 30s) && !is_end) return;
  last_draw_ = now;
  const std::string line = line_of(progress, now);
  if (redraws_) {
    // Blanks cover the end of a line that was longer.
    say("\r{:<{}}", line, drawn_length_);
    drawn_length_ = line.size();
    drawn_ = true;
  } else {
    say("{}\n", line);
  }
  std::fflush(stderr);
}

void ProgressLine::print(const std::string& line) {
  if (!enabled_) return;
  say("{}{:<{}}\n", drawn_ ? "\r" : "", line, drawn_ ? drawn_length_ : 0);
  drawn_ = false;
  drawn_length_ = 0;
  last_draw_ = {};
}

ProgressCallback progress_on(ProgressLine& line) {
  return [&line](const Progress& progress) {
    line.update(progress);
    return !interrupted();
  };
}

}  // namespace idleheads::cli
