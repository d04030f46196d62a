// The public interface of the idleheads library in one header.
//
// Model::open reads a checkpoint; Engine::run takes token sequences and interventions and gives statistics,
// masks, log-probabilities; heads/ turns statistics into the paper's scores and thresholds. Everything throws
// idleheads::Error with a one-line message on bad input. docs/architecture.md shows how the parts fit
// together.
#pragma once

#include "base/error.h"          // IWYU pragma: export
#include "engine/engine.h"       // IWYU pragma: export
#include "engine/sample.h"       // IWYU pragma: export
#include "heads/intervention.h"  // IWYU pragma: export
#include "heads/score.h"         // IWYU pragma: export
#include "heads/stats.h"         // IWYU pragma: export
#include "heads/threshold.h"     // IWYU pragma: export
#include "model/model.h"         // IWYU pragma: export
