// Chat messages to prompt text: the model's Jinja template rendered by minijinja as transformers renders it
// (trim_blocks, lstrip_blocks, raise_exception, strftime_now, Python string methods).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "format/gguf.h"

namespace idleheads {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

class ChatTemplate {
 public:
  // `date` is what strftime_now prints from, as YYYY-MM-DD, so that prompts are reproducible.
  ChatTemplate(std::string source, std::string bos_token, std::string eos_token,
               std::string date = "2024-07-26");

  // Empty if the model has none. Reads chat_template.jinja, else chat_template in tokenizer_config.json (a
  // string or the list with one named "default").
  static std::optional<ChatTemplate> from_folder(const std::filesystem::path& folder);
  static std::optional<ChatTemplate> from_gguf(const Gguf& gguf);

  // Throws Error with the template's own message if it raises one, or minijinja's with the line.
  std::string render(const std::vector<ChatMessage>& messages, bool add_generation_prompt = true) const;

  const std::string& source() const { return source_; }
  ChatTemplate with_date(std::string date) const {
    return ChatTemplate(source_, bos_token_, eos_token_, std::move(date));
  }

 private:
  std::string source_, bos_token_, eos_token_, date_;
};

}  // namespace idleheads
