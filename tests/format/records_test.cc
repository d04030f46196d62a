// Rows of data sets' files: JSON Lines and Parquet, good and damaged.
#include "format/records.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "format/bad_file.h"
#include "support/temp_folder.h"

namespace idleheads::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kParquet =
    fs::path(IDLEHEADS_TEST_DATA) / "task_samples/parquet/piqa/plain_text/validation-00000-of-00001.parquet";

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A file "test.<extension>" with these contents, gone at the end.
class RecordsFile : public testing::Test {
 protected:
  fs::path write(const std::string& extension, const std::string& text) {
    const fs::path file = folder_ / ("test." + extension);
    fs::remove(file);  // file systems may wait for the disk where a file is cut to nothing and written again
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(RecordsFile, JsonLinesKeepTheirNumbers) {
  const std::vector<Record> records = read_records(write("jsonl", "{\"a\": 1}\r\n\n  \n{\"a\": \"x\\ny\"}"));
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].value["a"], 1);
  EXPECT_EQ(records[0].line, 1);
  EXPECT_EQ(records[1].value["a"], "x\ny");
  EXPECT_EQ(records[1].line, 4);
}

TEST_F(RecordsFile, EmptyFilesHaveNoRows) { EXPECT_TRUE(read_records(write("json", "")).empty()); }

TEST_F(RecordsFile, WrongFilesAreNamedWithTheirLine) {
  const auto refused = [&](const std::string& extension, const std::string& text,
                           const std::string& message) {
    SCOPED_TRACE(text);
    const fs::path file = write(extension, text);
    expect_refused([&] { read_records(file); }, message);
  };
  refused("jsonl", "{}\n[1]\n", "test.jsonl:2: array, expected an object {...}");
  refused("json", "{}\n\n{\"a\": }\n", "test.json:3: not valid JSON: ");
  refused("csv", "a,b\n", "test.csv: expected a file that ends in .jsonl, .json or .parquet");
  refused("parquet", "", "test.parquet: ");
  refused("parquet", "PAR1", "test.parquet: ");
  refused("parquet", std::string(1000, 'x'), "test.parquet: ");
  EXPECT_THROW(read_records(folder_ / "absent.parquet"), Error);
}

TEST_F(RecordsFile, ParquetRowsAreObjects) {
  const std::vector<Record> records = read_records(kParquet);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].value.dump(),
            R"({"goal":"to open a jar","label":0,"sol1":"twist the lid","sol2":"twist the jar's floor"})");
  EXPECT_EQ(records[2].line, 3);
}

// Damage may go unseen where it changes text alone; it never crashes, and an error names the file.
TEST_F(RecordsFile, DamagedParquetIsTotal) {
  const std::string whole = contents(kParquet);
  ASSERT_GT(whole.size(), 100u);
  int refused = 0;
  const auto read = [&](const std::string& bytes) {
    const fs::path file = write("parquet", bytes);
    try {
      read_records(file);
      return true;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("test.parquet"));
      ++refused;
      return false;
    }
  };
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_FALSE(read(whole.substr(0, size))) << "accepted when cut to " << size << " bytes";
  }
  refused = 0;
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    read(bytes);
    ASSERT_FALSE(HasFailure()) << "after flipping bit " << bit;
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace idleheads::test
