// Errors by their message.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "idleheads/base/error.h"

namespace idleheads::test {

// The message of the E that `body` throws, which is one line; "no error" if it throws none.
template <typename E = Error, typename Body>
std::string error_of(Body&& body) {
  try {
    std::forward<Body>(body)();
  } catch (const E& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << "more than one line: " << message;
    return message;
  }
  return "no error";
}

}  // namespace idleheads::test
