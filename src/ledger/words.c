/* A command line as a list of words. Quotes and backslashes as in a POSIX shell; what a shell would expand or
   act upon ($ ` ; & | < > * ? ~ outside quotes) stays a plain character, since no shell is started. */
#include "ledger/ledger.h"

#include <string.h>

enum { MAX_WORDS = 256 };

/* Copies one word from *p to `to`, unquoted; NULL when a quote is not closed. */
static char *word(const char **p, char *to) {
    const char *s = *p;
    char quote = 0;
    for (; *s && (quote || !strchr(" \t\r\n", *s)); s++) {
        if (quote != '\'' && *s == '\\' && s[1] && (!quote || strchr("\"\\$`", s[1])))
            *to++ = *++s;
        else if (quote ? *s == quote : *s == '\'' || *s == '"')
            quote = quote ? 0 : *s;
        else
            *to++ = *s;
    }
    *to++ = 0;
    *p = s;
    return quote ? NULL : to;
}

rg_status ledger_words(rg_arena *arena, const char *command, const char ***words, rg_error *err) {
    const char **list = rg_arena_alloc(arena, MAX_WORDS + 1, sizeof *list);
    char *to = rg_arena_alloc(arena, strlen(command) + 2, 1);
    if (!list || !to) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    size_t n = 0;
    for (const char *p = command; *(p += strspn(p, " \t\r\n"));) {
        if (n == MAX_WORDS) return rg_fail(err, RG_ERR_PARSE, NULL, "at most 256 words", "command too long");
        list[n++] = to;
        if (!(to = word(&p, to)))
            return rg_fail(err, RG_ERR_PARSE, NULL, "a closing quote", "quote left open in the command");
    }
    if (n == 0) return rg_fail(err, RG_ERR_PARSE, NULL, "a command", "empty command");
    *words = list;
    return RG_OK;
}
