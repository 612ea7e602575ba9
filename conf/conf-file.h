/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-file.h - the bytes of the file, and what may not be among them
 */
#ifndef REMORA_CONF_CONF_FILE_H
#define REMORA_CONF_CONF_FILE_H

#include "conf/conf-error.h"

#include <libconfig.h>

/* Reads the file at path and parses it into config, which the caller has
 * initialised and destroys, whatever this returns. */
gboolean conf_file_parse(const char *path,
                         config_t *config,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
