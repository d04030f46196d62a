#include "task/letter_case.h"

#include "model/text_library.h"

namespace idleheads {

std::string capitalize(std::string_view text) {
  LibraryString out, error;
  if (!idleheads_capitalize(view_of(text), out.out(), error.out())) fail("{}", error.message());
  return out.copy();
}

}  // namespace idleheads
