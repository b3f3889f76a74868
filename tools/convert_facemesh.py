"""Make fer_nb/weights/facemesh/*.onnx from the mediapipe wheel's own files.

    python tools/convert_facemesh.py [--source WHEEL] [--out DIR]

`--source` is mediapipe's wheel, 0.10.21; without it, the installed mediapipe is read; nothing of it runs. Both
networks are Apache-2.0 (Google; https://github.com/google-ai-edge/mediapipe). Needs onnx and flatbuffers, which `train`
brings.

Ten kinds of operations occur in the two files, so the graph is written straight from them. What changes: channels
come first
and are filled up with zeros to multiples of 16, which onnxruntime's convolutions want, and a PReLU, slow in
onnxruntime, is
x + (1-a)·relu(-x) with two convolutions of one pixel. The files' weights are halves and stay halves.
"""
import argparse
import importlib.metadata
import importlib.util
import zipfile
from pathlib import Path
import flatbuffers
import numpy as np
from flatbuffers import number_types as number
from flatbuffers.table import Table
from onnx import TensorProto, checker, helper, numpy_helper

FILES = dict(detector='face_detection/face_detection_short_range', mesh='face_landmark/face_landmark')
OUTPUTS = dict(detector=dict(boxes=16, scores=1), mesh=dict(points=1404, presence=1))  # values of a prediction
SCALE = dict(detector=(2/255, -1), mesh=(1/255, 0))  # what a pixel of 0 to 255 is for the network: times, plus
KINDS = {
    0: 'add',
    2: 'concat',
    3: 'conv',
    4: 'depthwise',
    6: 'dequantize',
    17: 'pool',
    19: 'relu',
    22: 'reshape',
    34: 'pad',
    54: 'prelu',
}

# Reading the file: flatbuffers without a generated schema; `slot` is a field's number in tflite's schema.fbs

def place(table, slot): return table.Offset(4 + 2*slot)

def scalar(table, slot, kind=number.Int32Flags, default=0):
    return table.Get(kind, table.Pos + o) if (o := place(table, slot)) else default

def array(table, slot, dtype=np.int32):
    if not (o := place(table, slot)): return np.zeros(0, dtype)
    return np.frombuffer(table.Bytes, dtype, table.VectorLen(o), table.Vector(o))

def tables(table, slot):
    o = place(table, slot)
    return [Table(table.Bytes, table.Indirect(table.Vector(o) + 4*i)) for i in range(table.VectorLen(o))] if o else []

def options(table, *slots):
    "Numbers among an operation's options; the first is its padding, a byte"
    at = table.Indirect(table.Pos + place(table, 4))
    return [scalar(Table(table.Bytes, at), s, number.Int8Flags if s == 0 else number.Int32Flags) for s in slots]

def read(data):
    "Operations as (kind, table, inputs, outputs), shapes, constants by tensor, outputs"
    model = Table(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))
    codes = [max(scalar(c, 0, number.Int8Flags), scalar(c, 3)) for c in tables(model, 1)]
    (graph,), buffers = tables(model, 2), tables(model, 4)
    tensors, constants = tables(graph, 0), {}
    for i, t in enumerate(tensors):
        raw = array(buffers[scalar(t, 2, number.Uint32Flags)], 0, np.uint8)
        if len(raw):
            constants[i] = raw.view(
                {0: np.float32, 1: np.float16, 2: np.int32}[scalar(t, 1, number.Int8Flags)]
            ).reshape(array(t, 0))
    ops = [(KINDS[codes[scalar(o, 0, number.Uint32Flags)]], o, array(o, 1), array(o, 2)) for o in tables(graph, 3)]
    return ops, [tuple(array(t, 0)) for t in tensors], constants, array(graph, 1), array(graph, 2)

# Writing the graph

class Graph:
    def __init__(self, block): self.nodes, self.weights, self.block = [], [], block

    def constant(self, value, name=None):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name or f'w{len(self.weights)}'))
        return self.weights[-1].name

    def half(self, value): return self.op('Cast', self.constant(np.asarray(value, np.float16)), to=TensorProto.FLOAT)

    def op(self, kind, *inputs, output=None, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output or f'x{len(self.nodes)}'], **attributes))
        return self.nodes[-1].output[0]

    def full(self, a, *axes):
        "`a` with zeros up to a multiple of the block along `axes`"
        return np.pad(a, [(0, -n % self.block if i in axes else 0) for i, n in enumerate(a.shape)])

    def prelu(self, x, slope):
        slope = self.full(slope.reshape(-1, 1, 1, 1), 0)
        below = self.op('Relu', self.op('Conv', x, self.half(-np.ones_like(slope)), group=len(slope)))
        rest = self.op('Sub', self.constant(np.float32(1)), self.half(slope))
        return self.op('Add', self.op('Conv', below, rest, group=len(slope)), x)

def pads(size, kernel, stride, padding):
    "ONNX's pads for tflite's 'same' (0) or 'valid' (1), square"
    spare = 0 if padding else max(0, (-(-size//stride)-1)*stride + kernel - size)
    return [spare//2, spare//2, spare-spare//2, spare-spare//2]

def convolve(g, kind, table, x, weight, bias, size, last):
    padding, stride = options(table, 0, 2)
    w = weight.transpose(3, 0, 1, 2) if kind == 'depthwise' else weight.transpose(0, 3, 1, 2)  # (out, in, k, k)
    outer = () if last else (0,)  # a head's channels are predictions: none is added
    w = g.full(w, *outer, *(() if kind == 'depthwise' or w.shape[1] == 3 else (1,)))
    return g.op('Conv', x, g.half(w), g.half(g.full(bias, *outer)), strides=[stride, stride],
                pads=pads(size, w.shape[2], stride, padding), group=len(w) if kind == 'depthwise' else 1)

def convert(data, name, block=16):
    ops, shapes, known, (start,), ends = read(data)
    g, (times, plus) = Graph(block), SCALE[name]
    pixels = g.op('Mul', g.op('Cast', 'pixels', to=TensorProto.FLOAT), g.constant(np.float32(times)))
    names, finals = {start: g.op('Add', pixels, g.constant(np.float32(plus))) if plus else pixels}, set(ends)
    for _, _, inputs, (out,) in reversed([o for o in ops if o[0] in ('reshape', 'concat')]):
        if out in finals: finals.update(inputs)
    for kind, table, inputs, (out,) in ops:
        if kind == 'dequantize': known[out] = known[inputs[0]]; continue
        x, (size, depth) = names.get(inputs[0]), (shapes[inputs[0]][i] for i in (1, -1))
        last = out in finals or inputs[0] in finals
        if kind in ('conv', 'depthwise'):
            y = convolve(g, kind, table, x, known[inputs[1]], known[inputs[2]], size, last)
        elif kind == 'relu': y = g.op('Relu', x)
        elif kind == 'prelu': y = g.prelu(x, known[inputs[1]])
        elif kind == 'add': y = g.op('Add', x, names[inputs[1]])
        elif kind == 'pool':
            padding, stride, kernel = options(table, 0, 2, 4)
            y = g.op(
                'MaxPool',
                x,
                kernel_shape=[kernel, kernel],
                strides=[stride, stride],
                pads=pads(size, kernel, stride, padding),
            )
        elif (
            kind == 'pad'
        ):  # with more channels; an operation other than a convolution would break onnxruntime's chain of blocks
            old, new = (-(-n//block)*block for n in (depth, shapes[out][-1]))
            y = g.op('Conv', x, g.half(np.eye(new, old)[..., None, None])) if new > old else x
        elif kind == 'reshape':
            y = g.op('Reshape', g.op('Transpose', x, perm=[0, 2, 3, 1]), g.constant(np.array([0, -1, shapes[out][-1]])))
        elif kind == 'concat': y = g.op('Concat', *(names[i] for i in inputs), axis=1)
        names[out] = y
    return finish(g, name, shapes[start][1], {shapes[e][-1]: names[e] for e in ends})

def finish(g, name, side, ends):
    "The graph as a model with named outputs: (n, 896, 16) and (n, 896) or (n, 468, 3) and (n,)"
    shaped = dict(boxes=[0, -1, 16], scores=[0, -1], points=[0, 468, 3], presence=[-1])
    outs = []
    for out, n in OUTPUTS[name].items():
        g.op('Reshape', ends[n], g.constant(np.array(shaped[out])), output=out)
        outs.append(
            helper.make_tensor_value_info(
                out, TensorProto.FLOAT, ['n', *(896 if d < 0 else d for d in shaped[out][1:])]
            )
        )
    inputs = [helper.make_tensor_value_info('pixels', TensorProto.UINT8, ['n', 3, int(side), int(side)])]
    graph = helper.make_graph(g.nodes, name, inputs, outs, g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8, producer_name='fer_nb',
                              doc_string=f'{Path(FILES[name]).name} of MediaPipe 0.10.21 (Google; licence Apache-2.0)')
    checker.check_model(model, full_check=True)
    return model

def load(source, name):
    inside = f'mediapipe/modules/{FILES[name]}.tflite'
    if source: return zipfile.ZipFile(source).read(inside)
    return (Path(importlib.util.find_spec('mediapipe').origin).parents[1]/inside).read_bytes()

def licence(source):
    "Apache-2.0, as the wheel has it, which must go wherever the networks go"
    if source:
        wheel = zipfile.ZipFile(source)
        return wheel.read(next(n for n in wheel.namelist() if n.endswith('.dist-info/LICENSE')))
    return importlib.metadata.distribution('mediapipe').read_text('LICENSE').encode()

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--source')
    parser.add_argument('--out', type=Path, default=Path(__file__).parents[1]/'fer_nb/weights/facemesh')
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out/'LICENSE').write_bytes(licence(args.source))
    for name in FILES:
        data = convert(load(args.source, name), name).SerializeToString()
        (args.out/f'{name}.onnx').write_bytes(data)
        print(f'{name}.onnx: {len(data):,} bytes')

if __name__ == '__main__': main()
