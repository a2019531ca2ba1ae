r"""Layers of a `Chain`: what networks are made of today, each with its first and second derivatives in closed form.

Every layer is described by its options; `hesslib.Chain` puts layers one after the other and gives them a loss.
"""

from hesslib.layers.affine import Affine, Position, Scale
from hesslib.layers.attention import Attention
from hesslib.layers.batch_norm import BatchNorm, Standardise
from hesslib.layers.branches import Concatenate, Product, Residual, Sum
from hesslib.layers.chain import Chain
from hesslib.layers.convolution import Convolution
from hesslib.layers.cross_attention import CrossAttention
from hesslib.layers.dense import Dense, Embedding
from hesslib.layers.elementwise import Activation
from hesslib.layers.graph import Graph
from hesslib.layers.layer import Layer, Primitive
from hesslib.layers.linearised import Linearised
from hesslib.layers.merges import Add, Join, Times
from hesslib.layers.normalisation import LayerNorm, Normalise, RMSNorm
from hesslib.layers.pooling import AveragePool, MaxPool
from hesslib.layers.shapes import Flatten, Mean, Reshape, Transpose
from hesslib.layers.softmax_attention import SoftmaxAttention

__all__ = [
    "Activation",
    "Add",
    "Affine",
    "Attention",
    "AveragePool",
    "BatchNorm",
    "Chain",
    "Concatenate",
    "Convolution",
    "CrossAttention",
    "Dense",
    "Embedding",
    "Flatten",
    "Graph",
    "Join",
    "Layer",
    "LayerNorm",
    "Linearised",
    "MaxPool",
    "Mean",
    "Normalise",
    "Position",
    "Primitive",
    "Product",
    "RMSNorm",
    "Reshape",
    "Residual",
    "Scale",
    "SoftmaxAttention",
    "Standardise",
    "Sum",
    "Times",
    "Transpose",
]
