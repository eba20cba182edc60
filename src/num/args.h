/* name(value,key=value,...): the shape of every text form, split but not interpreted. */
#ifndef RIDGE_NUM_ARGS_H
#define RIDGE_NUM_ARGS_H

#include "ridge/num.h"

enum { NUM_MAX_ARGS = 20 };
typedef struct num_args {
    char name[32];
    bool has_list; /* "name(...)", even when empty inside is not allowed */
    int n;
    struct num_arg {
        char key[16];   /* empty: a bare value */
        char value[96]; /* may hold parentheses: posit(8,1) */
    } arg[NUM_MAX_ARGS];
} num_args;

/* Splits the whole of text[0..n). `what` names the form in messages. */
rg_status num_args_parse(const char *text, size_t n, const char *what, num_args *out, rg_error *err);
/* "group=16" of an argument, for messages. */
const char *num_arg_text(const struct num_arg *arg, char buf[128]);
/* A decimal number in [min, max]; false for anything else. */
bool num_arg_int(const char *text, int min, int max, int *out);

#endif
