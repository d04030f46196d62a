// The corners of the base layer: files that are none, endless loops over threads, names and their distance.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "base/fail.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/nearest.h"
#include "base/thread_pool.h"
#include "support/errors.h"
#include "support/temp_folder.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  std::string error_of(const fs::path& path) {
    return test::error_of([&] { const MappedFile file(path); });
  }
  const test::TempFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(Files, ErrorsNameThePathAndTheReason) {
  EXPECT_THAT(error_of(folder_ / "missing"),
              HasSubstr((folder_ / "missing").string() + ": cannot open: No such"));
  EXPECT_THAT(error_of(folder_), HasSubstr("not a regular file"));
  EXPECT_THAT(error_of(folder_ / std::string(5000, 'x')), HasSubstr("cannot open"));
  EXPECT_LT(error_of(std::string(100000, 'x')).size(), 500u);
  EXPECT_THAT(error_of("/dev/zero"), HasSubstr("not a regular file"));
}

// Opening a pipe nobody writes to must not wait for a writer.
TEST_F(Files, APipeIsRefusedAtOnce) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of(folder_ / "pipe"), HasSubstr("not a regular file"));
}

TEST_F(Files, MovedFilesKeepTheirBytes) {
  std::ofstream(folder_ / "a") << "first";
  std::ofstream(folder_ / "b") << "second file";
  const auto text = [](const MappedFile& file) {
    return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  };
  MappedFile a(folder_ / "a"), b(folder_ / "b");
  MappedFile moved(std::move(a));
  EXPECT_EQ(text(moved), "first");
  EXPECT_TRUE(a.bytes().empty());  // NOLINT: the state after a move is promised
  moved = std::move(b);
  EXPECT_EQ(text(moved), "second file");
  EXPECT_EQ(moved.path(), folder_ / "b");
}

TEST(ThreadPoolLimits, ManyShortLoops) {
  ThreadPool pool(4);
  std::atomic<int64_t> sum = 0;
  for (int64_t i = 0; i < 5000; ++i) pool.parallel_for(i % 7, [&](int64_t j, int) { sum += j; });
  int64_t want = 0;
  for (int64_t i = 0; i < 5000; ++i) want += (i % 7) * (i % 7 - 1) / 2;
  EXPECT_EQ(sum, want);
}

TEST(ThreadPoolLimits, ZeroThreadsMeansAllAndOneIsTheCaller) {
  EXPECT_GE(ThreadPool(0).threads(), 1);
  ThreadPool one(1);
  const auto caller = std::this_thread::get_id();
  one.parallel_for(10, [&](int64_t, int thread) {
    EXPECT_EQ(thread, 0);
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

// Each thread number belongs to one thread at a time, so scratch memory by number is safe.
TEST(ThreadPoolLimits, ThreadNumbersAreExclusive) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> inside(3);
  pool.parallel_for(2000, [&](int64_t, int thread) {
    EXPECT_EQ(inside[static_cast<size_t>(thread)]++, 0);
    --inside[static_cast<size_t>(thread)];
  });
}

TEST(ThreadPoolLimits, TheFirstExceptionIsKeptWhenAllThrow) {
  ThreadPool pool(4);
  for (int round = 0; round < 100; ++round) {
    EXPECT_THROW(pool.parallel_for(50, [](int64_t i, int) { fail("index {}", i); }), Error);
  }
}

// The definition, by recursion over the last characters.
size_t slow_distance(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return a.size() + b.size();
  const auto less = [](std::string_view s, size_t n) { return s.substr(0, s.size() - n); };
  size_t best = std::min({slow_distance(less(a, 1), b) + 1, slow_distance(a, less(b, 1)) + 1,
                          slow_distance(less(a, 1), less(b, 1)) + (a.back() != b.back())});
  if (a.size() > 1 && b.size() > 1 && a.back() == b[b.size() - 2] && b.back() == a[a.size() - 2])
    best = std::min(best, slow_distance(less(a, 2), less(b, 2)) + 1);
  return best;
}

TEST(NearestLimits, DistanceEqualsItsDefinition) {
  std::mt19937 random(1);
  const auto word = [&] {
    std::string out;
    for (unsigned i = 0; i < random() % 6; ++i) out += static_cast<char>('a' + random() % 3);
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    const std::string a = word(), b = word();
    EXPECT_EQ(edit_distance(a, b), slow_distance(a, b)) << a << " " << b;
  }
}

TEST(NearestLimits, TiesGoToTheFirstAndNothingNearListsAll) {
  EXPECT_EQ(nearest_name("bat", std::vector<std::string>{"cat", "hat"}), "cat");
  EXPECT_EQ(suggestion("ahn", std::vector<std::string>{"ahon"}), ", did you mean 'ahon'?");
  EXPECT_EQ(suggestion("zzzzzzz", std::vector<std::string>{"ahon", "awft"}), "; valid: ahon, awft");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(PrintableLimits, AnyBytesBecomeOneLine) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (unsigned i = 0; i < random() % 120; ++i) bytes += static_cast<char>(random());
    const std::string shown = printable(bytes, 40);
    EXPECT_LE(shown.size(), 43u);
    for (const char c : shown) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
  }
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a?b");
}

// What is UTF-8 is fixed by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
TEST(PrintableLimits, BytesThatOnlyLookLikeUtf8AreReplaced) {
  EXPECT_EQ(printable("\xc0\x80"), "??");
  EXPECT_EQ(printable("\xe0\x80\x80"), "???");
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");
  EXPECT_EQ(printable("\xc2\x9b[31m"), "?[31m");  // a C1 control: terminals obey it
  EXPECT_EQ(printable("\xf0\x9f\x98\x80\xef\xbf\xbd"), "\xf0\x9f\x98\x80\xef\xbf\xbd");
}

TEST(HashLimits, DifferentPiecesAndBytes) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    Hasher hasher;
    hasher.add(std::string(static_cast<size_t>(i), 'a'));
    EXPECT_EQ(hasher.hex().size(), 32u);
    EXPECT_EQ(hasher.hex(), hasher.hex());
    seen.insert(hasher.hex());
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_NE(hash64("a"), hash64("b"));
}

}  // namespace
}  // namespace idleheads
