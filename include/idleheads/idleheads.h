// The public interface of the idleheads library in one header; link idleheads::idleheads.
//
// Model::open reads a checkpoint; Engine::run takes token sequences and interventions and gives statistics,
// masks, log-probabilities; heads/ turns statistics into the paper's scores and thresholds. Evaluation and
// TaskStudy do what `idleheads eval` and `idleheads study` do; studyfile.h reads what they wrote. Everything
// throws idleheads::Error with a one-line message on bad input. docs/library.md shows how.
#pragma once

#include "idleheads/base/error.h"                  // IWYU pragma: export
#include "idleheads/engine/engine.h"               // IWYU pragma: export
#include "idleheads/engine/sample.h"               // IWYU pragma: export
#include "idleheads/evaluation/engine_settings.h"  // IWYU pragma: export
#include "idleheads/evaluation/evaluation.h"       // IWYU pragma: export
#include "idleheads/evaluation/task_settings.h"    // IWYU pragma: export
#include "idleheads/evaluation/task_study.h"       // IWYU pragma: export
#include "idleheads/heads/intervention.h"          // IWYU pragma: export
#include "idleheads/heads/score.h"                 // IWYU pragma: export
#include "idleheads/heads/stats.h"                 // IWYU pragma: export
#include "idleheads/heads/threshold.h"             // IWYU pragma: export
#include "idleheads/model/model.h"                 // IWYU pragma: export
#include "idleheads/studyfile.h"                   // IWYU pragma: export
