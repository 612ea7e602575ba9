/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-create.c - remora volume create: a new, empty volume
 */
#include "config.h"

#include "agent/cli/passphrase.h"
#include "agent/cli/progress.h"
#include "agent/cli/volume.h"
#include "conf/conf-units.h"
#include "conf/conf-words.h"

#include <stdio.h>
#include <string.h>

static char *wanted_id;
static char *wanted_pool;
static char *wanted_object_size;
static char *wanted_features;
static char *wanted_data_pool;
static int wanted_luks;
static char *wanted_cipher;
static char *passphrase_file;
static gboolean shareable;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The volume's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured pools for volumes; the first if none is given",
     "POOL"},
    CMD_IMAGE_CLUSTER,
    {"object-size", 's', 0, G_OPTION_ARG_STRING, &wanted_object_size,
     "Its objects' size instead of the configured one, as in '4 MiB'", "SIZE"},
    {"features", 'f', 0, G_OPTION_ARG_STRING, &wanted_features,
     "Its features instead of the configured ones, with ',' between them",
     "FEATURE"},
    {"data-pool", 0, 0, G_OPTION_ARG_STRING, &wanted_data_pool,
     "Keep its data in that pool instead of the configured one", "NAME"},
    {"luks", 0, 0, G_OPTION_ARG_INT, &wanted_luks,
     "Encrypt it by LUKS of that version, 1 or 2, with a passphrase of a file",
     "VERSION"},
    {"passphrase-file", 0, 0, G_OPTION_ARG_FILENAME, &passphrase_file,
     "The file whose bytes, to the last one, are the passphrase", "FILE"},
    {"cipher", 0, 0, G_OPTION_ARG_STRING, &wanted_cipher,
     "Encrypt it by aes-128 instead of aes-256", "NAME"},
    {"shareable", 0, 0, G_OPTION_ARG_NONE, &shareable,
     "Without the features that only one writer at a time can have", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* NULL: they make sense; else what does not. */
static const char *
read_features(guint64 *ret_mask)
{
    g_auto(GStrv) names =
        g_strsplit(wanted_features ? wanted_features : "", ",", -1);

    for (gsize i = 0; names[i]; i++) {
        guint64 bit = conf_feature_bit(g_strstrip(names[i]));

        if (!bit)
            return "a feature is none: see clone.features in remora.conf(5)";
        *ret_mask |= bit;
    }
    return conf_features_check(*ret_mask)
               ? "the features lack one that they need: see clone.features in "
                 "remora.conf(5)"
               : NULL;
}

/* NULL: it makes sense; else what does not. */
static const char *
read_encryption(StoreEncryption *ret_how)
{
    if (!wanted_luks)
        return passphrase_file || wanted_cipher
                   ? "a passphrase and a cipher go with --luks"
                   : NULL;
    if (wanted_luks != 1 && wanted_luks != 2)
        return "of LUKS there are versions 1 and 2";
    if (!passphrase_file)
        return "--luks needs a passphrase: see --passphrase-file";
    if (wanted_cipher && strcmp(wanted_cipher, "aes-128") != 0 &&
        strcmp(wanted_cipher, "aes-256") != 0)
        return "the cipher is aes-128 or aes-256";
    ret_how->luks = (guint)wanted_luks;
    ret_how->aes_128 = g_strcmp0(wanted_cipher, "aes-128") == 0;
    return NULL;
}

/* NULL: ret_spec is what the options ask for. */
static const char *
read_spec(char *const *rest, StoreVolumeSpec *ret_spec)
{
    if (g_strv_length((char **)rest) != 1)
        return "one size is needed, as in '10 GiB'";
    if (!conf_size_parse(rest[0], &ret_spec->size) || ret_spec->size == 0)
        return "the size is none, or has no unit: write it as in '10 GiB'";
    if (wanted_object_size &&
        (!conf_size_parse(wanted_object_size, &ret_spec->object_size) ||
         !store_object_size_valid(ret_spec->object_size)))
        return "the object size is no power of two from 4 KiB to 32 MiB";
    ret_spec->data_pool = wanted_data_pool;
    ret_spec->shareable = shareable != FALSE;
    return read_features(&ret_spec->features);
}

static void
print(const char *pool, const char *name, const StoreVolumeSpec *spec)
{
    const char *id = store_volume_uuid(name);

    if (as_json)
        printf("{\"id\": \"%s\", \"pool\": \"%s\", \"size\": %" //
               G_GUINT64_FORMAT "}\n",
               id, pool, spec->size);
    else
        puts(id);
}

/* With the passphrase, which is nowhere any more after it. */
static gboolean
create(const Cluster *cluster,
       const char *pool,
       const char *name,
       StoreVolumeSpec *spec,
       StoreEncryption *how,
       GError **error)
{
    CmdPassphrase passphrase = {0};
    gboolean made = FALSE;

    if (how->luks) {
        if (!cmd_passphrase_read(passphrase_file, &passphrase, error))
            return FALSE;
        how->passphrase = passphrase.bytes;
        how->passphrase_len = passphrase.len;
        spec->encryption = how;
    }
    made = store_volume_create(cluster_store(cluster), pool, name, spec, error);
    cmd_passphrase_wipe(&passphrase);
    return made;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    StoreVolumeSpec spec = {0};
    StoreEncryption how = {0};
    const char *wrong = read_spec(rest, &spec);
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    const Cluster *cluster;
    const char *pool = NULL;

    if (!wrong)
        wrong = read_encryption(&how);
    if (wrong)
        return cmd_usage("volume create", wrong);
    g_autofree char *name = cmd_volume_new_name("volume create", wanted_id);
    if (!name)
        return 2;
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    cluster = cmd_volume_pool(host, "volume create", wanted_pool, &pool);
    if (!cluster)
        return 2;
    /* It is too short to be cut short. */
    cmd_progress_begin(&progress);
    if (!create(cluster, pool, name, &spec, &how, &error))
        return cmd_image_fail(NULL, error);
    print(pool, name, &spec);
    return 0;
}

const CmdVerb cmd_volume_create = {
    .name = "volume create",
    .arguments = "SIZE",
    .summary = "Makes an empty volume, as Cinder does",
    .options = options,
    .run = run,
};
