/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/qemu-hook.c - what libvirt runs at each step of a domain's life
 *
 *     qemu-hook DOMAIN OPERATION SUBOPERATION EXTRA, domain XML on stdin
 *
 * No start gets past it. It knows a few byte strings and the
 * table of operations (policy.c); everything else is the agent's.
 *
 * Must not: start a process but the agent's own program (one-shot.h),
 *           delete anything, look at the environment, or write to standard
 *           output but for a filter's new XML.
 */
#include "config.h"

#include "hooks/qemu/one-shot.h"
#include "hooks/qemu/policy.h"
#include "hooks/qemu/tell.h"
#include "hooks/wire/client.h"
#include "hooks/wire/io.h"
#include "hooks/wire/say.h"
#include "hooks/wire/sieve.h"
#include "hooks/wire/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define ASK_PATH  REMORA_RUNDIR "/" WIRE_HOOK_SOCKET
#define TELL_PATH REMORA_RUNDIR "/" WIRE_NOTIFY_SOCKET

_Static_assert(sizeof(ASK_PATH) <= sizeof(((struct sockaddr_un *)0)->sun_path),
               "the run directory's name is too long for a socket");
_Static_assert(sizeof(TELL_PATH) <= sizeof(((struct sockaddr_un *)0)->sun_path),
               "the run directory's name is too long for a socket");

/* How long libvirt may take to hand over the XML or to take the new one. */
#define LIBVIRT_MS 5000

/* The exit status of an operation that failed here. */
static int
fail(const struct hook_policy *policy,
     const char *name,
     const struct wire_error *error)
{
    if (!policy->may_refuse)
        return EXIT_SUCCESS;
    wire_say(name, error->line, strlen(error->line));
    return EXIT_FAILURE;
}

/* Reads the domain's XML into buffer, which can hold WIRE_BODY_MAX. */
static bool
read_domain(struct wire_domain *domain, char *buffer, struct wire_error *error)
{
    enum wire_io result =
        wire_read_to_end(STDIN_FILENO, buffer, WIRE_BODY_MAX,
                         wire_clock_ms() + LIBVIRT_MS, &domain->xml_len);

    domain->xml = buffer;
    switch (result) {
    case WIRE_IO_DONE:
        return true;
    case WIRE_IO_LONG:
        wire_error_set(error,
                       "its XML is longer than %u bytes: shorten its metadata "
                       "with 'virsh edit'",
                       WIRE_BODY_MAX);
        return false;
    case WIRE_IO_LATE:
        wire_error_set(error,
                       "libvirt did not hand over its XML in %d s: see "
                       "libvirt's log, then try again",
                       LIBVIRT_MS / 1000);
        return false;
    case WIRE_IO_END:
    case WIRE_IO_FAILED:
    default:
        wire_error_set(error,
                       "cannot read its XML from standard input: %s: see "
                       "libvirt's log, then try again",
                       strerror(errno));
        return false;
    }
}

static bool
check_name(const struct wire_domain *domain, struct wire_error *error)
{
    size_t len = strlen(domain->name);

    if (len >= 1 && len <= WIRE_NAME_MAX)
        return true;
    wire_error_set(error,
                   "its name has %zu bytes, and 1 to %u are possible: give it "
                   "another with 'virsh domrename'",
                   len, WIRE_NAME_MAX);
    return false;
}

/* Hands the agent's new XML to libvirt, which takes none for no change. */
static bool
write_output(const struct wire_reply *reply, struct wire_error *error)
{
    enum wire_io result =
        wire_write(STDOUT_FILENO, reply->output, reply->output_len,
                   wire_clock_ms() + LIBVIRT_MS);

    if (result == WIRE_IO_DONE)
        return true;
    wire_error_set(error,
                   "cannot hand its new XML to libvirt: %s: see libvirt's "
                   "log, then try again",
                   result == WIRE_IO_LATE  ? "it does not read"
                   : result == WIRE_IO_END ? "it closed the pipe"
                                           : strerror(errno));
    return false;
}

static int
obey(const struct hook_policy *policy,
     const struct wire_domain *domain,
     const struct wire_reply *reply)
{
    struct wire_error error;

    if (reply->verdict == WIRE_ALLOW) {
        if (!policy->filter || write_output(reply, &error))
            return EXIT_SUCCESS;
        return fail(policy, domain->name, &error);
    }
    if (reply->message_len == 0) {
        wire_error_set(&error, "the agent (remorad) refused without saying "
                               "why: see 'journalctl -u remorad'");
        return fail(policy, domain->name, &error);
    }
    wire_say(NULL, reply->message, reply->message_len);
    return EXIT_FAILURE;
}

static int
ask(const struct hook_policy *policy, const struct wire_domain *domain)
{
    struct wire_reply reply;
    struct wire_error error;
    int status;

    switch (
        wire_ask(ASK_PATH, (enum wire_op)policy->ask, domain, &reply, &error)) {
    case WIRE_ANSWERED:
        status = obey(policy, domain, &reply);
        wire_reply_clear(&reply);
        return status;
    case WIRE_NOBODY:
        hook_one_shot(REMORA_REMORAD, policy->operation, domain, &error);
        return fail(policy, domain->name, &error);
    case WIRE_FAILED:
    default:
        return fail(policy, domain->name, &error);
    }
}

/* Without an agent a claim would stay that this would have ended. */
static void
tell(const struct hook_policy *policy, const struct wire_domain *domain)
{
    if (!hook_tell(TELL_PATH, (enum wire_op)policy->tell, domain))
        hook_one_shot_later(REMORA_REMORAD, REMORA_RUNDIR, policy->operation,
                            domain);
}

static int
run(const struct hook_policy *policy, const char *name)
{
    wire_autofree char *buffer = malloc(WIRE_BODY_MAX);
    struct wire_domain domain = {.name = name};
    struct wire_error error;

    if (!buffer) {
        wire_error_set(&error, "the host has no memory left for its XML: free "
                               "some, then try again");
        return fail(policy, name, &error);
    }
    if (!read_domain(&domain, buffer, &error))
        return fail(policy, name, &error);
    if (!wire_sieve(domain.xml, domain.xml_len))
        return EXIT_SUCCESS;
    if (!check_name(&domain, &error))
        return fail(policy, name, &error);
    if (policy->ask != HOOK_NO_OP)
        return ask(policy, &domain);
    tell(policy, &domain);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    const struct hook_policy *policy;

    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 4) {
        /* Not libvirt; but if it should be, nothing may be refused. */
        static const char usage[] =
            "usage: qemu-hook DOMAIN OPERATION SUBOPERATION EXTRA, with the "
            "domain's XML on standard input: libvirt runs it";

        wire_say(NULL, usage, sizeof(usage) - 1);
        return EXIT_SUCCESS;
    }
    policy = hook_policy_find(argv[2], argv[3]);
    if (policy->ask == HOOK_NO_OP && policy->tell == HOOK_NO_OP)
        return EXIT_SUCCESS;
    return run(policy, argv[1]);
}
