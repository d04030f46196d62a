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
#include "format/json.h"

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

ProgressLine::ProgressLine(ProgressForm form)
    : form_(form == ProgressForm::line && variable_is("TQDM_DISABLE", "1") ? ProgressForm::none : form),
      redraws_(form == ProgressForm::line && isatty(STDERR_FILENO)) {}

ProgressLine::~ProgressLine() {
  if (drawn_) std::fputc('\n', stderr);
}

double ProgressLine::seconds_left(const Progress& progress, double elapsed) const {
  const double done = progress.done - first_;
  return done > 0 ? elapsed * (progress.total - progress.done) / done : 0;
}

std::string ProgressLine::line_of(const Progress& progress, double elapsed) const {
  const double share = progress.total > 0 ? progress.done / progress.total : 1;
  const auto filled = static_cast<size_t>(share * 20);
  std::string line = fmt::format("{}: {:3.0f}%|{:<20}| {:.0f}/{:.0f} [{}<{}]", phase_, 100 * share,
                                 std::string(filled, '#'), progress.done, progress.total, clock_time(elapsed),
                                 clock_time(seconds_left(progress, elapsed)));
  if (!progress.note.empty()) line += " " + progress.note;
  if (progress.sharing > 0) line += fmt::format(" sharing {:.1f}x", progress.sharing);
  if (progress.keeps)
    line += fmt::format(" stored {:.0f}, a kill loses {}", progress.stored, clock_time(progress.at_stake));
  return line;
}

std::string ProgressLine::json_of(const Progress& progress, double elapsed) const {
  OrderedJson json = {{"event", "progress"},     {"phase", phase_},       {"done", progress.done},
                      {"total", progress.total}, {"unit", progress.unit}, {"seconds", elapsed},
                      {"seconds_left", nullptr}};
  if (progress.done > first_) json["seconds_left"] = seconds_left(progress, elapsed);
  if (!progress.note.empty()) json["known"] = progress.note;
  if (progress.sharing > 0) json["sharing"] = progress.sharing;
  if (progress.keeps) {
    json["stored"] = progress.stored;
    json["seconds_not_stored"] = progress.at_stake;
  }
  return dump_ascii(json);
}

ProgressLine::Clock::duration ProgressLine::pause() const {
  using namespace std::chrono_literals;
  if (form_ == ProgressForm::json) return 1s;
  return redraws_ ? Clock::duration(100ms) : 30s;
}

void ProgressLine::update(const Progress& progress) {
  if (form_ == ProgressForm::none) return;
  const Clock::time_point now = Clock::now();
  if (progress.phase != phase_) {
    if (drawn_) std::fputc('\n', stderr);
    drawn_ = is_over_ = false;
    phase_ = progress.phase;
    phase_start_ = now;
    first_ = progress.stored;
    last_draw_ = redraws_ || form_ == ProgressForm::json ? Clock::time_point() : now;
  }
  // The end is drawn at once; in a log only where the phase was long enough to be in it.
  const bool is_end = progress.done >= progress.total && (redraws_ || form_ == ProgressForm::json);
  if (is_over_ || (now - last_draw_ < pause() && !is_end)) return;
  last_draw_ = now;
  const double elapsed = std::chrono::duration<double>(now - phase_start_).count();
  if (form_ == ProgressForm::json) {
    is_over_ = is_end;
    say("{}\n", json_of(progress, elapsed));
  } else if (redraws_) {
    const std::string line = line_of(progress, elapsed);
    // Blanks cover the end of a line that was longer.
    say("\r{:<{}}", line, drawn_length_);
    drawn_length_ = line.size();
    drawn_ = true;
  } else {
    say("{}\n", line_of(progress, elapsed));
  }
  std::fflush(stderr);
}

void ProgressLine::print(const std::string& line, const std::string& json) {
  if (form_ == ProgressForm::none) return;
  if (form_ == ProgressForm::json) return say("{}\n", json);
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
