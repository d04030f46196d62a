// What a user meets who may not do everything.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "support/errors.h"

namespace idleheads::test {

// The Error that `body` gives in another process, which is no superuser (whom permissions do not bind);
// "no error" for none.
inline std::string error_in_child(const std::function<void()>& body) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    std::string message;
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0)) {
      message = "cannot become an ordinary user";
    } else {
      message = error_of(body);
    }
    ::_exit(::write(pipe[1], message.data(), message.size()) == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t size; (size = ::read(pipe[0], buffer, sizeof buffer)) > 0;)
    message.append(buffer, static_cast<size_t>(size));
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return message;
}

}  // namespace idleheads::test
