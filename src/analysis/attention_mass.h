// Where a head's attention goes, as far as its mean weight on the first token and its mean entropy tell. Pure
// functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace idleheads {

enum class MassPlace {
  first_token,  // at least half of the weight
  few_tokens,   // not there, and the entropy is below half of what even weights would have
  many_tokens,  // not there, and it is not
};

// "first token", "few other tokens", "many tokens".
std::string_view name_of(MassPlace place);

// The mean over t of ln(t + 1), t = 0 .. tokens - 1: the entropy, in nats, of a head that weighs all tokens
// it sees evenly.
double even_entropy(int64_t tokens);

MassPlace mass_place(double first_weight, double entropy, double even_entropy);

}  // namespace idleheads
