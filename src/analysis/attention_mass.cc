#include "analysis/attention_mass.h"

#include <cmath>

namespace idleheads {

std::string_view name_of(MassPlace place) {
  switch (place) {
    case MassPlace::first_token:
      return "first token";
    case MassPlace::few_tokens:
      return "few other tokens";
    case MassPlace::many_tokens:
      return "many tokens";
  }
  return "";
}

double even_entropy(int64_t tokens) {
  if (tokens <= 0) return 0;
  return std::lgamma(static_cast<double>(tokens) + 1) / static_cast<double>(tokens);
}

MassPlace mass_place(double first_weight, double entropy, double even_entropy) {
  if (first_weight >= 0.5) return MassPlace::first_token;
  return entropy < even_entropy / 2 ? MassPlace::few_tokens : MassPlace::many_tokens;
}

}  // namespace idleheads
