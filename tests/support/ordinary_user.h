// What a user meets who may not do everything.
#pragma once

#include <grp.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "support/child_process.h"
#include "support/errors.h"

namespace idleheads::test {

// The Error that `body` gives in another process, which is no superuser (whom permissions do not bind);
// "no error" for none.
inline std::string error_in_child(const std::function<void()>& body) {
  return text_of_child([&]() -> std::string {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0))
      return "cannot become an ordinary user";
    return error_of(body);
  });
}

}  // namespace idleheads::test
