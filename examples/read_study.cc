// Reading a study in one screen: what it found, its curves, and a report beside it. Links neither engine nor
// oneDNN.
//   read_study STUDY.db
#include <cstdio>

#include "idleheads/studyfile.h"

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: read_study STUDY.db\n"), 2;
  const idleheads::LoadedStudy study = idleheads::load_study(argv[1]);
  const idleheads::StudySummary& summary = study.summary;
  std::printf("%s on %s: %lld documents, %zu scores\n", summary.model.c_str(), summary.task.c_str(),
              static_cast<long long>(summary.documents.size()), summary.scores.size());
  for (const idleheads::ScoreSummary& score : summary.scores) {
    for (const idleheads::CurveEntry& point : score.points) {
      std::printf("%-12s %-20s %5.1f %% of the heads off, metric %.4f\n", score.score->slug.data(),
                  point.rule.c_str(), point.percent_off,
                  idleheads::value_of(point.values, summary.metric).value);
    }
  }
  return 0;
} catch (const idleheads::Error& error) {
  return std::fprintf(stderr, "%s\n", error.what()), 1;
}
