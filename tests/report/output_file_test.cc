// Where outputs may go: whole files under their names, devices and pipes, links that lead somewhere; nothing
// else is touched.
#include "report/exports/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "report/device.h"
#include "studyfile/study_fixture.h"

namespace idleheads {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const fs::path& path, std::string_view text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

std::string error_of_put(const fs::path& path) {
  return error_of([&] { put(path, "x"); });
}

size_t entries(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

unsigned mode_of(const fs::path& path) {
  struct stat info = {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777u;
}

class OutputFileTest : public testing::Test {
 protected:
  TempFolder folder_;
  const fs::path file_ = folder_ / "a.html";
};

TEST_F(OutputFileTest, AppearsAtCommitAloneAndLeavesNothingElse) {
  {
    OutputFile file(file_);
    file.write(std::string(3 << 20, 'a'));
    EXPECT_FALSE(fs::exists(file_));
    file.overwrite(0, "bc");
    file.overwrite((3 << 20) - 1, "d");
    file.write("e");
    EXPECT_EQ(file.size(), (3u << 20) + 1);
    file.overwrite((3 << 20) - 1, "fg");  // partly on the disk, partly not yet
    file.commit();
  }
  EXPECT_EQ(contents(file_), "bc" + std::string((3 << 20) - 3, 'a') + "fg");
  EXPECT_EQ(entries(folder_.path()), 1u);
  { OutputFile(file_).write("never committed"); }
  EXPECT_EQ(contents(file_).size(), (3u << 20) + 1);
  EXPECT_EQ(entries(folder_.path()), 1u);
}

TEST_F(OutputFileTest, TwoAtOnceDoNotMeet) {
  OutputFile first(file_), second(file_);
  first.write("first");
  second.write("second");
  first.commit();
  EXPECT_EQ(contents(file_), "first");
  second.commit();
  EXPECT_EQ(contents(file_), "second");
}

TEST_F(OutputFileTest, FilesOfOtherPeopleStay) {
  std::ofstream(folder_ / "a.html.part") << "mine";
  std::ofstream(folder_ / "victim") << "victim";
  fs::create_symlink("victim", folder_ / "b.html.part");
  put(file_, "page");
  put(folder_ / "b.html", "page");
  EXPECT_EQ(contents(folder_ / "a.html.part"), "mine");
  EXPECT_EQ(contents(folder_ / "victim"), "victim");
  EXPECT_TRUE(fs::is_symlink(folder_ / "b.html.part"));
}

TEST_F(OutputFileTest, ModeIsTheUmasksOrTheOldFiles) {
  const mode_t before = ::umask(027);
  put(file_, "1");
  ::umask(before);
  EXPECT_EQ(mode_of(file_), 0640u);
  fs::permissions(file_, fs::perms(0604));
  put(file_, "2");
  EXPECT_EQ(mode_of(file_), 0604u);
}

TEST_F(OutputFileTest, LinksStayAndTheirTargetsAreWritten) {
  fs::create_directory(folder_ / "there");
  std::ofstream(folder_ / "there/old") << "old";
  fs::create_symlink("there/old", folder_ / "link");
  fs::create_symlink(folder_ / "link", folder_ / "link_of_link");
  fs::create_symlink("there/new", folder_ / "dangling");
  put(folder_ / "link_of_link", "1");
  put(folder_ / "dangling", "2");
  EXPECT_EQ(contents(folder_ / "there/old"), "1");
  EXPECT_EQ(contents(folder_ / "there/new"), "2");
  for (const char* link : {"link", "link_of_link", "dangling"})
    EXPECT_TRUE(fs::is_symlink(folder_ / link)) << link;
  EXPECT_EQ(entries(folder_ / "there"), 2u);
  fs::create_symlink("nowhere/new", folder_ / "lost");
  EXPECT_THAT(error_of_put(folder_ / "lost"),
              HasSubstr("lost: cannot be written: No such file or directory"));
  fs::create_symlink("circle", folder_ / "circle");
  EXPECT_THAT(error_of_put(folder_ / "circle"), HasSubstr("symbolic links in a circle"));
}

TEST_F(OutputFileTest, DevicesStayDevices) {
  std::string pattern =
      testing::TempDir() + "idleheads_device_XXXXXX";  // where devices work, unlike /dev/shm
  const fs::path place = ::mkdtemp(pattern.data());
  const fs::path null = safe_device("null", place), full = safe_device("full", place);
  if (null.empty() || full.empty()) GTEST_SKIP() << "no devices can be made here";
  fs::create_symlink(null, folder_ / "null");
  fs::create_symlink(full, folder_ / "full");
  put(null, "x");
  put(folder_ / "null", "x");
  EXPECT_THAT(error_of_put(full), HasSubstr("full: cannot be written: No space left"));
  EXPECT_THAT(error_of_put(folder_ / "full"), HasSubstr("No space left"));
  for (const fs::path& device : {null, full}) EXPECT_TRUE(fs::is_character_file(device)) << device;
  fs::remove_all(place);
}

// As `-o /dev/stdout >> log` and `-o >(command)` of a shell.
TEST_F(OutputFileTest, OwnDescriptorsAreWrittenToWhereTheyStand) {
  std::ofstream(folder_ / "log") << "before, ";
  const int log = ::open((folder_ / "log").c_str(), O_WRONLY | O_APPEND);
  put(fmt::format("/dev/fd/{}", log), "page, ");
  ASSERT_EQ(::write(log, "after", 5), 5);
  put(fmt::format("/proc/self/fd/{}", log), "!");
  ::close(log);
  EXPECT_EQ(contents(folder_ / "log"), "before, page, after!");
  EXPECT_THAT(error_of_put("/dev/fd/987"), HasSubstr("/dev/fd/987: cannot be written"));
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  {
    OutputFile file(fmt::format("/dev/fd/{}", ends[1]));
    file.write("abc");
    file.overwrite(1, "x");
    file.commit();
  }
  char read[4] = {};
  EXPECT_EQ(::read(ends[0], read, 3), 3);
  EXPECT_STREQ(read, "axc");
  EXPECT_THAT(error_of_put(fmt::format("/dev/fd/{}", ends[0])), HasSubstr("open for reading"));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(OutputFileTest, NamedPipes) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of_put(folder_ / "pipe"), HasSubstr("a pipe that nobody reads"));
  const int reader = ::open((folder_ / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  put(folder_ / "pipe", "abc");
  char read[4] = {};
  EXPECT_EQ(::read(reader, read, 3), 3);
  EXPECT_STREQ(read, "abc");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
}

TEST_F(OutputFileTest, WhatIsNoFileIsRefused) {
  EXPECT_THAT(error_of_put(folder_.path()), HasSubstr("is a folder"));
  EXPECT_THAT(error_of_put(folder_.path() / ""), HasSubstr("is a folder"));
  EXPECT_THAT(error_of_put(folder_ / ".."), HasSubstr("is a folder"));
  fs::create_directory_symlink(folder_.path(), folder_ / "folder_link");
  EXPECT_THAT(error_of_put(folder_ / "folder_link"), HasSubstr("is a folder"));
  EXPECT_THAT(error_of_put(""), HasSubstr("is a folder"));
  EXPECT_THAT(error_of_put(folder_ / "no/such/a.html"),
              HasSubstr("cannot be written: No such file or directory"));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = (folder_ / "socket").string();
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  std::copy(name.begin(), name.end(), address.sun_path);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_THAT(error_of_put(name), HasSubstr("is a socket"));
  ::close(socket);
  std::ofstream(folder_ / "study.db") << "SQLite format 3";
  fs::create_symlink("study.db", folder_ / "study_link");
  EXPECT_THAT(error_of_put(folder_ / "study_link"), HasSubstr("is a study file or another database"));
  EXPECT_EQ(contents(folder_ / "study.db"), "SQLite format 3");
}

TEST_F(OutputFileTest, LinksOfOthersInSharedFoldersAreRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a link of another user";
  fs::create_directory(folder_ / "shared");
  ASSERT_EQ(::chmod((folder_ / "shared").c_str(), 01777), 0);
  std::ofstream(folder_ / "victim") << "victim";
  fs::create_symlink(folder_ / "victim", folder_ / "shared/r.html");
  ASSERT_EQ(::lchown((folder_ / "shared/r.html").c_str(), 65534, 65534), 0);
  EXPECT_THAT(error_of_put(folder_ / "shared/r.html"), HasSubstr("a symbolic link of another user"));
  EXPECT_EQ(contents(folder_ / "victim"), "victim");
}

TEST_F(OutputFileTest, LongNames) {
  const fs::path longest = folder_ / std::string(255, 'n');
  put(longest, "x");
  EXPECT_EQ(contents(longest), "x");
  EXPECT_THAT(error_of_put(folder_ / std::string(256, 'n')),
              HasSubstr("cannot be written: File name too long"));
}

TEST_F(OutputFileTest, FoldersThatStayEmptyAreRemoved) {
  {
    const OutputFolder made(folder_ / "a/b/c");
    EXPECT_TRUE(fs::is_directory(folder_ / "a/b/c"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  fs::create_directory(folder_ / "a");
  {
    const OutputFolder made(folder_ / "a/b/c/");
    put(folder_ / "a/b/c/file", "x");
  }
  EXPECT_EQ(contents(folder_ / "a/b/c/file"), "x");
  fs::create_directory(folder_ / "mine");
  { const OutputFolder made(folder_ / "mine"); }
  EXPECT_TRUE(fs::exists(folder_ / "mine")) << "it was there before";
  EXPECT_THAT(error_of([&] { OutputFolder(folder_ / "a/b/c/file/d"); }),
              HasSubstr("the folder cannot be made"));
  EXPECT_THAT(error_of([&] { OutputFolder(folder_ / "a/b/c/file"); }),
              HasSubstr("the folder cannot be made"));
}

}  // namespace
}  // namespace idleheads
