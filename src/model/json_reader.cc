#include "model/json_reader.h"

#include <cmath>
#include <limits>

#include "base/fail.h"
#include "format/json.h"

namespace idleheads {

JsonReader::JsonReader(const Json& json, std::string_view name) : json_(json), name_(name) {
  if (!json.is_object()) fail("{}: expected a JSON object", name);
}

bool JsonReader::has(const char* key) {
  read_.emplace(key);
  const auto found = json_.find(key);
  return found != json_.end() && !found->is_null();
}

int64_t JsonReader::integer(const char* key) {
  const Json& value = require(key);
  if (!value.is_number_integer() || value > std::numeric_limits<int>::max() || value < 0) {
    wrong(key, "a whole number that is not negative");
  }
  return value.get<int64_t>();
}

int64_t JsonReader::integer(const char* key, int64_t absent) { return has(key) ? integer(key) : absent; }

double JsonReader::number(const char* key) {
  const Json& value = require(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "a number");
  return value.get<double>();
}

double JsonReader::number(const char* key, double absent) { return has(key) ? number(key) : absent; }

bool JsonReader::boolean(const char* key, bool absent) {
  if (!has(key)) return absent;
  if (!json_[key].is_boolean()) wrong(key, "true or false");
  return json_[key].get<bool>();
}

std::string JsonReader::text(const char* key, std::string_view absent) {
  if (!has(key)) return std::string(absent);
  if (!json_[key].is_string()) wrong(key, "a string");
  return json_[key].get<std::string>();
}

std::vector<std::string> JsonReader::texts(const char* key) {
  std::vector<std::string> out;
  if (!has(key)) return out;
  if (!json_[key].is_array()) wrong(key, "a list of strings");
  for (const Json& item : json_[key]) {
    if (!item.is_string()) wrong(key, "a list of strings");
    out.push_back(item.get<std::string>());
  }
  return out;
}

std::vector<double> JsonReader::numbers(const char* key) {
  const Json& list = require(key);
  if (!list.is_array()) wrong(key, "a list of numbers");
  std::vector<double> values;
  for (const Json& value : list) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "a list of numbers");
    values.push_back(value.get<double>());
  }
  return values;
}

const Json* JsonReader::object(const char* key) {
  if (!has(key)) return nullptr;
  if (!json_[key].is_object()) wrong(key, "an object");
  return &json_[key];
}

void JsonReader::require_named(const char* key) const {
  if (!json_.contains(key)) fail("{}: {} is missing", name_, key);
}

void JsonReader::wrong(std::string_view key, std::string_view expected) const {
  fail("{}: {} is {}, expected {}", name_, printable(key), shown(key), expected);
}

std::vector<std::string> JsonReader::unread() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : json_.items()) {
    if (!value.is_null() && !read_.contains(key)) keys.push_back(key);
  }
  return keys;
}

void JsonReader::refuse_unread() const {
  if (const std::vector<std::string> keys = unread(); !keys.empty()) refuse(keys.front());
}

void JsonReader::refuse(const std::string& key) const {
  fail("{}: key '{}' is not understood and might change what the model computes; value: {}", name_,
       printable(key), shown(key));
}

const Json& JsonReader::require(const char* key) {
  if (!has(key)) fail("{}: {} is missing", name_, key);
  return json_[key];
}

std::string JsonReader::shown(std::string_view key) const {
  return printable(dump_ascii(json_.at(std::string(key))), 60);
}

}  // namespace idleheads
