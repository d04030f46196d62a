// Chat messages to prompt text: the model's Jinja template rendered as transformers renders it.
//
// What Jinja2 and transformers' settings do is done (trim_blocks, lstrip_blocks, loop controls, generation
// blocks, tojson, raise_exception, strftime_now, Python's methods and printing), or refused by name; another
// text is never given.
//
// A template may be a stranger's. It is rendered in a child process (base/limited_process.h) with 512 MiB of
// memory, 64 MiB of stack and 10 s for a prompt, so what it does costs an Error of one line. The source may
// have 64 KiB, a rendered text 16 MiB.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "idleheads/model/special_tokens.h"

namespace idleheads {

class LimitedProcess;
struct Gguf;

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// Copies share one child process, which the first render() starts.
class ChatTemplate {
 public:
  static constexpr const char* kDefaultDate = "2024-07-26";

  // `date` is what strftime_now prints from, as YYYY-MM-DD, so that prompts are reproducible.
  explicit ChatTemplate(std::string source, SpecialTokens tokens = {}, std::string date = kDefaultDate);

  // Empty if the model has none. Reads chat_template.jinja, else chat_template in tokenizer_config.json (a
  // string or the list with one named "default").
  static std::optional<ChatTemplate> from_folder(const std::filesystem::path& folder);
  static std::optional<ChatTemplate> from_gguf(const Gguf& gguf);

  // Throws Error "chat template: ..." with the template's own message if it raises one, with the line and
  // what is wrong or not supported, or with the limit that it reached. May be called from several threads;
  // they wait for each other.
  std::string render(const std::vector<ChatMessage>& messages, bool add_generation_prompt = true) const;

  const std::string& source() const { return source_; }
  ChatTemplate with_date(std::string date) const { return ChatTemplate(source_, tokens_, std::move(date)); }

 private:
  std::string source_;
  SpecialTokens tokens_;
  std::shared_ptr<LimitedProcess> renderer_;
};

// The same in this process, without limits of memory, time and stack: only for templates that are known.
std::string render_chat(const std::string& source, const SpecialTokens& tokens, const std::string& date,
                        const std::vector<ChatMessage>& messages, bool add_generation_prompt);

}  // namespace idleheads
