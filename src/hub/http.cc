#include "hub/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <mutex>
#include <thread>

#include "base/fail.h"
#include "base/words.h"
#include "idleheads/version.h"

namespace idleheads {
namespace {

using namespace std::chrono_literals;

constexpr size_t kMostText = size_t{64} << 20;  // of an answer that is kept in memory

void initialise_curl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) fail("libcurl cannot be initialised");
  });
}

// Troubles that may pass; all others are the caller's.
bool may_pass(CURLcode code) {
  constexpr std::array kPassing = {CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
                                   CURLE_COULDNT_CONNECT,      CURLE_OPERATION_TIMEDOUT,
                                   CURLE_RECV_ERROR,           CURLE_SEND_ERROR,
                                   CURLE_PARTIAL_FILE,         CURLE_GOT_NOTHING,
                                   CURLE_SSL_CONNECT_ERROR,    CURLE_HTTP2,
                                   CURLE_HTTP2_STREAM};
  return std::ranges::find(kPassing, code) != kPassing.end();
}

bool may_pass(long status) { return status == 408 || status == 429 || status >= 500; }

int64_t number_at(std::string_view text) {
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class TextSink : public HttpSink {
 public:
  int64_t size() const override { return 0; }
  void clear() override { text_.clear(); }
  void add(std::string_view bytes) override {
    if (text_.size() + bytes.size() > kMostText)
      fail("the Hub's answer is larger than {} MiB", kMostText >> 20);
    text_ += bytes;
  }
  bool is_whole() const override { return true; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

// One request and its redirects, as curl's callbacks see it. Exceptions wait in `thrown` until curl has
// returned.
struct HttpClient::Transfer {
  HttpClient& client;
  HttpSink& sink;
  HttpReply& reply;
  int64_t begin = 0;       // the first byte that was asked for
  bool has_begun = false;  // bytes of the file came
  std::exception_ptr thrown = nullptr;

  template <typename Body>
  bool kept(const Body& body) {
    try {
      body();
      return true;
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }

  void header(std::string_view line) {
    if (line.starts_with("HTTP/")) reply = {};  // of the next reply
    const size_t colon = line.find(':');
    if (colon == line.npos) return;
    const std::string name = lower_case(std::string(line.substr(0, colon)));
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
    if (name == "content-range" && value.starts_with("bytes "))
      reply.range_begin = number_at(value.substr(6));
    if (name == "retry-after") reply.retry_after = number_at(value);
    if (name == "x-error-code") reply.error_code = value.substr(0, 100);
    if (name == "x-error-message") reply.error_text = value.substr(0, 400);
  }

  void body(std::string_view bytes) {
    curl_easy_getinfo(client.curl_.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    if (reply.status != 200 && reply.status != 206) {
      reply.body += bytes.substr(0, 4096 - std::min<size_t>(4096, reply.body.size()));
      return;
    }
    if (!has_begun && reply.status == 206 && reply.range_begin != begin)
      fail("the Hub sent bytes from {} on, and was asked for those from {} on", reply.range_begin, begin);
    if (!has_begun && reply.status == 200) sink.clear();
    has_begun = true;
    sink.add(bytes);
  }

  static size_t on_header(char* data, size_t size, size_t count, void* transfer) {
    auto* const self = static_cast<Transfer*>(transfer);
    return self->kept([&] { self->header({data, size * count}); }) ? size * count : 0;
  }
  static size_t on_body(char* data, size_t size, size_t count, void* transfer) {
    auto* const self = static_cast<Transfer*>(transfer);
    return self->kept([&] { self->body({data, size * count}); }) ? size * count : 0;
  }
  static int on_progress(void* transfer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto* const self = static_cast<Transfer*>(transfer);
    return self->kept([&] { self->client.waiting_(""); }) ? 0 : 1;
  }
};

HttpClient::HttpClient(const HubSettings& settings, std::function<void(const std::string&)> waiting)
    : settings_(settings), waiting_(std::move(waiting)), curl_(nullptr, curl_easy_cleanup) {
  initialise_curl();
  curl_.reset(curl_easy_init());
  if (!curl_) fail("libcurl cannot be initialised");
}

HttpClient::~HttpClient() = default;

// Connections stay open from one request to the next. SIGPIPE is left to libcurl, which ignores it meanwhile.
void HttpClient::prepare(const std::string& url, Transfer& transfer) {
  CURL* const curl = curl_.get();
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, fmt::format("idleheads/{}", version()).c_str());
  if (transfer.begin > 0) curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", transfer.begin).c_str());
  if (!settings_.token.empty()) {  // which libcurl gives to no other host that a redirect leads to
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, settings_.token.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, url.starts_with("https:") ? "https" : "http,https");
  const auto seconds = static_cast<long>(settings_.timeout.count());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, seconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, seconds);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, Transfer::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Transfer::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, Transfer::on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
}

// Empty if there is an answer that no further try would change, else what the trouble is.
std::string HttpClient::try_once(const std::string& url, HttpSink& sink, HttpReply& reply) {
  Transfer transfer{*this, sink, reply, sink.size()};
  prepare(url, transfer);
  CURL* const curl = curl_.get();
  std::array<char, CURL_ERROR_SIZE> text{};
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text.data());
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  const std::string said = text[0] != '\0' ? text.data() : curl_easy_strerror(code);
  if (code != CURLE_OK && may_pass(code)) return said;
  if (code != CURLE_OK) fail("{}: {}", printable(url, 300), printable(said, 200));
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  if (may_pass(reply.status)) return fmt::format("it answers HTTP {}", reply.status);
  if (reply.status == 416 && transfer.begin > 0) {  // the file is another one now
    sink.clear();
    return "it has no such part of the file";
  }
  const bool is_file = reply.status == 200 || reply.status == 206;
  return is_file && !sink.is_whole() ? "the answer was cut" : "";
}

void HttpClient::wait(std::chrono::milliseconds time, const std::string& trouble) {
  const auto end = std::chrono::steady_clock::now() + time;
  do {
    waiting_(trouble);
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(100ms, time));
  } while (std::chrono::steady_clock::now() < end);
}

HttpReply HttpClient::ask(const std::string& url, HttpSink& sink) {
  constexpr int64_t kLongestWait = 120;
  std::chrono::milliseconds pause = settings_.first_wait;
  for (int tries = 1;; ++tries) {
    const int64_t before = sink.size();
    HttpReply reply;
    const std::string trouble = try_once(url, sink, reply);
    if (trouble.empty()) return reply;
    if (sink.size() > before) {
      tries = 0;
      pause = settings_.first_wait;
    }
    if (tries >= settings_.tries)
      fail("{}: no answer after {} tries: {}; try again later", printable(url, 300), tries,
           printable(trouble, 200));
    const bool named = reply.retry_after >= 0;
    const auto time = named ? std::chrono::seconds(std::min(reply.retry_after, kLongestWait)) : pause;
    wait(time, fmt::format("{}, trying again", printable(trouble, 100)));
    if (!named) pause *= 2;
  }
}

HttpReply HttpClient::get(const std::string& url) {
  TextSink text;
  HttpReply reply = ask(url, text);
  if (reply.status == 200) reply.body = text.take();
  return reply;
}

HttpReply HttpClient::get(const std::string& url, HttpSink& sink) { return ask(url, sink); }

std::string url_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace idleheads
