#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of libvirt's, as proxy-clients.t needs it.

    proxy-client.py URI VERB ...

    starts    define|create ROUNDS MODEL SERIAL  new domains, one after another
    redefines ROUNDS MODEL               undefine and define again at once
    plugs     ROUNDS NAME DISK IMAGE     attach and detach a disk
    events    MODEL                      what it hears of a domain's life
    graphics  NAME                       what a descriptor of its screen says

Everything of one verb is done on one connection. What is wrong is printed, a
line each that begins with 'wrong'.
"""

import os
import random
import socket
import sys
import time
import uuid

import libvirt

STORED = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE


def wrong(*words):
    print('wrong', *words)


def named(model, name, ident):
    return model.replace('NAME', name).replace('UUID', ident)


def wait_for(path, text, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.path.exists(path):
            with open(path, encoding='latin-1') as file:
                if text in file.read():
                    return True
        time.sleep(0.01)
    return False


def start(conn, how, xml):
    if how == 'create':
        return conn.createXML(xml)
    domain = conn.defineXML(xml)
    domain.create()
    return domain


def starts(conn, how, rounds, model, serial):
    """Each guest runs on its own clone, whose name is printed."""
    slowest = 0.0
    for i in range(int(rounds)):
        name, ident = f'{how}{i}', str(uuid.uuid4())
        disk = f'vms/{ident}_disk'
        begin = time.monotonic()
        try:
            domain = start(conn, how, named(model, name, ident))
        except libvirt.libvirtError as error:
            wrong(name, error)
            continue
        slowest = max(slowest, time.monotonic() - begin)
        if f"name='{disk}'" not in domain.XMLDesc():
            wrong(name, 'does not run on its clone')
        if not wait_for(f'{serial}/{name}', 'wrote sector 2', 20):
            wrong(name, 'does not boot')
        domain.destroy()
        if how == 'define':
            domain.undefine()
        print('made', disk)
    print('slowest', int(slowest * 1000), 'ms')


def redefines(conn, rounds, model):
    """As Terraform and Nova do: gone and there again, on one connection."""
    for i in range(int(rounds)):
        ident = str(uuid.uuid4())
        title = f'title {i}'
        xml = named(model, 'again', ident)
        last = xml.replace('</name>', f'</name><title>{title}</title>')
        conn.defineXML(xml)
        conn.lookupByName('again').undefine()
        domain = conn.defineXML(last)
        stored = domain.XMLDesc(STORED)
        if f'<title>{title}</title>' not in stored:
            wrong(i, 'the title is lost')
        if "passwd='secret'" not in stored:
            wrong(i, 'the password is lost')
        time.sleep(random.random() / 50)
        if conn.lookupByName('again').XMLDesc(STORED) != stored:
            wrong(i, 'somebody changed it')
        domain.undefine()
        time.sleep(random.random() / 50)
        if 'again' in conn.listDefinedDomains():
            wrong(i, 'it came back')


def plugs(conn, rounds, name, disk, image):
    domain = conn.lookupByName(name)
    with open(disk, encoding='utf-8') as file:
        xml = file.read()
    for i in range(int(rounds)):
        # At once after it was unplugged, which the agent may not have seen yet.
        domain.attachDeviceFlags(xml, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        live = domain.XMLDesc()
        if f"name='{image}'" not in live:
            wrong(i, 'it is not there')
        at = live.index(f"name='{image}'")
        begin = live.rindex('<disk', 0, at)
        end = live.index('</disk>', at) + len('</disk>')
        domain.detachDeviceFlags(live[begin:end],
                                 libvirt.VIR_DOMAIN_AFFECT_LIVE)
        limit = time.monotonic() + 10
        while image in domain.XMLDesc():
            if time.monotonic() > limit:
                wrong(i, 'it stays')
                return
            time.sleep(0.01)


def events(conn, model):
    heard = []
    names = {
        libvirt.VIR_DOMAIN_EVENT_DEFINED: 'defined',
        libvirt.VIR_DOMAIN_EVENT_UNDEFINED: 'undefined',
        libvirt.VIR_DOMAIN_EVENT_STARTED: 'started',
        libvirt.VIR_DOMAIN_EVENT_STOPPED: 'stopped',
        libvirt.VIR_DOMAIN_EVENT_RESUMED: 'resumed',
    }

    def lifecycle(_conn, _domain, event, _detail, _opaque):
        heard.append(names.get(event, str(event)))

    conn.domainEventRegisterAny(
        None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle, None)
    domain = conn.defineXML(named(model, 'heard', str(uuid.uuid4())))
    domain.create()
    domain.destroy()
    domain.undefine()
    limit = time.monotonic() + 10
    while 'undefined' not in heard and time.monotonic() < limit:
        libvirt.virEventRunDefaultImpl()
    print(*heard)


def graphics(conn, name):
    screen = socket.socket(fileno=conn.lookupByName(name).openGraphicsFD(0))
    screen.settimeout(10)
    print(screen.recv(12).decode().strip())


def tick(timer, _opaque):
    """So that the event loop does not sleep for ever."""


def main():
    uri, verb, *rest = sys.argv[1:]
    verbs = {'starts': starts, 'redefines': redefines, 'plugs': plugs,
             'events': events, 'graphics': graphics}
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    libvirt.virEventAddTimeout(200, tick, None)
    conn = libvirt.open(uri)
    if verb in ('starts', 'redefines', 'events'):
        at = {'starts': 2, 'redefines': 1, 'events': 0}[verb]
        with open(rest[at], encoding='utf-8') as file:
            rest[at] = file.read()
    try:
        verbs[verb](conn, *rest)
    except libvirt.libvirtError as error:
        sys.exit(f'{verb}: {error}')


main()
