#include "cli/terms_options.h"

#include "cli/command_tree.h"
#include "cli/values.h"

namespace idleheads::cli {

void TermsFlags::add_to(CLI::App& app) {
  begin_group(app, "What counts as inactive");
  app.add_option("--within", within,
                 "points that the metric may lose while heads count as inactive (perplexities: percent)")
      ->check(positive_number(100))
      ->capture_default_str();
  app.add_option("--confidence-level", confidence_percent,
                 "of what is said of other questions, in percent, for all scores together")
      ->check(number(50, 99.9999))
      ->capture_default_str();
  app.add_option("--within-kl", within_kl,
                 "what decides how much is sure, instead of --within: a mean KL divergence of the answers' "
                 "distribution, in nats")
      ->check(positive_number(1e6));
}

}  // namespace idleheads::cli
