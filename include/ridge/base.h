/* Status codes, the error record, and small services that every other header uses. */
#ifndef RIDGE_BASE_H
#define RIDGE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RG_VERSION "0.1.0" /* CMake reads it here */

/* What a call that can fail returns. Values are stable. */
typedef enum rg_status {
    RG_OK = 0,
    RG_ERR_USAGE =
        1, /* the request itself is wrong: unknown format, policy, option value (program exits 2) */
    RG_ERR_PARSE = 2,       /* a file's text or bytes do not follow their format */
    RG_ERR_IO = 3,          /* the operating system refused to read or write */
    RG_ERR_UNSUPPORTED = 4, /* well-formed, but something Ridge does not do; named */
    RG_ERR_MEMORY = 5,
    RG_ERR_TOOL = 6,     /* an external program is missing, failed or ran out of time */
    RG_ERR_MISMATCH = 7, /* a check did not hold: digest, vector, size */
    RG_ERR_CANCELLED = 8,
    RG_STATUS_END
} rg_status;

const char *rg_status_name(rg_status status);

/* Filled by a failing call when the caller passes one (NULL is allowed everywhere).
   One line for people: "WHERE: MESSAGE; expected EXPECTED". */
typedef struct rg_error {
    rg_status status;
    char message[512];  /* what is wrong, with the offending value */
    char where[256];    /* file:line, file@byte offset, option or key path; may be empty */
    char expected[256]; /* what would have been right; may be empty */
} rg_error;

/* Fills `err` (if not NULL) and returns `status`. `where` and `expected` may be NULL. */
rg_status rg_fail(rg_error *err, rg_status status, const char *where, const char *expected, const char *fmt,
                  ...) __attribute__((format(printf, 5, 6)));

/* Forwards a failure. */
#define RG_TRY(call)                                                                                         \
    do {                                                                                                     \
        rg_status rg_try_status_ = (call);                                                                   \
        if (rg_try_status_ != RG_OK) return rg_try_status_;                                                  \
    } while (0)

/* ---- memory ------------------------------------------------------------------------------------------ */

/* Memory that is freed all at once. Zero-initialise to use; every block is zeroed and 64-byte aligned. */
typedef struct rg_arena {
    struct rg_arena_block *first;
} rg_arena;
/* NULL when memory is short or the size overflows. */
void *rg_arena_alloc(rg_arena *arena, size_t n, size_t size);
char *rg_arena_printf(rg_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *rg_arena_strndup(rg_arena *arena, const char *s, size_t n);
void rg_arena_free(rg_arena *arena);

/* A growing string, always NUL-terminated after the first append; zero-initialise to use. After an allocation
   failure `failed` is set and appends do nothing. */
typedef struct rg_str {
    char *data;
    size_t len, cap;
    bool failed;
} rg_str;
void rg_str_add(rg_str *s, const char *text);
void rg_str_add_n(rg_str *s, const char *text, size_t n);
void rg_str_printf(rg_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rg_str_free(rg_str *s);
bool rg_ends_with(const char *s, const char *ending);

/* Room for n elements of `size` bytes in a malloc'ed array that at least doubles. `array` is the address of
   its pointer (NULL there and 0 in *room to start with). False, nothing changed, when memory is short. */
bool rg_grow(void *array, size_t *room, size_t n, size_t size);
/* The same in an arena, which keeps the smaller arrays too; the n - 1 elements before the last are copied. */
bool rg_arena_grow(rg_arena *arena, void *array, size_t *room, size_t n, size_t size);

/* ---- files ------------------------------------------------------------------------------------------- */

/* A read-only memory map. */
typedef struct rg_map {
    const uint8_t *data;
    size_t size;
} rg_map;
rg_status rg_map_open(rg_map *out, const char *path, rg_error *err);
void rg_map_close(rg_map *map);

/* Whole file in memory (malloc; NUL-terminated; caller frees). ".gz" files are inflated.
   Files over `limit_bytes` are refused. */
rg_status rg_file_read(const char *path, size_t limit_bytes, char **data, size_t *size, rg_error *err);
/* Written to a temporary name beside `path`, then renamed: a reader sees the old file or the whole new one.
 */
rg_status rg_file_write(const char *path, const void *data, size_t size, rg_error *err);
rg_status rg_dir_make(const char *path, rg_error *err); /* mkdir -p */
bool rg_file_same(const char *a, const char *b);        /* both are there, one file by two names */

/* Lower-case hexadecimal SHA-256. */
typedef struct rg_digest {
    char hex[65];
} rg_digest;
rg_digest rg_sha256(const void *data, size_t size);
rg_status rg_sha256_file(const char *path, rg_digest *out, rg_error *err);
/* Of data that comes in pieces. NULL when memory is short; adding to and closing NULL do nothing (an empty
   string comes back). */
typedef struct rg_sha256_stream rg_sha256_stream;
rg_sha256_stream *rg_sha256_open(void);
void rg_sha256_add(rg_sha256_stream *stream, const void *data, size_t size);
rg_digest rg_sha256_close(rg_sha256_stream *stream);

/* ---- random numbers ---------------------------------------------------------------------------------- */

/* Philox 4x32-10 (Salmon et al., SC11): 32 random bits for each (seed, stream, index), so results do not
   depend on the order or thread in which they are drawn. */
uint32_t rg_random_u32(uint64_t seed, uint64_t stream, uint64_t index);
/* Uniform in [0, 1), 32 random bits. */
double rg_random_uniform(uint64_t seed, uint64_t stream, uint64_t index);
/* Standard normal (Box-Muller over two draws, 2 * index and 2 * index + 1). */
double rg_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

/* ---- statistics -------------------------------------------------------------------------------------- */

double rg_mean(const double *x, size_t n);
/* Standard error of the mean: sample standard deviation / sqrt(n); NaN (unknown) for n < 2. */
double rg_standard_error(const double *x, size_t n);
/* Linear-interpolated quantile, q in [0, 1]; sorts x. */
double rg_quantile(double *x, size_t n, double q);

/* ---- progress ---------------------------------------------------------------------------------------- */

/* Called from long work with done in [0, total]. Return false to ask the work to stop: it ends with
   RG_ERR_CANCELLED, finished parts kept. May be NULL wherever a parameter has this type. */
typedef bool (*rg_progress_fn)(void *context, const char *what, double done, double total);
typedef struct rg_progress {
    rg_progress_fn fn;
    void *context;
} rg_progress;
/* True to go on. `progress` may be NULL. */
bool rg_progress_step(const rg_progress *progress, const char *what, double done, double total);

/* ---- child processes --------------------------------------------------------------------------------- */

/* Runs argv (argv[0] looked up in PATH) in folder `dir` (NULL: here), stdin from /dev/null, stdout and stderr
   together into `output` (may be NULL), killed with its whole process group after `limit_s`. RG_ERR_TOOL when
   it is missing, fails or runs out of time; the message carries the last line of its output. */
rg_status rg_run(const char *const argv[], const char *dir, double limit_s, rg_str *output, rg_error *err);
/* The same with stderr thrown away: what a program prints as its result. */
rg_status rg_run_stdout(const char *const argv[], const char *dir, double limit_s, rg_str *output,
                        rg_error *err);
bool rg_have_program(const char *name);

#ifdef __cplusplus
}
#endif
#endif
