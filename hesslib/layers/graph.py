"""Layers that take the outputs of any layers before them: what a traced model is."""

from __future__ import annotations

from dataclasses import dataclass

from hesslib.layers.branches import branch_of
from hesslib.layers.layer import Builder, Layer
from hesslib.layers.merges import Merge


@dataclass(frozen=True)
class Graph(Layer):
    """Layers that take the outputs of any layers before them: what is no chain, sums and residuals.

    Options
    -------
    nodes
        For each layer its name, the layer, and the numbers of the states it takes: 0 is the input of the graph, i + 1
        what node i gives. Several states go to a function that takes several, such as a sum. The last node gives the
        outputs.

    Shapes: those of the layers.
    Cost: that of the layers, in operations and in memory.
    Errors: ValueError if a node takes a state that is not there yet.

    >>> from hesslib.layers import Activation, Add, Dense
    >>> graph = Graph((("a", Dense(2, 2), (0,)), ("h", Activation("tanh"), (1,)), ("sum", Add(2), (1, 2))))
    >>> len(graph.nodes)
    3
    """

    nodes: tuple[tuple[str, Layer, tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        for number, (name, layer, inputs) in enumerate(self.nodes):
            branch_of([layer])
            if not inputs or not all(0 <= node <= number for node in inputs):
                raise ValueError(f"nodes[{number}], {name}, takes the states {inputs}; they must be from 0 to {number}")
            if (len(inputs) > 1) != isinstance(layer, Merge):
                raise ValueError(
                    f"nodes[{number}], {name}, takes {len(inputs)} states; {type(layer).__name__} does not"
                )

    def build(self, program: Builder, node: int, name: str, /) -> int:
        states = [node]
        for place, layer, inputs in self.nodes:
            if isinstance(layer, Merge):
                states.append(program.add(layer, tuple(states[i] for i in inputs), place))
            else:
                states.append(layer.build(program, states[inputs[0]], place))
        return states[-1]
