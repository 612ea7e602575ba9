/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-store-stall.c - who is let in while a pool does not answer
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/stall.h"

#include <string.h>

/* ---- the decision ---------------------------------------------------------- */

/* Every combination. */
static void
test_decide(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++) {
        const StoreStallFacts facts = {
            .looked_into = i & 1,
            .image_hangs = i & 2,
            .marked = i & 4,
            .trial_is_due = i & 8,
        };
        static const StoreAdmit expected[] = {
            STORE_ADMIT_GO,     STORE_ADMIT_WAIT,   /* neither */
            STORE_ADMIT_REFUSE, STORE_ADMIT_REFUSE, /* the image */
            STORE_ADMIT_REFUSE, STORE_ADMIT_REFUSE, /* the pool */
            STORE_ADMIT_REFUSE, STORE_ADMIT_REFUSE, /* both */
            STORE_ADMIT_GO,     STORE_ADMIT_WAIT,   /* a trial is due */
            STORE_ADMIT_REFUSE, STORE_ADMIT_REFUSE, //
            STORE_ADMIT_TRY,    STORE_ADMIT_WAIT,   //
            STORE_ADMIT_REFUSE, STORE_ADMIT_REFUSE,
        };

        assert_int_equal(store_stall_decide(&facts), expected[i]);
    }
}

/* ---- what is remembered ---------------------------------------------------- */

static StoreCluster *
cluster_new(void)
{
    static const char *const pools[] = {"vms", NULL};
    const StoreSettings settings = {.name = "ceph", .probe_pools = pools};

    return store_cluster_new(&settings);
}

static StoreTarget
target_of(const char *pool, const char *image)
{
    return (StoreTarget){
        .pool = pool,
        .image = image,
        .parent_pool = "images",
        .parent_image = "golden",
    };
}

static void
suspect(StoreCluster *cluster, const char *pool, const char *image)
{
    const StoreTarget target = target_of(pool, image);

    store_stalls_suspect_target(cluster, &target);
}

/* What a probe does, in which only these objects do not answer. */
static void
look(StoreCluster *cluster, const char *const *hang)
{
    g_autoptr(GPtrArray) suspects = store_stalls_take(cluster);

    for (guint i = 0; i < suspects->len; i++) {
        StoreSuspect *one = g_ptr_array_index(suspects, i);
        g_autoptr(GPtrArray) asked = one->objects;

        one->objects = g_ptr_array_new_with_free_func(g_free);
        for (guint j = 0; j < asked->len; j++) {
            const char *object = g_ptr_array_index(asked, j);
            g_autofree char *name = g_strconcat(one->pool, "/", object, NULL);

            if (g_strv_contains(hang, name))
                g_ptr_array_add(one->objects, g_strdup(object));
        }
        one->whole = asked->len > 0 && one->objects->len == asked->len;
    }
    store_stalls_settle(cluster, suspects, STORE_LOOKED);
}

static void
settle(StoreCluster *cluster, StoreLooked looked)
{
    g_autoptr(GPtrArray) suspects = store_stalls_take(cluster);

    store_stalls_settle(cluster, suspects, looked);
}

static bool
admitted(StoreCluster *cluster, const char *pool, const char *image)
{
    g_autoptr(GError) error = NULL;
    const StoreTarget target = target_of(pool, image);
    bool good = store_stalls_admit(cluster, &target, &error);

    assert_true(good == (error == NULL));
    if (error)
        assert_true(g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN));
    return good;
}

static void
went(StoreCluster *cluster, const char *pool, const char *image)
{
    const StoreTarget target = target_of(pool, image);

    store_stalls_went(cluster, &target, g_get_monotonic_time());
}

static const char *const nothing[] = {NULL};
static const char *const all_of_vms[] = {"vms/rbd_directory", "vms/rbd_info",
                                         "vms/rbd_id.a", "vms/remora_claim.a",
                                         NULL};
static const char *const claim_of_a[] = {"vms/remora_claim.a", NULL};
static const char *const golden[] = {"images/rbd_id.golden", NULL};

static void
test_answers(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();

    (void)state;
    assert_false(store_stalls_any(cluster));
    suspect(cluster, "vms", "a");
    assert_true(store_stalls_any(cluster));
    look(cluster, nothing);
    assert_false(store_stalls_any(cluster));
    assert_true(admitted(cluster, "vms", "a"));
}

/* The pool is marked, no other, until its objects answer. */
static void
test_hangs(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();
    g_autoptr(GError) error = NULL;

    (void)state;
    suspect(cluster, "vms", "a");
    look(cluster, all_of_vms);
    assert_false(admitted(cluster, "vms", "a"));
    assert_false(admitted(cluster, "vms", "b"));
    assert_true(admitted(cluster, "volumes", "a"));
    assert_false(store_stalls_check(cluster, "vms", "b", &error));
    assert_non_null(strstr(error->message, "pool 'vms' of cluster 'ceph'"));
    assert_non_null(strstr(error->message, "ceph pg ls-by-pool vms"));
    assert_true(store_stalls_check(cluster, "images", "golden", NULL));
    assert_true(store_stalls_check(cluster, NULL, NULL, NULL));
    look(cluster, claim_of_a);
    assert_false(admitted(cluster, "vms", "b"));
    look(cluster, nothing);
    assert_true(admitted(cluster, "vms", "a"));
    assert_true(admitted(cluster, "vms", "b"));
    assert_false(store_stalls_any(cluster));
}

/* A request that goes through opens the pool, but not for what hangs. */
static void
test_trial(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();

    (void)state;
    suspect(cluster, "vms", "a");
    look(cluster, claim_of_a);
    assert_false(admitted(cluster, "vms", "b"));
    went(cluster, "vms", "a");
    assert_false(admitted(cluster, "vms", "b"));
    went(cluster, "vms", "b");
    assert_true(admitted(cluster, "vms", "b"));
    assert_false(admitted(cluster, "vms", "a"));
    /* What is known to hang tells nothing new. */
    suspect(cluster, "vms", "a");
    look(cluster, claim_of_a);
    assert_true(admitted(cluster, "vms", "b"));
    look(cluster, nothing);
    assert_true(admitted(cluster, "vms", "a"));
    assert_false(store_stalls_any(cluster));
}

/* What began before the pool was found to hang says nothing. */
static void
test_old_success(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();
    const StoreTarget target = target_of("vms", "b");
    gint64 since = g_get_monotonic_time() - 1;

    (void)state;
    suspect(cluster, "vms", "a");
    look(cluster, claim_of_a);
    store_stalls_went(cluster, &target, since);
    assert_false(admitted(cluster, "vms", "b"));
}

/* Who needs nothing of it does not wait for the probe, although the parent is
 * in the same pool; it would be for 15 s. */
static void
test_nobody_waits(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();
    gint64 start = g_get_monotonic_time();

    (void)state;
    suspect(cluster, "vms", "a");
    assert_true(admitted(cluster, "volumes", "b"));
    assert_true(store_stalls_check(cluster, "vms", "b", NULL));
    assert_true(g_get_monotonic_time() - start < 10 * G_USEC_PER_SEC);
}

/* The parent is to blame only where the disk's own pool answers. */
static void
test_parent(void **state)
{
    static const char *const both[] = {"vms/rbd_id.a", "images/rbd_id.golden",
                                       NULL};
    g_autoptr(StoreCluster) cluster = cluster_new();

    (void)state;
    suspect(cluster, "vms", "a");
    look(cluster, both);
    assert_true(store_stalls_check(cluster, "images", "golden", NULL));
    assert_false(admitted(cluster, "vms", "a"));
    look(cluster, nothing);
    suspect(cluster, "vms", "a");
    look(cluster, golden);
    assert_false(store_stalls_check(cluster, "images", "golden", NULL));
    assert_false(admitted(cluster, "volumes", "a"));
    assert_true(store_stalls_check(cluster, "vms", "a", NULL));
    look(cluster, nothing);
    assert_true(admitted(cluster, "volumes", "a"));
}

/* A probe that cannot look believes who waited; unless all is down. */
static void
test_blind(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();

    (void)state;
    suspect(cluster, "vms", "a");
    settle(cluster, STORE_BLINDLY);
    assert_false(admitted(cluster, "vms", "a"));
    assert_true(admitted(cluster, "volumes", "a"));
    settle(cluster, STORE_BLINDLY);
    settle(cluster, STORE_NOT);
    assert_false(admitted(cluster, "vms", "a"));
    look(cluster, nothing);
    suspect(cluster, "vms", "a");
    settle(cluster, STORE_NOT);
    assert_true(admitted(cluster, "vms", "a"));
}

/* What is suspected while a probe looks is left for the next. */
static void
test_meanwhile(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();
    GPtrArray *suspects;

    (void)state;
    suspect(cluster, "vms", "a");
    suspects = store_stalls_take(cluster);
    suspect(cluster, "vms", "a");
    suspect(cluster, "volumes", "b");
    store_stalls_settle(cluster, suspects, STORE_NOT);
    g_ptr_array_unref(suspects);
    suspects = store_stalls_take(cluster);
    assert_int_equal(suspects->len, 2);
    assert_string_equal(((StoreSuspect *)suspects->pdata[0])->pool, "volumes");
    assert_string_equal(((StoreSuspect *)suspects->pdata[1])->pool, "images");
    g_ptr_array_unref(suspects);
}

/* Nobody makes it grow. */
static void
test_limits(void **state)
{
    g_autoptr(StoreCluster) cluster = cluster_new();
    g_autoptr(GPtrArray) suspects = NULL;

    (void)state;
    for (int i = 0; i < 200; i++) {
        g_autofree char *image = g_strdup_printf("%d", i);

        suspect(cluster, "vms", image);
    }
    suspects = store_stalls_take(cluster);
    assert_in_range(suspects->len, 64, 65);
    store_stalls_settle(cluster, suspects, STORE_BLINDLY);
    assert_false(admitted(cluster, "vms", "0"));
    assert_false(admitted(cluster, "vms", "199"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide),      cmocka_unit_test(test_answers),
        cmocka_unit_test(test_hangs),       cmocka_unit_test(test_trial),
        cmocka_unit_test(test_old_success), cmocka_unit_test(test_parent),
        cmocka_unit_test(test_blind),       cmocka_unit_test(test_meanwhile),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_nobody_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
