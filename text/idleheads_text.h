// Tokenizers, chat templates, Parquet files and smaller helpers with text: the C side of the Rust library in this folder.
//
// Nothing here prints, exits or lets a panic or exception through. A function that can fail says so in its return value
// and then sets *error to a message of the library's (free it with idleheads_string_free); `error` must not be NULL.
// All texts are UTF-8 with a length, without a zero at the end; every text that is passed in is checked.
#ifndef IDLEHEADS_TEXT_H_
#define IDLEHEADS_TEXT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that the caller keeps alive during the call. `data` may be NULL if `size` is 0.
typedef struct {
  const char* data;
  size_t size;
} idleheads_view;

// Memory of the library. Freeing {NULL, 0} does nothing.
typedef struct {
  char* data;
  size_t size;
} idleheads_string;
typedef struct {
  uint32_t* data;
  size_t size;
} idleheads_ids;
void idleheads_string_free(idleheads_string text);
void idleheads_ids_free(idleheads_ids ids);

// Immutable after construction: all functions on a const one may be called from several threads.
typedef struct idleheads_tokenizer idleheads_tokenizer;
void idleheads_tokenizer_free(idleheads_tokenizer* tokenizer);  // NULL does nothing

// The tokenizer of a Hugging Face folder as transformers 4.48.2 makes it with AutoTokenizer. `json` is tokenizer.json; its
// truncation and padding are not used. `files` is empty (tokenizer.json alone), or JSON of the other files as they are:
// {"tokenizer_config": object or null, "special_tokens_map": the same, "added_tokens": the same, "tokenizer_class": the
// name that config.json leads to, or null}. What the text library does not understand, draws by chance, or would need much
// more memory than the file has bytes is refused by name. NULL on failure.
idleheads_tokenizer* idleheads_tokenizer_from_json(idleheads_view json, idleheads_view files, idleheads_string* error);

enum {
  IDLEHEADS_TOKEN_NORMAL = 0,    // reached by merges only
  IDLEHEADS_TOKEN_ADDED = 1,     // also found as it stands in the text
  IDLEHEADS_TOKEN_SPECIAL = 2,   // the same, and left out when decoding without special tokens
  IDLEHEADS_TOKEN_UNMERGED = 3,  // like special ones, never made by a merge that is derived from scores
};

// A BPE vocabulary. A token's id is its place in `tokens`; all tokens differ. A merge is two tokens with a space between
// them; the two and the token that they make are in the vocabulary; earlier merges come first. Where there are `scores`
// (sentencepiece), the merges are derived from them as transformers does, and `merges` is not used.
// `settings` is JSON: {"pre_tokenizer": as in tokenizer.json, or null, "normalizer": the same, "decoder": as in
// tokenizer.json, "ignore_merges": bool, "byte_fallback": bool, "unk_token": text or null}.
typedef struct {
  const idleheads_view* tokens;
  const uint8_t* kinds;  // IDLEHEADS_TOKEN_*, one a token
  size_t token_count;
  const idleheads_view* merges;
  size_t merge_count;
  const double* scores;  // one a token, or NULL
  idleheads_view settings;
} idleheads_bpe;

// The same tokenizer as from the corresponding tokenizer.json, made without the detour. NULL on failure.
idleheads_tokenizer* idleheads_tokenizer_from_bpe(const idleheads_bpe* bpe, idleheads_string* error);

// "BPE", "WordPiece", ...: a text of static storage.
idleheads_view idleheads_tokenizer_model(const idleheads_tokenizer* tokenizer);
// Number of tokens, added ones included.
size_t idleheads_tokenizer_size(const idleheads_tokenizer* tokenizer);
// False if there is none.
bool idleheads_tokenizer_token(const idleheads_tokenizer* tokenizer, uint32_t id, idleheads_string* token);
bool idleheads_tokenizer_id(const idleheads_tokenizer* tokenizer, idleheads_view token, uint32_t* id);
// Id of "bos_token", "eos_token" and so on as the folder's files and class say. False if there is no such token; *said is
// false if they do not speak of it.
bool idleheads_tokenizer_special_id(const idleheads_tokenizer* tokenizer, idleheads_view name, bool* said, uint32_t* id);

// The special tokens that a chat template of the same `files` has as variables, as JSON: {"named": {"bos_token": text, ...},
// "additional_special_tokens": [text, ...]}; those that the model lacks are missing.
bool idleheads_template_tokens(idleheads_view files, idleheads_string* tokens, idleheads_string* error);

// Ids of a text. With `add_special_tokens` the tokenizer's post-processor adds its own. Fails on a text that the
// tokenizer's normalizers could make far longer.
bool idleheads_tokenizer_encode(const idleheads_tokenizer* tokenizer, idleheads_view text, bool add_special_tokens,
                                idleheads_ids* ids, idleheads_string* error);
// Text of `count` ids; bytes that are not UTF-8 become U+FFFD. Fails on an id that is not in the vocabulary.
bool idleheads_tokenizer_decode(const idleheads_tokenizer* tokenizer, const uint32_t* ids, size_t count,
                                bool skip_special_tokens, idleheads_string* text, idleheads_string* error);

typedef struct {
  idleheads_view role;
  idleheads_view content;
} idleheads_message;

// A special token under the name of its variable ("bos_token"). All that are `listed` under one name are a list of texts
// ("additional_special_tokens"), in their order.
typedef struct {
  idleheads_view name;
  idleheads_view text;
  bool listed;
} idleheads_special_token;

// A chat to be rendered as transformers' apply_chat_template does it, without tools.
typedef struct {
  idleheads_view source;  // the Jinja template
  const idleheads_message* messages;
  size_t message_count;
  const idleheads_special_token* special_tokens;  // all others are undefined in the template
  size_t special_token_count;
  idleheads_view date;  // YYYY-MM-DD, what strftime_now prints from (at midnight)
  bool add_generation_prompt;
} idleheads_chat;

// Fails with the template's own message if it calls raise_exception, else with "line N: ...", for a source above 64 KiB, for
// a text above 16 MiB, and for what cannot be rendered as Jinja2 renders it. A stranger's template can take much memory and
// stack: run this with limits of the process if the template may be one.
bool idleheads_chat_render(const idleheads_chat* chat, idleheads_string* text, idleheads_string* error);

// The first character in title case, all others in lower case: Python's str.capitalize.
bool idleheads_capitalize(idleheads_view text, idleheads_string* out, idleheads_string* error);

// SHA-256 or SHA-1 of bytes that come piece by piece.
typedef struct idleheads_digest idleheads_digest;
idleheads_digest* idleheads_digest_new(bool sha1);
void idleheads_digest_free(idleheads_digest* digest);  // NULL does nothing
void idleheads_digest_add(idleheads_digest* digest, idleheads_view bytes);
// Of all bytes so far, into `value`, which has room for 32; how many bytes it is.
size_t idleheads_digest_value(const idleheads_digest* digest, uint8_t* value);

// Gives the rows of a Parquet file one by one to `take`, as JSON objects with the columns as keys, until it returns false
// (which is no failure). Only the columns of these names are read, as far as the file has them; with none, all that are
// texts, numbers, or lists and groups of them. Fails on a damaged file, on one that unpacks to far more than its size
// justifies, and on a named column of another type.
bool idleheads_parquet_rows(idleheads_view file, const idleheads_view* columns, size_t column_count,
                            bool (*take)(void* user, idleheads_view row), void* user, idleheads_string* error);

// Regular expressions of Python's `re`, over bytes; leftmost match, first alternative. Not the same: `$` is the end of the
// text alone; no look-around, no back-references. NULL on failure.
typedef struct idleheads_regex idleheads_regex;
idleheads_regex* idleheads_regex_compile(idleheads_view pattern, idleheads_string* error);
void idleheads_regex_free(idleheads_regex* regex);  // NULL does nothing

typedef struct {
  size_t begin, end;  // both SIZE_MAX: a group that is not part of the match
} idleheads_span;
// The first match that begins at `from` or later: the whole of it and its groups, as far as `group_count` goes.
bool idleheads_regex_find(const idleheads_regex* regex, idleheads_view text, size_t from, idleheads_span* groups,
                          size_t group_count);

// Columns of a terminal that a text without control characters takes.
size_t idleheads_display_width(idleheads_view text);

// Where a ZIP archive goes: behind what is written, or over a part of it. Both say whether they succeeded.
typedef struct {
  bool (*append)(void* user, idleheads_view bytes);
  bool (*overwrite)(void* user, uint64_t position, idleheads_view bytes);
  void* user;
} idleheads_target;

// Entries are stored as they are, one after another, of any size. Freed without an end, the archive is given up and
// nothing more is written.
typedef struct idleheads_zip idleheads_zip;
idleheads_zip* idleheads_zip_new(idleheads_target target);
void idleheads_zip_free(idleheads_zip* zip);  // NULL does nothing
bool idleheads_zip_begin(idleheads_zip* zip, idleheads_view name, uint64_t size, idleheads_string* error);
bool idleheads_zip_write(idleheads_zip* zip, idleheads_view bytes, idleheads_string* error);
bool idleheads_zip_finish(idleheads_zip* zip, idleheads_string* error);

#ifdef __cplusplus
}
#endif

#endif  // IDLEHEADS_TEXT_H_
