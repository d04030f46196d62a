#include "task/frame.h"

#include "base/fail.h"
#include "task/excerpt.h"

namespace idleheads {
namespace {

class Framer {
 public:
  Framer(const TaskFormat& format, const ItemGroup& group, const Framing& framing, PythonRandom& random)
      : format_(format), group_(group), framing_(framing), random_(random) {
    system_ = framing.system;
    if (!system_.empty() && !group.description.empty()) system_ += "\n\n";
    system_ += group.description;
    const int64_t needed = framing.shots + (framing.shots > 0 && format.draws_one_more ? 1 : 0);
    if (std::ssize(group.examples) < needed) {
      fail("{}: {} examples, but {} shots need {}", group.examples_file, group.examples.size(), framing.shots,
           needed);
    }
  }

  Document document(const Item& item, int64_t index) const try {
    Document document;
    document.group = group_.group.name;
    document.index = index;
    document.choices = item.choices;
    document.gold = item.gold;
    document.target = item.target;
    document.row = item.row;
    document.excerpt = excerpt_of(question_of(item));
    document.words = item.words;
    document.bytes = item.bytes;
    if (format_.output == OutputType::loglikelihood_rolling) {
      document.contexts = {item.text};
      return document;
    }
    const std::string before = framing_.chat ? chat_context(item) : plain_context(item);
    if (format_.choices_are_contexts) {
      for (const std::string& choice : item.choices) {
        document.contexts.push_back(before + choice);
        document.continuations.push_back(" " + item.answer);
      }
      return document;
    }
    document.contexts = {before};
    for (const std::string& choice : item.choices) document.continuations.push_back(" " + choice);
    return document;
  } catch (const Error& error) {
    fail("document {} of {}: {}", index, printable(group_.group.name), error.what());
  }

 private:
  // What an example shows before its answer.
  const std::string& question_of(const Item& item) const {
    return format_.choices_are_contexts ? item.choices[static_cast<size_t>(item.gold)] : item.text;
  }

  // The examples of `item`, which never is one of them.
  std::vector<const Item*> choose(const Item& item) const {
    const auto shots = static_cast<size_t>(framing_.shots);
    std::vector<const Item*> chosen;
    if (shots == 0) return chosen;
    const int64_t count = framing_.shots + (format_.draws_one_more ? 1 : 0);
    std::vector<int64_t> drawn;
    if (format_.draws_examples) {
      drawn = random_.sample(std::ssize(group_.examples), count);
    } else {
      for (int64_t i = 0; i < count; ++i) drawn.push_back(i);
    }
    for (const int64_t i : drawn) {
      const Item& example = group_.examples[static_cast<size_t>(i)];
      if (example.row != item.row && chosen.size() < shots) chosen.push_back(&example);
    }
    return chosen;
  }

  std::string examples_text(const Item& item) const {
    std::string text;
    for (const Item* example : choose(item)) text += question_of(*example) + " " + example->answer + "\n\n";
    return text;
  }

  std::string plain_context(const Item& item) const {
    std::string context = system_ + examples_text(item);
    if (!format_.choices_are_contexts) context += item.text;
    return context;
  }

  std::string chat_context(const Item& item) const {
    std::vector<ChatMessage> messages;
    if (!system_.empty()) messages.push_back({"system", system_});
    if (framing_.chat->multiturn) {
      for (const Item* example : choose(item)) {
        messages.push_back({"user", question_of(*example)});
        messages.push_back({"assistant", example->answer});
      }
      if (!format_.choices_are_contexts) messages.push_back({"user", item.text});
    } else {
      choose(item);  // the harness draws twice here, and takes the second
      const std::string question = format_.choices_are_contexts ? "" : item.text;
      const std::string message = examples_text(item) + question;
      if (!message.empty()) messages.push_back({"user", message});
    }
    return framing_.chat->render(messages);
  }

  const TaskFormat& format_;
  const ItemGroup& group_;
  const Framing& framing_;
  PythonRandom& random_;
  std::string system_;
};

}  // namespace

std::vector<Document> frame(const TaskFormat& format, const ItemGroup& group, const Framing& framing,
                            PythonRandom& random) {
  const Framer framer(format, group, framing, random);
  std::vector<Document> documents;
  for (const Item& item : group.items) documents.push_back(framer.document(item, std::ssize(documents)));
  return documents;
}

}  // namespace idleheads
