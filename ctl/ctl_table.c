#include "config.h"

#include "ctl/ctl_table.h"

#define TABLE_AT(id, name) [id] = &table_##name,
const struct table *const ctl_tables[TEXT_COUNT] = { TABLES(TABLE_AT) };
