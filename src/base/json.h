/* Text of JSON whose bytes depend on the content alone: ids are digests of it. */
#ifndef RIDGE_BASE_JSON_H
#define RIDGE_BASE_JSON_H

#include "ridge/base.h"

/* `text` (UTF-8) in quotes: quote and backslash behind a backslash, control characters as \u and four digits,
   all else as it is. */
void rg_str_add_json(rg_str *s, const char *text);

#endif
