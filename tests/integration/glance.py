#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/glance.py - Glance's own RBD driver, from a shell
#
#     glance.py add ID FILE [unknown]   prints location, size, md5, sha512
#     glance.py size LOCATION
#     glance.py get LOCATION            its bytes, on standard output
#     glance.py delete LOCATION
#
# It is Debian's python3-glance-store as Glance itself configures it, for the pool
# 'images', as client.glance or what GLANCE_USER names. The status is 1, with the name of Glance's exception
# on stderr, where Glance would refuse.

import os
import sys

import glance_store
from glance_store import backend
from glance_store import exceptions
from oslo_config import cfg


def configure():
    conf = cfg.ConfigOpts()
    glance_store.register_opts(conf)
    conf([], project='glance')
    for name, value in {
            'stores': ['rbd'],
            'default_store': 'rbd',
            'rbd_store_pool': 'images',
            'rbd_store_user': os.environ.get('GLANCE_USER', 'glance'),
            'rbd_store_ceph_conf': '/etc/ceph/ceph.conf',
            'rbd_thin_provisioning': True}.items():
        conf.set_override(name, value, group='glance_store')
    glance_store.create_stores(conf)


def add(image, path, unknown=None):
    store = backend.get_store_from_scheme('rbd')
    length = 0 if unknown else os.path.getsize(path)
    with open(path, 'rb') as data:
        location, _, md5, sha512, _ = \
            backend.store_add_to_backend_with_multihash(
                image, data, length, 'sha512', store)
    print(location, length, md5, sha512)


def size(location):
    print(backend.get_size_from_backend(location))


def get(location):
    data, _ = backend.get_from_backend(location)
    for chunk in data:
        sys.stdout.buffer.write(chunk)


def delete(location):
    backend.delete_from_backend(location)


def main():
    verb, *arguments = sys.argv[1:]
    try:
        configure()
        {'add': add, 'size': size, 'get': get, 'delete': delete}[verb](
            *arguments)
    except exceptions.GlanceStoreException as error:
        sys.exit('%s: %s' % (type(error).__name__, error))


main()
