#include "idleheads/model/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "format/gguf.h"
#include "format/gguf_writer.h"
#include "idleheads/base/error.h"
#include "model/jsonl.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

using test::data_path;
using testing::HasSubstr;
using testing::StartsWith;
using Messages = std::vector<ChatMessage>;

const Messages kNone;
const Messages kTwoTurns = {{"user", " First? "}, {"assistant", "One."}, {"user", "Second?"}};
const Messages kWithSystem = {{"system", "Be short.\n\n"}, {"user", "First?"}};

std::string render(const std::string& source, const Messages& messages = kTwoTurns) {
  return ChatTemplate(source, {.named = {{"bos_token", "<s>"}, {"eos_token", "</s>"}}}).render(messages);
}

std::string error_of(const std::string& source) {
  return test::error_of([&] { render(source); });
}

ChatTemplate published(const std::string& name, const std::string& date = "2024-07-26") {
  return ChatTemplate(read_text_file(data_path("prompts/templates/" + name + ".jinja")),
                      {.named = {{"bos_token", "<|begin_of_text|>"}, {"eos_token", "<|eot_id|>"}}}, date);
}

// ---- Published templates ----

TEST(ChatTemplate, ChatMlTemplates) {
  const std::string turns =
      "<|im_start|>user\n First? <|im_end|>\n<|im_start|>assistant\nOne.<|im_end|>\n"
      "<|im_start|>user\nSecond?<|im_end|>\n";
  const std::string generation = "<|im_start|>assistant\n";
  const std::map<std::string, std::string> systems = {
      {"smollm2", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"},
      {"qwen2.5", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."}};
  for (const auto& [name, system] : systems) {
    const std::string first = "<|im_start|>system\n" + system + "<|im_end|>\n";
    EXPECT_EQ(published(name).render(kTwoTurns), first + turns + generation) << name;
    EXPECT_EQ(published(name).render(kTwoTurns, false), first + turns) << name;
    EXPECT_EQ(
        published(name).render(kWithSystem),
        "<|im_start|>system\nBe short.\n\n<|im_end|>\n<|im_start|>user\nFirst?<|im_end|>\n" + generation)
        << name;
  }
}

TEST(ChatTemplate, Llama3Templates) {
  const auto turn = [](const std::string& role, const std::string& text) {
    return "<|start_header_id|>" + role + "<|end_header_id|>\n\n" + text;
  };
  const auto system = [&](const std::string& date, const std::string& text) {
    return "<|begin_of_text|>" + turn("system", "Cutting Knowledge Date: December 2023\nToday Date: " + date +
                                                    "\n\n" + text + "<|eot_id|>");
  };
  const std::string turns = turn("user", "First?<|eot_id|>") + turn("assistant", "One.<|eot_id|>") +
                            turn("user", "Second?<|eot_id|>") + turn("assistant", "");
  EXPECT_EQ(published("llama3.1").render(kTwoTurns), system("26 Jul 2024", "") + turns);
  EXPECT_EQ(published("llama3.2").render(kTwoTurns), system("26 Jul 2024", "") + turns);
  EXPECT_EQ(published("llama3.2", "2025-04-03").render(kTwoTurns), system("03 Apr 2025", "") + turns);
  EXPECT_EQ(published("llama3.1").render(kWithSystem),
            system("26 Jul 2024", "Be short.") + turn("user", "First?<|eot_id|>") + turn("assistant", ""));
}

// The messages of a rendered ChatML prompt. A system message that the template printed by itself is left out.
Messages split_chat_ml(std::string_view text, std::string_view default_system) {
  constexpr std::string_view kStart = "<|im_start|>", kEnd = "<|im_end|>\n";
  Messages messages;
  for (size_t end = 0; (end = text.find(kEnd)) != std::string_view::npos;
       text.remove_prefix(end + kEnd.size())) {
    const size_t line = text.find('\n');
    messages.push_back({std::string(text.substr(kStart.size(), line - kStart.size())),
                        std::string(text.substr(line + 1, end - line - 1))});
  }
  if (messages.front().content == default_system) messages.erase(messages.begin());
  return messages;
}

void check_rendered(const ChatTemplate& chat, const std::string& file, std::string_view default_system) {
  const std::vector<Json> lines = test::read_prompts(file);
  EXPECT_EQ(lines.size(), 16u);
  for (const Json& line : lines) {
    SCOPED_TRACE(line["task"].get<std::string>());
    const bool one_context = line["context"].is_string();
    const auto expected = (one_context ? line["context"] : line["contexts"][0]).get<std::string>();
    const Messages messages = split_chat_ml(expected, default_system);
    EXPECT_EQ(messages.front().role, line["task"].get<std::string>().starts_with("mmlu") ? "system" : "user");
    const std::string rendered = chat.render(messages);
    // Winogrande's contexts have the beginning of the sentence behind the generation prompt.
    EXPECT_EQ(rendered, one_context ? expected : expected.substr(0, rendered.size()));
  }
}

TEST(ChatTemplate, HarnessPromptsAreReproduced) {
  check_rendered(published("smollm2"), "chat_smollm2.jsonl",
                 "You are a helpful AI assistant named SmolLM, trained by Hugging Face");
  check_rendered(published("qwen2.5"), "chat_qwen2.5.jsonl",
                 "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
}

// ---- What templates may use ----

TEST(ChatTemplate, BlocksLeaveNoWhiteSpace) {
  EXPECT_EQ(render("a\n  {% if true %}\nb\n  {% endif %}\nc\n"), "a\nb\nc");
  EXPECT_EQ(render("  {# remark #}\n{{ 'x' }}\ny"), "x\ny");
}

TEST(ChatTemplate, VariablesAreTransformers) {
  EXPECT_EQ(render("{{ bos_token }}{{ eos_token }}{{ messages|length }}{{ add_generation_prompt }}"),
            "<s></s>3True");
  EXPECT_EQ(render("{{ tools is none }} {{ tools is defined }} {{ other is defined }}[{{ other }}]"),
            "True True False[]");
  EXPECT_EQ(ChatTemplate("{{ bos_token is defined }}").render(kNone), "False");
  EXPECT_EQ(render("{{ messages[0]['content']|trim }}{{ messages[-1].content }}{{ messages[1:]|length }}"),
            "First?Second?2");
  EXPECT_EQ(render("{{ 'tool_calls' in messages[0] }}{{ 'role' in messages[0] }}"), "FalseTrue");
}

TEST(ChatTemplate, WindowsLineEndsAreNewlines) {
  const std::string source =
      "{% for m in messages %}\r\n<|{{ m.role }}|>\r\n{{ m.content }}\r\n{% endfor %}\r\n<|assistant|>\r\n";
  EXPECT_EQ(render(source, {{"system", "Be brief."}, {"user", "Why?\r\n"}}),
            "<|system|>\nBe brief.\n<|user|>\nWhy?\r\n\n<|assistant|>");
}

TEST(ChatTemplate, GenerationBlocksPrintTheirInside) {
  const std::string source =
      "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ eos_token }}"
      "{% endgeneration %}{% else %}<{{ m.role }}>{{ m.content }}{% endif %}{% endfor %}";
  EXPECT_EQ(render(source), "<user> First? One.</s><user>Second?");
}

TEST(ChatTemplate, NothingIsEscaped) {
  EXPECT_EQ(render("{{ messages[0].content }}", {{"user", "<b> & \"x\" 'y' \u00e9 {{ 1 }}"}}),
            "<b> & \"x\" 'y' \u00e9 {{ 1 }}");
}

TEST(ChatTemplate, PythonStringMethods) {
  EXPECT_EQ(
      render("{{ ' a b '.strip() }}|{{ 'a,b'.split(',')[1] }}|{{ 'ab'.startswith('a') }}|{{ 'x'.upper() }}"),
      "a b|b|True|X");
  EXPECT_EQ(
      render("{{ ' a'.lstrip() }}{{ 'b '.rstrip() }}{{ 'aa'.replace('a', 'c') }}{{ messages[0].get('x') }}"),
      "abccNone");
  EXPECT_EQ(render("{{ messages[0].keys()|list|join(',') }} {{ messages[0].items()|list|length }}"),
            "role,content 2");
}

TEST(ChatTemplate, StatementsOfJinja) {
  EXPECT_EQ(render("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor "
                   "%}{{ ns.n }}"),
            "3");
  EXPECT_EQ(
      render("{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{{ loop.index }}{% endfor %}"),
      "12");
  EXPECT_EQ(render("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f('a') + f('b') }}"), "[a][b]");
  EXPECT_EQ(render("{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"),
            " First? Second?");
}

TEST(ChatTemplate, JsonIsPythons) {
  EXPECT_EQ(render("{{ messages[1] | tojson }}"), R"({"role": "assistant", "content": "One."})");
  EXPECT_EQ(render("{{ [1, 2.0, none, true, '<\u00e9\"\n'] | tojson }}"),
            "[1, 2.0, null, true, \"<\u00e9\\\"\\n\"]");
  EXPECT_EQ(render("{{ {'a': [1]} | tojson(indent=2) }}"), "{\n  \"a\": [\n    1\n  ]\n}");
  EXPECT_THAT(error_of("{{ 1 | tojson(sort=1) }}"), HasSubstr("line 1"));
}

TEST(ChatTemplate, StrftimeUsesTheFixedDate) {
  EXPECT_EQ(render("{{ strftime_now('%d %b %Y|%Y-%m-%d|%A %B %H:%M') }}"),
            "26 Jul 2024|2024-07-26|Friday July 00:00");
  EXPECT_THAT(error_of("{{ strftime_now('%!') }}"), HasSubstr("strftime_now('%!')"));
}

// ---- Errors ----

TEST(ChatTemplate, RaisesTheTemplatesOwnMessage) {
  EXPECT_EQ(error_of("a\n{{ raise_exception('Roles must alternate!') }}"),
            "chat template: Roles must alternate!");
  EXPECT_EQ(error_of("{% macro f() %}{{ raise_exception('two\nlines') }}{% endmacro %}{{ f() }}"),
            "chat template: two?lines");
}

TEST(ChatTemplate, ErrorsNameTheLine) {
  EXPECT_THAT(error_of("a\nb\n{% if %}"), StartsWith("chat template: line 3: syntax error"));
  EXPECT_THAT(error_of("a\n{% for m in messages %}"), HasSubstr("syntax error"));
  EXPECT_THAT(error_of("\n{{ 'a'.no_such_method() }}"), StartsWith("chat template: line 2: "));
  EXPECT_THAT(error_of("\n{{ missing.part.of }}"), StartsWith("chat template: line 2: undefined value"));
  EXPECT_THAT(error_of("{{ '\xff' }}"), HasSubstr("the template is not valid UTF-8"));
  EXPECT_THROW(ChatTemplate("{{ messages[0].content }}").render({{"user", "\xff"}}), Error);
  EXPECT_THROW(ChatTemplate("x", {}, "26 July").render(kNone), Error);
}

TEST(ChatTemplate, EndlessWorkAndDeepNestingAreErrors) {
  const std::string loop = "{% for i in range(9999) %}";
  EXPECT_THAT(error_of(loop + loop + loop + "{{ i }}{% endfor %}{% endfor %}{% endfor %}"),
              HasSubstr("fuel"));
  EXPECT_NE(error_of("{{ " + std::string(100000, '(')), "no error");
  EXPECT_NE(error_of("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "no error");
  EXPECT_NE(
      error_of(
          "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}"),
      "no error");
}

// ---- Where templates come from ----

TEST(ChatTemplate, FromFolder) {
  const test::TempFolder temporary;
  const std::filesystem::path& folder = temporary.path();
  EXPECT_FALSE(ChatTemplate::from_folder(folder));
  const auto write = [&](const char* name, const std::string& text) { std::ofstream(folder / name) << text; };
  write("tokenizer_config.json", R"({"chat_template": "{{ bos_token }}|{{ eos_token }}", "eos_token": "E",
                                     "bos_token": {"content": "B"}})");
  EXPECT_EQ(ChatTemplate::from_folder(folder)->render(kNone), "B|E");
  write("chat_template.jinja", "file {{ eos_token }}");
  EXPECT_EQ(ChatTemplate::from_folder(folder)->render(kNone), "file E");
  std::filesystem::remove(folder / "chat_template.jinja");
  write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_THROW(ChatTemplate::from_folder(folder), Error);
  write("tokenizer_config.json", R"({"chat_template": [{"name": "default"}]})");
  EXPECT_THROW(ChatTemplate::from_folder(folder), Error);
  write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "x"}]})");
  EXPECT_FALSE(ChatTemplate::from_folder(folder));
  std::filesystem::remove_all(folder);
}

TEST(ChatTemplate, FromFolderTakesTheDefaultOfSeveral) {
  const auto chat = ChatTemplate::from_folder(data_path("tiny_tokenizer"));
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->render({{"user", "Hi"}}), "<s><|user|>Hi</s>");
}

TEST(ChatTemplate, FromGguf) {
  test::GgufWriter writer;
  writer.add("tokenizer.chat_template", "{{ bos_token }}{{ eos_token is defined }}");
  writer.add("tokenizer.ggml.tokens", std::vector<std::string>{"a", "<bos>"});
  writer.add("tokenizer.ggml.bos_token_id", uint32_t{1});
  EXPECT_EQ(ChatTemplate::from_gguf(parse_gguf(writer.bytes(), "x.gguf"))->render(kNone), "<bos>False");
  writer.add("tokenizer.ggml.eos_token_id", uint32_t{2});
  EXPECT_THROW(ChatTemplate::from_gguf(parse_gguf(writer.bytes(), "x.gguf")), Error);
  EXPECT_FALSE(ChatTemplate::from_gguf(parse_gguf(test::GgufWriter().bytes(), "x.gguf")));
}

}  // namespace
}  // namespace idleheads
