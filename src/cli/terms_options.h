// Options for what heads must keep to count as inactive: --within, --confidence-level, --within-kl.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>

#include "idleheads/report/summary.h"

namespace idleheads::cli {

struct TermsFlags {
  double within = Terms{}.tolerance;
  double confidence_percent = 100 * Terms{}.confidence;
  std::optional<double> within_kl;

  void add_to(CLI::App& app);
  Terms terms() const { return {within, confidence_percent / 100, within_kl}; }
};

}  // namespace idleheads::cli
