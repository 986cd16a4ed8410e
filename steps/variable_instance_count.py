"""Let a transform job's instance count be a pipeline variable.

`sagemaker` 3.27 puts the count into a type that only takes an integer, though the definition may say
`{"Get": …}` or `{"Std:JsonGet": …}` there. This is the one place that works around it: the SDK checks the
request with one instance, and the variable is put back afterwards. To be deleted when
`Transformer(instance_count=<variable>)` compiles by itself; a test says so on the day it does.
"""

from __future__ import annotations

from typing import Any

from steps.run_context import Variable
from steps.sdk import Transformer, serialize


class VariableCountTransformer(Transformer):  # type: ignore[misc] # the SDK ships no types
    """A Transformer whose `instance_count` may be a pipeline variable."""

    def _get_transform_request(self, *, resource_config: dict[str, Any], **rest: Any) -> dict[str, Variable]:
        checked = {**resource_config, "instance_count": 1}
        request: dict[str, Variable] = super()._get_transform_request(resource_config=checked, **rest)
        resources = serialize(request["TransformResources"])
        request["TransformResources"] = {**resources, "InstanceCount": resource_config["instance_count"]}
        return request
