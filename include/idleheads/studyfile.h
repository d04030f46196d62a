// Study files: reading, summaries, tables and pages. Needs no engine; link idleheads::studyfile.
//
// StudyStore::open_read_only reads a file, summarize() says what it shows; show() and report_page() are what
// `idleheads show` and `idleheads report` give, report/export.h has files for other tools. Everything throws
// idleheads::Error with a one-line message on bad input.
#pragma once

#include "idleheads/base/error.h"          // IWYU pragma: export
#include "idleheads/report/compare.h"      // IWYU pragma: export
#include "idleheads/report/export.h"       // IWYU pragma: export
#include "idleheads/report/report_page.h"  // IWYU pragma: export
#include "idleheads/report/show.h"         // IWYU pragma: export
#include "idleheads/report/summary.h"      // IWYU pragma: export
#include "idleheads/studyfile/answers.h"   // IWYU pragma: export
#include "idleheads/studyfile/store.h"     // IWYU pragma: export
#include "idleheads/version.h"             // IWYU pragma: export
