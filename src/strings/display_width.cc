#include "strings/display_width.h"

#include "idleheads_text.h"

namespace idleheads {

int display_width(std::string_view text) {
  return static_cast<int>(idleheads_display_width({text.data(), text.size()}));
}

}  // namespace idleheads
