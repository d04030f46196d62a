// Templates of tests/data/chat against what Jinja2 gave (tools/compare_chat_templates.py): the constructs
// that templates use, and templates built as published ones are. What is refused instead is listed here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/fail.h"
#include "format/json.h"
#include "idleheads/model/chat_template.h"
#include "model/jsonl.h"

namespace idleheads {
namespace {

using test::data_path;

// Jinja2 renders these, and the program says that they are not supported: objects that Python prints with an
// address, types that minijinja's values lack, grammar that its parser lacks, results that are random, and
// escaped text (chats are never HTML).
const std::set<std::string> kRefusedConstructs = {"autoescape_off",
                                                  "autoescape_refused",
                                                  "big_int_literal",
                                                  "dict_attr_shadow",
                                                  "escapes_named",
                                                  "escapes_surrogates",
                                                  "filter_escape_added",
                                                  "filter_escape_replaced",
                                                  "filter_pprint",
                                                  "filter_random",
                                                  "filter_wordwrap",
                                                  "macro_default_refers",
                                                  "method_not_called",
                                                  "power_complex",
                                                  "power_huge",
                                                  "self_variable",
                                                  "str_casefold_beyond_ascii",
                                                  "str_encode",
                                                  "str_format_attr",
                                                  "str_isnumeric_ideograph",
                                                  "str_method_object",
                                                  "subscript_tuple",
                                                  "unary_plus"};

struct Inputs {
  Json all;
  SpecialTokens tokens;
};

std::string read(const std::string& name) {
  std::ifstream file(data_path("chat/" + name));
  return {std::istreambuf_iterator<char>(file), {}};
}

Inputs read_inputs() {
  Inputs inputs = {parse_json(read("inputs.json"), "inputs.json"), {}};
  for (const auto& [name, value] : inputs.all["special_tokens"].items()) {
    if (value.is_string())
      inputs.tokens.named[name] = value.get<std::string>();
    else
      inputs.tokens.additional = value.get<std::vector<std::string>>();
  }
  return inputs;
}

struct Result {
  std::string text, error;
};

Result rendered(const std::string& source, const Inputs& inputs, const std::string& conversation) {
  const Json& chat = inputs.all["conversations"][conversation];
  std::vector<ChatMessage> messages;
  for (const Json& message : chat["messages"])
    messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  try {
    return {render_chat(source, inputs.tokens, inputs.all["date"].get<std::string>(), messages,
                        chat["add_generation_prompt"].get<bool>()),
            ""};
  } catch (const Error& error) {
    return {"", error.what()};
  }
}

// What Jinja2 raises for raise_exception is the template's own message, which the user must read as it
// stands.
void check_error(const std::string& right, const std::string& error) {
  EXPECT_THAT(error, testing::StartsWith("chat template: "));
  constexpr std::string_view kRaised = "TemplateError: ";
  if (!right.starts_with(kRaised)) return;
  EXPECT_EQ(error, "chat template: " + printable(right.substr(kRaised.size()), 400));
}

// The names of the templates that were refused though Jinja2 renders them.
std::set<std::string> check_file(const std::string& name, size_t at_least) {
  const Inputs inputs = read_inputs();
  std::set<std::string> refused;
  std::ifstream file(data_path("chat/" + name));
  size_t count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const Json entry = parse_json(line, name, static_cast<int64_t>(count) + 1);
    const auto template_name = entry["name"].get<std::string>();
    for (const auto& [conversation, right] : entry["results"].items()) {
      SCOPED_TRACE(template_name + ", " + conversation);
      const Result got = rendered(entry["template"].get<std::string>(), inputs, conversation);
      if (right.contains("error"))
        check_error(right["error"].get<std::string>(), got.error);
      else if (got.error.empty())
        EXPECT_EQ(got.text, right["text"].get<std::string>());
      else
        refused.insert(template_name);
    }
  }
  EXPECT_GE(count, at_least);
  return refused;
}

TEST(ChatCorpus, ConstructsRenderAsInJinja2OrAreRefused) {
  EXPECT_EQ(check_file("constructs.jsonl", 490), kRefusedConstructs);
}

TEST(ChatCorpus, TemplatesOfPublishedKindsRenderAsInJinja2) {
  EXPECT_EQ(check_file("models.jsonl", 28), std::set<std::string>());
}

}  // namespace
}  // namespace idleheads
