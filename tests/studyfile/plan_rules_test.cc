// Rules in a study's plan come from its file: what is wrong with them is no mistake of usage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "idleheads/base/error.h"
#include "studyfile/store_check.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refused(const std::string& rule) {
  try {
    rule_of({"ahon_ln", 0.1, rule});
  } catch (const UsageError& error) {
    return std::string("usage: ") + error.what();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(PlanRules, KnownOnesAreRead) {
  EXPECT_EQ(to_string(rule_of({"ahon_ln", 0.1, "ahon_ln<0.52"})), "ahon_ln<0.52");
  EXPECT_EQ(refused("none"), "no error");
}

TEST(PlanRules, OthersAreAFaultOfTheFile) {
  for (const char* rule : {"entropy_of_tomorrow<0.5", "ahon_ln>0.5", "ahon_ln@10%", "ahon_ln<", "", "L0"}) {
    EXPECT_THAT(refused(rule), AllOf(HasSubstr("study: its plan has a rule that is not understood"),
                                     testing::Not(HasSubstr("usage:"))))
        << rule;
  }
}

}  // namespace
}  // namespace idleheads
