// How items become prompts: system text, examples, chat.
#include "task/frame.h"

#include <algorithm>

#include "base/fail.h"
#include "task/test_files.h"

namespace idleheads {
namespace {

using testing::HasSubstr;
using Strings = std::vector<std::string>;

Item item(const std::string& name) {
  Item item;
  item.text = "Q: " + name;
  item.choices = {"no " + name, "yes " + name};
  item.gold = 1;
  item.answer = item.choices[1];
  item.row = name;
  return item;
}

// Messages as "role(content)".
std::string show(const std::vector<ChatMessage>& messages) {
  std::string text;
  for (const ChatMessage& message : messages) text += message.role + "(" + message.content + ")";
  return text;
}

class Frame : public testing::Test {
 protected:
  Frame() {
    format_.draws_examples = false;
    group_.group.name = "things";
    group_.items = {item("one"), item("two")};
    group_.examples = {item("a"), item("b"), item("c"), item("d")};
    group_.examples_file = "examples.jsonl";
  }

  Strings contexts(int shots, const ChatOptions* chat = nullptr) {
    PythonRandom random(1234);
    Strings contexts;
    for (const Document& document : frame(format_, group_, {shots, system_, chat}, random))
      contexts.insert(contexts.end(), document.contexts.begin(), document.contexts.end());
    return contexts;
  }

  TaskFormat format_;
  ItemGroup group_;
  std::string system_;
  const ChatOptions turns_ = {show, true}, one_message_ = {show, false};
};

// Of the question itself, whatever stands before it.
TEST_F(Frame, Excerpts) {
  system_ = "Answer.";
  PythonRandom random(1234);
  EXPECT_EQ(frame(format_, group_, {2, system_, &turns_}, random).at(1).excerpt, "Q: two");
  format_.choices_are_contexts = true;
  EXPECT_EQ(frame(format_, group_, {2, system_, nullptr}, random).at(1).excerpt, "yes two");
  format_.output = OutputType::loglikelihood_rolling;
  format_.choices_are_contexts = false;
  group_.items[0].text = " = A page =\n\n" + std::string(100, 'x');
  EXPECT_EQ(frame(format_, group_, {}, random).at(0).excerpt, "= A page = " + std::string(69, 'x') + "…");
}

TEST_F(Frame, PlainPrompts) {
  EXPECT_EQ(contexts(0), (Strings{"Q: one", "Q: two"}));
  EXPECT_EQ(contexts(1).at(0), "Q: a yes a\n\nQ: one");
  EXPECT_EQ(contexts(2).at(1), "Q: a yes a\n\nQ: b yes b\n\nQ: two");
}

TEST_F(Frame, ContinuationsAreTheChoices) {
  PythonRandom random(1234);
  const Document document = frame(format_, group_, {}, random).at(1);
  EXPECT_EQ(document.continuations, (Strings{" no two", " yes two"}));
  EXPECT_EQ(document.choices, (Strings{"no two", "yes two"}));
  EXPECT_EQ(document.gold, 1);
  EXPECT_EQ(document.group, "things");
  EXPECT_EQ(document.index, 1);
  EXPECT_EQ(document.row, "two");
}

TEST_F(Frame, SystemTextAndDescription) {
  group_.description = "About things.\n\n";
  EXPECT_EQ(contexts(0).at(0), "About things.\n\nQ: one");
  system_ = "Be good.";
  EXPECT_EQ(contexts(0).at(0), "Be good.\n\nAbout things.\n\nQ: one");
  EXPECT_EQ(contexts(0, &turns_).at(0), "system(Be good.\n\nAbout things.\n\n)user(Q: one)");
  group_.description.clear();
  EXPECT_EQ(contexts(0).at(0), "Be good.Q: one");
}

TEST_F(Frame, ExamplesEqualToTheDocumentAreDropped) {
  group_.items.push_back(item("b"));
  EXPECT_EQ(contexts(3).at(2), "Q: a yes a\n\nQ: c yes c\n\nQ: b");
  format_.draws_one_more = true;
  EXPECT_EQ(contexts(3).at(2), "Q: a yes a\n\nQ: c yes c\n\nQ: d yes d\n\nQ: b");
  EXPECT_EQ(contexts(3).at(0), "Q: a yes a\n\nQ: b yes b\n\nQ: c yes c\n\nQ: one");
}

TEST_F(Frame, TooFewExamples) {
  EXPECT_EQ(error_of<Error>([&] { contexts(5); }), "examples.jsonl: 4 examples, but 5 shots need 5");
  format_.draws_one_more = true;
  EXPECT_EQ(error_of<Error>([&] { contexts(4); }), "examples.jsonl: 4 examples, but 4 shots need 5");
}

// One draw a document, in order: the second document's examples are those of the second draw.
TEST_F(Frame, DrawsInTheOrderOfDocuments) {
  format_.draws_examples = true;
  PythonRandom random(1234);
  for (const std::string& context : contexts(2)) {
    const std::vector<int64_t> drawn = random.sample(4, 2);
    std::string expected;
    for (const int64_t i : drawn) {
      const Item& example = group_.examples.at(static_cast<size_t>(i));
      expected += example.text + " " + example.answer + "\n\n";
    }
    EXPECT_THAT(context, testing::StartsWith(expected + "Q: "));
  }
  const Strings both = contexts(2);
  group_.items.pop_back();
  EXPECT_EQ(contexts(2).at(0), both.at(0));
}

TEST_F(Frame, ChatInTurns) {
  EXPECT_EQ(contexts(0, &turns_).at(0), "user(Q: one)");
  EXPECT_EQ(contexts(2, &turns_).at(1), "user(Q: a)assistant(yes a)user(Q: b)assistant(yes b)user(Q: two)");
}

TEST_F(Frame, ChatInOneMessage) {
  EXPECT_EQ(contexts(0, &one_message_).at(0), "user(Q: one)");
  EXPECT_EQ(contexts(2, &one_message_).at(1), "user(Q: a yes a\n\nQ: b yes b\n\nQ: two)");
}

// The harness draws twice for each document then, and takes the second.
TEST_F(Frame, ChatInOneMessageDrawsTwice) {
  format_.draws_examples = true;
  PythonRandom random(1234);
  for (const std::string& context : contexts(1, &one_message_)) {
    random.sample(4, 1);
    const Item& example = group_.examples.at(static_cast<size_t>(random.sample(4, 1).at(0)));
    EXPECT_THAT(context, testing::StartsWith("user(" + example.text + " " + example.answer + "\n\n"));
  }
}

TEST_F(Frame, ChoicesAsContexts) {
  format_.choices_are_contexts = true;
  for (Item& i : group_.items) i.answer = "ends.";
  for (Item& i : group_.examples) i.answer = "ends.";
  EXPECT_EQ(contexts(0), (Strings{"no one", "yes one", "no two", "yes two"}));
  EXPECT_EQ(contexts(1).at(1), "yes a ends.\n\nyes one");
  EXPECT_EQ(contexts(1, &turns_).at(0), "user(yes a)assistant(ends.)no one");
  EXPECT_EQ(contexts(1, &one_message_).at(1), "user(yes a ends.\n\n)yes one");
  PythonRandom random(1234);
  EXPECT_EQ(frame(format_, group_, {}, random).at(0).continuations, (Strings{" ends.", " ends."}));
}

TEST_F(Frame, TextsAreLeftAlone) {
  format_.output = OutputType::loglikelihood_rolling;
  group_.items[0].words = 7;
  group_.items[0].bytes = 30;
  system_ = "Be good.";
  EXPECT_EQ(contexts(0, &turns_), (Strings{"Q: one", "Q: two"}));
  PythonRandom random(1234);
  const Document document = frame(format_, group_, {}, random).at(0);
  EXPECT_EQ(document.words, 7);
  EXPECT_EQ(document.bytes, 30);
  EXPECT_TRUE(document.continuations.empty());
}

TEST_F(Frame, TemplatesThatFailNameTheDocument) {
  const ChatOptions failing = {[](const std::vector<ChatMessage>& messages) -> std::string {
                                 if (messages.at(0).content == "Q: two") fail("the template says no");
                                 return "";
                               },
                               true};
  EXPECT_EQ(error_of<Error>([&] { contexts(0, &failing); }), "document 1 of things: the template says no");
}

// 0-shot winogrande has no message at all.
TEST_F(Frame, ChatsWithoutMessages) {
  format_.choices_are_contexts = true;
  const ChatTemplate chat(
      "{% if messages[0].role == 'user' %}x{% else %}{{ raise_exception('no user') }}{% endif %}");
  const ChatOptions options = {[&](const auto& messages) { return chat.render(messages); }, true};
  EXPECT_THAT(error_of<Error>([&] { contexts(0, &options); }), HasSubstr("document 0 of things: "));
}

}  // namespace
}  // namespace idleheads
