"""Values of the fields that the Pod Security Standards judge, good and bad ones."""

from collections.abc import Mapping
from typing import Any

Fields = dict[str, Any]

VOLUMES: Mapping[str, Fields] = {
    "configMap": {"name": "settings"},
    "csi": {"driver": "secrets.example.com"},
    "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
    "emptyDir": {},
    "ephemeral": {
        "volumeClaimTemplate": {
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        }
    },
    "image": {"reference": "registry.example.com/model:1.0.0"},
    "persistentVolumeClaim": {"claimName": "data"},
    "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
    "secret": {"secretName": "key"},
    "hostPath": {"path": "/var/log"},
    "nfs": {"server": "nfs.example.com", "path": "/data"},
    "iscsi": {"targetPortal": "192.0.2.1:3260", "iqn": "iqn.2026-01.com.example:disk", "lun": 0},
    "cephfs": {"monitors": ["192.0.2.1:6789"]},
    "rbd": {"monitors": ["192.0.2.1:6789"], "image": "disk"},
    "fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0},
    "flexVolume": {"driver": "example.com/disk"},
    "glusterfs": {"endpoints": "gluster", "path": "data"},
    "awsElasticBlockStore": {"volumeID": "vol-1"},
    "azureDisk": {"diskName": "disk", "diskURI": "https://disks.example.com/1"},
    "azureFile": {"secretName": "key", "shareName": "share"},
    "gcePersistentDisk": {"pdName": "disk"},
    "portworxVolume": {"volumeID": "1"},
    "vsphereVolume": {"volumePath": "[store] disk"},
}
SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
    "net.core.somaxconn",
    "kernel.msgmax",
)
SELINUX: Mapping[str, Fields] = {
    "type-container": {"type": "container_t"},
    "type-init": {"type": "container_init_t"},
    "type-kvm": {"type": "container_kvm_t"},
    "type-engine": {"type": "container_engine_t"},
    "type-other": {"type": "spc_t"},
    "level": {"level": "s0:c1,c2"},
    "user": {"user": "system_u"},
    "role": {"role": "system_r"},
}
PROFILES: Mapping[str, Fields] = {
    "default": {"type": "RuntimeDefault"},
    "unconfined": {"type": "Unconfined"},
    "localhost": {"type": "Localhost", "localhostProfile": "web"},
}
