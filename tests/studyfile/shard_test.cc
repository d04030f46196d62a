// Parts of a study: what they are called and which documents they have.
#include "idleheads/studyfile/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace idleheads {
namespace {

std::vector<StoredDocument> documents_of(
    const std::vector<std::pair<std::string, std::vector<int64_t>>>& groups) {
  std::vector<StoredDocument> documents;
  for (const auto& [group, tokens] : groups) {
    for (const int64_t count : tokens) {
      StoredDocument document;
      document.group = group;
      document.tokens = count;
      documents.push_back(document);
    }
  }
  return documents;
}

TEST(Shards, AreNamedByNumberAndCount) {
  EXPECT_EQ(parse_shard("3/16"), (Shard{3, 16}));
  EXPECT_EQ(parse_shard("1/1"), (Shard{1, 1}));
  EXPECT_EQ(file_name({3, 16}), "003.of016.db");
  EXPECT_EQ(file_name({1200, 9999}), "1200.of9999.db");
  EXPECT_EQ(to_string(Shard{3, 16}), "3/16");
  for (const char* text : {"17/16", "0/16", "1/0", "1/10000"}) {
    EXPECT_THAT(test::error_of([&] { parse_shard(text); }), testing::HasSubstr("parts are counted from 1"))
        << text;
  }
  for (const char* text : {"", "3", "/", "3/", "/3", "a/b", "-1/3", "1/3x", "1/99999999999"}) {
    EXPECT_THAT(test::error_of([&] { parse_shard(text); }), testing::HasSubstr("as in 3/16")) << text;
  }
}

TEST(Shards, CoverAllDocumentsOnce) {
  for (const int count : {1, 2, 3, 7, 40}) {
    const std::vector<StoredDocument> documents = documents_of(
        {{"a", {5, 1, 1, 9}}, {"b", {2, 2, 2, 30, 1}}, {"c", {1}}, {"d", std::vector<int64_t>(20, 3)}});
    const std::vector<DocumentRange> ranges = shard_ranges(documents, count);
    ASSERT_EQ(std::ssize(ranges), count);
    int64_t next = 0;
    for (const DocumentRange& range : ranges) {
      EXPECT_EQ(range.first, next);
      EXPECT_LE(range.first, range.end);
      next = range.end;
    }
    EXPECT_EQ(next, std::ssize(documents));
  }
  EXPECT_EQ(shard_ranges({}, 2), (std::vector<DocumentRange>{{0, 0}, {0, 0}}));
}

TEST(Shards, HaveAboutTheSameNumberOfTokens) {
  const std::vector<StoredDocument> documents = documents_of({{"a", std::vector<int64_t>(1000, 7)}});
  for (const DocumentRange& range : shard_ranges(documents, 8)) EXPECT_EQ(range.size(), 125);
  // A long document counts by its tokens.
  const std::vector<DocumentRange> two = shard_ranges(documents_of({{"a", {100, 1, 1, 98}}}), 2);
  EXPECT_EQ(two.front(), (DocumentRange{0, 1}));
}

TEST(Shards, AreCutBetweenGroupsWhereOneEndsNearby) {
  const std::vector<StoredDocument> documents =
      documents_of({{"a", std::vector<int64_t>(45, 1)}, {"b", std::vector<int64_t>(55, 1)}});
  EXPECT_EQ(shard_ranges(documents, 2).front(), (DocumentRange{0, 45}));
  // Not where parts would become too different.
  const std::vector<StoredDocument> uneven =
      documents_of({{"a", std::vector<int64_t>(20, 1)}, {"b", std::vector<int64_t>(80, 1)}});
  EXPECT_EQ(shard_ranges(uneven, 2).front(), (DocumentRange{0, 50}));
}

}  // namespace
}  // namespace idleheads
