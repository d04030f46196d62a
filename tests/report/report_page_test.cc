// The page is one document that holds everything, loads nothing, and takes names from study files as text.
#include "idleheads/report/report_page.h"

#include <fmt/format.h>

#include <cctype>

#include "report/changed_study.h"
#include "report/page/report_json.h"

namespace idleheads {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

int count_of(std::string text, const std::string& part) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  int n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

constexpr const char* kDataTag = "<script type=\"application/json\" id=\"data\">";

// A page in its parts, as a browser divides it: a script or style ends at the first end tag.
struct Parts {
  std::string markup, style, data, script;
};

Parts parts_of(const std::string& page) {
  Parts parts;
  size_t at = 0;
  const auto until = [&](const std::string& mark) {
    const size_t end = page.find(mark, at);
    EXPECT_NE(end, std::string::npos) << mark;
    const std::string text = page.substr(at, end - at);
    at = end + mark.size();
    return text;
  };
  parts.markup = until("<style>");
  parts.style = until("</style>");
  parts.markup += until(kDataTag);
  parts.data = until("</script>");
  parts.markup += until("<script>");
  parts.script = until("</script>");
  parts.markup += page.substr(at);
  return parts;
}

class ReportPage : public testing::Test {
 protected:
  std::string page_of(const FakeStudy& study) {
    studies_.clear();
    studies_.push_back(load(study, folder_ / fmt::format("{}.db", number_++)));
    return report_page(studies_);
  }
  TempFolder folder_;
  std::vector<LoadedStudy> studies_;
  int number_ = 0;
};

TEST_F(ReportPage, IsOneDocument) {
  const std::string page = page_of(small_study());
  EXPECT_THAT(page, testing::StartsWith("<!doctype html>\n"));
  EXPECT_THAT(page, testing::EndsWith("</html>\n"));
  EXPECT_LT(page.find("<meta charset=\"utf-8\">"), 1024u) << "browsers look for it there";
  EXPECT_EQ(count_of(page, "<script"), 2);
  EXPECT_EQ(count_of(page, "</script"), 2);
  EXPECT_EQ(count_of(page, "<style"), 1);
  EXPECT_EQ(count_of(page, "</style"), 1);
  EXPECT_EQ(count_of(page, "<!--"), 0);
  const Parts parts = parts_of(page);
  EXPECT_EQ(json::parse(parts.data), json::parse(report_json(studies_).dump()));
  EXPECT_GT(parts.script.size(), 10000u);
  EXPECT_GT(parts.style.size(), 1000u);
  EXPECT_LT(page.size(), 5u << 20);
}

TEST_F(ReportPage, LoadsNothing) {
  const Parts parts = parts_of(page_of(small_study()));
  EXPECT_THAT(parts.markup,
              HasSubstr("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "));
  EXPECT_LT(parts.markup.find("Content-Security-Policy"), parts.markup.find("<link"))
      << "it holds for what follows";
  EXPECT_EQ(count_of(parts.markup, "http:"), 0);
  EXPECT_EQ(count_of(parts.markup, "https:"), 0);
  EXPECT_EQ(count_of(parts.markup, "src="), 0);
  EXPECT_EQ(count_of(parts.markup, "href="), count_of(parts.markup, "href=\"data:,\""));
  EXPECT_EQ(count_of(parts.style, "url("), 0);
  EXPECT_EQ(count_of(parts.style, "@import"), 0);
  // Names of XML are no addresses; the script has no other.
  EXPECT_EQ(count_of(parts.script, "http://"), count_of(parts.script, "http://www.w3.org/"));
  EXPECT_EQ(count_of(parts.script, "https://"), 0);
  EXPECT_EQ(count_of(parts.script, "import("), 0);
  EXPECT_EQ(count_of(parts.script, "sourcemappingurl"), 0);
}

TEST_F(ReportPage, HostileNamesAreText) {
  const std::string hostile[] = {"</script><script>alert(1)</script>",
                                 "</SCRIPT ><img src=x onerror=alert(1)>",
                                 "<!-- <script>",
                                 "]]>\"'`\\\" &lt;&amp; </style>",
                                 "line\xe2\x80\xa8paragraph\xe2\x80\xa9",
                                 "tab\t new\nline\r nul" + std::string(1, '\x01') + "\x7f",
                                 "\xf0\x9f\x98\x80 caf\xc3\xa9"};
  const Parts harmless = parts_of(page_of(small_study()));
  for (const std::string& name : hostile) {
    FakeStudy study = small_study();
    study.settings["task.name"] = name;
    study.settings[name] = name;
    for (StoredDocument& document : study.documents) {
      document.group = "subject " + name;
      document.category = name;
    }
    const std::string page = page_of(study);
    EXPECT_EQ(count_of(page, "<script"), 2) << name;
    EXPECT_EQ(count_of(page, "</script"), 2) << name;
    EXPECT_EQ(count_of(page, "</style"), 1) << name;
    EXPECT_EQ(count_of(page, "<!--"), 0) << name;
    const Parts parts = parts_of(page);
    EXPECT_EQ(parts.markup, harmless.markup);
    EXPECT_EQ(parts.script, harmless.script);
    EXPECT_THAT(parts.data, Not(HasSubstr("<")));
    const json data = json::parse(parts.data);
    EXPECT_EQ(data.at("studies")[0].at("task"), name);
    EXPECT_EQ(data.at("studies")[0].at("settings").at(name), name);
    EXPECT_EQ(data.at("studies")[0].at("subjects").at("rows").back().at("name"), "subject " + name);
  }
}

TEST_F(ReportPage, HostileModelsAndFiles) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "<script>alert(1)<!--";
  studies_.push_back(load(study, folder_ / "<script>a.db"));
  studies_.push_back(load(study, folder_ / "b\".db"));
  study.settings["task.name"] = "<script>";
  studies_.push_back(load(study, folder_ / "c.db"));
  const std::string page = report_page(studies_);
  EXPECT_EQ(count_of(page, "<script"), 2);
  EXPECT_EQ(count_of(page, "<!--"), 0);
  const json data = json::parse(parts_of(page).data);
  EXPECT_EQ(data.at("studies")[0].at("model"), "<script>alert(1)<!--");
  EXPECT_EQ(data.at("studies")[0].at("file"), "<script>a.db");
  EXPECT_EQ(data.at("studies")[1].at("file"), "b\".db");
  EXPECT_EQ(data.at("comparisons")[0].at("models")[1], "<script>alert(1)<!--");
  EXPECT_THAT(data.at("comparisons")[1].at("refused").get<std::string>(), HasSubstr("<script>"));
}

TEST_F(ReportPage, BytesThatAreNotText) {
  FakeStudy study = small_study();
  study.settings["info.model"] = "bad\xff";
  study.settings["task.name"] = "bad\xc3(\xed\xa0\x80";
  for (StoredDocument& document : study.documents) document.group = "g\xff";
  const std::string page = page_of(study);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  const json data = json::parse(parts_of(page).data);
  EXPECT_EQ(data.at("studies")[0].at("model"), "bad?");
  EXPECT_THAT(data.at("studies")[0].at("task").get<std::string>(), testing::StartsWith("bad\xef\xbf\xbd("));
  EXPECT_THAT(data.at("studies")[0].at("subjects").dump(), HasSubstr("g\xef\xbf\xbd"));
  EXPECT_EQ(data.at("studies")[0].at("settings").at("info.model"), "bad\xef\xbf\xbd");
}

// 48 layers of 40 heads with 16 scores at 7 shares are what the paper's largest model has.
TEST_F(ReportPage, SizeOfALargeStudy) {
  FakeStudy study;
  study.layers = 48;
  study.heads = 40;
  study.settings["model.layers"] = "48";
  study.settings["model.heads"] = "40";
  for (int d = 0; d < 8; ++d) study.documents.push_back(fake_document(d));
  study.runs = {{{"", 0, "none"}, 6, {}, {}}};
  for (const Score& score : all_scores()) {
    for (int p = 0; p <= 30; p += 5) {
      const std::string rule = to_string(Intervention(ScoreRule{&score, 0.01f * static_cast<float>(p)}));
      study.runs.push_back({{std::string(score.slug), p / 100.0, rule}, 6, {{p, p}}, {{0, 1}}});
    }
  }
  EXPECT_LT(page_of(study).size(), 8u << 20);
}

TEST_F(ReportPage, IsWrittenWholeOrNotAtAll) {
  std::vector<LoadedStudy> studies;
  studies.push_back(load(small_study(), folder_ / "a.db"));
  write_report(studies, folder_ / "a.html");
  EXPECT_EQ(read_file(folder_ / "a.html"), report_page(studies));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.html.part"));
  EXPECT_THAT(error_of([&] { write_report(studies, folder_ / "no/such/a.html"); }),
              HasSubstr("cannot be written"));
  EXPECT_THAT(error_of([&] { write_report(studies, folder_.path()); }), HasSubstr("is a folder"));
}

}  // namespace
}  // namespace idleheads
