/* Shared inside src/hw: the steps of reading a system. */
#ifndef HW_SYSTEM_H
#define HW_SYSTEM_H

#include "hw/hw.h"
#include "ridge/system.h"

bool hw_topology(const char *text, rg_topology *out);
/* "4x4x4": axes and their number; false: no such text. */
bool hw_axes(const char *text, rg_system_level *level);
/* Latency, start and efficiency of a level from its link. */
rg_status hw_take_link(rg_arena *arena, const rg_link *link, rg_system_level *l, rg_error *err);
/* A chip by id or alias as a system: its scale-up domain, if its file has one. */
rg_status hw_system_of_chip(rg_system *out, const char *id, const char *data_dir, rg_error *err);

#endif
