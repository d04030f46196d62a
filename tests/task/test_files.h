// Helpers of the task tests: files that live as long as a test, and errors by their text.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "idleheads/base/error.h"
#include "support/errors.h"
#include "support/temp_folder.h"
#include "support/test_data.h"

namespace idleheads {

using test::error_of;
using test::TempFolder;

}  // namespace idleheads
