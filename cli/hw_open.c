/* Opening chips and systems with what --set changes. */
#include "hw_open.h"

rg_status cli_open_chip(const cli_context *context, const char *id, rg_chip *out, rg_error *err) {
    const char *set;
    RG_TRY(rg_chip_open(out, id, context->data_dir, err));
    for (int i = 0; (set = cli_nth(context, "set", i)); i++) {
        const rg_status status = rg_chip_set(out, set, err);
        if (status == RG_OK) continue;
        rg_chip_close(out);
        return status;
    }
    return RG_OK;
}

rg_status cli_open_system(const cli_context *context, const char *id, rg_system *out, rg_error *err) {
    const char *set;
    RG_TRY(rg_system_open(out, id, context->data_dir, err));
    for (int i = 0; (set = cli_nth(context, "set", i)); i++) {
        const rg_status status = rg_system_set(out, set, err);
        if (status == RG_OK) continue;
        rg_system_close(out);
        return status;
    }
    return RG_OK;
}
