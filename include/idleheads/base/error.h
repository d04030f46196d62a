// How idleheads reports failures.
//
// Error: something outside the program is wrong (a file, a flag, a model). The message is one line that says
// what is wrong, where (file, line, tensor, layer), what was expected and, where it helps, what to do.
// UsageError: the user asked for something that does not exist or does not fit together (exit code 2).
// Interrupted: the user stopped the run (exit code 130); what was finished is stored.
// OutOfMemory: a device has none left for what was asked; fewer rows at a time may fit.
// A bug of our own is not an Error: use assert or std::logic_error.
#pragma once

#include <stdexcept>

namespace idleheads {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class UsageError : public Error {
 public:
  using Error::Error;
};

class Interrupted : public Error {
 public:
  using Error::Error;
};

class OutOfMemory : public Error {
 public:
  using Error::Error;
};

}  // namespace idleheads
