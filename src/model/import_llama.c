/* What llama.cpp's perplexity tool prints with --kl-divergence. Form: ggml-org/llama.cpp,
   tools/perplexity/perplexity.cpp, kl_divergence(): a line of running figures after each chunk, then three
   blocks of "NAME: VALUE +- ERROR". The plus-minus sign and the Greek delta arrive in whatever encoding the
   log went through, so neither is relied on. */
#include "kernels/kernels.h"
#include "model/import.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 10, PERCENT = 1 }; /* of a chunk's line: five figures with their errors */

typedef struct label {
    const char *text; /* as printed, runs of blanks as one, '?' for a sign of unknown encoding */
    const char *key, *error_key;
    const char *unit;
    int percent;
} label;

static const label labels[] = {{"Mean PPL(Q)", "ppl", "ppl_se", "1", 0},
                               {"Mean PPL(base)", "ppl_reference", "ppl_reference_se", "1", 0},
                               {"Cor(ln(PPL(Q)), ln(PPL(base)))", "correlation", NULL, "1", PERCENT},
                               {"Mean ln(PPL(Q)/PPL(base))", "ln_ppl_ratio", "ln_ppl_ratio_se", "nat", 0},
                               {"Mean KLD", "kld_mean", "kld_mean_se", "nat", 0},
                               {"Maximum KLD", "kld_max", NULL, "nat", 0},
                               {"99.9% KLD", "kld_p999", NULL, "nat", 0},
                               {"99.0% KLD", "kld_p99", NULL, "nat", 0},
                               {"95.0% KLD", "kld_p95", NULL, "nat", 0},
                               {"90.0% KLD", "kld_p90", NULL, "nat", 0},
                               {"Median KLD", "kld_median", NULL, "nat", 0},
                               {"Minimum KLD", "kld_min", NULL, "nat", 0},
                               {"Mean ?p", "delta_p_mean", "delta_p_mean_se", "1", PERCENT},
                               {"RMS ?p", "delta_p_rms", "delta_p_rms_se", "1", PERCENT},
                               {"99.0% ?p", "delta_p_p99", NULL, "1", PERCENT},
                               {"Median ?p", "delta_p_p50", NULL, "1", PERCENT},
                               {"1.0% ?p", "delta_p_p01", NULL, "1", PERCENT},
                               {"Same top p", "same_top", "same_top_se", "1", PERCENT}};
enum { N_LABELS = sizeof labels / sizeof *labels, PPL_BASE = 1, LN_RATIO = 3, KLD_MEAN = 4, SAME_TOP = 17 };

typedef struct chunk_row {
    double ln_ratio, kld; /* running means after this chunk */
} chunk_row;

typedef struct log_file {
    double value[N_LABELS], error[N_LABELS]; /* NaN: not printed */
    size_t n_chunks, room;
    chunk_row *chunk;
    int64_t n_ctx; /* 0: the log does not say */
} log_file;

static bool detect(const char *text, size_t size) {
    return memmem(text, size, "KL divergence statistics", 24) ||
           memmem(text, size, "ln(PPL(Q)/PPL(base))", 20);
}

/* The numbers of a line, at most n; signs belong to them where a digit or dot follows. */
static size_t numbers_of(const char *s, double *out, size_t n) {
    size_t found = 0;
    while (*s && found < n) {
        const char *digits = s + (*s == '-');
        if (!isdigit((unsigned char)digits[0]) && strncmp(digits, "nan", 3) != 0 &&
            strncmp(digits, "inf", 3) != 0) {
            s++;
            continue;
        }
        char *end;
        out[found] = strtod(s, &end);
        if (end == s) {
            s++;
            continue;
        }
        found++;
        s = end;
    }
    return found;
}

/* Copies a line in the alphabet of the labels. */
static void plain(const char *line, size_t size, char *out, size_t room) {
    size_t n = 0;
    for (size_t i = 0; i < size && n + 1 < room; i++) {
        const unsigned char c = (unsigned char)line[i];
        const bool sign = c >= 128 || c == '_' || c == '?';
        const char shown = sign ? '?' : isspace(c) ? ' ' : (char)c;
        if (c == 0 || (n && (shown == '?' || shown == ' ') && out[n - 1] == shown)) continue;
        out[n++] = shown;
    }
    out[n] = 0;
}

static rg_status not_finite(const char *name, size_t line, rg_error *err) {
    char where[256];
    snprintf(where, sizeof where, "%.230s:%zu", name, line);
    return rg_fail(err, RG_ERR_PARSE, where, "finite figures", "an infinite or undefined figure");
}

static rg_status take_label(log_file *f, const char *name, size_t number, const char *line, rg_error *err) {
    for (int i = 0; i < N_LABELS; i++) {
        const char *at = strstr(line, labels[i].text), *rest = at ? at + strlen(labels[i].text) : NULL;
        if (!at || (at > line && at[-1] != ' ')) continue;
        rest += strspn(rest, " ");
        if (*rest != ':') continue;
        double v[2];
        const size_t n = numbers_of(rest + 1, v, 2);
        if (!n) continue;
        if (!isfinite(v[0])) return not_finite(name, number, err);
        const double scale = labels[i].percent ? 100 : 1;
        f->value[i] = v[0] / scale;
        f->error[i] = n > 1 && labels[i].error_key ? v[1] / scale : (double)NAN;
        return RG_OK;
    }
    return RG_OK;
}

/* "   7  6.2264 +- 0.3545  0.00061 +- 0.00047  ...": the number of the chunk and five figures. */
static rg_status take_chunk(log_file *f, const char *name, size_t number, const char *line, rg_error *err) {
    double v[COLUMNS + 2];
    const char *s = line + strspn(line, " ");
    if (!isdigit((unsigned char)*s) || strchr(s, ':')) return RG_OK;
    if (numbers_of(s, v, COLUMNS + 2) != COLUMNS + 1) return RG_OK;
    if (v[0] != (double)(f->n_chunks + 1)) return RG_OK;
    for (int i = 1; i <= COLUMNS; i++)
        if (!isfinite(v[i]) && i != 8) /* the error of the RMS is 0/0 where nothing changes */
            return not_finite(name, number, err);
    if (!rg_grow(&f->chunk, &f->room, f->n_chunks + 1, sizeof *f->chunk))
        return rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory");
    f->chunk[f->n_chunks++] = (chunk_row){v[3], v[5]};
    return RG_OK;
}

static void take_context(log_file *f, const char *line) {
    const char *at = strstr(line, "n?ctx"); /* as plain() leaves it */
    if (!at || f->n_ctx || (at[5] != ' ' && at[5] != '=')) return;
    at += 5 + strspn(at + 5, " ");
    if (*at != '=') return;
    const double n = strtod(at + 1, NULL);
    if (n >= 2 && n <= 1e9) f->n_ctx = (int64_t)n;
}

static rg_status read_log(rg_import *import, const char *text, size_t size, const rg_import_options *options,
                          rg_error *err) {
    (void)options;
    log_file *f = rg_arena_alloc(&import->arena, 1, sizeof *f);
    if (!f) return rg_fail(err, RG_ERR_MEMORY, import->name, NULL, "out of memory");
    import->data = f;
    for (int i = 0; i < N_LABELS; i++) f->value[i] = f->error[i] = (double)NAN;
    size_t line = 0;
    for (size_t at = 0; at < size;) {
        char buf[512];
        const char *newline = memchr(text + at, '\n', size - at);
        const size_t end = newline ? (size_t)(newline - text) : size;
        line++;
        plain(text + at, end - at, buf, sizeof buf);
        take_context(f, buf);
        RG_TRY(take_label(f, import->name, line, buf, err));
        RG_TRY(take_chunk(f, import->name, line, buf, err));
        at = end + 1;
    }
    if (isnan(f->value[LN_RATIO]) || isnan(f->value[KLD_MEAN]))
        return rg_fail(err, RG_ERR_PARSE, import->name,
                       "the statistics at the end of a run of 100 tokens or more",
                       "no \"Mean ln(PPL(Q)/PPL(base))\" and \"Mean KLD\" in the log");
    return RG_OK;
}

/* Means of single chunks from running means; `other` is subtracted. */
static rg_interval over_chunks(const log_file *f, const log_file *other, double *scratch) {
    const size_t m = f->n_chunks;
    double before = 0;
    for (size_t i = 0; i < m; i++) {
        const double running = f->chunk[i].ln_ratio - (other ? other->chunk[i].ln_ratio : 0);
        scratch[i] = running * (double)(i + 1) - before;
        before = running * (double)(i + 1);
        scratch[m + i] = 1;
    }
    return rg_cluster_t(scratch, scratch + m, m, 0.05);
}

static double tokens_of(const log_file *f) {
    if (!f->n_ctx || !f->n_chunks) return (double)NAN;
    return (double)f->n_chunks * (double)(f->n_ctx - 1 - f->n_ctx / 2);
}

static rg_status same_base(const rg_import *reference, const rg_import *candidate, rg_error *err) {
    const log_file *a = reference->data, *b = candidate->data;
    const double x = a->value[PPL_BASE], y = b->value[PPL_BASE];
    if (a->n_chunks != b->n_chunks)
        return rg_fail(err, RG_ERR_MISMATCH, candidate->name, "logs of the same chunks",
                       "%zu chunks, %zu in %.200s", b->n_chunks, a->n_chunks, reference->name);
    if (isfinite(x) && isfinite(y) && fabs(x - y) > 1e-5 * x)
        return rg_fail(err, RG_ERR_MISMATCH, candidate->name, "logs against the same base",
                       "the base has perplexity %g, in %.200s %g", y, reference->name, x);
    return RG_OK;
}

static void print_figures(const log_file *f, rg_import_result *out) {
    import_figure(out, "tokens", tokens_of(f), "token");
    import_figure(out, "chunks", (double)f->n_chunks, "chunk");
    for (int i = 0; i < N_LABELS; i++) {
        if (isnan(f->value[i])) continue;
        const double reach = 2 * f->error[i];
        import_interval(out, labels[i].key, f->value[i], labels[i].unit, f->value[i] - reach,
                        f->value[i] + reach, "+- 2 standard errors, as printed");
        if (labels[i].error_key && isfinite(f->error[i]))
            import_figure(out, labels[i].error_key, f->error[i], labels[i].unit);
    }
}

static rg_status compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                         rg_error *err) {
    const log_file *f = candidate->data, *other = reference ? reference->data : NULL;
    if (reference) RG_TRY(same_base(reference, candidate, err));
    out->compared = true; /* against the base of the log at least */
    print_figures(f, out);
    double *scratch = calloc(2 * f->n_chunks + 1, sizeof *scratch);
    if (!scratch) return rg_fail(err, RG_ERR_MEMORY, candidate->name, NULL, "out of memory");
    rg_interval d = over_chunks(f, other, scratch);
    const char *interval = "95 % t interval over chunks";
    if (f->n_chunks < RG_CLUSTERS_MIN && !other && isfinite(f->error[LN_RATIO])) {
        d = (rg_interval){f->value[LN_RATIO], f->error[LN_RATIO], f->value[LN_RATIO] - 2 * f->error[LN_RATIO],
                          f->value[LN_RATIO] + 2 * f->error[LN_RATIO]};
        interval = "+- 2 standard errors over tokens, as printed";
    }
    import_loss(out, &d, f->n_chunks, tokens_of(f), interval);
    const bool unchanged = !other && f->value[KLD_MEAN] == 0 && f->value[SAME_TOP] == 1;
    if (unchanged ||
        (other && reference->sha256.hex[0] && strcmp(reference->sha256.hex, candidate->sha256.hex) == 0))
        out->verdict = RG_EQUAL;
    free(scratch);
    return RG_OK;
}

static void close_log(rg_import *import) {
    log_file *f = import->data;
    if (f) free(f->chunk);
}

const import_reader import_llama = {.name = "llama-kld",
                                    .help = "the log of llama.cpp's perplexity tool with --kl-divergence",
                                    .detect = detect,
                                    .read = read_log,
                                    .compare = compare,
                                    .close = close_log};
