// HTTP requests to the Hub, by libcurl: with the token, which no other host gets to see, and with further
// tries where a server or the way to it fails for a while.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hub/settings.h"

namespace idleheads {

// An answer's last reply, after redirects.
struct HttpReply {
  long status = 0;
  int64_t range_begin = -1;  // of a 206: Content-Range's first byte
  int64_t retry_after = -1;  // seconds
  std::string error_code;    // X-Error-Code: "GatedRepo"
  std::string error_text;    // X-Error-Message
  std::string body;          // the beginning of what was not taken
};

// Where the bytes of a file go.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  virtual int64_t size() const = 0;  // bytes there already: what is asked for begins behind them
  virtual void clear() = 0;          // the server begins at the first byte
  virtual void add(std::string_view bytes) = 0;
  virtual bool is_whole() const = 0;  // false after the end of an answer: it was cut
};

class HttpClient {
 public:
  // `waiting` is called a few times a second: what is the matter with the server, empty while bytes flow. It
  // throws to stop.
  HttpClient(const HubSettings& settings, std::function<void(const std::string& trouble)> waiting);
  ~HttpClient();

  // The body of a small answer (200); other answers that no try changed are given to the caller with their
  // status. Throws Error if there is no answer.
  HttpReply get(const std::string& url);
  // The bytes of a file behind those that the sink has, until the server has given all; the same errors.
  HttpReply get(const std::string& url, HttpSink& sink);

 private:
  struct Transfer;
  HttpReply ask(const std::string& url, HttpSink& sink);
  void prepare(const std::string& url, Transfer& transfer);
  std::string try_once(const std::string& url, HttpSink& sink, HttpReply& reply);
  void wait(std::chrono::milliseconds time, const std::string& trouble);

  HubSettings settings_;
  std::function<void(const std::string&)> waiting_;
  std::unique_ptr<void, void (*)(void*)> curl_;
};

// One part of a path, so that nothing in it means anything in an address.
std::string url_part(std::string_view text);

}  // namespace idleheads
