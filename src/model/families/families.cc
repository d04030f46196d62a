#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "base/fail.h"
#include "model/families/family.h"
#include "model/families/unsupported.h"

namespace idleheads {
namespace {

// In the order in which messages list them.
constexpr std::array kFamilies = {&kLlama,      &kQwen2,  &kQwen3,   &kQwen3Moe, &kGemma,   &kGemma2,
                                  &kGemma3Text, &kGemma3, &kMistral, &kMixtral,  &kGptOss,  &kOlmo,
                                  &kOlmo2,      &kOlmo3,  &kOlmoe,   &kPhi,      &kPhi3,    &kSmolLm3,
                                  &kGranite,    &kCohere, &kCohere2, &kGlm4,     &kExaone4, &kStarcoder2,
                                  &kStableLm,   &kFalcon, &kGptNeox, &kGpt2,     &kDeci};

// Of those that have a `reader` for such checkpoints.
template <typename Reader>
const Family& require_family(std::string_view Family::*key, Reader Family::*reader, std::string_view value,
                             std::string_view source) {
  std::vector<std::string_view> known;
  for (const Family* family : kFamilies) {
    if (family->*reader == nullptr) continue;
    if (family->*key == value) return *family;
    known.push_back(family->*key);
  }
  if (const std::string_view why = why_unsupported(value); !why.empty())
    fail("{}: model family '{}' is not supported: {}", source, value, why);
  fail("{}: model family '{}' is not supported; supported: {}", source, printable(value),
       fmt::join(known, ", "));
}

}  // namespace

std::span<const Family* const> families() { return kFamilies; }

const Family& family_of_json(std::string_view model_type, std::string_view source) {
  return require_family(&Family::name, &Family::read_json, model_type, source);
}

const Family& family_of_gguf(std::string_view architecture, std::string_view source) {
  return require_family(&Family::gguf, &Family::read_gguf, architecture, source);
}

const Family& family_named(std::string_view name) {
  const auto found = std::ranges::find(kFamilies, name, [](const Family* family) { return family->name; });
  if (found == kFamilies.end()) throw std::logic_error("a family that is not registered");
  return **found;
}

}  // namespace idleheads
