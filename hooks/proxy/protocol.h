/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/protocol.h - libvirt's packets: headers, procedures, errors
 *
 * The numbers are libvirt's (virnetprotocol.x, remote_protocol.x, virterror.h).
 * They never change, since old clients and new daemons must understand each
 * other. Pure.
 */
#ifndef REMORA_HOOKS_PROXY_PROTOCOL_H
#define REMORA_HOOKS_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A packet: its length, which counts itself, and six numbers. */
#define PROXY_HEADER_LEN 28u
#define PROXY_PACKET_MAX (32u * 1024u * 1024u + 4u)

#define PROXY_PROGRAM_REMOTE 0x20008086u
#define PROXY_REMOTE_VERSION 1u

enum proxy_type {
    PROXY_CALL = 0,
    PROXY_REPLY = 1,
    PROXY_MESSAGE = 2,
    PROXY_STREAM = 3,
    PROXY_CALL_WITH_FDS = 4,
    PROXY_REPLY_WITH_FDS = 5,
    PROXY_STREAM_HOLE = 6,
};

enum proxy_status {
    PROXY_OK = 0,
    PROXY_ERROR = 1,
    PROXY_CONTINUE = 2,
};

struct proxy_header {
    uint32_t len;
    uint32_t program;
    uint32_t version;
    uint32_t procedure;
    uint32_t type;
    uint32_t serial;
    uint32_t status;
};

/* Procedures of the remote program; in remote_protocol.x they begin with
 * REMOTE_PROC_. */
enum proxy_procedure {
    PROXY_PROC_CONNECT_OPEN = 1,
    PROXY_PROC_CONNECT_CLOSE = 2,
    PROXY_PROC_DOMAIN_ATTACH_DEVICE = 8,
    PROXY_PROC_DOMAIN_CREATE_XML = 10,
    PROXY_PROC_DOMAIN_DEFINE_XML = 11,
    PROXY_PROC_DOMAIN_MIGRATE_PERFORM = 62,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE2 = 108,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL = 148,
    PROXY_PROC_DOMAIN_ATTACH_DEVICE_FLAGS = 160,
    PROXY_PROC_DOMAIN_UPDATE_DEVICE_FLAGS = 174,
    PROXY_PROC_DOMAIN_MIGRATE_BEGIN3 = 213,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE3 = 214,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL3 = 215,
    PROXY_PROC_DOMAIN_MIGRATE_PERFORM3 = 216,
    PROXY_PROC_DOMAIN_SAVE_FLAGS = 232,
    PROXY_PROC_DOMAIN_RESTORE_FLAGS = 233,
    PROXY_PROC_DOMAIN_SAVE_IMAGE_DEFINE_XML = 236,
    PROXY_PROC_DOMAIN_MIGRATE_BEGIN3_PARAMS = 302,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE3_PARAMS = 303,
    PROXY_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS = 304,
    PROXY_PROC_DOMAIN_MIGRATE_PERFORM3_PARAMS = 305,
    PROXY_PROC_DOMAIN_CREATE_XML_WITH_FILES = 309,
    PROXY_PROC_DOMAIN_BLOCK_COPY = 345,
    PROXY_PROC_DOMAIN_DEFINE_XML_FLAGS = 350,
    PROXY_PROC_DOMAIN_MANAGED_SAVE_DEFINE_XML = 389,
    PROXY_PROC_DOMAIN_SAVE_PARAMS = 440,
    PROXY_PROC_DOMAIN_RESTORE_PARAMS = 441,
};

/* From PROXY_HEADER_LEN bytes. false: no packet is of that length. */
bool proxy_header_read(const void *bytes, struct proxy_header *ret_header);
void proxy_header_write(void *bytes, const struct proxy_header *header);

/* What a refused call fails with. */
enum proxy_error {
    PROXY_ERROR_HOOK, /* a synchronous hook script failed */
    PROXY_ERROR_RPC,  /* a system call of the RPC code failed */
};

/* A whole reply to the call of that header, which says that it failed, as
 * libvirt's daemon says it (virnetprotocol.x, virNetMessageError). malloc()ed;
 * NULL: no memory. */
uint8_t *proxy_error_reply(const struct proxy_header *call,
                           enum proxy_error error,
                           const char *message,
                           size_t *ret_len);

#endif
