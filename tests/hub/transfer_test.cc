// What goes wrong between the Hub and the disk: cut and damaged answers, refusals, tokens, hostile names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "base/mapped_file.h"
#include "hub/cache_folder.h"
#include "hub/settings.h"
#include "idleheads/base/error.h"
#include "idleheads/hub/fetch.h"
#include "support/errors.h"
#include "support/ordinary_user.h"
#include "support/play_hub.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::error_in_child;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

class Transfer : public testing::Test {
 protected:
  Transfer() {
    for (int i = 0; i < 300'000; ++i) weights_ += static_cast<char>(i * i >> 7);
    hub_.serve("models/org/tiny/main/tiny.gguf", weights_);
  }
  static std::string refusal() {
    return error_of([] { fetch_model("org/tiny"); });
  }
  void expect_fetched(const Fetched& fetched) const {
    EXPECT_EQ(read_text_file(fetched.path), weights_);
    EXPECT_TRUE(fs::exists(repository() / "refs/main"));
    EXPECT_EQ(incomplete(), fs::path());
  }
  fs::path repository() const { return hub_.cache() / "models--org--tiny"; }
  // The file that waits to be whole; empty if there is none.
  fs::path incomplete() const {
    for (const auto& entry : fs::directory_iterator(repository() / "blobs")) {
      if (entry.path().extension() == ".incomplete") return entry.path();
    }
    return {};
  }
  // A stopped fetch's file, which has `content`.
  void leave_incomplete(const std::string& content) {
    hub_.rules({{{"host", "cdn"}, {"path", ""}, {"status", 404}}});
    refusal();
    std::ofstream(incomplete(), std::ios::binary) << content;
    hub_.rules({});
    hub_.requests();
  }
  std::vector<std::string> ranges_of_cdn() {
    std::vector<std::string> ranges;
    for (const json& request : hub_.requests()) {
      if (request["host"] == "cdn") ranges.push_back(request["range"].is_null() ? "" : request["range"]);
    }
    return ranges;
  }
  void expect_refused(const json& rule, const testing::Matcher<std::string>& message) {
    hub_.rules({rule});
    EXPECT_THAT(refusal(), message) << rule;
    EXPECT_FALSE(fs::exists(repository() / "refs")) << rule;
  }

  test::PlayHub hub_;
  std::string weights_;
};

TEST_F(Transfer, ACutConnectionGoesOn) {
  hub_.rules({{{"host", "cdn"}, {"path", "gguf"}, {"cut", 100'000}, {"times", 2}}});
  expect_fetched(fetch_model("org/tiny"));
  EXPECT_THAT(ranges_of_cdn(), testing::ElementsAre("", "bytes=100000-", "bytes=200000-"));
}

TEST_F(Transfer, AStoppedFetchGoesOn) {
  leave_incomplete(weights_.substr(0, 123'456));
  const Fetched fetched = fetch_model("org/tiny");
  expect_fetched(fetched);
  EXPECT_EQ(fetched.downloaded, 300'000 - 123'456);
  EXPECT_THAT(ranges_of_cdn(), testing::ElementsAre("bytes=123456-"));
}

TEST_F(Transfer, StoppingKeepsWhatCame) {
  const auto stop_at_some = [](const Progress& progress) { return progress.done == 0; };
  const std::string message = error_of<Interrupted>([&] { fetch_model("org/tiny", "", "", stop_at_some); });
  EXPECT_THAT(message, HasSubstr("the same command goes on"));
  EXPECT_FALSE(fs::exists(repository() / "refs"));
  EXPECT_GT(fs::file_size(incomplete()), 0u);
  EXPECT_LT(fetch_model("org/tiny").downloaded, 300'000);
}

TEST_F(Transfer, ProgressCountsMegabytes) {
  leave_incomplete(weights_.substr(0, 100'000));
  std::vector<Progress> seen;
  fetch_model("org/tiny", "", "", [&](const Progress& progress) {
    if (progress.phase == "org/tiny") seen.push_back(progress);
    return true;
  });
  ASSERT_FALSE(seen.empty());
  EXPECT_DOUBLE_EQ(seen.back().total, 0.3);
  EXPECT_DOUBLE_EQ(seen.back().done, 0.3);
  EXPECT_DOUBLE_EQ(seen.back().stored, 0.1) << "what was there already";
  EXPECT_THAT(seen.back().note, testing::MatchesRegex("[0-9.]+ [kM]?B/s"));
}

TEST_F(Transfer, AServerWithoutRangesBeginsAgain) {
  leave_incomplete(weights_.substr(0, 1000));
  hub_.rules({{{"host", "cdn"}, {"path", "gguf"}, {"ignore_range", true}}});
  expect_fetched(fetch_model("org/tiny"));
}

TEST_F(Transfer, AnIncompleteFileOfOtherBytesIsNotKept) {
  for (const size_t size : {300'000, 1000, 400'000}) {
    leave_incomplete(std::string(size, 'x'));
    expect_fetched(fetch_model("org/tiny"));
    fs::remove_all(repository());
  }
}

TEST_F(Transfer, DamagedBytesAreNotKept) {
  hub_.rules({{{"host", "cdn"}, {"path", "gguf"}, {"corrupt", true}, {"times", 1}}});
  expect_fetched(fetch_model("org/tiny"));
  fs::remove_all(repository());
  expect_refused({{"host", "cdn"}, {"path", "gguf"}, {"corrupt", true}},
                 HasSubstr("tiny.gguf of org/tiny does not have the SHA-256 that the Hub names"));
  expect_refused({{"host", "cdn"}, {"path", "gguf"}, {"garbage", 1}},
                 HasSubstr("more than the 300000 bytes"));
  hub_.serve("models/org/tiny/main/model.safetensors", "weights");
  hub_.serve("models/org/tiny/main/config.json", "{}");
  expect_refused({{"path", "/resolve/.*config.json"}, {"corrupt", true}},
                 HasSubstr("does not have the SHA-1"));
}

TEST_F(Transfer, TroubleThatPassesIsWaitedFor) {
  const json soon = {{"Retry-After", "0"}};
  hub_.rules({{{"path", "/api/"}, {"status", 503}, {"times", 2}, {"headers", soon}},
              {{"path", "/resolve/"}, {"status", 429}, {"times", 1}, {"headers", soon}},
              {{"path", "gguf"}, {"host", "cdn"}, {"status", 500}, {"times", 2}, {"headers", soon}}});
  expect_fetched(fetch_model("org/tiny"));
}

TEST_F(Transfer, AServerThatSaysNothingIsAskedAgain) {
  setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1", 1);
  hub_.rules({{{"path", "/api/"}, {"slow", 5}, {"times", 1}}});
  expect_fetched(fetch_model("org/tiny"));
}

TEST_F(Transfer, TroubleThatStaysIsAnError) {
  const json soon = {{"Retry-After", "0"}};
  expect_refused(
      {{"path", "/api/"}, {"status", 500}, {"headers", soon}},
      AllOf(HasSubstr("no answer after 5 tries: it answers HTTP 500"), HasSubstr("try again later")));
  EXPECT_EQ(hub_.requests().size(), 5u);
  expect_refused({{"path", "/api/"}, {"status", 302}, {"headers", {{"Location", "/api/again"}}}},
                 HasSubstr("redirects"));
  expect_refused({{"path", "/api/"}, {"status", 302}, {"headers", {{"Location", "file:///etc/passwd"}}}},
                 HasSubstr("file"));
  expect_refused({{"path", "/api/"}, {"status", 418}, {"body", "a teapot"}}, HasSubstr("HTTP 418: a teapot"));
}

TEST_F(Transfer, NobodyListens) {
  HubSettings settings = hub_settings();
  settings.first_wait = std::chrono::milliseconds(1);
  std::vector<std::string> troubles;
  HttpClient http(settings, [&](const std::string& trouble) { troubles.push_back(trouble); });
  EXPECT_THAT(error_of([&] { http.get("http://127.0.0.1:1/"); }), HasSubstr("no answer after 5 tries"));
  EXPECT_THAT(troubles, testing::Contains(HasSubstr("trying again")));
}

TEST_F(Transfer, RefusalsSayWhatToDo) {
  const auto gated = [](int status) -> json {
    return {{"path", "/resolve/"}, {"status", status}, {"headers", {{"X-Error-Code", "GatedRepo"}}}};
  };
  const std::string page = hub_.address() + "/org/tiny";
  expect_refused(gated(401),
                 HasSubstr("org/tiny is gated: accept its terms on " + page + ", then give your token"));
  expect_refused({{"path", "/api/"}, {"status", 404}}, HasSubstr("no such model on"));
  expect_refused({{"path", "/api/"}, {"status", 401}},
                 HasSubstr("check the name, or give your token as HF_TOKEN"));
  setenv("HF_TOKEN", "secret", 1);
  expect_refused(gated(403), HasSubstr("gated and your token has no access"));
  expect_refused(
      {{"path", "/api/"}, {"status", 403}, {"headers", {{"X-Error-Message", "not you"}}}},
      AllOf(HasSubstr("refuses it with HTTP 403: not you"), HasSubstr("accept its terms on " + page)));
  expect_refused({{"path", "/api/"}, {"status", 401}}, HasSubstr("does not take your token"));
  expect_refused({{"path", "/api/"}, {"status", 404}}, HasSubstr("that your token has no access to"));
}

TEST_F(Transfer, TheTokenStaysWithTheHub) {
  const auto authorizations = [&] {
    fetch_model("org/tiny");
    fs::remove_all(repository());
    std::vector<std::string> seen;
    for (const json& request : hub_.requests()) {
      const json& value = request["authorization"];
      seen.push_back(request["host"].get<std::string>() + ":" +
                     (value.is_null() ? "" : value.get<std::string>()));
    }
    return seen;
  };
  const auto with = [](const std::string& token) {
    return testing::ElementsAre("hub:" + token, "hub:" + token, "cdn:");
  };
  EXPECT_THAT(authorizations(), with(""));
  hub_.folder().write("home/token", "from_file\n");
  EXPECT_THAT(authorizations(), with("Bearer from_file"));
  setenv("HF_TOKEN_PATH", hub_.folder().write("other", "from_path").c_str(), 1);
  EXPECT_THAT(authorizations(), with("Bearer from_path"));
  setenv("HUGGING_FACE_HUB_TOKEN", "old", 1);
  EXPECT_THAT(authorizations(), with("Bearer old"));
  setenv("HF_TOKEN", " secret\n", 1);
  EXPECT_THAT(authorizations(), with("Bearer secret"));
  setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  EXPECT_THAT(authorizations(), with(""));
}

TEST_F(Transfer, SettingsThatCannotBeUsed) {
  const auto refused = [&](const char* variable, const char* value) {
    setenv(variable, value, 1);
    const std::string message = refusal();
    unsetenv(variable);
    return message;
  };
  EXPECT_THAT(refused("HF_HUB_OFFLINE", "1"), HasSubstr("HF_HUB_OFFLINE is set, so nothing is fetched"));
  EXPECT_THAT(refused("TRANSFORMERS_OFFLINE", "Yes"), HasSubstr("TRANSFORMERS_OFFLINE is set"));
  EXPECT_THAT(refused("HF_TOKEN", "a\nEvil: header"), HasSubstr("HF_TOKEN: not a token"));
  EXPECT_THAT(refused("HF_HUB_DOWNLOAD_TIMEOUT", "soon"), HasSubstr("HF_HUB_DOWNLOAD_TIMEOUT is 'soon'"));
  EXPECT_THAT(refused("HF_ENDPOINT", "file:///etc"), HasSubstr("HF_ENDPOINT is 'file:///etc', expected"));
  EXPECT_EQ(refused("HF_ENDPOINT", "https://me:word@there").find("word@"), std::string::npos);
  EXPECT_TRUE(hub_.requests().empty());
}

TEST_F(Transfer, HostileListings) {
  const std::string commit(40, 'a'), blob(40, 'b');
  const auto file = [&](const std::string& name) -> json {
    return {{"rfilename", name}, {"size", 3}, {"blobId", blob}};
  };
  const auto listing = [&](const json& files, const std::string& sha) -> json {
    return {{"path", "/api/"}, {"status", 200}, {"body", json{{"sha", sha}, {"siblings", files}}.dump()}};
  };
  for (const std::string name : {"../../evil.gguf", "/etc/evil.gguf", "a/../b.gguf", "./a.gguf", "a//b.gguf",
                                 "", "a\\b.gguf", "a\nb.gguf", "..", "a/"})
    expect_refused(listing(json::array({file(name)}), commit), HasSubstr("is not safe"));
  expect_refused(listing(json::array({file("a.gguf")}), "../../x"), HasSubstr("'../../x' is not a commit"));
  const std::pair<const char*, json> wrong[] = {
      {"blobId", "../x"}, {"size", -1}, {"size", "3"}, {"lfs", json::object()}};
  for (const auto& [key, value] : wrong) {
    json broken = file("a.gguf");
    broken[key] = value;
    expect_refused(listing(json::array({broken}), commit), HasSubstr("listing of org/tiny"));
  }
  expect_refused({{"path", "/api/"}, {"status", 200}, {"body", "<html>"}},
                 HasSubstr("listing of org/tiny:1"));
  expect_refused({{"path", "/api/"}, {"status", 200}, {"body", "[]"}},
                 HasSubstr("is HF_ENDPOINT a Hugging Face Hub?"));
  EXPECT_FALSE(fs::exists(hub_.folder() / "evil.gguf"));
}

TEST_F(Transfer, TwoFetchesShareOneDownload) {
  hub_.rules({{{"host", "cdn"}, {"path", "gguf"}, {"slow", 0.5}}});
  const auto fetch = [] { return fetch_model("org/tiny"); };
  std::future<Fetched> one = std::async(std::launch::async, fetch),
                       two = std::async(std::launch::async, fetch);
  const Fetched fetched[] = {one.get(), two.get()};
  for (const Fetched& each : fetched) expect_fetched(each);
  EXPECT_EQ(fetched[0].downloaded + fetched[1].downloaded, 300'000);
  EXPECT_THAT(ranges_of_cdn(), testing::SizeIs(1));
}

TEST_F(Transfer, ADiskWithoutRoomIsNamedBefore) {
  const CacheFolder folder(hub_.cache(), {HubKind::model, "org/tiny", "main"}, std::string(40, 'a'));
  folder.prepare();
  EXPECT_NO_THROW(folder.require_room(1));
  EXPECT_THAT(error_of([&] { folder.require_room(int64_t{1} << 60); }),
              HasSubstr("make room, or give another disk"));
}

TEST_F(Transfer, ACacheThatCannotBeWrittenIsNamed) {
  setenv("HF_HUB_CACHE", hub_.folder().write("a_file", "").c_str(), 1);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("a_file"), HasSubstr("this is not a folder")));
}

TEST_F(Transfer, ACacheThatMayNotBeWrittenIsNamedBeforeTheDownload) {
  const fs::path home = hub_.cache().parent_path();
  fs::create_directories(home);
  const auto refused_at = [&](const fs::path& folder) {
    for (const auto& entry : fs::recursive_directory_iterator(home)) fs::permissions(entry, fs::perms(0777));
    fs::permissions(folder, fs::perms(0555));
    const std::string message = error_in_child([] { fetch_model("org/tiny"); });
    EXPECT_THAT(message, HasSubstr(folder.string() + ": the folder cannot be written: Permission denied"));
    EXPECT_THAT(message, HasSubstr("as HF_HUB_CACHE"));
    EXPECT_TRUE(ranges_of_cdn().empty());
  };
  refused_at(home);
  EXPECT_FALSE(fs::exists(hub_.cache()));
  fs::permissions(home, fs::perms(0755));
  fs::create_directories(repository());
  refused_at(hub_.cache());
  EXPECT_TRUE(fs::is_empty(repository()));
  const fs::path blobs = repository() / "blobs", snapshots = repository() / "snapshots";
  for (const fs::path& folder : {blobs, snapshots}) fs::create_directories(folder);
  for (const fs::path& folder : {repository(), blobs, snapshots}) {
    refused_at(folder);
    EXPECT_FALSE(fs::exists(hub_.cache() / ".locks")) << folder;
    EXPECT_TRUE(fs::is_empty(blobs) && fs::is_empty(snapshots)) << folder;
  }
}

TEST_F(Transfer, ACacheThatHasEverythingNeedNotBeWritten) {
  fetch_model("org/tiny");
  fs::remove_all(hub_.cache() / ".locks");
  for (const fs::path& folder : {hub_.cache(), repository()}) fs::permissions(folder, fs::perms(0555));
  EXPECT_EQ(error_in_child([] { fetch_model("org/tiny"); }), "no error");
  EXPECT_FALSE(fs::exists(hub_.cache() / ".locks"));
}

}  // namespace
}  // namespace idleheads
