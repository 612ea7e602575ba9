#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/integration/cinder-driver.py - Cinder's own RBD driver, from a shell
#
#     cinder-driver.py CONF   for each line on standard input one on standard output
#
#     create ID GIB | clone ID FROM GIB | from-snapshot ID VOLUME SNAPSHOT GIB
#     from-image ID LOCATION FORMAT GIB     'cloned', or 'no': it cannot be cloned
#     extend ID GIB | delete ID
#     snapshot VOLUME ID | delete-snapshot VOLUME ID | revert VOLUME ID GIB
#     multiattach ID                        what a volume of such a type becomes
#     depth ID | connection ID | stats      as JSON
#
# It is Debian's python3-cinder, the driver alone: what Cinder knows of volumes by
# its database is made up here of what the line says. CONF is Cinder's own
# configuration, whose section [ceph] is the driver's. The answer is 'ok', what the
# driver gave, or the name of Cinder's exception and what it says.

import json
import sys
import types

from oslo_concurrency import processutils
from oslo_config import cfg

from cinder.common import config  # noqa: F401, it registers options
from cinder import objects
from cinder.volume import configuration
from cinder.volume.drivers import rbd


class Volume(types.SimpleNamespace):
    def __init__(self, uuid, size=1):
        super().__init__(
            id=uuid, name='volume-' + uuid, size=int(size), volume_type=None,
            volume_type_id=None, encryption_key_id=None, use_quota=True,
            provider_location=None, migration_status=None)


def snapshot(volume, uuid, size=1):
    return types.SimpleNamespace(
        id=uuid, name='snapshot-' + uuid, volume_id=volume,
        volume_name='volume-' + volume, volume_size=int(size),
        volume=Volume(volume, size))


class Cinder:
    def __init__(self, conf):
        cfg.CONF([], project='cinder', default_config_files=[conf])
        objects.register_all()
        self.driver = rbd.RBDDriver(
            configuration=configuration.Configuration(
                rbd.RBD_OPTS, config_group='ceph'),
            execute=processutils.execute)
        self.driver.do_setup(None)
        self.driver.check_for_setup_error()

    def create(self, uuid, size):
        self.driver.create_volume(Volume(uuid, size))

    def clone(self, uuid, source, size):
        self.driver.create_cloned_volume(Volume(uuid, size),
                                         Volume(source, size))

    def from_snapshot(self, uuid, volume, snap, size):
        self.driver.create_volume_from_snapshot(
            Volume(uuid, size), snapshot(volume, snap, size))

    def from_image(self, uuid, location, disk_format, size):
        _, cloned = self.driver.clone_image(
            None, Volume(uuid, size), (location, None),
            {'id': uuid, 'disk_format': disk_format}, None)
        return 'cloned' if cloned else 'no'

    def extend(self, uuid, size):
        self.driver.extend_volume(Volume(uuid), size)

    def delete(self, uuid):
        self.driver.delete_volume(Volume(uuid))

    def snapshot(self, volume, uuid):
        self.driver.create_snapshot(snapshot(volume, uuid))

    def delete_snapshot(self, volume, uuid):
        self.driver.delete_snapshot(snapshot(volume, uuid))

    def revert(self, volume, uuid, size):
        self.driver.revert_to_snapshot(None, Volume(volume, size),
                                       snapshot(volume, uuid, size))

    def multiattach(self, uuid):
        self.driver._enable_multiattach(Volume(uuid))

    def depth(self, uuid):
        with rbd.RADOSClient(self.driver) as client:
            return self.driver._get_clone_depth(client, 'volume-' + uuid)

    def connection(self, uuid):
        return self.driver.initialize_connection(Volume(uuid), {})

    def stats(self):
        stats = self.driver.get_volume_stats(refresh=True)
        return {key: stats[key] for key in
                ('total_capacity_gb', 'free_capacity_gb', 'backend_state')}


def answer(cinder, line):
    verb, *arguments = line.split()
    try:
        said = getattr(cinder, verb.replace('-', '_'))(*arguments)
    except Exception as error:
        return '%s: %s' % (type(error).__name__, ' '.join(str(error).split()))
    if said is None:
        return 'ok'
    return said if isinstance(said, str) else json.dumps(said)


def main():
    cinder = Cinder(sys.argv[1])
    print('ready', flush=True)
    for line in sys.stdin:
        print(answer(cinder, line), flush=True)


main()
