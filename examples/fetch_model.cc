// The library with the network: fetches a model into the Hugging Face cache, unless it is there, and opens
// it.
#include <iostream>

#include "idleheads/hub/fetch.h"
#include "idleheads/idleheads.h"

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: fetch_model ORG/NAME\n";
    return 2;
  }
  const auto show = [](const idleheads::Progress& progress) {
    std::cerr << '\r' << progress.phase << ' ' << progress.done << " of " << progress.total << " MB";
    return true;
  };
  const idleheads::Fetched fetched = idleheads::fetch_model(argv[1], "", "", show);
  const auto model = idleheads::Model::open(fetched.path.string());
  std::cout << '\n' << fetched.path.string() << ": " << model->spec().head_count() << " heads\n";
  return 0;
} catch (const idleheads::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
