// Tokenizers, chat templates, letter case and Parquet files: the C side of the Rust library in this folder.
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

// A chat to be rendered as transformers' apply_chat_template does it, without tools.
typedef struct {
  idleheads_view source;  // the Jinja template
  const idleheads_message* messages;
  size_t message_count;
  idleheads_view bos_token;  // empty: undefined in the template
  idleheads_view eos_token;
  idleheads_view date;  // YYYY-MM-DD, what strftime_now prints from (at midnight)
  bool add_generation_prompt;
} idleheads_chat;

// Fails with the template's own message if it calls raise_exception, else with "line N: ...".
bool idleheads_chat_render(const idleheads_chat* chat, idleheads_string* text, idleheads_string* error);

// The first character in title case, all others in lower case: Python's str.capitalize.
bool idleheads_capitalize(idleheads_view text, idleheads_string* out, idleheads_string* error);

// SHA-256 of bytes, in 32 bytes.
void idleheads_sha256(idleheads_view bytes, uint8_t* digest);

// The rows of a Parquet file, given as its bytes, as JSON Lines: one object a row, columns as keys; texts, numbers,
// lists and groups of them. Fails on a damaged file, and names a column of another type.
bool idleheads_parquet_rows(idleheads_view file, idleheads_string* out, idleheads_string* error);

#ifdef __cplusplus
}
#endif

#endif  // IDLEHEADS_TEXT_H_
