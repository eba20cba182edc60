/* Chips and systems as commands take them: by id or alias, with what --set changes. */
#ifndef RIDGE_CLI_HW_OPEN_H
#define RIDGE_CLI_HW_OPEN_H

#include "cli.h"
#include "ridge/system.h"

/* The option that both apply. */
#define CLI_SET                                                                                              \
    {                                                                                                        \
        "set", CLI_STRING, "PATH=VALUE", NULL, NULL, 0, 0, true, false,                                      \
            "what if: another number, as h100.hbm.bandwidth=x1.3, fp4='2 PFLOP/s', nvlink.chips=72"          \
    }

rg_status cli_open_chip(const cli_context *context, const char *id, rg_chip *out, rg_error *err);
rg_status cli_open_system(const cli_context *context, const char *id, rg_system *out, rg_error *err);

#endif
