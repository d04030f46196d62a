// What the values of options are checked by, with errors that say what was expected.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace idleheads::cli {

// One of these words in any case, for Option::transform(), which then has the word as it is spelled here.
// `hint` is what the error ends with for another word.
CLI::Validator one_of(const std::vector<std::string>& words,
                      const std::function<std::string(const std::string&)>& hint = {});

// A number from `least` to `most`, for Option::check().
CLI::Validator whole_number(int64_t least, int64_t most);
CLI::Validator number(double least, double most);
// A number above 0 and up to `most`.
CLI::Validator positive_number(double most);

}  // namespace idleheads::cli
