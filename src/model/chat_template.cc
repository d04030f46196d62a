#include "model/chat_template.h"

#include "base/error.h"
#include "base/file_exists.h"
#include "base/mapped_file.h"
#include "model/text_library.h"
#include "model/tokenizer_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

// The spelling of the token that tokenizer.ggml.<key> names; empty if there is none.
std::string special_token(const Gguf& gguf, const std::string& key) {
  const int64_t* id = find<int64_t>(gguf, "tokenizer.ggml." + key);
  const auto* tokens = find<std::vector<std::string>>(gguf, "tokenizer.ggml.tokens");
  if (id == nullptr || tokens == nullptr) return "";
  if (*id < 0 || *id >= static_cast<int64_t>(tokens->size())) {
    fail("{}: tokenizer.ggml.{} is {}, but the tokenizer has {} tokens", gguf.name, key, *id, tokens->size());
  }
  return (*tokens)[*id];
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::string bos_token, std::string eos_token, std::string date)
    : source_(std::move(source)),
      bos_token_(std::move(bos_token)),
      eos_token_(std::move(eos_token)),
      date_(std::move(date)) {}

std::optional<ChatTemplate> ChatTemplate::from_folder(const fs::path& folder) {
  const TokenizerConfig config = read_tokenizer_config(folder);
  std::optional<std::string> source = config.chat_template;
  if (const fs::path path = folder / "chat_template.jinja"; file_exists(path)) source = read_text_file(path);
  if (!source) return std::nullopt;
  return ChatTemplate(std::move(*source), config.bos_token.value_or(""), config.eos_token.value_or(""));
}

std::optional<ChatTemplate> ChatTemplate::from_gguf(const Gguf& gguf) {
  const std::string* source = find<std::string>(gguf, "tokenizer.chat_template");
  if (source == nullptr) return std::nullopt;
  return ChatTemplate(*source, special_token(gguf, "bos_token_id"), special_token(gguf, "eos_token_id"));
}

std::string ChatTemplate::render(const std::vector<ChatMessage>& messages, bool add_generation_prompt) const {
  std::vector<idleheads_message> views;
  for (const ChatMessage& message : messages)
    views.push_back({view_of(message.role), view_of(message.content)});
  idleheads_chat chat = {};
  chat.source = view_of(source_);
  chat.messages = views.data();
  chat.message_count = views.size();
  chat.bos_token = view_of(bos_token_);
  chat.eos_token = view_of(eos_token_);
  chat.date = view_of(date_);
  chat.add_generation_prompt = add_generation_prompt;
  LibraryString text, error;
  if (!idleheads_chat_render(&chat, text.out(), error.out())) fail("chat template: {}", error.message());
  return text.copy();
}

}  // namespace idleheads
