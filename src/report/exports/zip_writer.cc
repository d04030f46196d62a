#include "report/exports/zip_writer.h"

#include "base/fail.h"
#include "idleheads_text.h"

namespace idleheads {

void ZipWriter::Deleter::operator()(idleheads_zip* zip) const { idleheads_zip_free(zip); }

// Runs `body`; an exception becomes false and stays with the target.
template <typename Body>
bool ZipWriter::kept(Target& target, const Body& body) {
  try {
    body();
    return true;
  } catch (...) {
    target.thrown = std::current_exception();
    return false;
  }
}

ZipWriter::ZipWriter(OutputFile& file) : target_{file, nullptr} {
  const auto append = [](void* user, idleheads_view bytes) {
    auto& target = *static_cast<Target*>(user);
    return kept(target, [&] { target.file.write(std::string_view(bytes.data, bytes.size)); });
  };
  const auto overwrite = [](void* user, uint64_t position, idleheads_view bytes) {
    auto& target = *static_cast<Target*>(user);
    return kept(target, [&] { target.file.overwrite(position, {bytes.data, bytes.size}); });
  };
  zip_.reset(idleheads_zip_new({append, overwrite, &target_}));
}

template <typename Call>
void ZipWriter::run(const Call& call) {
  idleheads_string error = {nullptr, 0};
  if (call(&error)) return;
  const std::string message = printable({error.data, error.size}, 200);
  idleheads_string_free(error);
  if (target_.thrown) std::rethrow_exception(target_.thrown);
  fail("zip: {}", message);
}

void ZipWriter::begin(std::string_view name, uint64_t size) {
  run([&](idleheads_string* error) {
    return idleheads_zip_begin(zip_.get(), {name.data(), name.size()}, size, error);
  });
}

void ZipWriter::write(std::span<const std::byte> bytes) {
  run([&](idleheads_string* error) {
    return idleheads_zip_write(zip_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                               error);
  });
}

void ZipWriter::finish() {
  run([&](idleheads_string* error) { return idleheads_zip_finish(zip_.get(), error); });
}

}  // namespace idleheads
