/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-add.c - remora image add: a file becomes an image, as with Glance
 */
#include "config.h"

#include "agent/cli/digest.h"
#include "agent/cli/image-convert.h"
#include "agent/cli/image.h"
#include "agent/cli/json.h"
#include "agent/cli/progress.h"
#include "conf/conf-units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What Glance keeps of each image. */
#define GLANCE_SUMS                                                            \
    {                                                                          \
        "md5", "sha512", NULL                                                  \
    }

static char *wanted_id;
static char *wanted_pool;
static char *wanted_object_size;
static char **wanted_checksums;
static char *wanted_sum;
static gboolean as_is;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The image's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured image pools; the first if none is given", "POOL"},
    CMD_IMAGE_CLUSTER,
    {"object-size", 's', 0, G_OPTION_ARG_STRING, &wanted_object_size,
     "Its objects' size instead of the configured one, as in '4 MiB'", "SIZE"},
    {"checksum", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &wanted_checksums,
     "Print this instead of md5 and sha512; 'none': print none", "ALGORITHM"},
    {"verify", 0, 0, G_OPTION_ARG_STRING, &wanted_sum,
     "Refuse a file of another checksum, before it is an image", "SUM"},
    {"as-is", 0, 0, G_OPTION_ARG_NONE, &as_is,
     "Keep the bytes of what is not raw, instead of converting it", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

typedef struct {
    CmdProgress progress;
    CmdConvert convert;
    CmdDigest *digest;
    GPtrArray *names; /* of const char *, NULL-terminated: what digest has */
    guint n_printed;  /* the last may only be there to be compared */
} Add;

/* ---- while it goes on ------------------------------------------------------------ */

static void
see(const guint8 *bytes, guint64 len, gpointer data)
{
    Add *add = data;

    cmd_digest_add(add->digest, bytes, len);
}

static gboolean
show(guint64 done, guint64 total, gpointer data)
{
    Add *add = data;

    return cmd_progress_show(done, total, &add->progress);
}

static gboolean
accept_sum(gpointer data, GError **error)
{
    Add *add = data;
    const char *name = wanted_sum ? cmd_digest_name_of(wanted_sum) : NULL;
    char **sums = cmd_digest_sums(add->digest);

    for (guint i = 0; name && sums[i]; i++) {
        if (strcmp(g_ptr_array_index(add->names, i), name) != 0)
            continue;
        if (g_ascii_strcasecmp(sums[i], wanted_sum) == 0)
            return TRUE;
        g_set_error(error, STORE_ERROR, STORE_ERROR_REFUSED,
                    "its %s is %s, which is not what was asked for: fetch the "
                    "file again, nothing was added",
                    name, sums[i]);
        return FALSE;
    }
    return TRUE;
}

/* ---- before ----------------------------------------------------------------------- */

/* What is to be printed, then what is only to be compared. */
static void
choose_sums(Add *add)
{
    static const char *const usual[] = GLANCE_SUMS;
    const char *const *names =
        wanted_checksums ? (const char *const *)wanted_checksums : usual;
    const char *compared = wanted_sum ? cmd_digest_name_of(wanted_sum) : NULL;

    add->names = g_ptr_array_new();
    for (; *names; names++)
        if (strcmp(*names, "none") != 0)
            g_ptr_array_add(add->names, (gpointer)*names);
    add->n_printed = add->names->len;
    if (compared)
        g_ptr_array_add(add->names, (gpointer)compared);
    g_ptr_array_add(add->names, NULL);
}

static const char *
usage_error(char *const *rest)
{
    if (g_strv_length((char **)rest) != 1)
        return "one file, or - for standard input, is needed";
    if (wanted_id && !g_uuid_string_is_valid(wanted_id))
        return "the id is not a UUID";
    if (wanted_sum && !cmd_digest_name_of(wanted_sum))
        return "the sum is no md5, sha1, sha224, sha256, sha384 or sha512 in "
               "hex";
    return NULL;
}

static int
open_file(const char *path, GError **error)
{
    int fd;

    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot read it: %s", g_strerror(errno));
    return fd;
}

/* ---- after ------------------------------------------------------------------------- */

static void
print_json(const Add *add, const char *pool, const char *id, guint64 size)
{
    json_t *sums = json_object();

    for (guint i = 0; i < add->n_printed; i++)
        json_object_set_new_nocheck(
            sums, g_ptr_array_index(add->names, i),
            json_string(cmd_digest_sums(add->digest)[i]));
    json_t *root = json_pack("{s:s, s:s, s:I, s:o}", "id", id, "pool", pool,
                             "size", (json_int_t)size, "checksums", sums);
    cmd_json_print(root);
    json_decref(root);
}

/* The id alone on its line, for scripts. */
static void
print(const Add *add, const char *pool, const char *id, guint64 size)
{
    if (as_json) {
        print_json(add, pool, id, size);
        return;
    }
    puts(id);
    for (guint i = 0; i < add->n_printed; i++)
        printf("%s  %s\n", (const char *)g_ptr_array_index(add->names, i),
               cmd_digest_sums(add->digest)[i]);
}

/* What is not raw becomes so. */
static gboolean
add_converted(Add *add,
              StoreCluster *cluster,
              const char *pool,
              const char *id,
              const StoreImageSource *from,
              GError **error)
{
    CmdConvert *convert = &add->convert;
    const StoreImageSource source = {.fd = -1,
                                     .object_size = from->object_size};

    convert->digest = add->digest;
    convert->sums = add->n_printed > 0;
    convert->progress = &add->progress;
    return (!wanted_sum || cmd_convert_verify(convert, wanted_sum, error)) &&
           store_image_add_filled(cluster, pool, id, &source, convert->size,
                                  cmd_convert_fill, convert, error);
}

static gboolean
add_it(Add *add,
       StoreCluster *cluster,
       const char *pool,
       const char *id,
       const StoreImageSource *source,
       guint64 *ret_size,
       GError **error)
{
    if (!as_is && !cmd_convert_look(&add->convert, source->fd, error))
        return FALSE;
    if (!add->convert.format)
        return store_image_add(cluster, pool, id, source, ret_size, error);
    *ret_size = add->convert.size;
    return add_converted(add, cluster, pool, id, source, error);
}

static int
run_add(Add *add,
        StoreCluster *cluster,
        const char *pool,
        const char *id,
        guint64 object_size,
        const char *path)
{
    g_autoptr(GError) error = NULL;
    StoreImageSource source = {
        .object_size = object_size,
        .as_is = as_is != FALSE,
        .see = see,
        .accept = accept_sum,
        .progress = show,
        .data = add,
    };
    guint64 size = 0;

    source.fd = open_file(path, &error);
    if (source.fd < 0)
        return cmd_image_fail(path, error);
    cmd_progress_begin(&add->progress);
    (void)add_it(add, cluster, pool, id, &source, &size, &error);
    cmd_progress_end(&add->progress);
    if (source.fd != STDIN_FILENO)
        (void)close(source.fd);
    if (error)
        return cmd_image_fail(path, error);
    print(add, pool, id, size);
    return 0;
}

static int
prepare(Add *add, const CmdGlobals *globals, const char *path)
{
    g_autofree char *id =
        wanted_id ? g_strdup(wanted_id) : g_uuid_string_random();
    g_autoptr(Host) host = cmd_host(globals);
    const char *pool = wanted_pool;
    const Cluster *cluster;
    guint64 object_size;

    if (!host)
        return 1;
    object_size = host_conf(host)->image_object_size;
    if (wanted_object_size &&
        !conf_size_parse(wanted_object_size, &object_size))
        return cmd_usage("image add", "the object size is none, as in '4 MiB'");
    cluster = cmd_image_cluster_with(host, "image add", pool);
    if (!cluster)
        return 2;
    if (!pool)
        pool = cluster_conf(cluster)->image_pools[0];
    return run_add(add, cluster_store(cluster), pool, id, object_size, path);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    Add add = {0};
    const char *bad = usage_error(rest);
    int status;

    if (bad)
        return cmd_usage("image add", bad);
    choose_sums(&add);
    add.digest = cmd_digest_new((const char *const *)add.names->pdata, &bad);
    if (!add.digest) {
        g_autofree char *wrong =
            g_strdup_printf("no checksum '%s' (openssl dgst -list)", bad);

        g_ptr_array_unref(add.names);
        return cmd_usage("image add", wrong);
    }
    status = prepare(&add, globals, rest[0]);
    cmd_digest_free(add.digest);
    g_ptr_array_unref(add.names);
    return status;
}

const CmdVerb cmd_image_add = {
    .name = "image add",
    .arguments = "FILE|-",
    .summary =
        "Adds an image of a file's content, as Glance would, and prints its id",
    .options = options,
    .run = run,
};
