// 468 points on each face of a picture: fer_nb.facemesh. A point is [x, y, z].
import { clip, open, range, rint } from './core.js'
const f32 = Math.fround

let nets
const opened = () => nets ??= Promise.all(['detector', 'mesh'].map(name => open(`facemesh/${name}.onnx`)))

// Pixels at places in 1/32 pixel, mixed from four: uint8 (3, n, n)
function sample(image, n, places, black) {
  const { data, width: w, height: h, channels: c } = image, out = new Uint8Array(3*n*n)
  const inside = (x, y) => x >= 0 && y >= 0 && x < w && y < h
  for (let j = 0, to = 0; j < n; j++) {
    for (let i = 0; i < n; i++, to++) {
      const [px, py] = places(i, j), x = px >> 5, y = py >> 5, fx = px & 31, fy = py & 31
      for (let k = 0; k < (c === 1 ? 1 : 3); k++) {
        const at = (u, v) => black && !inside(u, v) ? 0 : data[(clip(v, 0, h - 1)*w + clip(u, 0, w - 1))*c + k]
        const a = at(x, y), b = at(x, y + 1)
        const upper = a*32 + (at(x + 1, y) - a)*fx, lower = b*32 + (at(x + 1, y + 1) - b)*fx
        out[k*n*n + to] = (upper*32 + (lower - upper)*fy + 512) >> 10
      }
    }
  }
  if (c === 1) { out.copyWithin(n*n, 0, n*n); out.copyWithin(2*n*n, 0, n*n) }
  return out
}

// The picture in the middle of a black square
function letterbox(image, side = 128) {
  const { width: w, height: h } = image, size = Math.max(w, h)
  const xs = range(side).map(i => rint(32*(i*(size/side) + (w - size)/2)))
  const ys = range(side).map(i => rint(32*(i*(size/side) + (h - size)/2)))
  return sample(image, side, (i, j) => [xs[i], ys[j]], true)
}

// Centres of the detector's proposals
function grid(n, each) {
  return range(n*n).flatMap(i => range(each).map(() => [f32((i%n + .5)/n), f32((Math.floor(i/n) + .5)/n)]))
}
const ANCHORS = [...grid(16, 2), ...grid(8, 6)]

// Upper left, lower right and two eyes of a proposal, 0 to 1
function decode(raw, [ax, ay]) {
  const [x, y, w, h, ...eyes] = raw
  const points = [[x - w/2, y - h/2], [x + w/2, y + h/2], [eyes[0], eyes[1]], [eyes[2], eyes[3]]]
  return points.map(([u, v]) => [f32(f32(u/128) + ax), f32(f32(v/128) + ay)])
}
const sigmoid = x => 1/(1 + Math.exp(-clip(x, -80, 80)))

// Proposals and their scores, the best first
async function proposals(image, confidence) {
  const [detector] = await opened()
  const { boxes, scores } = await detector({ pixels: ['uint8', letterbox(image), [1, 3, 128, 128]] }), found = []
  scores.data.forEach((s, i) => {
    const score = f32(sigmoid(s))
    if (score >= f32(confidence)) found.push({ score, points: decode(boxes.data.subarray(16*i, 16*i + 8), ANCHORS[i]) })
  })
  return found.sort((a, b) => b.score - a.score)
}

// Intersection over union of two corners
function overlap([a0, a1], [b0, b1]) {
  const side = k => Math.max(0, Math.min(a1[k], b1[k]) - Math.max(a0[k], b0[k]))
  const both = side(0)*side(1), area = (p, q) => (q[0] - p[0])*(q[1] - p[1])
  return both/Math.max(area(a0, a1) + area(b0, b1) - both, 1e-12)
}

// One proposal for each face: the mean of those that overlap the best, weighted by score
function merge(found, least = .3) {
  const faces = []
  while (found.length) {
    const same = found.map(f => overlap(found[0].points, f.points) > least)
    if (!same[0]) break // a box without an area
    const near = found.filter((_, i) => same[i]), weight = near.reduce((s, f) => s + f.score, 0)
    faces.push(range(4).map(i => [0, 1].map(k => f32(near.reduce((s, f) => s + f.points[i][k]*f.score, 0)/weight))))
    found = found.filter((_, i) => !same[i])
  }
  return faces
}

// Centre, side and angle of the square that the mesh looks at, in pixels
function region(face, { width: w, height: h }) {
  const size = Math.max(w, h), pad = [size - w, size - h]
  const [a, b, [x0, y0], [x1, y1]] = face.map(p => p.map((v, k) => f32(f32(v*size) - pad[k]/2)))
  const side = f32(f32(Math.max(b[0] - a[0], b[1] - a[1]))*1.5)
  return { x: f32(f32(a[0] + b[0])/2), y: f32(f32(a[1] + b[1])/2), side, angle: Math.atan2(f32(y1 - y0), f32(x1 - x0)) }
}

// What a region shows; the picture's edge repeats outside
function warp(image, { x, y, side, angle }, n = 192) {
  const right = f32(side*f32(Math.cos(angle))), down = f32(side*f32(Math.sin(angle)))
  const left = f32(32*f32(f32(x - right/2) + down/2)), top = f32(32*f32(f32(y - right/2) - down/2)), step = 32/n
  const place = (i, j) => [rint(left + i*step*right - j*step*down), rint(top + i*step*down + j*step*right)]
  return sample(image, n, place, false)
}

// Points in a region, and the probability that it is a face
async function look(image, place) {
  const [, mesh] = await opened(), { width: w, height: h } = image, { x, y, side, angle } = place
  const { points, presence } = await mesh({ pixels: ['uint8', warp(image, place), [1, 3, 192, 192]] })
  const c = f32(Math.cos(angle)), s = f32(Math.sin(angle)), at = points.data
  const found = range(at.length/3).map(i => {
    const u = (at[3*i]/192 - .5)*side, v = (at[3*i + 1]/192 - .5)*side, z = at[3*i + 2]/192*side
    return [f32((c*u - s*v + x)/w), f32((s*u + c*v + y)/h), f32(z/w)]
  })
  return { points: found, face: sigmoid(presence.data[0]) }
}

// Regions of which no two share more than half of their union; the later one stays
function apart(regions) {
  let kept = []
  for (const r of regions) {
    const square = [[r.x - r.side/2, r.y - r.side/2], [r.x + r.side/2, r.y + r.side/2]]
    kept = [...kept.filter(k => overlap(square, k.square) <= .5), { ...r, square }]
  }
  return kept
}

// Points of each face, 0 to 1 in the picture, as MediaPipe's FaceMesh gives them
export async function faceMesh(image, most, confidence) {
  const faces = merge(await proposals(image, confidence)).slice(0, most), out = []
  for (const place of apart(faces.map(f => region(f, image)))) {
    const { points, face } = await look(image, place)
    if (face > .5) out.push(points)
  }
  return out
}
