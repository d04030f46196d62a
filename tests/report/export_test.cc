#include "idleheads/report/export.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "report/exports/csv.h"
#include "report/exports/npz.h"
#include "report/report_fixture.h"
#include "report/zip_reader.h"

namespace idleheads {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Crc32, KnownValue) { EXPECT_EQ(crc32("123456789"), 0xcbf43926u); }

TEST(Npz, ArraysOfEveryKind) {
  TempFolder folder;
  NpzWriter npz(folder / "a.npz");
  npz.add("doubles", std::vector<double>{0.5, -1});
  npz.add("none", std::vector<int64_t>{});
  npz.add("texts", std::vector<std::string>{"a", "n\u00e4\U0001F600", "\xff!"});
  npz.begin("matrix", "<f4", std::array<int64_t, 2>{1, 2});
  npz.append(std::span<const float>(std::array<float, 2>{1, 2}));
  npz.end();
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npz")) << "only a whole file has its name";
  npz.finish();
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npz.part"));
  auto members = unzip(read_file(folder / "a.npz"));
  ASSERT_EQ(members.size(), 4u);
  EXPECT_THAT(npy_header(members["doubles.npy"]),
              HasSubstr("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"));
  EXPECT_EQ(npy_data<double>(members["doubles.npy"]), (std::vector<double>{0.5, -1}));
  EXPECT_THAT(npy_header(members["none.npy"]), HasSubstr("'shape': (0,)"));
  EXPECT_THAT(npy_header(members["texts.npy"]), HasSubstr("'<U3'"));
  EXPECT_EQ(npy_data<char32_t>(members["texts.npy"]),
            (std::vector<char32_t>{'a', 0, 0, 'n', 0xe4, 0x1f600, 0xfffd, '!', 0}));
  EXPECT_THAT(npy_header(members["matrix.npy"]), HasSubstr("'shape': (1, 2)"));
}

// Sizes beyond 4 GiB are promised in fields of their own; text/src/zip_stream.rs tests whole archives of that
// size.
TEST(Npz, LargeArraysGetZip64) {
  TempFolder folder;
  const auto header_of = [&](int64_t rows) {
    OutputFile file(folder / "a.npz");
    ZipWriter zip(file);
    zip.begin("big", static_cast<uint64_t>(rows));
    zip.write(std::as_bytes(std::span(std::string_view("x"))));
    file.commit();
    return read_file(folder / "a.npz");
  };
  const std::string small = header_of(0xfffffffe), large = header_of(0xffffffff);
  EXPECT_EQ(le(small, 28, 2), 0u) << "no extra field";
  EXPECT_EQ(le(large, 28, 2), 20u);
  EXPECT_EQ(le(large, 33, 2), 1u) << "ZIP64";
}

TEST(Npz, UnfinishedArchivesLeaveNothing) {
  TempFolder folder;
  {
    NpzWriter npz(folder / "b.npz");
    npz.begin("x", "|u1", std::array<int64_t, 1>{1});
    EXPECT_THROW(npz.end(), std::logic_error);
    EXPECT_THROW(npz.append(std::span<const uint8_t>(std::array<uint8_t, 2>{})), std::logic_error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ExportCsv, ExcerptsWhereTheStudyKeepsThem) {
  TempFolder folder;
  FakeStudy study = small_study();
  for (size_t i = 0; i < study.documents.size(); ++i) study.excerpts.push_back(fmt::format("What, {}?", i));
  export_csv(store_study(study, folder / "a.db"), folder / "csv");
  const auto documents = lines_of(folder / "csv/documents.csv");
  EXPECT_THAT(documents[0], testing::EndsWith(",correct_norm,excerpt"));
  EXPECT_THAT(documents[4], testing::EndsWith(",\"What, 3?\""));
}

// Whatever a stranger named his subjects, a spreadsheet shows it and does not run it.
TEST(Csv, TextIsNoFormula) {
  TempFolder folder;
  CsvWriter csv(folder / "a.csv", {"a", "b", "c", "d"});
  csv.cell("=1+1").cell("+1").cell("-x").cell("@SUM(A1)").end_line();
  csv.cell("\t=1").cell("\r=1").cell("=\"a\",b").cell("a=1").end_line();
  csv.cell(-1.5).cell(int64_t{-5}).cell(-INFINITY).cell("").end_line();
  csv.finish();
  EXPECT_EQ(read_file(folder / "a.csv"),
            "a,b,c,d\n'=1+1,'+1,'-x,'@SUM(A1)\n'\t=1,\"'\r=1\",\"'=\"\"a\"\",b\",a=1\n-1.5,-5,-inf,\n");
}

TEST(Csv, QuotesAndNumbers) {
  TempFolder folder;
  CsvWriter csv(folder / "a.csv", {"a", "b, c", "d"});
  csv.cell("say \"no\"").cell("two\nlines").cell("plain").end_line();
  csv.cell(0.1f).cell(0.1).cell(std::nanf("")).end_line();
  csv.cell(int64_t{-5}).cell(-INFINITY).empty().end_line();
  csv.cell(true).cell(false).cell(uint8_t{7}).end_line();
  csv.finish();
  EXPECT_EQ(read_file(folder / "a.csv"),
            "a,\"b, c\",d\n\"say \"\"no\"\"\",\"two\nlines\",plain\n0.1,0.1,\n-5,-inf,\n1,0,7\n");
}

TEST(Csv, LinesOfOtherLengthAreBugs) {
  TempFolder folder;
  CsvWriter csv(folder / "a.csv", {"a", "b"});
  EXPECT_THROW(csv.cell(1).end_line(), std::logic_error);
}

TEST(ExportCsv, Files) {
  TempFolder folder;
  export_csv(store_study(small_study(), folder / "a.db"), folder / "out" / "csv");
  const auto scores = lines_of(folder / "out/csv/scores.csv");
  ASSERT_EQ(scores.size(), 1u + 200 * 8);
  EXPECT_THAT(scores[0], testing::StartsWith("document,sample,layer,head,first_weight,entropy,"));
  EXPECT_THAT(scores[0], testing::EndsWith(fmt::format(",{}", all_scores().back().slug)));
  EXPECT_THAT(scores[1], testing::StartsWith("0,0,0,0,0.125,1.125,2.125,"));
  const auto curves = lines_of(folder / "out/csv/curves.csv");
  ASSERT_EQ(curves.size(), 8u);
  EXPECT_THAT(curves[1], testing::StartsWith("baseline,,,0,200,0.8,0.02842"));
  EXPECT_THAT(curves[5], testing::StartsWith("ahon_ln,0.25,0.52,25,200,0.795,"));
  EXPECT_THAT(curves[5], testing::HasSubstr(",-0.5,")) << "the difference to the baseline, in points";
  EXPECT_THAT(curves[5], testing::HasSubstr(",1,1,1,0,")) << "p 1, one answer changed, one lost, none won";
  const auto shares = lines_of(folder / "out/csv/shares.csv");
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_EQ(shares[0],
            "score,sure_percent,largest_inactive_percent,interval_low,interval_high,first_crossing_percent,"
            "normalized_auc");
  EXPECT_THAT(shares[2], testing::StartsWith("ahon_ln,0,25,"));
  const auto heads = lines_of(folder / "out/csv/heads.csv");
  ASSERT_EQ(heads.size(), 1u + 16 * 8);
  // 100 values of 0.125 and 100 of 1.125: sample standard deviation 0.5 sqrt(200 / 199); of the two subjects'
  // means sqrt(0.5).
  EXPECT_EQ(heads[1], "0,0,awft,0.625,0.5012547071170855,0.7071067811865476,0.1,0");
  EXPECT_THAT(heads,
              testing::Contains(testing::MatchesRegex("1,0,ahon_ln,[0-9.]+,[0-9.]+,[0-9.]+,0.25,0.5")));
  EXPECT_EQ(heads.back(), "1,3,random,,,,,");
  const auto documents = lines_of(folder / "out/csv/documents.csv");
  ASSERT_EQ(documents.size(), 201u);
  EXPECT_EQ(documents[2], "1,\"cooking, \"\"fine\"\"\",home,0,2,0,1,6,0,0,1,0,1");
  EXPECT_EQ(documents[200], "199,\"cooking, \"\"fine\"\"\",home,99,2,0,1,204,0,1,0,1,0");
}

TEST(ExportCsv, UnfinishedBaseline) {
  TempFolder folder;
  export_csv(store_study(score_only_study(), folder / "a.db", {3}), folder / "csv");
  EXPECT_EQ(lines_of(folder / "csv/scores.csv").size(), 1u + 3 * 8);
  EXPECT_EQ(lines_of(folder / "csv/documents.csv")[4], "3,\"cooking, \"\"fine\"\"\",home,1,2,0,1,8,0,,,,");
}

TEST(ExportJson, IsWhole) {
  TempFolder folder;
  write_text(study_json(store_study(small_study(), folder / "a.db")), folder / "a.json");
  const json study = json::parse(read_file(folder / "a.json"));
  EXPECT_EQ(study["settings"]["task.name"], "quiz");
  EXPECT_EQ(study["summary"]["best"], "ahon_ln");
  EXPECT_EQ(study["summary"]["baseline"]["acc"]["value"], 0.8);
  EXPECT_EQ(study["curves"].size(), 3u);
  EXPECT_EQ(study["curves"][1]["points"][1]["threshold"], 0.52);
  EXPECT_EQ(study["heads"]["always"], json::parse(R"({"1": [3]})"));
  EXPECT_EQ(study["heads"]["sometimes"], json::parse(R"({"0": [0], "1": [0]})"));
  EXPECT_TRUE(study["missing"].empty());
}

TEST(ExportJson, NullsAndBytesThatAreNotText) {
  TempFolder folder;
  FakeStudy study = score_only_study();
  study.settings["info.model"] = "bad\xff";
  const json out = json::parse(study_json(store_study(study, folder / "a.db", {0})));
  EXPECT_EQ(out["settings"]["info.model"], "bad\xef\xbf\xbd");
  EXPECT_TRUE(out["distributions"][0]["median"].is_null());
  EXPECT_TRUE(out["distributions"][0]["mean"][0][0].is_null());
  EXPECT_TRUE(out["summary"]["best"].is_null());
  EXPECT_TRUE(out["heads"].is_null());
}

TEST(ExportNpz, Arrays) {
  TempFolder folder;
  export_npz(store_study(small_study(), folder / "a.db", {-1, -1, -1, -1, 7}), folder / "a.npz");
  auto members = unzip(read_file(folder / "a.npz"));
  EXPECT_THAT(npy_header(members["stats.npy"]),
              HasSubstr("'descr': '<f4', 'fortran_order': False, 'shape': (200, 2, 4, 10)"));
  const auto stats = npy_data<float>(members["stats.npy"]);
  EXPECT_EQ(stats[0], 0.125f);
  EXPECT_EQ(stats[10 * 8 * 1 + 10 * 2 + 3], 3 * 0.125f + 1 + 3) << "sample 1, head 2, number 3";
  const auto masks = npy_data<uint8_t>(members["masks_3.npy"]);
  EXPECT_EQ(std::vector<uint8_t>(masks.begin(), masks.begin() + 8),
            (std::vector<uint8_t>{0, 0, 0, 0, 0, 0, 0, 1}));
  EXPECT_FALSE(members.contains("masks_4.npy")) << "not finished";
  EXPECT_EQ(npy_data<uint8_t>(members["intervention_complete.npy"]),
            (std::vector<uint8_t>{1, 1, 1, 1, 0, 1, 1}));
  const auto values = npy_data<float>(members["log_likelihoods.npy"]);
  ASSERT_EQ(values.size(), 7u * 400);
  EXPECT_EQ(values[4 * 400 + 13], -9);
  EXPECT_TRUE(std::isnan(values[4 * 400 + 14]));
  const auto offsets = npy_data<int64_t>(members["choice_offsets.npy"]);
  EXPECT_EQ(offsets.size(), 201u);
  EXPECT_EQ(offsets.back(), 400);
}

TEST(ExportNpz, SameBytesEveryTime) {
  TempFolder folder;
  const StudyStore store = store_study(small_study(), folder / "a.db");
  export_npz(store, folder / "a.npz");
  export_npz(store, folder / "b.npz");
  EXPECT_EQ(read_file(folder / "a.npz"), read_file(folder / "b.npz"));
}

TEST(Export, PlacesThatCannotBeWritten) {
  TempFolder folder;
  const StudyStore store = store_study(score_only_study(), folder / "a.db");
  EXPECT_THAT(error_of([&] { write_text("{}", folder / "no/such/a.json"); }),
              HasSubstr("cannot be written: No such file"));
  EXPECT_THAT(error_of([&] { export_npz(store, folder.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(error_of([&] { export_csv(store, folder / "a.db"); }), HasSubstr("folder cannot be made"));
  EXPECT_FALSE(std::filesystem::exists(folder / "no"));
}

}  // namespace
}  // namespace idleheads
