/* Child processes of the flow. */
#include "rtl/tool.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION_LIMIT_S = 30 };

bool rtl_path(char path[4096], const char *folder, const char *name) {
    return snprintf(path, 4096, "%s/%s", folder, name) < 4096;
}

rg_status rtl_scratch_make(char path[4096], rg_error *err) {
    const char *base = getenv("TMPDIR");
    if (!base || !base[0]) base = "/tmp";
    char made[4096];
    if (!rtl_path(made, base, "ridge-rtl-XXXXXX"))
        return rg_fail(err, RG_ERR_IO, base, NULL, "path too long");
    if (!mkdtemp(made))
        return rg_fail(err, RG_ERR_IO, base, "a writable folder (TMPDIR names another)",
                       "cannot make a scratch folder: %s", strerror(errno));
    /* absolute: tools run in other folders */
    if (!realpath(made, path))
        return rg_fail(err, RG_ERR_IO, made, NULL, "cannot resolve: %s", strerror(errno));
    return RG_OK;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void rtl_scratch_remove(const char *path) {
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* First line of `text` that has the word error in it. */
static const char *error_line(const char *text, int *length) {
    for (const char *line = text; line && *line;) {
        const size_t n = strcspn(line, "\n");
        for (size_t i = 0; i + 5 <= n; i++)
            if (strncasecmp(line + i, "error", 5) == 0) {
                *length = n < 300 ? (int)n : 300;
                return line;
            }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

rg_status rtl_tool(const char *const argv[], const char *dir, double limit_s, const char *what,
                   rg_str *output, rg_error *err) {
    rg_str own = {0}, *text = output ? output : &own;
    rg_error inner = {0};
    const rg_status status = rg_run(argv, dir, limit_s, text, &inner);
    if (status != RG_OK) {
        int n = 0;
        const char *line = text->data ? error_line(text->data, &n) : NULL;
        const bool late = strstr(inner.message, " ran longer than ") != NULL;
        if (line && !late)
            rg_fail(err, status, what, inner.expected, "%s: %.*s", argv[0], n, line);
        else
            rg_fail(err, status, what, inner.expected, "%.400s", inner.message);
    }
    rg_str_free(&own);
    return status;
}

rg_status rtl_tool_version(const char *program, const char *flag, const char *before, char *version,
                           size_t size, rg_error *err) {
    const char *const argv[] = {program, flag, NULL};
    rg_str text = {0};
    if (!rg_have_program(program))
        return rg_fail(err, RG_ERR_TOOL, program, "the program in PATH (scripts/deps installs it)",
                       "program %s not found", program);
    rg_run(argv, NULL, VERSION_LIMIT_S, &text, NULL); /* iverilog -V exits with 1 */
    const char *word = text.data ? strstr(text.data, before) : NULL;
    if (word) word += strlen(before);
    const size_t n = word ? strspn(word, "0123456789.") : 0;
    rg_status status = RG_OK;
    if (n == 0)
        status = rg_fail(err, RG_ERR_TOOL, program, "a version", "%s %s says '%.80s'", program, flag,
                         text.data ? text.data : "");
    else
        snprintf(version, size, "%.*s", (int)n, word);
    rg_str_free(&text);
    return status;
}
