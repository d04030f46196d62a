// Throwing the errors of base/error.h.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "idleheads/base/error.h"

namespace idleheads {

// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

// Throws UsageError with a formatted message.
template <typename... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

// A name from a file as it may be shown in a message: controls (base/utf8.h) and bytes that are not UTF-8
// replaced by '?', cut to `limit` bytes with "..." behind.
std::string printable(std::string_view name, size_t limit = 80);
// A path in the same way, with room for a long one.
std::string shown_path(const std::filesystem::path& path);

}  // namespace idleheads
