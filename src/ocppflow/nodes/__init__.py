"""The two nodes of a flow, CSMS and CS, and the engine that hosts them for a flow runtime."""

from ocppflow.nodes.contract import ALL, LINK_CALL, OCPP_LOG, BadInput
from ocppflow.nodes.cs_node import CSNode
from ocppflow.nodes.csms_node import CSMSNode
from ocppflow.nodes.states import NodeState

__all__ = ["ALL", "LINK_CALL", "OCPP_LOG", "BadInput", "CSMSNode", "CSNode", "NodeState"]
