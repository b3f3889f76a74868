// The face detector: fer_nb.mtcnn. A box is [x0, y0, x1, y1].
import { clip, open, rint } from './core.js'
import { shrunk } from './pillow.js'

let nets
async function opened() {
  nets ??= Promise.all(['pnet', 'rnet', 'onet'].map(async name => {
    const run = await open(`mtcnn/${name}.onnx`)
    return async (data, dims) => {
      const { score, shift } = await run({ pixels: ['float32', data, dims] })
      return { score: score.data, shift: shift.data, dims: score.dims }
    }
  }))
  return nets
}

// Sums of all pixels above and to the left: {planes: 3 Int32Arrays, width, height}, one more each way than the picture
function table(image) {
  const { data, width, height } = image, w = width + 1
  const planes = [0, 1, 2].map(k => {
    const sums = new Int32Array(w*(height + 1))
    for (let y = 0, at = k; y < height; y++) {
      for (let x = 0, row = 0, to = (y + 1)*w + 1; x < width; x++, at += 4, to++) {
        row += data[at]
        sums[to] = sums[to - w] + row
      }
    }
    return sums
  })
  return { planes, width: w, height: height + 1 }
}

function everySecond({ planes, width, height }) {
  const w = Math.ceil(width/2), h = Math.ceil(height/2)
  const half = planes.map(sums => {
    const out = new Int32Array(w*h)
    for (let y = 0, to = 0; y < h; y++) for (let x = 0; x < w; x++, to++) out[to] = sums[2*y*width + 2*x]
    return out
  })
  return { planes: half, width: w, height: h }
}

// First and last edge of `n` cells between `start` and `stop`; they overlap where they must
function cells(start, stop, n) {
  const low = new Int32Array(n), high = new Int32Array(n), d = stop - start
  for (let i = 0; i < n; i++) { low[i] = start + Math.floor(i*d/n); high[i] = start + Math.ceil((i + 1)*d/n) }
  return [low, high]
}

// The picture at `scale` on gray, from every `step`th entry of its table
function shrink(sums, scale, margin, step) {
  const h = Math.trunc((sums.height - 1)*step*scale + 1), w = Math.trunc((sums.width - 1)*step*scale + 1)
  const [y0, y1] = cells(0, sums.height - 1, h), [x0, x1] = cells(0, sums.width - 1, w)
  const wide = w + 2*margin, high = h + 2*margin, out = new Float32Array(3*wide*high).fill(127.5)
  sums.planes.forEach((plane, k) => {
    for (let y = 0; y < h; y++) {
      const top = y0[y]*sums.width, low = y1[y]*sums.width
      for (let x = 0, to = (k*high + margin + y)*wide + margin; x < w; x++, to++) {
        const cell = plane[low + x1[x]] - plane[top + x1[x]] - plane[low + x0[x]] + plane[top + x0[x]]
        out[to] = Math.fround(cell)*Math.fround(1/((y1[y] - y0[y])*(x1[x] - x0[x])*step**2))
      }
    }
  })
  return { data: out, dims: [1, 3, high, wide] }
}

const GRAY = 127 // the border: what the networks take for nothing

// What a box shows, written into `out` (3, n, n) from `to` on; false if it shows nothing
function crop(sums, box, n, border, out, to) {
  const w = sums.width - 1, h = sums.height - 1
  const x0 = Math.max(Math.trunc(box[0]), 1) - 1, y0 = Math.max(Math.trunc(box[1]), 1) - 1 // its boxes count from one
  const x1 = Math.min(Math.trunc(box[2]), w + 2*border), y1 = Math.min(Math.trunc(box[3]), h + 2*border)
  if (!(x1 > x0 && y1 > y0)) return false
  const [left, right] = cells(x0, x1, n), [top, low] = cells(y0, y1, n)
  const inX = v => clip(v - border, 0, w), inY = v => clip(v - border, 0, h)
  for (let y = 0; y < n; y++) {
    const a = inY(top[y]), b = inY(low[y])
    for (let x = 0; x < n; x++) {
      const c = inX(left[x]), d = inX(right[x]), area = (right[x] - left[x])*(low[y] - top[y])
      const gray = (area - (d - c)*(b - a))*GRAY, weight = Math.fround(1/area)
      for (let k = 0; k < 3; k++) {
        const p = sums.planes[k]
        const cell = p[b*sums.width + d] - p[b*sums.width + c] - p[a*sums.width + d] + p[a*sums.width + c] + gray
        out[to + (k*n + y)*n + x] = Math.fround(cell)*weight
      }
    }
  }
  return true
}

function shared(a, b, pixel = 0) {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + pixel, h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + pixel
  return Math.max(0, w)*Math.max(0, h)
}
const area = (b, pixel = 0) => (b[2] - b[0] + pixel)*(b[3] - b[1] + pixel)
const bestFirst = found => [...found].sort((a, b) => b.score - a.score)

// The best boxes: none shares more than `overlap` (intersection over union) with a better one
function distinct(found, overlap) {
  const kept = []
  for (const f of bestFirst(found)) {
    const size = area(f.box)
    if (!kept.some(k => { const s = shared(f.box, k.box); return s > overlap*(size + area(k.box) - s) })) kept.push(f)
  }
  return kept
}

// None has more than `overlap` of its area, or of the better one's, in common with a better one
function outermost(found, overlap = .7) {
  const kept = []
  for (const f of bestFirst(found)) {
    if (kept.every(k => shared(f.box, k.box, 1) <= overlap*Math.min(area(f.box, 1), area(k.box, 1)))) kept.push(f)
  }
  return kept
}

// Grown along its shorter side
function square([x0, y0, x1, y1]) {
  const x = (x0 + x1)/2, y = (y0 + y1)/2, half = Math.max(x1 - x0, y1 - y0)/2
  return [x - half, y - half, x + half, y + half]
}

// Moved by its shift, fractions of its sides
function moved({ box, shift, score }, pixel = 1) {
  const sides = [box[2] - box[0] + pixel, box[3] - box[1] + pixel]
  return { box: box.map((v, i) => v + shift[i]*sides[i%2]), score }
}

// What the first network proposes in one size
async function look(pnet, pixels, scale, margin, threshold) {
  const { score, shift, dims } = await pnet(pixels.data, pixels.dims), [,, h, w] = dims, found = []
  const place = v => Math.floor(Math.fround(v/Math.fround(scale)))
  for (let y = 0, at = 0; y < h; y++) {
    for (let x = 0; x < w; x++, at++) {
      if (score[at] < threshold) continue
      const i = 2*x + 1 - margin, j = 2*y + 1 - margin // windows of 12 pixels, 2 apart
      const box = [place(i), place(j), place(i + 11), place(j + 11)]
      found.push({ box, score: score[at], shift: [0, 1, 2, 3].map(k => shift[k*h*w + at]) })
    }
  }
  return distinct(found, .5)
}

// Boxes for faces of `window` pixels and larger ones, best first
async function propose(pnet, sums, border, window, threshold, factor = .709) {
  const found = []
  let scale = 12/window, step = 1
  const side = Math.min(sums.height, sums.width) - 1 + 2*border
  for (; side*scale >= 12; scale *= factor) {
    while (border && 2*step*scale <= 1 && Math.min(sums.height, sums.width) > 2) { sums = everySecond(sums); step *= 2 }
    const margin = Math.min(8, Math.trunc(border*scale)), pixels = shrink(sums, scale, margin, step)
    if (Math.min(pixels.dims[2], pixels.dims[3]) < 12) continue
    const seen = await look(pnet, pixels, scale, margin, threshold)
    found.push(...seen.map(f => ({ ...f, box: f.box.map(v => v + border) })))
  }
  return bestFirst(found).map(f => moved(f, 0))
}

// Those square boxes that a later network believes in
async function judge(net, sums, found, n, threshold, border, batch = 64) {
  const kept = []
  for (let start = 0; start < found.length; start += batch) {
    const boxes = found.slice(start, start + batch).map(f => square(f.box)), all = new Float32Array(boxes.length*3*n*n)
    let size = 0
    const seen = boxes.filter(box => { const ok = crop(sums, box, n, border, all, size*3*n*n); size += ok; return ok })
    if (!size) continue
    const { score, shift } = await net(all.subarray(0, size*3*n*n), [size, 3, n, n])
    seen.forEach((box, i) => {
      if (score[i] > threshold) kept.push({ box, score: score[i], shift: Array.from(shift.subarray(4*i, 4*i + 4)) })
    })
  }
  return kept
}

// Boxes and scores on a picture with a gray border round it, faces from about `window` pixels
export async function mtcnn(image, window, border, thresholds) {
  const [pnet, rnet, onet] = await opened(), sums = table(image)
  let found = await propose(pnet, sums, border, window, thresholds[0])
  found = distinct(await judge(rnet, sums, found, 24, thresholds[1], border), .7).map(f => moved(f))
  found = await judge(onet, sums, found, 48, thresholds[2], border)
  return outermost(found.map(f => moved(f)))
}

// The picture shrunk to `side`, its scale [x, y], and the border's width
export function fit(image, side) {
  const { width: w, height: h } = image, by = Math.min(1, side/Math.max(h, w))
  const cw = Math.max(1, rint(w*by)), ch = Math.max(1, rint(h*by))
  const small = cw === w && ch === h ? image : shrunk(image, cw, ch)
  return { small, scale: [cw/w, ch/h], border: Math.min(96, Math.floor(Math.min(cw, ch)/4)) }
}
