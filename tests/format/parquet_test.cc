// Parquet as people have it and as it is made to harm a reader: right rows, or one line and little memory.
#include "format/parquet.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "format/bad_file.h"
#include "format/records.h"
#include "support/temp_folder.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kSamples = fs::path(IDLEHEADS_TEST_DATA) / "parquet";

std::vector<std::string> rows_of(const std::string& name, const std::vector<std::string>& columns = {}) {
  std::vector<std::string> rows;
  read_parquet(kSamples / (name + ".parquet"), columns,
               [&](std::string_view row) { rows.emplace_back(row); });
  return rows;
}

std::string refusal(const fs::path& file, const std::vector<std::string>& columns = {}) {
  try {
    read_parquet(file, columns, [](std::string_view) {});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Parquet, EveryCompressionGivesTheSameRows) {
  for (const char* name : {"none", "snappy", "gzip", "brotli", "lz4", "zstd", "sums", "groups"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(rows_of(name),
                ElementsAre(R"({"answer":1,"choices":["1","2"],"question":"Which is éven?"})",
                            R"({"answer":1,"choices":["4","5","6"],"question":"Which is odd?\n"})",
                            R"({"answer":null,"choices":[],"question":""})"));
  }
  EXPECT_THAT(rows_of("lz4_hadoop"), ElementsAre(R"({"t":"old"})", R"({"t":"and older"})"));
}

TEST(Parquet, ColumnsThatNobodyNeedsAreOfAnyType) {
  EXPECT_THAT(rows_of("every_type", {"question", "absent"}),
              ElementsAre(R"({"question":"first"})", R"({"question":"second"})"));
  EXPECT_THAT(rows_of("int96", {"question"}), ElementsAre(R"({"question":"old"})"));
  // With none named, all that have a place in JSON.
  EXPECT_THAT(
      rows_of("every_type"),
      ElementsAre(
          R"({"deep":[[1.5],[]],"dictionary":"x","duration":86400000000,"flag":true,"large":"y","nothing":null,)"
          R"("question":"first","records":[{"n":1,"text":"t"}],"small":-1,)"
          R"("unsigned":18446744073709551615})",
          R"({"deep":null,"dictionary":"x","duration":null,"flag":null,"large":null,"nothing":null,)"
          R"("question":"second","records":[],"small":null,"unsigned":0})"));
}

TEST(Parquet, ColumnsThatAreNeededAreRefusedByNameAndType) {
  const auto refused = [](const std::string& column) {
    return refusal(kSamples / "every_type.parquet", {"question", column});
  };
  EXPECT_THAT(refused("binary"),
              HasSubstr("every_type.parquet: column 'binary' is of type BYTE_ARRAY; expected"));
  EXPECT_THAT(refused("date"), HasSubstr("column 'date' is of type DATE;"));
  EXPECT_THAT(refused("nanoseconds"), HasSubstr("column 'nanoseconds' is of type Timestamp"));
  for (const char* column :
       {"fixed", "decimal", "decimal_large", "time", "seconds", "half", "map", "image", "images"}) {
    EXPECT_THAT(refused(column), HasSubstr("column '" + std::string(column) + "' is ")) << column;
  }
}

TEST(Parquet, DeltaEncodings) {
  for (const char* name : {"delta_1", "delta_2"}) {
    const std::vector<std::string> rows = rows_of(name);
    ASSERT_EQ(rows.size(), 200u) << name;
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string text = "prefix " + std::to_string(i / 7) + " and " + std::string(i % 5, 'x');
      const std::string some = i % 3 == 0 ? "null" : "\"" + text + "\"";
      EXPECT_EQ(rows[i], "{\"length\":\"" + text + "\",\"number\":" + std::to_string(i) + ",\"prefix\":\"" +
                             text + "\",\"some\":" + some + "}");
    }
  }
}

TEST(Parquet, ChecksumsAreCompared) {
  std::ifstream in(kSamples / "sums.parquet", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const size_t text = bytes.find("odd?");
  ASSERT_NE(text, std::string::npos);
  bytes[text] = 'a';
  const TempFolder folder;
  EXPECT_THAT(refusal(folder.write("sums.parquet", bytes)), HasSubstr("CRC"));
}

TEST(Parquet, WhatTheCallerThrowsComesThrough) {
  int rows = 0;
  const auto take = [&](std::string_view) {
    if (++rows == 2) throw std::out_of_range("the caller's");
  };
  EXPECT_THROW(read_parquet(kSamples / "none.parquet", {}, take), std::out_of_range);
  EXPECT_EQ(rows, 2);
}

// Peak memory that reading the file takes beyond what the process has, in MiB, and the message, both measured
// in a process of its own.
std::pair<long, std::string> cost_of(const fs::path& file) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    rusage before = {}, after = {};
    getrusage(RUSAGE_SELF, &before);
    const std::string message = refusal(file);
    getrusage(RUSAGE_SELF, &after);
    const std::string report = std::to_string((after.ru_maxrss - before.ru_maxrss) / 1024) + " " + message;
    if (write(ends[1], report.data(), report.size()) < 0) _exit(1);
    _exit(0);
  }
  close(ends[1]);
  std::string report;
  char buffer[4096];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof(buffer))) > 0;)
    report.append(buffer, static_cast<size_t>(count));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {0, "ended by a signal"};
  const size_t space = report.find(' ');
  return {std::stol(report.substr(0, space)), report.substr(space + 1)};
}

TEST(Parquet, WhatIsMadeToHarmIsOneLineAndLittleMemory) {
  const std::map<std::string, std::string> expected = {
      {"chunk_below_0", "column 't' does not lie in the file"},
      {"chunk_elsewhere", "column 't' lies in another file"},
      {"chunk_outside", "column 't' does not lie in the file"},
      {"chunk_size", "column 't' does not lie in the file"},
      {"delta_lengths", "lengths of more values than it has"},
      {"delta_parts", "blocks of lengths of impossible sizes"},
      {"delta_prefix", "unpacks to far more than its size justifies"},
      {"delta_suffixes", "lengths of more values than it has"},
      {"dictionary", "unpacks to far more than its size justifies"},
      {"dictionary_count", "has far more values than its size justifies"},
      {"dictionary_in_list", "unpacks to far more than its size justifies"},
      {"encrypted", "encrypted Parquet, which is not supported"},
      {"footer_list", "the footer has a list longer than itself"},
      {"footer_size", "does not fit into the file"},
      {"page_below_0", "page 1 has a size below 0"},
      {"page_brotli", "page 1 does not unpack to the 8 bytes that it declares"},
      {"page_declares_2g", "unpacks to far more than its size justifies"},
      {"page_empty_many", "column 't' has 0 rows, expected 1"},
      {"page_gzip", "page 1 does not unpack to the 8 bytes that it declares"},
      {"page_gzip_short", "page 1 does not unpack to the 1048576 bytes that it declares"},
      {"page_too_long", "page 1 ends too early"},
      {"page_values", "has far more values than its size justifies"},
      {"page_zstd", "unpacks to far more than its size justifies"},
      {"rows_2_to_62", "has far more values than its size justifies"},
      {"rows_below_0", "rows"},
      {"rows_differ", "3 rows, but 2 in its groups"},
      {"rows_more_than_values", "column 't' has 2 rows, expected 262144"},
      {"rows_without_columns", "has far more values than its size justifies"},
      {"schema_children", "has a group of 2147483647 columns, but only 2 in all"},
      {"schema_children_below_0", "the footer has a size below 0"},
      {"schema_deep", "nested deeper than 32 levels"},
      {"schema_empty", ""},
      {"schema_list", "the footer has a list longer than itself"},
      {"schema_twice", "two columns 't'"},
      {"text_not_utf8", "column 't' has a text that is not UTF-8"},
      {"text_too_long", ""},
  };
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(kSamples / "hostile")) {
    ++files;
    const std::string name = entry.path().stem().string();
    SCOPED_TRACE(name);
    ASSERT_TRUE(expected.contains(name));
    const auto [mebibytes, message] = cost_of(entry.path());
    EXPECT_THAT(message, HasSubstr(name + ".parquet: "));
    EXPECT_THAT(message, HasSubstr(expected.at(name)));
    EXPECT_EQ(message.find('\n'), message.npos);
    EXPECT_THAT(message, testing::Not(HasSubstr("internal error")));
    EXPECT_LT(mebibytes, 150);
  }
  EXPECT_EQ(files, expected.size());
}

// 20,000 groups in each other, and as many beside each other, made here because they are long.
TEST(Parquet, DeepAndWideSchemas) {
  const auto file_of = [](const std::string& footer) {
    const auto size = static_cast<uint32_t>(footer.size());
    std::string end;
    for (int i = 0; i < 4; ++i) end += static_cast<char>(size >> (8 * i) & 0xff);
    return "PAR1" + footer + end + "PAR1";
  };
  const auto refused = [&](const std::string& element) {
    // version 2; a list of 20,000 structures
    std::string footer("\x15\x04\x19\xfc\xa0\x9c\x01", 7);
    for (int i = 0; i < 20000; ++i) footer += element;
    const TempFolder folder;
    return refusal(folder.write("schema.parquet", file_of(footer + '\0')));
  };
  // repetition required, a name, one child or none
  EXPECT_THAT(refused(std::string("\x35\x00\x18\x01g\x15\x02\x00", 8)), HasSubstr("20000 columns"));
  EXPECT_THAT(refused(std::string("\x35\x00\x18\x01g\x00", 6)), HasSubstr("20000 columns"));
}

}  // namespace
}  // namespace idleheads::test
