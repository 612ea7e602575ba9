/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/xml-site.h - the one host that the tests of xml/ are about
 */
#ifndef REMORA_TESTS_XML_SITE_H
#define REMORA_TESTS_XML_SITE_H

#include "xml/dom.h"

#define SITE_FSID   "4f9c1a52-27a7-4e0c-9d1a-6a6f0b1c2d3e"
#define SITE_SECRET "e21a123a-31f8-425a-86db-7204c33a6161"
/* What a random UUID is made into, so that files can be compared. */
#define SITE_UUID "5eed5eed-0000-4000-8000-5eed5eed5eed"

static const char *const site_image_pools[] = {"images", NULL};
static const char *const site_more_image_pools[] = {"images", "glance", NULL};
static const char *const site_volume_pools[] = {"volumes", NULL};
static const char *const site_one_pool[] = {"rbd", NULL};

static const DomStoragePool site_storage_pools[] = {
    {"ceph-volumes", "volumes", 0},
    {"ceph-other", "other", 0},
    {"ceph-vms", "vms", 0},
};

static const DomHost site_hosts[] = {
    {(char *)"9.115.251.194", (char *)"6789"},
    {(char *)"9.115.251.195", (char *)"6789"},
    {(char *)"2001:db8::218", (char *)"6789"},
};

/* Of Nova's own tests. */
static const DomHost site_no_port_hosts[] = {
    {(char *)"foo.bar.com", NULL},
    {(char *)"::1", (char *)"123"},
    {(char *)"1.2.3.4", (char *)"456"},
};
static const DomHost site_named_hosts[] = {
    {(char *)"server1", (char *)"1899"},
    {(char *)"server2", (char *)"1920"},
    {(char *)"::1", (char *)"1930"},
};

static inline DomRules
site_rules(void)
{
    return (DomRules){
        .name = "ceph",
        .image_pools = site_image_pools,
        .vms_pool = "vms",
        .volume_pools = site_volume_pools,
        .fsid = SITE_FSID,
    };
}

static inline DomSite
site_default(void)
{
    return (DomSite){
        .hosts = site_hosts,
        .n_hosts = G_N_ELEMENTS(site_hosts),
        .auth_user = "cinder",
        .secret_uuid = SITE_SECRET,
        .cache = "writeback",
        .discard = "unmap",
    };
}

#endif
