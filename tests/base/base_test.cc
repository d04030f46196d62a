#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/fail.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/matrix.h"
#include "base/nearest.h"
#include "base/thread_pool.h"

namespace idleheads {
namespace {

TEST(ThreadPool, VisitsEveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int64_t count : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(count));
      pool.parallel_for(count, [&](int64_t i, int thread) {
        EXPECT_LT(thread, threads);
        ++visits[static_cast<size_t>(i)];
      });
      for (const auto& n : visits) EXPECT_EQ(n, 1);
    }
  }
}

TEST(ThreadPool, ThrowsTheExceptionAgainAndWorksOn) {
  ThreadPool pool(3);
  for (int round = 0; round < 50; ++round) {
    EXPECT_THROW(pool.parallel_for(100,
                                   [](int64_t i, int) {
                                     if (i == 50) fail("index {}", i);
                                   }),
                 Error);
    std::atomic<int64_t> sum = 0;
    pool.parallel_for(100, [&](int64_t i, int) { sum += i; });
    EXPECT_EQ(sum, 4950);
  }
}

TEST(Nearest, FindsTypingErrors) {
  const std::vector<std::string> names = {"study", "score", "show"};
  EXPECT_EQ(nearest_name("stduy", names), "study");
  EXPECT_EQ(nearest_name("scor", names), "score");
  EXPECT_EQ(nearest_name("completely", names), "");
  EXPECT_EQ(nearest_name(std::string(1000000, 'x'), names), "");
  EXPECT_EQ(edit_distance("abcd", "abdc"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(Printable, ReplacesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31mb\n"), "a?[31mb?");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable(std::string(1000, 'a'), 5), "aaaaa...");
  EXPECT_EQ(printable("\xc3\xbc\xc3\xbc", 3), "\xc3\xbc...");
}

TEST(MappedFile, NamesWhatCannotBeRead) {
  EXPECT_THROW(MappedFile("/no/such/file"), Error);
  EXPECT_THROW(MappedFile{std::filesystem::temp_directory_path()}, Error);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "idleheads_base_test";
  std::ofstream(path) << "hello";
  EXPECT_EQ(read_text_file(path), "hello");
  EXPECT_THROW(read_text_file(path, 4), Error);
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_EQ(read_text_file(path), "");
  std::filesystem::remove(path);
}

TEST(Hash, KnownValuesAndPieces) {
  // XXH3 of the empty input, from xxHash's specification.
  EXPECT_EQ(Hasher().hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
  Hasher whole, pieces;
  whole.add("ab");
  pieces.add("a");
  pieces.add("b");
  EXPECT_EQ(whole.hex(), pieces.hex());
}

TEST(AlignedBuffer, IsAlignedAndKeepsItsCapacity) {
  AlignedBuffer<float> buffer(3);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
  const float* before = buffer.data();
  buffer.resize(1);
  buffer.resize(3);
  EXPECT_EQ(buffer.data(), before);
  EXPECT_EQ(AlignedBuffer<float>(0).size(), 0);
}

}  // namespace
}  // namespace idleheads
