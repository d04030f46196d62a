#include <bit>
#include <stdexcept>

#include "study_fixture.h"
#include "studyfile/blob.h"

namespace idleheads {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<int> numbers(const std::vector<std::byte>& bytes) {
  std::vector<int> values;
  for (const std::byte byte : bytes) values.push_back(std::to_integer<int>(byte));
  return values;
}

TEST(Blob, FloatsAreLittleEndian) {
  const std::vector<float> values = {1.0f, -2.5f};
  EXPECT_THAT(numbers(encode_floats(values)), ElementsAre(0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0));
  EXPECT_EQ(decode_floats(encode_floats(values), 2), values);
  EXPECT_TRUE(decode_floats({}, 0).empty());
}

TEST(Blob, EveryBitOfANanIsKept) {
  const auto nan = std::bit_cast<float>(0xffc12345u);
  EXPECT_EQ(std::bit_cast<uint32_t>(decode_floats(encode_floats(std::vector<float>{nan}), 1)[0]),
            0xffc12345u);
}

TEST(Blob, MasksAreBitsLowestFirst) {
  HeadMask first(2, 5), second(2, 5);
  first.set(0, 0, true);
  first.set(0, 3, true);
  first.set(1, 4, true);   // bit 9
  second.set(1, 2, true);  // bit 7
  const std::vector<HeadMask> masks = {first, second};
  const auto bytes = encode_masks(masks, 2, 5);
  EXPECT_THAT(numbers(bytes), ElementsAre(0b1001, 0b10, 0b10000000, 0));
  EXPECT_EQ(decode_masks(bytes, 2, HeadShape(2, 5)), masks);
}

TEST(Blob, MasksOfACutModelKnowWhichHeadsThereAre) {
  const HeadShape shape(2, 5, std::vector<HeadId>{{0, 3}});
  HeadMask mask(shape);
  mask.set(1, 4, true);
  const auto bytes = encode_masks(std::vector<HeadMask>{mask}, 2, 5);
  EXPECT_EQ(decode_masks(bytes, 1, shape), std::vector<HeadMask>{mask});
  EXPECT_EQ(decode_masks(bytes, 1, shape)[0].share(), 1. / 9);
  HeadMask damaged(2, 5);
  damaged.set(0, 3, true);
  const auto wrong = encode_masks(std::vector<HeadMask>{damaged}, 2, 5);
  EXPECT_THAT(error_of([&] { decode_masks(wrong, 1, shape); }), HasSubstr("masks have L0H3 off"));
}

TEST(Blob, StatsAreSamplesLayersHeadsStats) {
  SampleStats sample(2, 1);
  sample.values[1][2] = 1.0f;  // layer 1, head 0, first_value_norm
  const auto bytes = encode_stats(std::vector<SampleStats>{SampleStats(2, 1), sample}, 2, 1);
  ASSERT_EQ(bytes.size(), 2u * 2 * 10 * 4);
  EXPECT_EQ(decode_floats(bytes, 40)[20 + 10 + 2], 1.0f);
  const auto stats = decode_stats(bytes, 2, 10, 2, 1);
  EXPECT_EQ(stats[1].values, sample.values);
}

TEST(Blob, StatsThatAnOlderFileLacksAreNaN) {
  const std::vector<std::byte> bytes(2 * 7 * 4);
  const auto stats = decode_stats(bytes, 1, 7, 2, 1);
  EXPECT_EQ(get(stats[0].values[1], Stat::projected_norm), 0);
  for (const Stat stat : {Stat::sink_weight, Stat::top_weight, Stat::top_position})
    EXPECT_TRUE(std::isnan(get(stats[0].values[1], stat)));
}

TEST(Blob, WrongLengthsAreRefused) {
  const std::vector<std::byte> bytes(12);
  EXPECT_THAT(error_of([&] { decode_floats(bytes, 4); }), HasSubstr("12 bytes, expected 4 times 4"));
  EXPECT_NE(error_of([&] { decode_floats(std::span(bytes).first(11), 3); }), "no error");
  EXPECT_NE(error_of([&] { decode_masks(bytes, 13, HeadShape(2, 4)); }), "no error");
  EXPECT_NE(error_of([&] { decode_stats(bytes, 1, 7, 1, 1); }), "no error");
  EXPECT_THAT(error_of([&] { decode_stats(bytes, 1, 11, 1, 1); }),
              HasSubstr("11 numbers a head, expected 1 to 10"));
  // A count whose product with the item size wraps around to the right number of bytes.
  EXPECT_NE(error_of([&] { decode_floats(bytes, (size_t{1} << 62) + 3); }), "no error");
}

TEST(Blob, WrongShapesAreRefused) {
  EXPECT_THROW(encode_masks(std::vector<HeadMask>{HeadMask(2, 3)}, 3, 2), std::invalid_argument);
  EXPECT_THROW(encode_stats(std::vector<SampleStats>{SampleStats(2, 3)}, 3, 2), std::invalid_argument);
}

TEST(Blob, Integers) {
  for (const std::vector<int64_t>& values : {std::vector<int64_t>{}, {7}, {12, -7, INT64_MAX}}) {
    EXPECT_EQ(decode_integers(encode_integers(values)), values);
  }
  EXPECT_EQ(encode_integers(std::vector<int64_t>{1, 22}), "[1,22]");
  for (const std::string text : {"", "[", "]", "[1", "1]", "[,]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[1.5]",
                                 "[a]", "[9223372036854775808]", "[[1]]"}) {
    EXPECT_THAT(error_of([&] { decode_integers(text); }), HasSubstr("not a list of whole numbers")) << text;
  }
}

}  // namespace
}  // namespace idleheads
