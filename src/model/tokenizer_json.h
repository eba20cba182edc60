/* Reading tokenizer.json: what its parts share. */
#ifndef RIDGE_MODEL_TOKENIZER_JSON_H
#define RIDGE_MODEL_TOKENIZER_JSON_H

#include <jansson.h>

#include "model/tokenizer.h"

enum { JSON_MAX_DEPTH = 8 }; /* of sequences in sequences */

typedef struct json_reader {
    rg_tokenizer *t;
    const char *path;
    rg_error *err;
    rg_arena scratch;
    bool byte_level; /* the pre-tokenizer ends in ByteLevel */
    bool escapes;    /* blanks become U+2581 */
    /* Of the model: texts are the document's. */
    vocabulary vocab;
    struct json_added {
        const char *content; /* NULL: no added token */
        size_t len;
        bool special, normalized;
    } * added; /* [vocab.n] */
} json_reader;

/* `where`: key path. */
rg_status json_fail(const json_reader *r, rg_status status, const char *where, const char *expected,
                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Refuses members that are not among `keys` (separated by blanks), by name. */
rg_status json_known_keys(const json_reader *r, json_t *o, const char *where, const char *keys);
/* Absent and null leave *out untouched. */
rg_status json_get_bool(const json_reader *r, json_t *o, const char *key, const char *where, bool *out);
/* A string, NULL where it is absent or null. */
rg_status json_get_text(const json_reader *r, json_t *o, const char *key, const char *where, const char **out,
                        size_t *len);
/* Member "type" of an object. */
rg_status json_get_type(const json_reader *r, json_t *o, const char *where, const char **out);

/* "FILE (where)", the head of a long path left out. */
enum { JSON_PLACE = 256 };
const char *json_place(const json_reader *r, const char *where, char buf[JSON_PLACE]);
/* The members of {"type": "Sequence", LIST: [...]}, each by `read`. */
typedef rg_status json_part_read(json_reader *r, json_t *o, const char *where, int depth);
rg_status json_read_sequence(json_reader *r, json_t *o, const char *list, const char *where, int depth,
                             json_part_read *read);

rg_status json_read_normalizer(json_reader *r, json_t *o, const char *where, int depth);
rg_status json_read_pretokenizer(json_reader *r, json_t *o, const char *where, int depth);
rg_status json_read_postprocessor(json_reader *r, json_t *o, const char *where, int depth);
/* tokenizer_config.json: names of BOS and EOS, and whether they are added. */
rg_status json_read_config(json_reader *r, const char *text, size_t size);
/* Id of a token of the model or an added one; -1: none. */
int32_t json_token_id(const json_reader *r, const char *text, size_t len);

#endif
