#include "idleheads/model/chat_template.h"

#include <cstring>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "base/limited_process.h"
#include "format/gguf.h"
#include "model/text_library.h"
#include "model/tokenizer_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdditional = "additional_special_tokens";

// A request to the renderer's process: whether an answer is to be asked for, then each text of each message
// behind its length.
std::string request_of(const std::vector<ChatMessage>& messages, bool add_generation_prompt) {
  std::string request(1, add_generation_prompt ? '1' : '0');
  const auto add = [&](std::string_view text) {
    const uint64_t size = text.size();
    request.append(reinterpret_cast<const char*>(&size), sizeof(size));
    request += text;
  };
  for (const ChatMessage& message : messages) {
    add(message.role);
    add(message.content);
  }
  return request;
}

std::vector<ChatMessage> messages_of(std::string_view request) {
  request.remove_prefix(1);
  const auto take = [&] {
    uint64_t size = 0;
    std::memcpy(&size, request.data(), sizeof(size));
    const std::string text(request.substr(sizeof(size), size));
    request.remove_prefix(sizeof(size) + size);
    return text;
  };
  std::vector<ChatMessage> messages;
  while (!request.empty()) {
    std::string role = take();
    messages.push_back({std::move(role), take()});
  }
  return messages;
}

std::vector<idleheads_special_token> views_of(const SpecialTokens& tokens) {
  std::vector<idleheads_special_token> views;
  for (const auto& [name, text] : tokens.named) views.push_back({view_of(name), view_of(text), false});
  for (const std::string& text : tokens.additional)
    views.push_back({view_of(kAdditional), view_of(text), true});
  return views;
}

}  // namespace

std::string render_chat(const std::string& source, const SpecialTokens& tokens, const std::string& date,
                        const std::vector<ChatMessage>& messages, bool add_generation_prompt) {
  std::vector<idleheads_message> message_views;
  for (const ChatMessage& message : messages)
    message_views.push_back({view_of(message.role), view_of(message.content)});
  const std::vector<idleheads_special_token> token_views = views_of(tokens);
  idleheads_chat chat = {};
  chat.source = view_of(source);
  chat.messages = message_views.data();
  chat.message_count = message_views.size();
  chat.special_tokens = token_views.data();
  chat.special_token_count = token_views.size();
  chat.date = view_of(date);
  chat.add_generation_prompt = add_generation_prompt;
  LibraryString text, error;
  if (!idleheads_chat_render(&chat, text.out(), error.out())) fail("chat template: {}", error.message());
  return text.copy();
}

ChatTemplate::ChatTemplate(std::string source, SpecialTokens tokens, std::string date)
    : source_(std::move(source)), tokens_(std::move(tokens)) {
  const auto render_request = [source = source_, tokens = tokens_,
                               date = std::move(date)](std::string_view request) {
    return render_chat(source, tokens, date, messages_of(request), request.front() == '1');
  };
  renderer_ = std::make_shared<LimitedProcess>("chat template", ProcessLimits{}, render_request);
}

std::optional<ChatTemplate> ChatTemplate::from_folder(const fs::path& folder) {
  std::optional<std::string> source = chat_template_of_folder(folder);
  if (!source) return std::nullopt;
  return ChatTemplate(std::move(*source), special_tokens_of_folder(folder));
}

std::optional<ChatTemplate> ChatTemplate::from_gguf(const Gguf& gguf) {
  const std::string* source = find<std::string>(gguf, "tokenizer.chat_template");
  if (source == nullptr) return std::nullopt;
  return ChatTemplate(*source, special_tokens_of_gguf(gguf));
}

std::string ChatTemplate::render(const std::vector<ChatMessage>& messages, bool add_generation_prompt) const {
  return renderer_->ask(request_of(messages, add_generation_prompt));
}

}  // namespace idleheads
