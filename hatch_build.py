"""Build hook: the wheel carries the template as a git bundle with its versions."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateBundle(BuildHookInterface[Any]):
    """Write the bundle and put it into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle; an editable install needs none, it reads the checkout."""
        if version == "editable" or self.target_name != "wheel":
            return
        root = Path(self.root)
        sys.path.insert(0, str(root / "src"))
        from scaffold.engines.template_source import BUNDLE, write_bundle  # noqa: PLC0415 - the package is in src

        self._scratch = tempfile.TemporaryDirectory(prefix="scaffold-build-")
        bundle = Path(self._scratch.name) / BUNDLE
        write_bundle(root, bundle, self.metadata.version)
        build_data["force_include"][str(bundle)] = f"scaffold/{BUNDLE}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the scratch folder."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()
