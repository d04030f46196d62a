// Reads the keys of a JSON object and knows in the end which of them nobody read.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "format/json.h"

namespace idleheads {

// Every look-up marks its key as read. A key whose value is null counts as absent, as transformers takes it.
// Functions without a value for "absent" throw Error "NAME: KEY is missing"; all throw Error that names the
// key, its value and what was expected if the value has another type.
class JsonReader {
 public:
  // `json` and `name`, which stands in messages, must outlive the reader. Throws Error if it is no object.
  JsonReader(const Json& json, std::string_view name);

  bool has(const char* key);         // there and not null
  int64_t integer(const char* key);  // 0 to 2^31 - 1
  int64_t integer(const char* key, int64_t absent);
  double number(const char* key);  // finite
  double number(const char* key, double absent);
  bool boolean(const char* key, bool absent);
  std::string text(const char* key, std::string_view absent);
  std::vector<std::string> texts(const char* key);  // a list of strings; empty if absent
  std::vector<double> numbers(const char* key);     // a list of finite numbers; must be there
  const Json* object(const char* key);              // nullptr if absent

  // Throws Error "NAME: KEY is missing" unless the key is there, be it null.
  void require_named(const char* key) const;
  // Throws Error "NAME: KEY is VALUE, expected ...". The key must be there.
  [[noreturn]] void wrong(std::string_view key, std::string_view expected) const;

  // The keys that were not read and are not null, in their order in the object.
  std::vector<std::string> unread() const;
  // Throws Error for the first of them: a key nobody asked for could change what is computed.
  void refuse_unread() const;
  // Throws Error for `key` as refuse_unread() does.
  [[noreturn]] void refuse(const std::string& key) const;

  const Json& json() const { return json_; }
  std::string_view name() const { return name_; }

 private:
  const Json& require(const char* key);
  std::string shown(std::string_view key) const;

  const Json& json_;
  std::string_view name_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace idleheads
