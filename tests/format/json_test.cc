#include "format/json.h"

#include "format/bad_file.h"

namespace idleheads::test {
namespace {

void expect_bad(const std::string& text, const std::string& message, int64_t first_line = 1) {
  expect_refused([&] { parse_json(text, "test", first_line); }, message);
}

TEST(Json, ReadsValues) {
  const Json json =
      parse_json(R"( {"a": [1, -2, 2.5, 18446744073709551615, null, true], "b": {"a": "é\n"}} )", "test");
  EXPECT_EQ(json["a"][1], -2);
  EXPECT_EQ(json["a"][2], 2.5);
  EXPECT_EQ(json["a"][3].get<uint64_t>(), UINT64_MAX);
  EXPECT_TRUE(json["a"][4].is_null());
  EXPECT_EQ(json["b"]["a"], "é\n");
}

TEST(Json, NamesFileAndLine) {
  expect_bad("{\n\"a\": 1,\n\"b\" 2}", "test:3: not valid JSON: ");
  expect_bad("", "test:1: not valid JSON: ");
  expect_bad("{\"a\":\n\n", "test:3: not valid JSON: ");
  expect_bad("[1] x", "test:1: not valid JSON: ");
  expect_bad("{} {}", "test:1: not valid JSON: ");
  expect_bad("[\n1e999]", "test:2: not valid JSON: number overflow");
  expect_bad("\"\xff\"", "test:1: not valid JSON: ");
  expect_bad("[1,\n2,]", "test:42: not valid JSON: ", 41);
}

TEST(Json, RefusesDuplicateKeysInOneObject) {
  expect_bad("{\"a\": 1,\n \"b\": {\"a\": 1},\n \"a\": 2}", "test:3: key \"a\" is given twice");
  expect_bad("[{\"x\": {\"b\": 1, \"b\": 1}}]", "test:1: key \"b\" is given twice");
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])", "test")[1]["a"]["a"], 2);
}

TEST(Json, BoundsDepth) {
  const std::string open(64, '['), close(64, ']');
  EXPECT_TRUE(parse_json(open + close, "test").is_array());
  expect_bad("[" + open + close + "]", "test:1: JSON is nested deeper than 64 levels");
  expect_bad(std::string(1000000, '['), "deeper than 64");
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":\n";
  expect_bad(objects, "test:65: JSON is nested deeper than 64 levels");
}

TEST(Json, LongTextGivesShortMessages) {
  const std::string name(1000000, 'x');
  expect_bad("{\"" + name + "\": 1, \"" + name + "\": 2}", "xxx...\" is given twice");
  expect_bad("[\"" + name, "not valid JSON");
  expect_bad(name, "not valid JSON");
  expect_bad("[" + std::string(1000000, '9') + "e999999]", "not valid JSON");
  EXPECT_EQ(parse_json("{\"" + name + "\": 1}", "test").at(name), 1);
}

}  // namespace
}  // namespace idleheads::test
