// What shells complete, and the manual page, are made of the commands themselves.
#include <cstdio>
#include <memory>

#include "cli/cli_fixture.h"

namespace idleheads {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string printed(std::vector<std::string> arguments) {
  const Outcome outcome = run_idleheads(arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return outcome.out;
}

class Completion : public Cli {
 protected:
  // What bash offers for the last of the words.
  std::string offered(const std::string& words) {
    write_file(output("complete.bash"), printed({"completion", "bash"}));
    write_file(output("ask.bash"),
               "cd " + folder_.path().string() + "; source complete.bash\nCOMP_WORDS=(idleheads " + words +
                   ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_idleheads\n" + "echo \"${COMPREPLY[@]}\"\n");
    const std::unique_ptr<FILE, int (*)(FILE*)> bash(popen(("bash " + output("ask.bash")).c_str(), "r"),
                                                     pclose);
    std::string out;
    for (int c; (c = std::fgetc(bash.get())) != EOF;) out += static_cast<char>(c);
    return out;
  }
};

TEST_F(Completion, OfBash) {
  EXPECT_EQ(offered("st"), "study\n");
  EXPECT_EQ(offered("study --sta"), "--static\n");
  EXPECT_EQ(offered("study --task hella"), "hellaswag\n");
  EXPECT_EQ(offered("mask --score ahon_"), "ahon_ln\n");
  EXPECT_EQ(offered("eval --bos ''"), "auto always never\n");
  EXPECT_EQ(offered("prune --requantise ''"), "F16 Q8_0\n");
  EXPECT_EQ(offered("show complete.b"), "complete.bash\n") << "files";
  EXPECT_EQ(offered("fetch ''"), "model task\n");
  EXPECT_EQ(offered("fetch --rev"), "--revision\n");
  EXPECT_EQ(offered("completion z"), "zsh\n");
  EXPECT_EQ(offered("report a.db --watch --with"), "--within --within-kl\n") << "its value may be left out";
  EXPECT_EQ(offered("report a.db --watch ''"), "\n");
}

TEST_F(Completion, OfOtherShells) {
  EXPECT_THAT(printed({"completion", "fish"}),
              AllOf(HasSubstr("complete -c idleheads -n __fish_use_subcommand -f -a study -d "),
                    HasSubstr("from eval' -l bos -x -a 'auto always never'"),
                    HasSubstr("from fetch' -f -a 'model task'"), HasSubstr("from report' -l watch -d "),
                    HasSubstr("from report' -l output -s o -r -d ")));
  EXPECT_THAT(printed({"completion", "zsh"}),
              AllOf(HasSubstr("#compdef idleheads"), HasSubstr("'paper:the paper'\\''s 14 models'"),
                    HasSubstr("'*--bos[BOS token first]:TEXT:(auto always never)'"),
                    HasSubstr("':WHAT:(model task)'"), HasSubstr("'*:NAMES:_files'"),
                    HasSubstr("'*--shots[examples before each question]:N: '"), HasSubstr("::[SECONDS]: '"),
                    HasSubstr("'*--output[the page]:FILE:_files'")));
  expect_failure(run_idleheads({"completion", "tcsh"}), 2, "tcsh");
}

TEST_F(Completion, ManualPage) {
  const std::string page = printed({"man"});
  EXPECT_THAT(page, AllOf(HasSubstr(".TH IDLEHEADS 1"),
                          HasSubstr("\n.SS study\n.B idleheads study MODEL \\-\\-task T [options]\n"),
                          HasSubstr("\n\\fB\\-\\-output\\fR, \\fB\\-o\\fR \\fIFILE\\fR\n"),
                          HasSubstr("\n.SS man\n")));
  EXPECT_THAT(page, Not(HasSubstr("\\-\\-help")));
  for (const char* command : {"info", "fetch", "study", "score", "merge", "eval", "prompts", "probe", "show",
                              "mask", "prune", "export", "report", "compare", "paper"})
    EXPECT_THAT(page, HasSubstr(fmt::format("\n.SS {}\n", command)));
}

}  // namespace
}  // namespace idleheads
