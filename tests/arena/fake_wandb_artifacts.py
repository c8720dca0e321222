"""Artifacts, as the fake wandb server keeps them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CREATED = "2026-01-01T00:00:00Z"
LAST_PAGE = {"endCursor": None, "hasNextPage": False}


def project(name: str, entity: str = "me") -> dict[str, Any]:
    return {"id": name, "internalId": "1", "name": name, "entityName": entity, "entity": {"id": entity, "name": entity}}


@dataclass
class Artifact:
    """files: the contents of each by its path, once all are there."""

    id: str
    project: str
    run: str
    type: str
    name: str
    version: int
    digest: str
    aliases: set[str]
    metadata: str
    committed: bool = False
    files: dict[str, bytes] = field(default_factory=dict)


class Artifacts:
    """Each method whose name is that of a GraphQL operation answers it, given the variables.

    stored: what was uploaded, by the path of its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.artifacts: list[Artifact] = []
        self.stored: dict[str, bytes] = {}

    def CreateArtifact(self, given: Mapping[str, Any]) -> Any:
        """A new version, or the one that has these very contents already."""
        asked = given["input"]
        name = asked["artifactCollectionName"]
        versions = [one for one in self.artifacts if one.name == name]
        made = next((one for one in versions if one.digest == asked["digest"] and one.committed), None)
        if made is None:
            identity = f"artifact{len(self.artifacts)}"
            digest, kind, metadata = asked["digest"], asked["artifactTypeName"], asked.get("metadata") or "{}"
            where = asked["projectName"], asked["runName"]
            made = Artifact(identity, *where, kind, name, len(versions), digest, set(), metadata)
            self.artifacts.append(made)
        aliases = {alias["alias"] for alias in asked["aliases"]}
        for one in versions:
            one.aliases -= aliases
        made.aliases |= aliases
        latest = {"id": versions[-1].id} if versions else None
        artifact = {**self._told(made), "artifactSequence": {"latestArtifact": latest}}
        return {"createArtifact": {"artifact": artifact}}

    def CreateArtifactManifest(self, given: Mapping[str, Any]) -> Any:
        return {"createArtifactManifest": self._manifest(given["artifactID"])}

    def UpdateArtifactManifest(self, given: Mapping[str, Any]) -> Any:
        return {"updateArtifactManifest": self._manifest(given["artifactManifestID"])}

    def CreateArtifactFiles(self, given: Mapping[str, Any]) -> Any:
        edges = []
        for file in given["input"]["artifactFiles"]:
            path = f"artifacts/{file['artifactID']}/{file['name']}"
            told = {"storagePath": path, "uploadUrl": f"{self.url}/{path}", "uploadHeaders": []}
            edges.append({"node": {**told, "uploadMultipartUrls": None, "artifact": {"id": file["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def CommitArtifact(self, given: Mapping[str, Any]) -> Any:
        """Every file of the manifest has to be there, with the digest that it says."""
        artifact = self._artifact(given["artifactID"])
        for path, entry in json.loads(self.stored[f"/manifests/{artifact.id}"])["contents"].items():
            artifact.files[path] = self.stored[f"/artifacts/{artifact.id}/{path}"]
            assert base64.b64encode(hashlib.md5(artifact.files[path]).digest()).decode() == entry["digest"], path
        artifact.committed = True
        return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}

    def ArtifactByID(self, given: Mapping[str, Any]) -> Any:
        return {"artifact": self._told(self._artifact(given["id"]))}

    def ArtifactType(self, given: Mapping[str, Any]) -> Any:
        """Of the artifact that is named, or null where there is none yet."""
        found = [one for one in self.artifacts if one.name == given["name"].partition(":")[0]]
        return {"project": {"artifact": {"artifactType": {"name": found[0].type}} if found else None}}

    def ArtifactMembershipByName(self, given: Mapping[str, Any]) -> Any:
        name, _, alias = given["name"].partition(":")
        named = [one for one in self.artifacts if (one.project, one.name) == (given["project"], name)]
        found = [one for one in named if one.committed and alias in (f"v{one.version}", *one.aliases)]
        return {"project": {"artifactCollectionMembership": self._member(found[0]) if found else None}}

    def FetchArtifactManifest(self, given: Mapping[str, Any]) -> Any:
        return {"artifact": {"currentManifest": {"file": {"directUrl": f"{self.url}/manifests/{given['id']}"}}}}

    def GetArtifactMembershipFileUrls(self, given: Mapping[str, Any]) -> Any:
        named = {"project": given["project"], "name": f"{given['collection']}:{given['alias']}"}
        member = self.ArtifactMembershipByName(named)["project"]["artifactCollectionMembership"]
        one = self._artifact(member["id"])
        files = [{"name": path, "directUrl": f"{self.url}/artifacts/{one.id}/{path}"} for path in one.files]
        page = {"pageInfo": LAST_PAGE, "edges": [{"node": {"__typename": "File", **file}} for file in files]}
        collection = {"__typename": "ArtifactSequence", "artifactMembership": {"files": page}}
        return {"project": {"artifactCollection": collection}}

    def _artifact(self, identity: str) -> Artifact:
        return next(one for one in self.artifacts if one.id == identity)

    def _manifest(self, identity: str) -> Any:
        """One to each artifact, of its id."""
        file = {"id": identity, "uploadUrl": f"{self.url}/manifests/{identity}", "uploadHeaders": []}
        return {"artifactManifest": {"id": identity, "file": file}}

    def _member(self, one: Artifact) -> Any:
        told = self._told(one)
        same = {name: told[name] for name in ("id", "versionIndex", "createdAt", "aliases")}
        return {**same, "artifactCollection": told["artifactSequence"], "artifact": told}

    def _told(self, one: Artifact) -> dict[str, Any]:
        collection = {"__typename": "ArtifactSequence", "name": one.name, "project": project(one.project)}
        alias = {"__typename": "ArtifactAlias", "artifactCollection": collection}
        return {
            "id": one.id,
            "artifactSequence": collection,
            "versionIndex": one.version,
            "artifactType": {"name": one.type},
            "description": None,
            "metadata": one.metadata,
            "ttlDurationSeconds": -2,
            "ttlIsInherited": True,
            "tags": [],
            "historyStep": None,
            "state": "COMMITTED" if one.committed else "PENDING",
            "size": sum(map(len, one.files.values())),
            "digest": one.digest,
            "commitHash": "",
            "fileCount": len(one.files),
            "createdAt": CREATED,
            "updatedAt": None,
            "aliases": [{**alias, "id": name, "alias": name} for name in sorted(one.aliases)],
        }
