// What must hold of a study before it is stored and after it is read, and how two studies differ, in words.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "idleheads/studyfile/store.h"

namespace idleheads {

// From "model.layers" and "model.heads", and "model.absent_heads" where heads were cut from the model. Throws
// Error if one of the first two is missing, no decimal number, or absurd, or the last no list of their heads.
HeadShape model_shape(const Settings& settings);

// A setting that counts something: from 1 to `most`; none if it is missing or another text.
std::optional<int64_t> count_setting(const Settings& settings, const std::string& name,
                                     int64_t most = int64_t{1} << 20);

// Throws Error if a number is out of its range.
void check_document(const StoredDocument& document);
// What is wrong with a plan that is to be stored, or was read; nullptr: nothing. The first must be the
// baseline, shares finite, generations in order, static masks last and of generations of their own.
const char* plan_fault(const std::vector<StoredIntervention>& plan);

// The rule of a stored intervention. Throws Error if this build does not know it.
Intervention rule_of(const StoredIntervention& intervention);

// The builds of two lists as kBuildsSetting has them, each once.
std::string joined_builds(std::string builds, std::string_view more);

// Bit for bit, so that NaN equals NaN; what results cost is not looked at.
bool same_result(const StoredResult& a, const StoredResult& b);

// Throws Error that names every setting that differs, with the stored and the given value.
void require_same_settings(const std::string& file, const Settings& stored, const Settings& given);
// Throws Error that names the first document that differs and how.
void require_same_documents(const std::string& file, const std::vector<StoredDocument>& stored,
                            const std::vector<StoredDocument>& given);

// Throws Error: a folder or device, a missing folder, a read-only file.
void require_writable(const std::filesystem::path& path);
// Throws Error: missing, not a regular file, not readable.
void require_readable(const std::filesystem::path& path);
// True if a writer left a log or a journal beside the file.
bool has_log(const std::filesystem::path& path);

}  // namespace idleheads
